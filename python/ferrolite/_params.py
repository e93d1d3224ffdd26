"""The parameters of a call by name: OpenAI's list, and what a provider gets for them."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__

OPENAI_CHAT_COMPLETION_PARAMS = [
    "functions",
    "function_call",
    "temperature",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stream_options",
    "stop",
    "max_completion_tokens",
    "modalities",
    "prediction",
    "audio",
    "max_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "request_timeout",
    "api_base",
    "api_version",
    "api_key",
    "deployment_id",
    "organization",
    "base_url",
    "default_headers",
    "timeout",
    "response_format",
    "seed",
    "tools",
    "tool_choice",
    "max_retries",
    "parallel_tool_calls",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "extra_headers",
    "thinking",
    "web_search_options",
    "include_server_side_tool_invocations",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "verbosity",
    "store",
]
"""The keywords of a chat completion that are OpenAI's, as LiteLLM lists them."""

DEFAULT_CHAT_COMPLETION_PARAM_VALUES: dict[str, Any] = dict.fromkeys(
    [
        "model",
        "messages",
        "functions",
        "function_call",
        "temperature",
        "top_p",
        "n",
        "stream",
        "stream_options",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "modalities",
        "prediction",
        "audio",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "user",
        "custom_llm_provider",
        "response_format",
        "seed",
        "tools",
        "tool_choice",
        "max_retries",
        "logprobs",
        "top_logprobs",
        "extra_headers",
        "api_version",
        "parallel_tool_calls",
        "drop_params",
        "allowed_openai_params",
        "reasoning_effort",
        "additional_drop_params",
        "thinking",
        "web_search_options",
        "safety_identifier",
        "service_tier",
        "store",
        "prompt_cache_key",
        "prompt_cache_retention",
        "verbosity",
        "metadata",
        "context_management",
        "include_server_side_tool_invocations",
    ]
) | {"custom_llm_provider": ""}
"""The defaults of a chat completion's keywords."""


def get_optional_params(
    model: str,
    functions: list[Any] | None = None,
    function_call: str | dict[str, Any] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool = False,
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
    custom_llm_provider: str = "",
    response_format: dict[str, Any] | type[Any] | None = None,
    seed: int | None = None,
    tools: list[Any] | None = None,
    tool_choice: str | dict[str, Any] | None = None,
    max_retries: int | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    extra_headers: dict[str, str] | None = None,
    api_version: str | None = None,
    parallel_tool_calls: bool | None = None,
    drop_params: bool | None = None,
    allowed_openai_params: list[str] | None = None,
    reasoning_effort: str | dict[str, Any] | None = None,
    verbosity: str | None = None,
    additional_drop_params: list[str] | None = None,
    messages: list[Any] | None = None,
    thinking: dict[str, Any] | None = None,
    web_search_options: dict[str, Any] | None = None,
    safety_identifier: str | None = None,
    store: bool | None = None,
    prompt_cache_key: str | None = None,
    base_model: str | None = None,
    model_info: dict[str, Any] | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """What a provider would get for the parameters of a chat completion, by its own names.

    Args:
        model: The provider's name of the model.
        custom_llm_provider: The provider; by default what the model's name means.

    Returns:
        The fields of the body beside the model and the messages. `stream` is always there for providers of
        OpenAI's format, and what is not OpenAI's is in `extra_body`, as LiteLLM has it.

    Raises:
        UnsupportedParamsError: The model does not take a parameter, and `drop_params` is off.
    """
    given = dict(locals())
    for name in ("model_info", "base_model"):
        del given[name]
    others: dict[str, Any] = given.pop("kwargs")
    url, _, body = request(given | others)
    # What the core adds by itself is not the caller's.
    if stream_options is None:
        body.pop("stream_options", None)
    if not (max_tokens or max_completion_tokens or thinking or reasoning_effort):
        body.pop("max_tokens", None)
    if not _is_openais(custom_llm_provider, body, url):
        return _flat({name: value for name, value in body.items() if name not in _CONVERSATION})
    foreign = {name: body.pop(name) for name in list(body) if name in others}
    body = {name: value for name, value in body.items() if name not in ("model", "messages")}
    return {**body, "stream": stream, "extra_body": foreign}


_CONVERSATION = ("model", "messages", "contents", "system", "systemInstruction", "system_instruction")


def _is_openais(provider: str, body: dict[str, Any], url: str) -> bool:
    return provider != "anthropic" and "messages" in body and "chat/completions" in url


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    """Gemini's settings and Converse's beside the rest, in small letters, as LiteLLM has the former."""
    settings: Any = body.pop("generationConfig", None) or body.pop("inferenceConfig", None)
    known: Any = settings if isinstance(settings, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    snake = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): one for name, one in known.items()}
    return snake | body


