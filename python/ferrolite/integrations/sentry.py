"""Failures as events of Sentry, and calls as its breadcrumbs."""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# The package it speaks through need not be there.

from __future__ import annotations

import os

from ferrolite.integrations.custom_logger import CustomLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SentryLogger(CustomLogger):
    """Reports through `sentry-sdk`. A program that has set it up keeps its setup; else `SENTRY_DSN` is used.

    Raises:
        ImportError: `sentry-sdk` is not installed.
        ValueError: Sentry is not set up, and there is no `SENTRY_DSN`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        import sentry_sdk

        self._sentry: Any = sentry_sdk
        if not sentry_sdk.is_initialized():
            dsn = os.environ.get("SENTRY_DSN")
            if not dsn:
                raise ValueError(
                    "sentry needs the environment variable SENTRY_DSN, or a call of sentry_sdk.init"
                )
            rate = float(os.environ.get("SENTRY_API_TRACE_RATE", "1.0"))
            sentry_sdk.init(dsn=dsn, traces_sample_rate=rate, send_default_pii=False)

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        """Leave a breadcrumb, without texts."""
        data = {"model": model, "provider": kwargs.get("custom_llm_provider")}
        self._sentry.add_breadcrumb(category="litellm.llm_call", data=data, level="info")

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Report the error."""
        self._sentry.capture_exception(kwargs.get("exception"))

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Report the error."""
        self._sentry.capture_exception(kwargs.get("exception"))
