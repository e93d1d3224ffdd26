"""Helpers under the module name where LiteLLM's users import them from."""

from __future__ import annotations

from ferrolite._functions import function_to_dict
from ferrolite._model_info import (
    _get_model_info_helper,  # pyright: ignore[reportPrivateUsage]
    get_max_tokens,
    get_model_info,
    register_model,
)
from ferrolite._models import (
    check_valid_key,
    get_supported_openai_params,
    get_valid_models,
    supports_assistant_prefill,
    supports_audio_input,
    supports_audio_output,
    supports_computer_use,
    supports_embedding_image_input,
    supports_factory,
    supports_function_calling,
    supports_httpx_timeout,
    supports_native_streaming,
    supports_parallel_function_calling,
    supports_pdf_input,
    supports_prompt_caching,
    supports_reasoning,
    supports_response_schema,
    supports_system_messages,
    supports_tool_choice,
    supports_tool_search,
    supports_url_context,
    supports_video_input,
    supports_vision,
    supports_web_search,
    validate_environment,
)
from ferrolite._observe.raw import return_raw_request
from ferrolite._providers import get_llm_provider
from ferrolite._stream import CustomStreamWrapper
from ferrolite._tokens import (
    Encoding,
    create_pretrained_tokenizer,
    create_tokenizer,
    decode,
    encode,
    encoding,
    get_token_count,
    token_counter,
)
from ferrolite._trim import trim_messages
from ferrolite.types.utils import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "CustomStreamWrapper",
    "Encoding",
    "_get_model_info_helper",
    "check_valid_key",
    "create_pretrained_tokenizer",
    "create_tokenizer",
    "decode",
    "encode",
    "encoding",
    "function_to_dict",
    "get_llm_provider",
    "get_max_tokens",
    "get_model_info",
    "get_supported_openai_params",
    "get_token_count",
    "get_valid_models",
    "register_model",
    "return_raw_request",
    "supports_assistant_prefill",
    "supports_audio_input",
    "supports_audio_output",
    "supports_computer_use",
    "supports_embedding_image_input",
    "supports_factory",
    "supports_function_calling",
    "supports_httpx_timeout",
    "supports_native_streaming",
    "supports_parallel_function_calling",
    "supports_pdf_input",
    "supports_prompt_caching",
    "supports_reasoning",
    "supports_response_schema",
    "supports_system_messages",
    "supports_tool_choice",
    "supports_tool_search",
    "supports_url_context",
    "supports_video_input",
    "supports_vision",
    "supports_web_search",
    "token_counter",
    "trim_messages",
    "validate_environment",
]


def __getattr__(name: str) -> Any:
    from ferrolite._surface import resolve

    return resolve(__name__, name)
