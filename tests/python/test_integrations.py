"""Integrations by name, against servers on loopback."""

from __future__ import annotations

import base64
import json
import logging
import sys
import threading
import time
import types
from collections.abc import Iterator
from typing import Any

import pytest
from _callbacks import acall, call, provider, told
from _upstream import Exchange, Upstream, python, quiet

import ferrolite
from ferrolite.integrations import _registry
from ferrolite.integrations.custom_logger import CustomLogger
from ferrolite.integrations.webhook import GenericAPILogger

__all__ = ["provider"]


@pytest.fixture
def collector() -> Iterator[Upstream]:
    """A server that takes everything."""

    def accept(exchange: Exchange) -> None:
        exchange.reply(200, b"", {"content-type": "application/json"})

    with Upstream(accept) as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Names are made into loggers anew."""
    yield
    _registry._made.clear()
    _registry.in_memory_loggers.clear()


# The registry


def test_an_unknown_name_says_the_nearest(provider: Upstream, caplog: Any) -> None:
    ferrolite.success_callback.append("langfus")
    with caplog.at_level(logging.ERROR, "LiteLLM"):
        call(provider)
        call(provider)
        told()
    errors = [record.getMessage() for record in caplog.records]
    assert errors == ["callback 'langfus': no integration has this name; the nearest is 'langfuse'"]
    with pytest.raises(ValueError, match="there are arize, "):
        _registry.make("zzzz")


@pytest.mark.parametrize(
    ("name", "module", "packages"),
    [
        ("otel", "opentelemetry.sdk.trace", "opentelemetry-sdk"),
        ("langfuse", "opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry-exporter-otlp"),
        ("sentry", "sentry_sdk", "sentry-sdk"),
        ("s3", "boto3", "boto3"),
        ("mlflow", "mlflow", "mlflow"),
    ],
)
def test_a_missing_package_is_named(name: str, module: str, packages: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk")
    with pytest.raises(ImportError, match=f"pip install .*{packages}"):
        _registry.make(name)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("arize", "ARIZE_SPACE_ID or ARIZE_SPACE_KEY"),
        ("datadog", "DD_API_KEY"),
        ("generic_api", "GENERIC_LOGGER_ENDPOINT"),
        ("helicone", "HELICONE_API_KEY"),
        ("langfuse", "LANGFUSE_PUBLIC_KEY"),
        ("langsmith", "LANGSMITH_API_KEY"),
        ("lunary", "LUNARY_PUBLIC_KEY"),
        ("weave", "WANDB_API_KEY"),
        ("webhook", "WEBHOOK_URL"),
    ],
)
def test_a_missing_variable_is_named(name: str, variable: str, monkeypatch: Any) -> None:
    for part in variable.split(" or "):
        monkeypatch.delenv(part, raising=False)
    with pytest.raises(ValueError, match=variable):
        _registry.make(name)


def test_all_modules_of_the_registry_are_there() -> None:
    from importlib import import_module

    for module, kind, _ in _registry.INTEGRATIONS.values():
        found = getattr(import_module(f"ferrolite.integrations.{module}"), kind)
        assert issubclass(found, CustomLogger)


# Webhook and its like


def flush() -> None:
    told()
    for logger in _registry.in_memory_loggers:
        logger.flush()  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", ["json_array", "ndjson", "single"])
def test_a_webhook(provider: Upstream, collector: Upstream, form: Any) -> None:
    logger = GenericAPILogger(f"{collector.origin}/hook", {"X-Own": "1"}, log_format=form)
    ferrolite.callbacks.append(logger)
    call(provider)
    told()
    acall(provider)
    with pytest.raises(ferrolite.BadRequestError):
        call(provider, model="openai/bad")
    told()
    logger.flush()
    assert {request.path for request in collector.requests} == {"/hook"}
    assert all(request.headers["x-own"] == "1" for request in collector.requests)
    bodies = [request.body.decode() for request in collector.requests]
    if form == "single":
        items = [json.loads(body) for body in bodies]
    elif form == "ndjson":
        items = [json.loads(line) for line in bodies[0].splitlines()]
    else:
        items = json.loads(bodies[0])
    assert [item["status"] for item in items] == ["success", "success", "failure"]
    assert [item["call_type"] for item in items] == ["completion", "acompletion", "completion"]


def test_a_webhook_by_its_name(provider: Upstream, collector: Upstream, monkeypatch: Any) -> None:
    monkeypatch.setenv("GENERIC_LOGGER_ENDPOINT", collector.origin)
    monkeypatch.setenv("GENERIC_LOGGER_HEADERS", "Authorization=Bearer 17, X-B=2")
    ferrolite.success_callback.append("generic_api")
    call(provider)
    with pytest.raises(ferrolite.BadRequestError):
        call(provider, model="openai/bad")
    flush()
    (request,) = collector.requests
    assert request.headers["authorization"] == "Bearer 17"
    assert [item["status"] for item in request.json()] == ["success"]


def test_a_webhook_that_fails_loses_its_batch_and_says_so(provider: Upstream, caplog: Any) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.json({}, 403)

    with Upstream(refuse) as collector:
        logger = GenericAPILogger(f"{collector.origin}/hook?token=secret")
        ferrolite.callbacks.append(logger)
        call(provider)
        told()
        logger.flush()
    text = " ".join(record.getMessage() for record in caplog.records)
    assert "1 events are lost" in text
    assert "status 403" in text
    assert "secret" not in text


@pytest.mark.parametrize("form", ["json_array", "ndjson", "single"])
@pytest.mark.parametrize("why", ["refused", "no JSON"])
def test_an_item_that_is_refused_takes_no_other_with_it(form: Any, why: str, caplog: Any) -> None:
    taken: list[int] = []

    def refuse(exchange: Exchange) -> None:
        body = exchange.request.body.decode()
        if "bad" in body:
            exchange.json({}, 400)
            return
        items = json.loads(body) if form == "json_array" else [json.loads(one) for one in body.splitlines()]
        taken.extend(item["n"] for item in items)
        exchange.json({})

    items: list[Any] = [{"n": number} for number in range(20)]
    circle: list[Any] = []
    circle.append(circle)
    items[13] = {"n": 13, "bad": circle if why == "no JSON" else True}
    with Upstream(refuse) as collector:
        logger = GenericAPILogger(f"{collector.origin}/hook", log_format=form, flush_interval=60)
        for item in items:
            logger._add(item)
        logger.flush()
    assert taken == [number for number in range(20) if number != 13]
    assert [one.getMessage() for one in caplog.records if "1 events are lost" in one.getMessage()]


def test_a_service_that_takes_nothing_is_not_asked_for_ever(caplog: Any) -> None:
    with Upstream(lambda exchange: exchange.json({}, 400)) as collector:
        for form in ("json_array", "single"):
            logger = GenericAPILogger(f"{collector.origin}/hook", log_format=form, flush_interval=60)  # type: ignore[arg-type]
            for number in range(200):
                logger._add({"n": number})
            logger.flush()
            assert not logger.log_queue
        assert len(collector.requests) < 70
    counts = [int(one.getMessage().split()[1]) for one in caplog.records]
    assert sum(counts) == 400


END = """
import os, sys, ferrolite
from time import sleep
call = lambda: ferrolite.completion("openai/m", [{"role": "user", "content": "Hi"}], mock_response="x")
"""


def test_what_is_told_at_the_end_is_sent_too(collector: Upstream) -> None:
    """Whichever of the two, the worker or the batches, has been there first."""
    code = f"""
