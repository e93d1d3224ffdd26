"""Calls as logs of Helicone."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import os

from ferrolite.integrations.custom_batch_logger import CustomBatchLogger, has_failed, post

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class HeliconeLogger(CustomBatchLogger):
    """Sends to Helicone: `HELICONE_API_KEY`, and `HELICONE_API_BASE` for one's own server.

    Metadata whose names begin with "helicone" become headers of the log.

    Raises:
        ValueError: There is no key.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        key = os.environ.get("HELICONE_API_KEY")
        if not key:
            raise ValueError("helicone needs the environment variable HELICONE_API_KEY")
        base = os.environ.get("HELICONE_API_BASE") or "https://api.worker.helicone.ai"
        self.url = f"{base.rstrip('/')}/custom/v1/log"
        self.headers = {"Authorization": f"Bearer {key}"}

    def item(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> Any:
        """A request, its answer, and when they were."""
        told = kwargs.get("standard_logging_object")
        if told is None:
            return None
        metadata: dict[str, Any] = (kwargs.get("litellm_params") or {}).get("metadata") or {}
        meta = {name: str(value) for name, value in metadata.items() if name.lower().startswith("helicone")}
        failed = has_failed(kwargs)
        answer = {"error": {"message": told.get("error_str")}} if failed else told.get("response")
        asked = {"model": told.get("model"), "messages": told.get("messages")}
        return {
            "providerRequest": {
                "url": told.get("api_base") or "custom",
                "json": {**asked, **(told.get("model_parameters") or {})},
                "meta": meta,
            },
            "providerResponse": {
                "json": answer,
                "status": getattr(kwargs.get("exception"), "status_code", 500) if failed else 200,
                "headers": {},
            },
            "timing": {"startTime": _time(start_time), "endTime": _time(end_time)},
        }

    def send_batch(self, items: list[Any]) -> None:
        """Post one after the other: Helicone takes single logs."""
        self.send_each(items, lambda item: post(self.url, item, self.headers))


def _time(time: Any) -> dict[str, int]:
    seconds = time.timestamp()
    return {"seconds": int(seconds), "milliseconds": int(seconds % 1 * 1000)}
