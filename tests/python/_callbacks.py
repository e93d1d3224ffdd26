"""A provider of every kind of answer, and loggers that write down what they are told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from _upstream import HELLO, KEY, Exchange, Upstream, chat, chunk, event, text_events

import ferrolite
from ferrolite._observe.worker import executor
from ferrolite.integrations.custom_logger import CustomLogger
from ferrolite.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

LISTS = (
    "callbacks",
    "success_callback",
    "failure_callback",
    "input_callback",
    "_async_success_callback",
    "_async_failure_callback",
    "_async_input_callback",
    "pre_call_rules",
    "post_call_rules",
)
VECTORS = {
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def answer(exchange: Exchange) -> None:
    """By path and model: `bad` fails, `cut` breaks off a stream."""
    body = exchange.request.json()
    if body.get("model") == "bad":
        exchange.json({"error": {"message": "nope", "type": "invalid_request_error", "code": "x"}}, 400)
    elif exchange.request.path.endswith("/embeddings"):
        exchange.json(VECTORS)
    elif exchange.request.path.endswith("/completions") and "messages" not in body:
        exchange.json(
            {
                "id": "cmpl-1",
                "object": "text_completion",
                "created": 1,
                "model": "m",
                "choices": [{"index": 0, "text": "Hello", "finish_reason": "stop", "logprobs": None}],
                "usage": USAGE,
            }
        )
    elif body.get("model") == "cut":
        exchange.begin_stream()
        exchange.piece(chunk({"role": "assistant", "content": "a"}))
        exchange.reset()
    elif body.get("stream"):
        pieces = text_events("Hel", "lo")
        counts = [chunk(choices=[], usage=USAGE)] if body.get("stream_options") else []
        exchange.stream([*pieces[:-1], *counts, event("[DONE]")])
    else:
        exchange.json(chat("Hello", usage=USAGE), headers={"x-request-id": "r-1"})


@pytest.fixture
def provider() -> Iterator[Upstream]:
    with Upstream(answer) as upstream, clean():
        yield upstream


class clean:  # noqa: N801 - used as a statement
    """No callbacks before and after."""

    def __enter__(self) -> None:
        self._empty()

    def __exit__(self, *exc: object) -> None:
        told()
        self._empty()

    def _empty(self) -> None:
        for name in LISTS:
            getattr(ferrolite, name).clear()
        ferrolite.turn_off_message_logging = False
        ferrolite.redact_messages_in_exceptions = False
        ferrolite.log_raw_request_response = False
        ferrolite.disable_streaming_logging = False


def told() -> None:
    """Wait until callbacks of calls without asyncio have been told."""
    assert executor.flush(10)


def call(provider: Upstream, name: str = "completion", **more: Any) -> Any:
    base: dict[str, Any] = {"model": "openai/m", "api_base": provider.url, "api_key": KEY, "max_retries": 0}
    if "completion" in name and "text" not in name:
        base["messages"] = HELLO
    return getattr(ferrolite, name)(**{**base, **more})


def acall(provider: Upstream, name: str = "acompletion", **more: Any) -> Any:
    """A call for asyncio: its answer, or its chunks, once everybody has been told."""

    async def run() -> Any:
        try:
            answer = await call(provider, name, **more)
            if more.get("stream"):
                answer = [chunk async for chunk in answer]
            return answer
        finally:
            await GLOBAL_LOGGING_WORKER.flush()

    try:
        return asyncio.run(run())
    finally:
        told()


class Recorder(CustomLogger):
    """Writes down every event: its name, and what came with it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.threads: dict[str, str] = {}

    def note(self, event: str, **what: Any) -> None:
        self.events.append((event, what))
        self.threads[event] = threading.current_thread().name

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def of(self, event: str) -> dict[str, Any]:
        return next(what for name, what in self.events if name == event)

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        self.note("log_pre_api_call", model=model, messages=messages, kwargs=kwargs, keys=set(kwargs))

    def log_post_api_call(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        said = kwargs.get("original_response")
        self.note("log_post_api_call", kwargs=kwargs, response_obj=response_obj, end_time=end_time, said=said)

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.note("log_success_event", kwargs=kwargs, response=response_obj, start=start_time, end=end_time)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.note("log_failure_event", kwargs=kwargs, response=response_obj, start=start_time, end=end_time)

    async def async_log_stream_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.note("async_log_stream_event", kwargs=kwargs, response=response_obj)

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.note(
            "async_log_success_event", kwargs=kwargs, response=response_obj, start=start_time, end=end_time
        )

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.note("async_log_failure_event", kwargs=kwargs, response=response_obj)
