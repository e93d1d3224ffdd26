"""What is known of a model: limits, prices, abilities, under LiteLLM's names."""

from __future__ import annotations

import sys

from ferrolite import _core, _model_cost
from ferrolite.exceptions import ModelNotMappedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.model_info import ModelInfo

_NAMES = """
input_cost_per_token input_cost_per_token_flex input_cost_per_token_priority input_cost_per_token_balanced
input_cost_per_token_ultrafast cache_creation_input_token_cost
cache_creation_input_token_cost_above_200k_tokens cache_creation_input_token_cost_above_272k_tokens
cache_creation_input_token_cost_above_272k_tokens_priority
cache_creation_input_token_cost_above_272k_tokens_flex
cache_creation_input_token_cost_above_272k_tokens_ultrafast cache_creation_input_token_cost_flex
cache_creation_input_token_cost_priority cache_creation_input_token_cost_ultrafast
cache_read_input_token_cost cache_read_input_audio_token_cost cache_read_input_audio_token_cost_flex
cache_read_input_audio_token_cost_priority cache_read_input_audio_token_cost_batches
explicit_cache_read_input_token_cost prompt_cache_min_tokens cache_read_input_token_cost_above_200k_tokens
cache_read_input_token_cost_above_200k_tokens_priority cache_read_input_token_cost_above_272k_tokens
cache_read_input_token_cost_above_272k_tokens_priority cache_read_input_token_cost_above_272k_tokens_flex
cache_read_input_token_cost_above_272k_tokens_ultrafast cache_read_input_token_cost_above_512k_tokens
cache_read_input_token_cost_flex cache_read_input_token_cost_priority cache_read_input_token_cost_balanced
cache_read_input_token_cost_ultrafast cache_read_input_token_cost_batches
cache_read_input_token_cost_above_200k_tokens_batches
cache_read_input_token_cost_above_272k_tokens_batches cache_creation_input_token_cost_batches
cache_creation_input_token_cost_above_200k_tokens_batches
cache_creation_input_token_cost_above_272k_tokens_batches cache_creation_input_token_cost_above_1hr
cache_creation_input_token_cost_above_12hr cache_creation_input_token_cost_above_12hr_flex
cache_creation_input_token_cost_above_12hr_priority
cache_creation_input_token_cost_above_12hr_above_272k_tokens
cache_creation_input_token_cost_above_12hr_above_272k_tokens_flex
cache_creation_input_token_cost_above_12hr_above_272k_tokens_priority
cache_creation_input_token_cost_above_12hr_batches cache_creation_input_token_cost_above_12hr_ultrafast
cache_creation_input_token_cost_above_12hr_above_272k_tokens_batches
cache_creation_input_token_cost_above_12hr_above_272k_tokens_ultrafast off_peak_pricing
input_cost_per_character input_cost_per_token_above_128k_tokens input_cost_per_token_above_200k_tokens
input_cost_per_token_above_200k_tokens_priority input_cost_per_token_above_272k_tokens
input_cost_per_token_above_272k_tokens_priority input_cost_per_token_above_272k_tokens_flex
input_cost_per_token_above_272k_tokens_ultrafast input_cost_per_token_above_512k_tokens
input_cost_per_query cost_per_second input_cost_per_second input_cost_per_text_message
input_cost_per_audio_token input_cost_per_audio_token_flex input_cost_per_audio_token_priority
input_cost_per_image_token input_cost_per_video_token input_cost_per_audio_token_batches
input_cost_per_image_token_batches input_cost_per_image input_cost_per_audio_per_second
input_cost_per_video_per_second input_cost_per_token_batches input_cost_per_video_token_batches
input_cost_per_token_above_200k_tokens_batches input_cost_per_token_above_272k_tokens_batches
output_cost_per_token_batches output_cost_per_token_above_200k_tokens_batches
output_cost_per_token_above_272k_tokens_batches output_cost_per_token output_cost_per_token_flex
output_cost_per_token_priority output_cost_per_token_balanced output_cost_per_token_ultrafast
regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us
regional_endpoint_uplift_multiplier output_cost_per_audio_token output_cost_per_character
output_cost_per_reasoning_token output_cost_per_reasoning_token_flex
output_cost_per_reasoning_token_priority output_cost_per_token_above_128k_tokens
output_cost_per_character_above_128k_tokens output_cost_per_token_above_200k_tokens
output_cost_per_token_above_200k_tokens_priority output_cost_per_token_above_272k_tokens
output_cost_per_token_above_272k_tokens_priority output_cost_per_token_above_272k_tokens_flex
output_cost_per_token_above_272k_tokens_ultrafast output_cost_per_token_above_512k_tokens
output_cost_per_second output_cost_per_second_1080p output_cost_per_second_480p
output_cost_per_second_720p output_cost_per_second_768p output_cost_per_second_2k
output_cost_per_second_4k output_cost_per_video_per_second output_cost_per_image output_cost_per_pixel
output_cost_per_image_token output_cost_per_image_token_batches output_cost_per_video_token
output_vector_size citation_cost_per_token tiered_pricing litellm_provider mode supported_endpoints
supports_system_messages supports_response_schema supports_vision supports_function_calling
supports_parallel_function_calling supports_tool_choice supports_assistant_prefill supports_prompt_caching
supports_prompt_cache_breakpoint supports_thinking_cache_preservation supports_audio_input
supports_video_input supports_box_questions supports_audio_output supports_pdf_input
supports_embedding_image_input supports_native_streaming supports_native_structured_output
supports_bedrock_native_structured_output supports_web_search supports_url_context supports_reasoning
supports_adaptive_thinking supports_legacy_thinking thinking_always_on supports_tool_search
supports_mid_conversation_system supports_anthropic_thinking_payload supports_anthropic_compaction
supports_none_reasoning_effort supports_minimal_reasoning_effort supports_low_reasoning_effort
supports_xhigh_reasoning_effort supports_max_reasoning_effort reasoning_effort_levels reasoning_modes
reasoning_contexts default_reasoning_effort bedrock_output_config_effort_ceiling
bedrock_converse_supports_strict_tools supports_regex_lookaround supports_computer_use
search_context_cost_per_query search_queries_cost_per_query web_search_billing_unit search_free_requests
google_maps_grounding_cost_per_query tpm rpm ocr_cost_per_page ocr_cost_per_page_batches
ocr_cost_per_credit annotation_cost_per_page annotation_cost_per_page_batches provider_specific_entry
uses_embed_content supports_image_size supported_audio_formats token_count_framing token_count_model
token_count_tokenizer vertex_ai_audio_api
"""
_FIELDS: tuple[str, ...] = tuple(_NAMES.split())
"""Every answer has these, None where they are not known; prices above other bounds are there when they exist."""

