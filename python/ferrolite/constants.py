"""Numbers and lists that programs read, or set, under LiteLLM's name of the module."""

from __future__ import annotations

from ferrolite._params import DEFAULT_CHAT_COMPLETION_PARAM_VALUES, OPENAI_CHAT_COMPLETION_PARAMS
from ferrolite.types.providers import (
    LITELLM_CHAT_PROVIDERS,
    openai_compatible_endpoints,
    openai_compatible_providers,
    openai_text_completion_compatible_providers,
)

__all__ = [
    "DEFAULT_CHAT_COMPLETION_PARAM_VALUES",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_MAX_TOKENS",
    "LITELLM_CHAT_PROVIDERS",
    "MAX_CALLBACKS",
    "OPENAI_CHAT_COMPLETION_PARAMS",
    "REPEATED_STREAMING_CHUNK_LIMIT",
    "openai_compatible_endpoints",
    "openai_compatible_providers",
    "openai_text_completion_compatible_providers",
    "request_timeout",
]

DEFAULT_MAX_RETRIES = 2
DEFAULT_MAX_TOKENS = 4096
MAX_CALLBACKS = 100
"""The most callbacks that LiteLLM takes in one list; there is no such limit here."""
REPEATED_STREAMING_CHUNK_LIMIT = 100
"""The default of the setting of this name, which is what counts."""
request_timeout = 6000.0
"""The default of the setting of this name, which is what counts."""
