"""Integrations by name: which class tells whom, and what has to be installed for it.

A name is looked up when a list that holds it is first used; its logger is made once.
"""

from __future__ import annotations

from importlib import import_module

from ferrolite._logging import verbose_logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.integrations.custom_logger import CustomLogger

_OTLP = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"

# name: (module, class), and the packages from PyPI that it needs.
INTEGRATIONS: dict[str, tuple[str, str, str | None]] = {
    "arize": ("otlp", "OtlpLogger", _OTLP),
    "arize_phoenix": ("otlp", "OtlpLogger", _OTLP),
    "braintrust": ("otlp", "OtlpLogger", _OTLP),
    "datadog": ("datadog", "DataDogLogger", None),
    "datadog_llm_observability": ("otlp", "OtlpLogger", _OTLP),
    "generic_api": ("webhook", "GenericAPILogger", None),
    "helicone": ("helicone", "HeliconeLogger", None),
    "langfuse": ("otlp", "OtlpLogger", _OTLP),
    "langfuse_otel": ("otlp", "OtlpLogger", _OTLP),
    "langsmith": ("otlp", "OtlpLogger", _OTLP),
    "langtrace": ("otlp", "OtlpLogger", _OTLP),
    "logfire": ("otlp", "OtlpLogger", _OTLP),
    "lunary": ("otlp", "OtlpLogger", _OTLP),
    "mlflow": ("mlflow", "MlflowLogger", "mlflow"),
    "opik": ("opik.opik", "OpikLogger", _OTLP),
    "otel": ("opentelemetry", "OpenTelemetry", _OTLP),
    "phoenix": ("otlp", "OtlpLogger", _OTLP),
    "s3": ("s3", "S3Logger", "boto3"),
    "s3_v2": ("s3", "S3Logger", "boto3"),
    "sentry": ("sentry", "SentryLogger", "sentry-sdk"),
    "traceloop": ("otlp", "OtlpLogger", _OTLP),
    "weave": ("otlp", "OtlpLogger", _OTLP),
    "weave_otel": ("otlp", "OtlpLogger", _OTLP),
    "webhook": ("webhook", "GenericAPILogger", None),
}

_made: dict[str, CustomLogger | None] = {}
in_memory_loggers: list[CustomLogger] = []
"""The loggers that were made, for programs that flush them."""


def logger_of(name: str) -> CustomLogger | None:
    """The logger of a name, made when it is first asked for; None when it cannot be, which is logged once."""
    if name in _made:
        return _made[name]
    try:
        made = make(name)
    except Exception as error:
        verbose_logger.error("callback %r: %s", name, error)
        made = None
    _made[name] = made
    if made is not None:
        in_memory_loggers.append(made)
    return made


def make(name: str) -> CustomLogger:
    """A new logger of a name.

    Raises:
        ValueError: Nothing has this name; the nearest that has is said.
        ImportError: A package is missing, which is named.
    """
    known = INTEGRATIONS.get(name)
    if known is None:
        raise ValueError(_unknown(name))
    module, kind, packages = known
    try:
        found: Any = getattr(import_module(f"ferrolite.integrations.{module}"), kind)
        return found(callback_name=name) if kind == "OtlpLogger" else found()
    except ImportError as error:
        if packages is None:
            raise
        raise ImportError(f"{error}. It needs: pip install {packages}") from error


def name_of(item: object) -> str:
    """The name that a logger was made by, or that of its class."""
    for name, made in _made.items():
        if made is item:
            return name
    return type(item).__name__


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, INTEGRATIONS, 1, 0.5)
    hint = f"the nearest is {near[0]!r}" if near else f"there are {', '.join(sorted(INTEGRATIONS))}"
    return f"no integration has this name; {hint}"
