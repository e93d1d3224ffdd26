"""A call that is watched: the steps of `_hooks.run`, and at each of them those who are to be told.

What refuses calls (a budget) or answers them itself (a cache) has its place in `_begin`: the keywords are final there,
and nothing has been sent; an answer that it returns is told with `log.cache_hit`. What keeps answers has its place
in `_told` and at the end of `arun`, and for streams in `StreamWatch`, which has the whole answer at their end. Either is
then a reason for `_hooks.is_watched`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import sys
from contextvars import copy_context
from datetime import datetime
from typing import TYPE_CHECKING

from ferrolite import _hooks
from ferrolite._observe import rules
from ferrolite._observe.async_worker import GLOBAL_LOGGING_WORKER
from ferrolite._observe.log import Logging, flat
from ferrolite._observe.receivers import atell, loggers, overrides, receivers
from ferrolite._observe.stream import StreamWatch
from ferrolite._stream import CoreReader
from ferrolite.types.call_types import CallTypes

if TYPE_CHECKING:
    from typing import Any

    from ferrolite._hooks import Face

_settings = sys.modules["ferrolite"].__dict__


def run(face: Face, arguments: dict[str, Any], files: Any = None) -> Any:
    """A call without asyncio."""
    log = Logging(face, arguments, is_async=False)
    try:
        arguments = _prompted(log, arguments)
        rules.check(_settings["pre_call_rules"], rules.text_asked(log), log.model)
        ready, own, uploads = _begin(log, face, arguments, files)
        log.pre_call()
        if ready is not None:
            result = ready()
        elif own is not None:
            result = _hooks.run_own(face, arguments, own)
        else:
            result = _hooks.send(face, arguments, uploads, keep_reply=True)
        rules.check_answer(result, log.model)
    except Exception as error:
        log.fail(error)
        raise
    return _told(log, result)


async def arun(face: Face, arguments: dict[str, Any], files: Any = None) -> Any:
    """A call for asyncio: hooks run in the caller's task."""
    log = Logging(face, arguments, is_async=True)
    asked: dict[str, Any] = {}
    try:
        arguments, asked = await _changed(log, face, arguments)
        rules.check(_settings["pre_call_rules"], rules.text_asked(log), log.model)
        ready, own, uploads = _begin(log, face, arguments, files)
        early = log.stream and face.core is None
        if early:
            # LiteLLM tells it of streams for asyncio before the request is made, and loggers rely on that order.
            log.post_call("")
        log.pre_call()
        await log.async_pre_call()
        if ready is not None:
            result = ready()
        elif own is not None:
            result = await _hooks.arun_own(face, arguments, own)
        else:
            result = await _hooks.asend(face, arguments, uploads, keep_reply=True)
        rules.check_answer(result, log.model)
        if isinstance(result, CoreReader):
            return _watched(log, result, asked, tell=not early)
        log.note_answer(result)
        log.post_call(log.model_call_details["original_response"])
        for logger in loggers(log):
            if hook := overrides(logger, "async_post_call_success_deployment_hook"):
                changed = await hook(asked, result, _type_of(log))
                result = result if changed is None else changed
    except Exception as error:
        for logger in loggers(log):
            if hook := overrides(logger, "async_post_call_failure_deployment_hook"):
                await atell(hook, asked, error, _type_of(log), fallback_depth=None)
        await log.afail(error)
        raise
    # Those who are in the lists now: what happens to the lists meanwhile is about later calls.
    if told := receivers("success", log, is_async=True):
        GLOBAL_LOGGING_WORKER.enqueue(log.async_success_handler(result, end_time=datetime.now(), told=told))
    return result


def _begin(log: Logging, face: Face, arguments: dict[str, Any], files: Any) -> tuple[Any, Any, Any]:
    """Who is to answer.

    Returns:
        A function with an answer that is there already, a provider of the program's own, and files for the core.
    """
    mocked = flat(arguments).get("mock_response")
    if face.prepare is not None:
        if isinstance(mocked, BaseException):
            # It is raised where the request would have been sent: those who watch have been told by then.
            return lambda: face.prepare(arguments), None, None  # pyright: ignore[reportOptionalCall]
        ready = face.prepare(arguments)
        if ready is not None:
            return lambda: ready, None, None
    if _hooks.may_be_own(arguments) and (own := _hooks.own_provider(face, arguments)) is not None:
        own.log = log
        return None, own, None
    uploads = files and files(arguments)
    if not mocked and not uploads:
        log.look_at_request(arguments)
    return None, None, uploads


