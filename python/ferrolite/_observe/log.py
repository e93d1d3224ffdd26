"""The log of one call: the dict that callbacks are told of, and who is told when."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from ferrolite import _core
from ferrolite._logging import verbose_logger
from ferrolite._observe import redact
from ferrolite._observe.payload import payload
from ferrolite._observe.raw import raw_request
from ferrolite._observe.receivers import Receivers, atell, overrides, receivers, tell
from ferrolite.types._base import new_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ferrolite._hooks import Face

_settings = sys.modules["ferrolite"].__dict__

_CONTENT = ("contents", "documents", "file", "image", "input", "mask", "messages", "model", "prompt", "query")
"""What is asked, apart from parameters."""
_LONGEST = 20.0
"""Seconds that a failed call waits for its asynchronous callbacks."""


class Logging:
    """The log of one call.

    `model_call_details` is the `kwargs` of all callbacks: one dict from the beginning of a call to its end.
    """

    def __init__(self, face: Face, arguments: dict[str, Any], is_async: bool) -> None:
        from ferrolite._hooks import PER_CALL

        self.face = face
        self.is_async = is_async
        self.call_type = f"a{face.name}" if is_async else face.name
        self.start_time = datetime.now()
        self.own: dict[str, Any] = {}
        keywords = arguments.get("kwargs", arguments)
        for name in PER_CALL.intersection(keywords):
            value = keywords.pop(name)
            if value is not None:
                self.own[name] = value if name == "logger_fn" or isinstance(value, (list, tuple)) else [value]
        if arguments.get("logger_fn") is not None:
            self.own["logger_fn"] = arguments["logger_fn"]
        given = flat(arguments)
        self.disabled: frozenset[str] = frozenset(given.get("litellm_disabled_callbacks") or ())
        self.is_silent = bool(given.get("no-log")) and not _settings["global_disable_no_log_param"]
        self.hides_texts = redact.hides_texts(given.get("turn_off_message_logging"))
        self.litellm_call_id: str = given.get("litellm_call_id") or new_id()
        metadata: Any = given.get("metadata") or given.get("litellm_metadata") or {}
        metadata = metadata if isinstance(metadata, dict) else {}
        self.trace_id: str = given.get("litellm_trace_id") or metadata.get("trace_id") or new_id()
        self.litellm_trace_id = self.trace_id
        # For a cache that answers the call.
        self.cache_hit: bool | None = None
        self._has_begun = False
        self._has_ended = False
        self._told_success = False
        self.model_call_details: dict[str, Any] = {}
        self._describe(given, metadata)

    # What there is to tell

    def _describe(self, given: dict[str, Any], metadata: dict[str, Any]) -> None:
        provider, model = _who(given)
        optional = {
            name: value
            for name, value in given.items()
            if name not in _CONTENT and (name == "stream" or not _core.is_steering(name))
        }
        if not optional.get("stream"):
            optional.pop("stream", None)
        messages = _messages(given)
        asked = given.get("input") if messages is None or "input" in given else messages
        steering = {name: value for name, value in given.items() if _core.is_steering(name)}
        if self.hides_texts:
            optional, steering = redact.without_texts(optional), redact.without_texts(steering)
        optional = redact.without_secrets(optional)
        params = {
            "acompletion": self.call_type == "acompletion",
            "api_key": None,
            "api_base": given.get("base_url"),
            "completion_call_id": None,
            "force_timeout": 600,
            "litellm_metadata": None,
            "litellm_session_id": metadata.get("session_id"),
            "logger_fn": self.own.get("logger_fn"),
            "model_alias_map": {},
            "model_info": None,
            "no-log": None,
            "preset_cache_key": None,
            "proxy_server_request": None,
            "stream_response": {},
            "verbose": False,
            **redact.without_secrets(steering),
            "custom_llm_provider": provider,
            "litellm_call_id": self.litellm_call_id,
            "litellm_trace_id": self.trace_id,
            "metadata": dict(metadata),
        }
        params.pop("model", None)
        self.model = model
        self.messages = messages
        self.stream = bool(given.get("stream"))
        self.optional_params = optional
        self.litellm_params = params
        self.model_call_details.update(optional)
        self.model_call_details.update(
            {
                "additional_args": {},
                "api_call_start_time": None,
                "api_key": params["api_key"],
                "applied_guardrails": [],
                "call_type": self.call_type,
                "completion_start_time": None,
                "custom_llm_provider": provider,
                "input": "" if self.hides_texts else asked,
                "litellm_call_id": self.litellm_call_id,
                "litellm_params": params,
                "litellm_trace_id": self.trace_id,
                "log_event_type": None,
                "messages": redact.messages() if self.hides_texts else messages,
                "model": model,
                "model_id": None,
                "optional_params": optional,
                "standard_callback_dynamic_params": {},
                "start_time": self.start_time,
                "stream": self.stream,
                "stream_options": given.get("stream_options"),
                "user": given.get("user"),
            }
        )

    def describe_again(self, arguments: dict[str, Any]) -> None:
        """After a hook has changed the keywords."""
        given = flat(arguments)
        self._describe(given, {**(given.get("metadata") or {})})

    def look_at_request(self, arguments: dict[str, Any]) -> None:
        """Add the request as it will be sent."""
        details = self.model_call_details
        try:
            seen = _core.preview(arguments, _settings, self.face.core)
        except Exception:
            # The call itself says what is wrong.
            details["additional_args"] = {"complete_input_dict": {}}
            return
        details["additional_args"] = {
            "complete_input_dict": {} if self.hides_texts else redact.without_secrets(seen["body"] or {}),
            "api_base": seen["url"],
            "headers": seen["headers"],
        }
        details["model"], details["custom_llm_provider"] = seen["model"], seen["provider"]
        self.model = seen["model"]
        params = self.litellm_params
        params["custom_llm_provider"], params["api_base"] = seen["provider"], seen["api_base"]
        if _settings["log_raw_request_response"] and not self.hides_texts:
            details["raw_request_typed_dict"] = raw_request(seen)

    # Before the answer

    def pre_call(
        self,
        input: Any = None,
        api_key: str | None = None,
        model: str | None = None,
        additional_args: dict[str, Any] | None = None,
    ) -> None:
        """Tell that the request is about to be sent.

        Args:
            input, model, additional_args: In place of what is known already; for providers written in Python.
            api_key: Accepted for LiteLLM's sake; it is not told.
        """
        details = self.model_call_details
        if input is not None and not self.hides_texts:
            details["input"] = input
        if model is not None:
            details["model"] = model
        if additional_args and not self.hides_texts:
            details["additional_args"] = redact.without_secrets(additional_args)
        details["log_event_type"] = "pre_api_call"
        details["api_call_start_time"] = datetime.now()
        self._has_begun = True
        told = receivers("input", self)
        shown, view_of = self.model_call_details, self._views(None)
        for logger in told.loggers:
            if hook := overrides(logger, "log_pre_api_call"):
                view, _ = view_of(logger)
                tell(hook, model=self.model, messages=view["messages"], kwargs=view)
        for function in told.functions:
            tell(function, shown)
        self._tell_logger_fn(shown)

    async def async_pre_call(self) -> None:
        """Tell asynchronous callbacks the same, but for those beside which a plain one has been told.

        Programs that put both kinds into a list mean one event.
        """
        told = receivers("input", self, is_async=True)
        shown, view_of = self.model_call_details, self._views(None)
        for logger in told.loggers:
            hook = overrides(logger, "async_log_pre_api_call")
            if hook and not overrides(logger, "log_pre_api_call"):
                view, _ = view_of(logger)
                await atell(hook, model=self.model, messages=view["messages"], kwargs=view)
        for function in () if told.functions else told.coroutines:
            await atell(function, shown)

    def post_call(
        self,
        original_response: Any = None,
        input: Any = None,
        api_key: str | None = None,
        additional_args: dict[str, Any] | None = None,
    ) -> None:
        """Tell what the provider has said.

        Args:
            original_response: Its words.
            input, api_key, additional_args: Accepted for LiteLLM's sake.
        """
        details = self.model_call_details
        details["log_event_type"] = "post_api_call"
        details["original_response"] = redact.HIDDEN if self.hides_texts else original_response
        told = receivers("input", self)
        shown, view_of = self.model_call_details, self._views(None)
        for logger in told.loggers:
            if hook := overrides(logger, "log_post_api_call"):
                view, _ = view_of(logger)
                tell(hook, kwargs=view, response_obj=None, start_time=self.start_time, end_time=None)
        self._tell_logger_fn(shown)

    def _tell_logger_fn(self, shown: dict[str, Any]) -> None:
        if function := self.own.get("logger_fn"):
            tell(function, shown)

    # After it

    def note_answer(self, result: Any) -> None:
        """Add what is known of an answer, and give it the call's id."""
        details = self.model_call_details
        details["completion_start_time"] = details["completion_start_time"] or datetime.now()
        known: Any = getattr(result, "__dict__", {}).get("_meta")
        reply = None
        if known is not None:
            details["llm_api_duration_ms"] = known.upstream_ms
            details["response_headers"] = known.headers()
            reply = known.reply
        hidden: Any = getattr(result, "_hidden_params", None)
        if isinstance(hidden, dict):
            hidden["litellm_call_id"] = self.litellm_call_id
        details["original_response"] = redact.HIDDEN if self.hides_texts else reply or ""

    def success_handler(
        self,
        result: Any = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        cache_hit: bool | None = None,
        told: Receivers | None = None,
    ) -> None:
        """Tell of an answer. Runs on the worker."""
        if told is None:
            told = receivers("success", self)
        if self.is_silent or not (told.loggers or told.functions):
            return
        if self._told_success:  # mlflow runs a job at once, and hands it to the worker nevertheless
            return
        self._told_success = True
        started, ended = start_time or self.start_time, end_time or datetime.now()
        if self.hides_texts:
            result = redact.response(result)
        self._note_success(result, ended, cache_hit)
        for logger in told.loggers:
            if hook := overrides(logger, "logging_hook"):
                try:
                    self.model_call_details, result = hook(
                        kwargs=self.model_call_details, result=result, call_type=self.call_type
                    )
                except Exception:
                    verbose_logger.exception("logging_hook of %s failed", type(logger).__name__)
        self._note_payload(result, started, ended, "success")
        answer, shown, view_of = result, self.model_call_details, self._views(result)
        for logger in told.loggers:
            if hook := overrides(logger, "log_success_event"):
                view, said = view_of(logger)
                tell(hook, kwargs=view, response_obj=said, start_time=started, end_time=ended)
        for function in told.functions:
            tell(function, shown, answer, started, ended)

    async def async_success_handler(
        self,
        result: Any = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        cache_hit: bool | None = None,
        told: Receivers | None = None,
    ) -> None:
        """Tell asynchronous callbacks of an answer. Runs in a task of its own."""
        if told is None:
            told = receivers("success", self, is_async=True)
        if self.is_silent or not told:
            return
        started, ended = start_time or self.start_time, end_time or datetime.now()
        if self.hides_texts:
            result = redact.response(result)
        self._note_success(result, ended, cache_hit)
        for logger in told.loggers:
            if hook := overrides(logger, "async_logging_hook"):
                try:
                    self.model_call_details, result = await hook(
                        kwargs=self.model_call_details, result=result, call_type=self.call_type
                    )
                except Exception:
                    verbose_logger.exception("async_logging_hook of %s failed", type(logger).__name__)
        self._note_payload(result, started, ended, "success")
        answer, shown, view_of = result, self.model_call_details, self._views(result)
        if told.functions and not told.coroutines:
            # LiteLLM never tells plain functions. Beside a coroutine function they are its twins, for other calls.
            from ferrolite._observe.worker import executor

            for function in told.functions:
                executor.submit(tell, function, shown, answer, started, ended)
        waiting: list[Any] = []
        for logger in told.loggers:
            if hook := overrides(logger, "async_log_success_event"):
                view, said = view_of(logger)
                waiting.append(
                    atell(hook, kwargs=view, response_obj=said, start_time=started, end_time=ended)
                )
        waiting += [atell(function, shown, answer, started, ended) for function in told.coroutines]
        if len(waiting) == 1:
            await waiting[0]
            return
        # Beside each other: none waits for a slow one.
        from ferrolite._observe.async_worker import GLOBAL_LOGGING_WORKER

        for one in waiting:
            GLOBAL_LOGGING_WORKER.enqueue(one)

    def failure_handler(
        self,
        exception: Exception,
        traceback_exception: Any = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
    ) -> None:
        """Tell of a failure, at once and in the caller's thread, as LiteLLM does."""
        told = receivers("failure", self)
        if self.is_silent or not (told.loggers or told.functions):
            return
        started, ended = start_time or self.start_time, end_time or datetime.now()
        self._note_failure(exception, traceback_exception, started, ended)
        shown, view_of = self.model_call_details, self._views(None)
        if not self.is_async:
            for logger in told.loggers:
                if hook := overrides(logger, "log_failure_event"):
                    view, _ = view_of(logger)
                    tell(hook, kwargs=view, response_obj=None, start_time=started, end_time=ended)
        for function in told.functions:
            tell(function, shown, None, started, ended)

    async def async_failure_handler(
        self,
        exception: Exception,
        traceback_exception: Any = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
    ) -> None:
        """Tell asynchronous callbacks of a failure."""
        told = receivers("failure", self, is_async=True)
        if self.is_silent or not (told.loggers or told.coroutines):
            return
        started, ended = start_time or self.start_time, end_time or datetime.now()
        if "exception" not in self.model_call_details:
            self._note_failure(exception, traceback_exception, started, ended)
        shown, view_of = self.model_call_details, self._views(None)
        waiting: list[Any] = []
        for logger in told.loggers:
            if hook := overrides(logger, "async_log_failure_event"):
                view, _ = view_of(logger)
                waiting.append(
                    atell(hook, kwargs=view, response_obj=None, start_time=started, end_time=ended)
                )
        waiting += [atell(function, shown, None, started, ended) for function in told.coroutines]
        if not waiting:
            return
        try:
            await asyncio.wait_for(asyncio.gather(*waiting), _LONGEST)
        except asyncio.TimeoutError:
            verbose_logger.error("failure callbacks took more than %s seconds and were stopped", _LONGEST)

    def fail(self, error: Exception) -> None:
        """A call without asyncio has failed."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._has_begun:
            self.post_call(str(error))
        self.failure_handler(error)

    async def afail(self, error: Exception) -> None:
        """A call for asyncio has failed."""
        if self._has_ended:
            return
        self._has_ended = True
        self.model_call_details["original_response"] = redact.HIDDEN if self.hides_texts else str(error)
        self.failure_handler(error)
        await self.async_failure_handler(error)

    def update_environment_variables(self, *args: Any, **kwargs: Any) -> None:
        """Accepted, for providers written in Python."""

    # The dict that callbacks get

    def _note_success(self, result: Any, ended: datetime, cache_hit: bool | None) -> None:
        details = self.model_call_details
        details["log_event_type"] = "successful_api_call"
        details["end_time"] = ended
        hidden: Any = getattr(result, "_hidden_params", None)
        if cache_hit is None and isinstance(hidden, dict):
            cache_hit = hidden.get("cache_hit")
        details["cache_hit"] = self.cache_hit if cache_hit is None else cache_hit
        if self.stream:
            details["complete_streaming_response"] = details["complete_response"] = result
        if isinstance(hidden, dict):
            details["response_cost"] = hidden.get("response_cost")
            details["litellm_params"]["metadata"].setdefault("hidden_params", hidden)
        else:
            details.setdefault("response_cost", None)

    def _note_payload(self, result: Any, started: datetime, ended: datetime, status: str) -> None:
        try:
            self.model_call_details["standard_logging_object"] = payload(
                self.model_call_details, result, started, ended, self, status
            )
        except Exception:
            verbose_logger.exception("the standard_logging_object cannot be made")
            self.model_call_details["standard_logging_object"] = None

    def _note_failure(self, error: Exception, trace: Any, started: datetime, ended: datetime) -> None:
        if trace is None:
            from traceback import format_exception

            trace = "".join(format_exception(error))
        details = self.model_call_details
        text = str(error)
        if _settings["redact_messages_in_exceptions"]:
            text = trace = f"{type(error).__name__}: {redact.HIDDEN}"
        details["log_event_type"] = "failed_api_call"
        details["end_time"] = ended
        details["exception"] = error
        details["traceback_exception"] = trace
        details["response_cost"] = 0
        try:
            made = payload(details, None, started, ended, self, "failure", text, error)
            # It may be left out of the payload.
            if _settings["redact_messages_in_exceptions"] and "error_information" in made:
                made["error_information"]["error_message"] = text
            details["standard_logging_object"] = made
        except Exception:
            verbose_logger.exception("the standard_logging_object cannot be made")
            details["standard_logging_object"] = None

    def _views(self, answer: Any) -> Callable[[Any], tuple[dict[str, Any], Any]]:
        """For each logger of an event what it is told, and the answer: as they are, or without texts.

        What is without texts is made once, for all who want none.
        """
        shown = self.model_call_details
        hidden: list[tuple[dict[str, Any], Any]] = []

        def view_of(logger: Any) -> tuple[dict[str, Any], Any]:
            if self.hides_texts or not redact.hides_from(logger):
                return shown, answer
            if not hidden:
                said = redact.response(answer)
                hidden.append((redact.details(shown, said), said))
            return hidden[0]

        return view_of


def flat(arguments: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a call that were given."""
    given = {name: value for name, value in arguments.items() if value is not None and name != "kwargs"}
    for name, value in (arguments.get("kwargs") or {}).items():
        if value is not None:
            given[name] = value
    return given


def _who(given: dict[str, Any]) -> tuple[str, str]:
    """The provider, and its own name of the model, as far as they are known before the call."""
    model = given.get("model")
    provider = given.get("custom_llm_provider")
    if not isinstance(model, str):
        return provider or "", ""
    aliases: Any = given.get("model_alias_map") or _settings["model_alias_map"]
    model = aliases.get(model, model)
    if _settings["custom_provider_map"]:
        from ferrolite._custom import handler_of

        handler, named, name = handler_of(model, provider)
        if handler is not None:
            return named, name
    try:
        return _core.split_model(model, provider)
    except Exception:
        return provider or "", model


def _messages(given: dict[str, Any]) -> Any:
    """What is asked, as messages. A list of the caller's is copied: programs add the answer to theirs."""
    messages = given.get("messages")
    if messages is not None:
        return list(messages) if isinstance(messages, list) else messages
    asked: Any = given.get("input", given.get("prompt", given.get("query", given.get("contents"))))
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    if isinstance(asked, list) and all(isinstance(one, str) for one in asked):
        return [{"role": "user", "content": one} for one in asked]
    return asked
