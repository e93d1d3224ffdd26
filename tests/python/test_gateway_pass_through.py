"""The gateway passes providers' own interfaces on, byte for byte and with its own keys."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ferrolite.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-gateway-1234"
UPSTREAM_KEY = "sk-upstream-5678"


class Upstream:
    """Says what it was asked, and does a few other things that its paths name."""

    def __init__(self) -> None:
        seen: list[dict[str, Any]] = []
        gone = threading.Event()
        arrived = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def body(self) -> bytes:
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                out = b""
                while size := int(self.rfile.readline(), 16):
                    out += self.rfile.read(size)
                    arrived.set()
                    self.rfile.readline()
                self.rfile.readline()
                return out

            def chunk(self, data: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def answer(self) -> None:
                body = self.body()
                headers = [(name.lower(), value) for name, value in self.headers.items()]
                seen.append(
                    {"method": self.command, "path": self.path, "headers": dict(headers), "body": body}
                )
                if "stream" in self.path:
                    self.send_response(200)
                    self.send_header("content-type", "text/event-stream")
                    self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                    self.chunk(b"event: a\ndata: 1\n\n")
                    try:
                        for _ in range(100 if "endless" in self.path else 1):
                            time.sleep(0.1)
                            self.chunk(b": still there\n\n")
                        self.chunk(b"data: [DONE]\n\n")
                        self.chunk(b"")
                    except OSError:
                        gone.set()
                    return
                status = 529 if "overloaded" in self.path else 307 if "moved" in self.path else 200
                text = (
                    b"\x1f\x8b not really gzip"
                    if "zipped" in self.path
                    else json.dumps(seen[-1], default=repr).encode()
                )
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.send_header("connection", "x-hop")
                self.send_header("x-hop", "1")
                self.send_header("x-mine", "yes")
                self.send_header("set-cookie", "a=b")
                if status == 307:
                    self.send_header("location", "http://169.254.169.254/")
                if "zipped" in self.path:
                    self.send_header("content-encoding", "gzip")
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        self.seen, self.gone, self.arrived = seen, gone, arrived
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    def deployment(model: str, base: str, **params: Any) -> dict[str, Any]:
        params = {"model": model, "api_base": base, "use_in_pass_through": True, **params}
        return {"model_name": model, "litellm_params": params}

    key = {"api_key": UPSTREAM_KEY}
    aws = {
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": "secret-of-aws",
        "aws_region_name": "us-west-2",
    }
    config = {
        "model_list": [
            deployment("anthropic/claude-sonnet-4-5", upstream.url, **key),
            deployment("openai/gpt-4o", upstream.url + "/v1", **key),
            deployment("gemini/gemini-2.5-flash", upstream.url + "/v1beta", **key),
            deployment("cohere/command-r", upstream.url, **key),
            deployment("azure/gpt-4o", upstream.url, api_version="2025-01-01", **key),
            deployment("bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0", upstream.url, **aws),
            deployment("vertex_ai/gemini-2.5-flash", upstream.url, api_key="ya29.token", vertex_project="p"),
            deployment("groq/llama-3.1-8b-instant", f"http://127.0.0.1:{closed_port()}/openai/v1", **key),
        ],
        "general_settings": {
            "master_key": KEY,
            "pass_through_endpoints": [
                {"path": "/own", "target": upstream.url + "/elsewhere?a=1", "headers": {"x-secret": "s3cr3t-value"},
                 "include_subpath": True, "auth": True, "forward_headers": True},
                {"path": "/open", "target": upstream.url + "/open", "auth": False, "forward_headers": True},
                {"path": "/v1/rerank", "target": upstream.url + "/their/rerank", "auth": True},
            ],
        },
    }  # fmt: skip
    file: Path = tmp_path_factory.mktemp("gateway") / "config.yaml"
    file.write_text(json.dumps(config))
    with Gateway(config=str(file), port=0) as gateway:
        yield gateway


Answer = tuple[int, dict[str, str], bytes]


def ask(
    gateway: Gateway, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    address = gateway.base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.putrequest(method, path, skip_accept_encoding=True)
    headers = {"authorization": f"Bearer {KEY}"} if headers is None else headers
    if isinstance(body, bytes):
        headers = {**headers, "content-length": str(len(body))}
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    if body:
        connection.send(body)
    reply = connection.getresponse()
    out = reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
    connection.close()
    return out


PATHS = [
    ("/anthropic/v1/messages?beta=true", "/v1/messages?beta=true", "x-api-key", UPSTREAM_KEY),
    ("/openai/chat/completions", "/v1/chat/completions", "authorization", f"Bearer {UPSTREAM_KEY}"),
    ("/openai/v1/files/a%2Fb?x=%20a+b", "/v1/files/a%2Fb?x=%20a+b", "authorization", f"Bearer {UPSTREAM_KEY}"),
    ("/gemini/v1beta/models/x:generateContent?alt=sse", "/v1beta/models/x:generateContent?alt=sse", "x-goog-api-key", UPSTREAM_KEY),
    ("/gemini/v1/models", "/v1/models", "x-goog-api-key", UPSTREAM_KEY),
    ("/cohere/v2/chat", "/v2/chat", "authorization", f"Bearer {UPSTREAM_KEY}"),
    ("/azure/openai/deployments/d/chat/completions", "/openai/deployments/d/chat/completions?api-version=2025-01-01", "api-key", UPSTREAM_KEY),
    ("/vertex_ai/v1/projects/p/locations/us-east5/publishers/google/models/x:rawPredict",
     "/v1/projects/p/locations/us-east5/publishers/google/models/x:rawPredict", "authorization", "Bearer ya29.token"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "sent", "name", "value"), PATHS)
def test_the_gateways_key_stays_and_the_providers_goes(
    gateway: Gateway, upstream: Upstream, path: str, sent: str, name: str, value: str
) -> None:
    body = b'{ "odd":   "spacing" }'
    for proof in (
        {"authorization": f"Bearer {KEY}"},
        {"x-api-key": KEY},
        {"x-goog-api-key": KEY},
        {"api-key": KEY},
    ):
        headers = {
            **proof,
            "anthropic-beta": "x",
            "content-type": "application/json",
            "x-forwarded-for": "1.2.3.4",
        }
        status, _, _ = ask(gateway, "POST", path, body, headers)
        assert status == 200
        seen = upstream.seen[-1]
        assert (seen["method"], seen["path"], seen["body"]) == ("POST", sent, body)
        assert seen["headers"][name] == value
        assert seen["headers"]["host"] == upstream.url.removeprefix("http://")
        assert seen["headers"]["anthropic-beta"] == "x"
        assert "x-forwarded-for" not in seen["headers"]
        assert KEY not in json.dumps(seen, default=repr)
    mark = "&" if "?" in path else "?"
    assert ask(gateway, "POST", f"{path}{mark}key={KEY}", body, {})[0] == 200
    assert upstream.seen[-1]["path"] == sent


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_every_method_goes_through(gateway: Gateway, upstream: Upstream, method: str) -> None:
    assert ask(gateway, method, "/openai/files/x", b"abc" if method in ("PUT", "PATCH") else None)[0] == 200
    assert upstream.seen[-1]["method"] == method
    assert "transfer-encoding" not in upstream.seen[-1]["headers"]


def test_answers_come_as_they_are(gateway: Gateway) -> None:
    status, headers, body = ask(gateway, "GET", "/anthropic/zipped")
    assert (status, body) == (200, b"\x1f\x8b not really gzip")
    assert headers["content-encoding"] == "gzip"
    assert headers["x-mine"] == "yes"
    assert not {"x-hop", "set-cookie"} & set(headers)
    assert headers["x-litellm-call-id"]
    assert ask(gateway, "GET", "/anthropic/overloaded")[0] == 529
    status, headers, _ = ask(gateway, "GET", "/anthropic/moved")
    assert (status, headers["location"]) == (307, "http://169.254.169.254/"), "a redirect is not followed"


def test_bedrock_is_signed_with_the_body(gateway: Gateway, upstream: Upstream) -> None:
    status, _, _ = ask(gateway, "POST", "/bedrock/model/a.b-v1%3A0/converse", b'{"messages": []}')
    assert status == 200
    seen = upstream.seen[-1]
    assert seen["headers"]["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/us-west-2/bedrock/aws4_request" in seen["headers"]["authorization"]
    assert seen["path"] == "/model/a.b-v1%3A0/converse"
    assert seen["body"] == b'{"messages": []}'


def test_a_stream_comes_as_it_is_made(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection(gateway.base_url.removeprefix("http://"), timeout=10)
    began = time.monotonic()
    connection.request("POST", "/anthropic/stream", b"{}", {"x-api-key": KEY})
    reply = connection.getresponse()
    assert reply.read1(100) == b"event: a\ndata: 1\n\n"
    first = time.monotonic() - began
    assert reply.read().endswith(b"data: [DONE]\n\n")
    assert first + 0.05 < time.monotonic() - began
    connection.close()


def test_who_goes_away_ends_the_upstreams_work(gateway: Gateway, upstream: Upstream) -> None:
    upstream.gone.clear()
    connection = http.client.HTTPConnection(gateway.base_url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/anthropic/endless-stream", b"{}", {"x-api-key": KEY})
    connection.getresponse().read1(10)
    assert connection.sock
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    assert upstream.gone.wait(5)


def test_a_body_is_sent_on_while_it_comes(gateway: Gateway, upstream: Upstream) -> None:
    upstream.arrived.clear()
    connection = http.client.HTTPConnection(gateway.base_url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/openai/v1/files")
    connection.putheader("authorization", f"Bearer {KEY}")
    connection.putheader("transfer-encoding", "chunked")
    connection.endheaders()
    connection.send(b"5\r\nhello\r\n")
    assert upstream.arrived.wait(5), "the first part is there before the last one is sent"
    connection.send(b"6\r\n world\r\n0\r\n\r\n")
    assert connection.getresponse().status == 200
    assert upstream.seen[-1]["body"] == b"hello world"
    connection.close()


@pytest.mark.parametrize(
    "path",
    ["/../admin", "/v1/%2e%2e/%2e%2e/admin", "//evil.example/x", "/..%2fadmin", "/%252e%252e/x", "/a%0d%0aHost:%20evil", "/a%5c..%5cb"],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["/anthropic", "/openai/v1", "/own"])
def test_a_path_cannot_leave_its_base(gateway: Gateway, upstream: Upstream, prefix: str, path: str) -> None:
    before = len(upstream.seen)
    status, _, body = ask(gateway, "GET", prefix + path)
    assert status in (400, 404), body
    assert len(upstream.seen) == before


def test_a_host_in_the_request_changes_nothing(gateway: Gateway, upstream: Upstream) -> None:
    for path, headers in [
        ("http://evil.example/anthropic/v1/x", {}),
        ("/anthropic/v1/x", {"host": "evil.example"}),
        ("/anthropic/v1/x", {"x-forwarded-host": "evil.example"}),
        ("/anthropic/@evil.example/x", {}),
        ("/anthropic/http:evil.example/x", {}),
    ]:
        status, _, _ = ask(gateway, "GET", path, None, {"x-api-key": KEY, **headers})
        assert status == 200
        assert upstream.seen[-1]["headers"]["host"] == upstream.url.removeprefix("http://")


def test_own_paths(gateway: Gateway, upstream: Upstream) -> None:
    status, _, _ = ask(gateway, "POST", "/own/sub?b=2", b"x", {"x-api-key": KEY, "x-mine": "1"})
    assert status == 200
    seen = upstream.seen[-1]
    assert seen["path"] == "/elsewhere/sub?a=1&b=2"
    assert (seen["headers"]["x-secret"], seen["headers"]["x-mine"]) == ("s3cr3t-value", "1")
    assert KEY not in json.dumps(seen, default=repr)
    assert ask(gateway, "POST", "/own", b"x", {})[0] == 401
    # One that needs no key leaves the client's own to its target, but never the gateway's.
    assert ask(gateway, "GET", "/open", None, {"authorization": "Bearer theirs"})[0] == 200
    assert upstream.seen[-1]["headers"]["authorization"] == "Bearer theirs"
    assert ask(gateway, "GET", "/open", None, {"authorization": f"Bearer {KEY}", "x-api-key": KEY})[0] == 200
    assert KEY not in json.dumps(upstream.seen[-1], default=repr)
    # It comes before the gateway's own meaning of a path.
    assert ask(gateway, "POST", "/v1/rerank", b"{}")[0] == 200
    assert upstream.seen[-1]["path"] == "/their/rerank"
    assert ask(gateway, "POST", "/own2", b"x")[0] == 404


def test_errors_speak_the_paths_format(gateway: Gateway) -> None:
    status, _, body = ask(gateway, "POST", "/groq/chat/completions", b"{}")
    assert status == 502
    assert "message" in json.loads(body)["error"]
    assert UPSTREAM_KEY.encode() not in body
    status, _, body = ask(gateway, "POST", "/anthropic/v1/messages", b"{}", {})
    assert (status, json.loads(body)["type"]) == (401, "error")
    status, _, body = ask(gateway, "POST", "/gemini/v1/models", b"{}", {"x-goog-api-key": "wrong"})
    assert (status, json.loads(body)["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_without_a_deployment_the_environment_says_where(
    gateway: Gateway, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTRAL_AZURE_API_BASE", upstream.url + "/v1")
    monkeypatch.setenv("MISTRAL_AZURE_API_KEY", UPSTREAM_KEY)
    assert ask(gateway, "GET", "/mistral/models")[0] == 200
    seen = upstream.seen[-1]
    assert (seen["path"], seen["headers"]["authorization"]) == ("/v1/models", f"Bearer {UPSTREAM_KEY}")