_FREE = {"huggingface": "huggingface/", "ollama": "", "ollama_chat": ""}
"""Providers that run any model at no price of their own, and how a model that is not listed is called."""


def get_model_info(
    model: str,
    custom_llm_provider: str | None = None,
    api_base: str | None = None,
    api_key: str | None = None,
) -> ModelInfo:
    """What is known of a model.

    Args:
        model: "provider/model", or the bare name of a listed model.
        custom_llm_provider: The provider, where the name does not say it.
        api_base, api_key: Accepted: no server is asked.

    Returns:
        A dict: `key` (the name it is listed under), `litellm_provider`, `mode`, `max_tokens`, `max_input_tokens`,
        `max_output_tokens`, prices in US dollars (`input_cost_per_token` …), abilities (`supports_…`: True, False,
        or None when nobody says), and `supported_openai_params`. It is the caller's own: changing it changes nothing.

    Raises:
        ModelNotMappedError: The model is not listed.
    """
    info = _get_model_info_helper(model, custom_llm_provider, api_base, api_key)
    from ferrolite._models import get_supported_openai_params

    info["supported_openai_params"] = get_supported_openai_params(model, custom_llm_provider)
    return info


def _get_model_info_helper(
    model: str,
    custom_llm_provider: str | None = None,
    api_base: str | None = None,
    api_key: str | None = None,
) -> Any:
    """`get_model_info` without the parameters that the model takes."""
    own = _model_cost.own()
    # A bare name that is listed as it is means that entry, whoever else has such a model.
    bare = not custom_llm_provider and "/" not in model
    found = _core.find_model(model, None, own) if bare else None
    provider = custom_llm_provider
    if found is None:
        model, provider = _split(model, custom_llm_provider)
        found = _core.find_model(model, provider, own)
    if found is None:
        prefix = _FREE.get(provider or "")
        if prefix is None or not model:
            raise not_mapped(model, provider)
        bare = model.removeprefix(f"{provider}/")
        return {
            "key": prefix + bare,
            "max_tokens": None,
            "max_input_tokens": None,
            "max_output_tokens": None,
            "input_cost_per_token": 0.0,
            "output_cost_per_token": 0.0,
            "litellm_provider": "ollama" if provider == "ollama_chat" else provider,
            "mode": "chat",
        }
    key, entry = found
    info: dict[str, Any] = {
        "key": key,
        "max_tokens": _max_tokens(entry),
        "max_input_tokens": entry.get("max_input_tokens"),
        "max_output_tokens": entry.get("max_output_tokens"),
    }
    for name in _FIELDS:
        info[name] = entry.get(name)
    for name in ("input_cost_per_token", "output_cost_per_token"):
        if info[name] is None:
            info[name] = 0
    for name, value in entry.items():
        if "k_tokens" in name and name not in info and not name.endswith("_decisions"):
            info[name] = value
    for name in _implied(key, entry.get("litellm_provider") or ""):
        if info[name] is None:
            info[name] = True
    return info


