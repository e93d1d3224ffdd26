"""When a failed call is sent again, after what wait, and what the error says of it."""

from __future__ import annotations

import asyncio
import socket
import time
from email.utils import formatdate
from typing import Any

import pytest
from _upstream import HELLO, KEY, Exchange, Upstream, arguments, chat, chunk, event, text_events, text_of

import ferrolite

ERROR = {"error": {"message": "not now", "type": "server_error"}}
AT_ONCE = {"retry-after-ms": "1"}


def failing(status: int, times: int = 99, headers: dict[str, str] = AT_ONCE) -> Any:
    def answer(exchange: Exchange) -> None:
        if exchange.number <= times:
            exchange.json(ERROR, status, headers)
        elif exchange.request.json().get("stream"):
            exchange.stream(text_events("o", "k"))
        else:
            exchange.json(chat("ok"))

    return answer


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_err_09_these_statuses_are_tried_again(status: int) -> None:
    with Upstream(failing(status, 2)) as upstream:
        assert ferrolite.completion(**arguments(upstream, max_retries=2)).choices[0].message.content == "ok"
        assert len(upstream.requests) == 3
        assert upstream.requests[0].body == upstream.requests[2].body, "the same request each time"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_err_09_client_errors_are_not_tried_again(status: int) -> None:
    with Upstream(failing(status)) as upstream:
        with pytest.raises(Exception, match="not now"):
            ferrolite.completion(**arguments(upstream, num_retries=3))
        assert len(upstream.requests) == 1


def test_err_09_the_server_says_not_to_try_again() -> None:
    with Upstream(failing(503, headers={"x-should-retry": "false"})) as upstream:
        with pytest.raises(ferrolite.ServiceUnavailableError):
            ferrolite.completion(**arguments(upstream, num_retries=3))
        assert len(upstream.requests) == 1


def test_err_09_the_server_says_to_try_again() -> None:
    with Upstream(failing(400, 1, {"x-should-retry": "true", **AT_ONCE})) as upstream:
        assert ferrolite.completion(**arguments(upstream, num_retries=1)).choices[0].message.content == "ok"


def test_err_09_a_connection_that_breaks_off_is_tried_again() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reset() if exchange.number == 1 else exchange.json(chat("ok"))

    with Upstream(answer) as upstream:
        assert ferrolite.completion(**arguments(upstream, num_retries=1)).choices[0].message.content == "ok"
        assert len(upstream.requests) == 2


def test_err_09_two_retries_by_default_for_openai() -> None:
    with Upstream(failing(500)) as upstream:
        with pytest.raises(ferrolite.InternalServerError):
            ferrolite.completion("openai/m", HELLO, api_base=upstream.url, api_key=KEY)
        assert len(upstream.requests) == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after-ms": "200"},
        {"retry-after": "0.2"},
        {"retry-after-ms": "200", "retry-after": "30"},
    ],
)
def test_err_10_the_servers_wait_is_kept(headers: dict[str, str]) -> None:
    with Upstream(failing(429, 1, headers)) as upstream:
        started = time.monotonic()
        ferrolite.completion(**arguments(upstream, num_retries=1))
        assert 0.2 <= time.monotonic() - started < 0.6


def test_err_10_the_servers_wait_as_a_date() -> None:
    with Upstream(failing(429, 1, {"retry-after": formatdate(time.time() + 1.5, usegmt=True)})) as upstream:
        started = time.monotonic()
        ferrolite.completion(**arguments(upstream, num_retries=1))
        assert 0.3 <= time.monotonic() - started < 2.5


def test_err_10_a_wait_that_is_too_long_means_no_retry() -> None:
    with Upstream(failing(429, headers={"retry-after": "600"})) as upstream:
        started = time.monotonic()
        with pytest.raises(ferrolite.RateLimitError) as caught:
            ferrolite.completion(**arguments(upstream, num_retries=3))
        assert time.monotonic() - started < 1
        assert len(upstream.requests) == 1
        assert caught.value.response.headers["retry-after"] == "600"


