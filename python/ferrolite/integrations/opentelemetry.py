"""Spans and metrics of calls, by OpenTelemetry's conventions for generative AI.

Needs `opentelemetry-sdk`, and `opentelemetry-exporter-otlp-proto-http` to send them anywhere by OTLP. A span's parent
is the span that was current when the call was made.
"""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# The package it speaks through need not be there.

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ferrolite.integrations import _genai
from ferrolite.integrations.custom_logger import CustomLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any

_TOKENS = "gen_ai.client.token.usage"
_DURATION = "gen_ai.client.operation.duration"
_SCOPE = "ferrolite"


@dataclass
class OpenTelemetryConfig:
    """Where spans go.

    Args:
        exporter: "console", "otlp_http", "in_memory", or an exporter of the SDK.
        endpoint: The address of traces; metrics go to its sibling.
        headers: "name=value" pairs with commas between them.
        enable_metrics: Record token counts and durations, too.
        service_name: What the process is called; `OTEL_SERVICE_NAME`, or "litellm".
        capture_message_content: "no_content" to leave texts out.
        attributes: More attributes of a span: called with `kwargs`, and whether texts may be in.
        resource: More attributes of the process.
    """

    exporter: Any = "console"
    endpoint: str | None = None
    headers: str | None = None
    enable_metrics: bool = False
    service_name: str | None = None
    deployment_environment: str | None = None
    capture_message_content: str | None = None
    attributes: Callable[[dict[str, Any], bool], dict[str, Any]] | None = None
    resource: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls) -> OpenTelemetryConfig:
        """What the environment says: `OTEL_EXPORTER`, `OTEL_ENDPOINT`, `OTEL_HEADERS` and OpenTelemetry's own names."""
        get = os.environ.get
        endpoint = get("OTEL_ENDPOINT") or get("OTEL_EXPORTER_OTLP_ENDPOINT")
        exporter = get("OTEL_EXPORTER") or get("OTEL_EXPORTER_OTLP_PROTOCOL")
        if exporter in (None, "", "http/protobuf", "http/json", "otlp"):
            exporter = "otlp_http" if endpoint else "console"
        return cls(
            exporter=exporter,
            endpoint=endpoint,
            headers=get("OTEL_HEADERS") or get("OTEL_EXPORTER_OTLP_HEADERS"),
            enable_metrics=get("LITELLM_OTEL_INTEGRATION_ENABLE_METRICS", "").lower() == "true",
            deployment_environment=get("OTEL_ENVIRONMENT_NAME"),
            capture_message_content=get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
        )


