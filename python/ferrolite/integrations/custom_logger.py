"""The base class of loggers.

A subclass overrides what it wants to know, and an instance goes into `ferrolite.callbacks`. Hooks without a note
are called around every call; those of the gateway are called by the gateway only.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime
    from typing import Any


class CustomLogger:
    """A logger that is told nothing yet.

    Args:
        turn_off_message_logging: Hide the texts of questions and answers from this logger.
        message_logging: False does the same.
        **kwargs: Accepted for subclasses.
    """

    turn_off_message_logging: bool = False
    message_logging: bool = True

    def __init__(
        self, turn_off_message_logging: bool = False, message_logging: bool = True, **kwargs: Any
    ) -> None:
        self.turn_off_message_logging = turn_off_message_logging
        self.message_logging = message_logging

    # Around every call. `kwargs` is one dict from the beginning of a call to its end.

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        """Before the request is sent."""

    def log_post_api_call(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime | None
    ) -> None:
        """When the provider has answered: `kwargs["original_response"]` is what it said."""

    def log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime
    ) -> None:
        """After a call without asyncio, on a worker; for a stream after its end, with the whole answer."""

    def log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime
    ) -> None:
        """After a failed call without asyncio: `kwargs["exception"]` is the error."""

    def log_stream_event(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime
    ) -> None:
        """Never called, as in LiteLLM: see `async_log_stream_event`."""

    async def async_log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        """Before the request of a call for asyncio is sent."""

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime
    ) -> None:
        """After a call for asyncio, in a task of its own; for a stream after its end, with the whole answer."""

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime
    ) -> None:
        """After a failed call for asyncio: `kwargs["exception"]` is the error."""

    async def async_log_stream_event(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime
    ) -> None:
        """For each chunk of a stream that is read without asyncio, on a worker."""

    def logging_hook(self, kwargs: dict[str, Any], result: Any, call_type: str) -> tuple[dict[str, Any], Any]:
        """What the success events without asyncio are told, changed."""
        return kwargs, result

    async def async_logging_hook(
        self, kwargs: dict[str, Any], result: Any, call_type: str
    ) -> tuple[dict[str, Any], Any]:
        """What the success events of asyncio are told, changed."""
        return kwargs, result

    # Hooks that change a call. Those for asyncio run in the caller's task.

    def get_chat_completion_prompt(
        self,
        model: str,
        messages: list[Any],
        non_default_params: dict[str, Any],
        prompt_id: str | None,
        prompt_variables: dict[str, Any] | None,
        dynamic_callback_params: Any,
        prompt_spec: Any = None,
        prompt_label: str | None = None,
        prompt_version: int | None = None,
        ignore_prompt_manager_model: bool | None = False,
        ignore_prompt_manager_optional_params: bool | None = False,
    ) -> tuple[str, list[Any], dict[str, Any]]:
        """Model, messages and parameters for a call with a `prompt_id`."""
        return model, messages, non_default_params

    async def async_get_chat_completion_prompt(
        self,
        model: str,
        messages: list[Any],
        non_default_params: dict[str, Any],
        prompt_id: str | None,
        prompt_variables: dict[str, Any] | None,
        dynamic_callback_params: Any,
        litellm_logging_obj: Any,
        prompt_spec: Any = None,
        tools: list[dict[str, Any]] | None = None,
        prompt_label: str | None = None,
        prompt_version: int | None = None,
        ignore_prompt_manager_model: bool | None = False,
        ignore_prompt_manager_optional_params: bool | None = False,
    ) -> tuple[str, list[Any], dict[str, Any]]:
        """The same for asyncio."""
        return model, messages, non_default_params

    async def async_pre_request_hook(
        self, model: str, messages: list[Any], kwargs: dict[str, Any]
    ) -> dict[str, Any] | None:
        """The keywords of a call of Anthropic's Messages, changed; None leaves them."""

    async def async_pre_call_deployment_hook(
        self, kwargs: dict[str, Any], call_type: Any
    ) -> dict[str, Any] | None:
        """The keywords of a call for asyncio, changed; None leaves them. An exception ends the call."""

    async def async_post_call_success_deployment_hook(
        self, request_data: dict[str, Any], response: Any, call_type: Any
    ) -> Any:
        """The answer that a caller of asyncio gets, changed; None leaves it."""

    async def async_post_call_failure_deployment_hook(
        self,
        request_data: Mapping[str, Any],
        exception: Exception,
        call_type: Any,
        fallback_depth: int | None = None,
    ) -> None:
        """When a call for asyncio has failed."""

    async def async_post_call_streaming_deployment_hook(
        self, request_data: dict[str, Any], response_chunk: Any, call_type: Any
    ) -> Any:
        """A chunk of a stream of asyncio, changed; None leaves it."""

    # The router's.

    async def async_pre_routing_hook(
        self,
        model: str,
        request_kwargs: dict[str, Any],
        messages: list[dict[str, Any]] | None = None,
        input: str | list[Any] | None = None,
        specific_deployment: bool | None = False,
    ) -> Any:
        """Before a deployment is chosen."""

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Any],
        messages: list[Any] | None,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: Any = None,
    ) -> list[dict[str, Any]]:
        """The deployments that may be chosen."""
        return healthy_deployments

    async def async_pre_call_check(
        self, deployment: dict[str, Any], parent_otel_span: Any
    ) -> dict[str, Any] | None:
        """Before a deployment is called for asyncio; an exception rules it out."""

    def pre_call_check(self, deployment: dict[str, Any]) -> dict[str, Any] | None:
        """Before a deployment is called."""

    async def log_model_group_rate_limit_error(
        self, exception: Exception, original_model_group: str | None, kwargs: dict[str, Any]
    ) -> None:
        """When all deployments of a group are at their limits."""

    async def log_success_fallback_event(
        self, original_model_group: str, kwargs: dict[str, Any], original_exception: Exception
    ) -> None:
        """When another model has answered instead."""

    async def log_failure_fallback_event(
        self, original_model_group: str, kwargs: dict[str, Any], original_exception: Exception
    ) -> None:
        """When no other model has answered either."""

    # The gateway's.

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Exception | str | dict[str, Any] | None:
        """Before a request is routed: the request changed, a text to answer with, or an error to raise."""

    async def async_moderation_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, call_type: str
    ) -> Any:
        """Beside the call; an exception ends it."""

    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any
    ) -> Any:
        """The answer before it is sent."""

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],
        original_exception: Exception,
        user_api_key_dict: Any,
        traceback_str: str | None = None,
    ) -> Any:
        """When a request has failed."""

    async def async_post_call_response_headers_hook(
        self,
        data: dict[str, Any],
        user_api_key_dict: Any,
        response: Any,
        request_headers: dict[str, str] | None = None,
        litellm_call_info: dict[str, Any] | None = None,
    ) -> dict[str, str] | None:
        """Headers to add to the answer."""

    async def async_post_call_streaming_hook(self, user_api_key_dict: Any, response: str) -> Any:
        """A piece of a streamed answer."""

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """A streamed answer as a whole."""
        async for chunk in response:
            yield chunk

    async def async_filter_listed_models(
        self, user_api_key_dict: Any, model_names: Sequence[str]
    ) -> Sequence[str]:
        """The models that are listed."""
        return model_names

    async def async_log_audit_log_event(self, audit_log: Any) -> None:
        """When an administrator changes something."""

    async def async_log_batch_line_items(self, payload: Any) -> None:
        """The single answers of a batch."""

    async def async_dataset_hook(self, logged_item: Any, standard_logging_payload: Any) -> Any:
        """An item for a dataset, changed."""

    async def async_post_mcp_tool_call_hook(
        self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime
    ) -> Any:
        """After a tool was called."""

    # Adapters of the gateway.

    def translate_completion_input_params(self, kwargs: Any) -> Any:
        """A request in another format, as one of chat completions."""

    def translate_completion_output_params(self, response: Any) -> Any:
        """An answer in the other format."""

    def translate_completion_output_params_streaming(self, completion_stream: Any) -> Any:
        """A stream in the other format."""

    # Functions in the lists of callbacks, for subclasses that call them.

    def log_input_event(
        self, model: Any, messages: Any, kwargs: Any, print_verbose: Any, callback_func: Any
    ) -> None:
        """Call a function of `input_callback`."""
        kwargs.update(model=model, messages=messages, log_event_type="pre_api_call")
        _guarded(callback_func, kwargs)

    async def async_log_input_event(
        self, model: Any, messages: Any, kwargs: Any, print_verbose: Any, callback_func: Any
    ) -> None:
        """The same for a coroutine function."""
        kwargs.update(model=model, messages=messages, log_event_type="pre_api_call")
        await _aguarded(callback_func, kwargs)

    def log_event(
        self,
        kwargs: Any,
        response_obj: Any,
        start_time: datetime,
        end_time: datetime,
        print_verbose: Any,
        callback_func: Any,
    ) -> None:
        """Call a function of `success_callback` or `failure_callback`."""
        kwargs["log_event_type"] = "post_api_call"
        _guarded(callback_func, kwargs, response_obj, start_time, end_time)

    async def async_log_event(
        self,
        kwargs: Any,
        response_obj: Any,
        start_time: datetime,
        end_time: datetime,
        print_verbose: Any,
        callback_func: Any,
    ) -> None:
        """The same for a coroutine function."""
        kwargs["log_event_type"] = "post_api_call"
        await _aguarded(callback_func, kwargs, response_obj, start_time, end_time)

    # What belongs to loggers themselves.

    @staticmethod
    def get_callback_env_vars(callback_name: str | None = None) -> list[str]:
        """The environment variables that an integration reads."""
        return []

    def redacts_messages_itself(self) -> bool:
        """Whether the logger hides texts without help."""
        return False

    def handle_callback_failure(self, callback_name: str) -> None:
        """When a callback of this logger has failed; the failure is logged in any case."""


def _guarded(function: Any, *args: Any) -> None:
    try:
        function(*args)
    except Exception:
        _log().exception("a callback failed")


async def _aguarded(function: Any, *args: Any) -> None:
    try:
        await function(*args)
    except Exception:
        _log().exception("a callback failed")


def _log() -> Any:
    from ferrolite._logging import verbose_logger

    return verbose_logger
