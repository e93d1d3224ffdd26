"""A scripted HTTP server on loopback, for what a well-behaved mock cannot do: hangs, resets, slow or odd bytes.

Each request is answered by a function of the test, in a thread of its connection. The server counts connections
and says when a client has closed one.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ferrolite

PACKAGE = str(Path(ferrolite.__file__).resolve().parent.parent)
KEY = "sk-canary-0123456789abcdefghijkl"
HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
PATIENCE = 10.0
"""The longest a test waits for anything, in seconds."""


class Upstream:
    """A server whose answers `answer` makes; a context manager."""

    def __init__(
        self, answer: Callable[[Exchange], None] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.answer = answer or (lambda exchange: exchange.json(chat("hi")))
        self.tls = tls
        self.connections = 0
        self.requests: list[Request] = []
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.failures: list[BaseException] = []
        self._seen = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/v1"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the listener and all connections."""
        self.stopping.set()
        shut(self._listener)  # closing alone does not wake who waits in `accept`
        self._thread.join(PATIENCE)
        with self.lock:
            connections = list(self.open)
        for connection in connections:
            shut(connection)

    def wait_requests(self, count: int) -> None:
        """Wait until that many requests have arrived."""
        with self._seen:
            arrived = self._seen.wait_for(lambda: len(self.requests) >= count, PATIENCE)
        assert arrived, f"{len(self.requests)} of {count} requests arrived"

    def wait_open(self, at_most: int, limit: float = PATIENCE) -> float:
        """Wait until at most that many connections are open; returns how long it took."""
        started = time.monotonic()
        while len(self.open) > at_most:
            assert time.monotonic() - started < limit, f"{len(self.open)} connections still open"
            time.sleep(0.002)
        return time.monotonic() - started

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        connection = raw
        try:
            if self.tls:
                connection = self.tls.wrap_socket(raw, server_side=True)
                with self.lock:
                    self.open.discard(raw)
                    self.open.add(connection)
            reader = connection.makefile("rb")
            while not self.stopping.is_set():
                request = Request.read(reader)
                if request is None:
                    return
                with self._seen:
                    self.requests.append(request)
                    self._seen.notify_all()
                exchange = Exchange(self, connection, request)
                self.answer(exchange)
                if exchange.last:
                    return
        except (OSError, ValueError):
            pass  # the client has gone
        except BaseException as error:
            self.failures.append(error)
            raise
        finally:
            with self.lock:
                self.open.discard(raw)
                self.open.discard(connection)
            connection.close()


class Request:
    """What a client sent."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body

    @classmethod
    def read(cls, reader: Any) -> Request | None:
        line = reader.readline()
        if not line:
            return None
        method, path, _ = line.decode().split(" ", 2)
        headers: dict[str, str] = {}
        while (line := reader.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", 0)))
        return cls(method, path, headers, body)

    def json(self) -> Any:
        return json.loads(self.body)


class Exchange:
    """One request and the way to answer it."""

    def __init__(self, server: Upstream, connection: socket.socket, request: Request) -> None:
        self.server, self.connection, self.request = server, connection, request
        self.last = False
        """Whether the connection is done with."""

    @property
    def number(self) -> int:
        """The place of this request among all that arrived, from 1."""
        return self.server.requests.index(self.request) + 1

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def head(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """The status line and headers; the body is of any length, up to the end of the connection."""
        lines = [f"HTTP/1.1 {status} Status"] + [
            f"{name}: {value}" for name, value in (headers or {}).items()
        ]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole reply."""
        self.head(status, {"content-length": str(len(body)), **(headers or {})})
        self.send(body)

    def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.reply(
            status, json.dumps(value).encode(), {"content-type": "application/json", **(headers or {})}
        )

    def begin_stream(self, headers: dict[str, str] | None = None) -> None:
        """The head of a chunked event stream."""
        self.head(
            200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})}
        )

    def piece(self, data: bytes) -> None:
        """One piece of a chunked body."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.send(b"0\r\n\r\n")

    def stream(self, events: Iterable[bytes], headers: dict[str, str] | None = None) -> None:
        """A whole event stream, one piece an event."""
        self.begin_stream(headers)
        for event in events:
            self.piece(event)
        self.end_stream()

    def hang(self, limit: float = PATIENCE) -> float | None:
        """Wait until the client closes; returns when that was (`time.monotonic`), or None if it did not."""
        self.last = True
        self.connection.settimeout(limit)
        try:
            while self.connection.recv(4096):
                pass
        except TimeoutError:
            return None
        except OSError:
            pass
        return time.monotonic()

    def reset(self) -> None:
        """Break the connection off."""
        self.last = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def close(self) -> None:
        """Close the connection in good order."""
        self.last = True
        shut(self.connection)


def shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def chat(text: str | None, **fields: Any) -> dict[str, Any]:
    """A chat completion as OpenAI answers it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m-2024",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
        **fields,
    }


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    """One event of a chat stream."""
    choices = (
        []
        if delta is None and finish is None
        else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    )
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "m-2024",
        "choices": choices,
        **fields,
    }
    return event(json.dumps(body))


def event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


DONE = event("[DONE]")


def text_events(*pieces: str) -> list[bytes]:
    """The events of a streamed text."""
    first = chunk({"role": "assistant", "content": ""})
    return [first, *(chunk({"content": piece}) for piece in pieces), chunk({}, "stop"), DONE]


def arguments(upstream: Upstream, **more: Any) -> dict[str, Any]:
    """Keyword arguments of a call to the server: one attempt, and patience enough for a slow machine."""
    base = {"model": "openai/m", "messages": HELLO, "api_base": upstream.url, "api_key": KEY}
    return {**base, "max_retries": 0, "timeout": PATIENCE, **more}


def text_of(stream: Iterable[Any]) -> str:
    return "".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices)


def environment(**more: str) -> dict[str, str]:
    """The environment of a child process that imports the package."""
    kept = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    path = os.pathsep.join([*filter(None, [kept.get("PYTHONPATH")]), PACKAGE, str(Path(__file__).parent)])
    return {**kept, "PYTHONPATH": path, **more}


def python(
    code: str, *arguments: str, limit: float = 30.0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program, given as text, in a process of its own."""
    return run("-c", code, *arguments, limit=limit, **variables)


def run(*arguments: str, limit: float = 30.0, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=limit,
        env=environment(**variables),
        check=False,
    )


def quiet(done: subprocess.CompletedProcess[str], out: str) -> None:
    """The program ended well, said `out`, and made no noise."""
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, out, "")
