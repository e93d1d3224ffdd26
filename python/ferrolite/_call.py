"""Chat completions: the public functions, thin over the core."""

from __future__ import annotations

import os
import sys

from ferrolite import _core
from ferrolite._hooks import Face, arun, run
from ferrolite._stream import CustomStreamWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.utils import ModelResponse

_settings = sys.modules["ferrolite"].__dict__

if os.environ.get("USE_LITELLM_PROXY", "").lower() == "true":
    _settings["use_litellm_proxy"] = True

if os.environ.get("FERROLITE_LOG") or os.environ.get("LITELLM_LOG") or "logging" in sys.modules:
    # A program that logs may set our loggers' levels itself.
    from ferrolite import _logging as _logging


def completion(
    model: str,
    messages: list[Any] = [],  # noqa: B006 - the reference's default; never mutated
    timeout: float | str | Any | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool | None = None,
    stream_options: dict[str, Any] | None = None,
    stop: str | list[str] | None = None,
    max_completion_tokens: int | None = None,
    max_tokens: int | None = None,
    modalities: list[str] | None = None,
    prediction: dict[str, Any] | None = None,
    audio: dict[str, Any] | None = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[str, float] | None = None,
    user: str | None = None,
    reasoning_effort: str | dict[str, Any] | None = None,
    verbosity: str | None = None,
    response_format: dict[str, Any] | type[Any] | None = None,
    seed: int | None = None,
    tools: list[Any] | None = None,
    tool_choice: str | dict[str, Any] | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    parallel_tool_calls: bool | None = None,
    web_search_options: dict[str, Any] | None = None,
    include_server_side_tool_invocations: bool | None = None,
    deployment_id: str | None = None,
    extra_headers: dict[str, str] | None = None,
    safety_identifier: str | None = None,
    service_tier: str | None = None,
    store: bool | None = None,
    prompt_cache_key: str | None = None,
    prompt_cache_retention: str | None = None,
    functions: list[Any] | None = None,
    function_call: str | dict[str, Any] | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    model_list: list[Any] | None = None,
    thinking: dict[str, Any] | None = None,
    shared_session: Any = None,
    enable_json_schema_validation: bool | None = None,
    **kwargs: Any,
) -> ModelResponse | CustomStreamWrapper:
    """A chat completion.

    Args:
        model: "provider/model", or the bare name of a model whose maker is known.
        messages: The conversation; dicts or message objects.
        timeout: Seconds for one attempt, or an `httpx.Timeout`. For a stream, `stream_timeout` comes first and
            also limits the silence between two chunks.
        stream: Return an iterator of chunks instead of the whole answer.
        response_format: OpenAI's object, or a pydantic model class whose schema the answer has to follow.
        **kwargs: `api_base`, `custom_llm_provider`, `num_retries`, `max_retries`, `drop_params`,
            `extra_body`, `extra_query`, `mock_response` and the other names that LiteLLM knows. Any further
            name is sent to the provider as it is.

    Returns:
        The answer, or a stream of chunks.

    Raises:
        BadRequestError: The request cannot be sent as it is; nothing was sent.
        UnsupportedParamsError: The model does not take a parameter and `drop_params` is off.
        AuthenticationError, RateLimitError, Timeout, APIConnectionError, …: see `ferrolite.exceptions`.
    """
    arguments = locals()
    if _is_special(kwargs, enable_json_schema_validation):
        from ferrolite import _fallbacks

        return _fallbacks.run(_FACE, arguments)
    return run(_FACE, arguments)


