"""Services that take OpenTelemetry's protocol: one exporter, and for each where it sends and how it proves itself.

A service is a row: what its environment variables are called, and which words it reads beside the conventions.
"""

from __future__ import annotations

import os
from base64 import b64encode

from ferrolite.integrations import _genai
from ferrolite.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NamedTuple

    class Service(NamedTuple):
        """A service that takes OTLP over HTTP."""

        endpoint: str
        headers: dict[str, str]
        endpoint_env: tuple[str, ...] = ()
        path: str = ""
        attributes: Callable[[dict[str, Any], bool], dict[str, Any]] | None = None
        resource: dict[str, str] = {}
else:
    from collections import namedtuple

    Service = namedtuple(
        "Service",
        ("endpoint", "headers", "endpoint_env", "path", "attributes", "resource"),
        defaults=((), "", None, {}),
    )

# In headers and resources, `{NAME}` is an environment variable that is needed, `{NAME?}` one that is not (without it
# the header is left out), `{A|B}` the first that is set, and `basic(…)` what HTTP's basic authentication makes of it.
_LANGFUSE = Service(
    "https://us.cloud.langfuse.com",
    {"Authorization": "Basic basic({LANGFUSE_PUBLIC_KEY}:{LANGFUSE_SECRET_KEY})"},
    ("LANGFUSE_OTEL_HOST", "LANGFUSE_HOST", "LANGFUSE_BASE_URL"),
    "/api/public/otel",
    _genai.langfuse,
)
_PHOENIX = Service(
    "https://app.phoenix.arize.com",
    {"Authorization": "Bearer {PHOENIX_API_KEY?}", "api_key": "{PHOENIX_API_KEY?}"},
    ("PHOENIX_COLLECTOR_HTTP_ENDPOINT", "PHOENIX_COLLECTOR_ENDPOINT"),
    "",
    _genai.openinference,
    {"openinference.project.name": "{PHOENIX_PROJECT_NAME?}"},
)
_WEAVE = Service(
    "https://trace.wandb.ai",
    {"Authorization": "Basic basic(api:{WANDB_API_KEY})", "project_id": "{WANDB_PROJECT_ID}"},
    ("WEAVE_OTEL_HOST", "WANDB_HOST"),
    "/otel",
)
SERVICES: dict[str, Service] = {
    "arize": Service(
        "https://otlp.arize.com",
        {"space_id": "{ARIZE_SPACE_ID|ARIZE_SPACE_KEY}", "api_key": "{ARIZE_API_KEY}"},
        ("ARIZE_HTTP_ENDPOINT", "ARIZE_ENDPOINT"),
        "",
        _genai.openinference,
        {"openinference.project.name": "{ARIZE_PROJECT_NAME?}"},
    ),
    "arize_phoenix": _PHOENIX,
    "braintrust": Service(
        "https://api.braintrust.dev",
        {"Authorization": "Bearer {BRAINTRUST_API_KEY}", "x-bt-parent": "{BRAINTRUST_PARENT?}"},
        ("BRAINTRUST_API_URL",),
        "/otel",
    ),
    "datadog_llm_observability": Service(
        "https://otlp.{DD_SITE}",
        {"dd-api-key": "{DD_API_KEY}", "dd-otlp-source": "llmobs", "dd-ml-app": "{DD_LLMOBS_ML_APP?}"},
        ("DD_OTLP_ENDPOINT",),
    ),
    "langfuse": _LANGFUSE,
    "langfuse_otel": _LANGFUSE,
    "langsmith": Service(
        "https://api.smith.langchain.com",
        {"x-api-key": "{LANGSMITH_API_KEY}", "Langsmith-Project": "{LANGSMITH_PROJECT?}"},
        ("LANGSMITH_BASE_URL", "LANGSMITH_ENDPOINT"),
        "/otel",
    ),
    "langtrace": Service(
        "https://langtrace.ai", {"api_key": "{LANGTRACE_API_KEY}"}, ("LANGTRACE_API_HOST",), "/api/trace"
    ),
    "logfire": Service(
        "https://logfire-api.pydantic.dev", {"Authorization": "{LOGFIRE_TOKEN}"}, ("LOGFIRE_BASE_URL",)
    ),
    "lunary": Service(
        "https://api.lunary.ai",
        {"Authorization": "Bearer {LUNARY_PUBLIC_KEY|LUNARY_PRIVATE_KEY}"},
        ("LUNARY_API_URL",),
        "/v1/otel",
    ),
    "opik": Service(
        "https://www.comet.com/opik/api",
        {
            "Authorization": "{OPIK_API_KEY?}",
            "Comet-Workspace": "{OPIK_WORKSPACE?}",
            "projectName": "{OPIK_PROJECT_NAME?}",
        },
        ("OPIK_URL_OVERRIDE",),
        "/v1/private/otel",
    ),
    "phoenix": _PHOENIX,
    "traceloop": Service(
        "https://api.traceloop.com", {"Authorization": "Bearer {TRACELOOP_API_KEY}"}, ("TRACELOOP_BASE_URL",)
    ),
    "weave": _WEAVE,
    "weave_otel": _WEAVE,
}


class OtlpLogger(OpenTelemetry):
    """Spans for a service of the table.

    Args:
        callback_name: Its name.
        **kwargs: What `OpenTelemetry` takes.

    Raises:
        ValueError: An environment variable that the service needs is not set.
    """

    def __init__(self, callback_name: str, **kwargs: Any) -> None:
        service = SERVICES[callback_name]
        headers = _filled(service.headers, callback_name)
        base = next((os.environ[name] for name in service.endpoint_env if os.environ.get(name)), None)
        if base is None:
            base = _fill(service.endpoint, callback_name)
        # A variable may hold a host, the path below which signals are, or the address of traces.
        endpoint = (base or "").rstrip("/").removesuffix("/traces").removesuffix("/v1")
        endpoint += f"{'' if endpoint.endswith(service.path) else service.path}/v1/traces"
        config = OpenTelemetryConfig(
            exporter="otlp_http",
            endpoint=endpoint,
            headers=",".join(f"{name}={value}" for name, value in headers.items()),
            capture_message_content=os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
            attributes=service.attributes,
            resource=_filled(service.resource, callback_name),
        )
        super().__init__(config, callback_name, **kwargs)


_DEFAULTS = {"DD_SITE": "datadoghq.com"}


def _filled(templates: dict[str, str], service: str) -> dict[str, str]:
    made = {name: _fill(template, service) for name, template in templates.items()}
    return {name: value for name, value in made.items() if value is not None}


def _fill(template: str, service: str) -> str | None:
    """A template with the environment's values; None where an optional one is missing.

    Raises:
        ValueError: One that is needed is missing.
    """
    made, rest = "", template
    while "{" in rest:
        before, _, rest = rest.partition("{")
        names, _, rest = rest.partition("}")
        optional = names.endswith("?")
        wanted = names.removesuffix("?").split("|")
        value = next((os.environ[name] for name in wanted if os.environ.get(name)), _DEFAULTS.get(wanted[0]))
        if value is None:
            if optional:
                return None
            raise ValueError(f"{service} needs the environment variable {' or '.join(wanted)}")
        made += before + value
    made += rest
    if "basic(" in made:
        head, _, tail = made.partition("basic(")
        made = head + b64encode(tail.removesuffix(")").encode()).decode()
    return made
