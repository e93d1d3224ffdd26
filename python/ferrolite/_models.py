"""What is known of models before they are called: parameters, abilities, and what the environment lacks."""

from __future__ import annotations

import sys

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

_settings = sys.modules["ferrolite"].__dict__

_CALL_TYPES = {"chat_completion": "chat", "embeddings": "embedding", "transcription": "transcription"}


def get_supported_openai_params(
    model: str,
    custom_llm_provider: str | None = None,
    request_type: Literal["chat_completion", "embeddings", "transcription"] = "chat_completion",
    base_model: str | None = None,
) -> list[str] | None:
    """The parameters of OpenAI's interface that a call takes; it refuses or drops the others.

    Args:
        model: "provider/model", or the bare name of a model whose maker is known.
        custom_llm_provider: The provider, where the name does not say it.
        request_type: What kind of call it is.
        base_model: The model behind a deployment with a name of its own.

    Returns:
        Names, or None for an unknown provider, and for one without such calls.
    """
    call_type = _CALL_TYPES.get(request_type, "chat")
    if _settings["custom_provider_map"]:
        from ferrolite._custom import handler_of

        if handler_of(model, custom_llm_provider)[0] is not None:
            return _core.supported_params(model, "custom_openai", "chat") if call_type == "chat" else None
    if base_model:
        try:
            custom_llm_provider, model = _core.split_model(model, custom_llm_provider)[0], base_model
        except Exception:
            return None
        model = model.removeprefix(f"{custom_llm_provider}/")
    return _core.supported_params(model, custom_llm_provider, call_type)


# Abilities


_OF_EVERY_CHAT_MODEL = {
    "databricks": ("response_schema",),
    "fireworks_ai": ("function_calling", "prompt_caching", "response_schema"),
    "lm_studio": ("response_schema",),
    "nebius": ("response_schema",),
    "predibase": ("response_schema",),
    "xai": ("web_search",),
}
"""What all chat models of a provider can, listed or not, unless their entries say that they lack it."""


def _can(model: str, provider: str | None, ability: str) -> bool:
    if _settings.get("model_cost") is not None:
        from ferrolite._model_info import supports

        said = supports(model, provider, f"supports_{ability}")
        if said is not None:
            return said
    if _core.model_can(model, provider or None, ability):
        return True
    if ability not in _OF_EVERY_CHAT_MODEL.get(_provider_of(model, provider) or "", ()):
        return False
    facts = _core.model_facts(model, provider or None)
    return facts is None or (facts["mode"] in (None, "chat") and ability not in facts["lacks"])


def supports_factory(model: str, custom_llm_provider: str | None, key: str) -> bool:
    """Whether a model has any ability, by LiteLLM's name of it: "supports_vision", "supports_tool_search" …"""
    return _can(model, custom_llm_provider, key.removeprefix("supports_"))


