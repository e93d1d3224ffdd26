"""Responses: passed through where a provider has them, made of chat completions where not."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import json
import pickle
import sys
import time
from typing import Any

import pytest
from _upstream import DONE, KEY, PATIENCE, Exchange, Upstream, chat, chunk, python, quiet, text_events

import ferrolite
from ferrolite import _responses
from ferrolite.testing import MockServer
from ferrolite.types.llms.openai import ResponsesAPIStreamEvents

OWN_ID = "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDpOb25lO3Jlc3BvbnNlX2lkOnJlc3BfMQ=="
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Blue.", "annotations": [], "logprobs": []}],
}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}


def response(**fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "status": "completed",
        "model": "gpt-4o-2024",
        "output": [MESSAGE],
        "tools": [],
        "tool_choice": "auto",
        "metadata": {"a": "b"},
        "incomplete_details": None,
        "usage": {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 1},
            "output_tokens": 2,
            "total_tokens": 3,
        },
        "vendor": {"x": 1},
        **fields,
    }


def sse(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}\n\n".encode()


EVENTS = [
    sse("response.created", response=response(status="in_progress", output=[]), sequence_number=0),
    sse("response.output_item.added", output_index=0, item={**MESSAGE, "content": []}, sequence_number=1),
    sse(
        "response.output_text.delta",
        item_id="msg_1",
        output_index=0,
        content_index=0,
        delta="Blue.",
        sequence_number=2,
    ),
    sse("response.from_the_future", value=1, sequence_number=3),
    sse("response.completed", response=response(), sequence_number=4),
]


def arguments(upstream: Upstream, **more: Any) -> dict[str, Any]:
    base = {"model": "openai/gpt-4o", "input": "hi", "api_base": upstream.url, "api_key": KEY}
    return {**base, "max_retries": 0, "timeout": PATIENCE, **more}


def bridged(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return arguments(upstream, **{"model": "mistral/m", **more})


def whole(exchange: Exchange) -> None:
    exchange.json(response())


def events(exchange: Exchange) -> None:
    exchange.stream(EVENTS)


def text_of(stream: Any) -> str:
    return "".join(event.delta for event in stream if event.type == "response.output_text.delta")


def test_a_response_has_attributes_and_items() -> None:
    with Upstream(lambda exchange: exchange.json(response(output=[MESSAGE, CALL]))) as upstream:
        made: Any = ferrolite.responses(**arguments(upstream))
    assert type(made) is ferrolite.ResponsesAPIResponse
    assert (
        made.output_text
        == made.output[0].content[0].text
        == made["output"][0]["content"][0]["text"]
        == "Blue."
    )
    assert (made.output[1].name, made.output[1].arguments) == ("f", "{}")
    assert (made.id, made.get("nothing", 5), "id" in made) == (OWN_ID, 5, True)
    assert made.usage.input_tokens_details.cached_tokens == 1
    assert made.usage.output_tokens_details is None
    assert (made.vendor, made.metadata, made.user) == ({"x": 1}, {"a": "b"}, None)
    with pytest.raises(KeyError):
        made["nothing"]
    assert made._hidden_params["custom_llm_provider"] == "openai"
    dumped = made.model_dump()
    assert dumped["output"][0]["content"][0]["text"] == "Blue."
    assert json.loads(made.json()) == json.loads(made.model_dump_json())


def test_a_response_can_be_copied_and_pickled() -> None:
    with Upstream(whole) as upstream:
        made: Any = ferrolite.responses(**arguments(upstream))
    for twin in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), type(made)(**made.model_dump())):
        assert twin.output_text == "Blue."
        assert twin.model_dump() == made.model_dump()


def test_async_and_sync_say_the_same() -> None:
    with Upstream(whole) as upstream:
        made: Any = asyncio.run(ferrolite.aresponses(**arguments(upstream)))
        assert made == ferrolite.responses(**arguments(upstream)) or made.model_dump()["id"] == OWN_ID
        assert (
            upstream.requests[0].json() == upstream.requests[1].json() == {"model": "gpt-4o", "input": "hi"}
        )


def test_a_native_stream_gives_typed_events() -> None:
    with Upstream(events) as upstream:
        stream: Any = ferrolite.responses(**arguments(upstream, stream=True))
        assert type(stream) is _responses.SyncResponsesAPIStreamingIterator
        got = list(stream)
        assert [type(event).__name__ for event in got] == [
            "ResponseCreatedEvent",
            "OutputItemAddedEvent",
            "OutputTextDeltaEvent",
            "GenericEvent",
            "ResponseCompletedEvent",
        ]
        assert got[0].type is ResponsesAPIStreamEvents.RESPONSE_CREATED
        assert got[3].type == "response.from_the_future"
        assert got[4].response.output_text == "Blue."
        assert got[4].response.id == got[0].response.id == OWN_ID
        assert stream.completed_response is got[4]
        assert stream.finished
        assert next(stream, None) is None
        assert upstream.requests[0].json()["stream"] is True


def test_an_async_native_stream() -> None:
    async def run() -> tuple[type, str]:
        stream: Any = await ferrolite.aresponses(**arguments(upstream, stream=True))
        return type(stream), text_of([event async for event in stream])

    with Upstream(events) as upstream:
        assert asyncio.run(run()) == (_responses.ResponsesAPIStreamingIterator, "Blue.")


def test_a_bridged_response() -> None:
    with Upstream() as upstream:
        made: Any = ferrolite.responses(**bridged(upstream, instructions="I", temperature=0.5))
        sent = upstream.requests[0]
    assert sent.path == "/v1/chat/completions"
    assert [message["role"] for message in sent.json()["messages"]] == ["system", "user"]
    assert (made.output_text, made.instructions, made.temperature) == ("hi", "I", 0.5)
    assert (made.usage.input_tokens, made.usage.output_tokens) == (3, 5)
    assert made._hidden_params["custom_llm_provider"] == "mistral"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_bridged_stream(is_async: bool) -> None:
    async def run() -> list[Any]:
        stream: Any = await ferrolite.aresponses(**bridged(upstream, stream=True))
        return [event async for event in stream]

    with Upstream(lambda exchange: exchange.stream(text_events("a", "b", "c"))) as upstream:
        if is_async:
            got = asyncio.run(run())
        else:
            stream: Any = ferrolite.responses(**bridged(upstream, stream=True))
            assert type(stream) is _responses.LiteLLMCompletionStreamingIterator
            got = list(stream)
    assert text_of(got) == got[-1].response.output_text == "abc"
    assert [event.sequence_number for event in got] == list(range(len(got)))
    assert got[-1].type == "response.completed"


def test_an_answer_that_was_to_be_a_stream_is_one() -> None:
    with Upstream(whole) as upstream:
        got: Any = list(ferrolite.responses(**arguments(upstream, stream=True)))
    assert (got[0].type, text_of(got), got[-1].type) == ("response.created", "Blue.", "response.completed")


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash", "openai/gpt-4o"])
@pytest.mark.parametrize("stream", [False, True])
def test_every_format_of_the_mock_answers_responses(model: str, stream: bool) -> None:
    with MockServer() as server:
        base = server.base_url + ("/v1" if model.startswith("openai") else "")
        made: Any = ferrolite.responses(
            "Say hello",
            model,
            api_base=base,
            api_key="x",
            stream=stream,
            tools=[{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}],
            tool_choice="required",
        )
        if stream:
            made = list(made)[-1].response
    assert [item.type for item in made.output] == ["function_call"]
    assert made.output[0].name == "f"


def test_a_class_as_text_format() -> None:
    pydantic = pytest.importorskip("pydantic")
    event = pydantic.create_model("Event", name=(str, ...))
    with Upstream(whole) as upstream:
        ferrolite.responses(**arguments(upstream, text_format=event, text={"verbosity": "low"}))
        text = upstream.requests[0].json()["text"]
    assert text["verbosity"] == "low"
    assert (text["format"]["type"], text["format"]["name"], text["format"]["strict"]) == (
        "json_schema",
        "Event",
        True,
    )
    assert text["format"]["schema"]["additionalProperties"] is False


def test_stored_responses() -> None:
    def answer(exchange: Exchange) -> None:
        path, method = exchange.request.path, exchange.request.method
        if method == "DELETE":
            exchange.json({"id": "resp_1", "object": "response", "deleted": True})
        elif "input_items" in path:
            exchange.json({"object": "list", "data": [{"id": "m"}], "has_more": False})
        else:
            exchange.json(response(status="cancelled" if path.endswith("/cancel") else "completed"))

    async def run() -> list[Any]:
        return [
            await ferrolite.aget_responses(OWN_ID, **more),
            await ferrolite.acancel_responses(OWN_ID, **more),
            await ferrolite.adelete_responses(OWN_ID, **more),
            await ferrolite.alist_input_items(OWN_ID, **more),
        ]

    with Upstream(answer) as upstream:
        more: Any = {"api_base": upstream.url, "api_key": KEY}
        got: Any = ferrolite.get_responses(OWN_ID, **more)
        cancelled = ferrolite.cancel_responses(OWN_ID, **more)
        deleted: Any = ferrolite.delete_responses(OWN_ID, **more)
        items = ferrolite.list_input_items(OWN_ID, limit=3, order="asc", **more)
        others = asyncio.run(run())
        asked = [f"{request.method} {request.path}" for request in upstream.requests]
    assert (got.output_text, got.id, cancelled.status) == ("Blue.", OWN_ID, "cancelled")
    assert (type(deleted).__name__, deleted.deleted, items["data"]) == (
        "DeleteResponseResult",
        True,
        [{"id": "m"}],
    )
    assert [other["object"] for other in others] == ["response", "response", "response", "list"]
    assert asked[:4] == [
        "GET /v1/responses/resp_1",
        "POST /v1/responses/resp_1/cancel",
        "DELETE /v1/responses/resp_1",
        "GET /v1/responses/resp_1/input_items?limit=3&order=asc",
    ]


def test_an_id_without_a_provider_needs_one() -> None:
    with pytest.raises(ferrolite.BadRequestError, match="custom_llm_provider"):
        ferrolite.get_responses("resp_1", api_key=KEY)


def test_errors_before_the_stream_are_those_of_the_call() -> None:
    def refused(exchange: Exchange) -> None:
        exchange.json({"error": {"message": "slow down"}}, status=429, headers={"retry-after": "7"})

    with Upstream(refused) as upstream:
        for keywords in (arguments(upstream, stream=True), bridged(upstream), arguments(upstream)):
            with pytest.raises(ferrolite.RateLimitError, match="slow down") as caught:
                ferrolite.responses(**keywords)
            assert caught.value.response.headers["retry-after"] == "7"


def test_a_failure_in_mid_stream_comes_after_the_events_before_it() -> None:
    def broken(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(EVENTS[0])
        exchange.piece(sse("error", code="server_error", message="boom", sequence_number=1))
        exchange.end_stream()

    with Upstream(broken) as upstream:
        stream: Any = ferrolite.responses(**arguments(upstream, stream=True))
        assert next(stream).type == "response.created"
        with pytest.raises(ferrolite.exceptions.MidStreamFallbackError, match="boom"):
            next(stream)
        assert stream.finished
        assert next(stream, None) is None


def test_a_silent_native_stream_is_given_up() -> None:
    def silent(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(EVENTS[0])
        exchange.hang()

    with Upstream(silent) as upstream:
        stream: Any = ferrolite.responses(**arguments(upstream, stream=True, timeout=0.3))
        next(stream)
        with pytest.raises(ferrolite.exceptions.MidStreamFallbackError, match="silent"):
            next(stream)


@pytest.mark.parametrize("model", ["openai/gpt-4o", "mistral/m"])
@pytest.mark.parametrize("ending", ["close", "with", "drop"])
def test_letting_go_of_a_stream_closes_its_connection(model: str, ending: str) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(EVENTS[0] if model.startswith("openai") else chunk({"content": "a"}))
        exchange.hang()

    with Upstream(endless) as upstream:
        stream: Any = ferrolite.responses(**arguments(upstream, model=model, stream=True))
        next(stream)
        if ending == "with":
            with stream:
                pass
        elif ending == "close":
            stream.close()
            assert list(stream) == []
        del stream
        gc.collect()
        upstream.wait_open(0)


def test_a_cancelled_reader_loses_nothing() -> None:
    def slow(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(EVENTS[0])
        time.sleep(0.3)
        for event in EVENTS[1:]:
            exchange.piece(event)
        exchange.end_stream()

    async def run() -> list[str]:
        stream: Any = await ferrolite.aresponses(**arguments(upstream, stream=True))
        seen = [await stream.__anext__()]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.__anext__(), 0.05)
        seen += [event async for event in stream]
        return [event.type.value for event in seen if event.type != "response.from_the_future"]

    with Upstream(slow) as upstream:
        assert asyncio.run(run()) == [
            json.loads(e.split(b"data: ")[1])["type"] for e in EVENTS if b"future" not in e
        ]


def test_classes_are_found_where_litellm_has_them() -> None:
    from ferrolite.types.llms import base, openai
    from ferrolite.types.responses import main

    assert main.OutputText is openai.OutputText
    assert issubclass(openai.ResponsesAPIResponse, base.BaseLiteLLMOpenAIResponseObject)
    for cls in (openai.ResponsesAPIResponse, openai.OutputTextDeltaEvent, openai.HttpxBinaryResponseContent):
        assert getattr(sys.modules[cls.__module__], cls.__name__) is cls


def test_a_keyword_that_responses_do_not_know_stays_behind() -> None:
    own = {"conversation": "c", "max_tool_calls": 3, "prompt_cache_key": "p"}
    with Upstream(whole) as upstream:
        ferrolite.responses(
            **arguments(upstream), **own, n=2, stop=["x"], foo=1, extra_body={"bar": 2}, max_tokens=None
        )
        body = upstream.requests[0].json()
    assert body == {"model": "gpt-4o", "input": "hi", **own, "bar": 2}


def test_mocks_send_nothing() -> None:
    made: Any = ferrolite.responses("x", "openai/gpt-4o", mock_response="hello")
    assert made.output_text == "hello"
    stream: Any = ferrolite.responses("x", "openai/gpt-4o", mock_response="hello", stream=True)
    assert text_of(stream) == "hello"


def test_parameters_are_named_as_litellm_names_them() -> None:
    names = list(inspect.signature(ferrolite.responses).parameters)
    assert names[:2] == ["input", "model"]
    assert names[-4:] == ["timeout", "allowed_openai_params", "custom_llm_provider", "kwargs"]
    others = list(inspect.signature(ferrolite.aresponses).parameters)
    assert others == [name for name in names if name != "allowed_openai_params"]
    assert inspect.iscoroutinefunction(ferrolite.aresponses)
    for name in ("get_responses", "delete_responses", "cancel_responses", "list_input_items"):
        own, twin = getattr(ferrolite, name), getattr(ferrolite, "a" + name)
        assert list(inspect.signature(own).parameters) == list(inspect.signature(twin).parameters)


def test_neither_openai_nor_pydantic_is_loaded() -> None:
    code = """