async def acompletion(
    model: str,
    messages: list[Any] = [],  # noqa: B006 - the reference's default; never mutated
    functions: list[Any] | None = None,
    function_call: str | dict[str, Any] | None = None,
    timeout: float | str | Any | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool | None = None,
    stream_options: dict[str, Any] | None = None,
    stop: str | list[str] | None = None,
    max_tokens: int | None = None,
    max_completion_tokens: int | None = None,
    modalities: list[str] | None = None,
    prediction: dict[str, Any] | None = None,
    audio: dict[str, Any] | None = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[str, float] | None = None,
    user: str | None = None,
    response_format: dict[str, Any] | type[Any] | None = None,
    seed: int | None = None,
    tools: list[Any] | None = None,
    tool_choice: str | dict[str, Any] | None = None,
    parallel_tool_calls: bool | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    deployment_id: str | None = None,
    reasoning_effort: str | dict[str, Any] | None = None,
    verbosity: str | None = None,
    safety_identifier: str | None = None,
    service_tier: str | None = None,
    store: bool | None = None,
    prompt_cache_key: str | None = None,
    prompt_cache_retention: str | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    model_list: list[Any] | None = None,
    extra_headers: dict[str, str] | None = None,
    thinking: dict[str, Any] | None = None,
    web_search_options: dict[str, Any] | None = None,
    include_server_side_tool_invocations: bool | None = None,
    shared_session: Any = None,
    enable_json_schema_validation: bool | None = None,
    **kwargs: Any,
) -> ModelResponse | CustomStreamWrapper:
    """`completion` for asyncio: the same parameters, the same errors.

    Cancelling the task ends the request: its connection is closed.
    """
    arguments = locals()
    if _is_special(kwargs, enable_json_schema_validation):
        from ferrolite import _fallbacks

        return await _fallbacks.arun(_FACE, arguments)
    return await arun(_FACE, arguments)


def _is_special(kwargs: dict[str, Any], validated: bool | None) -> bool:
    """Whether there are models to fall back on, a schema to check the answer against, or a budget."""
    s = _settings
    return bool(
        "fallbacks" in kwargs
        or validated
        or s["model_fallbacks"]
        or s["enable_json_schema_validation"]
        or s["max_budget"]
    )


def _prepare(arguments: dict[str, Any]) -> ModelResponse | None:
    """What only Python can do before the core takes over: classes to schemas, responses and exceptions as mocks."""
    if _settings["set_verbose"]:
        from ferrolite._logging import turn_on_debug

        turn_on_debug()
    s = _settings
    if s["use_litellm_proxy"] or s["max_budget"] or s["credential_list"] or s["json_logs"]:
        from ferrolite import _fallbacks

        _fallbacks.apply(arguments)
    if isinstance(arguments["response_format"], type):
        from ferrolite._schema import response_format

        arguments["response_format"] = response_format(arguments["response_format"])
    mock: Any = arguments["kwargs"].get("mock_response")
    if mock is not None and not isinstance(mock, (str, bool)):
        from ferrolite._mock import response_of_mock

        return response_of_mock(mock, arguments)
    return None


def _stream(core: _core.CoreStream, arguments: dict[str, Any], is_async: bool) -> CustomStreamWrapper:
    return CustomStreamWrapper._of_core(core, arguments["messages"])  # pyright: ignore[reportPrivateUsage]


_FACE = Face("completion", None, _stream, _prepare)


def mock_completion(
    model: str,
    messages: list[Any],
    stream: bool | None = False,
    n: int | None = None,
    mock_response: Any = "This is a mock request",
    mock_tool_calls: list[Any] | None = None,
    mock_timeout: bool | None = False,
    logging: Any = None,
    custom_llm_provider: str | None = None,
    timeout: float | str | Any | None = None,
    prompt_tokens: int | None = None,
    **kwargs: Any,
) -> ModelResponse | CustomStreamWrapper:
    """`completion` with `mock_response`: nothing is sent. `logging` and `prompt_tokens` are for LiteLLM's sake."""
    return completion(
        model,
        messages,
        timeout,
        stream=stream,
        n=n,
        mock_response=mock_response,
        mock_tool_calls=mock_tool_calls,
        mock_timeout=mock_timeout,
        custom_llm_provider=custom_llm_provider,
        **kwargs,
    )


def stream_chunk_builder(
    chunks: list[Any],
    messages: list[Any] | None = None,
    start_time: Any = None,
    end_time: Any = None,
    logging_obj: Any = None,
    count_prompt_tokens: bool | None = None,
) -> ModelResponse | None:
    """The whole answer that the chunks of a stream make, or None for no chunks.

    Args:
        chunks: `ModelResponseStream` objects or dicts, in their order.
        messages: The conversation that was sent. Its tokens are counted when the chunks tell no usage.
        count_prompt_tokens: False leaves the conversation uncounted.
        start_time, end_time, logging_obj: Accepted for LiteLLM's sake.
    """
    if not chunks:
        return None
    made = _core.collect_chunks(list(chunks))
    if not hasattr(made, "usage"):
        from ferrolite._observe.wholes import count_usage

        count_usage(made, made.model or "", messages if count_prompt_tokens is not False else None)
    if hasattr(made, "usage"):
        from ferrolite.cost_calculator import cost_of_chunks

        made.hidden_params["response_cost"] = cost_of_chunks(made)
    return made
