"""How many tokens a call took."""

from __future__ import annotations

from ferrolite.types._base import Model, as_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CacheCreationTokenDetails(Model):
    """Tokens written to the prompt cache, by how long they are kept."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_30m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None
    ephemeral_12h_input_tokens: int | None = None

    _extras = False


class CachedTokensDetails(Model):
    """Tokens read from the prompt cache, by kind."""

    text_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class ServerToolUse(Model):
    """How often the provider ran its own tools."""

    web_search_requests: int | None = None
    tool_search_requests: int | None = None
    browser_open_requests: int | None = None

    _extras = False


class PromptTokensDetailsWrapper(Model):
    """What the prompt's tokens were.

    The fields without a default do not exist unless they are known. `cache_write_tokens` and
    `cache_creation_tokens` are two names for one number: setting one sets the other.
    """

    audio_tokens: int | None = None
    cache_write_tokens: int
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None
    web_search_requests: int
    google_maps_grounding_requests: int
    tool_use_tokens: int
    initial_prompt_tokens: int | None = None
    character_count: int
    image_count: int
    video_length_seconds: float
    audio_length_seconds: float
    query_count: int
    cache_creation_tokens: int
    cache_creation_token_details: CacheCreationTokenDetails
    cached_tokens_details: CachedTokensDetails
    cache_type: str

    _nested = {
        "cache_creation_token_details": CacheCreationTokenDetails.model_validate,
        "cached_tokens_details": CachedTokensDetails.model_validate,
    }

    def __init__(self, **data: Any) -> None:
        always = type(self)._defaults
        super().__init__(**{k: v for k, v in data.items() if v is not None or k in always})
        values = self.__dict__
        for name in _CACHE_WRITES:
            if name in values:
                setattr(self, name, values[name])
                break

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _CACHE_WRITES:
            self.__dict__.update(dict.fromkeys(_CACHE_WRITES, value))
        else:
            super().__setattr__(name, value)


_CACHE_WRITES = ("cache_write_tokens", "cache_creation_tokens")


class CompletionTokensDetailsWrapper(Model):
    """What the answer's tokens were."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None
    video_tokens: int | None = None


class Usage(Model):
    """Tokens of a call.

    Numbers that providers report beside OpenAI's fields stay attributes under their own names and also go
    where OpenAI has a place for them: `cache_read_input_tokens` or `prompt_cache_hit_tokens` to
    `prompt_tokens_details.cached_tokens`, `cache_creation_input_tokens` to `.cache_write_tokens`,
    `reasoning_tokens` to `completion_tokens_details.reasoning_tokens`.
    """

    completion_tokens: int
    prompt_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionTokensDetailsWrapper | None = None
    prompt_tokens_details: PromptTokensDetailsWrapper | None = None
    server_tool_use: ServerToolUse
    cost: float

    _cache_creation_input_tokens: int = 0
    _cache_read_input_tokens: int = 0

    def __init__(
        self,
        prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        total_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        prompt_tokens_details: PromptTokensDetailsWrapper | dict[str, Any] | None = None,
        completion_tokens_details: CompletionTokensDetailsWrapper | dict[str, Any] | None = None,
        server_tool_use: ServerToolUse | dict[str, Any] | None = None,
        cost: float | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["completion_tokens"] = _count(completion_tokens)
        values["prompt_tokens"] = _count(prompt_tokens)
        values["total_tokens"] = _count(total_tokens)
        values["completion_tokens_details"] = _completion_details(
            completion_tokens_details, values["completion_tokens"], reasoning_tokens
        )
        read = extras.get("cache_read_input_tokens")
        if read is None:
            read = extras.get("prompt_cache_hit_tokens")
        written = extras.get("cache_creation_input_tokens")
        values["prompt_tokens_details"] = _prompt_details(prompt_tokens_details, read, written)
        if server_tool_use is not None:
            values["server_tool_use"] = ServerToolUse.model_validate(server_tool_use)
        if cost is not None and cost == cost and abs(cost) != float("inf"):
            values["cost"] = cost
        if read:
            values["_cache_read_input_tokens"] = read
        if written:
            values["_cache_creation_input_tokens"] = written
        values.update(extras)


def _count(value: Any) -> int:
    if type(value) is int:
        return value
    return 0 if value is None else int(value)


def _completion_details(
    given: Any, completion_tokens: int, reasoning_tokens: int | None
) -> CompletionTokensDetailsWrapper | None:
    """Completion details with the reasoning tokens in, and the rest taken for text where nothing says otherwise."""
    details = None if given is None else CompletionTokensDetailsWrapper.model_validate(given)
    if not reasoning_tokens:
        return details
    details = details or CompletionTokensDetailsWrapper()
    if details.reasoning_tokens is None:
        details.reasoning_tokens = reasoning_tokens
    if details.text_tokens is None:
        others = (details.audio_tokens or 0) + (details.image_tokens or 0)
        details.text_tokens = max(0, completion_tokens - reasoning_tokens - others)
    return details


def _prompt_details(given: Any, read: int | None, written: int | None) -> PromptTokensDetailsWrapper | None:
    """Prompt details with the numbers of cache tokens in that came beside them."""
    details = None
    if isinstance(given, PromptTokensDetailsWrapper):
        details = given
    elif given is not None:
        details = PromptTokensDetailsWrapper(**(as_dict(given) or {}))
    if read is None and written is None:
        return details
    details = details or PromptTokensDetailsWrapper()
    if read is not None:
        details.cached_tokens = read
    if written is not None:
        details.cache_write_tokens = written
    return details