import sys, ferrolite
made = ferrolite.responses("x", "openai/gpt-4o", mock_response="hello")
print(made.output_text, sorted({"openai", "pydantic", "httpx"} & set(sys.modules)))
"""
    quiet(python(code), "hello []")


def test_items_pass_for_openais_own() -> None:
    types = pytest.importorskip("openai.types.responses")
    with Upstream(lambda exchange: exchange.json(response(output=[MESSAGE, CALL]))) as upstream:
        made: Any = ferrolite.responses(**arguments(upstream))
    message, call = made.output
    assert isinstance(message, types.ResponseOutputMessage)
    assert isinstance(message.content[0], types.ResponseOutputText)
    assert isinstance(call, types.ResponseFunctionToolCall)
    assert not isinstance(call, types.ResponseOutputMessage)
    assert isinstance(made, sys.modules["pydantic"].BaseModel)


def served(frames: list[bytes]) -> Any:
    """A client of openai's for a server that answers with these bytes."""
    openai = pytest.importorskip("openai")

    def answer(exchange: Exchange) -> None:
        if exchange.request.json().get("stream"):
            exchange.stream(frames)
        else:
            exchange.reply(200, frames[0], {"content-type": "application/json"})

    upstream = Upstream(answer)
    return upstream, openai.OpenAI(base_url=upstream.url, api_key=KEY, max_retries=0)


