"""`client=`: a client of OpenAI's package carries the call, with its own address, key and transport."""

from __future__ import annotations

import asyncio
from queue import Queue
from typing import Any

import httpx
import openai
import pytest
from _upstream import KEY, PATIENCE, Upstream, chat, chunk, text_events, text_of

import ferrolite

MODEL = "openai/gpt-4o-mini"
ASK = [{"role": "user", "content": "Hi"}]


def client(upstream: Upstream, **more: Any) -> openai.OpenAI:
    return openai.OpenAI(api_key=KEY, base_url=upstream.url, max_retries=0, **more)


def test_the_request_is_the_client_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Upstream() as upstream, client(upstream, default_headers={"x-of-client": "yes"}) as given:
        answer: Any = ferrolite.completion(MODEL, ASK, client=given, temperature=0.5, top_k=3)
        sent = upstream.requests[0]
    assert answer.choices[0].message.content == "hi"
    assert answer._hidden_params["custom_llm_provider"] == "openai"
    assert answer._hidden_params["response_cost"] > 0
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-of-client"] == "yes"
    assert sent.json() == {"model": "gpt-4o-mini", "messages": ASK, "temperature": 0.5, "top_k": 3}


def test_a_transport_of_the_client_answers_without_a_server() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=chat("faked")))
    given = openai.OpenAI(api_key=KEY, http_client=httpx.Client(transport=transport))
    answer: Any = ferrolite.completion(MODEL, ASK, client=given)
    assert answer.choices[0].message.content == "faked"


def test_streams_of_both_kinds() -> None:
    with Upstream(lambda exchange: exchange.stream(text_events("a", " b"))) as upstream:
        with client(upstream) as given:
            assert text_of(ferrolite.completion(MODEL, ASK, client=given, stream=True)) == "a b"

        async def read() -> str:
            async with openai.AsyncOpenAI(api_key=KEY, base_url=upstream.url) as given:
                stream: Any = await ferrolite.acompletion(MODEL, ASK, client=given, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        assert asyncio.run(read()) == "a b"


def test_an_embedding() -> None:
    vectors = {
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    }
    vectors["usage"] = {"prompt_tokens": 1, "total_tokens": 1}
    with Upstream(lambda exchange: exchange.json(vectors)) as upstream, client(upstream) as given:
        answer: Any = ferrolite.embedding("text-embedding-3-small", ["x"], client=given)
        assert upstream.requests[0].json() == {"model": "text-embedding-3-small", "input": ["x"]}
    assert answer.data[0]["embedding"] == [0.5]


def test_errors_are_ours() -> None:
    failure = {"error": {"message": "slow down", "type": "x", "param": None, "code": None}}
    with Upstream(lambda exchange: exchange.json(failure, 429)) as upstream, client(upstream) as given:
        with pytest.raises(ferrolite.RateLimitError, match=r"OpenAIException - .*slow down"):
            ferrolite.completion(MODEL, ASK, client=given)
        assert len(upstream.requests) == 1


def test_those_who_watch_are_told() -> None:
    told: Queue[Any] = Queue()
    with Upstream() as upstream, client(upstream) as given:
        ferrolite.completion(MODEL, ASK, client=given, success_callback=[lambda *given: told.put(given)])
        response = told.get(timeout=PATIENCE)[1]
    assert response.choices[0].message.content == "hi"


def test_of_another_format_it_is_left_aside() -> None:
    reply = {"type": "message", "role": "assistant", "model": "c", "stop_reason": "end_turn", "id": "1"}
    reply |= {"content": [{"type": "text", "text": "own"}], "usage": {"input_tokens": 1, "output_tokens": 1}}
    with Upstream(lambda exchange: exchange.json(reply)) as upstream, client(upstream) as given:
        answer: Any = ferrolite.completion(
            "anthropic/claude-sonnet-4-5", ASK, client=given, api_base=upstream.origin, api_key="k"
        )
        assert upstream.requests[0].path == "/v1/messages"
    assert answer.choices[0].message.content == "own"


def test_the_texts_are_sent_as_they_are() -> None:
    """Words that stand for its key while the request is made are not taken for a key."""
    messages = [{"role": "user", "content": "what is the client's name?"}]
    with Upstream() as upstream, client(upstream) as given:
        ferrolite.completion(MODEL, messages, client=given)
        assert upstream.requests[0].json()["messages"] == messages


def test_what_the_call_says_goes_before_what_the_client_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ferrolite, "headers", {"x-of-setting": "yes"})
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=chat("hi"))

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    given = openai.OpenAI(api_key=KEY, http_client=transport, timeout=70)
    ferrolite.completion(MODEL, ASK, client=given, timeout=17, extra_query={"trace": "1"})
    ferrolite.completion(MODEL, ASK, client=given)
    assert [request.extensions["timeout"]["read"] for request in seen] == [17, 70]
    assert [request.url.query for request in seen] == [b"trace=1", b""]
    assert [request.headers["x-of-setting"] for request in seen] == ["yes", "yes"]


def test_its_cost_is_by_the_prices_of_the_call() -> None:
    told: Queue[Any] = Queue()
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    prices: dict[str, Any] = {"input_cost_per_token": 2.0, "output_cost_per_token": 3.0}
    whole = chat("hi", usage=usage)
    with Upstream(lambda exchange: exchange.json(whole)) as upstream, client(upstream) as given:
        answer: Any = ferrolite.completion(MODEL, ASK, client=given, **prices)
    assert answer._hidden_params["response_cost"] == 16.0
    *texts, done = text_events("a")
    pieces = [*texts, chunk(choices=[], usage=usage), done]
    watched: Any = {
        "success_callback": [lambda *what: told.put(what)],
        "stream_options": {"include_usage": True},
    }
    with Upstream(lambda exchange: exchange.stream(pieces)) as upstream, client(upstream) as given:
        list(ferrolite.completion(MODEL, ASK, client=given, stream=True, **watched, **prices))
        while (last := told.get(timeout=PATIENCE))[0].get("complete_streaming_response") is None:
            pass
    assert last[0]["response_cost"] == 16.0
