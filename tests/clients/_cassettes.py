"""A pytest plugin: recorded replies (pytest-recording's cassettes) come from a server on loopback.

The recorder stands in for Python's HTTP libraries, which ferrolite's calls do not go through. What is recorded is the
same, and what is asked must be, too: the method, the path and the fields of the body.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import _bridge
import pytest

ADDRESSES = {
    "OPENAI_API_BASE": "/v1",
    "OPENAI_BASE_URL": "/v1",
    "ANTHROPIC_API_BASE": "",
    "ANTHROPIC_BASE_URL": "",
}

INSIDE = {
    "litellm.llms.anthropic.chat.handler": "ModelResponseIterator",
    "litellm.llms.bedrock.chat.invoke_handler": "AWSEventStreamDecoder",
    "litellm.llms.custom_httpx.aiohttp_transport": "LiteLLMAiohttpTransport",
}
"""Parts of LiteLLM's inside that a suite imports, to replace or to ask them. They are here so that the rest of the
suite can be collected: what asks one of them fails."""


def pytest_configure() -> None:
    if importlib.util.find_spec("trustme"):
        _bridge.start()
    for path, name in INSIDE.items():
        try:
            importlib.import_module(path)
        except ImportError:
            module = ModuleType(path)
            placeholder = type(name, (), {"handle_async_request": None, "__doc__": "Not there."})
            setattr(module, name, placeholder)
            sys.modules[path] = module


@pytest.fixture(autouse=True)
def replayed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the cassette of a test that is marked with `vcr`."""
    if request.node.get_closest_marker("vcr") is None:
        yield
        return
    import yaml

    name = f"{request.cls.__name__}.{request.node.name}" if request.cls else request.node.name
    path = Path(request.path).parent / "cassettes" / Path(request.path).stem / f"{name}.yaml"
    interactions: list[Any] = yaml.safe_load(path.read_text())["interactions"]
    wrong: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(interactions, wrong))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for variable, prefix in ADDRESSES.items():
        monkeypatch.setenv(variable, f"http://127.0.0.1:{server.server_address[1]}{prefix}")
    yield
    server.shutdown()
    assert not wrong, wrong


def handler(interactions: list[Any], wrong: list[str]) -> type[BaseHTTPRequestHandler]:
    """Answers requests in the order of the recording."""
    left = list(interactions)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            if not left:
                wrong.append(f"one request more than was recorded: {self.path}")
                self.send_error(500)
                return
            recorded = left.pop(0)
            asked, answer = recorded["request"], recorded["response"]
            wanted = urlsplit(asked["uri"]).path
            if self.path != wanted:
                wrong.append(f"{self.path} was asked instead of {wanted}")
            body = json.loads(asked["body"] or "{}")
            fields = {name for name, value in body.items() if value is not None}
            if set(sent) - {"stream"} != fields - {"stream"}:
                wrong.append(f"fields {sorted(sent)} were sent instead of {sorted(fields)}")
            text = answer["body"]["string"]
            data = text if isinstance(text, bytes) else text.encode()
            stream = data.startswith((b"event:", b"data:"))
            self.send_response(answer["status"]["code"])
            self.send_header("content-type", "text/event-stream" if stream else "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
