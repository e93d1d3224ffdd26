"""Models behind a model, budgets, gateways and schemas: settings that act around a chat completion."""

import asyncio
import logging
import os
import subprocess
import sys

import pytest
from _upstream import Upstream, text_events

import ferrolite

MESSAGES = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


class Provider(ferrolite.CustomLLM):
    """Answers with its model's name; models that are called bad fail."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def completion(self, model, messages, model_response, optional_params, api_key, **kwargs):
        self.asked.append((model, api_key, optional_params.get("temperature")))
        if model.startswith("bad"):
            raise ferrolite.RateLimitError(model, "own", model)
        model_response.choices[0].message.content = model
        return model_response

    async def acompletion(self, model, messages, model_response, optional_params, api_key, **kwargs):
        return self.completion(model, messages, model_response, optional_params, api_key)


@pytest.fixture
def provider(monkeypatch):
    own = Provider()
    monkeypatch.setattr(ferrolite, "custom_provider_map", [{"provider": "own", "custom_handler": own}])
    return own


def text(response):
    return response.choices[0].message.content


@pytest.mark.parametrize("is_async", [False, True])
def test_the_next_model_is_asked(provider, is_async, caplog):
    call = {"model": "own/bad", "messages": MESSAGES, "fallbacks": ["own/bad2", "own/good"], "num_retries": 0}
    with caplog.at_level(logging.WARNING, "LiteLLM"):
        answer = asyncio.run(ferrolite.acompletion(**call)) if is_async else ferrolite.completion(**call)
    assert text(answer) == "good"
    assert [model for model, *_ in provider.asked] == ["bad", "bad2", "good"]
    assert call["fallbacks"] == ["own/bad2", "own/good"]


def test_a_fallback_may_have_keywords_of_its_own(provider):
    other = {"model": "own/good", "api_key": "other", "temperature": 0.5}
    answer = ferrolite.completion("own/bad", MESSAGES, api_key="k", fallbacks=[other], num_retries=0)
    assert text(answer) == "good"
    assert provider.asked == [("bad", "k", None), ("good", "other", 0.5)]


def test_when_all_fail_the_last_error_is_raised(provider):
    with pytest.raises(ferrolite.RateLimitError, match="bad2"):
        ferrolite.completion("own/bad", MESSAGES, fallbacks=["own/bad2"], num_retries=0)


def test_the_settings_fallbacks_are_for_calls_without_their_own(provider, monkeypatch):
    monkeypatch.setattr(ferrolite, "model_fallbacks", ["own/good"])
    assert text(ferrolite.completion("own/bad", MESSAGES, num_retries=0)) == "good"
    with pytest.raises(ferrolite.RateLimitError):
        ferrolite.completion("own/bad", MESSAGES, fallbacks=[], num_retries=0)


def test_a_budget_that_is_spent_ends_calls(provider, monkeypatch):
    monkeypatch.setattr(ferrolite, "max_budget", 1.0)
    monkeypatch.setattr(ferrolite, "_current_cost", 0.5)
    assert text(ferrolite.completion("own/good", MESSAGES)) == "good"
    monkeypatch.setattr(ferrolite, "_current_cost", 1.5)
    with pytest.raises(ferrolite.BudgetExceededError) as raised:
        ferrolite.completion("own/good", MESSAGES)
    assert (raised.value.current_cost, raised.value.max_budget, len(provider.asked)) == (1.5, 1.0, 1)


def test_what_a_call_costs_counts_for_the_budget(monkeypatch):
    monkeypatch.setattr(ferrolite, "max_budget", 1.0)
    monkeypatch.setattr(ferrolite, "_current_cost", 0.0)
    response = ferrolite.completion("openai/gpt-4o", MESSAGES, mock_response="Hello")
    assert ferrolite._current_cost == response._hidden_params["response_cost"] > 0


@pytest.mark.parametrize("watched", [False, True])
def test_what_a_stream_costs_counts_for_the_budget(monkeypatch, watched):
    """By the tokens that are counted here, the provider telling none; as soon as it has ended."""
    monkeypatch.setattr(ferrolite, "max_budget", 1e-9)
    if watched:
        monkeypatch.setattr(ferrolite, "success_callback", [lambda *told: None])
    with Upstream(lambda exchange: exchange.stream(text_events("Hello", " there"))) as upstream:
        call = {"model": "openai/gpt-4o", "messages": MESSAGES, "api_base": upstream.url, "api_key": "k"}

        async def read():
            return [chunk async for chunk in await ferrolite.acompletion(**call, stream=True)]

        for chunks in (lambda: list(ferrolite.completion(**call, stream=True)), lambda: asyncio.run(read())):
            monkeypatch.setattr(ferrolite, "_current_cost", 0.0)
            whole = ferrolite.stream_chunk_builder(chunks(), messages=MESSAGES)
            expected = ferrolite.completion_cost(whole, model="openai/gpt-4o")
            assert ferrolite._current_cost == pytest.approx(expected, rel=1e-12)
            assert expected > 0
            with pytest.raises(ferrolite.BudgetExceededError):
                ferrolite.completion(**call, stream=True)


def test_a_gateway_stands_before_every_model(monkeypatch):
    monkeypatch.setattr(ferrolite, "use_litellm_proxy", True)
    for model in ("openai/gpt-4o", "gpt-4o", "litellm_proxy/openai/gpt-4o"):
        response = ferrolite.completion(model, MESSAGES, mock_response="Hello")
        assert response._hidden_params["custom_llm_provider"] == "litellm_proxy"


def test_the_environment_may_ask_for_the_gateway():
    code = """
import ferrolite
ferrolite.completion("gpt-4o", [{"role": "user", "content": "Hi"}], mock_response="Hello")
print(ferrolite.use_litellm_proxy)
"""
    environment = os.environ | {"USE_LITELLM_PROXY": "True"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert run.stdout == "True\n"


def test_credentials_by_name_reach_the_call(provider, monkeypatch):
    entry = {"credential_name": "mine", "credential_values": {"api_key": "k"}}
    monkeypatch.setattr(ferrolite, "credential_list", [entry])
    ferrolite.completion("own/good", MESSAGES, litellm_credential_name="mine")
    assert provider.asked == [("good", "k", None)]


@pytest.mark.parametrize("by_setting", [False, True])
def test_answers_are_checked_against_their_schema(monkeypatch, by_setting):
    pytest.importorskip("jsonschema")
    monkeypatch.setattr(ferrolite, "enable_json_schema_validation", by_setting)
    given = {"response_format": FORM, "enable_json_schema_validation": None if by_setting else True}
    good = ferrolite.completion("openai/gpt-4o", MESSAGES, mock_response='{"a": 1}', **given)
    assert text(good) == '{"a": 1}'
    with pytest.raises(ferrolite.JSONSchemaValidationError) as raised:
        ferrolite.completion("openai/gpt-4o", MESSAGES, mock_response="{}", **given)
    assert "'a' is a required property" in str(raised.value.__cause__)
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    called = ferrolite.completion(
        "openai/gpt-4o", MESSAGES, mock_tool_calls=[call], mock_response="", **given
    )
    assert called.choices[0].message.tool_calls