def test_err_10_backoff_grows() -> None:
    with Upstream(failing(500, 2, {})) as upstream:
        started = time.monotonic()
        ferrolite.completion(**arguments(upstream, num_retries=2))
        assert 0.375 + 0.75 <= time.monotonic() - started < 2.2, "0.5 s and 1 s, each times 0.75 to 1"


def test_err_13_no_retry_once_a_stream_has_begun() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(chunk({"role": "assistant", "content": "a"}))
        exchange.reset()

    with Upstream(answer) as upstream:
        stream = ferrolite.completion(**arguments(upstream, stream=True, num_retries=3))
        with pytest.raises(ferrolite.MidStreamFallbackError):
            list(stream)
        assert len(upstream.requests) == 1


def test_err_13_a_stream_is_tried_again_before_it_begins() -> None:
    with Upstream(failing(503, 1)) as upstream:
        stream = ferrolite.completion(**arguments(upstream, stream=True, num_retries=1))
        assert text_of(stream) == "ok"
        assert len(upstream.requests) == 2


def test_err_13_an_error_event_at_the_start_is_not_tried_again_silently() -> None:
    with Upstream(
        lambda exchange: exchange.stream([event('{"error": {"message": "overloaded", "code": 503}}')])
    ) as up:
        with pytest.raises(ferrolite.ServiceUnavailableError, match="overloaded"):
            list(ferrolite.completion(**arguments(up, stream=True)))
        assert len(up.requests) == 1


@pytest.mark.parametrize(
    ("given", "requests"),
    [
        ({"num_retries": 1}, 2),
        ({"num_retries": 0}, 1),
        ({"max_retries": 1}, 2),
        ({"max_retries": 0}, 1),
        ({"num_retries": 2, "max_retries": 2}, 3),
        ({"num_retries": 0, "max_retries": 5}, 1),
        ({}, 3),
    ],
)
def test_err_14_one_budget(given: dict[str, int], requests: int) -> None:
    with Upstream(failing(500)) as upstream:
        with pytest.raises(ferrolite.InternalServerError) as caught:
            ferrolite.completion(**{**arguments(upstream), "max_retries": None, **given})
        assert len(upstream.requests) == requests
        assert (caught.value.num_retries or 0) == requests - 1
        assert (caught.value.max_retries or 0) == requests - 1


def test_the_error_says_how_often_it_was_tried() -> None:
    with Upstream(failing(500)) as upstream, pytest.raises(ferrolite.InternalServerError) as caught:
        ferrolite.completion(**arguments(upstream, num_retries=2))
    assert (caught.value.num_retries, caught.value.max_retries) == (2, 2)
    assert str(caught.value).endswith("LiteLLM Retried: 2 times, LiteLLM Max Retries: 2")


def test_an_error_that_was_not_tried_again_says_nothing_of_it() -> None:
    with Upstream(failing(400)) as upstream, pytest.raises(ferrolite.BadRequestError) as caught:
        ferrolite.completion(**arguments(upstream, num_retries=2))
    assert "Retried" not in str(caught.value)


def test_the_modules_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ferrolite, "num_retries", 1)
    with Upstream(failing(500)) as upstream:
        with pytest.raises(ferrolite.InternalServerError):
            ferrolite.completion(**{**arguments(upstream), "max_retries": None})
        assert len(upstream.requests) == 2


def test_retries_of_async_calls() -> None:
    with Upstream(failing(503, 2)) as upstream:
        response = asyncio.run(ferrolite.acompletion(**arguments(upstream, num_retries=2)))
        assert response.choices[0].message.content == "ok"


def test_a_wait_between_attempts_ends_with_its_task() -> None:
    with Upstream(failing(429, headers={"retry-after": "60"})) as upstream:

        async def run() -> None:
            task = asyncio.create_task(ferrolite.acompletion(**arguments(upstream, num_retries=1)))
            await asyncio.to_thread(upstream.wait_requests, 1)
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(run())
        assert len(upstream.requests) == 1


def test_refused_connections_are_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with Upstream() as upstream:
        started = time.monotonic()
        with pytest.raises(ferrolite.APIConnectionError) as caught:
            ferrolite.completion(**{**arguments(upstream, num_retries=1), "api_base": base})
        assert time.monotonic() - started >= 0.375
        assert caught.value.num_retries == 1