TURN = [
    chunk({"role": "assistant", "reasoning_content": "hm"}),
    chunk({"content": "Hel"}),
    chunk({"content": "lo"}),
    chunk(
        {
            "tool_calls": [
                {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ]
        }
    ),
    chunk({}, "tool_calls"),
    chunk(usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}),
    DONE,
]


# LiteLLM's shape of thoughts, which is kept here, has a type of text in them that openai's has not.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_openais_client_reads_bridged_events() -> None:
    with Upstream(lambda exchange: exchange.stream(TURN)) as upstream:
        made: Any = list(ferrolite.responses(**bridged(upstream, stream=True)))
    frames = [f"event: {e.type.value}\ndata: {e.model_dump_json()}\n\n".encode() for e in made]
    upstream, client = served(frames)
    with upstream, client, client.responses.stream(model="m", input="hi") as stream:
        names = [type(event).__name__ for event in stream]
        final = stream.get_final_response()
    assert "ResponseTextDeltaEvent" in names
    assert "ResponseFunctionCallArgumentsDeltaEvent" in names
    assert final.output_text == "Hello"
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.usage.total_tokens == 8


def test_openais_client_reads_a_bridged_response() -> None:
    with Upstream(lambda exchange: exchange.json(chat("hi"))) as upstream:
        made: Any = ferrolite.responses(**bridged(upstream))
    upstream, client = served([made.model_dump_json().encode()])
    with upstream, client:
        read = client.responses.create(model="m", input="hi")
    assert (read.output_text, read.status, read.usage.input_tokens) == ("hi", "completed", 3)
    # What is in it fits openai's types, strictly.
    types = pytest.importorskip("openai.types.responses")
    fields = made.model_dump(exclude={"usage"})
    fields["created_at"] = float(fields["created_at"])
    types.Response.model_validate({**fields, "text": None})
