"""Every wait has a limit: connecting, the whole answer, the silence in a stream."""

from __future__ import annotations

import asyncio
import itertools
import math
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from _upstream import Exchange, Upstream, arguments, chat, chunk, text_of

import ferrolite

LIMIT = 0.3
SLACK = 0.4
"""How late a limit may be noticed, on a busy machine."""

Call = Callable[..., Any]


def sync(**more: Any) -> Any:
    return ferrolite.completion(**more)


def awaited(**more: Any) -> Any:
    async def run() -> Any:
        return await ferrolite.acompletion(**more)

    return asyncio.run(run())


@pytest.fixture(params=[sync, awaited])
def call(request: pytest.FixtureRequest) -> Call:
    return request.param


def timed_out(work: Callable[[], Any], limit: float = LIMIT) -> ferrolite.Timeout:
    started = time.monotonic()
    with pytest.raises(ferrolite.Timeout) as caught:
        work()
    took = time.monotonic() - started
    assert limit - 0.02 <= took <= limit + SLACK, f"{took:.3f} s"
    assert caught.value.status_code == 408
    assert caught.value.llm_provider == "openai"
    return caught.value


def hang(exchange: Exchange) -> None:
    exchange.hang()


def test_a_server_that_never_answers(call: Call) -> None:
    with Upstream(hang) as upstream:
        error = timed_out(lambda: call(**arguments(upstream, timeout=LIMIT)))
        assert "0.3" in str(error)
        upstream.wait_open(0, 1.0)


@pytest.mark.parametrize("timeout", ["0.3", " 0.3 ", LIMIT])
def test_a_limit_as_text(timeout: Any) -> None:
    with Upstream(hang) as upstream:
        timed_out(lambda: sync(**arguments(upstream, timeout=timeout)))


def test_a_limit_of_httpx() -> None:
    httpx = pytest.importorskip("httpx")
    with Upstream(hang) as upstream:
        for timeout in (
            httpx.Timeout(LIMIT),
            httpx.Timeout(9.0, read=LIMIT),
            httpx.Timeout(LIMIT, connect=5.0),
        ):
            timed_out(lambda timeout=timeout: sync(**arguments(upstream, timeout=timeout)))


def test_request_timeout_is_a_name_of_it(call: Call) -> None:
    with Upstream(hang) as upstream:
        timed_out(lambda: call(**{**arguments(upstream), "timeout": None, "request_timeout": LIMIT}))


def test_the_modules_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ferrolite, "request_timeout", LIMIT)
    with Upstream(hang) as upstream:
        timed_out(lambda: sync(**{**arguments(upstream), "timeout": None}))


def test_no_limit_is_the_longest_of_limits() -> None:
    for timeout in (math.inf, None):
        with Upstream() as upstream:
            assert sync(**arguments(upstream, timeout=timeout)).choices[0].message.content == "hi"


def test_a_head_that_comes_byte_by_byte(call: Call) -> None:
    def answer(exchange: Exchange) -> None:
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\n", itertools.cycle(b"x-slow: yes\r\n")):
            exchange.send(bytes([byte]))
            time.sleep(0.02)

    with Upstream(answer) as upstream:
        timed_out(lambda: call(**arguments(upstream, timeout=LIMIT)))


def test_the_limit_is_for_head_and_body_together(call: Call) -> None:
    """A head just inside the limit does not buy the body another one."""
    limit = 2 * LIMIT

    def answer(exchange: Exchange) -> None:
        time.sleep(limit * 0.8)
        exchange.head(200, {"content-type": "application/json", "content-length": "100000"})
        while True:
            exchange.send(b" ")
            time.sleep(0.01)

    with Upstream(answer) as upstream:
        timed_out(lambda: call(**arguments(upstream, timeout=limit)), limit)


def test_an_error_body_that_never_ends(call: Call) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head(400, {"content-type": "application/json", "content-length": "100000"})
        exchange.hang()

    with Upstream(answer) as upstream:
        timed_out(lambda: call(**arguments(upstream, timeout=LIMIT)))


