"""A provider on loopback that gives scripted answers in OpenAI's format, and keeps what it was sent.

The programs beside it run in environments of their own, against ferrolite or the original, so this file needs the
standard library alone.

>>> with Provider("Hello", Call("add", a=1, b=2)) as provider:
...     ...  # two chat requests to provider.url, whole or streamed
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import os
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-loopback-0123456789abcdefghij"
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
SIZE = 16
"""Numbers in an embedding."""


class Call:
    """An answer: the model calls a tool. `Call(...) & Call(...)` calls two at once."""

    def __init__(self, name: str, /, **arguments: Any) -> None:
        self.calls = [(name, arguments)]

    def __and__(self, other: Call) -> Call:
        both = Call("")
        both.calls = self.calls + other.calls
        return both


class Fail:
    """An answer: an error of this status."""

    def __init__(self, status: int, message: str = "scripted failure") -> None:
        self.status, self.message = status, message


class Json:
    """An answer: this value as JSON text."""

    def __init__(self, **fields: Any) -> None:
        self.text = json.dumps(fields)


class Provider:
    """The server; on leaving, every answer must have been asked for and no request have gone without one.

    Args:
        *answers: One for each chat request, in order; a function is given the request's body and returns one.
        always: Answers every request instead, from its body.
        others: Answers what is not a request to a model, from its path and body.
    """

    def __init__(
        self,
        *answers: Any,
        always: Callable[[dict[str, Any]], Any] | None = None,
        others: Callable[[str, dict[str, Any]], Any] | None = None,
    ) -> None:
        self.answers = list(answers)
        self.always = always
        self.others = others
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        """Path (without its query), body and headers of each request."""
        self.strays: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Provider:
        os.environ.update(OPENAI_API_KEY=KEY, OPENAI_API_BASE=self.url, OPENAI_BASE_URL=self.url)
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._server.shutdown()
        if kind is None:
            assert not self.strays, f"requests without an answer: {self.strays}"
            assert not self.answers, f"answers that nobody asked for: {self.answers}"

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests."""
        return [body for path, body, _ in self.requests if path.endswith("/chat/completions")]

    @property
    def embeddings(self) -> list[dict[str, Any]]:
        """The bodies of the embedding requests."""
        return [body for path, body, _ in self.requests if path.endswith("/embeddings")]

    def said(self, number: int = -1) -> str:
        """All that the messages of one chat request say."""
        return "\n".join(text_of(message) for message in self.chats[number]["messages"])

    def next_answer(self, body: dict[str, Any]) -> Any:
        with self._lock:
            if self.always is not None:
                return self.always(body)
            if not self.answers:
                self.strays.append(json.dumps(body)[:600])
                return Fail(400, "no answer is scripted for this request")
            answer = self.answers.pop(0)
        return answer(body) if callable(answer) else answer


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, whose content is a string or parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def vector(text: str) -> list[float]:
    """An embedding in which texts that share words are near each other."""
    numbers = [0.0] * SIZE
    for word in re.findall(r"\w+", text.lower()):
        numbers[hashlib.sha256(word.encode()).digest()[0] % SIZE] += 1.0
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]


def raised(kind: type[Exception], function: Callable[..., Any], **arguments: Any) -> Exception:
    """The error of this kind that a call raises."""
    try:
        function(**arguments)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def uses_ferrolite() -> bool:
    """Whether `import litellm` gave ferrolite's objects."""
    import litellm

    return sys.modules[litellm.completion.__module__].__spec__.origin.split(os.sep)[-2] == "ferrolite"


def done(**shown: Any) -> None:
    """The last line of a program: what was seen, and by which implementation."""
    wanted = os.environ.get("CLIENTS_IMPLEMENTATION")
    which = "ferrolite" if uses_ferrolite() else "litellm"
    assert wanted in (None, which), f"ran on {which} instead of {wanted}"
    print("\nok", which, json.dumps(shown, default=str))  # a progress bar may have left its line open
    sys.stdout.flush()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            if provider.others is not None and not self.path.endswith("/models"):
                self.reply(provider.others(self.path, {}))
                return
            self.reply({"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "loopback"}]})

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}"
            if self.headers.get("content-encoding") == "gzip":
                data = gzip.decompress(data)
            body = json.loads(data)
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = self.path.partition("?")[0]
            provider.requests.append((path, body, headers))
            if path.endswith("/embeddings"):
                self.reply(_embedding(body))
            elif path.endswith("/chat/completions"):
                self.chat(body)
            elif provider.others is not None:
                self.reply(provider.others(self.path, body))
            else:
                provider.strays.append(self.path)
                self.reply({"error": {"message": f"no such address: {self.path}"}}, 404)

        def chat(self, body: dict[str, Any]) -> None:
            answer = provider.next_answer(body)
            if isinstance(answer, Fail):
                error = {"message": answer.message, "type": "scripted", "param": None, "code": None}
                self.reply({"error": error}, answer.status)
            elif body.get("stream"):
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                for event in _events(answer, body):
                    data = event if isinstance(event, str) else json.dumps(event)
                    self.wfile.write(f"data: {data}\n\n".encode())
                    self.wfile.flush()
                self.close_connection = True
            else:
                self.reply(_completion(answer, body))

        def reply(self, value: Any, status: int = 200) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _message(answer: Any) -> dict[str, Any]:
    if isinstance(answer, Call):
        calls = [
            {
                "id": f"call_{number}{name}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(given)},
            }
            for number, (name, given) in enumerate(answer.calls)
        ]
        return {"role": "assistant", "content": None, "tool_calls": calls}
    return {"role": "assistant", "content": answer.text if isinstance(answer, Json) else answer}


def _finish(message: dict[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _completion(answer: Any, body: dict[str, Any]) -> dict[str, Any]:
    message = _message(answer)
    choice = {"index": 0, "message": message, "finish_reason": _finish(message), "logprobs": None}
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": 1700000000,
        "model": body["model"],
        "choices": [choice],
        "usage": USAGE,
    }


def _events(answer: Any, body: dict[str, Any]) -> list[Any]:
    """The events of a stream: content word by word, the arguments of a call in two pieces."""
    message = _message(answer)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for piece in re.findall(r"\s*\S+\s*$|\s*\S+", message["content"] or ""):
        deltas.append({"content": piece})
    for index, call in enumerate(message.get("tool_calls", [])):
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        first = {**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [first]})
        for piece in (arguments[:half], arguments[half:]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    head = {
        "id": "chatcmpl-loopback",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": body["model"],
    }
    events: list[Any] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(message)}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**head, "choices": [], "usage": USAGE})
    return [*events, "[DONE]"]


def _embedding(body: dict[str, Any]) -> dict[str, Any]:
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [
        {"object": "embedding", "index": index, "embedding": vector(str(text))}
        for index, text in enumerate(given)
    ]
    usage = {"prompt_tokens": len(given), "total_tokens": len(given)}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}