def _implied(key: str, provider: str) -> list[str]:
    """Abilities that the name tells, where the entry says nothing of them."""
    import re

    name = key.rpartition("/")[2]
    if (
        provider in ("azure", "openai")
        and re.match(r"(o\d|gpt-[5-9]|codex)", name)
        and "search-api" not in name
    ):
        return ["supports_reasoning"]
    makers = ("anthropic", "azure_ai", "bedrock", "bedrock_converse", "vertex_ai-anthropic_models")
    found = re.search(r"claude-[a-z]+-(\d{1,2})(?:-(\d{1,2}))?(?!\d)", name)
    if provider in makers and found and (int(found[1]), int(found[2] or 0)) >= (4, 5):
        return ["supports_tool_search"]
    return []


def _cache_clear() -> None:
    """Nothing is kept: a change of `model_cost` is seen at once."""


get_model_info.cache_clear = _cache_clear  # pyright: ignore[reportFunctionMemberAccess]


def _max_tokens(entry: dict[str, Any]) -> int | None:
    limits = [entry.get(name) for name in ("max_tokens", "max_output_tokens", "max_input_tokens")]
    return next((limit for limit in limits if limit), 0 if 0 in limits else None)


def get_max_tokens(model: str) -> int | None:
    """The most tokens that a model answers with; where that is not known, the most that it reads.

    Raises:
        Exception: The model is not listed.
    """
    name, provider = _split(model, None)
    found = _core.find_model(name, provider, _model_cost.own())
    if found is None:
        if provider in _FREE:
            return None
        raise Exception(
            f"Model {name.removeprefix(f'{provider}/')} isn't mapped yet: no limits of it are known. "
            "register_model() makes it known."
        )
    return _max_tokens(found[1])


def _split(model: str, provider: str | None) -> tuple[str, str | None]:
    """The model's name as it was given, and its provider where that can be told."""
    if provider:
        return model, provider
    try:
        return model, _core.split_model(model)[0]
    except Exception:
        head, slash, _ = model.partition("/")
        return model, head if slash else None


def not_mapped(model: str, provider: str | None) -> ModelNotMappedError:
    """The error of a model that is not listed."""
    return ModelNotMappedError(
        f"This model isn't mapped yet. model={model}, custom_llm_provider={provider}. "
        "ferrolite.register_model() makes it known."
    )


def supports(model: str, provider: str | None, name: str) -> bool | None:
    """What a program's own `model_cost` says of an ability, by its public name; None where it says nothing."""
    own = _model_cost.own()
    if own is None:
        return None
    model, provider = _split(model, provider)
    found = _core.find_model(model, provider, own)
    return None if found is None else found[1].get(name)


# Lists that derive from the models