@pytest.fixture
def full_listener() -> Iterator[int]:
    """A port whose queue of connections is full, so that connecting neither works nor fails."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        yield port
        for client in waiting:
            client.close()


def test_connecting_has_a_limit_of_its_own(full_listener: int, call: Call) -> None:
    httpx = pytest.importorskip("httpx")
    with Upstream() as upstream:
        more = {**arguments(upstream), "api_base": f"http://127.0.0.1:{full_listener}/v1"}
        error = timed_out(lambda: call(**{**more, "timeout": httpx.Timeout(9.0, connect=LIMIT)}))
        assert "connect" in str(error)


def test_the_limit_holds_while_connecting(full_listener: int, call: Call) -> None:
    with Upstream() as upstream:
        more = {**arguments(upstream, timeout=LIMIT), "api_base": f"http://127.0.0.1:{full_listener}/v1"}
        timed_out(lambda: call(**more))


def test_a_tls_handshake_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Upstream() as upstream:
        base = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        timed_out(lambda: sync(**{**arguments(upstream, timeout=LIMIT), "api_base": base}))


def test_a_refused_connection_is_no_time_out(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Upstream() as upstream, pytest.raises(ferrolite.APIConnectionError) as caught:
        call(**{**arguments(upstream), "api_base": f"http://127.0.0.1:{port}/v1"})
    assert "Connection error" in str(caught.value)
    assert not isinstance(caught.value, ferrolite.Timeout)


# Streams


def pieces_then_silence(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.piece(chunk({"role": "assistant", "content": "a"}))
    exchange.hang()


def read_all(stream: Any) -> list[str]:
    got: list[str] = []

    async def run() -> None:
        async for piece in stream:
            got.append(piece.choices[0].delta.content)

    asyncio.run(run())
    return got


@pytest.mark.parametrize("name", ["timeout", "stream_timeout"])
def test_str_26_a_stream_that_never_begins(name: str, call: Call) -> None:
    with Upstream(hang) as upstream:
        timed_out(lambda: call(**arguments(upstream, stream=True, **{name: LIMIT})))


@pytest.mark.parametrize("reader", [list, read_all])
def test_str_26_silence_in_a_stream(reader: Callable[[Any], Any]) -> None:
    with Upstream(pieces_then_silence) as upstream:
        stream = sync(**arguments(upstream, stream=True, stream_timeout=LIMIT))
        assert next(stream).choices[0].delta.content == "a"
        started = time.monotonic()
        with pytest.raises(ferrolite.MidStreamFallbackError) as caught:
            reader(stream)
        assert LIMIT - 0.05 <= time.monotonic() - started <= LIMIT + SLACK
        error: Any = caught.value
        assert error.status_code == 408
        assert isinstance(error.original_exception, ferrolite.Timeout)
        assert error.generated_content == "a"
        assert not error.is_pre_first_chunk
        upstream.wait_open(0, 1.0)
        assert list(stream) == []


def test_str_26_comments_and_pieces_keep_a_stream_alive() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        for number in range(6):
            time.sleep(LIMIT / 3)
            exchange.piece(b": still here\n\n" if number % 2 else chunk({"content": str(number)}))
        exchange.piece(chunk({}, "stop"))
        exchange.end_stream()

    with Upstream(answer) as upstream:
        stream = sync(**arguments(upstream, stream=True, stream_timeout=LIMIT))
        assert text_of(stream) == "024", "longer than the limit in all, never silent for that long"


def test_str_26_a_reader_that_takes_its_time_is_not_timed_out() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.stream([chunk({"content": "a"}), chunk({"content": "b"}), chunk({}, "stop")])

    with Upstream(answer) as upstream:
        stream = sync(**arguments(upstream, stream=True, stream_timeout=LIMIT))
        next(stream)
        time.sleep(LIMIT * 2)
        assert text_of(stream) == "b"


def test_stream_timeout_does_not_touch_whole_answers() -> None:
    def answer(exchange: Exchange) -> None:
        time.sleep(LIMIT)
        exchange.json(chat("late"))

    with Upstream(answer) as upstream:
        assert sync(**arguments(upstream, stream_timeout=LIMIT / 3)).choices[0].message.content == "late"


def test_a_time_out_is_tried_again_within_the_budget() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.hang() if exchange.number < 3 else exchange.json(chat("third"))

    with Upstream(answer) as upstream:
        response = sync(**arguments(upstream, timeout=0.1, max_retries=2))
        assert response.choices[0].message.content == "third"
        assert len(upstream.requests) == 3
