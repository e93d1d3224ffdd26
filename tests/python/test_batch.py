"""Many completions at once, and health checks."""

import asyncio
import contextvars
import threading
import time

import pytest
from _upstream import Upstream, chat

import ferrolite
from ferrolite import CustomLLM
from ferrolite.llms.custom_llm import CustomLLMError


def conversation(text):
    return [{"role": "user", "content": text}]


class Handler(CustomLLM):
    """Says its model's name and what it was asked; `slow` waits, `bad` fails."""

    def __init__(self):
        self.seen = []
        self.running = self.most = 0
        self.lock = threading.Lock()

    def completion(self, model, messages, optional_params, timeout, model_response, **_):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.seen.append((model, optional_params, timeout))
        time.sleep(0.3 if model.startswith("slow") else 0.01)
        with self.lock:
            self.running -= 1
        if model.startswith("bad"):
            raise CustomLLMError(400, model)
        model_response.choices[0].message.content = f"{model}:{messages[0]['content']}"
        return model_response

    async def acompletion(self, **got):
        return self.completion(**got)

    async def aembedding(self, input, model_response, **_):
        model_response.data = [{"object": "embedding", "index": 0, "embedding": [1.0]} for _ in input]
        return model_response


@pytest.fixture
def handler(monkeypatch):
    made = Handler()
    monkeypatch.setattr(ferrolite, "custom_provider_map", [{"provider": "my-llm", "custom_handler": made}])
    return made


def text(answer):
    return answer.choices[0].message.content


def test_a_batch_is_in_order_and_failures_are_items(handler):
    answers = ferrolite.batch_completion(
        "my-llm/x", [conversation(name) for name in "abc"], temperature=0.1, foo=3, timeout=4
    )
    assert [text(answer) for answer in answers] == ["x:a", "x:b", "x:c"]
    assert handler.seen[0] == ("x", {"temperature": 0.1, "foo": 3}, 4.0)
    good, bad = ferrolite.batch_completion(
        "my-llm/x", [conversation("a"), [{"role": "user"}, 3]], mock_response="m"
    )
    assert text(good) == "m"
    assert isinstance(bad, ferrolite.BadRequestError)
    assert ferrolite.batch_completion("my-llm/x", []) == []


def test_a_batch_runs_so_many_at_a_time(handler):
    ferrolite.batch_completion("my-llm/x", [conversation("a")] * 6, max_workers=2)
    assert handler.most <= 2
    handler.most = 0
    ferrolite.batch_completion("my-llm/slow", [conversation("a")] * 4)
    assert handler.most == 4


def test_a_batch_takes_the_function_and_the_context_of_its_time(monkeypatch):
    variable = contextvars.ContextVar("variable")
    variable.set("mine")
    monkeypatch.setattr(ferrolite, "completion", lambda model, messages, **_: (model, variable.get()))
    assert ferrolite.batch_completion("m", [conversation("a")]) == [("m", "mine")]


def test_the_first_of_several_models_answers(handler):
    started = time.monotonic()
    answer = ferrolite.batch_completion_models(
        models=["my-llm/slow", "my-llm/bad", "my-llm/fast"], messages=conversation("a")
    )
    assert text(answer) == "fast:a"
    assert time.monotonic() - started < 0.25
    answer = ferrolite.batch_completion_models(conversation("a"), models="my-llm/fast")
    assert text(answer) == "fast:a"


def test_deployments_have_keywords_of_their_own(handler):
    deployments = [{"model": "my-llm/slow"}, {"model": "my-llm/fast", "temperature": 0.5}]
    answer = ferrolite.batch_completion_models(deployments=deployments, messages=conversation("a"), foo=1)
    assert text(answer) == "fast:a"
    assert ("fast", {"temperature": 0.5, "foo": 1}, 600.0) in handler.seen


