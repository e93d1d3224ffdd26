"""A stream as an object: both protocols, its end, its errors, what is known of its call, and the whole it makes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from _upstream import DONE, HELLO, Exchange, Upstream, arguments, chat, chunk, text_events, text_of

import ferrolite
from ferrolite.testing import MockServer

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


def abc(exchange: Exchange) -> None:
    exchange.stream(text_events("a", "b", "c"))


def broken(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.piece(chunk({"role": "assistant", "content": "a"}))
    exchange.reset()


def test_for() -> None:
    with Upstream(abc) as upstream:
        assert text_of(ferrolite.completion(**arguments(upstream, stream=True))) == "abc"


def test_next_and_the_end_again_and_again() -> None:
    with Upstream(abc) as upstream:
        stream = ferrolite.completion(**arguments(upstream, stream=True))
        assert len([next(stream) for _ in range(5)]) == 5
        for _ in range(3):
            with pytest.raises(StopIteration):
                next(stream)
        assert next(stream, None) is None
        assert list(stream) == []


def test_async_for_and_the_end_again_and_again() -> None:
    async def run() -> int:
        stream = await ferrolite.acompletion(**arguments(upstream, stream=True))
        count = len([piece async for piece in stream])
        for _ in range(3):
            with pytest.raises(StopAsyncIteration):
                await stream.__anext__()
        assert [piece async for piece in stream] == []
        return count

    with Upstream(abc) as upstream:
        assert asyncio.run(run()) == 5


def test_both_protocols_on_one_object() -> None:
    async def run() -> list[str | None]:
        stream = await ferrolite.acompletion(**arguments(upstream, stream=True))
        assert isinstance(stream, AsyncIterator)
        assert isinstance(stream, Iterator)
        first = next(stream)
        second = await stream.__anext__()
        rest = [piece async for piece in stream]
        return [piece.choices[0].delta.content for piece in (first, second, *rest)]

    with Upstream(abc) as upstream:
        assert asyncio.run(run()) == ["", "a", "b", "c", None]
        stream: Any = ferrolite.completion(**arguments(upstream, stream=True))

        async def read() -> str:
            return "".join([piece.choices[0].delta.content or "" async for piece in stream])

        next(stream)
        assert asyncio.run(read()) == "abc"


def test_close_ends_it() -> None:
    with Upstream(abc) as upstream:
        stream: Any = ferrolite.completion(**arguments(upstream, stream=True))
        next(stream)
        stream.close()
        stream.close()
        with pytest.raises(StopIteration):
            next(stream)

        async def run() -> list[Any]:
            await stream.aclose()
            return [piece async for piece in stream]

        assert asyncio.run(run()) == []


def test_with_and_async_with() -> None:
    with Upstream(abc) as upstream:
        with ferrolite.completion(**arguments(upstream, stream=True)) as stream:
            assert next(stream).choices[0].delta.role == "assistant"
        assert list(stream) == []

        async def run() -> list[Any]:
            async with await ferrolite.acompletion(**arguments(upstream, stream=True)) as stream:
                await stream.__anext__()
            return [piece async for piece in stream]

        assert asyncio.run(run()) == []


def test_after_an_error_it_has_ended() -> None:
    with Upstream(broken) as upstream:
        stream = ferrolite.completion(**arguments(upstream, stream=True))
        assert next(stream).choices[0].delta.content == "a"
        with pytest.raises(ferrolite.MidStreamFallbackError):
            next(stream)
        for _ in range(3):
            with pytest.raises(StopIteration):
                next(stream)

        async def run() -> None:
            stream = await ferrolite.acompletion(**arguments(upstream, stream=True))
            await stream.__anext__()
            with pytest.raises(ferrolite.MidStreamFallbackError):
                await stream.__anext__()
            for _ in range(3):
                with pytest.raises(StopAsyncIteration):
                    await stream.__anext__()

        asyncio.run(run())


def test_an_error_comes_after_all_that_came_before_it() -> None:
    """What arrived together with the break is handed out first."""

    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(b"".join([*text_events("a", "b", "c")[:-2], b"data: {nonsense\n\n"]))
        exchange.end_stream()

    with Upstream(answer) as upstream:
        got: list[Any] = []
        with pytest.raises(ferrolite.MidStreamFallbackError) as caught:
            got.extend(ferrolite.completion(**arguments(upstream, stream=True)))
        assert [piece.choices[0].delta.content for piece in got] == ["", "a", "b", "c"]
        error: Any = caught.value
        assert error.generated_content == "abc"


def test_str_01_the_role_once_and_str_02_one_head() -> None:
    with Upstream(abc) as upstream:
        pieces: list[Any] = list(ferrolite.completion(**arguments(upstream, stream=True)))
    assert [piece.choices[0].delta.role for piece in pieces] == ["assistant", None, None, None, None]
    assert {(piece.id, piece.created, piece.model, piece.object) for piece in pieces} == {
        ("chatcmpl-1", pieces[0].created, "m", "chat.completion.chunk")
    }


def test_the_finish_once() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.stream(
            [
                chunk({"role": "assistant", "content": "a"}, "stop"),
                chunk({}, "stop"),
                chunk({}, "length"),
                DONE,
            ]
        )

    with Upstream(answer) as upstream:
        pieces: list[Any] = list(ferrolite.completion(**arguments(upstream, stream=True)))
    assert [piece.choices[0].finish_reason for piece in pieces] == [None, "stop"]
    assert pieces[-1].choices[0].delta.content is None


USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def test_str_20_usage_when_asked_for() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.stream([*text_events("a")[:-1], chunk(usage=USAGE), DONE])

    with Upstream(answer) as upstream:
        pieces: list[Any] = list(
            ferrolite.completion(**arguments(upstream, stream=True, stream_options={"include_usage": True}))
        )
        assert upstream.requests[0].json()["stream_options"] == {"include_usage": True}
        assert [piece.get("usage") is not None for piece in pieces] == [False, False, False, True]
        assert pieces[-1].choices == []
        assert (pieces[-1].usage.prompt_tokens, pieces[-1].usage.completion_tokens) == (3, 5)
        pieces = list(ferrolite.completion(**arguments(upstream, stream=True)))
        assert [piece.get("usage") for piece in pieces] == [None, None, None]


def test_str_20_usage_on_the_last_piece_of_content() -> None:
    """Some servers put it beside the finish; it still comes last and alone."""

    def answer(exchange: Exchange) -> None:
        exchange.stream([chunk({"role": "assistant", "content": "a"}), chunk({}, "stop", usage=USAGE), DONE])

    with Upstream(answer) as upstream:
        keywords = arguments(upstream, stream=True, stream_options={"include_usage": True})
        pieces: list[Any] = list(ferrolite.completion(**keywords))
    assert [(len(piece.choices), piece.get("usage") is not None) for piece in pieces] == [
        (1, False),
        (1, False),
        (0, True),
    ]


def test_tool_calls_in_pieces() -> None:
    def call(index: int, **fields: Any) -> bytes:
        return chunk({"tool_calls": [{"index": index, **fields}]})

    def answer(exchange: Exchange) -> None:
        exchange.stream(
            [
                chunk({"role": "assistant", "content": None}),
                call(0, id="call_a", type="function", function={"name": "f", "arguments": ""}),
                call(0, function={"arguments": '{"x":'}),
                call(0, function={"arguments": " 1}"}),
                call(1, id="call_b", type="function", function={"name": "g", "arguments": ""}),
                call(1, function={"arguments": "{}"}),
                chunk({}, "stop"),
                DONE,
            ]
        )

    with Upstream(answer) as upstream:
        pieces: list[Any] = list(ferrolite.completion(**arguments(upstream, stream=True)))
    calls = [piece.choices[0].delta.tool_calls[0] for piece in pieces if piece.choices[0].delta.tool_calls]
    assert [
        (call.index, call.id, call.type, call.function.name, call.function.arguments) for call in calls
    ] == [
        (0, "call_a", "function", "f", ""),
        (0, None, "function", None, '{"x":'),
        (0, None, "function", None, " 1}"),
        (1, "call_b", "function", "g", ""),
        (1, None, "function", None, "{}"),
    ]
    assert pieces[-1].choices[0].finish_reason == "tool_calls"


def test_what_is_known_of_the_call() -> None:
    with Upstream(lambda exchange: exchange.stream(text_events("a"), {"x-request-id": "r-1"})) as upstream:
        stream: Any = ferrolite.completion(**arguments(upstream, stream=True))
        for _ in range(2):
            assert stream._hidden_params["custom_llm_provider"] == "openai"
            assert stream._hidden_params["additional_headers"]["llm_provider-x-request-id"] == "r-1"
            assert stream._response_headers["x-request-id"] == "r-1"
            assert stream.custom_llm_provider == "openai"
            list(stream)
            stream.close()
        assert stream.model == "m"
        assert stream.messages == HELLO


def test_what_is_known_of_the_call_is_known_after_the_end() -> None:
    with Upstream(lambda exchange: exchange.stream(text_events("a"), {"x-request-id": "r-1"})) as upstream:
        stream: Any = ferrolite.completion(**arguments(upstream, stream=True))
        stream.close()
        stream.close()
        assert list(stream) == []
        assert stream._hidden_params["custom_llm_provider"] == "openai"
        assert stream._response_headers["x-request-id"] == "r-1"


# The whole a stream makes


@pytest.mark.parametrize(
    "more",
    [
        {"messages": [{"role": "user", "content": "Say something ä€😀"}]},
        {"messages": [{"role": "user", "content": "weather in Oslo"}], "tools": TOOLS},
        {"messages": [{"role": "user", "content": "think"}], "reasoning_effort": "high"},
        {"messages": HELLO, "n": 3},
        {"messages": HELLO, "max_tokens": 3},
    ],
    ids=["text", "tools", "reasoning", "n", "length"],
)
def test_str_28_the_pieces_make_the_whole(more: dict[str, Any]) -> None:
    with MockServer() as server:
        keywords = {"model": "openai/o3-mini", "api_base": f"{server.base_url}/v1", "api_key": "k", **more}
        whole: Any = ferrolite.completion(**keywords)
        options = {"stream": True, "stream_options": {"include_usage": True}}
        built: Any = ferrolite.stream_chunk_builder(list(ferrolite.completion(**keywords, **options)))
    assert built.object == "chat.completion"
    assert built.model == whole.model
    counts = built.usage.model_dump()
    # Only the counts of a stream have their cost beside them, as in LiteLLM.
    assert counts.pop("cost") > 0
    assert counts == whole.usage.model_dump()
    assert len(built.choices) == len(whole.choices)
    for ours, theirs in zip(built.choices, whole.choices, strict=True):
        assert (ours.index, ours.finish_reason) == (theirs.index, theirs.finish_reason)
        mine, other = ours.message.model_dump(), theirs.message.model_dump()
        for name in ("refusal", "annotations"):
            # Those that are empty stand in whole answers only.
            assert not other.pop(name, None)
        for call in [*(mine["tool_calls"] or []), *(other["tool_calls"] or [])]:
            call.pop("id")
        assert mine == other


def test_stream_chunk_builder_of_dicts_and_of_nothing() -> None:
    assert ferrolite.stream_chunk_builder([]) is None
    with Upstream(abc) as upstream:
        pieces: list[Any] = list(ferrolite.completion(**arguments(upstream, stream=True)))
    for form in (pieces, [piece.model_dump() for piece in pieces], [piece.json() for piece in pieces]):
        built: Any = ferrolite.stream_chunk_builder(form, messages=HELLO)
        assert built.choices[0].message.content == "abc"
        assert built.choices[0].finish_reason == "stop"
        assert built.id == "chatcmpl-1"


@pytest.mark.parametrize("chunks", [[object()], [None], [{"choices": 3}], ["text"]])
def test_stream_chunk_builder_of_nonsense(chunks: list[Any]) -> None:
    with pytest.raises(ferrolite.BadRequestError):
        ferrolite.stream_chunk_builder(chunks)


# A stream of a program's own


def test_a_wrapper_around_an_iterable() -> None:
    stream: Any = ferrolite.CustomStreamWrapper([1, 2], "m", None, custom_llm_provider="openai")
    assert list(stream) == [1, 2]
    assert list(stream) == []
    assert stream.custom_llm_provider == "openai"


def test_a_wrapper_around_an_async_iterable() -> None:
    async def pieces() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def run() -> list[Any]:
        stream: Any = ferrolite.CustomStreamWrapper(pieces(), "m", None)
        return [piece async for piece in stream]

    assert asyncio.run(run()) == [1, 2]


def test_two_readers_share_a_stream() -> None:
    """Each chunk goes to one of them; nobody is told of an end that is not there."""
    import threading
    import time

    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        for number in range(40):
            exchange.piece(chunk({"content": str(number)}))
            time.sleep(0.003)
        exchange.piece(chunk({}, "stop"))
        exchange.end_stream()

    with Upstream(answer) as upstream:
        stream = ferrolite.completion(**arguments(upstream, stream=True))
        got: list[str] = []
        readers = [threading.Thread(target=lambda: got.extend(iter_text(stream))) for _ in range(4)]
        [reader.start() for reader in readers]
        [reader.join(10) for reader in readers]
        assert sorted(got, key=int) == [str(number) for number in range(40)]

        async def run() -> list[str]:
            stream = await ferrolite.acompletion(**arguments(upstream, stream=True))
            parts = await asyncio.gather(*(aiter_text(stream) for _ in range(4)))
            return [piece for part in parts for piece in part]

        assert sorted(asyncio.run(run()), key=int) == [str(number) for number in range(40)]


def iter_text(stream: Any) -> list[str]:
    return [piece.choices[0].delta.content for piece in stream if piece.choices[0].delta.content]


async def aiter_text(stream: Any) -> list[str]:
    return [piece.choices[0].delta.content async for piece in stream if piece.choices[0].delta.content]


def test_str_30_a_json_answer_to_a_stream_request() -> None:
    answer_body = chat("the whole answer")
    with Upstream(lambda exchange: exchange.json(answer_body)) as upstream:
        keywords = arguments(upstream, stream=True, stream_options={"include_usage": True})
        pieces: list[Any] = list(ferrolite.completion(**keywords))
    assert [piece.choices[0].delta.content if piece.choices else None for piece in pieces] == [
        "the whole answer",
        None,
        None,
    ]
    assert [piece.choices[0].finish_reason if piece.choices else None for piece in pieces] == [
        None,
        "stop",
        None,
    ]
    assert pieces[-1].usage.total_tokens == 8
    assert pieces[0].id == "chatcmpl-1"