def _told(log: Logging, result: Any) -> Any:
    """An answer of a call without asyncio, after the worker has been told of it."""
    if isinstance(result, CoreReader):
        return _watched(log, result, {}, tell=True)
    log.note_answer(result)
    log.post_call(log.model_call_details["original_response"])
    told = receivers("success", log)
    if told.loggers or told.functions:
        from ferrolite.litellm_core_utils import thread_pool_executor

        # Looked up each time: mlflow replaces `submit`.
        thread_pool_executor.executor.submit(
            copy_context().run, log.success_handler, result, None, datetime.now(), None, told
        )
    return result


def _watched(log: Logging, stream: CoreReader, asked: dict[str, Any], tell: bool) -> CoreReader:
    if tell:
        log.post_call("")
    StreamWatch.put(log, stream, asked)
    return stream


# Hooks that change a call


async def _changed(
    log: Logging, face: Face, arguments: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keywords after hooks have changed them: as the core takes them, and flat."""
    asked = {**flat(arguments), "litellm_call_id": log.litellm_call_id, "litellm_logging_obj": log}
    before = asked
    for logger in loggers(log):
        if hook := overrides(logger, "async_pre_call_deployment_hook"):
            changed = await hook(asked, _type_of(log))
            asked = asked if changed is None else changed
        if face.name == "anthropic_messages" and (hook := overrides(logger, "async_pre_request_hook")):
            changed = await hook(asked.get("model", ""), asked.get("messages", []), asked)
            asked = asked if changed is None else changed
        if asked.get("prompt_id") and face.core is None:
            hook = overrides(logger, "async_get_chat_completion_prompt")
            if hook is not None:
                model, messages, params = await hook(
                    **_prompt_keywords(asked), litellm_logging_obj=log, tools=asked.get("tools")
                )
                asked = {**asked, **params, "model": model, "messages": messages}
            elif hook := overrides(logger, "get_chat_completion_prompt"):
                model, messages, params = hook(**_prompt_keywords(asked))
                asked = {**asked, **params, "model": model, "messages": messages}
    # A hook may also have changed the dict that it was given.
    if asked is not before or any(asked.get(name) is not value for name, value in flat(arguments).items()):
        arguments = _as_keywords(arguments, asked)
        log.describe_again(arguments)
    return arguments, asked


def _prompted(log: Logging, arguments: dict[str, Any]) -> dict[str, Any]:
    if log.face.core is not None or not (arguments.get("kwargs") or {}).get("prompt_id"):
        return arguments
    asked = flat(arguments)
    for logger in loggers(log):
        if hook := overrides(logger, "get_chat_completion_prompt"):
            model, messages, params = hook(**_prompt_keywords(asked))
            asked = {**asked, **params, "model": model, "messages": messages}
    arguments = _as_keywords(arguments, asked)
    log.describe_again(arguments)
    return arguments


def _prompt_keywords(asked: dict[str, Any]) -> dict[str, Any]:
    apart = ("model", "messages", "prompt_id", "prompt_variables", "prompt_label", "prompt_version")
    params = {name: value for name, value in asked.items() if name not in apart}
    params.pop("litellm_logging_obj", None)
    return {
        "model": asked.get("model"),
        "messages": asked.get("messages") or [],
        "non_default_params": params,
        "prompt_id": asked.get("prompt_id"),
        "prompt_variables": asked.get("prompt_variables"),
        "dynamic_callback_params": {},
        "prompt_label": asked.get("prompt_label"),
        "prompt_version": asked.get("prompt_version"),
    }


def _as_keywords(arguments: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Flat keywords in the form that these arguments have."""
    rest = {
        name: value for name, value in asked.items() if name not in ("litellm_logging_obj", "litellm_call_id")
    }
    if "kwargs" not in arguments:
        return rest
    made = {name: rest.pop(name, None) for name in arguments if name != "kwargs"}
    return {**made, "kwargs": rest}


def _type_of(log: Logging) -> Any:
    try:
        return CallTypes(log.call_type)
    except ValueError:
        return log.call_type
