"""Where a call goes: two names for an address, addresses that say whose model it is, settings that choose the way."""

from __future__ import annotations

from typing import Any

import pytest
from _upstream import KEY, Upstream, chat
from ferrolite.litellm_core_utils.get_llm_provider_logic import get_llm_provider

import ferrolite

HELLO = [{"role": "user", "content": "Hello"}]
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-4o",
    "output": [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "a", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}
VECTORS = {"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("name", "arguments", "wins"),
    [
        ("completion", {"model": "openai/m", "messages": HELLO}, "base_url"),
        ("completion", {"model": "groq/m", "messages": HELLO}, "base_url"),
        ("embedding", {"model": "openai/e", "input": ["a"]}, "api_base"),
        ("responses", {"model": "openai/gpt-4o", "input": "a"}, "api_base"),
    ],
)
def test_which_of_two_addresses_counts(name: str, arguments: dict[str, Any], wins: str) -> None:
    replies = {"completion": chat("a"), "embedding": VECTORS, "responses": RESPONSE}
    loses = "api_base" if wins == "base_url" else "base_url"
    with Upstream(lambda exchange: exchange.json(replies[name])) as upstream:
        call = getattr(ferrolite, name)
        call(**arguments, **{wins: upstream.url, loses: NOWHERE}, api_key=KEY, max_retries=0)
        call(**arguments, **{loses: upstream.url}, api_key=KEY, max_retries=0)
        assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    ("model", "address", "provider"),
    [
        ("gpt-4o", "https://api.groq.com/openai/v1", "groq"),
        ("some-model", "https://api.perplexity.ai", "perplexity"),
        ("owner/some-model", "https://api.deepseek.com/v1", "deepseek"),
        ("openai/gpt-4o", "https://api.groq.com/openai/v1", "openai"),
        ("gpt-4o", "https://api.groq.com.example/v1", "openai"),
        ("gpt-4o", "http://127.0.0.1:8080/v1", "openai"),
        ("gpt-4o", "https://api.openai.com/v1", "openai"),
    ],
)
def test_an_address_says_whose_a_bare_name_is(model: str, address: str, provider: str) -> None:
    assert get_llm_provider(model, api_base=address)[1] == provider


def test_an_address_of_nobody_leaves_an_unknown_name_unknown() -> None:
    with pytest.raises(ferrolite.BadRequestError, match="LLM Provider NOT provided"):
        get_llm_provider("some-model", api_base="https://models.example/v1")


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("openai/gpt-4o", "/v1/responses"),
        ("gpt-4o", "/v1/responses"),
        ("openai/unlisted", "/v1/responses"),
        ("openai/chat_completions/gpt-4o", "/v1/chat/completions"),
        ("groq/m", "/v1/chat/completions"),
        ("hosted_vllm/m", "/v1/chat/completions"),
    ],
)
def test_all_chat_of_openai_may_go_over_responses(
    monkeypatch: pytest.MonkeyPatch, model: str, path: str
) -> None:
    monkeypatch.setattr(ferrolite, "route_all_chat_openai_to_responses", True)
    reply = RESPONSE if path == "/v1/responses" else chat("a")
    with Upstream(lambda exchange: exchange.json(reply)) as upstream:
        made: Any = ferrolite.completion(model, HELLO, api_base=upstream.url, api_key=KEY, max_retries=0)
        assert made.choices[0].message.content == "a"
        assert [request.path for request in upstream.requests] == [path]


MOCKED: dict[str, Any] = {
    "model": "openai/gpt-4o",
    "messages": [{"role": "user", "content": "hi how are you today"}],
    "mock_response": "Hello there my friend",
}


def test_a_mocked_stream_counts_its_tokens() -> None:
    stream: Any = ferrolite.completion(**MOCKED, stream=True, stream_options={"include_usage": True})
    usage = list(stream)[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (12, 4, 16)
    whole: Any = ferrolite.completion(**MOCKED)
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (10, 20)


def test_a_stream_that_tells_no_usage_is_counted_when_it_is_put_together() -> None:
    chunks = list(ferrolite.completion(**MOCKED, stream=True))
    assert not any(chunk.get("usage") for chunk in chunks)
    made: Any = ferrolite.stream_chunk_builder(chunks, messages=MOCKED["messages"])
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (12, 4, 16)
    assert made.usage.completion_tokens_details.text_tokens == 4
    assert made._hidden_params["response_cost"] == pytest.approx(12 * 2.5e-06 + 4 * 1e-05)
    uncounted: Any = ferrolite.stream_chunk_builder(
        chunks, messages=MOCKED["messages"], count_prompt_tokens=False
    )
    assert (uncounted.usage.prompt_tokens, uncounted.usage.completion_tokens) == (0, 4)