def request(arguments: dict[str, Any]) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The request that a chat completion would send, secrets masked: its address, headers and body. Nothing is sent."""
    from ferrolite import _core

    known = {name: value for name, value in arguments.items() if value is not None}
    if isinstance(known.get("response_format"), type):
        from ferrolite._schema import response_format

        known["response_format"] = response_format(known["response_format"])
    known.setdefault("messages", [{"role": "user", "content": "Hi"}])
    known["messages"] = known["messages"] or [{"role": "user", "content": "Hi"}]
    if not known.get("custom_llm_provider"):
        known.pop("custom_llm_provider", None)
    # Nothing goes out, so no key is needed; a key that the provider would read as something else is left alone.
    known.setdefault("api_key", "unused")
    try:
        made = _core.preview({**known, "kwargs": {}}, _settings)
    except Exception:
        if "api_base" in known:
            raise
        # Some providers have no address of their own.
        known["api_base"] = "https://unused.invalid"
        made = _core.preview({**known, "kwargs": {}}, _settings)
    return made["url"], made["headers"], made["body"] or {}


def get_optional_params_embeddings(
    model: str,
    user: str | None = None,
    encoding_format: str | None = None,
    dimensions: int | None = None,
    custom_llm_provider: str = "",
    drop_params: bool | None = None,
    additional_drop_params: list[str] | None = None,
    allowed_openai_params: list[str] | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """The parameters of an embedding that the model takes.

    Raises:
        UnsupportedParamsError: It does not take one, and `drop_params` is off.
    """
    from ferrolite import _core
    from ferrolite.exceptions import UnsupportedParamsError

    given = {"user": user, "encoding_format": encoding_format, "dimensions": dimensions}
    given = {name: value for name, value in given.items() if value is not None}
    for name in additional_drop_params or ():
        given.pop(name, None)
    taken = {*(_core.supported_params(model, custom_llm_provider or None, "embedding") or given)}
    taken.update(allowed_openai_params or ())
    left = [name for name in given if name not in taken]
    if left and not (_settings["drop_params"] if drop_params is None else drop_params):
        message = f"{custom_llm_provider or model} does not take {', '.join(left)}; `drop_params=True` leaves it out"
        raise UnsupportedParamsError(message, llm_provider=custom_llm_provider, model=model)
    return {name: value for name, value in given.items() if name in taken} | kwargs


def validate_and_fix_thinking_param(thinking: Any) -> Any:
    """`thinking` with `budgetTokens` by its proper name, and a switch as an object. The argument stays as it is."""
    if isinstance(thinking, bool):
        return {"type": "enabled", "budget_tokens": 2048} if thinking else None
    if not isinstance(thinking, dict):
        return thinking
    fixed: dict[str, Any] = dict(thinking)  # pyright: ignore[reportUnknownArgumentType]
    if "budgetTokens" in fixed:
        budget = fixed.pop("budgetTokens")
        fixed.setdefault("budget_tokens", budget)
    return fixed


def validate_chat_completion_tool_choice(tool_choice: Any, model: str = "") -> Any:
    """`tool_choice` when it has one of OpenAI's forms.

    Raises:
        Exception: It has not.
    """
    if isinstance(tool_choice, dict) and "type" not in tool_choice:
        raise Exception(f"Invalid tool choice, tool_choice={tool_choice}. An object needs a `type`.")
    if tool_choice is None or isinstance(tool_choice, (str, dict)):
        return tool_choice  # pyright: ignore[reportUnknownVariableType]
    raise Exception(f"Invalid tool choice, tool_choice={tool_choice}. It is a text or an object.")
