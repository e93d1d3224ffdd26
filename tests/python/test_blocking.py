"""Calls that are waited for run on the waiting thread; what that must not break."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import ferrolite
from ferrolite.testing import MockServer

HELLO = [{"role": "user", "content": "Hello"}]
REPLY = (
    b'{"id": "1", "choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}'
)
PATIENCE = 10.0


def arguments(base: str, **more: Any) -> dict[str, Any]:
    return {"model": "openai/gpt-4o", "messages": HELLO, "api_base": f"{base}/v1", "api_key": "x", **more}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(chunks=50) as server:
        yield server


def texts(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_a_stream_of_a_sync_call_is_read_by_async_code(server: MockServer) -> None:
    expected = texts(list(ferrolite.completion(**arguments(server.base_url, stream=True))))
    stream = ferrolite.completion(**arguments(server.base_url, stream=True))
    first = next(stream)

    async def rest() -> list[Any]:
        return [chunk async for chunk in stream]

    assert texts([first, *asyncio.run(rest())]) == expected


def test_a_stream_of_an_async_call_is_read_by_sync_code(server: MockServer) -> None:
    expected = texts(list(ferrolite.completion(**arguments(server.base_url, stream=True))))

    async def begin() -> Any:
        return await ferrolite.acompletion(**arguments(server.base_url, stream=True))

    assert texts(list(asyncio.run(begin()))) == expected


def test_threads_do_not_wait_for_each_other() -> None:
    with MockServer(latency_ms=200) as slow, ThreadPoolExecutor(16) as threads:
        started = time.monotonic()
        answers = threads.map(lambda _: ferrolite.completion(**arguments(slow.base_url)), range(16))
        assert all(answer.choices[0].message.content for answer in answers)
        assert time.monotonic() - started < 16 * 0.2 / 2


def test_a_stream_that_nobody_reads_holds_up_no_call(server: MockServer) -> None:
    with MockServer(chunks=5000) as other:
        stream = ferrolite.completion(**arguments(other.base_url, stream=True))
        next(stream)
        for _ in range(3):
            assert ferrolite.completion(**arguments(server.base_url)).choices
        assert len(list(stream)) >= 4999


class OneAnswerServer:
    """Answers one request of each connection and closes it a little later, without having said so."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.connections = 0
        self.closed = threading.Semaphore(0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.recv(65536)
                head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(REPLY)}\r\n\r\n"
                connection.sendall(head.encode() + REPLY)
                time.sleep(self.wait)
            self.closed.release()

    def __enter__(self) -> OneAnswerServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.listener.close()


def test_a_connection_that_ended_between_two_calls_is_not_used() -> None:
    with OneAnswerServer(wait=0.02) as server:
        for _ in range(3):
            answer = ferrolite.completion(**arguments(server.base_url, max_retries=0))
            assert answer.choices[0].message.content == "hi"
            assert server.closed.acquire(timeout=PATIENCE)
            time.sleep(0.01)
        assert server.connections == 3


class SilentServer:
    """Accepts a request, never answers, and notes when its client has gone."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            while connection.recv(65536):
                pass
        self.gone.set()

    def __enter__(self) -> SilentServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.listener.close()


def test_a_call_that_timed_out_has_closed_its_connection() -> None:
    with SilentServer() as server:
        with pytest.raises(ferrolite.Timeout):
            ferrolite.completion(**arguments(server.base_url, timeout=0.1, max_retries=0))
        assert server.gone.wait(0.5)
