"""Anthropic's Messages, text completions and Google's generated content: passed through, or made of chat completions."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import pytest
from _upstream import DONE, HELLO, KEY, PATIENCE, Exchange, Upstream, chat, chunk, python, quiet

import ferrolite
from ferrolite import google_genai
from ferrolite.testing import MockServer

TURN = [
    chunk({"role": "assistant", "reasoning_content": "hm"}),
    chunk({"content": "Hel"}),
    chunk({"content": "lo"}),
    chunk(
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"a": 1}'},
                }
            ]
        }
    ),
    chunk({}, "tool_calls"),
    chunk(usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}),
    DONE,
]
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Blue.", "vendor": {"x": 1}}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
CONTENT = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Blue."}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
    "modelVersion": "gemini",
    "vendor": {"x": 1},
}
TEXT = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1700000000,
    "model": "m",
    "choices": [{"text": "Blue.", "index": 0, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def sse(data: dict[str, Any]) -> bytes:
    name = f"event: {data['type']}\n" if "type" in data else ""
    return f"{name}data: {json.dumps(data)}\n\n".encode()


def settings(upstream: Upstream, model: str, **more: Any) -> dict[str, Any]:
    base = upstream.origin if model.startswith(("anthropic/", "gemini/")) else upstream.url
    return {"model": model, "api_base": base, "api_key": KEY, "max_retries": 0, "timeout": PATIENCE, **more}


def messages(upstream: Upstream, model: str = "hosted_vllm/m", **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": "hi"}]
    return settings(upstream, model, max_tokens=9, messages=turns, **more)


async def everything(stream: Any) -> list[Any]:
    return [item async for item in stream]


# Messages


def test_messages_are_where_litellm_has_them() -> None:
    from ferrolite.anthropic_interface import acreate, create

    assert ferrolite.anthropic.messages.create is create
    assert ferrolite.anthropic_interface.messages.acreate is acreate
    assert ferrolite.messages.create is create
    assert inspect.iscoroutinefunction(ferrolite.anthropic_messages)


def test_messages_pass_through() -> None:
    with Upstream(lambda exchange: exchange.json(MESSAGE)) as upstream:
        arguments = messages(
            upstream, "anthropic/claude-sonnet-4-5", system="s", extra_headers={"x-own": "1"}
        )
        made = ferrolite.anthropic.messages.create(**arguments)
        again = asyncio.run(ferrolite.anthropic.messages.acreate(**arguments))
        older = asyncio.run(ferrolite.anthropic_messages(**arguments))
        request = upstream.requests[0]
    assert made == again == older == MESSAGE
    assert type(made) is dict
    assert (request.path, request.headers["x-api-key"], request.headers["x-own"]) == (
        "/v1/messages",
        KEY,
        "1",
    )
    assert request.json() == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 9,
        "messages": arguments["messages"],
        "system": "s",
        "stream": False,
    }


def test_messages_stream_as_bytes() -> None:
    events = [
        {"type": "message_start", "message": {**MESSAGE, "content": []}},
        {"type": "ping"},
        {"type": "message_stop"},
    ]
    with Upstream(lambda exchange: exchange.stream([sse(event) for event in events])) as upstream:
        arguments = messages(upstream, "anthropic/claude-sonnet-4-5", stream=True)
        got = list(ferrolite.anthropic.messages.create(**arguments))
        again = asyncio.run(stream_of(ferrolite.anthropic.messages.acreate, arguments))
    assert got == again
    assert [json.loads(event.split(b"data: ")[1]) for event in got] == events
    assert got[1] == b'event: ping\ndata: {"type":"ping"}\n\n'


async def stream_of(function: Any, arguments: dict[str, Any]) -> list[Any]:
    return await everything(await function(**arguments))


def test_a_message_that_fails_is_one_of_our_errors() -> None:
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    with (
        Upstream(lambda exchange: exchange.json(error, 429, {"retry-after": "0"})) as upstream,
        pytest.raises(ferrolite.RateLimitError, match="slow down") as caught,
    ):
        ferrolite.anthropic.messages.create(**messages(upstream, "anthropic/claude-sonnet-4-5"))
    assert caught.value.llm_provider == "anthropic"


def test_a_bridged_message_stream_breaks_with_our_error() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(TURN[1])
        exchange.reset()

    with Upstream(answer) as upstream:
        stream = ferrolite.anthropic.messages.create(**messages(upstream, stream=True))
        first = next(stream)
        with pytest.raises(ferrolite.exceptions.MidStreamFallbackError):
            list(stream)
    assert first.startswith(b"event: message_start\n")


def test_messages_can_be_mocked() -> None:
    arguments = {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "mock_response": "hello"}
    made = ferrolite.anthropic.messages.create(model="anthropic/claude-sonnet-4-5", **arguments)
    assert made["content"] == [{"type": "text", "text": "hello"}]


def test_anthropics_client_reads_a_bridged_message() -> None:
    anthropic = pytest.importorskip("anthropic")
    with Upstream(lambda exchange: exchange.json(chat("hi"))) as upstream:
        made = ferrolite.anthropic.messages.create(**messages(upstream))
    anthropic.types.Message.model_validate(made)
    turns: Any = [{"role": "user", "content": "hi"}]
    with (
        Upstream(lambda exchange: exchange.json(made)) as upstream,
        anthropic.Anthropic(base_url=upstream.origin, api_key=KEY, max_retries=0) as client,
    ):
        read = client.messages.create(model="m", max_tokens=9, messages=turns)
    assert (read.content[0].text, read.stop_reason, read.usage.input_tokens) == ("hi", "end_turn", 3)


def test_anthropics_client_reads_bridged_events() -> None:
    anthropic = pytest.importorskip("anthropic")
    with Upstream(lambda exchange: exchange.stream(TURN)) as upstream:
        events = list(ferrolite.anthropic.messages.create(**messages(upstream, stream=True)))
    with Upstream(lambda exchange: exchange.stream(events)) as upstream:
        client = anthropic.Anthropic(base_url=upstream.origin, api_key=KEY, max_retries=0)
        turns: Any = [{"role": "user", "content": "hi"}]
        with client, client.messages.stream(model="m", max_tokens=9, messages=turns) as stream:
            final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use"]
    assert (final.content[1].text, final.content[2].input) == ("Hello", {"a": 1})
    assert (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens) == ("tool_use", 3, 5)


# Text completions


def test_text_completions_pass_through() -> None:
    with Upstream(lambda exchange: exchange.json(TEXT)) as upstream:
        arguments = settings(upstream, "hosted_vllm/m", prompt=[[1, 2]], echo=True, best_of=2, suffix="s")
        made = ferrolite.text_completion(**arguments)
        again = asyncio.run(ferrolite.atext_completion(**arguments))
        request = upstream.requests[0]
    assert isinstance(made, ferrolite.TextCompletionResponse)
    assert made.choices[0].text == again.choices[0].text == made["choices"][0]["text"] == "Blue."
    assert (made.usage.total_tokens, made._hidden_params["custom_llm_provider"]) == (3, "hosted_vllm")
    assert request.path == "/v1/completions"
    assert request.json() == {"model": "m", "prompt": [[1, 2]], "echo": True, "best_of": 2, "suffix": "s"}


def test_text_completions_take_positional_arguments() -> None:
    with Upstream(lambda exchange: exchange.json(TEXT)) as upstream:
        arguments = settings(upstream, "hosted_vllm/m")
        model = arguments.pop("model")
        assert ferrolite.text_completion("p", model, **arguments).choices[0].text == "Blue."
        made = asyncio.run(ferrolite.atext_completion("p", model, **arguments))
    assert made.choices[0].text == "Blue."
    with pytest.raises(TypeError, match="multiple values"):
        asyncio.run(ferrolite.atext_completion("p", prompt="q"))


@pytest.mark.parametrize("model", ["hosted_vllm/m", "mistral/m"])
def test_text_completions_stream(model: str) -> None:
    pieces = [
        {**TEXT, "choices": [{"text": text, "index": 0, "finish_reason": None}]} for text in ("Bl", "ue.")
    ]
    pieces[-1]["choices"][0]["finish_reason"] = "stop"
    native = [sse({key: value for key, value in piece.items() if key != "usage"}) for piece in pieces]
    over_chat = [chunk({"content": "Bl"}), chunk({"content": "ue."}), chunk({}, "stop")]
    frames = [*(native if model == "hosted_vllm/m" else over_chat), DONE]
    with Upstream(lambda exchange: exchange.stream(frames)) as upstream:
        arguments = settings(upstream, model, prompt="p", stream=True)
        stream = ferrolite.text_completion(**arguments)
        assert isinstance(stream, ferrolite.TextCompletionStreamWrapper)
        chunks = list(stream)
        again = asyncio.run(stream_of(ferrolite.atext_completion, arguments))
    assert "".join(chunk.choices[0].text or "" for chunk in chunks) == "Blue."
    assert [chunk.choices[0].text for chunk in again] == [chunk.choices[0].text for chunk in chunks]
    assert all(isinstance(chunk, ferrolite.TextCompletionResponse) for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_text_completions_of_chat_models() -> None:
    with Upstream(lambda exchange: exchange.json(chat("hi"))) as upstream:
        made = ferrolite.text_completion(**settings(upstream, "openai/gpt-4o", prompt="p"))
        request = upstream.requests[0]
    assert (made.object, made.choices[0].text) == ("text_completion", "hi")
    assert request.path == "/v1/chat/completions"
    assert request.json()["messages"] == [{"role": "user", "content": "p"}]
    assert ferrolite.text_completion("p", "openai/x", mock_response="hello").choices[0].text == "hello"


# Generated content


def test_content_passes_through() -> None:
    with Upstream(lambda exchange: exchange.json(CONTENT)) as upstream:
        arguments = settings(upstream, "gemini/gemini-2.5-flash", contents="hi", config={"temperature": 0.5})
        made = google_genai.generate_content(**arguments)
        again = asyncio.run(google_genai.agenerate_content(**arguments))
        request = upstream.requests[0]
    assert made.candidates == made["candidates"] == again.candidates == CONTENT["candidates"]
    assert made.vendor == {"x": 1}
    assert ferrolite.agenerate_content is google_genai.agenerate_content
    assert request.path == "/models/gemini-2.5-flash:generateContent"
    assert request.json() == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": {"temperature": 0.5},
    }


@pytest.mark.parametrize("model", ["gemini/gemini-2.5-flash", "hosted_vllm/m"])
def test_content_streams_as_bytes_that_googles_types_take(model: str) -> None:
    frames = [sse(CONTENT)] if model.startswith("gemini/") else TURN
    with Upstream(lambda exchange: exchange.stream(frames)) as upstream:
        arguments = settings(upstream, model, contents="hi")
        got = list(google_genai.generate_content_stream(**arguments))
        again = asyncio.run(stream_of(google_genai.agenerate_content_stream, arguments))
    assert got == again
    payloads = [json.loads(event.removeprefix(b"data: ")) for event in got]
    assert payloads[-1]["candidates"][0]["finishReason"] == "STOP"
    types = pytest.importorskip("google.genai.types")
    for payload in payloads:
        payload.pop("vendor", None)
        types.GenerateContentResponse.model_validate(payload)


def test_googles_types_take_what_is_bridged_and_are_taken() -> None:
    types = pytest.importorskip("google.genai.types")
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    answer = chat("hi")
    answer["choices"][0]["message"]["tool_calls"] = [call]
    with Upstream(lambda exchange: exchange.json(answer)) as upstream:
        config = types.GenerateContentConfig(
            temperature=0.5, system_instruction="s", response_schema={"type": "OBJECT", "properties": {}}
        )
        contents = [types.Content(role="user", parts=[types.Part.from_text(text="hi")])]
        made = google_genai.generate_content(
            **settings(upstream, "hosted_vllm/m", contents=contents, config=config)
        )
        body = upstream.requests[0].json()
    read = types.GenerateContentResponse.model_validate(made.model_dump())
    assert (read.candidates[0].content.parts[0].text, read.function_calls[0].args) == ("hi", {"a": 1})
    assert body["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object", "properties": {}}


# All of them


def test_the_mock_server_answers_them() -> None:
    with MockServer() as server:
        common: dict[str, Any] = {"api_key": "k", "api_base": server.base_url}
        made = ferrolite.anthropic.messages.create(
            9, [{"role": "user", "content": "hi"}], "anthropic/claude-sonnet-4-5", **common
        )
        assert made["content"][0]["text"]
        text = ferrolite.text_completion(
            "p", "openai/gpt-3.5-turbo-instruct", api_key="k", api_base=f"{server.base_url}/v1"
        )
        assert text.choices[0].text


def test_nothing_heavy_is_loaded() -> None:
    code = """
