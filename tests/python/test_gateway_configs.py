"""The configurations of tests/fixtures/gateway, as they stand, in front of a mock: each does what it is for.

Where providers are is said by variables (OPENAI_API_BASE …); an address that stands in a file is replaced by the mock's.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from _gateway import HI, KEY, UPSTREAM_KEY, Answer, ask, connect, model, wait_for, written
from _upstream import Exchange, Upstream, chat, chunk, event

from ferrolite.gateway import Gateway
from ferrolite.testing import MockServer

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gateway"
PROVED = {
    "aliases",
    "caching",
    "callbacks",
    "dialects",
    "fallbacks",
    "load_balancing",
    "pass_through",
    "tags",
    "weights",
    "wildcard",
}


def test_every_configuration_is_here() -> None:
    names = {path.stem for path in FIXTURES.glob("*.yaml")}
    assert names - {"bad", "dialects_more"} == PROVED


@pytest.fixture
def mock() -> Iterator[str]:
    with MockServer(record=True) as server:
        yield server.base_url


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, mock: str) -> pytest.MonkeyPatch:
    """Where the mock is, for the providers whose address a file does not say."""
    values = {
        "OPENAI_API_BASE": f"{mock}/v1",
        "ANTHROPIC_API_BASE": mock,
        "GEMINI_API_BASE": mock,
        "GROQ_API_BASE": f"{mock}/v1",
        "MASTER_KEY": KEY,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    keys = "OPENAI_API_KEY ANTHROPIC_API_KEY GEMINI_API_KEY GROQ_API_KEY HUGGINGFACE_API_KEY COHERE_API_KEY "
    for name in (keys + "AZURE_API_KEY_EU AZURE_API_KEY_CA").split():
        monkeypatch.setenv(name, UPSTREAM_KEY)
    monkeypatch.delenv("LITELLM_MASTER_KEY", raising=False)
    return monkeypatch


def serve(name: str, tmp_path: Path, **addresses: str) -> Gateway:
    """A gateway on this configuration; `addresses` replace texts of the file."""
    path = FIXTURES / f"{name}.yaml"
    if addresses:
        text = path.read_text()
        for old, new in addresses.items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / path.name
        path.write_text(text)
    return Gateway(config=str(path), port=0, host="127.0.0.1")


def chats(base: str, name: str, **more: Any) -> Answer:
    return ask(base, "/v1/chat/completions", {"model": name, "messages": HI, **more})


def last(mock: str) -> dict[str, Any]:
    """The last request that the mock has seen."""
    return ask(mock, "/_mock/requests").json()["requests"][-1]


def seen(mock: str) -> int:
    return ask(mock, "/_mock/requests").json()["seen"]


def many(
    base: str, count: int, body: dict[str, Any], threads: int = 8
) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of many requests, over connections that are kept."""
    data = json.dumps(body)
    local = threading.local()
    opened: list[http.client.HTTPConnection] = []
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}

    def one(_: int) -> tuple[int, dict[str, str], bytes]:
        connection = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = connect(base)
            opened.append(connection)
        connection.request("POST", "/v1/chat/completions", data, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, range(count)))
    finally:
        for connection in opened:
            connection.close()


