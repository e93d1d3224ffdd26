"""What is wrong with a request is said in the format of its client, with the right status, and costs nothing upstream."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from _gateway import HI, KEY, UPSTREAM_KEY, Answer, ask, begin_stream, gateway, model, wait_for

from ferrolite.testing import MockServer

OPENAI = "/v1/chat/completions"
ANTHROPIC = "/v1/messages"
GEMINI = "/v1beta/models/gpt-4o:generateContent"
GOOD: dict[str, Any] = {
    OPENAI: {"model": "gpt-4o", "messages": HI},
    ANTHROPIC: {"model": "gpt-4o", "messages": HI, "max_tokens": 10},
    GEMINI: {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}
PATHS = [OPENAI, ANTHROPIC, GEMINI]


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with MockServer(record=True) as server:
        yield server.base_url


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, mock: str) -> Iterator[str]:
    models = [
        model("gpt-4o", "openai/gpt-4o", f"{mock}/v1"),
        model("gpt-4o-mini", "openai/gpt-4o-mini", f"{mock}/v1"),
    ]
    settings = {"master_key": KEY, "max_request_size_mb": 0.1}
    with gateway(tmp_path_factory.mktemp("gateway"), models, general_settings=settings) as url:
        yield url


def said(path: str, answer: Answer) -> tuple[str, str]:
    """Type and message of an error, which must have the shape of the path's format."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    if path == ANTHROPIC:
        assert body["type"] == "error"
        assert set(body["error"]) == {"type", "message"}
        return body["error"]["type"], body["error"]["message"]
    if path == OPENAI:
        assert set(body) == {"error"}
        assert {"message", "type", "param", "code"} <= set(body["error"])
        return body["error"]["type"], body["error"]["message"]
    assert body["error"]["code"] == answer.status
    return body["error"]["status"], body["error"]["message"]


def seen(mock: str) -> int:
    return ask(mock, "/_mock/requests").json()["seen"]


INVALID = {OPENAI: "invalid_request_error", ANTHROPIC: "invalid_request_error", GEMINI: "INVALID_ARGUMENT"}
DENIED = {OPENAI: "authentication_error", ANTHROPIC: "authentication_error", GEMINI: "UNAUTHENTICATED"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"a": 1} {"b": 2}',
        b"[" * 5000,
        b'{"model": "\xc3("}',
        b"",
    ],
    ids=repr,
)
def test_what_is_no_json_object(base: str, mock: str, path: str, body: bytes) -> None:
    before = seen(mock)
    answer = ask(base, path, body)
    assert answer.status == 400, answer.text
    kind, message = said(path, answer)
    assert kind == INVALID[path]
    assert message
    assert seen(mock) == before


@pytest.mark.parametrize(
    ("path", "wrong", "named"),
    [
        (OPENAI, {"messages": "Hi"}, "messages"),
        (OPENAI, {"messages": [7]}, "messages"),
        (OPENAI, {"messages": None}, "messages"),
        (OPENAI, {"model": 7}, "model"),
        (OPENAI, {"model": None}, "model"),
        (OPENAI, {"stream": "maybe"}, "stream"),
        (ANTHROPIC, {"messages": {"role": "user"}}, "messages"),
        (ANTHROPIC, {"max_tokens": "many"}, "max_tokens"),
        (ANTHROPIC, {"max_tokens": None}, "max_tokens"),
        (ANTHROPIC, {"model": None}, "model"),
        (GEMINI, {"contents": None}, "contents"),
        (GEMINI, {"contents": [{"parts": 7}]}, "parts"),
    ],
)
def test_a_wrong_type_is_named(base: str, mock: str, path: str, wrong: dict[str, Any], named: str) -> None:
    before = seen(mock)
    body = {name: value for name, value in {**GOOD[path], **wrong}.items() if value is not None}
    answer = ask(base, path, body)
    assert answer.status == 400, answer.text
    kind, message = said(path, answer)
    assert kind == INVALID[path]
    assert named in message
    assert seen(mock) == before


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_model_names_the_nearest(base: str, path: str) -> None:
    body = {**GOOD[path], "model": "gpt4o-mini"}
    answer = ask(base, path.replace("gpt-4o", "gpt4o-mini"), body)
    assert answer.status == 400
    assert "Did you mean 'gpt-4o-mini'?" in said(path, answer)[1]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "sk-wrong", "", KEY[:-1], KEY + "x", KEY.upper()])
def test_a_missing_or_wrong_key(base: str, mock: str, path: str, key: str | None) -> None:
    before = seen(mock)
    answer = ask(base, path, GOOD[path], key=key)
    assert answer.status == 401
    kind, message = said(path, answer)
    assert kind == DENIED[path]
    assert KEY not in answer.text
    assert not key or key not in message
    assert seen(mock) == before


