"""The log of one call, and the payload that integrations get."""

# pyright: reportUnusedImport=false
from __future__ import annotations

from ferrolite._observe.log import Logging as Logging
from ferrolite._observe.payload import (
    extract_response_and_hidden_params as _extract_response_obj_and_hidden_params,  # noqa: F401
)
from ferrolite._observe.payload import payload as get_standard_logging_object_payload  # noqa: F401
from ferrolite.integrations._registry import in_memory_loggers as _in_memory_loggers  # noqa: F401