ferrolite.success_callback.append(lambda *told: sleep(0.3))
call()
from ferrolite.integrations.webhook import GenericAPILogger
ferrolite.callbacks.append(GenericAPILogger("{collector.origin}/hook", flush_interval=60))
call()
"""
    quiet(python(END + code), "")
    assert [len(request.json()) for request in collector.requests] == [1]


def test_a_program_waits_for_no_service_for_ever() -> None:
    waits = threading.Event()
    with Upstream(lambda exchange: waits.wait(60) and None) as collector:
        code = f"""
from ferrolite.integrations.webhook import GenericAPILogger
ferrolite.callbacks.append(GenericAPILogger("{collector.origin}/hook", flush_interval=60))
call()
"""
        started = time.monotonic()
        done = python(END + code)
        assert done.returncode == 0
        assert "the program ends with 1 events not sent" in done.stderr
        assert time.monotonic() - started < 15
        waits.set()


def test_a_forked_child_sends_nothing_of_its_parent(collector: Upstream) -> None:
    code = f"""
from ferrolite.integrations.webhook import GenericAPILogger
logger = GenericAPILogger("{collector.origin}/hook", flush_interval=60)
logger._add("parent")
with logger._lock, logger._sending:  # held by another thread, as far as the child can tell
    pid = os.fork()
    if pid == 0:
        logger._add("child")
        sys.exit()
    assert os.waitpid(pid, 0)[1] == 0
