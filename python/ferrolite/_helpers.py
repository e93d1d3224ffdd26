"""Functions of LiteLLM's that programs borrow: small questions about a call, a response or an error."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__


def exception_type(
    model: Any,
    original_exception: Any,
    custom_llm_provider: Any,
    completion_kwargs: dict[str, Any] = {},  # noqa: B006 - the reference's default; never mutated
    extra_kwargs: dict[str, Any] = {},  # noqa: B006
) -> Any:
    """Raise the class of `ferrolite.exceptions` that an error is: by its status, or APIConnectionError.

    Returns:
        The error itself when it is one of this package's already.
    """
    from ferrolite._custom import mapped
    from ferrolite.types._error import CallError

    if isinstance(original_exception, CallError):
        return original_exception
    raise mapped(original_exception, custom_llm_provider, model) from original_exception


def get_api_base(model: str, optional_params: dict[str, Any]) -> str | None:
    """The address that a call of a model would go to, or None when its provider has none of its own.

    Args:
        optional_params: Keywords of the call: `api_base`, `vertex_project`, `stream` …
    """
    from ferrolite import _core

    given: dict[str, Any] = {**optional_params}
    if given.get("api_base"):
        return given["api_base"]
    if _settings["model_alias_map"] and model in _settings["model_alias_map"]:
        model = _settings["model_alias_map"][model]
    try:
        messages = [{"role": "user", "content": "Hi"}]
        call: dict[str, Any] = {
            "model": model,
            "messages": messages,
            "api_key": "unused",
            **given,
            "kwargs": {},
        }
        url: str = _core.preview(call, _settings)["url"]
    except Exception:
        return None
    return url.partition("?")[0].removesuffix("/chat/completions")


def load_credentials_from_list(kwargs: dict[str, Any], call_type: str | None = None) -> None:
    """Fill a call's keywords from `ferrolite.credential_list` by their `litellm_credential_name`.

    An entry has `credential_name` and `credential_values`, a dict. What the call says itself stays.
    """
    wanted = kwargs.get("litellm_credential_name")
    if not wanted:
        return
    for entry in _settings["credential_list"]:
        if _field(entry, "credential_name") == wanted:
            values: dict[str, Any] = _field(entry, "credential_values") or {}
            for name, value in values.items():
                kwargs.setdefault(name, value)
            return


def _field(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, dict) else getattr(entry, name, None)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def safe_deep_copy(data: Any) -> Any:
    """A deep copy; what cannot be copied is shared."""
    from copy import deepcopy

    if isinstance(data, dict):
        return {name: safe_deep_copy(value) for name, value in data.items()}  # pyright: ignore[reportUnknownVariableType]
    try:
        return deepcopy(data)
    except Exception:
        return data


def responses_api_bridge_check(
    model: str,
    custom_llm_provider: str,
    web_search_options: Any = None,
    tools: Any = None,
    reasoning_effort: Any = None,
    reasoning_summary: Any = None,
    api_base: str | None = None,
    deployment_model_info: Any = None,
) -> tuple[dict[str, Any], str]:
    """What a chat completion of a model is sent as: facts with a `mode`, and the model's name without `responses/`.

    The mode is "responses" where the model's name asks for it, or where the provider's listed model knows nothing else.
    """
    if model.startswith("responses/"):
        return {"mode": "responses"}, model.removeprefix("responses/")
    from ferrolite import _core

    facts = _core.model_facts(model, custom_llm_provider)
    info: dict[str, Any] = {} if facts is None else {"key": facts["key"], "mode": facts["mode"]}
    if custom_llm_provider == "openai" and _settings["route_all_chat_openai_to_responses"]:
        info["mode"] = "responses"
    return info, model


def responses_with_retries(*args: Any, **kwargs: Any) -> Any:
    """`responses` with three more attempts, or `num_retries`."""
    from ferrolite import responses
    from ferrolite._retries import prepared

    function, keywords = prepared(responses, kwargs)
    return function(*args, **keywords)


async def aresponses_with_retries(*args: Any, **kwargs: Any) -> Any:
    """The same for `aresponses`."""
    from ferrolite import aresponses
    from ferrolite._retries import prepared

    function, keywords = prepared(aresponses, kwargs)
    return await function(*args, **keywords)


async def acount_tokens(
    model: str,
    messages: list[Any] | None = None,
    tools: list[Any] | None = None,
    system: Any = None,
    api_key: str | None = None,
    api_base: str | None = None,
) -> Any:
    """How many tokens a request has, counted here: no provider is asked.

    Returns:
        An object with `total_tokens`, `request_model` and `tokenizer_type`.
    """
    from ferrolite.types.llms.openai import BaseLiteLLMOpenAIResponseObject

    everything = list(messages or ())
    if system:
        everything.insert(0, {"role": "system", "content": system})
    package: Any = sys.modules["ferrolite"]
    count = package.token_counter(model=model, messages=everything, tools=tools)
    return BaseLiteLLMOpenAIResponseObject(
        total_tokens=count,
        request_model=model,
        model_used=model,
        tokenizer_type="local_tokenizer",
        original_response=None,
        error=False,
        error_message=None,
        status_code=None,
    )


def client(original_function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself. In LiteLLM this decorator is what logs and retries calls; ours do so by themselves."""
    return original_function


async def close_litellm_async_clients() -> None:
    """Nothing: connections are the core's, and close by themselves."""
