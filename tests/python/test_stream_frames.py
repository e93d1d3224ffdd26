"""What a server may do to a stream: bytes in any pieces, missing ends, errors inside, too much of one thing."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from _upstream import DONE, Exchange, Upstream, arguments, chunk, event, text_events, text_of

import ferrolite


def read(upstream: Upstream, **more: Any) -> tuple[list[Any], Any]:
    """All chunks, and the error the stream ended with."""
    got: list[Any] = []
    try:
        for piece in ferrolite.completion(**arguments(upstream, stream=True, **more)):
            got.append(piece)
    except Exception as error:
        return got, error
    return got, None


def serve(*parts: bytes) -> Any:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        for part in parts:
            exchange.piece(part)
        exchange.end_stream()

    return answer


TEXT = "añ€😀 \\n \u2028 end"
WHOLE = b"".join(
    [
        b"\xef\xbb\xbf: hello\n\n",
        chunk({"role": "assistant", "content": ""}),
        b"event: message\nid: 7\nretry: 100\n" + chunk({"content": TEXT}),
        b"data: "
        + json.dumps({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "2"}}]}, indent=1)
        .replace("\n", "\ndata: ")
        .encode()
        + b"\n\n",
        chunk({"content": TEXT}).replace(b"\\u", b"\\u"),
        b":\n\n\n\n",
        chunk({}, "stop"),
        DONE,
    ]
)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("seed", range(8))
def test_str_11_any_cut_and_any_line_ending(ending: bytes, seed: int) -> None:
    data = WHOLE.replace(b"\n", ending)
    raw = json.dumps({"choices": [{"index": 0, "delta": {"content": TEXT}}]}, ensure_ascii=False).encode()
    data = data.replace(
        DONE.replace(b"\n", ending), b"data:" + raw + ending * 2 + DONE.replace(b"\n", ending)
    )
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(1, len(data)), 12)) if seed else list(range(1, len(data)))
    parts = [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    with Upstream(serve(*parts)) as upstream:
        got, error = read(upstream)
    assert error is None
    assert "".join(piece.choices[0].delta.content or "" for piece in got) == TEXT + "2" + TEXT + TEXT


@pytest.mark.parametrize("tail", [b"\n\n", b"\n", b""])
def test_str_11_a_missing_last_blank_line(tail: bytes) -> None:
    last = chunk({}, "stop").rstrip(b"\n") + tail
    with Upstream(serve(chunk({"content": "a"}), last)) as upstream:
        got, error = read(upstream)
    assert error is None
    assert got[-1].choices[0].finish_reason == "stop"


def test_str_11_a_stream_without_length_that_ends_with_its_connection() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"content-type": "text/event-stream", "connection": "close"})
        exchange.send(b"".join(text_events("a", "b")))
        exchange.close()

    with Upstream(answer) as upstream:
        assert text_of(ferrolite.completion(**arguments(upstream, stream=True))) == "ab"


def test_str_12_a_long_stream_costs_as_much_as_it_is_long() -> None:
    """One event in very many reads: the time is linear."""

    def timed(size: int) -> float:
        big = chunk({"content": "x" * size})
        parts = [big[at : at + 1000] for at in range(0, len(big), 1000)]
        with Upstream(serve(*parts, chunk({}, "stop"))) as upstream:
            started = time.monotonic()
            got, error = read(upstream)
            assert error is None
            assert len(got[0].choices[0].delta.content) == size
            return time.monotonic() - started

    small, large = timed(500_000), timed(4_000_000)
    assert large < 8 * small * 3 + 0.5


def test_str_13_an_event_that_is_too_large() -> None:
    sent = 0

    def answer(exchange: Exchange) -> None:
        nonlocal sent
        exchange.begin_stream()
        exchange.piece(chunk({"content": "a"}))
        exchange.piece(b"data: ")
        while sent < 200_000_000:
            exchange.piece(b"x" * 100_000)
            sent += 100_000

    with Upstream(answer) as upstream:
        got, error = read(upstream)
        assert isinstance(error, ferrolite.MidStreamFallbackError)
        assert "8388608 bytes" in str(error)
        assert len(got) == 1
        upstream.wait_open(0, 1.0)
    assert sent < 40_000_000


def test_str_14_done_alone_is_a_whole_answer_that_is_empty() -> None:
    with Upstream(serve(DONE)) as upstream:
        got, error = read(upstream)
    assert error is None
    assert [(piece.choices[0].delta.content, piece.choices[0].finish_reason) for piece in got] == [
        (None, "stop")
    ]


@pytest.mark.parametrize("ending", ["length", "chunked"])
def test_str_14_an_end_without_a_finish_is_a_failure(ending: str) -> None:
    def answer(exchange: Exchange) -> None:
        events = b"".join(text_events("a", "b")[:-2])
        if ending == "chunked":
            exchange.begin_stream()
            exchange.piece(events)
            exchange.end_stream()
        else:
            exchange.reply(200, events, {"content-type": "text/event-stream"})

    with Upstream(answer) as upstream:
        got, error = read(upstream)
    assert [piece.choices[0].delta.content for piece in got] == ["", "a", "b"]
    assert isinstance(error, ferrolite.MidStreamFallbackError)
    assert isinstance(error.original_exception, ferrolite.APIConnectionError)
    assert error.generated_content == "ab"
    assert all(piece.choices[0].finish_reason is None for piece in got)


def test_str_14_done_without_a_finish_is_a_failure_too() -> None:
    with Upstream(serve(chunk({"content": "a"}), DONE)) as upstream:
        got, error = read(upstream)
    assert len(got) == 1
    assert isinstance(error, ferrolite.MidStreamFallbackError)


def test_str_14_a_body_cut_short() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(chunk({"content": "a"}))
        exchange.close()

    with Upstream(answer) as upstream:
        got, error = read(upstream)
    assert len(got) == 1
    assert isinstance(error, ferrolite.MidStreamFallbackError)


@pytest.mark.parametrize("body", [b"", b"\n\n", b": nothing\n\n", b"event: x\n\n"])
def test_str_14_a_stream_of_nothing(body: bytes) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reply(200, body, {"content-type": "text/event-stream"})

    with Upstream(answer) as upstream:
        got, error = read(upstream)
    assert got == []
    assert isinstance(error, ferrolite.MidStreamFallbackError)
    assert error.is_pre_first_chunk


def test_str_15_bytes_after_done_are_ignored() -> None:
    with Upstream(serve(*text_events("a"), b"data: {nonsense\n\n", chunk({"content": "b"}))) as upstream:
        got, error = read(upstream)
    assert error is None
    assert "".join(piece.choices[0].delta.content or "" for piece in got) == "a"


def test_str_15_done_ends_it_though_the_server_keeps_the_connection() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(b"".join(text_events("a")))
        exchange.hang()

    with Upstream(answer) as upstream:
        started = time.monotonic()
        got, error = read(upstream)
        assert error is None
        assert len(got) == 3
        assert time.monotonic() - started < 1
        upstream.wait_open(0, 1.0)


def test_a_finish_without_done_is_an_end() -> None:
    with Upstream(serve(*text_events("a")[:-1])) as upstream:
        got, error = read(upstream)
    assert error is None
    assert got[-1].choices[0].finish_reason == "stop"


ERRORS = [
    (
        '{"error": {"message": "overloaded", "type": "server_error", "code": 503}}',
        ferrolite.ServiceUnavailableError,
    ),
    ('{"error": {"message": "slow down", "code": "429"}}', ferrolite.RateLimitError),
    (
        '{"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}',
        Exception,
    ),
    ('{"error": "just text"}', ferrolite.APIConnectionError),
    ('{"error": {"message": null}}', Exception),
]


@pytest.mark.parametrize(("body", "kind"), ERRORS)
def test_str_16_an_error_inside_a_stream(body: str, kind: type[Exception]) -> None:
    with Upstream(
        serve(chunk({"content": "a"}), event(body), chunk({"content": "b"}), chunk({}, "stop"))
    ) as upstream:
        got, error = read(upstream)
    assert [piece.choices[0].delta.content for piece in got] == ["a"]
    assert isinstance(error, ferrolite.MidStreamFallbackError)
    assert isinstance(error.original_exception, kind)
    assert error.llm_provider == "openai"
    assert error.model == "m"


def test_str_16_an_error_event_by_name() -> None:
    with Upstream(serve(chunk({"content": "a"}), b'event: error\ndata: {"message": "gone"}\n\n')) as upstream:
        got, error = read(upstream)
    assert len(got) == 1
    assert isinstance(error, ferrolite.MidStreamFallbackError)
    assert "gone" in str(error)


def test_str_22_chunks_without_choices() -> None:
    first = chunk(prompt_filter_results=[{"prompt_index": 0}])
    with Upstream(serve(first, chunk(), *text_events("a"))) as upstream:
        got, error = read(upstream)
    assert error is None
    assert [piece.choices[0].delta.role for piece in got] == ["assistant", None, None]
    assert got[0].provider_specific_fields == {"prompt_filter_results": [{"prompt_index": 0}]}


def test_str_23_the_same_chunk_without_end() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        for _ in range(100_000):
            exchange.piece(chunk({"content": "again "}))

    with Upstream(answer) as upstream:
        got, error = read(upstream)
        upstream.wait_open(0, 2.0)
    assert isinstance(error, ferrolite.MidStreamFallbackError)
    assert isinstance(error.original_exception, ferrolite.InternalServerError)
    assert 90 <= len(got) <= 100


def test_str_23_the_limit_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [*(chunk({"content": "again "}) for _ in range(150)), chunk({}, "stop")]
    with Upstream(serve(*events)) as upstream:
        monkeypatch.setattr(ferrolite, "REPEATED_STREAMING_CHUNK_LIMIT", 200)
        assert read(upstream)[1] is None
        monkeypatch.setattr(ferrolite, "REPEATED_STREAMING_CHUNK_LIMIT", 5)
        assert len(read(upstream)[0]) < 6


def test_str_23_short_and_differing_chunks_may_repeat() -> None:
    events = [chunk({"content": text}) for text in ["ab"] * 200 + ["one", "two"] * 200]
    with Upstream(serve(*events, chunk({}, "stop"))) as upstream:
        assert read(upstream)[1] is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {nonsense\n\n",
        b"data: [1, 2]\n\n",
        b"data: 3\n\n",
        b'data: "text"\n\n',
        b"data: null\n\n",
        b"data: \xff\xfe\n\n",
        b'data: {"choices": {}}\n\n',
        b'data: {"choices": [3]}\n\n',
        b'data: {"choices": [{"delta": []}]}\n\n',
        b'data: {"choices": [{"index": "x", "delta": {}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [3]}}]}\n\n',
        b"data: " + b"[" * 10_000 + b"\n\n",
        b"data: " + b'{"a":' * 10_000 + b"\n\n",
        b"<html>not a stream</html>",
    ],
)
def test_garbage_in_a_stream_is_an_error(garbage: bytes) -> None:
    with Upstream(serve(chunk({"content": "a"}), garbage)) as upstream:
        got, error = read(upstream)
    assert [piece.choices[0].delta.content for piece in got] == ["a"]
    assert isinstance(error, ferrolite.MidStreamFallbackError), error
    assert len(str(error)) < 3000


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": [{"delta": {"content": 3}}]},
        {"choices": [{"delta": {"content": {"a": 1}}}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": "t"}]}}]},
        {"choices": [{"delta": {"role": 3, "content": "x"}}]},
        {"choices": [{"delta": None}]},
        {"choices": [{}]},
        {"choices": None},
        {},
        {"id": 3, "model": ["m"], "created": "now", "choices": []},
        {"usage": 3, "choices": []},
        {"usage": {"prompt_tokens": "3"}, "choices": []},
        {"choices": [{"delta": {"tool_calls": [{"index": -1, "function": {"name": "f"}}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 10**30}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 1000000000, "function": {"name": "f"}}]}}]},
        {"choices": [{"index": 10**12, "delta": {"content": "x"}}]},
    ],
)
def test_odd_chunks_are_read_or_refused(odd: dict[str, Any]) -> None:
    """Neither a crash nor a panic: chunks, or a clear error."""
    with Upstream(serve(event(json.dumps(odd)), *text_events("a"))) as upstream:
        got, error = read(upstream)
    if error is None:
        assert got[-1].choices[0].finish_reason in ("stop", "tool_calls")
        for piece in got:
            piece.model_dump()
    else:
        assert isinstance(error, ferrolite.MidStreamFallbackError), error
