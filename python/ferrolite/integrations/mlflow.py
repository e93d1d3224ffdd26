"""Calls as traces of MLflow."""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# The package it speaks through need not be there.

from __future__ import annotations

from ferrolite._logging import verbose_logger
from ferrolite.integrations import _genai
from ferrolite.integrations.custom_logger import CustomLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

_SPAN_TYPES = {"chat": "CHAT_MODEL", "embeddings": "EMBEDDING", "text_completion": "LLM"}


class MlflowLogger(CustomLogger):
    """A span for each call, through `mlflow`: a trace of its own, or within the span that is current.

    Raises:
        ImportError: `mlflow` is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        import mlflow
        from mlflow.tracking import MlflowClient

        self._mlflow: Any = mlflow
        self._client: Any = MlflowClient()

    def _record(self, kwargs: Any, response_obj: Any, start_time: datetime, end_time: datetime) -> None:
        told: dict[str, Any] = kwargs.get("standard_logging_object") or {}
        began, ended = _nanoseconds(start_time), _nanoseconds(end_time)
        operation = _genai.operation(told.get("call_type") or "")
        attributes: dict[str, Any] = {
            "call_type": told.get("call_type"),
            "provider": told.get("custom_llm_provider"),
            "model": told.get("model"),
            "response_cost": told.get("response_cost"),
            "mlflow.chat.tokenUsage": {
                "input_tokens": told.get("prompt_tokens"),
                "output_tokens": told.get("completion_tokens"),
                "total_tokens": told.get("total_tokens"),
            },
            **(told.get("model_parameters") or {}),
        }
        inputs = {"messages": told.get("messages"), **(told.get("model_parameters") or {})}
        common: dict[str, Any] = {
            "name": f"litellm-{kwargs.get('call_type')}",
            "span_type": _SPAN_TYPES.get(operation, "LLM"),
            "inputs": inputs,
            "attributes": attributes,
            "start_time_ns": began,
        }
        error = kwargs.get("exception")
        ending: dict[str, Any] = {
            "outputs": str(error) if error is not None else told.get("response"),
            "status": "ERROR" if error is not None else "OK",
            "end_time_ns": ended,
        }
        parent = self._mlflow.get_current_active_span()
        try:
            if parent is None:
                span = self._client.start_trace(**common)
                self._client.end_trace(_trace_id(span), **ending)
            else:
                span = self._client.start_span(trace_id=_trace_id(parent), parent_id=parent.span_id, **common)
                self._client.end_span(_trace_id(span), span.span_id, **ending)
        except Exception:
            verbose_logger.exception("MLflow could not be told of a call")

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Record an answer."""
        self._record(kwargs, response_obj, start_time, end_time)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Record a failure."""
        self._record(kwargs, response_obj, start_time, end_time)

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Record an answer."""
        self._record(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Record a failure."""
        self._record(kwargs, response_obj, start_time, end_time)


def _trace_id(span: Any) -> Any:
    return getattr(span, "trace_id", None) or span.request_id


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000) * 1000