@pytest.mark.parametrize("path", PATHS)
def test_the_key_wherever_a_client_puts_it(base: str, path: str) -> None:
    for name in ("x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key"):
        assert ask(base, path, GOOD[path], key=None, headers={name: KEY}).status == 200, name
    assert ask(base, f"{path}?key={KEY}", GOOD[path], key=None).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_too_large(base: str, path: str) -> None:
    answer = ask(base, path, {**GOOD[path], "user": "x" * 110_000})
    assert answer.status == 413
    kind, message = said(path, answer)
    assert kind in {INVALID[path], "request_too_large"}
    assert "bytes" in message


def test_a_body_too_large_is_not_read_to_its_end(base: str) -> None:
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = f"POST {OPENAI} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        connection.sendall(f"{head}content-length: 4000000000\r\n\r\n".encode() + b"x" * 200_000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/v1/nothing", "POST", 404),
        ("/v1/messages/nothing", "POST", 404),
        ("/v1beta/nothing", "POST", 404),
        ("/v1/chat/completions", "GET", 405),
        ("/v1/messages", "GET", 405),
        ("/v1beta/models/gpt-4o:generateContent", "DELETE", 405),
        ("/v1beta/models/gpt-4o:sing", "POST", 404),
        ("/v1beta/models/gpt-4o", "POST", 404),
        ("/openai/deployments/gpt-4o/sing", "POST", 404),
    ],
)
def test_what_is_not_served(base: str, path: str, method: str, status: int) -> None:
    answer = ask(base, path, b"{}", method=method)
    assert answer.status == status
    shape = ANTHROPIC if path.startswith(ANTHROPIC) else GEMINI if "beta" in path else OPENAI
    said(shape, answer)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", PATHS)
def test_an_address_or_a_key_of_a_client_is_refused(base: str, path: str) -> None:
    for name, value in {
        "api_base": "http://127.0.0.1:1",
        "base_url": "http://127.0.0.1:1",
        "api_key": "x",
    }.items():
        answer = ask(base, path, {**GOOD[path], name: value})
        assert answer.status == 400, name
        assert f"'{name}'" in said(path, answer)[1]


@pytest.mark.parametrize("path", PATHS)
def test_too_many_requests_say_when_to_come_back(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    with MockServer(chunk_delay_ms=100, chunks=600) as mock:
        models = [model("gpt-4o", "openai/gpt-4o", f"{mock.base_url}/v1")]
        settings = {"master_key": KEY, "global_max_parallel_requests": 1}
        folder = tmp_path_factory.mktemp("gateway")
        with gateway(folder, models, general_settings=settings) as base:
            stream = begin_stream(base, GOOD[OPENAI])
            answer = ask(base, path, GOOD[path])
            assert answer.status == 429
            assert int(answer.headers["retry-after"]) >= 1
            assert "rate_limit" in said(path, answer)[0] or said(path, answer)[0] == "RESOURCE_EXHAUSTED"
            stream.connection.close()
            stream.close()
            wait_for(lambda: ask(base, path, GOOD[path]).status == 200, "the place was not given back")


@pytest.mark.parametrize("path", PATHS)
def test_an_upstream_limit_says_when_to_come_back(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    with MockServer() as mock:
        headers = {"x-mock-status": "429", "x-mock-retry-after": "7"}
        models = [
            model(
                "gpt-4o",
                "openai/gpt-4o",
                f"{mock.base_url}/v1",
                extra_headers=headers,
                num_retries=0,
                max_retries=0,
            )
        ]
        folder = tmp_path_factory.mktemp("gateway")
        with gateway(folder, models, router_settings={"num_retries": 0, "disable_cooldowns": True}) as base:
            answer = ask(base, path, GOOD[path])
            assert answer.status == 429, answer.text
            assert answer.headers["retry-after"] == "7"
            said(path, answer)


def test_bad_http(base: str) -> None:
    """What is no HTTP, or a head without an end, is answered or cut off; the next client is served."""
    address = urlsplit(base)
    for sent in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: gzip\r\n\r\nhello",
        b"GET / HTTP/1.1\r\n" + b"x-long: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET " + b"/a" * 50_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            answer = b""
            with contextlib.suppress(OSError):
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(4096)
            assert not answer or b"HTTP/1.1 4" in answer[:20], (sent[:40], answer)
    assert ask(base, OPENAI, GOOD[OPENAI]).status == 200


@pytest.mark.slow
def test_a_head_that_comes_too_slowly_is_cut_off(base: str) -> None:
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")
        answer = connection.recv(4096)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


def test_no_secret_in_what_was_sent_back(base: str) -> None:
    for path in PATHS:
        for body in (GOOD[path], {**GOOD[path], "model": "x"}):
            answer = ask(base, path, body)
            assert UPSTREAM_KEY not in answer.text + json.dumps(answer.headers)
            assert KEY not in answer.text + json.dumps(answer.headers)
