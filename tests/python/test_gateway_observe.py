"""What a gateway tells of its requests: costs, metrics, a log, OpenTelemetry, and no secret in any of them."""

import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from ferrolite.gateway import Gateway
from ferrolite.testing import MockServer

MESSAGES = [{"role": "user", "content": "Hi"}]


def ask(base, path, body=None, key="sk-master", headers=()):
    """Status, headers and text of an answer."""
    data = None if body is None else json.dumps(body).encode()
    given = {"content-type": "application/json", "authorization": f"Bearer {key}", **dict(headers)}
    request = urllib.request.Request(base + path, data=data, headers=given)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def metrics(gateway):
    """Samples by name and labels."""
    status, headers, text = ask(gateway, "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    out = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line).groups()
            out[name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))] = float(value)
    return out


def total(samples, name, **labels):
    """The sum of the samples that have these labels."""
    return sum(
        value
        for (known, have), value in samples.items()
        if known == name and labels.items() <= dict(have).items()
    )


def wait_for(check):
    """A record comes when the last byte is out, which a client sees a little before."""
    end = time.monotonic() + 10
    while True:
        found = check()
        if found or time.monotonic() > end:
            assert found
            return found
        time.sleep(0.02)


def config_file(folder, upstream, **more):
    def entry(name, model, base, key="sk-upstream", **params):
        return {
            "model_name": name,
            "litellm_params": {"model": model, "api_base": base, "api_key": key, **params},
        }

    config = {
        "model_list": [
            entry("gpt-4o", "openai/gpt-4o", upstream + "/v1"),
            entry("claude", "anthropic/claude-sonnet-4-5", upstream),
            entry("emb", "openai/text-embedding-3-small", upstream + "/v1"),
            entry("painter", "openai/gpt-image-1", upstream + "/v1"),
            entry("openai/*", "openai/*", upstream + "/v1"),
            entry("dead", "openai/gpt-4o", "http://127.0.0.1:9/v1", num_retries=0),
        ],
        "general_settings": {"master_key": "sk-master"},
        "litellm_settings": {"num_retries": 0},
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config))
    return str(path)


@pytest.fixture
def mock():
    with MockServer() as server:
        yield server


@pytest.fixture
def gateway(tmp_path, mock):
    with Gateway(config=config_file(tmp_path, mock.base_url), port=0) as running:
        yield running.base_url