import sys, ferrolite
turns = [{"role": "user", "content": "x"}]
made = ferrolite.anthropic.messages.create(9, turns, "anthropic/claude-x", mock_response="hello")
print(made["content"][0]["text"], sorted({"anthropic", "pydantic", "httpx"} & set(sys.modules)))
"""
    quiet(python(code), "hello []")


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_claude_on_bedrock_gets_messages_as_they_are(asynchronous: bool) -> None:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "claude"}

    def answer(exchange: Exchange) -> None:
        exchange.json(message)

    with Upstream(answer) as upstream:
        arguments: dict[str, Any] = {
            "model": "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "messages": HELLO,
            "max_tokens": 5,
            "extra_headers": {"anthropic-beta": "context-1m-2025-08-07"},
            "aws_access_key_id": "AKIA",
            "aws_secret_access_key": "secret",
            "aws_region_name": "us-east-1",
            "api_base": upstream.origin,
        }
        if asynchronous:
            got = asyncio.run(ferrolite.anthropic.messages.acreate(**arguments))
        else:
            got = ferrolite.anthropic.messages.create(**arguments)
    assert got == message
    sent = upstream.requests[0]
    assert sent.path == "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
    assert sent.json() == {
        "messages": HELLO,
        "max_tokens": 5,
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["context-1m-2025-08-07"],
    }
    assert sent.headers["authorization"].startswith("AWS4-HMAC-SHA256")
    assert sent.headers["anthropic-beta"] == "context-1m-2025-08-07"
