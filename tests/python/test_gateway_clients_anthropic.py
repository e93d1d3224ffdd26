"""Anthropic's Python client, unmodified, against the gateway, with models of any maker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from _gateway import HI, KEY, gateway, model

from ferrolite.testing import MockServer

anthropic = pytest.importorskip("anthropic")

MODELS = ["claude", "gpt-4o", "gemini"]
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with MockServer() as mock:
        models = [
            model("claude", "anthropic/claude-sonnet-4-5", mock.base_url),
            model("gpt-4o", "openai/gpt-4o", f"{mock.base_url}/v1"),
            model("gemini", "gemini/gemini-2.5-flash", mock.base_url),
            *(
                model(f"failing-{status}", f"anthropic/claude-error-{status}", mock.base_url, max_retries=0)
                for status in (400, 401, 403, 404, 429, 500)
            ),
        ]
        with gateway(tmp_path_factory.mktemp("gateway"), models, router_settings={"num_retries": 0}) as url:
            yield url


@pytest.fixture(scope="module")
def client(base: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=base, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("name", MODELS)
def test_messages(client: anthropic.Anthropic, name: str) -> None:
    reply = client.messages.create(model=name, max_tokens=100, messages=HI, system="Be brief")
    assert (reply.type, reply.role, reply.stop_reason) == ("message", "assistant", "end_turn")
    assert reply.content[0].text == 'Hello from ferrolite mock: you said "Hi"'
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


@pytest.mark.parametrize("name", MODELS)
def test_stream(client: anthropic.Anthropic, name: str) -> None:
    with client.messages.stream(model=name, max_tokens=100, messages=HI) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == 'Hello from ferrolite mock: you said "Hi"'
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0
    events = list(client.messages.create(model=name, max_tokens=100, messages=HI, stream=True))
    assert events[0].type == "message_start"
    assert events[-1].type == "message_stop"


@pytest.mark.parametrize("name", MODELS)
def test_tools_there_and_back(client: anthropic.Anthropic, name: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    ask: Any = {"model": name, "max_tokens": 100, "tools": [WEATHER]}
    reply = client.messages.create(**ask, messages=messages, tool_choice={"type": "any"})
    assert reply.stop_reason == "tool_use"
    (call,) = [block for block in reply.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "Oslo"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "12 degrees"}
    messages += [
        {"role": "assistant", "content": reply.content},
        {"role": "user", "content": [result]},
    ]
    assert "12 degrees" in client.messages.create(**ask, messages=messages).content[0].text
    with client.messages.stream(**ask, messages=messages[:1], tool_choice={"type": "any"}) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert "input_json" in kinds
    assert [block.input for block in final.content if block.type == "tool_use"] == [{"city": "Oslo"}]


@pytest.mark.parametrize("name", MODELS)
def test_count_tokens(client: anthropic.Anthropic, name: str) -> None:
    short = client.messages.count_tokens(model=name, messages=HI).input_tokens
    longer: Any = [{"role": "user", "content": "Hi " * 500}]
    assert 0 < short < 100 < client.messages.count_tokens(model=name, messages=longer).input_tokens
    assert client.messages.count_tokens(model=name, messages=HI, tools=[WEATHER]).input_tokens > short


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (400, "BadRequestError", "invalid_request_error"),
        (401, "AuthenticationError", "authentication_error"),
        (403, "PermissionDeniedError", "permission_error"),
        (404, "NotFoundError", "not_found_error"),
        (429, "RateLimitError", "rate_limit_error"),
        (500, "InternalServerError", "api_error"),
    ],
)
def test_an_upstream_error_is_the_exception_of_its_status(
    client: anthropic.Anthropic, status: int, kind: str, said: str
) -> None:
    with pytest.raises(getattr(anthropic, kind)) as raised:
        client.messages.create(model=f"failing-{status}", max_tokens=10, messages=HI)
    assert raised.value.body["type"] == "error"
    assert raised.value.body["error"]["type"] == said


def test_errors_of_the_gateway(client: anthropic.Anthropic, base: str) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Did you mean 'claude'") as unknown:
        client.messages.create(model="cluade", max_tokens=10, messages=HI)
    assert unknown.value.status_code == 400
    assert unknown.value.request_id
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        client.messages.create(model="claude", messages=HI, max_tokens=1, extra_body={"max_tokens": "many"})
    with (
        anthropic.Anthropic(base_url=base, api_key="sk-wrong", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError) as refused,
    ):
        stranger.messages.create(model="claude", max_tokens=10, messages=HI)
    assert refused.value.body["error"]["type"] == "authentication_error"
    assert "sk-wrong" not in str(refused.value)


def test_models(client: anthropic.Anthropic) -> None:
    assert {"claude", "gpt-4o", "gemini"} <= {entry.id for entry in client.models.list()}
    entry = client.models.retrieve("gpt-4o")
    assert (entry.type, entry.display_name, entry.created_at.year) == ("model", "gpt-4o", 2023)


def test_a_token_is_a_key_too(base: str) -> None:
    with anthropic.Anthropic(base_url=base, api_key=None, auth_token=KEY, max_retries=0) as client:
        assert client.messages.create(model="claude", max_tokens=9, messages=HI).content


def test_async_client(base: str) -> None:
    async def use() -> tuple[list[str], str]:
        async with anthropic.AsyncAnthropic(base_url=base, api_key=KEY, max_retries=0) as client:
            replies = await asyncio.gather(
                *(client.messages.create(model=name, max_tokens=100, messages=HI) for name in MODELS * 5)
            )
            async with client.messages.stream(model="gpt-4o", max_tokens=100, messages=HI) as stream:
                text = await stream.get_final_text()
            return [reply.content[0].text for reply in replies], text

    said, text = asyncio.run(use())
    assert set(said) == {text} == {'Hello from ferrolite mock: you said "Hi"'}