def test_when_all_models_fail_an_error_says_why(handler):
    with pytest.raises(ferrolite.BadRequestError, match="bad"):
        ferrolite.batch_completion_models(models=["my-llm/bad", "my-llm/bad2"], messages=conversation("a"))
    assert ferrolite.batch_completion_models(messages=conversation("a")) is None


def test_all_models_answer_in_their_order(handler, caplog):
    answers = ferrolite.batch_completion_models_all_responses(
        models=["my-llm/slow", "my-llm/bad", "my-llm/fast"], messages=conversation("a")
    )
    assert [text(answer) for answer in answers] == ["slow:a", "fast:a"]
    assert ferrolite.batch_completion_models_all_responses(models=[], messages=conversation("a")) == []
    with pytest.raises(TypeError, match="models"):
        ferrolite.batch_completion_models_all_responses(messages=conversation("a"))


# Health


def check(params, **keywords):
    return asyncio.run(ferrolite.ahealth_check(params, **keywords))


def answer_all(exchange):
    bodies = {
        "/v1/chat/completions": chat("hi"),
        "/v1/embeddings": {"object": "list", "data": [], "model": "m"},
    }
    exchange.json(
        bodies[exchange.request.path], headers={"x-ratelimit-remaining-tokens": "9", "x-other": "1"}
    )


@pytest.mark.parametrize(
    ("mode", "path"),
    [
        (None, "/v1/chat/completions"),
        ("chat", "/v1/chat/completions"),
        ("embedding", "/v1/embeddings"),
    ],
)
def test_a_healthy_model_tells_its_rate_limits(mode, path):
    with Upstream(answer_all) as upstream:
        params = {"model": "openai/m", "api_key": "key", "api_base": upstream.url}
        assert check(params, mode=mode) == {"x-ratelimit-remaining-tokens": "9"}
        assert [request.path for request in upstream.requests] == [path]
        assert "messages" not in params, "the caller's own dict"


@pytest.mark.parametrize(
    ("mode", "function", "asked"),
    [
        ("image_generation", "aimage_generation", {"prompt": "test"}),
        ("image_edit", "aimage_edit", {"prompt": "test"}),
        ("audio_transcription", "atranscription", {}),
        ("audio_speech", "aspeech", {"input": "test", "voice": "alloy"}),
        ("rerank", "arerank", {"query": "test", "documents": ["my sample text"]}),
    ],
)
def test_each_mode_has_its_call(monkeypatch, mode, function, asked):
    called = []

    async def answer(**keywords):
        called.append(keywords)
        return ferrolite.ModelResponse(hidden_params={"additional_headers": {"x-ratelimit-limit": "1"}})

    monkeypatch.setattr(ferrolite, function, answer)
    assert check({"model": "m", "api_key": "key", "messages": []}, mode=mode) == {"x-ratelimit-limit": "1"}
    files = {"image_edit": "image", "audio_transcription": "file"}
    name, content = called[0].pop(files[mode]) if mode in files else ("", b"x")
    assert isinstance(name, str)
    assert content
    assert called == [{"model": "m", "api_key": "key", **asked}]


def test_the_mode_is_what_the_model_is_listed_as():
    with Upstream(answer_all) as upstream:
        check({"model": "openai/text-embedding-3-small", "api_key": "key", "api_base": upstream.url})
        assert upstream.requests[0].json()["input"] == ["test"]


def test_a_failing_model_tells_its_error(handler):
    found = check({"model": "my-llm/bad"}, mode="chat")
    assert "BadRequestError" in found["error"]
    assert isinstance(found["exception"], ferrolite.BadRequestError)
    assert found["raw_request_typed_dict"] is None
    assert "not supported" in check({"model": "my-llm/x"}, mode="nonsense")["error"]
    assert check({}, mode="chat")["error"].startswith("model not set")


def test_a_handler_s_health(handler):
    assert check({"model": "my-llm/x", "temperature": 0.1}, prompt="Are you there?") == {}
    assert handler.seen[0][1] == {"temperature": 0.1}
    assert check({"model": "my-llm/x"}, mode="embedding", input=["q"]) == {}