def supports_response_schema(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model's answer can be made to follow a JSON schema."""
    return _can(model, custom_llm_provider, "response_schema")


def supports_function_calling(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model calls tools."""
    return _can(model, custom_llm_provider, "function_calling")


def supports_vision(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model sees images."""
    return _can(model, custom_llm_provider, "vision")


def supports_parallel_function_calling(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model calls several tools in one turn."""
    return _can(model, custom_llm_provider, "parallel_function_calling")


def supports_reasoning(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model reasons before it answers."""
    return _can(model, custom_llm_provider, "reasoning")


def supports_audio_input(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model hears."""
    return _can(model, custom_llm_provider, "audio_input")


def supports_audio_output(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model speaks."""
    return _can(model, custom_llm_provider, "audio_output")


def supports_pdf_input(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model reads PDF files."""
    return _can(model, custom_llm_provider, "pdf_input")


def supports_video_input(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model sees videos."""
    return _can(model, custom_llm_provider, "video_input")


def supports_web_search(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model searches the web by itself."""
    return _can(model, custom_llm_provider, "web_search")


def supports_url_context(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model fetches addresses that it is given."""
    return _can(model, custom_llm_provider, "url_context")


def supports_system_messages(model: str, custom_llm_provider: str | None) -> bool:
    """Whether a model takes system messages."""
    return _can(model, custom_llm_provider, "system_messages")


def supports_prompt_caching(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model's provider caches the beginning of prompts."""
    return _can(model, custom_llm_provider, "prompt_caching")


def supports_tool_choice(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model can be told which tool to call."""
    return _can(model, custom_llm_provider, "tool_choice")


def supports_computer_use(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model operates a computer."""
    return _can(model, custom_llm_provider, "computer_use")


def supports_assistant_prefill(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model continues an answer that was begun."""
    return _can(model, custom_llm_provider, "assistant_prefill")


def supports_embedding_image_input(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether an embedding model takes images."""
    return _can(model, custom_llm_provider, "embedding_image_input")


def supports_tool_search(model: str, custom_llm_provider: str | None = None) -> bool:
    """Whether a model looks for its tools in a catalog."""
    return _can(model, custom_llm_provider, "tool_search")


def supports_native_streaming(model: str, custom_llm_provider: str | None) -> bool:
    """Whether a listed model streams by itself."""
    facts = _core.model_facts(model, custom_llm_provider or None)
    return facts is not None and "native_streaming" not in facts["lacks"]


def supports_httpx_timeout(custom_llm_provider: str) -> bool:
    """Whether `timeout` may be an `httpx.Timeout`: at every known provider, since the core reads it."""
    return _core.missing_environment(custom_llm_provider, True, True) is not None


# Keys


def validate_environment(
    model: str | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
) -> dict[str, Any]:
    """Whether the variables are set that a call of a model reads.

    Args:
        model: "provider/model".
        api_key, api_base, api_version: What the call would be given and so need not be in the environment.

    Returns:
        `keys_in_environment` (whether nothing is missing) and `missing_keys`. Of several variables that would
        do, the first is named. An unknown provider is taken to need none.
    """
    if not model:
        return {"keys_in_environment": False, "missing_keys": []}
    missing = _core.missing_environment(_provider_of(model) or "", bool(api_key), bool(api_base)) or []
    if api_version:
        missing = [name for name in missing if not name.endswith("_API_VERSION")]
    return {"keys_in_environment": not missing, "missing_keys": missing}


def check_valid_key(model: str, api_key: str) -> bool:
    """Whether a key works, found out by a short call of the model."""
    from ferrolite._call import completion

    messages = [{"role": "user", "content": "Hey, how's it going?"}]
    try:
        completion(model=model, messages=messages, api_key=api_key, max_tokens=10)
    except Exception:
        return False
    return True


def get_valid_models(
    check_provider_endpoint: bool | None = None,
    custom_llm_provider: str | None = None,
    litellm_params: Any = None,
    api_key: str | None = None,
    api_base: str | None = None,
) -> list[str]:
    """Names of the models that could be called.

    Args:
        check_provider_endpoint: Ask the providers that can be asked; what one that fails would have said is left out, with
            a warning. By default, and for the others, the names are those that are listed here.
        custom_llm_provider: The provider whose models to list; by default all whose key is in the environment.
        litellm_params: Keywords of the call that asks, beside `api_key` and `api_base`.
        api_key: The key that is asked with.
        api_base: The address that is asked.
    """
    providers = [custom_llm_provider] if custom_llm_provider else _core.providers_with_keys()
    names: list[str] = []
    for provider in providers:
        asked = None
        if check_provider_endpoint:
            from ferrolite.types._base import as_dict

            given = as_dict(litellm_params) or {}
            keywords = {name: value for name, value in given.items() if value is not None and name != "model"}
            keywords |= {
                name: value for name, value in (("api_key", api_key), ("api_base", api_base)) if value
            }
            asked = _asked(provider, keywords)
        names += _core.model_names(provider) if asked is None else asked
    return names


def _asked(provider: str, keywords: dict[str, Any]) -> list[str] | None:
    """What a provider says it has; None when it cannot be asked."""
    if _core.supported_params("", provider, "list_models") is None:
        return None
    from ferrolite import exceptions

    found: list[str] = []
    after: str | None = None
    prefix = "" if provider == "openai" else f"{provider}/"
    try:
        while True:
            arguments = {**keywords, "custom_llm_provider": provider, "after": after}
            page: dict[str, Any] = _core.call(arguments, _settings, "list_models")
            found += [prefix + model["id"] for model in page["data"] if model.get("id")]
            last, after = after, page.get("next_page_token") or page.get("last_id")
            if not page.get("has_more") or not after or after == last:
                return found
    except exceptions.CallError as error:
        from ferrolite._logging import verbose_logger

        verbose_logger.warning("the models of %s are not known: %s", provider, error)
        return found


def _provider_of(model: str, provider: str | None = None) -> str | None:
    try:
        return provider or _core.split_model(model)[0]
    except Exception:
        head, slash, _ = model.partition("/")
        return head if slash else None
