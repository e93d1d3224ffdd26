"""The log of one call, and the payload that integrations get."""

# pyright: reportUnusedImport=false
from __future__ import annotations

from ferrolite._observe.log import Logging as LiteLLMLoggingObj  # noqa: F401
from ferrolite._observe.log import Logging as Logging
from ferrolite._observe.payload import extract_response_and_hidden_params
from ferrolite._observe.payload import payload as get_standard_logging_object_payload  # noqa: F401
from ferrolite.integrations._registry import in_memory_loggers as _in_memory_loggers  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _extract_response_obj_and_hidden_params(  # pyright: ignore[reportUnusedFunction] - openai-agents wraps it
    init_response_obj: object, original_exception: Exception | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """An answer as plain data, and the hidden parameters of those that have them."""
    response, hidden = extract_response_and_hidden_params(init_response_obj, original_exception)
    return response, hidden if hasattr(init_response_obj, "_hidden_params") else None