class OpenTelemetry(CustomLogger):
    """A span for each call, and on request metrics.

    Args:
        config: Where they go; by default what the environment says.
        callback_name: The name it goes by.
        tracer_provider, meter_provider: The program's own providers of the SDK, in place of new ones.
        **kwargs: What `CustomLogger` takes.

    Raises:
        ImportError: The SDK, or its exporter, is not installed.
    """

    def __init__(
        self,
        config: OpenTelemetryConfig | None = None,
        callback_name: str | None = None,
        tracer_provider: Any = None,
        logger_provider: Any = None,
        meter_provider: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = config or OpenTelemetryConfig.from_env()
        self.callback_name = callback_name
        self.tracer_provider = tracer_provider or self._tracer_provider()
        self.tracer = self.tracer_provider.get_tracer(_SCOPE)
        self._tokens: Any = None
        self._duration: Any = None
        if meter_provider is None and self.config.enable_metrics:
            meter_provider = self._meter_provider()
        self.meter_provider = meter_provider
        if meter_provider is not None:
            meter = meter_provider.get_meter(_SCOPE)
            self._tokens = meter.create_histogram(_TOKENS, "{token}", "Tokens of a call.")
            self._duration = meter.create_histogram(_DURATION, "s", "The time of a call.")

    # The SDK

    def _tracer_provider(self) -> Any:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        theirs = trace.get_tracer_provider()
        if isinstance(theirs, TracerProvider) and self.config.exporter == "console":
            return theirs  # the program has one, and says nothing else
        provider = TracerProvider(resource=self._resource())
        exporter = self._span_exporter()
        simple = self.config.exporter in ("console", "in_memory")
        provider.add_span_processor((SimpleSpanProcessor if simple else BatchSpanProcessor)(exporter))
        return provider

    def _span_exporter(self) -> Any:
        kind = self.config.exporter
        if not isinstance(kind, str):
            return kind
        if kind == "console":
            from opentelemetry.sdk.trace.export import ConsoleSpanExporter

            return ConsoleSpanExporter()
        if kind == "in_memory":
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

            self.exporter = InMemorySpanExporter()
            return self.exporter
        if kind in ("otlp_http", "http"):
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            return OTLPSpanExporter(endpoint=_signal(self.config.endpoint, "traces"), headers=self._headers())
        if kind in ("otlp_grpc", "grpc"):
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            return OTLPSpanExporter(endpoint=self.config.endpoint, headers=self._headers())
        raise ValueError(
            f"OTEL_EXPORTER is {kind!r}: console, otlp_http, otlp_grpc and in_memory are supported"
        )

    def _meter_provider(self) -> Any:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        exporter = OTLPMetricExporter(
            endpoint=_signal(self.config.endpoint, "metrics"), headers=self._headers()
        )
        return MeterProvider([PeriodicExportingMetricReader(exporter)], self._resource())

    def _resource(self) -> Any:
        from opentelemetry.sdk.resources import Resource

        name = self.config.service_name or os.environ.get("OTEL_SERVICE_NAME") or "litellm"
        made = {"service.name": name, **self.config.resource}
        if self.config.deployment_environment:
            made["deployment.environment.name"] = self.config.deployment_environment
        return Resource.create(made)

    def _headers(self) -> dict[str, str]:
        pairs = (pair.partition("=") for pair in (self.config.headers or "").split(",") if "=" in pair)
        return {name.strip(): value.strip() for name, _, value in pairs}

    # Calls

    def _has_texts(self) -> bool:
        wanted = (self.config.capture_message_content or "").lower()
        return wanted not in ("no_content", "false", "none") and self.message_logging

    def _record(self, kwargs: Any, start_time: datetime, end_time: datetime) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode

        told: dict[str, Any] = kwargs.get("standard_logging_object") or {}
        with_texts = self._has_texts()
        made = _genai.attributes(kwargs, with_texts)
        shared = {name: value for name, value in made.items() if name in _OF_METRICS}
        if self.config.attributes is not None:
            made |= self.config.attributes(kwargs, with_texts)
        span = self.tracer.start_span(
            f"{made['gen_ai.operation.name']} {made['gen_ai.request.model']}",
            kind=SpanKind.CLIENT,
            attributes=made,
            start_time=_nanoseconds(start_time),
        )
        error = kwargs.get("exception")
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, told.get("error_str") or ""))
            if with_texts and told.get("error_str"):
                span.add_event("exception", {"exception.type": type(error).__name__})
        span.end(_nanoseconds(end_time))
        if self._duration is not None:
            self._duration.record((end_time - start_time).total_seconds(), shared)
            for kind, count in (
                ("input", told.get("prompt_tokens")),
                ("output", told.get("completion_tokens")),
            ):
                if count:
                    self._tokens.record(count, {**shared, "gen_ai.token.type": kind})

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Record an answer."""
        self._record(kwargs, start_time, end_time)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Record a failure."""
        self._record(kwargs, start_time, end_time)

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Record an answer."""
        self._record(kwargs, start_time, end_time)

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Record a failure."""
        self._record(kwargs, start_time, end_time)

    def flush(self) -> None:
        """Send what is waiting."""
        for provider in (self.tracer_provider, self.meter_provider):
            if provider is not None and hasattr(provider, "force_flush"):
                provider.force_flush()


_OF_METRICS = (
    "error.type",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
)


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000) * 1000


def _signal(endpoint: str | None, signal: str) -> str | None:
    """The address of a signal, by that of the collector or of another signal."""
    if endpoint is None:
        return None
    base = endpoint.rstrip("/")
    for other in ("traces", "metrics", "logs"):
        base = base.removesuffix(f"/v1/{other}")
    return f"{base}/v1/{signal}"
