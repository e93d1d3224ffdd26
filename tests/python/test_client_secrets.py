"""ERR-07: keys show up nowhere: not in errors, logs, hidden parameters, or what an error carries."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from _upstream import KEY, PATIENCE, Exchange, Upstream, arguments, chat, chunk, event, text_events

import ferrolite

OTHER = "sk-other-canary-9876543210"


def assert_clean(value: Any, seen: set[int] | None = None) -> None:
    """Looks through a value, its attributes and its parts."""
    seen = seen if seen is not None else set()
    if id(value) in seen:
        return
    seen.add(id(value))
    for text in (str(value), repr(value)):
        assert KEY not in text
        assert OTHER not in text
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set)):
        parts = list(value)
    elif isinstance(value, BaseException):
        parts = [value.args, value.__dict__, value.__cause__, value.__context__, *read(value)]
    elif type(value).__module__.startswith(("ferrolite", "httpx")):
        parts = [getattr(value, "__dict__", {})]
    else:
        return
    for part in parts:
        assert_clean(part, seen)


def read(error: BaseException) -> list[Any]:
    names = (
        "message",
        "body",
        "response",
        "request",
        "headers",
        "litellm_response_headers",
        "request_id",
        "code",
        "param",
    )
    found = [getattr(error, name, None) for name in names]
    response = getattr(error, "response", None)
    return [*found, getattr(response, "text", None), getattr(response, "headers", None)]


def echo(exchange: Exchange) -> None:
    """An upstream that repeats the key wherever it can."""
    key = exchange.request.headers.get("authorization", "")
    body = {
        "error": {
            "message": f"Incorrect API key provided: {key}",
            "code": key,
            "param": key,
            "type": key,
            "own": [key],
        }
    }
    exchange.json(body, 401, {"x-request-id": key, "x-echo": key})


def echo_text(exchange: Exchange) -> None:
    exchange.reply(
        500, f"<html>{exchange.request.headers['authorization']}</html>".encode(), {"x-should-retry": "false"}
    )


def echo_stream(exchange: Exchange) -> None:
    key = exchange.request.headers["authorization"]
    exchange.stream(
        [chunk({"content": "a"}), event(f'{{"error": {{"message": "bad key {key}", "code": "{key}"}}}}')]
    )


def echo_garbage(exchange: Exchange) -> None:
    exchange.stream([chunk({"content": "a"}), event("{" + exchange.request.headers["authorization"])])


def echo_unreadable(exchange: Exchange) -> None:
    exchange.reply(200, exchange.request.headers["authorization"].encode())


def hang(exchange: Exchange) -> None:
    exchange.hang()


@pytest.mark.parametrize("answer", [echo, echo_text, echo_stream, echo_garbage, echo_unreadable, hang])
@pytest.mark.parametrize("stream", [False, True])
def test_err_07_errors(
    answer: Callable[[Exchange], None], stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with Upstream(answer) as upstream, caplog.at_level(logging.DEBUG, "LiteLLM"):
        keywords = arguments(upstream, stream=stream, timeout=0.2 if answer is hang else PATIENCE)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any error will do
            list(ferrolite.completion(**keywords))

        async def run() -> None:
            async for _ in await ferrolite.acompletion(**keywords):  # type: ignore[union-attr]
                pass

        with pytest.raises(Exception) as caught_async:  # noqa: PT011
            asyncio.run(run())
    for error in (caught.value, caught_async.value):
        assert_clean(error)
        assert KEY not in "".join(traceback.format_exception_only(type(error), error))
        assert KEY.encode() not in pickle.dumps(error)
    assert caplog.records
    assert KEY not in caplog.text


@pytest.mark.parametrize("model", ["openai/m", "anthropic/claude-x", "gemini/gemini-x", "custom_openai/m"])
@pytest.mark.parametrize("where", ["argument", "environment", "module", "header"])
def test_err_07_keys_from_anywhere_in_any_format(
    model: str, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provider = model.split("/")[0]
    with Upstream(lambda exchange: exchange.json({"error": {"message": "no"}}, 400)) as upstream:
        keywords = {**arguments(upstream), "model": model, "api_key": KEY if where == "argument" else None}
        if where == "environment":
            monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)
        elif where == "module":
            monkeypatch.setattr(ferrolite, "api_key", KEY)
        elif where == "header":
            keywords["api_key"] = OTHER
            keywords["extra_headers"] = {"Authorization": f"Bearer {KEY}", "x-api-key": KEY}
        with caplog.at_level(logging.DEBUG, "LiteLLM"), pytest.raises(ferrolite.BadRequestError) as caught:
            ferrolite.completion(**keywords)
        assert any(KEY in value for value in upstream.requests[0].headers.values()), "the key was used"
    assert_clean(caught.value)
    assert caplog.records
    assert KEY not in caplog.text
    assert OTHER not in caplog.text


def test_err_07_an_address_with_credentials(caplog: pytest.LogCaptureFixture) -> None:
    for answer in (lambda exchange: exchange.json(chat("hi")), lambda exchange: exchange.reset()):
        with Upstream(answer) as upstream, caplog.at_level(logging.DEBUG, "LiteLLM"):
            base = upstream.url.replace("://", f"://user:{OTHER}@")
            try:
                response: Any = ferrolite.completion(**{**arguments(upstream), "api_base": base})
                assert_clean(response._hidden_params)
                assert response._hidden_params["api_base"] == upstream.url
            except ferrolite.APIConnectionError as error:
                assert_clean(error)
    assert OTHER not in caplog.text


def test_err_07_a_key_in_the_query(caplog: pytest.LogCaptureFixture) -> None:
    with Upstream(lambda exchange: exchange.reset()) as upstream, caplog.at_level(logging.DEBUG, "LiteLLM"):
        with pytest.raises(ferrolite.APIConnectionError) as caught:
            ferrolite.completion(**arguments(upstream, extra_query={"key": OTHER}))
        assert OTHER in upstream.requests[0].path
    assert_clean(caught.value)
    assert OTHER not in caplog.text


def test_hidden_parameters_and_answers() -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.request.json().get("stream"):
            exchange.stream(text_events("hi"), {"set-cookie": f"session={OTHER}"})
        else:
            exchange.json(chat("hi"), headers={"set-cookie": f"session={OTHER}"})

    with Upstream(answer) as upstream:
        response: Any = ferrolite.completion(**arguments(upstream))
        stream: Any = ferrolite.completion(**arguments(upstream, stream=True))
        pieces: list[Any] = list(stream)
    for value in (response, stream, *pieces):
        assert_clean(value._hidden_params)
        assert_clean(value)
    assert_clean(response._response_headers)
    assert_clean(stream.__dict__)
    assert KEY.encode() not in pickle.dumps(response)


def test_bodies_are_logged_at_debug_level_only(caplog: pytest.LogCaptureFixture) -> None:
    for level, seen in ((logging.INFO, False), (logging.WARNING, False), (logging.DEBUG, True)):
        caplog.clear()
        with (
            Upstream(lambda exchange: exchange.json(chat("an-answer"))) as upstream,
            caplog.at_level(level, "LiteLLM"),
        ):
            ferrolite.completion(**arguments(upstream))
        assert ("an-answer" in caplog.text) is seen
        assert ("Hello" in caplog.text) is seen


def test_a_short_key_is_not_looked_for_in_texts() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.json({"error": {"message": "no such model"}}, 404)

    with Upstream(answer) as upstream, pytest.raises(ferrolite.NotFoundError, match="no such model"):
        ferrolite.completion(**{**arguments(upstream), "api_key": "o"})
