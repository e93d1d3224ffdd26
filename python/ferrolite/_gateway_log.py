"""Callbacks of the gateway: what they are told of a request that has ended."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportPrivateUsage=false
# What is called and read here is other people's.

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TYPE_CHECKING

from ferrolite import _gateway_hooks as hooks
from ferrolite._hooks import Face
from ferrolite._observe.log import Logging
from ferrolite._observe.receivers import Receivers, atell, overrides, tell
from ferrolite._observe.wholes import whole_of

if TYPE_CHECKING:
    from typing import Any

_FACES = {"chat": ("completion", None), "messages": ("anthropic_messages", "messages")}


async def success(told: Receivers, request: hooks.Request, facts: dict[str, Any]) -> None:
    """Tell of an answer, streamed or whole."""
    meta = facts.get("meta") or {}
    log = _log(request, meta)
    answer = _whole(request.kind, facts["events"]) if "events" in facts else facts.get("response")
    answer = hooks.answer_of(request.kind, answer) if isinstance(answer, dict) else answer
    if meta.get("cost") is None and "events" in facts:
        meta["cost"] = _cost(answer, meta)
    hooks.note(answer, meta)
    ended = datetime.now()
    log.model_call_details["response_cost"] = meta.get("cost")
    await log.async_success_handler(answer, log.start_time, ended, meta.get("cache_hit"), told)
    from ferrolite._observe.worker import executor

    details = log.model_call_details
    for logger in told.loggers:
        # One that knows of plain calls only is told as if this had been one.
        hook = overrides(logger, "log_success_event")
        if hook and not overrides(logger, "async_log_success_event"):
            executor.submit(
                tell, hook, kwargs=details, response_obj=answer, start_time=log.start_time, end_time=ended
            )


async def failure(told: Receivers, request: hooks.Request, error: Any) -> None:
    """Tell of a failure."""
    log = _log(request, {})
    ended = datetime.now()
    log._note_failure(error, str(error), log.start_time, ended)
    details = log.model_call_details
    words: Any = {"kwargs": details, "response_obj": None, "start_time": log.start_time, "end_time": ended}
    from ferrolite._observe.worker import executor

    waiting: list[Any] = []
    for logger in told.loggers:
        if hook := overrides(logger, "async_log_failure_event"):
            waiting.append(atell(hook, **words))
        elif hook := overrides(logger, "log_failure_event"):
            executor.submit(tell, hook, **words)
    waiting += [atell(function, details, None, log.start_time, ended) for function in told.coroutines]
    for function in told.functions:
        executor.submit(tell, function, details, None, log.start_time, ended)
    await asyncio.gather(*waiting)


def _log(request: hooks.Request, meta: dict[str, Any]) -> Logging:
    name, core = _FACES.get(request.kind, (request.kind, request.kind))
    asked = {**request.data, "metadata": request.metadata}
    asked.pop("litellm_metadata", None)
    log = Logging(Face(name, core), asked, is_async=True)
    log.start_time = datetime.fromtimestamp(request.begun)
    details = log.model_call_details
    details["start_time"] = log.start_time
    params: Any = log.litellm_params
    params["proxy_server_request"] = request.data.get("proxy_server_request")
    if meta:
        log.model = details["model"] = meta.get("model") or log.model
        details["custom_llm_provider"] = params["custom_llm_provider"] = meta.get("provider")
        params["api_base"] = meta.get("api_base")
        params["metadata"]["model_group"] = meta.get("model_group") or ""
        params["model_info"] = {"id": meta.get("model_id")}
    return log


def _whole(kind: str, events: list[Any]) -> Any:
    """The answer that a stream's events make."""
    if not events:
        return None
    if kind == "chat":
        return whole_of(None, [hooks.chunk_of(kind, event) for event in events])
    if kind == "responses":
        ended = [event for event in events if isinstance(event.get("response"), dict)]
        return ended[-1]["response"] if ended else None
    if kind in ("messages", "generate_content"):
        return whole_of(kind, [f"data: {json.dumps(event)}\n\n".encode() for event in events])
    return {"events": events}


def _cost(answer: Any, meta: dict[str, Any]) -> float | None:
    from ferrolite import completion_cost

    try:
        return completion_cost(
            completion_response=answer, model=meta.get("model"), custom_llm_provider=meta.get("provider")
        )
    except Exception:
        return None  # a model whose price nobody knows
