"""Calls as JSON to an address of the program's own."""

from __future__ import annotations

import os

from ferrolite.integrations.custom_batch_logger import CustomBatchLogger, has_failed, post

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal


class GenericAPILogger(CustomBatchLogger):
    """Posts each call's `standard_logging_object`.

    Args:
        endpoint: The address; by default `GENERIC_LOGGER_ENDPOINT`, or `WEBHOOK_URL`.
        headers: Its headers; by default the setting `generic_logger_headers` and `GENERIC_LOGGER_HEADERS`
            ("name=value" pairs with commas between them).
        event_types: Of these only: "llm_api_success", "llm_api_failure".
        log_format: "json_array" (one list a request), "ndjson" (one line a call), or "single" (one request a call).
        **kwargs: What `CustomBatchLogger` takes.

    Raises:
        ValueError: There is no address.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        headers: dict[str, str] | None = None,
        event_types: list[str] | None = None,
        callback_name: str | None = None,
        log_format: Literal["json_array", "ndjson", "single"] | None = None,
        **kwargs: Any,
    ) -> None:
        import ferrolite

        super().__init__(**kwargs)
        found = endpoint or os.environ.get("GENERIC_LOGGER_ENDPOINT") or os.environ.get("WEBHOOK_URL")
        if not found:
            raise ValueError(
                "generic_api needs the environment variable GENERIC_LOGGER_ENDPOINT (or WEBHOOK_URL)"
            )
        self.endpoint = found
        pairs = (pair.partition("=") for pair in os.environ.get("GENERIC_LOGGER_HEADERS", "").split(","))
        self.headers: dict[str, str] = {
            **{name.strip(): value.strip() for name, _, value in pairs if name.strip()},
            **(ferrolite.generic_logger_headers or {}),
            **(headers or {}),
        }
        self.event_types = event_types
        self.log_format = log_format or "json_array"

    def item(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> Any:
        """The payload, when its kind is wanted."""
        told = kwargs.get("standard_logging_object")
        kind = "llm_api_failure" if has_failed(kwargs) else "llm_api_success"
        return told if not self.event_types or kind in self.event_types else None

    def send_batch(self, items: list[Any]) -> None:
        """Post it."""
        if self.log_format == "single":
            self.send_each(items, lambda item: post(self.endpoint, item, self.headers))
            return
        texts = self.as_json(items)
        if self.log_format == "ndjson":
            post(self.endpoint, "\n".join(texts).encode(), self.headers, "application/x-ndjson")
        else:
            post(self.endpoint, f"[{', '.join(texts)}]".encode(), self.headers)