def test_whole_answers_of_every_kind_say_what_they_cost(gateway):
    def cost(path, body):
        status, headers, text = ask(gateway, path, body)
        assert status == 200, text
        return float(headers["x-litellm-response-cost"]), json.loads(text)

    spent, answer = cost("/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES})
    usage = answer["usage"]
    assert spent == pytest.approx(usage["prompt_tokens"] * 2.5e-6 + usage["completion_tokens"] * 1e-5)
    spent, answer = cost("/v1/embeddings", {"model": "emb", "input": "Hi there"})
    assert spent == pytest.approx(answer["usage"]["prompt_tokens"] * 2e-8)
    spent, answer = cost("/v1/messages", {"model": "claude", "messages": MESSAGES, "max_tokens": 9})
    usage = answer["usage"]
    assert spent == pytest.approx(usage["input_tokens"] * 3e-6 + usage["output_tokens"] * 1.5e-5)
    spent, answer = cost("/v1/responses", {"model": "gpt-4o", "input": "Hi"})
    usage = answer["usage"]
    assert spent == pytest.approx(usage["input_tokens"] * 2.5e-6 + usage["output_tokens"] * 1e-5)
    # All of it is in the metrics.
    spend = wait_for(lambda: total(metrics(gateway), "litellm_spend_metric_total", model="gpt-4o"))
    assert spend > 0


class Painter(http.server.BaseHTTPRequestHandler):
    """An upstream for what the mock server does not do."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        is_image = "images" in self.path
        image = {"created": 1, "data": [{"url": "http://a/1"}, {"url": "http://a/2"}]}
        self.send_response(200)
        data = json.dumps(image).encode() if is_image else b"sound"
        self.send_header("content-type", "application/json" if is_image else "audio/mpeg")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def test_images_and_speech_are_paid_by_what_they_are(tmp_path):
    with serving(Painter) as upstream, Gateway(config=config_file(tmp_path, upstream), port=0) as running:
        body = {"model": "painter", "prompt": "A cat", "size": "1024x1024", "quality": "high", "n": 2}
        status, headers, text = ask(running.base_url, "/v1/images/generations", body)
        assert status == 200, text
        assert float(headers["x-litellm-response-cost"]) == pytest.approx(0.334)
        body = {"model": "openai/tts-1", "input": "Hello", "voice": "alloy"}
        status, headers, text = ask(running.base_url, "/v1/audio/speech", body)
        assert status == 200, text
        assert float(headers["x-litellm-response-cost"]) == pytest.approx(5 * 1.5e-5)
        wait_for(
            lambda: total(metrics(running.base_url), "litellm_spend_metric_total", requested_model="openai/*")
        )


def test_metrics_have_the_names_and_labels_of_the_reference(gateway):
    for stream in (False, True):
        ask(gateway, "/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES, "stream": stream})
    own = {"requested_model": "gpt-4o", "api_provider": "openai"}
    wait_for(lambda: total(metrics(gateway), "litellm_requests_metric_total", **own) == 2)
    found = metrics(gateway)
    route = "/v1/chat/completions"
    assert (
        total(found, "litellm_proxy_total_requests_metric_total", **own, status_code="200", route=route) == 2
    )
    tokens = [
        total(found, f"litellm_{kind}_tokens_metric_total", **own, model="gpt-4o")
        for kind in ("input", "output", "total")
    ]
    assert tokens[0] > 0
    assert tokens[1] > 0
    assert tokens[0] + tokens[1] == tokens[2]
    spend = total(found, "litellm_spend_metric_total", **own, model="gpt-4o")
    assert spend == pytest.approx(tokens[0] * 2.5e-6 + tokens[1] * 1e-5)
    for name, count in (
        ("litellm_request_total_latency_metric", 2),
        ("litellm_llm_api_latency_metric", 2),
        ("litellm_llm_api_time_to_first_token_metric", 1),
        ("litellm_overhead_latency_metric", 1),
        ("litellm_deployment_latency_per_output_token", 2),
    ):
        assert total(found, f"{name}_count", model_group="gpt-4o") == count, name
        assert total(found, f"{name}_bucket", model_group="gpt-4o", le="+Inf") == count, name
    deployment = {"litellm_model_name": "openai/gpt-4o", "api_provider": "openai", "model_group": "gpt-4o"}
    assert total(found, "litellm_deployment_success_responses_total", **deployment) == 2
    assert total(found, "litellm_deployment_total_requests_total", **deployment) == 2
    assert total(found, "litellm_deployment_state", litellm_model_name="openai/gpt-4o") == 0
    assert found["ferrolite_dropped_records", frozenset()] == 0


def test_failures_are_counted_by_their_class(gateway):
    body = {"messages": MESSAGES}
    assert ask(gateway, "/v1/chat/completions", {**body, "model": "dead"})[0] >= 500
    assert ask(gateway, "/v1/chat/completions", {**body, "model": "gpt-4o"}, key="wrong")[0] == 401
    assert ask(gateway, "/v1/chat/completions", {**body, "model": "unknown-model"})[0] == 400
    name = "litellm_proxy_failed_requests_metric_total"
    wait_for(lambda: total(metrics(gateway), name) == 3)
    found = metrics(gateway)
    assert total(found, name, exception_status="401", exception_class="AuthenticationError") == 1
    assert total(found, name, exception_status="400", exception_class="BadRequestError") == 1
    assert total(found, name, requested_model="dead", api_provider="openai") == 1
    failed = "litellm_deployment_failure_responses_total"
    assert total(found, failed, model_group="dead") == 1
    assert total(found, "litellm_deployment_state", api_provider="openai") == 1


def test_labels_are_the_configurations_words(gateway):
    for at in range(20):
        ask(gateway, "/v1/chat/completions", {"model": f"openai/model-{at}", "messages": MESSAGES})
        ask(gateway, "/v1/chat/completions", {"model": f"model-{at}", "messages": MESSAGES})
    requests = "litellm_proxy_total_requests_metric_total"
    wait_for(lambda: total(metrics(gateway), requests) == 40)
    found = metrics(gateway)
    assert total(found, requests, requested_model="openai/*") == 20
    assert not [labels for _, labels in found if any("model-" in value for _, value in labels)]


class Silent(http.server.BaseHTTPRequestHandler):
    """An upstream that streams and counts nothing."""

    pieces = 3
    pause = 0.0

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(self.pieces):
                chunk = {
                    "id": "1",
                    "object": "chat.completion.chunk",
                    "choices": [{"index": 0, "delta": {"content": "word "}}],
                }
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
                time.sleep(self.pause)
            end = {
                "id": "1",
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
            }
            self.wfile.write(f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_stream_without_counts_is_counted(tmp_path):
    with serving(Silent) as upstream, Gateway(config=config_file(tmp_path, upstream), port=0) as running:
        body = {"model": "gpt-4o", "messages": MESSAGES, "stream": True}
        assert "word " in ask(running.base_url, "/v1/chat/completions", body)[2]
        read = lambda name: total(metrics(running.base_url), name, requested_model="gpt-4o")  # noqa: E731
        assert 2 <= wait_for(lambda: read("litellm_output_tokens_metric_total")) <= 8
        assert read("litellm_input_tokens_metric_total") > 0
        assert read("litellm_spend_metric_total") > 0


def test_a_client_that_goes_away_is_counted_with_what_it_has_cost(tmp_path):
    slow = type("Slow", (Silent,), {"pieces": 200, "pause": 0.05})
    with serving(slow) as upstream, Gateway(config=config_file(tmp_path, upstream), port=0) as running:
        data = json.dumps({"model": "gpt-4o", "messages": MESSAGES, "stream": True}).encode()
        headers = {"content-type": "application/json", "authorization": "Bearer sk-master"}
        request = urllib.request.Request(
            running.base_url + "/v1/chat/completions", data=data, headers=headers
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.readline()
        name = "litellm_proxy_failed_requests_metric_total"
        wait_for(lambda: total(metrics(running.base_url), name, exception_status="499") == 1)
        found = metrics(running.base_url)
        assert total(found, "litellm_output_tokens_metric_total", requested_model="gpt-4o") > 0
        assert total(found, "litellm_spend_metric_total", requested_model="gpt-4o") > 0


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes what is sent by OTLP."""

    taken: list

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.taken.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def attributes(item):
    return {one["key"]: next(iter(one["value"].values())) for one in item["attributes"]}


def test_spans_and_metrics_by_the_conventions(tmp_path, mock, monkeypatch):
    collector = type("Mine", (Collector,), {"taken": []})
    with serving(collector) as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=sk%20otel")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "my-gateway")
        parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        with Gateway(config=config_file(tmp_path, mock.base_url), port=0) as running:
            ask(
                running.base_url,
                "/v1/chat/completions",
                {"model": "gpt-4o", "messages": MESSAGES},
                headers=parent,
            )
            ask(
                running.base_url,
                "/v1/messages",
                {"model": "claude", "messages": MESSAGES, "max_tokens": 9, "stream": True},
            )
            ask(running.base_url, "/v1/chat/completions", {"model": "dead", "messages": MESSAGES})
        # What waits is sent before a gateway has stopped.
        sent = {path: (headers, body) for path, headers, body in collector.taken}
    headers, body = sent["/v1/traces"]
    assert headers["x-token"] == "sk otel"
    [resource] = body["resourceSpans"]
    assert attributes(resource["resource"])["service.name"] == "my-gateway"
    spans = {span["name"]: span for span in resource["scopeSpans"][0]["spans"]}
    first, known = spans["chat gpt-4o"], attributes(spans["chat gpt-4o"])
    assert (first["traceId"], first["parentSpanId"]) == (
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
    )
    assert int(first["endTimeUnixNano"]) > int(first["startTimeUnixNano"])
    assert len(first["spanId"]) == 16
    assert known["gen_ai.operation.name"] == "chat"
    assert known["gen_ai.provider.name"] == "openai"
    assert known["gen_ai.request.model"] == "gpt-4o"
    assert known["server.address"] == "127.0.0.1"
    assert int(known["gen_ai.usage.input_tokens"]) > 0
    assert int(known["gen_ai.usage.output_tokens"]) > 0
    assert known["gen_ai.cost.total_cost"] > 0
    assert int(attributes(spans["chat claude"])["gen_ai.usage.output_tokens"]) > 0
    failed = spans["chat dead"]
    assert failed["status"] == {"code": 2}
    assert attributes(failed)["error.type"].endswith("Error")
    found = {
        one["name"]: one for one in sent["/v1/metrics"][1]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    }
    points = found["gen_ai.client.operation.duration"]["histogram"]["dataPoints"]
    assert sum(int(point["count"]) for point in points) == 3
    points = found["gen_ai.client.token.usage"]["histogram"]["dataPoints"]
    assert {attributes(point)["gen_ai.token.type"] for point in points} == {"input", "output"}
    assert all(len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1 for point in points)


def test_a_collector_that_is_away_holds_nobody_up(tmp_path, mock, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with Gateway(config=config_file(tmp_path, mock.base_url), port=0) as running:
        begun = time.monotonic()
        for _ in range(20):
            assert (
                ask(running.base_url, "/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES})[0]
                == 200
            )
        assert time.monotonic() - begun < 5


@contextlib.contextmanager
def command(folder, config, *flags, **variables):
    """A gateway in a process of its own; gives its address and, once it has ended, what it wrote on stderr."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **variables}
    errors = folder / "stderr"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "ferrolite",
                "--config",
                config,
                "--port",
                "0",
                "--host",
                "127.0.0.1",
                *flags,
            ],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            text=True,
        )
        try:
            line = process.stdout.readline()
            yield re.search(r"http://[\d.:]+", line)[0], errors
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()


def test_a_line_of_json_for_each_request(tmp_path, mock):
    with command(tmp_path, config_file(tmp_path, mock.base_url), "--json_logs") as (base, errors):
        headers = {"x-litellm-call-id": "my-call"}
        ask(base, "/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES}, headers=headers)
        ask(base, "/v1/chat/completions", {"model": "a\nb", "messages": MESSAGES})
        ask(base, "/health/liveliness")
    lines = [json.loads(line) for line in errors.read_text().splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert len(requests) == 2
    good, bad = requests
    assert good["request_id"] == "my-call"
    assert good["route"] == "/v1/chat/completions"
    assert good["status"] == 200
    assert good["model"] == "gpt-4o"
    assert good["provider"] == "openai"
    assert good["cost"] > 0
    assert good["input_tokens"] > 0
    assert good["duration_ms"] > 0
    assert good["level"] == "INFO"
    assert bad["status"] == 400
    assert bad["error"] == "BadRequestError"


def test_plain_text_says_warnings_only(tmp_path, mock):
    with command(tmp_path, config_file(tmp_path, mock.base_url)) as (base, errors):
        ask(base, "/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES})
    assert "request" not in errors.read_text()
    with command(tmp_path, config_file(tmp_path, mock.base_url), FERROLITE_LOG="INFO") as (base, errors):
        ask(base, "/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES})
    assert re.search(
        r"INFO +request request_id=\S+ method=POST route=/v1/chat/completions", errors.read_text()
    )


class Parrot(http.server.BaseHTTPRequestHandler):
    """An upstream that fails and quotes all that it was sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        said = json.dumps({"error": {"message": f"cannot take {body}", "type": "server_error"}}).encode()
        self.send_response(400 if "four hundred" in body else 500)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("is_broken", [False, True])
def test_secrets_are_nowhere(tmp_path, mock, is_broken):
    keys = [
        "SECRET-upstream",
        "SECRET-master",
        "SECRET-wrong",
        "SECRET-header",
        "SECRET-query",
        "SECRET-otel",
        "SECRET-base",
    ]
    question = "SECRET-question"
    collector = type("Mine", (Collector,), {"taken": []})
    with serving(Parrot) as parrot, serving(collector) as address:
        upstream = parrot if is_broken else mock.base_url
        entry = {"model": "openai/gpt-4o", "api_base": upstream + "/v1", "api_key": "SECRET-upstream"}
        config = {
            "model_list": [{"model_name": "m", "litellm_params": entry}],
            "general_settings": {"master_key": "SECRET-master"},
            "litellm_settings": {"json_logs": True, "num_retries": 1},
        }
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps(config))
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_HEADERS": "key=SECRET-otel"}
        answers = []
        with command(tmp_path, str(path), **variables) as (base, errors):
            for more in ({}, {"stream": True}, {"user": "four hundred"}):
                messages = [{"role": "system", "content": question}, {"role": "user", "content": "x"}]
                body = {"model": "m", "messages": messages, **more}
                given = {"x-own": "SECRET-header", "cookie": "a=SECRET-header"}
                answers.append(
                    ask(base, "/v1/chat/completions?key=SECRET-query", body, "SECRET-master", given)
                )
            body = {"model": "m", "input": question}
            answers.append(ask(base, "/v1/embeddings", body, "SECRET-master"))
            answers.append(ask(base, "/v1/responses", body, "SECRET-master"))
            answers.append(
                ask(
                    base,
                    "/v1/messages",
                    {"model": "m", "max_tokens": 9, "messages": messages},
                    "SECRET-wrong",
                )
            )
            answers.append(ask(base, "/v1/nothing?key=SECRET-query", body, "SECRET-wrong"))
            answers.append(
                ask(base, "/v1/chat/completions", {"model": "m", "api_key": "SECRET-base"}, "SECRET-master")
            )
            page = wait_for(lambda: ask(base, "/metrics", key="SECRET-master")[2])
            assert "litellm_proxy_total_requests_metric_total" in page
            for hidden in ("/health", "/model/info", "/v1/models", "/openapi.json", "/"):
                answers.append(ask(base, hidden, key="SECRET-master"))
        log, sent = errors.read_text(), json.dumps([body for _, _, body in collector.taken])
    assert log.count('"message":"request"') >= 7
    assert "resourceSpans" in sent
    for place, text in (("log", log), ("metrics", page), ("OTLP", sent)):
        for secret in (*keys, question):
            assert secret not in text, f"{secret} is in the {place}"
    for _, headers, text in answers:
        for secret in keys:
            assert secret not in text, f"{secret} is in an answer: {text[:300]}"
            assert secret not in str(headers), f"{secret} is in a header of an answer"