"""
    done = python(END + code)
    assert done.returncode == 0, done.stderr
    assert sorted(request.json() for request in collector.requests) == [["child"], ["parent"]]


@pytest.mark.parametrize("name", ["datadog", "helicone", "s3_v2", "generic_api"])
def test_fields_may_be_left_out(
    name: str, provider: Upstream, collector: Upstream, monkeypatch: Any, caplog: Any
) -> None:
    put: list[dict[str, Any]] = []
    fake: Any = types.ModuleType("boto3")
    fake.client = lambda *args, **options: types.SimpleNamespace(put_object=lambda **what: put.append(what))
    monkeypatch.setitem(sys.modules, "boto3", fake)
    monkeypatch.setattr(ferrolite, "s3_callback_params", {"s3_bucket_name": "b"})
    left_out = [
        "status",
        "id",
        "startTime",
        "error_str",
        "response",
        "api_base",
        "model",
        "messages",
        "model_parameters",
    ]
    monkeypatch.setattr(ferrolite, "standard_logging_payload_excluded_fields", left_out)
    monkeypatch.setenv("LITELLM_DD_AGENT_HOST", "127.0.0.1")
    monkeypatch.setenv("LITELLM_DD_AGENT_PORT", str(collector.port))
    monkeypatch.setenv("HELICONE_API_KEY", "hk")
    monkeypatch.setenv("HELICONE_API_BASE", collector.origin)
    monkeypatch.setenv("GENERIC_LOGGER_ENDPOINT", collector.origin)
    ferrolite.callbacks.append(name)
    call(provider)
    with pytest.raises(ferrolite.BadRequestError):
        call(provider, model="openai/bad")
    flush()
    assert [record.getMessage() for record in caplog.records] == []
    bodies = [request.json() for request in collector.requests] or [json.loads(what["Body"]) for what in put]
    items = [item for body in bodies for item in (body if isinstance(body, list) else [body])]
    assert len(items) == 2
    if name == "datadog":
        assert [item["status"] for item in items] == ["info", "error"]


def test_a_queue_is_bounded() -> None:
    logger = GenericAPILogger("http://127.0.0.1:9", max_queue_size=2, flush_interval=60)
    for _ in range(5):
        logger._add({})
    assert (len(logger.log_queue), logger.dropped) == (2, 3)
    logger.log_queue.clear()


def test_datadog_by_its_agent(provider: Upstream, collector: Upstream, monkeypatch: Any) -> None:
    monkeypatch.setenv("LITELLM_DD_AGENT_HOST", "127.0.0.1")
    monkeypatch.setenv("LITELLM_DD_AGENT_PORT", str(collector.port))
    ferrolite.callbacks.append("datadog")
    call(provider)
    flush()
    (request,) = collector.requests
    assert request.path == "/api/v2/logs"
    (line,) = request.json()
    assert line["ddsource"] == "litellm"
    assert json.loads(line["message"])["total_tokens"] == 7


def test_helicone(provider: Upstream, collector: Upstream, monkeypatch: Any) -> None:
    monkeypatch.setenv("HELICONE_API_KEY", "hk")
    monkeypatch.setenv("HELICONE_API_BASE", collector.origin)
    ferrolite.callbacks.append("helicone")
    call(provider, metadata={"Helicone-Property-A": 1, "other": 2})
    flush()
    (request,) = collector.requests
    assert request.path == "/custom/v1/log"
    assert request.headers["authorization"] == "Bearer hk"
    log = request.json()
    assert log["providerRequest"]["meta"] == {"Helicone-Property-A": "1"}
    assert log["providerResponse"]["json"]["choices"][0]["message"]["content"] == "Hello"


def test_sentry_gets_failures(provider: Upstream, monkeypatch: Any) -> None:
    seen: list[Any] = []
    fake: Any = types.ModuleType("sentry_sdk")
    fake.is_initialized = lambda: True
    fake.add_breadcrumb = lambda **what: seen.append(what["data"])
    fake.capture_exception = seen.append
    monkeypatch.setitem(sys.modules, "sentry_sdk", fake)
    ferrolite.callbacks.append("sentry")
    with pytest.raises(ferrolite.BadRequestError) as caught:
        call(provider, model="openai/bad")
    assert seen == [{"model": "bad", "provider": "openai"}, caught.value]


def test_s3_puts_an_object(provider: Upstream, monkeypatch: Any) -> None:
    put: list[dict[str, Any]] = []
    made: list[Any] = []

    class Client:
        def put_object(self, **what: Any) -> None:
            put.append(what)

    fake: Any = types.ModuleType("boto3")
    fake.client = lambda *args, **options: made.append((args, options)) or Client()
    monkeypatch.setitem(sys.modules, "boto3", fake)
    monkeypatch.setenv("BUCKET", "b")
    parameters = {"s3_bucket_name": "os.environ/BUCKET", "s3_path": "/logs/", "s3_region_name": "eu"}
    monkeypatch.setattr(ferrolite, "s3_callback_params", parameters)
    ferrolite.callbacks.append("s3_v2")
    answer = call(provider)
    flush()
    assert made == [(("s3",), {"region_name": "eu"})]
    assert put[0]["Bucket"] == "b"
    assert put[0]["Key"].startswith("logs/2")
    assert put[0]["Key"].endswith(f"_{answer.id}.json")
    assert json.loads(put[0]["Body"])["status"] == "success"


# OpenTelemetry


def in_memory(**config: Any) -> Any:
    pytest.importorskip("opentelemetry.sdk")
    from ferrolite.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

    return OpenTelemetry(OpenTelemetryConfig(exporter="in_memory", **config))


@pytest.mark.parametrize("name", ["completion", "acompletion"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_span_of_a_call(provider: Upstream, name: str, stream: bool) -> None:
    otel = in_memory()
    ferrolite.callbacks.append(otel)
    more = {"stream_options": {"include_usage": True}} if stream else {}
    with otel.tracer.start_as_current_span("request") as parent:
        if name == "completion":
            answer = call(provider, temperature=0.5, stream=stream, **more)
            if stream:
                list(answer)
        else:
            acall(provider, temperature=0.5, stream=stream, **more)
        told()
    span = otel.exporter.get_finished_spans()[0]
    assert span.name == "chat m"
    assert span.kind.name == "CLIENT"
    assert span.parent.span_id == parent.get_span_context().span_id
    attributes = dict(span.attributes)
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.provider.name"] == "openai"
    assert attributes["gen_ai.request.model"] == "m"
    assert attributes["gen_ai.request.temperature"] == 0.5
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes["gen_ai.usage.input_tokens"] == 5
    assert attributes["gen_ai.usage.output_tokens"] == 2
    assert attributes["server.address"] == "127.0.0.1"
    assert json.loads(attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hello"}]}
    ]
    (said,) = json.loads(attributes["gen_ai.output.messages"])
    assert said["parts"] == [{"type": "text", "content": "Hello"}]


def test_a_span_of_a_failure(provider: Upstream) -> None:
    otel = in_memory(capture_message_content="no_content")
    ferrolite.callbacks.append(otel)
    with pytest.raises(ferrolite.BadRequestError):
        call(provider, model="openai/bad")
    (span,) = otel.exporter.get_finished_spans()
    assert span.status.status_code.name == "ERROR"
    assert span.attributes["error.type"] == "BadRequestError"
    assert not [name for name in span.attributes if "messages" in name]


def test_metrics(provider: Upstream) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from ferrolite.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

    reader = InMemoryMetricReader()
    config = OpenTelemetryConfig(exporter="in_memory")
    ferrolite.callbacks.append(OpenTelemetry(config, meter_provider=MeterProvider([reader])))
    call(provider)
    told()
    data: Any = reader.get_metrics_data()
    metrics = {one.name: one for one in data.resource_metrics[0].scope_metrics[0].metrics}
    assert set(metrics) == {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"}
    points = metrics["gen_ai.client.token.usage"].data.data_points
    assert {point.attributes["gen_ai.token.type"]: point.sum for point in points} == {"input": 5, "output": 2}


def test_spans_by_otlp(provider: Upstream, collector: Upstream, monkeypatch: Any) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.origin)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-own=1")
    ferrolite.callbacks.append("otel")
    call(provider)
    flush()
    (request,) = collector.requests
    assert request.path == "/v1/traces"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.headers["x-own"] == "1"


@pytest.mark.parametrize(
    ("name", "variables", "path", "headers"),
    [
        (
            "langfuse",
            {"LANGFUSE_HOST": "{origin}", "LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk"},
            "/api/public/otel/v1/traces",
            {"authorization": f"Basic {base64.b64encode(b'pk:sk').decode()}"},
        ),
        (
            "arize",
            {"ARIZE_ENDPOINT": "{origin}/v1", "ARIZE_SPACE_KEY": "s", "ARIZE_API_KEY": "a"},
            "/v1/traces",
            {"space_id": "s", "api_key": "a"},
        ),
        (
            "arize_phoenix",
            {"PHOENIX_COLLECTOR_HTTP_ENDPOINT": "{origin}/v1/traces"},
            "/v1/traces",
            {},
        ),
        (
            "langsmith",
            {"LANGSMITH_BASE_URL": "{origin}", "LANGSMITH_API_KEY": "k"},
            "/otel/v1/traces",
            {"x-api-key": "k"},
        ),
        (
            "weave",
            {"WANDB_HOST": "{origin}", "WANDB_API_KEY": "k", "WANDB_PROJECT_ID": "e/p"},
            "/otel/v1/traces",
            {"project_id": "e/p"},
        ),
        (
            "opik",
            {"OPIK_URL_OVERRIDE": "{origin}/api", "OPIK_API_KEY": "k", "OPIK_WORKSPACE": "w"},
            "/api/v1/private/otel/v1/traces",
            {"authorization": "k", "comet-workspace": "w"},
        ),
        (
            "lunary",
            {"LUNARY_API_URL": "{origin}", "LUNARY_PUBLIC_KEY": "k"},
            "/v1/otel/v1/traces",
            {"authorization": "Bearer k"},
        ),
    ],
)
def test_services_that_take_otlp(
    provider: Upstream,
    collector: Upstream,
    monkeypatch: Any,
    name: str,
    variables: dict[str, str],
    path: str,
    headers: dict[str, str],
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value.replace("{origin}", collector.origin))
    ferrolite.callbacks.append(name)
    call(provider)
    flush()
    (request,) = collector.requests
    assert request.path == path
    assert {name: request.headers[name] for name in headers} == headers


def test_words_of_arize_and_of_langfuse(provider: Upstream) -> None:
    from ferrolite.integrations import _genai

    otel = in_memory(attributes=_genai.openinference)
    langfuse = in_memory(attributes=_genai.langfuse)
    ferrolite.callbacks += [otel, langfuse]
    call(provider, metadata={"trace_name": "t", "session_id": "s", "tags": ["a"]})
    told()
    (span,) = otel.exporter.get_finished_spans()
    assert span.attributes["openinference.span.kind"] == "LLM"
    assert span.attributes["llm.token_count.total"] == 7
    assert span.attributes["llm.output_messages.0.message.content"] == "Hello"
    (span,) = langfuse.exporter.get_finished_spans()
    assert span.attributes["langfuse.trace.name"] == "t"
    assert span.attributes["langfuse.session.id"] == "s"
    assert span.attributes["langfuse.trace.tags"] == ("a",)
