"""Whatever a server answers, a call ends soon, with an answer or with the right error; never a crash or half of it."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from _upstream import KEY, Exchange, Upstream, arguments, chat, chunk, text_events, text_of

import ferrolite
from ferrolite.testing import MockServer

JSON = {"content-type": "application/json"}


def failure(answer: Callable[[Exchange], None], stream: bool | None = None, **more: Any) -> Any:
    """The error of a call to such a server, the same sync and async."""
    with Upstream(answer) as upstream:
        keywords = arguments(upstream, stream=stream, **more)
        started = time.monotonic()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - looked at below
            consume(ferrolite.completion(**keywords))

        async def run() -> None:
            whole: Any = await ferrolite.acompletion(**keywords)
            if stream:
                async for _ in whole:
                    pass

        with pytest.raises(type(caught.value)) as again:
            asyncio.run(run())
        assert str(again.value) == str(caught.value)
        assert time.monotonic() - started < 8
    error: Any = caught.value
    assert type(error).__module__ == "ferrolite.exceptions", repr(error)
    assert error.llm_provider == "openai"
    assert len(str(error)) < 70_000, "64 KiB of a body at most"
    return error


def consume(whole: Any) -> None:
    if not isinstance(whole, ferrolite.ModelResponse):
        for _ in whole:
            pass


def body(data: bytes, status: int = 200, headers: dict[str, str] = JSON) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.reply(status, data, headers)


# Whole answers

UNREADABLE = {
    "html": b"<!doctype html><html><body>502 Bad Gateway</body></html>",
    "empty": b"",
    "space": b"  \n ",
    "text": b"upstream connect error",
    "truncated": json.dumps(chat("hello"))[:-30].encode(),
    "invalid-utf8": json.dumps(chat("X")).encode().replace(b"X", b"\xff\xfe\x80"),
    "array": json.dumps([chat("hello")]).encode(),
    "number": b"3",
    "string": b'"hello"',
    "null": b"null",
    "nan": json.dumps(chat("X")).encode().replace(b'"X"', b"NaN"),
    "deep": b'{"choices": ' + b"[" * 100_000,
    "deep-object": b'{"a":' * 50_000,
    "two": (json.dumps(chat("a")) * 2).encode(),
    "bom-only": b"\xef\xbb\xbf",
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("kind", ["application/json", "text/html", ""])
def test_a_good_status_with_a_body_that_is_no_answer(name: str, kind: str) -> None:
    error = failure(body(UNREADABLE[name], headers={"content-type": kind}))
    assert isinstance(error, ferrolite.InternalServerError)


WRONG: dict[str, dict[str, Any]] = {
    "nothing": {},
    "choices-object": {**chat("x"), "choices": {"0": {}}},
    "choices-null": {**chat("x"), "choices": None},
    "choices-text": {**chat("x"), "choices": "x"},
    "choice-number": {**chat("x"), "choices": [3]},
    "choice-null": {**chat("x"), "choices": [None]},
    "message-list": {**chat("x"), "choices": [{"message": []}]},
    "message-text": {**chat("x"), "choices": [{"message": "x"}]},
    "message-number": {**chat("x"), "choices": [{"message": 0}]},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_types_that_leave_no_answer(name: str) -> None:
    error = failure(lambda exchange: exchange.json(WRONG[name]))
    assert isinstance(error, ferrolite.InternalServerError)


def message(**fields: Any) -> dict[str, Any]:
    return {
        **chat("x"),
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **fields}}],
    }


ODD: list[dict[str, Any]] = [
    message(content=3),
    message(content={"text": "x"}),
    message(content=["a", {"type": "text", "text": "b"}]),
    message(content=None),
    message(),
    message(content="x", tool_calls={}),
    message(content="x", tool_calls=[3]),
    message(content="x", tool_calls=[{"function": 3}]),
    message(content="x", tool_calls=[{"id": 3, "function": {"name": 4, "arguments": {"a": 1}}}]),
    message(content="x", reasoning_content=3),
    message(content="x", function_call=3),
    message(content="x", audio=3, images="x", annotations={}, refusal=[]),
    {**chat("x"), "id": 3, "created": "soon", "model": ["m"], "object": {}, "system_fingerprint": 3},
    {**chat("x"), "created": -5},
    {**chat("x"), "created": 1e300},
    {**chat("x"), "usage": []},
    {**chat("x"), "usage": {"prompt_tokens": "many", "completion_tokens": None, "total_tokens": -3}},
    {**chat("x"), "usage": {"prompt_tokens": 10**40, "prompt_tokens_details": 3, "own": {"a": []}}},
    {**chat("x"), "usage": {"self": 1, "cls": 2, "": 3, "prompt_tokens": 4, "__class__": 5, "model_dump": 6}},
    {
        **chat("x"),
        "usage": {"prompt_tokens_details": {"a": {"b": 1}, "self": 1, "model_dump": 2, "__class__": 3}},
    },
    {**chat("x"), "usage": {"prompt_tokens_details": {"__class__": 3, "get": 4}}},
    message(content="x", tool_calls=[{"id": "c", "function": {"name": "f"}, "__class__": 1, "custom": 3}]),
    message(content="x", function_call={"self": 1}, audio={"self": 2}),
    {**chat("x"), "choices": []},
    {**chat("x"), "choices": [{}]},
    {
        **chat("x"),
        "choices": [{"index": "a", "finish_reason": 3, "message": {"content": "x"}, "logprobs": 3}],
    },
    {**chat("x"), "choices": [{"index": -1, "finish_reason": [], "message": {"role": 3, "content": "x"}}]},
    {**chat("x"), "_hidden_params": 3, "_meta": 3, "__class__": 3, "model_dump": 3, "": 3},
    message(content="x", __class__=3, _meta=3, model_dump=3),
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_answers_are_read_or_refused(number: int) -> None:
    """A response that can be used, or a clear error: neither crash nor panic."""
    with Upstream(lambda exchange: exchange.json(ODD[number])) as upstream:
        try:
            response: Any = ferrolite.completion(**arguments(upstream))
        except ferrolite.InternalServerError:
            return
        assert type(response) is ferrolite.ModelResponse
        repr(response)
        for choice in response.choices:
            assert choice.message.content is None or isinstance(choice.message.content, str)
            assert choice.finish_reason in ("stop", "tool_calls", "length", "content_filter", "function_call")
            for call in choice.message.tool_calls or []:
                assert isinstance(call.function.arguments, str)
        type(response).model_dump(response)


def test_an_answer_of_many_choices_and_long_texts() -> None:
    long = "x" * 3_000_000
    with Upstream(
        lambda exchange: exchange.json({**chat(long), "choices": chat(long)["choices"] * 3})
    ) as upstream:
        response: Any = ferrolite.completion(**arguments(upstream))
    assert [len(choice.message.content) for choice in response.choices] == [3_000_000] * 3


def test_a_reply_that_unpacks_to_more_than_anyone_wants() -> None:
    """300 MB in 300 kB: refused, with bounded memory."""
    bomb = gzip.compress(b'{"choices": "' + b" " * 300_000_000, 1)
    assert len(bomb) < 3_000_000
    answer = body(bomb, headers={**JSON, "content-encoding": "gzip"})
    too_large = pytest.raises(ferrolite.InternalServerError, match="larger than 268435456 bytes")
    with Upstream(answer) as upstream, too_large:
        ferrolite.completion(**arguments(upstream))


def test_an_error_reply_that_unpacks_to_very_much_is_cut() -> None:
    bomb = gzip.compress(b"x" * 100_000_000, 1)
    error = failure(body(bomb, 500, {"content-encoding": "gzip"}))
    assert isinstance(error, ferrolite.InternalServerError)


def failure_of_large_error(size: int) -> Any:
    answer = body(json.dumps({"error": {"message": "x" * size}}).encode(), 400)
    with Upstream(answer) as upstream, pytest.raises(ferrolite.BadRequestError) as caught:
        ferrolite.completion(**arguments(upstream))
    return caught.value


def test_an_error_reply_of_any_size() -> None:
    for size in (100, 60_000, 900_000, 20_000_000):
        assert failure_of_large_error(size).status_code == 400


# Errors with odd bodies


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize(
    ("status", "kind"), [(400, "BadRequestError"), (500, "InternalServerError"), (429, "RateLimitError")]
)
def test_an_error_status_with_any_body(name: str, status: int, kind: str) -> None:
    error = failure(body(UNREADABLE[name], status, {"x-should-retry": "false"}))
    assert type(error).__name__ == kind
    assert error.status_code == status


@pytest.mark.parametrize(
    "value",
    [
        {"error": None},
        {"error": 3},
        {"error": []},
        {"error": {"message": 3, "code": [], "type": {}}},
        {"detail": [{"msg": "x"}]},
        [],
        [{"error": {"message": "m"}}],
    ],
)
def test_error_objects_of_all_kinds(value: Any) -> None:
    error = failure(lambda exchange: exchange.json(value, 400))
    assert isinstance(error, ferrolite.BadRequestError)


# Statuses


@pytest.mark.parametrize("status", [204, 304, 300, 205])
def test_statuses_without_a_body(status: int) -> None:
    error = failure(lambda exchange: exchange.head(status, {"content-length": "0"}))
    assert isinstance(error, (ferrolite.APIError, ferrolite.InternalServerError))


@pytest.mark.parametrize("stream", [None, True])
def test_informational_replies_before_the_answer(stream: bool | None) -> None:
    def answer(exchange: Exchange) -> None:
        for status in (100, 102, 103):
            exchange.head(status, {"link": "</x>"} if status == 103 else {})
        exchange.stream(text_events("hi")) if stream else exchange.json(chat("hi"))

    with Upstream(answer) as upstream:
        response: Any = ferrolite.completion(**arguments(upstream, stream=stream))
        assert (text_of(response) if stream else response.choices[0].message.content) == "hi"


def test_informational_replies_without_end() -> None:
    def answer(exchange: Exchange) -> None:
        while True:
            exchange.head(103, {"link": "</x>"})

    with Upstream(answer) as upstream:
        started = time.monotonic()
        with pytest.raises((ferrolite.Timeout, ferrolite.APIConnectionError)):
            ferrolite.completion(**arguments(upstream, timeout=0.5))
        assert time.monotonic() - started < 1.5


def test_an_unknown_status() -> None:
    assert isinstance(failure(body(b"", 599, {"x-should-retry": "false"})), ferrolite.APIError)
    assert isinstance(failure(body(b"", 418)), ferrolite.APIError)


# Redirects


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("relative", [True, False])
def test_a_redirect_on_the_same_host_is_followed(status: int, relative: bool) -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.request.path == "/v1/chat/completions":
            target = "/v2/chat/completions"
            exchange.reply(status, b"", {"location": target if relative else exchange.server.origin + target})
        else:
            exchange.json(chat("moved"))

    with Upstream(answer) as upstream:
        assert ferrolite.completion(**arguments(upstream)).choices[0].message.content == "moved"
        first, second = upstream.requests
        assert (second.method, second.body) == ("POST", first.body)
        assert second.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_never_carries_the_key(status: int) -> None:
    with Upstream() as other:

        def answer(exchange: Exchange) -> None:
            exchange.reply(status, b"", {"location": f"{other.url}/chat/completions"})

        error = failure(answer)
        assert isinstance(error, ferrolite.APIError)
        assert error.status_code == status
        assert not other.requests


@pytest.mark.parametrize(
    "location", ["", "://", "ftp://x/", "\\\\", "http://user:pass@127.0.0.1:1/", "javascript:x"]
)
def test_a_redirect_to_nowhere(location: str) -> None:
    error = failure(lambda exchange: exchange.reply(307, b"", {"location": location}))
    assert isinstance(error, (ferrolite.APIError, ferrolite.APIConnectionError))


def test_redirects_in_a_circle() -> None:
    with Upstream(
        lambda exchange: exchange.reply(307, b"", {"location": "/v1/chat/completions"})
    ) as upstream:
        with pytest.raises((ferrolite.APIError, ferrolite.APIConnectionError)):
            ferrolite.completion(**arguments(upstream))
        assert len(upstream.requests) < 12


# Broken HTTP


def raw(*data: bytes, then: str = "close") -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        for part in data:
            exchange.send(part)
        getattr(exchange, then)()

    return answer


BROKEN = {
    "nothing": raw(),
    "reset": raw(then="reset"),
    "no-http": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "zeros": raw(b"\0" * 1000),
    "half-a-head": raw(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "short-body": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"),
    "short-body-reset": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", then="reset"),
    "bad-length": raw(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}"),
    "negative-length": raw(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"),
    "two-lengths": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}"),
    "bad-chunk": raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "cut-chunk": raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{}"),
    "huge-chunk": raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}"),
    "bad-status": raw(b"HTTP/1.1 99999 OK\r\n\r\n"),
    "http-9": raw(b"HTTP/9.0 200 OK\r\n\r\n"),
    "header-flood": raw(
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(20_000)) + b"\r\n"
    ),
    "long-header": raw(b"HTTP/1.1 200 OK\r\nx-a: " + b"y" * 5_000_000 + b"\r\n\r\n"),
    "bad-header": raw(b"HTTP/1.1 200 OK\r\nx a: \x01\r\n\r\n"),
    "upgrade": raw(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\x81\x05hello"
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("stream", [None, True])
def test_broken_http_is_an_error(name: str, stream: bool | None) -> None:
    error = failure(BROKEN[name], stream)
    assert isinstance(
        error,
        (
            ferrolite.APIConnectionError,
            ferrolite.MidStreamFallbackError,
            ferrolite.InternalServerError,
            ferrolite.APIError,
        ),
    )


def test_header_bytes_that_are_no_text() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.json(chat("hi"), headers={"x-odd": "\xe9\xff", "retry-after": "\xff"})

    with Upstream(answer) as upstream:
        response: Any = ferrolite.completion(**arguments(upstream))
        assert "llm_provider-x-odd" in response._hidden_params["additional_headers"]


def test_an_answer_before_the_request_was_read() -> None:
    """A server that answers 413 to a long request and closes."""

    with Upstream() as upstream:
        upstream.stop()

    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.2)
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        messages = [{"role": "user", "content": "x" * 20_000_000}]
        keywords = {
            **arguments(upstream, messages=messages),
            "api_base": f"http://127.0.0.1:{listener.getsockname()[1]}/v1",
        }
        with pytest.raises((ferrolite.APIError, ferrolite.APIConnectionError)):
            ferrolite.completion(**keywords)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


# Slow on purpose


def drip(head: bytes, more: bytes) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        exchange.send(head)
        for byte in itertools.cycle(more):
            exchange.send(bytes([byte]))
            time.sleep(0.01)

    return answer


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 500 No\r\ncontent-length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 307 No\r\nlocation: /v2\r\ncontent-length: 100000\r\n\r\n", b" "),
    ],
)
def test_a_reply_in_drips_ends_at_the_limit(head: bytes, more: bytes) -> None:
    with Upstream(drip(head, more)) as upstream:
        started = time.monotonic()
        with pytest.raises((ferrolite.Timeout, ferrolite.APIConnectionError)):
            ferrolite.completion(**arguments(upstream, timeout=0.3))
        assert time.monotonic() - started < 0.8


# A stream that is none


@pytest.mark.parametrize("name", ["html", "empty", "text", "truncated", "array", "null", "deep"])
@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/event-stream"])
def test_a_stream_request_answered_with_nonsense(name: str, kind: str) -> None:
    error = failure(body(UNREADABLE[name], headers={"content-type": kind}), True)
    assert isinstance(error, (ferrolite.InternalServerError, ferrolite.MidStreamFallbackError))


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_stream_request_answered_with_an_error(status: int) -> None:
    """The call itself raises, not the first step of the stream."""
    with Upstream(lambda exchange: exchange.json({"error": {"message": "no"}}, status)) as upstream:
        with pytest.raises(Exception, match="no") as caught:
            ferrolite.completion(**arguments(upstream, stream=True))
        assert getattr(caught.value, "status_code", None) == status


def test_an_error_object_under_a_good_status() -> None:
    for stream in (None, True):
        error = failure(lambda exchange: exchange.json({"error": {"message": "busy", "code": 429}}), stream)
        assert isinstance(error, ferrolite.RateLimitError)
        assert "busy" in str(error)


def test_a_stream_for_a_whole_answer() -> None:
    error = failure(lambda exchange: exchange.stream(text_events("a")))
    assert isinstance(error, ferrolite.InternalServerError)


# The mock's own accidents


@pytest.mark.parametrize("what", ["html", "empty", "truncated", "invalid-utf8", "wrong-types"])
@pytest.mark.parametrize("model", ["openai/m", "anthropic/claude-x", "gemini/gemini-x"])
@pytest.mark.parametrize("stream", [False, True])
def test_bad_bodies_of_every_format(what: str, model: str, stream: bool) -> None:
    with MockServer() as server:
        keywords = {
            "model": model,
            "messages": [{"role": "user", "content": "x"}],
            "api_base": server.base_url,
            "api_key": KEY,
            "max_retries": 0,
            "extra_headers": {"x-mock-body": what},
            "stream": stream,
        }
        with pytest.raises(Exception) as caught:  # noqa: PT011 - looked at below
            list(ferrolite.completion(**keywords)) if stream else ferrolite.completion(**keywords)
    assert type(caught.value).__module__ == "ferrolite.exceptions"


@pytest.mark.parametrize("header", [{"x-mock-cut": "3"}, {"x-mock-stream-error": "3"}])
@pytest.mark.parametrize("model", ["openai/m", "anthropic/claude-x", "gemini/gemini-x"])
def test_streams_of_every_format_that_go_wrong(header: dict[str, str], model: str) -> None:
    with MockServer(chunks=10) as server:
        stream: Any = ferrolite.completion(
            model,
            [{"role": "user", "content": "x"}],
            api_base=server.base_url,
            api_key=KEY,
            extra_headers=header,
            stream=True,
        )
        got = []
        with pytest.raises(ferrolite.MidStreamFallbackError) as caught:
            got.extend(piece.choices[0].delta.content or "" for piece in stream)
    error: Any = caught.value
    assert error.generated_content == "".join(got) or not got
    assert chunk


def test_calls_go_on_after_any_of_this() -> None:
    """One bad server does not spoil the client for the next."""
    with Upstream(BROKEN["reset"]) as bad, Upstream() as good:
        for _ in range(5):
            with pytest.raises(ferrolite.APIConnectionError):
                ferrolite.completion(**arguments(bad))
            assert ferrolite.completion(**arguments(good)).choices[0].message.content == "hi"