_SETS = {
    "open_ai_chat_completion_models": "openai",
    "open_ai_text_completion_models": "text-completion-openai",
    "cohere_chat_models": "cohere_chat",
    "vertex_language_models": "vertex_ai-language-models",
    "vertex_text_models": "vertex_ai-text-models",
    "vertex_embedding_models": "vertex_ai-embedding-models",
    "vertex_anthropic_models": "vertex_ai-anthropic_models",
    "vertex_llama3_models": "vertex_ai-llama_models",
    "vertex_mistral_models": "vertex_ai-mistral_models",
    "vertex_ai_ai21_models": "vertex_ai-ai21_models",
    "vertex_deepseek_models": "vertex_ai-deepseek_models",
}
"""Sets of models whose names do not begin with the provider's."""


def models_of(name: str) -> set[str] | None:
    """The keys that a set such as `anthropic_models` holds; None where there is no such provider."""
    entries = _model_cost.table()
    provider = _SETS.get(name) or name.removesuffix("_models")
    found = {key for key, entry in entries.items() if entry.get("litellm_provider") == provider}
    if not found:
        dashed = provider.replace("_", "-")
        found = {key for key, entry in entries.items() if entry.get("litellm_provider") == dashed}
    if found or name in _SETS or provider in providers():
        return found
    return None


def providers() -> list[str]:
    """The names of all providers that can be called."""
    return _core.provider_names()


def _family(provider: str) -> str:
    """A provider without what tells a group of its models."""
    head, dash, group = provider.partition("-")
    return head if dash and group.endswith("models") else _FAMILIES.get(provider, provider)


_FAMILIES = {"bedrock_converse": "bedrock", "cohere_chat": "cohere"}


def _models_by_provider() -> dict[str, set[str]]:
    """Keys of the listed models, by provider."""
    out: dict[str, set[str]] = {}
    for key, entry in _model_cost.table().items():
        if key != "sample_spec" and (provider := entry.get("litellm_provider")):
            out.setdefault(_family(provider), set()).add(key)
    return out


def _model_list() -> list[str]:
    """Keys of all listed models."""
    return [key for key in _model_cost.table() if key != "sample_spec"]


_LISTS = {"model_list": _model_list, "models_by_provider": _models_by_provider}


def __getattr__(name: str) -> Any:
    if name in _LISTS:
        return _LISTS[name]()
    if name.endswith("_models") and name[:1] != "_":
        found = models_of(name)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def register_model(
    model_cost: str | dict[str, Any],
    *,
    persist_across_reloads: bool = True,
    warning_display_name: str | None = None,
    custom_llm_provider: str | None = None,
    add_to_provider_model_sets: bool = True,
) -> dict[str, Any]:
    """Make models known, or change what is known of listed ones.

    Args:
        model_cost: Model names to dicts with `litellm_provider`, `mode`, `input_cost_per_token`,
            `output_cost_per_token`, `max_input_tokens`, `supports_vision` and so on. What is not said of a listed
            model stays. A text is the address or the path of a JSON file with such a dict.
        persist_across_reloads, warning_display_name: Accepted: nothing reloads the models by itself.
        custom_llm_provider: The provider of the entries that name none.
        add_to_provider_model_sets: Whether sets such as `anthropic_models` get the names too.

    Returns:
        The models that were registered.
    """
    entries = _model_cost.read(model_cost) if isinstance(model_cost, str) else model_cost
    table = _model_cost.table()
    for key, entry in entries.items():
        provider = entry.get("litellm_provider") or custom_llm_provider
        known = table.get(key)
        if known is None:
            found = _core.find_model(*_split(key, provider), table)
            known = found[1] if found else {}
        made = {**known, **{name: value for name, value in entry.items() if value is not None}}
        if provider:
            made.setdefault("litellm_provider", provider)
        table[key] = made
        _core.register_model(key, made)
        if add_to_provider_model_sets and provider:
            _add_to_sets(key, provider)
    return entries


def _add_to_sets(key: str, provider: str) -> None:
    """Sets and lists that a program has looked at already are its own: they are not made again."""
    package = sys.modules["ferrolite"].__dict__
    for name, value in list(package.items()):
        is_set = name.endswith("_models") and isinstance(value, set)
        owner = _SETS.get(name) or name.removesuffix("_models")
        if is_set and provider in (owner, owner.replace("_", "-")):
            value.add(key)  # pyright: ignore[reportUnknownMemberType]
    by_provider = package.get("models_by_provider")
    if by_provider is not None:
        by_provider.setdefault(_family(provider), set()).add(key)
