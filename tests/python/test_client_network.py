"""Proxies, certificates, HTTP/2 and compressed replies."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import subprocess
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from _upstream import Exchange, Request, Upstream, arguments, chat, python, quiet, text_events, text_of

import ferrolite

# Proxies. The client reads its proxies when it first connects, so each case is a process of its own.

ONE_CALL = """
import sys, ferrolite
try:
    r = ferrolite.completion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k", max_retries=0)
    print(r.choices[0].message.content)
except ferrolite.APIConnectionError as error:
    print("refused")
"""


def test_a_proxy_from_the_environment() -> None:
    with Upstream(lambda exchange: exchange.json(chat("through the proxy"))) as proxy:
        quiet(python(ONE_CALL, "http://model.invalid/v1", HTTP_PROXY=proxy.origin), "through the proxy")
        assert proxy.requests[0].path == "http://model.invalid/v1/chat/completions"
        assert proxy.requests[0].headers["host"] == "model.invalid"


@pytest.mark.parametrize("name", ["http_proxy", "ALL_PROXY"])
def test_a_proxy_under_its_other_names(name: str) -> None:
    with Upstream(lambda exchange: exchange.json(chat("through the proxy"))) as proxy:
        quiet(python(ONE_CALL, "http://model.invalid/v1", **{name: proxy.origin}), "through the proxy")


@pytest.mark.parametrize("hosts", ["127.0.0.1", "localhost,127.0.0.0/8", "*"])
def test_hosts_that_need_no_proxy(hosts: str) -> None:
    with Upstream() as upstream, Upstream() as proxy:
        quiet(python(ONE_CALL, upstream.url, HTTP_PROXY=proxy.origin, NO_PROXY=hosts), "hi")
        assert not proxy.requests


def test_a_tunnel_for_https() -> None:
    """The key goes through the tunnel only: the proxy sees no more than the host."""
    asked: list[Request] = []

    def answer(exchange: Exchange) -> None:
        asked.append(exchange.request)
        exchange.reply(403, b"")

    with Upstream(answer) as proxy:
        quiet(python(ONE_CALL, "https://model.invalid/v1", HTTPS_PROXY=proxy.origin), "refused")
    assert (asked[0].method, asked[0].path) == ("CONNECT", "model.invalid:443")
    assert "authorization" not in asked[0].headers


def test_a_proxy_that_is_down_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    quiet(python(ONE_CALL, "http://model.invalid/v1", HTTP_PROXY=f"http://127.0.0.1:{port}"), "refused")


# Certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 and its key in one file; without openssl there is none."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    extra = [
        "-addext",
        "subjectAltName=IP:127.0.0.1,DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ]
    extra += ["-keyout", str(file), "-out", f"{file}.crt"]
    try:
        subprocess.run([*command.split(), *extra], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is needed")
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_an_unknown_certificate_is_refused(tls: ssl.SSLContext) -> None:
    with Upstream(tls=tls) as upstream:
        with pytest.raises(ferrolite.APIConnectionError, match="certificate"):
            ferrolite.completion(**arguments(upstream))
        assert not upstream.requests


@pytest.mark.parametrize("off", [False, "false", "0"])
def test_ssl_verify_off(tls: ssl.SSLContext, off: Any) -> None:
    with Upstream(tls=tls) as upstream:
        for _ in range(3):
            assert (
                ferrolite.completion(**arguments(upstream, ssl_verify=off)).choices[0].message.content == "hi"
            )
        assert upstream.connections <= 2


def test_ssl_verify_with_a_file(tls: ssl.SSLContext, certificate: Path) -> None:
    with Upstream(tls=tls) as upstream:
        response = ferrolite.completion(**arguments(upstream, ssl_verify=f"{certificate}.crt"))
        assert response.choices[0].message.content == "hi"


def test_ssl_verify_of_the_module(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Upstream(tls=tls) as upstream:
        for value in (False, f"{certificate}.crt"):
            monkeypatch.setattr(ferrolite, "ssl_verify", value)
            assert ferrolite.completion(**arguments(upstream)).choices[0].message.content == "hi"
        monkeypatch.setattr(ferrolite, "ssl_verify", True)
        with pytest.raises(ferrolite.APIConnectionError):
            ferrolite.completion(**arguments(upstream))


def test_a_file_of_roots_from_the_environment(tls: ssl.SSLContext, certificate: Path) -> None:
    with Upstream(tls=tls) as upstream:
        quiet(python(ONE_CALL, upstream.url, SSL_CERT_FILE=f"{certificate}.crt"), "hi")
        quiet(python(ONE_CALL, upstream.url), "refused")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_roots_that_cannot_be_used(
    tls: ssl.SSLContext, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "roots.pem"
    if content is not None:
        file.write_text(content)
    with Upstream(tls=tls) as upstream:
        with pytest.raises(ferrolite.BadRequestError, match=r"roots\.pem"):
            ferrolite.completion(**arguments(upstream, ssl_verify=str(file)))
        assert not upstream.requests


def test_plain_http_on_a_tls_port_and_the_reverse(tls: ssl.SSLContext) -> None:
    with Upstream(tls=tls) as upstream, pytest.raises(ferrolite.APIConnectionError):
        ferrolite.completion(**{**arguments(upstream), "api_base": upstream.url.replace("https", "http")})
    with Upstream() as upstream, pytest.raises(ferrolite.APIConnectionError):
        ferrolite.completion(**{**arguments(upstream), "api_base": upstream.url.replace("http", "https")})


# HTTP/2


def test_http_2_by_alpn(certificate: Path) -> None:
    """Fifty calls at once over one connection, streams too."""
    pytest.importorskip("h2")
    hypercorn = pytest.importorskip("hypercorn.config")
    from hypercorn.asyncio import serve

    versions: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        versions.append(scope["http_version"])
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        stream = json.loads(body).get("stream")
        kind = b"text/event-stream" if stream else b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        pieces = text_events("a", "b") if stream else [json.dumps(chat("hi")).encode()]
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    config = hypercorn.Config()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile, config.keyfile = f"{certificate}.crt", str(certificate)
    config.errorlog = config.accesslog = None
    config.graceful_timeout = config.shutdown_timeout = 0.1
    ready = threading.Event()
    stop: list[Any] = []

    async def run() -> None:
        done = asyncio.Event()
        stop.extend([asyncio.get_running_loop(), done])
        ready.set()
        await serve(app, config, shutdown_trigger=done.wait)

    server = threading.Thread(target=lambda: asyncio.run(run()))
    server.start()
    try:
        assert ready.wait(5)
        more = {
            "model": "openai/m",
            "messages": [{"role": "user", "content": "x"}],
            "api_base": f"https://127.0.0.1:{port}/v1",
            "api_key": "k",
            "ssl_verify": False,
        }

        async def calls() -> list[Any]:
            return await asyncio.gather(*(ferrolite.acompletion(**more) for _ in range(50)))

        assert ferrolite.completion(**more).choices[0].message.content == "hi"
        assert {answer.choices[0].message.content for answer in asyncio.run(calls())} == {"hi"}
        assert text_of(ferrolite.completion(**more, stream=True)) == "ab"
        with ferrolite.completion(**more, stream=True) as stream:
            next(stream)
        assert ferrolite.completion(**more).choices[0].message.content == "hi", (
            "a stream that was left harms no other"
        )
    finally:
        stop[0].call_soon_threadsafe(stop[1].set)
        server.join(5)
    assert set(versions) == {"2"}


# Encodings


def brotli(data: bytes) -> bytes:
    return pytest.importorskip("brotli").compress(data)


def zstd(data: bytes) -> bytes:
    return pytest.importorskip("zstandard").ZstdCompressor().compress(data)


ENCODINGS = {"gzip": gzip.compress, "br": brotli, "deflate": zlib.compress, "zstd": zstd}


@pytest.mark.parametrize("name", ENCODINGS)
def test_encoded_replies(name: str) -> None:
    text = "ä€😀 " * 500

    body = ENCODINGS[name](json.dumps(chat(text), ensure_ascii=False).encode())

    def answer(exchange: Exchange) -> None:
        exchange.reply(200, body, {"content-type": "application/json", "content-encoding": name})

    with Upstream(answer) as upstream:
        assert ferrolite.completion(**arguments(upstream)).choices[0].message.content == text
        offered = [item.strip() for item in upstream.requests[0].headers["accept-encoding"].split(",")]
        assert set(ENCODINGS) <= set(offered)


@pytest.mark.parametrize("name", ENCODINGS)
def test_encoded_streams(name: str) -> None:
    encoded = ENCODINGS[name](b"".join(text_events("a", "b", "c")))

    def answer(exchange: Exchange) -> None:
        exchange.begin_stream({"content-encoding": name})
        for at in range(0, len(encoded), 7):
            exchange.piece(encoded[at : at + 7])
        exchange.end_stream()

    with Upstream(answer) as upstream:
        assert text_of(ferrolite.completion(**arguments(upstream, stream=True))) == "abc"


def test_an_encoded_stream_gives_its_pieces_as_they_come() -> None:
    def answer(exchange: Exchange) -> None:
        encoder = zlib.compressobj(wbits=31)
        exchange.begin_stream({"content-encoding": "gzip"})
        for piece in text_events("a", "b")[:2]:
            exchange.piece(encoder.compress(piece) + encoder.flush(zlib.Z_SYNC_FLUSH))
        exchange.hang()

    with Upstream(answer) as upstream, ferrolite.completion(**arguments(upstream, stream=True)) as stream:
        assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "a"]


def test_an_encoded_error() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reply(400, gzip.compress(b'{"error": {"message": "wrong"}}'), {"content-encoding": "gzip"})

    with Upstream(answer) as upstream, pytest.raises(ferrolite.BadRequestError, match="wrong"):
        ferrolite.completion(**arguments(upstream))


@pytest.mark.parametrize("stream", [False, True])
def test_an_encoding_that_is_a_lie(stream: bool) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reply(
            200, b"this is no gzip", {"content-encoding": "gzip", "content-type": "text/event-stream"}
        )

    with (
        Upstream(answer) as upstream,
        pytest.raises((ferrolite.APIConnectionError, ferrolite.MidStreamFallbackError)),
    ):
        list(ferrolite.completion(**arguments(upstream, stream=stream)))