def test_weights_split_the_calls(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ninety to ten, within a point over 10,000 calls."""
    del variables
    counted: Counter[str] = Counter()
    with serve("weights", tmp_path) as gateway:
        ids = {
            entry["model_info"]["id"]: entry["litellm_params"]["model"]
            for entry in ask(gateway.base_url, "/model/info").json()["data"]
        }
        for status, headers, _ in many(gateway.base_url, 10_000, {"model": "o1", "messages": HI}):
            assert status == 200
            counted[ids[headers["x-litellm-model-id"]]] += 1
    assert sum(counted.values()) == 10_000
    assert 8_900 <= counted["o1-preview"] <= 9_100, counted


def test_load_balancing(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    """Most calls go where the limit is high; a deployment that cannot be reached costs no client an error."""
    variables.setenv("REDIS_HOST", "127.0.0.1")
    variables.setenv("REDIS_PASSWORD", "x")
    addresses = {"https://example-eu.openai.azure.com/": "http://127.0.0.1:1/", "6379": "1"}
    addresses["https://example-ca.openai.azure.com/"] = "http://127.0.0.1:1/"
    with serve("load_balancing", tmp_path, **addresses) as gateway:
        answers = many(gateway.base_url, 1_000, {"model": "gpt-4o", "messages": HI})
    assert {status for status, _, _ in answers} == {200}
    assert {headers["x-litellm-model-id"] for _, headers, _ in answers} == {"openai-gpt-4o"}
    assert seen(mock) == 1_000


def test_fallbacks(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    def refuses(exchange: Exchange) -> None:
        body = exchange.request.json()
        if len(body["messages"][0]["content"]) > 100:
            error = {
                "message": "This model's maximum context length is 100 tokens.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        else:
            error = {"message": "down", "type": "server_error", "param": None, "code": None}
        status = 400 if error["code"] else 503
        if body["model"] == "gpt-4o":
            exchange.json(chat("from gpt-4o"))
        else:
            exchange.json({"error": error}, status)

    with Upstream(refuses) as openai:
        variables.setenv("OPENAI_API_BASE", openai.url)
        with serve("fallbacks", tmp_path, **{"http://127.0.0.1:8001": "http://127.0.0.1:1"}) as gateway:
            base = gateway.base_url
            # zephyr cannot be reached, gpt-4o-mini is down, gpt-4o answers.
            answer = chats(base, "zephyr-beta", num_retries=0)
            assert answer.status == 200, answer.text
            assert answer.json()["choices"][0]["message"]["content"] == "from gpt-4o"
            assert int(answer.headers["x-litellm-attempted-fallbacks"]) >= 1
            assert answer.json()["model"] != "zephyr-beta", "another model answered, and that is said"
            # A prompt that is too long has a list of its own.
            long = [{"role": "user", "content": "word " * 100}]
            answer = ask(base, "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": long})
            assert answer.json()["choices"][0]["message"]["content"] == "from gpt-4o"
            assert openai.requests[-2].json()["model"] == "gpt-4o-mini"
    # Nothing of OpenAI's is there any more: the next in the list is Anthropic's.
    variables.setenv("OPENAI_API_BASE", "http://127.0.0.1:1/v1")
    with serve("fallbacks", tmp_path, **{"http://127.0.0.1:8001": "http://127.0.0.1:1"}) as gateway:
        answer = chats(gateway.base_url, "gpt-4o-mini", num_retries=0)
        assert answer.status == 200, answer.text
        assert last(mock)["path"] == "/v1/messages"


def test_wildcard(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    del variables
    with serve("wildcard", tmp_path) as gateway:
        for name, sent, path in (
            ("anthropic/claude-sonnet-4-5", "claude-sonnet-4-5", "/v1/messages"),
            ("openai/gpt-4o", "gpt-4o", "/v1/chat/completions"),
            ("my-llama-3.1-8b-instant", "llama-3.1-8b-instant", "/v1/chat/completions"),
            ("gemini/gemini-2.5-flash", None, "/models/gemini-2.5-flash:generateContent"),
            ("gpt-4o-mini", "gpt-4o-mini", "/v1/chat/completions"),
        ):
            answer = chats(gateway.base_url, name)
            assert answer.status == 200, (name, answer.text)
            assert answer.json()["model"] == name
            request = last(mock)
            assert request["path"].endswith(path), name
            assert request["body"].get("model") == sent, name


def test_aliases(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    del variables
    with serve("aliases", tmp_path, **{"https://api.openai.com/v1": f"{mock}/v1"}) as gateway:
        listed = {entry["id"] for entry in ask(gateway.base_url, "/v1/models").json()["data"]}
        assert listed == {"gpt-4o", "small", "small-and-short", "gpt-4"}
        answer = chats(gateway.base_url, "gpt-4")
        assert (answer.status, last(mock)["body"]["model"]) == (200, "gpt-4o")
        usage = answer.json()["usage"]
        cost = usage["prompt_tokens"] * 2.5e-6 + usage["completion_tokens"] * 1e-5
        assert float(answer.headers["x-litellm-response-cost"]) == pytest.approx(cost)
        assert chats(gateway.base_url, "gpt-3.5-turbo").status == 200
        assert last(mock)["body"]["temperature"] == 0.2
        assert chats(gateway.base_url, "small-and-short").status == 200
        body = last(mock)["body"]
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("gpt-4o-mini", 0.2, 100)


def test_tags(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    del variables
    with serve("tags", tmp_path) as gateway:
        for tags, sent in ((["free"], "gpt-4o-mini"), (["paid"], "gpt-4o"), (None, "gpt-4.1-mini")):
            for _ in range(5):
                answer = chats(gateway.base_url, "gpt-4", **({"metadata": {"tags": tags}} if tags else {}))
                assert answer.status == 200, answer.text
                assert last(mock)["body"]["model"] == sent
        headers = {"x-litellm-tags": "paid"}
        answer = ask(
            gateway.base_url, "/v1/chat/completions", {"model": "gpt-4", "messages": HI}, headers=headers
        )
        assert answer.status == 200
        assert last(mock)["body"]["model"] == "gpt-4o"


def test_caching(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    del variables
    with serve("caching", tmp_path) as gateway:
        base = gateway.base_url
        first = chats(base, "gpt-4o-mini")
        wait_for(lambda: "x-litellm-cache-key" in chats(base, "gpt-4o-mini").headers, "nothing was kept")
        asked = seen(mock)
        second = chats(base, "gpt-4o-mini")
        assert second.json()["choices"] == first.json()["choices"]
        assert second.headers["x-litellm-cache-key"]
        assert float(second.headers["x-litellm-response-cost"]) == 0
        assert seen(mock) == asked
        assert chats(base, "gpt-4o-mini", temperature=0.1).status == 200
        assert seen(mock) == asked + 1
        assert chats(base, "gpt-4o-mini", cache={"no-cache": True}).status == 200
        assert seen(mock) == asked + 2
        embedding = {"model": "text-embedding-3-small", "input": ["one"]}
        told = [ask(base, "/v1/embeddings", embedding) for _ in range(3)]
        assert [answer.status for answer in told] == [200] * 3
        assert told[0].json()["data"] == told[2].json()["data"]
        assert seen(mock) < asked + 5


def test_dialects(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    variables.setenv("AWS_ACCESS_KEY_ID", "x")
    variables.setenv("AWS_SECRET_ACCESS_KEY", "y")
    with serve("dialects", tmp_path) as gateway:
        base = gateway.base_url
        listed = {entry["id"] for entry in ask(base, "/v1/models").json()["data"]}
        assert listed == {"gpt-4o", "claude-sonnet", "gemini-flash", "nova", "local"}
        for name in ("gpt-4o", "claude-sonnet", "gemini-flash"):
            assert chats(base, name).status == 200
            message = ask(base, "/v1/messages", {"model": name, "messages": HI, "max_tokens": 10})
            assert message.json()["content"][0]["text"], name
            contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
            gemini = ask(base, f"/v1beta/models/{name}:generateContent", {"contents": contents})
            assert gemini.json()["candidates"], name
            response = ask(base, "/v1/responses", {"model": name, "input": "Hi"})
            assert response.json()["status"] == "completed", name
        assert ask(base, "/v1/models", key=None).status == 401, "the key stands in the file that is included"
        assert chats(base, "claude-sonnet").status == 200
        assert last(mock)["body"]["max_tokens"] == 4096


def test_callbacks_and_providers_in_python(variables: pytest.MonkeyPatch, mock: str, tmp_path: Path) -> None:
    """It starts and serves; what the handlers are told is a matter of test_gateway_hooks.py."""
    # Settings of callbacks are the process's, and other tests run in it.
    variables.setattr("ferrolite.turn_off_message_logging", False)
    del mock
    variables.syspath_prepend(str(tmp_path))
    variables.chdir(tmp_path)
    (tmp_path / "custom_callbacks.py").write_text(
        "from ferrolite.integrations.custom_logger import CustomLogger\n"
        "class Handler(CustomLogger): pass\nproxy_handler_instance = Handler()\n"
    )
    (tmp_path / "custom_handler.py").write_text(
        "from ferrolite import CustomLLM\nclass Mine(CustomLLM): pass\nmy_custom_llm = Mine()\n"
    )
    (tmp_path / "custom_guardrail.py").write_text(
        "from ferrolite.integrations.custom_guardrail import CustomGuardrail\n"
        "class myCustomGuardrail(CustomGuardrail): pass\n"
    )
    try:
        with serve("callbacks", tmp_path) as gateway:
            assert chats(gateway.base_url, "gpt-4o-mini").status == 200
            listed = {entry["id"] for entry in ask(gateway.base_url, "/v1/models").json()["data"]}
            assert listed == {"gpt-4o-mini", "mine"}
    finally:
        for name in ("custom_callbacks", "custom_handler", "custom_guardrail"):
            sys.modules.pop(name, None)


def test_pass_through(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It starts and serves its model; the paths themselves are a matter of test_gateway_pass_through.py."""
    del variables
    with serve("pass_through", tmp_path) as gateway:
        assert chats(gateway.base_url, "gpt-4o-mini").status == 200


class Failing:
    """An upstream that answers slowly, and can be killed with its calls under way."""

    def __init__(self) -> None:
        self.is_down = threading.Event()
        self.server = Upstream(self.answer)

    def answer(self, exchange: Exchange) -> None:
        if self.is_down.wait(0.05):
            exchange.reset()
        else:
            exchange.json(chat("from the first"))

    def kill(self) -> None:
        self.is_down.set()
        self.server.stop()


def test_gpt4_is_down(tmp_path: Path) -> None:
    """The first deployment is killed in the middle of 1,000 running calls: no client sees an error."""
    first = Failing()
    with MockServer(reply="from the second") as second:
        models = [
            model("gpt-4o", "openai/gpt-4", first.server.url),
            model("gpt-4o-b", "openai/gpt-4o", f"{second.base_url}/v1"),
        ]
        settings = {"fallbacks": [{"gpt-4o": ["gpt-4o-b"]}], "num_retries": 0}
        path = written(tmp_path, models, router_settings=settings)
        with Gateway(config=str(path), port=0) as gateway:
            killer = threading.Thread(
                target=lambda: (first.server.wait_requests(400), first.kill()), daemon=True
            )
            killer.start()
            answers = many(gateway.base_url, 1_000, {"model": "gpt-4o", "messages": HI}, threads=64)
            killer.join()
    statuses = Counter(status for status, _, _ in answers)
    assert statuses == {200: 1_000}
    said = Counter(json.loads(body)["choices"][0]["message"]["content"] for _, _, body in answers)
    assert said["from the first"] > 100
    assert said["from the second"] > 100
    assert sum(said.values()) == 1_000


def test_a_stream_that_breaks_off_before_its_text_goes_elsewhere(tmp_path: Path) -> None:
    def breaks(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(chunk({"role": "assistant", "content": ""}))
        exchange.piece(event('{"error": {"message": "overloaded", "type": "server_error"}}'))
        exchange.reset()

    with Upstream(breaks) as first, MockServer(reply="from the second") as second:
        models = [
            model("gpt-4o", "openai/gpt-4", first.url),
            model("gpt-4o-b", "openai/gpt-4o", f"{second.base_url}/v1"),
        ]
        settings = {"fallbacks": [{"gpt-4o": ["gpt-4o-b"]}], "num_retries": 0}
        path = written(tmp_path, models, router_settings=settings)
        with Gateway(config=str(path), port=0) as gateway:
            for _ in range(3):
                text = ask(
                    gateway.base_url,
                    "/v1/chat/completions",
                    {"model": "gpt-4o", "messages": HI, "stream": True},
                ).text
                assert "second" in text
                assert '"error"' not in text
                assert text.endswith("data: [DONE]\n\n")
