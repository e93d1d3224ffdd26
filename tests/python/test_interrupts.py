"""Ctrl-C that comes while the package runs a program's own code reaches the program."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from _upstream import HELLO, Exchange, Upstream, arguments, chat, chunk

import ferrolite
from ferrolite import _logging
from ferrolite.types.utils import FunctionCall


def interrupt(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


class Dumped:
    model_dump = interrupt


class Attribute:
    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt


class Number(int):
    __str__ = interrupt  # type: ignore[assignment]


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [Dumped()]},
        {"tools": [Attribute()]},
        {"tools": [{Number(3): 1}]},
        {"timeout": Attribute()},
        {"metadata": {"x": Dumped()}},
    ],
    ids=["dump", "attribute", "key", "timeout", "ignored"],
)
def test_while_an_argument_is_read(more: dict[str, Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        ferrolite.completion("openai/m", HELLO, mock_response="y", **more)


def legacy(exchange: Exchange) -> None:
    call = {"name": "f", "arguments": "{}"}
    if exchange.request.json().get("stream"):
        exchange.stream([chunk({"function_call": call}), chunk({}, "stop")])
    else:
        message = {"role": "assistant", "content": None, "function_call": call}
        exchange.json(chat(None, choices=[{"index": 0, "finish_reason": "stop", "message": message}]))


@pytest.mark.parametrize("read", [lambda answer: answer, list])
def test_while_an_answer_is_made(monkeypatch: pytest.MonkeyPatch, read: Callable[[Any], Any]) -> None:
    monkeypatch.setattr(FunctionCall, "__init__", interrupt)
    with Upstream(legacy) as upstream, pytest.raises(KeyboardInterrupt):
        read(ferrolite.completion(**arguments(upstream, stream=read is list)))


@pytest.fixture
def handler() -> Iterator[None]:
    """A log handler in which Ctrl-C arrives, once."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logger.removeHandler(self)
            raise KeyboardInterrupt

    logger = logging.getLogger("LiteLLM")
    logger.addHandler(Handler())
    logger.setLevel(logging.DEBUG)
    yield
    _logging.set_level(logging.WARNING)


def test_while_a_log_handler_runs(handler: None) -> None:
    with Upstream(lambda exchange: exchange.hang()) as upstream:
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ferrolite.completion(**arguments(upstream))
        assert time.monotonic() - started < 5
