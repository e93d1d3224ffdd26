"""Opik, by OpenTelemetry's protocol."""

from __future__ import annotations

from ferrolite.integrations.otlp import OtlpLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class OpikLogger(OtlpLogger):
    """Spans for Opik: `OPIK_API_KEY`, `OPIK_WORKSPACE`, `OPIK_PROJECT_NAME`, `OPIK_URL_OVERRIDE`."""

    def __init__(self, callback_name: str = "opik", **kwargs: Any) -> None:
        super().__init__(callback_name, **kwargs)
