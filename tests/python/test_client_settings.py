"""Module settings act when a call is made; `mock_response`; the functions as other programs see and replace them."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from _upstream import HELLO, Exchange, Upstream, arguments, chat, text_of

import ferrolite


def sent(upstream: Upstream) -> Any:
    return upstream.requests[-1]


# Settings


def test_drop_params(monkeypatch: pytest.MonkeyPatch) -> None:
    with Upstream(lambda exchange: exchange.json({"error": {"message": "x"}}, 400)) as upstream:
        keywords = arguments(upstream, model="anthropic/claude-sonnet-4-5", logit_bias={"1": 2})
        for value, kind in [
            (False, ferrolite.UnsupportedParamsError),
            (True, ferrolite.BadRequestError),
            ("true", ferrolite.BadRequestError),
            ("off", ferrolite.UnsupportedParamsError),
        ]:
            monkeypatch.setattr(ferrolite, "drop_params", value)
            with pytest.raises(ferrolite.BadRequestError) as caught:
                ferrolite.completion(**keywords)
            assert type(caught.value) is kind, value
        assert "logit_bias" not in sent(upstream).json()


def test_api_base_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with Upstream() as upstream:
        monkeypatch.setattr(ferrolite, "api_base", upstream.url)
        monkeypatch.setattr(ferrolite, "api_key", "sk-any")
        ferrolite.completion("openai/m", HELLO)
        assert sent(upstream).headers["authorization"] == "Bearer sk-any"
        monkeypatch.setattr(ferrolite, "openai_key", "sk-openai")
        ferrolite.completion("openai/m", HELLO)
        assert sent(upstream).headers["authorization"] == "Bearer sk-openai"
        ferrolite.completion("openai/m", HELLO, api_key="sk-mine")
        assert sent(upstream).headers["authorization"] == "Bearer sk-mine"
        with Upstream() as other:
            ferrolite.completion("openai/m", HELLO, base_url=other.url)
            assert len(other.requests) == 1


def test_headers_and_organization(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ferrolite, "headers", {"x-all": "1", "x-both": "module"})
    monkeypatch.setattr(ferrolite, "organization", "org-module")
    with Upstream() as upstream:
        ferrolite.completion(**arguments(upstream, extra_headers={"x-both": "call", "x-own": 3}))
        headers = sent(upstream).headers
        assert (headers["x-all"], headers["x-both"], headers["x-own"]) == ("1", "call", "3")
        assert headers["openai-organization"] == "org-module"
        ferrolite.completion(**arguments(upstream, organization="org-call"))
        assert sent(upstream).headers["openai-organization"] == "org-call"
        assert headers["user-agent"]


def test_model_alias_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ferrolite, "model_alias_map", {"mine": "openai/real"})
    with Upstream() as upstream:
        ferrolite.completion(**arguments(upstream, model="mine"))
        assert sent(upstream).json()["model"] == "real"
        ferrolite.completion(**arguments(upstream, model="mine", model_alias_map={"mine": "openai/other"}))
        assert sent(upstream).json()["model"] == "other"


def test_settings_changed_between_calls_and_in_place() -> None:
    with Upstream() as upstream:
        try:
            for value in ("1", "2"):
                ferrolite.headers = {"x-a": value}
                ferrolite.completion(**arguments(upstream))
                assert sent(upstream).headers["x-a"] == value
            ferrolite.headers["x-a"] = "3"
            ferrolite.completion(**arguments(upstream))
            assert sent(upstream).headers["x-a"] == "3"
        finally:
            ferrolite.headers = None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_retries", "many"),
        ("request_timeout", object()),
        ("headers", 3),
        ("model_alias_map", []),
        ("api_key", 3),
        ("ssl_verify", 3.5),
    ],
)
def test_settings_of_the_wrong_type_do_not_crash(
    name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ferrolite, name, value)
    with Upstream() as upstream:
        assert ferrolite.completion(**arguments(upstream)).choices[0].message.content == "hi"


def test_any_attribute_can_be_set() -> None:
    ferrolite._dspy_logging_configured = True  # type: ignore[attr-defined]
    ferrolite.telemetry = False  # type: ignore[attr-defined]
    assert ferrolite.telemetry is False  # type: ignore[attr-defined]
    del ferrolite._dspy_logging_configured  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["nonsense", "Nonsense", "_nonsense", "__wrapped__", "__path_of_it__"])
def test_an_unknown_attribute_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'ferrolite' has no attribute '{name}'"):
        getattr(ferrolite, name)
    assert getattr(ferrolite, name, 3) == 3
    assert not hasattr(ferrolite, name)


# The functions themselves


def test_they_can_be_replaced_and_restored() -> None:
    original = ferrolite.completion
    with mock.patch("ferrolite.completion", return_value=3):
        assert ferrolite.completion("m", []) == 3
    assert ferrolite.completion is original
    with mock.patch("ferrolite.acompletion", new=mock.AsyncMock(return_value=4)):
        assert asyncio.run(ferrolite.acompletion("m", [])) == 4
    with mock.patch.object(ferrolite, "completion", wraps=original) as spy:
        assert ferrolite.completion("openai/m", HELLO, mock_response="x").choices[0].message.content == "x"
        spy.assert_called_once()


def test_coroutine_functions_are_told_apart() -> None:
    assert inspect.iscoroutinefunction(ferrolite.acompletion)
    assert not inspect.iscoroutinefunction(ferrolite.completion)
    assert asyncio.iscoroutinefunction(ferrolite.acompletion)


COMPLETION = """model messages timeout temperature top_p n stream stream_options stop max_completion_tokens max_tokens
modalities prediction audio presence_penalty frequency_penalty logit_bias user reasoning_effort verbosity
response_format seed tools tool_choice logprobs top_logprobs parallel_tool_calls web_search_options
include_server_side_tool_invocations deployment_id extra_headers safety_identifier service_tier store prompt_cache_key
prompt_cache_retention functions function_call base_url api_version api_key model_list thinking shared_session
enable_json_schema_validation kwargs"""
ACOMPLETION = """model messages functions function_call timeout temperature top_p n stream stream_options stop max_tokens
max_completion_tokens modalities prediction audio presence_penalty frequency_penalty logit_bias user response_format
seed tools tool_choice parallel_tool_calls logprobs top_logprobs deployment_id reasoning_effort verbosity
safety_identifier service_tier store prompt_cache_key prompt_cache_retention base_url api_version api_key model_list
extra_headers thinking web_search_options include_server_side_tool_invocations shared_session
enable_json_schema_validation kwargs"""
MOCK = (
    "model messages stream n mock_response mock_tool_calls mock_timeout logging custom_llm_provider timeout "
    "prompt_tokens kwargs"
)
BUILDER = "chunks messages start_time end_time logging_obj count_prompt_tokens"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("completion", COMPLETION), ("acompletion", ACOMPLETION), ("stream_chunk_builder", BUILDER)],
)
def test_signatures_are_the_references(name: str, parameters: str) -> None:
    signature = inspect.signature(getattr(ferrolite, name))
    assert list(signature.parameters) == parameters.split()
    for parameter in list(signature.parameters.values())[2:]:
        assert parameter.kind is parameter.VAR_KEYWORD or parameter.default is None


def test_the_signature_of_mock_completion_is_the_references() -> None:
    assert list(inspect.signature(ferrolite.mock_completion).parameters) == MOCK.split()


def test_positional_arguments() -> None:
    with Upstream() as upstream:
        keywords = arguments(upstream)
        del keywords["model"], keywords["messages"], keywords["timeout"]
        ferrolite.completion("openai/m", HELLO, 5, 0.5, 0.9, 2, **keywords)
        body = sent(upstream).json()
        assert (body["temperature"], body["top_p"], body["n"]) == (0.5, 0.9, 2)
        assert "timeout" not in body


def test_the_references_control_names_are_never_sent() -> None:
    text = (Path(__file__).parents[2] / "src" / "engine" / "control.rs").read_text()

    def names(which: str) -> list[str]:
        found = re.search(rf"const {which}: &\[&str\] = &\[(.*?)\];", text, re.S)
        assert found is not None
        return re.findall(r'"([^"]+)"', found[1])

    ignored: dict[str, Any] = {name: {"a": 1} for name in names("IGNORED")}
    texts = {name: "x" for name in names("STEERING") if name.startswith("aws_")}
    assert ignored
    assert texts
    with Upstream() as upstream:
        more = {**ignored, **texts, "region_name": "r", "model_id": "i"}
        ferrolite.completion(**arguments(upstream, **more, input_cost_per_token=0.1, own=1, none=None))
        assert set(sent(upstream).json()) == {"model", "messages", "own"}


def test_extra_body_and_query() -> None:
    with Upstream() as upstream:
        ferrolite.completion(**arguments(upstream, extra_body={"a": 1}, extra_query={"b": "x y", "c": 2}))
        assert sent(upstream).json()["a"] == 1
        assert sent(upstream).path == "/v1/chat/completions?b=x+y&c=2"


# mock_response


def mocked(**more: Any) -> Any:
    return ferrolite.completion("openai/gpt-4o", HELLO, **more)


def test_a_mock_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    response = mocked(mock_response="pong")
    assert response.choices[0].message.content == "pong"
    assert (response.usage.prompt_tokens, response.usage.completion_tokens, response.usage.total_tokens) == (
        10,
        20,
        30,
    )
    assert response.model == "gpt-4o"
    assert (
        asyncio.run(ferrolite.acompletion("gpt-4o", HELLO, mock_response="pong")).choices[0].message.content
        == "pong"
    )
    assert ferrolite.mock_completion("gpt-4o", HELLO).choices[0].message.content == "This is a mock request"


def test_a_mock_with_choices_and_tools() -> None:
    assert [choice.index for choice in mocked(mock_response="x", n=3).choices] == [0, 1, 2]
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    choice = mocked(mock_response="", mock_tool_calls=[call]).choices[0]
    assert choice.message.tool_calls[0].function.name == "f"


def test_a_mock_stream() -> None:
    stream = mocked(mock_response="pong pong", stream=True)
    pieces = list(stream)
    assert text_of(pieces) == "pong pong"
    assert pieces[-1].choices[0].finish_reason == "stop"

    async def run() -> str:
        stream: Any = await ferrolite.acompletion("gpt-4o", HELLO, mock_response="pong", stream=True)
        return "".join([piece.choices[0].delta.content or "" async for piece in stream])

    assert asyncio.run(run()) == "pong"


@pytest.mark.parametrize("name", ["RateLimitError", "ContextWindowExceededError", "InternalServerError"])
@pytest.mark.parametrize("stream", [None, True])
def test_a_mock_error_by_name(name: str, stream: bool | None) -> None:
    with pytest.raises(getattr(ferrolite, name)) as caught:
        mocked(mock_response=f"litellm.{name}", stream=stream)
    assert caught.value.llm_provider == "openai"


def test_a_mock_error_of_another_name_is_a_text() -> None:
    assert mocked(mock_response="litellm.NotFoundError").choices[0].message.content == "litellm.NotFoundError"


def test_a_mock_exception() -> None:
    with pytest.raises(ferrolite.InternalServerError, match="boom"):
        mocked(mock_response=Exception("boom"))
    error = ferrolite.RateLimitError(message="slow", llm_provider="openai", model="m")
    with pytest.raises(ferrolite.RateLimitError) as caught:
        mocked(mock_response=error)
    assert caught.value is error
    with pytest.raises(ferrolite.InternalServerError):
        asyncio.run(ferrolite.acompletion("gpt-4o", HELLO, mock_response=ValueError("x")))


def test_a_mock_that_is_a_response() -> None:
    whole = {**chat("the whole"), "system_fingerprint": "fp"}
    for form in (whole, ferrolite.ModelResponse(**whole)):
        response = mocked(mock_response=form)
        assert isinstance(response, ferrolite.ModelResponse)
        assert response.choices[0].message.content == "the whole"
        assert response.usage.total_tokens == 8
        assert response.system_fingerprint == "fp"
        assert text_of(mocked(mock_response=form, stream=True)) == "the whole"


def test_a_mock_that_takes_time() -> None:
    started = time.monotonic()
    mocked(mock_response="x", mock_delay=0.15)
    assert 0.15 <= time.monotonic() - started < 0.5
    started = time.monotonic()
    with pytest.raises(ferrolite.Timeout, match="mock timeout"):
        mocked(mock_timeout=True, timeout=0.15)
    assert 0.15 <= time.monotonic() - started < 0.5


# Headers of an answer


def test_err_15_headers_of_the_provider() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.json(chat("hi"), headers={"x-ratelimit-remaining-requests": "9", "X-Request-Id": "r-1"})

    with Upstream(answer) as upstream:
        response: Any = ferrolite.completion(**arguments(upstream))
    found = response._hidden_params["additional_headers"]
    assert (
        found["x-ratelimit-remaining-requests"] == found["llm_provider-x-ratelimit-remaining-requests"] == "9"
    )
    assert found["llm_provider-x-request-id"] == "r-1"
    assert response._response_headers["x-request-id"] == "r-1"
    assert response._response_ms > 0
    assert json.dumps(response._hidden_params)
