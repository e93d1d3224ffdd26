"""What is known of a model, for type checkers."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class _CostPerToken(TypedDict):
    input_cost_per_token: float
    output_cost_per_token: float


class CostPerToken(_CostPerToken, total=False):
    """Prices of your own, in US dollars. What the cache takes and gives is paid as input unless it has a price."""

    cache_creation_input_token_cost: float
    cache_read_input_token_cost: float


class ModelInfoBase(TypedDict, total=False):
    """An entry of `get_model_info`: the names most programs read; it has many more prices and abilities."""

    key: str
    max_tokens: int | None
    max_input_tokens: int | None
    max_output_tokens: int | None
    input_cost_per_token: float
    output_cost_per_token: float
    cache_creation_input_token_cost: float | None
    cache_read_input_token_cost: float | None
    input_cost_per_character: float | None
    input_cost_per_second: float | None
    output_cost_per_second: float | None
    output_cost_per_image: float | None
    output_cost_per_reasoning_token: float | None
    output_vector_size: int | None
    litellm_provider: str
    mode: Literal[
        "completion", "embedding", "image_generation", "chat", "audio_transcription", "audio_speech", "rerank"
    ]
    supported_openai_params: list[str] | None
    supports_system_messages: bool | None
    supports_response_schema: bool | None
    supports_vision: bool | None
    supports_function_calling: bool | None
    supports_tool_choice: bool | None
    supports_assistant_prefill: bool | None
    supports_prompt_caching: bool | None
    supports_audio_input: bool | None
    supports_audio_output: bool | None
    supports_pdf_input: bool | None
    supports_web_search: bool | None
    supports_reasoning: bool | None
    tiered_pricing: list[dict[str, Any]] | None


class ModelInfo(ModelInfoBase, total=False):
    """The same under the name of what `get_model_info` returns."""


for _made in (CostPerToken, ModelInfo, ModelInfoBase):
    _made.__module__ = "ferrolite.types.utils"
