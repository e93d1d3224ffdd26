"""Callbacks: who is told of what, in which order, and with what."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from datetime import datetime
from typing import Any

import pytest
from _callbacks import USAGE, Recorder, acall, call, clean, provider, told
from _upstream import HELLO, KEY, Exchange, Upstream, chat

import ferrolite
from ferrolite.integrations.custom_logger import CustomLogger

__all__ = ["provider"]

PRE, POST = "log_pre_api_call", "log_post_api_call"

ORDERS = [
    ("completion", {}, [PRE, POST, "log_success_event"]),
    (
        "completion",
        {"stream": True},
        [PRE, POST, *["async_log_stream_event"] * 4, "log_success_event"],
    ),
    ("completion", {"model": "openai/bad"}, [PRE, POST, "log_failure_event"]),
    ("acompletion", {}, [PRE, POST, "async_log_success_event"]),
    ("acompletion", {"stream": True}, [POST, PRE, "async_log_success_event"]),
    ("acompletion", {"model": "openai/bad"}, [PRE, "async_log_failure_event"]),
    ("embedding", {"input": ["a"]}, [PRE, POST, "log_success_event"]),
    ("aembedding", {"input": ["a"]}, [PRE, POST, "async_log_success_event"]),
    (
        "text_completion",
        {"prompt": "a", "model": "text-completion-openai/m"},
        [PRE, POST, "log_success_event"],
    ),
    ("responses", {"input": "a", "use_chat_completions_api": True}, [PRE, POST, "log_success_event"]),
    (
        "aresponses",
        {"input": "a", "use_chat_completions_api": True},
        [PRE, POST, "async_log_success_event"],
    ),
]


def run(provider: Upstream, name: str, **more: Any) -> Any:
    """A call, an error of it, or the chunks of its stream."""
    try:
        if name.startswith("a"):
            return acall(provider, name, **more)
        answer = call(provider, name, **more)
        return list(answer) if more.get("stream") else answer
    except ferrolite.BadRequestError as error:
        return error
    finally:
        told()


def _id(case: tuple[str, dict[str, Any], list[str]]) -> str:
    name, more, _ = case
    return f"{name}{'-stream' if more.get('stream') else ''}{'-error' if 'bad' in str(more) else ''}"


@pytest.mark.parametrize(("name", "more", "order"), ORDERS, ids=[_id(case) for case in ORDERS])
def test_events_of_a_logger(provider: Upstream, name: str, more: Any, order: list[str]) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    run(provider, name, **more)
    assert logger.names == order
    kwargs = logger.of(PRE)["kwargs"]
    assert all(what["kwargs"] is kwargs for _, what in logger.events), "one dict lives through a call"
    assert kwargs["call_type"] == name
    assert kwargs["model"] in ("m", "bad")
    assert kwargs["custom_llm_provider"] in ("openai", "text-completion-openai")


FUNCTIONS = [
    ("completion", {}, ["input", "success ModelResponse"]),
    (
        "completion",
        {"stream": True},
        ["input", *["success ModelResponseStream"] * 4, "success ModelResponse"],
    ),
    ("completion", {"model": "openai/bad"}, ["input", "failure NoneType"]),
    ("acompletion", {}, ["input", "async success ModelResponse"]),
    ("acompletion", {"stream": True}, ["input", "async success ModelResponse"]),
    ("acompletion", {"model": "openai/bad"}, ["input", "failure NoneType", "async failure NoneType"]),
    ("embedding", {"input": ["a"]}, ["input", "success EmbeddingResponse"]),
]


@pytest.mark.parametrize(("name", "more", "order"), FUNCTIONS, ids=[_id(case) for case in FUNCTIONS])
def test_events_of_functions(provider: Upstream, name: str, more: Any, order: list[str]) -> None:
    said: list[str] = []

    def input(kwargs: dict[str, Any]) -> None:
        said.append("input")
        kwargs["mine"] = 17

    async def ainput(kwargs: dict[str, Any]) -> None:
        said.append("async input")

    def note(event: str, kwargs: dict[str, Any], response: Any, start: datetime, end: datetime) -> None:
        assert kwargs["mine"] == 17
        assert start <= end
        assert ("exception" in kwargs) == ("failure" in event)
        said.append(f"{event} {type(response).__name__}")

    def success(*told: Any) -> None:
        note("success", *told)

    async def asuccess(*told: Any) -> None:
        note("async success", *told)

    def failure(*told: Any) -> None:
        note("failure", *told)

    async def afailure(*told: Any) -> None:
        note("async failure", *told)

    ferrolite.input_callback += [input, ainput]
    ferrolite.success_callback += [success, asuccess]
    ferrolite.failure_callback += [failure, afailure]
    run(provider, name, **more)
    assert said == order


def test_one_kind_of_function_is_enough_for_asyncio(provider: Upstream) -> None:
    said: list[str] = []

    async def ainput(kwargs: dict[str, Any]) -> None:
        said.append("async input")

    ferrolite.input_callback.append(ainput)
    ferrolite.success_callback.append(lambda *told: said.append("success"))
    acall(provider)
    acall(provider, stream=True)
    assert said == ["async input", "success"] * 2


def test_what_a_success_says(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    metadata = {"trace_id": "t-1", "tags": ["x"], "own": 1}
    answer = call(provider, temperature=0.5, user="u", metadata=metadata)
    told()
    what = logger.of("log_success_event")
    kwargs = what["kwargs"]
    assert what["response"] is answer
    assert logger.threads["log_success_event"] == "litellm-logging"
    assert kwargs["messages"] == HELLO
    assert kwargs["optional_params"] == {"temperature": 0.5, "user": "u"}
    assert kwargs["litellm_params"]["metadata"]["own"] == 1
    assert kwargs["litellm_call_id"] == answer._hidden_params["litellm_call_id"]
    assert kwargs["additional_args"]["complete_input_dict"]["temperature"] == 0.5
    assert kwargs["additional_args"]["api_base"] == f"{provider.url}/chat/completions"
    assert '"Hello"' in kwargs["original_response"]
    assert kwargs["response_headers"]["x-request-id"] == "r-1"
    assert kwargs["log_event_type"] == "successful_api_call"
    assert KEY not in str(kwargs)
    payload = kwargs["standard_logging_object"]
    assert payload["id"] == answer.id
    assert payload["trace_id"] == "t-1"
    assert payload["status"] == "success"
    assert (payload["prompt_tokens"], payload["completion_tokens"], payload["total_tokens"]) == (5, 2, 7)
    assert payload["messages"] == HELLO
    assert payload["response"]["choices"][0]["message"]["content"] == "Hello"
    assert payload["model_parameters"] == {"temperature": 0.5, "user": "u"}
    assert payload["request_tags"] == ["x"]
    assert payload["api_base"].startswith(provider.origin)
    assert payload["startTime"] <= payload["endTime"]


FIELDS = """
id litellm_call_id trace_id session_id call_type cache_hit stream status status_fields custom_llm_provider
saved_cache_cost startTime endTime completionStartTime response_time model metadata cache_key cost_finalized
response_cost cost_breakdown autorouter_savings autorouter_savings_estimate autorouter_baseline_observation
total_tokens prompt_tokens completion_tokens request_tags request_model_access_groups end_user api_base model_group
model_id requester_ip_address user_agent messages response model_parameters hidden_params model_map_information
error_str error_information response_cost_failure_debug_info zero_cost_diagnostic guardrail_information
standard_built_in_tools_params
"""


def test_the_payload_has_the_recorded_fields(provider: Upstream, monkeypatch: Any) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    call(provider)
    told()
    monkeypatch.setattr(ferrolite, "standard_logging_payload_excluded_fields", ["messages"])
    with pytest.raises(ferrolite.BadRequestError):
        call(provider, model="openai/bad")
    told()
    success = logger.of("log_success_event")["kwargs"]["standard_logging_object"]
    failure = logger.of("log_failure_event")["kwargs"]["standard_logging_object"]
    assert list(success) == FIELDS.split()
    assert set(success) - set(failure) == {"messages"}


def test_lists_are_read_when_the_answer_is_there(provider: Upstream) -> None:
    logger = Recorder()
    for name in ("completion", "acompletion"):
        ferrolite.callbacks.append(logger)
        if name == "completion":
            call(provider)
            ferrolite.callbacks.clear()
        else:

            async def run() -> None:
                from ferrolite.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

                await call(provider, "acompletion")
                ferrolite.callbacks.clear()
                await GLOBAL_LOGGING_WORKER.flush()

            asyncio.run(run())
    told()
    assert logger.names.count("log_success_event") == 1
    assert logger.names.count("async_log_success_event") == 1


class Echo(ferrolite.CustomLLM):
    """A provider written in Python."""

    def completion(self, **kwargs: Any) -> Any:
        kwargs["logging_obj"].pre_call(input="told by the provider", additional_args={"api_key": "k" * 20})
        return kwargs["model_response"]

    async def acompletion(self, **kwargs: Any) -> Any:
        return kwargs["model_response"]

    def streaming(self, **kwargs: Any) -> Any:
        yield {"text": "Hello", "is_finished": True, "finish_reason": "stop", "index": 0, "usage": None}

    async def astreaming(self, **kwargs: Any) -> Any:
        yield {"text": "Hello", "is_finished": True, "finish_reason": "stop", "index": 0, "usage": None}


@pytest.mark.parametrize("name", ["completion", "acompletion"])
@pytest.mark.parametrize("stream", [False, True])
def test_providers_in_python(provider: Upstream, monkeypatch: Any, name: str, stream: bool) -> None:
    own = [{"provider": "echo", "custom_handler": Echo()}]
    monkeypatch.setattr(ferrolite, "custom_provider_map", own)
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    run(provider, name, model="echo/m", stream=stream)
    what = logger.events[-1]
    assert what[0] == ("log_success_event" if name == "completion" else "async_log_success_event")
    assert what[1]["kwargs"]["custom_llm_provider"] == "echo"
    assert what[1]["kwargs"]["model"] == "m"
    if stream:
        assert what[1]["response"].choices[0].message.content == "Hello"
    elif name == "completion":
        assert logger.names.count(PRE) == 2
        assert what[1]["kwargs"]["input"] == "told by the provider"
        assert "k" * 20 not in str(what)


@pytest.mark.parametrize("name", ["completion", "acompletion"])
def test_mocked_failures(provider: Upstream, name: str) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    error = ferrolite.RateLimitError("slow down", llm_provider="openai", model="m")
    with pytest.raises(ferrolite.RateLimitError):
        acall(provider, name, mock_response=error) if name[0] == "a" else call(provider, mock_response=error)
    assert logger.names[0] == PRE
    assert logger.events[-1][1]["kwargs"]["exception"] is error


def test_what_a_failure_says(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    with pytest.raises(ferrolite.BadRequestError) as caught:
        call(provider, model="openai/bad")
    what = logger.of("log_failure_event")
    assert what["response"] is None
    assert what["kwargs"]["exception"] is caught.value
    assert "BadRequestError" in what["kwargs"]["traceback_exception"]
    payload = what["kwargs"]["standard_logging_object"]
    assert payload["status"] == "failure"
    assert payload["error_str"] == str(caught.value)
    assert payload["error_information"]["error_class"] == "BadRequestError"
    assert payload["error_information"]["error_code"] == "x"
    assert payload["response"] == {}


def test_a_function_that_is_told_of_chunks_finds_a_cost_that_is_not_known_yet(
    provider: Upstream, monkeypatch: Any
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        ferrolite, "success_callback", [lambda kw, answer, a, b: seen.append(kw["response_cost"])]
    )
    chunks = run(provider, "completion", stream=True)
    assert len(seen) == len(chunks) + 1


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_the_end_of_a_stream_has_the_whole_answer(provider: Upstream, asynchronous: bool) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    name = "acompletion" if asynchronous else "completion"
    run(provider, name, stream=True, stream_options={"include_usage": True})
    what = logger.of(f"{'async_' if asynchronous else ''}log_success_event")
    assert what["response"].choices[0].message.content == "Hello"
    assert what["response"].usage.total_tokens == 7
    assert what["kwargs"]["complete_streaming_response"] is what["response"]
    assert what["kwargs"]["standard_logging_object"]["stream"] is True
    assert what["kwargs"]["standard_logging_object"]["total_tokens"] == 7


@pytest.mark.parametrize("name", ["completion", "acompletion"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_cost(provider: Upstream, name: str, stream: bool) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    more = {"stream_options": {"include_usage": True}} if stream else {}
    run(provider, name, model="openai/gpt-4o", stream=stream, **more)
    kwargs = logger.events[-1][1]["kwargs"]
    asked, said = ferrolite.cost_per_token(model="gpt-4o", prompt_tokens=5, completion_tokens=2)
    assert kwargs["response_cost"] == pytest.approx(asked + said, rel=1e-12)
    payload = kwargs["standard_logging_object"]
    assert payload["response_cost"] == kwargs["response_cost"] > 0
    breakdown = payload["cost_breakdown"]
    assert (breakdown["input_cost"], breakdown["output_cost"]) == (asked, said)
    assert payload["model_map_information"]["model_map_value"]["max_tokens"] > 0


@pytest.mark.parametrize("name", ["completion", "acompletion"])
def test_a_stream_without_counts_is_counted(provider: Upstream, name: str) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    run(provider, name, stream=True)
    payload = logger.events[-1][1]["kwargs"]["standard_logging_object"]
    asked = ferrolite.token_counter(model="m", messages=HELLO)
    said = ferrolite.token_counter(model="m", text="Hello")
    assert (payload["prompt_tokens"], payload["completion_tokens"]) == (asked, said)
    assert payload["total_tokens"] == asked + said > 1


@pytest.mark.parametrize("name", ["completion", "acompletion"])
def test_the_cost_of_a_stream_is_by_the_prices_of_the_call(provider: Upstream, name: str) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    run(provider, name, stream=True, input_cost_per_token=2.0, output_cost_per_token=3.0)
    kwargs = logger.events[-1][1]["kwargs"]
    payload = kwargs["standard_logging_object"]
    assert payload["prompt_tokens"] > 0
    assert kwargs["response_cost"] == 2.0 * payload["prompt_tokens"] + 3.0 * payload["completion_tokens"]


def test_what_a_stream_calls_and_thinks_is_counted() -> None:
    """The counts are those that LiteLLM 1.109.1 gives for these chunks."""
    function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    deltas: list[dict[str, Any]] = [
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]},
        {"reasoning_content": "I think hard about it"},
    ]
    for delta, said in zip(deltas, (27, 5), strict=True):
        choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": "stop"}
        piece = ferrolite.ModelResponseStream(id="x", created=1, model="gpt-4o-mini", choices=[choice])
        whole: Any = ferrolite.stream_chunk_builder([piece], [{"role": "user", "content": "Hi there you"}])
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (10, said)
        assert whole._hidden_params["response_cost"] == ferrolite.completion_cost(whole) > 0


def test_the_cost_of_a_stream_object_is_no_guess() -> None:
    stream = ferrolite.completion("openai/gpt-4o", HELLO, mock_response="Hello", stream=True)
    with pytest.raises(ValueError, match="stream_chunk_builder"):
        ferrolite.completion_cost(stream)


@pytest.mark.parametrize("ending", ["close", "let go", "aclose"])
def test_a_stream_that_its_reader_leaves_is_told_as_far_as_it_came(provider: Upstream, ending: str) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    if ending == "aclose":

        async def leave() -> None:
            from ferrolite.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

            stream = await call(provider, "acompletion", stream=True)
            await stream.__anext__()
            await stream.aclose()
            await GLOBAL_LOGGING_WORKER.flush()

        asyncio.run(leave())
    else:
        stream = call(provider, stream=True)
        next(stream)
        if ending == "close":
            stream.close()
            stream.close()
        del stream
    told()
    ends = [what for name, what in logger.events if name.endswith("log_success_event")]
    assert len(ends) == 1
    assert ends[0]["response"].choices[0].message.content in ("", "Hel", "Hello")


@pytest.mark.parametrize("name", ["completion", "acompletion"])
def test_a_stream_that_breaks_is_a_failure(provider: Upstream, name: str) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    with pytest.raises(ferrolite.MidStreamFallbackError):
        acall(provider, name, model="openai/cut", stream=True) if name[0] == "a" else list(
            call(provider, model="openai/cut", stream=True)
        )
    told()
    assert logger.names.count("log_failure_event") + logger.names.count("async_log_failure_event") == 1
    assert not [event for event in logger.names if "success" in event]


def test_streams_of_other_formats_end_with_their_whole(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    list(call(provider, "responses", input="a", stream=True, use_chat_completions_api=True))
    told()
    response = logger.of("log_success_event")["response"]
    assert response.output[0].content[0].text == "Hello"
    logger.events.clear()
    base = {"model": "hosted_vllm/m", "api_base": provider.url, "api_key": KEY, "messages": HELLO}
    list(ferrolite.anthropic.messages.create(max_tokens=9, stream=True, **base))
    told()
    message = logger.of("log_success_event")["response"]
    assert message["content"] == [{"type": "text", "text": "Hello"}]
    assert message["stop_reason"] == "end_turn"
    logger.events.clear()
    base = {"model": "openai/m", "api_base": provider.url, "api_key": KEY}
    list(ferrolite.google_genai.generate_content_stream(contents="a", **base))
    told()
    content = logger.of("log_success_event")["response"]
    texts = [part.get("text", "") for part in content["candidates"][0]["content"]["parts"]]
    assert "".join(texts) == "Hello"


def test_edits_of_lists_take_effect_at_once(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    call(provider)
    told()
    count = len(logger.events)
    ferrolite.callbacks.remove(logger)
    call(provider)
    told()
    assert len(logger.events) == count > 0
    # A logger in two lists is told once.
    ferrolite.callbacks.append(logger)
    ferrolite.success_callback.append(logger)
    logger.events.clear()
    call(provider)
    told()
    assert logger.names.count("log_success_event") == 1


def test_callbacks_of_one_call(provider: Upstream) -> None:
    said: list[str] = []
    call(
        provider,
        success_callback=[lambda *told: said.append("success")],
        logger_fn=lambda kwargs: said.append(kwargs["log_event_type"]),
    )
    told()
    assert said == ["pre_api_call", "post_api_call", "success"]
    with pytest.raises(ferrolite.BadRequestError):
        call(provider, model="openai/bad", failure_callback=[lambda *told: said.append("failure")])
    assert said[3:] == ["failure"]
    call(provider)
    told()
    assert len(said) == 4
    for request in provider.requests:
        assert not set(request.json()) & {"success_callback", "failure_callback", "logger_fn"}


def test_calls_that_are_not_to_be_logged(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    call(provider, **{"no-log": True})
    told()
    assert logger.names == [PRE, POST]


def test_a_failing_callback_harms_nobody(provider: Upstream, caplog: Any) -> None:
    logger = Recorder()

    class Bad(CustomLogger):
        def log_pre_api_call(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("pre")

        def log_success_event(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("success")

        async def async_log_success_event(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("async success")

    def bad(*told: Any) -> None:
        raise RuntimeError("function")

    ferrolite.callbacks += [Bad(), logger]
    ferrolite.success_callback.append(bad)
    with caplog.at_level(logging.ERROR, "LiteLLM"):
        assert call(provider).choices[0].message.content == "Hello"
        told()
        assert acall(provider).choices[0].message.content == "Hello"
    assert logger.names.count("log_success_event") == 1
    assert logger.names.count("async_log_success_event") == 1
    assert len([record for record in caplog.records if "failed; calls go on" in record.getMessage()]) == 6


def test_rules(provider: Upstream) -> None:
    asked: list[str] = []

    def no(text: str) -> bool:
        asked.append(text)
        return False

    ferrolite.pre_call_rules.append(no)
    with pytest.raises(ferrolite.APIResponseValidationError):
        call(provider)
    assert asked == ["Hello"]
    assert provider.requests == []
    ferrolite.pre_call_rules.clear()
    ferrolite.post_call_rules.append(lambda text: {"decision": False, "message": "no way"})
    with pytest.raises(ferrolite.APIResponseValidationError, match="no way"):
        call(provider)
    with pytest.raises(ferrolite.APIResponseValidationError, match="no way"):
        acall(provider)


# Hooks that change things


def test_a_deployment_hook_changes_the_call_in_the_callers_context(provider: Upstream) -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen: list[Any] = []

    class Hook(CustomLogger):
        async def async_pre_call_deployment_hook(self, kwargs: Any, call_type: Any) -> Any:
            seen.append((who.get(), call_type, kwargs["model"]))
            who.set("hook")
            return {**kwargs, "temperature": 0.25, "messages": [{"role": "user", "content": "changed"}]}

        async def async_post_call_success_deployment_hook(
            self, request_data: Any, response: Any, call_type: Any
        ) -> Any:
            response.choices[0].message.content = "from the hook"
            return response

        async def async_log_success_event(self, kwargs: Any, *args: Any, **more: Any) -> None:
            seen.append((who.get(), kwargs["messages"][0]["content"]))

    async def run() -> Any:
        from ferrolite.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

        who.set("caller")
        answer = await call(provider, "acompletion")
        after = who.get()
        await GLOBAL_LOGGING_WORKER.flush()
        return answer, after

    ferrolite.callbacks.append(Hook())
    answer, after = asyncio.run(run())
    assert answer.choices[0].message.content == "from the hook"
    assert after == "hook"
    assert seen == [("caller", "acompletion", "openai/m"), ("hook", "changed")]
    sent = provider.requests[0].json()
    assert sent["temperature"] == 0.25
    assert sent["messages"][0]["content"] == "changed"
    assert set(sent) == {"model", "messages", "temperature"}


def test_a_hook_that_raises_ends_the_call(provider: Upstream) -> None:
    class Hook(Recorder):
        async def async_pre_call_deployment_hook(self, kwargs: Any, call_type: Any) -> Any:
            raise ValueError("not this one")

    hook = Hook()
    ferrolite.callbacks.append(hook)
    with pytest.raises(ValueError, match="not this one"):
        acall(provider)
    assert provider.requests == []
    assert hook.names == ["async_log_failure_event"]


@pytest.mark.parametrize("name", ["completion", "acompletion"])
def test_a_prompt_by_its_id(provider: Upstream, name: str) -> None:
    class Prompts(CustomLogger):
        def get_chat_completion_prompt(
            self, model: str, messages: list[Any], non_default_params: Any, prompt_id: Any, *a: Any, **k: Any
        ) -> Any:
            new = {"role": "system", "content": f"{prompt_id}: {k['prompt_variables']['x']}"}
            return model, [new, *messages], {**non_default_params, "temperature": 0}

        async def async_get_chat_completion_prompt(self, **keywords: Any) -> Any:
            for name in ("litellm_logging_obj", "tools"):
                keywords.pop(name)
            return self.get_chat_completion_prompt(**keywords)

    ferrolite.callbacks.append(Prompts())
    run(provider, name, prompt_id="greeting", prompt_variables={"x": 1})
    sent = provider.requests[0].json()
    assert sent["messages"][0] == {"role": "system", "content": "greeting: 1"}
    assert sent["temperature"] == 0


@pytest.mark.parametrize("name", ["completion", "acompletion"])
def test_a_logging_hook_changes_what_is_told(provider: Upstream, name: str) -> None:
    class Hook(Recorder):
        def logging_hook(self, kwargs: Any, result: Any, call_type: str) -> Any:
            return {**kwargs, "messages": "changed"}, result

        async def async_logging_hook(self, kwargs: Any, result: Any, call_type: str) -> Any:
            return {**kwargs, "messages": "changed"}, result

    hook = Hook()
    ferrolite.callbacks.append(hook)
    run(provider, name)
    assert hook.events[-1][1]["kwargs"]["messages"] == "changed"


def test_a_hook_for_chunks(provider: Upstream) -> None:
    class Hook(CustomLogger):
        async def async_post_call_streaming_deployment_hook(
            self, request_data: Any, response_chunk: Any, call_type: Any
        ) -> Any:
            if response_chunk.choices and response_chunk.choices[0].delta.content:
                response_chunk.choices[0].delta.content = response_chunk.choices[0].delta.content.upper()
            return response_chunk

    ferrolite.callbacks.append(Hook())
    chunks = acall(provider, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "HELLO"


def test_hooks_of_loggers_have_litellms_signatures() -> None:
    """Names and order of parameters, as recorded."""
    recorded = {
        "log_pre_api_call": "self model messages kwargs",
        "log_post_api_call": "self kwargs response_obj start_time end_time",
        "log_success_event": "self kwargs response_obj start_time end_time",
        "async_log_failure_event": "self kwargs response_obj start_time end_time",
        "async_pre_call_hook": "self user_api_key_dict cache data call_type",
        "async_moderation_hook": "self data user_api_key_dict call_type",
        "async_post_call_success_hook": "self data user_api_key_dict response",
        "async_post_call_failure_hook": "self request_data original_exception user_api_key_dict traceback_str",
        "async_post_call_streaming_hook": "self user_api_key_dict response",
        "async_post_call_streaming_iterator_hook": "self user_api_key_dict response request_data",
        "async_filter_deployments": "self model healthy_deployments messages request_kwargs parent_otel_span",
        "async_pre_call_deployment_hook": "self kwargs call_type",
        "async_logging_hook": "self kwargs result call_type",
        "log_success_fallback_event": "self original_model_group kwargs original_exception",
    }
    for name, parameters in recorded.items():
        assert list(inspect.signature(getattr(CustomLogger, name)).parameters) == parameters.split(), name
    assert ferrolite.CustomLogger is CustomLogger


# What is hidden


@pytest.mark.parametrize("where", ["setting", "call", "logger"])
@pytest.mark.parametrize("name", ["completion", "acompletion"])
@pytest.mark.parametrize("stream", [False, True])
def test_texts_are_hidden(provider: Upstream, where: str, name: str, stream: bool) -> None:
    logger = Recorder(message_logging=where != "logger")
    ferrolite.callbacks.append(logger)
    ferrolite.turn_off_message_logging = where == "setting"
    secret = "a very private question"
    more = {"turn_off_message_logging": True} if where == "call" else {}
    messages = [{"role": "user", "content": secret}]
    answer = run(provider, name, messages=messages, stream=stream, **more)
    assert "Hel" in str(answer)
    for event, what in logger.events:
        what.pop("keys", None)
        assert secret not in str(what), event
        assert "Hello" not in str(what), event
    last = logger.events[-1][1]["kwargs"]
    assert last["messages"] == [{"role": "user", "content": "redacted-by-litellm"}]
    assert last["standard_logging_object"]["messages"] == last["messages"]
    assert provider.requests[0].json()["messages"] == messages


def test_secrets_of_keywords_are_masked(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    headers = {"X-Own-Key": "header-secret-1", "Authorization": "Bearer header-secret-2", "X-Plain": "plain"}
    call(provider, extra_headers=headers, aws_access_key_id="AKIA-SECRET-3", client_secret="secret-4")
    told()
    text = str(logger.of("log_success_event"))
    for secret in ("header-secret-1", "header-secret-2", "AKIA-SECRET-3", "secret-4", KEY):
        assert secret not in text
    assert "plain" in text


def test_secrets_are_masked_however_deep_they_are(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    server = {"type": "mcp", "server_url": "https://x", "headers": {"Authorization": "Bearer deep-secret-1"}}
    schema = {"type": "object", "properties": {"token": {"type": "string"}}}
    named = {"type": "function", "function": {"name": "f", "parameters": schema}}
    more: dict[str, Any] = {
        "tools": [named, server],
        "extra_body": {"a": [{"client_secret": "deep-secret-2"}], "stop_token_ids": [1, 2]},
        "fallbacks": [{"model": "openai/other", "api_key": "deep-secret-3"}],
        "metadata": {"user_api_key_alias": "the team's"},
    }
    call(provider, **more)
    told()
    kwargs = logger.of("log_success_event")["kwargs"]
    assert "deep-secret" not in str(kwargs)
    assert kwargs["optional_params"]["tools"][0] == named
    assert kwargs["optional_params"]["extra_body"]["stop_token_ids"] == [1, 2]
    assert kwargs["litellm_params"]["metadata"]["user_api_key_alias"] == "the team's"
    sent = provider.requests[0].json()
    assert (sent["tools"], sent["a"]) == (more["tools"], more["extra_body"]["a"])


HIDDEN = "very private"
TEXTS: dict[str, Any] = {
    "tools": [{"type": "function", "function": {"name": "f", "description": HIDDEN}}],
    "prediction": {"type": "content", "content": HIDDEN},
    "system": HIDDEN,
    "extra_body": {"instructions": HIDDEN, "kept": 17},
}


@pytest.mark.parametrize("where", ["setting", "logger"])
@pytest.mark.parametrize("name", ["completion", "acompletion"])
@pytest.mark.parametrize("model", ["openai/m", "openai/bad"])
def test_texts_in_parameters_and_answers_are_hidden(where: str, name: str, model: str) -> None:
    odds = {"content": [{"token": HIDDEN, "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
    asked = {"id": "c", "type": "function", "function": {"name": "f", "arguments": HIDDEN}}
    reply = chat("Hello", usage=USAGE)
    reply["choices"][0] |= {"logprobs": odds, "message": {"role": "assistant", "tool_calls": [asked]}}

    def say(exchange: Exchange) -> None:
        if model == "openai/bad":
            exchange.json({"error": {"message": HIDDEN}}, 400)
        else:
            exchange.json(reply)

    logger = Recorder(message_logging=where != "logger")
    with clean(), Upstream(say) as provider:
        ferrolite.callbacks.append(logger)
        ferrolite.turn_off_message_logging = where == "setting"
        run(provider, name, model=model, temperature=0.5, **TEXTS)
    assert logger.events
    for event, what in logger.events:
        # The error itself is the caller's, too: `redact_messages_in_exceptions` is about it.
        kwargs = {name: value for name, value in what["kwargs"].items() if "exception" not in name}
        payload = kwargs.get("standard_logging_object") or {}
        for field in ("error_str", "error_information"):
            payload.pop(field, None)
        assert HIDDEN not in str({**what, "kwargs": kwargs}), event
        assert what["kwargs"]["temperature"] == 0.5
        assert what["kwargs"]["optional_params"]["extra_body"] == {"kept": 17}


def test_answers_of_all_formats_are_hidden() -> None:
    from ferrolite._observe import redact

    answers: list[dict[str, Any]] = [
        {"content": [{"type": "tool_use", "name": "f", "input": {"q": HIDDEN}}, {"thinking": HIDDEN}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"q": HIDDEN}}}]}}]},
        {
            "instructions": HIDDEN,
            "tools": [{"description": HIDDEN}],
            "output": [{"summary": [{"text": HIDDEN}]}, {"type": "function_call_output", "output": HIDDEN}],
        },
        {"choices": [{"logprobs": {"tokens": [HIDDEN]}, "text": HIDDEN}], "data": [{"embedding": [0.5]}]},
    ]
    for answer in answers:
        hidden = redact.response(answer)
        assert HIDDEN not in str(hidden)
        assert hidden.keys() == answer.keys()
        assert HIDDEN in str(answer), "the caller's stays"
    assert redact.response(answers[-1])["data"] == [{"embedding": [0.5]}]


@pytest.mark.parametrize("name", ["completion", "acompletion"])
@pytest.mark.parametrize("model", ["openai/m", "openai/bad"])
def test_fields_may_be_left_out_of_the_payload(
    provider: Upstream, name: str, model: str, monkeypatch: Any, caplog: Any
) -> None:
    left_out = ["response", "error_information", "messages", "status", "model_parameters"]
    monkeypatch.setattr(ferrolite, "standard_logging_payload_excluded_fields", left_out)
    plain, private = Recorder(), Recorder(message_logging=False)
    ferrolite.callbacks += [plain, private]
    ferrolite.redact_messages_in_exceptions = True
    run(provider, name, model=model)
    assert [record.getMessage() for record in caplog.records] == []
    for logger in (plain, private):
        payload = logger.events[-1][1]["kwargs"]["standard_logging_object"]
        assert payload.keys().isdisjoint(left_out)
        assert payload["model"] == model.partition("/")[2]


def test_a_failing_failure_hook_hides_no_error(provider: Upstream) -> None:
    class Hook(CustomLogger):
        async def async_post_call_failure_deployment_hook(self, *what: Any, **more: Any) -> None:
            raise RuntimeError("my own")

    logger = Recorder()
    ferrolite.callbacks += [Hook(), logger]
    with pytest.raises(ferrolite.BadRequestError, match="nope"):
        acall(provider, model="openai/bad")
    assert logger.names[-1] == "async_log_failure_event"


def test_errors_without_the_providers_words(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    ferrolite.redact_messages_in_exceptions = True
    with pytest.raises(ferrolite.BadRequestError, match="nope"):
        call(provider, model="openai/bad")
    kwargs = logger.of("log_failure_event")["kwargs"]
    payload = kwargs["standard_logging_object"]
    assert "nope" not in str({**payload, "error": kwargs["traceback_exception"]})
    assert payload["error_information"]["error_class"] == "BadRequestError"


def test_the_request_as_it_is_sent(provider: Upstream) -> None:
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    ferrolite.log_raw_request_response = True
    call(provider)
    told()
    raw = logger.of("log_success_event")["kwargs"]["raw_request_typed_dict"]
    assert raw["raw_request_api_base"] == f"{provider.url}/chat/completions"
    assert raw["raw_request_body"] == provider.requests[0].json()
    assert raw["raw_request_headers"]["authorization"] == "Bearer sk****kl"


def test_return_raw_request_sends_nothing(provider: Upstream) -> None:
    from ferrolite.types.utils import CallTypes
    from ferrolite.utils import return_raw_request

    kwargs = {"model": "anthropic/c", "messages": HELLO, "api_key": KEY, "api_base": provider.origin}
    raw = return_raw_request(CallTypes.completion, kwargs)
    assert raw["raw_request_api_base"] == f"{provider.origin}/v1/messages"
    assert raw["raw_request_headers"]["x-api-key"] == "sk****kl"
    assert raw["raw_request_body"]["messages"][0]["role"] == "user"
    assert raw["error"] is None
    assert provider.requests == []
    raw = return_raw_request(CallTypes.embedding, {"model": "openai/e", "input": "a", "api_key": KEY})
    assert raw["raw_request_body"] == {"model": "e", "input": "a"}
    assert set(return_raw_request(CallTypes.completion, {"model": "nobody", "messages": HELLO})) == {"error"}
