"""Chat response classes: construction, access, what exists when."""

import logging
import pickle
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ferrolite import types
from ferrolite.types.utils import (
    ChatCompletionDeltaToolCall,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    ChoiceLogprobs,
    Choices,
    Delta,
    Function,
    FunctionCall,
    Message,
    ModelResponse,
    ModelResponseBase,
    ModelResponseStream,
    StreamingChoices,
    Usage,
)

TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def answer(**fields):
    choices = [{"message": {"content": "hi"}, "finish_reason": "stop"}]
    return ModelResponse(**{"id": "c1", "created": 5, "model": "m", "choices": choices, **fields})


def test_a_response_needs_no_arguments():
    response = ModelResponse()
    assert re.fullmatch(
        r"chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", response.id
    )
    assert abs(response.created - time.time()) < 5
    assert response.model is None
    assert response.object == "chat.completion"
    assert response.system_fingerprint is None
    assert [type(choice) for choice in response.choices] == [Choices]
    assert response.choices[0].finish_reason == "stop"
    assert not hasattr(response, "usage")
    assert isinstance(response, ModelResponseBase)


def test_dicts_become_instances():
    response = ModelResponse(
        choices=[{"message": {"content": None, "tool_calls": [TOOL_CALL]}, "finish_reason": "tool_calls"}],
        usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    )
    message = response.choices[0].message
    assert type(message) is Message
    assert type(message.tool_calls[0]) is ChatCompletionMessageToolCall
    assert type(message.tool_calls[0].function) is Function
    assert type(response.usage) is Usage


def test_flags_of_the_constructor_leave_no_trace():
    response = answer(stream=True, stream_options={"include_usage": True}, object="other", usage=None)
    assert response.object == "chat.completion"
    assert response.model_extra == {}


def test_unknown_arguments_become_attributes_and_are_dumped():
    response = answer(service_tier="default")
    assert response.service_tier == "default"
    assert response.model_dump()["service_tier"] == "default"


def test_a_single_choice_counts_as_a_list():
    assert ModelResponse(choices={"message": {"content": "a"}}).choices[0].message.content == "a"
    assert (
        ModelResponseStream(choices=StreamingChoices(delta=Delta(content="b"))).choices[0].delta.content
        == "b"
    )


@pytest.mark.parametrize("make", [lambda: Choices(message="hi"), lambda: ModelResponse(choices=["hi"])])
def test_text_is_no_message(make):
    with pytest.raises(ValueError, match=r"Message|Choices"):
        make()


def test_item_access_is_attribute_access():
    response = answer()
    assert response["choices"][0]["message"]["content"] == "hi"
    assert response.get("usage") is None
    assert response.get("nope", 3) == 3
    with pytest.raises(AttributeError, match="'ModelResponse' object has no attribute 'usage'"):
        response["usage"]
    message = response.choices[0].message
    message["content"] = "changed"
    assert message.content == "changed"


def test_in_is_hasattr_but_not_for_messages():
    response = answer()
    assert "id" in response
    assert "usage" not in response
    assert "message" in response.choices[0]
    assert "content" in Delta()
    assert "content" not in response.choices[0].message


@pytest.mark.parametrize(
    "name",
    ["audio", "images", "annotations", "refusal", "reasoning_content", "thinking_blocks", "reasoning_items"],
)
def test_message_fields_do_not_exist_unless_given(name):
    message = Message(content="hi")
    assert not hasattr(message, name)
    with pytest.raises(AttributeError):
        getattr(message, name)


def test_message_fields_that_always_exist():
    message = Message()
    found = (
        message.content,
        message.role,
        message.tool_calls,
        message.function_call,
        message.provider_specific_fields,
    )
    assert found == (None, "assistant", None, None, None)


def test_null_counts_as_given_for_a_refusal():
    message = Message(content="x", refusal=None, annotations=[])
    assert hasattr(message, "refusal")
    assert message.annotations == []


def test_a_message_converts_its_parts():
    message = Message(
        content="x",
        function_call={"name": "f", "arguments": "{}"},
        audio={"id": "a", "data": "d", "expires_at": 1, "transcript": "t"},
        tool_calls=[TOOL_CALL, {"type": "custom", "id": "2", "custom": {"name": "a", "input": "b"}}],
    )
    assert type(message.function_call) is FunctionCall
    assert message.audio.transcript == "t"
    assert type(message.tool_calls[1]) is ChatCompletionMessageCustomToolCall
    assert message.tool_calls[1].custom.input == "b"


def test_no_tool_calls_are_none():
    assert Message(tool_calls=[]).tool_calls is None


def test_a_tool_call_gets_an_id_and_its_arguments_as_text():
    call = ChatCompletionMessageToolCall(function={"name": "f", "arguments": {"x": "é"}})
    assert len(call.id) == 36
    assert call.type == "function"
    assert call["function"]["arguments"] == '{"x": "\\u00e9"}'
    assert Function(name="f").arguments == ""


def test_a_tool_call_keeps_what_it_does_not_know():
    call = Message(tool_calls=[{**TOOL_CALL, "extra_content": {"google": 1}}]).tool_calls[0]
    assert call.extra_content == {"google": 1}


def test_delta_fields():
    delta = Delta()
    assert (delta.content, delta.role, delta.function_call, delta.tool_calls, delta.audio) == (None,) * 5
    for name in ("images", "annotations", "reasoning_content", "thinking_blocks", "reasoning_items"):
        assert not hasattr(delta, name)


def test_reasoning_of_a_delta_is_reasoning_content():
    assert Delta(reasoning="why").reasoning_content == "why"
    both = Delta(reasoning="a", reasoning_content="b")
    assert (both.reasoning_content, both.reasoning) == ("b", "a")


def test_tool_calls_of_a_delta():
    calls = Delta(
        tool_calls=[{"function": {"arguments": None}}, {"id": "a", "function": {"name": "f"}}, "x"]
    ).tool_calls
    assert [type(call) for call in calls] == [ChatCompletionDeltaToolCall] * 2
    assert [(call.id, call.index, call.type) for call in calls] == [
        (None, 0, "function"),
        ("a", 1, "function"),
    ]
    assert calls[0].function.arguments == ""
    with pytest.raises(ValueError, match="function"):
        ChatCompletionDeltaToolCall(index=0)


@pytest.mark.parametrize(
    ("native", "mapped"),
    [
        ("end_turn", "stop"),
        ("eos", "stop"),
        ("STOP", "stop"),
        ("max_tokens", "length"),
        ("pause_turn", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("SAFETY", "content_filter"),
    ],
)
def test_finish_reasons_are_mapped_and_kept(native, mapped):
    choice = Choices(finish_reason=native)
    assert choice.finish_reason == mapped
    assert choice.provider_specific_fields == {"native_finish_reason": native}
    assert StreamingChoices(finish_reason=native).finish_reason == mapped


def test_an_unknown_finish_reason_is_stop_and_logged(caplog):
    with caplog.at_level(logging.WARNING, "ferrolite"):
        assert Choices(finish_reason="weird").finish_reason == "stop"
    assert "weird" in caplog.text


def test_a_native_finish_reason_joins_the_other_provider_fields():
    choice = Choices(finish_reason="end_turn", provider_specific_fields={"a": 1})
    assert choice.provider_specific_fields == {"a": 1, "native_finish_reason": "end_turn"}


def test_optional_fields_of_a_choice():
    assert not hasattr(Choices(), "logprobs")
    assert not hasattr(Choices(), "provider_specific_fields")
    choice = Choices(logprobs={"content": [{"token": "a", "logprob": -1, "top_logprobs": None}]})
    assert type(choice.logprobs) is ChoiceLogprobs
    assert choice.logprobs["content"][0].top_logprobs == []
    assert choice.logprobs.content[0].logprob == -1.0


def test_a_chunk():
    chunk = ModelResponseStream(choices=[{"delta": {"content": "a"}, "index": 0}], model="m")
    assert chunk.object == "chat.completion.chunk"
    assert type(chunk.choices[0]) is StreamingChoices
    assert type(chunk.choices[0].delta) is Delta
    assert (chunk.choices[0].finish_reason, chunk.choices[0].logprobs) == (None, None)
    assert chunk.get("usage") is None
    assert type(ModelResponseStream(usage={"prompt_tokens": 1}).usage) is Usage


def test_deleting_a_missing_attribute_does_nothing():
    message = Message(content="x", reasoning_content="why")
    del message.reasoning_content
    del message.reasoning_content
    assert not hasattr(message, "reasoning_content")


def test_hidden_params_are_a_dict_of_the_instance():
    response = answer()
    response._hidden_params["a"] = 1
    assert response.hidden_params == {"a": 1}
    assert answer()._hidden_params == {}
    response.hidden_params = {"b": 2}
    assert response._hidden_params == {"b": 2}
    assert "_hidden_params" not in response.model_dump()
    assert response._response_headers is None
    assert not hasattr(Message(), "_hidden_params")


def test_an_instance_may_be_filled_without_its_constructor():
    message = Message.__new__(Message)
    object.__setattr__(message, "content", "hi")
    object.__setattr__(message, "role", "assistant")
    response = ModelResponse.__new__(ModelResponse)
    object.__setattr__(response, "id", "x")
    object.__setattr__(response, "_hidden_params", {"a": 1})
    assert message.tool_calls is None
    assert not hasattr(message, "refusal")
    assert message.to_dict() == {"content": "hi", "role": "assistant"}
    assert response._hidden_params == {"a": 1}
    assert response.model_dump() == {"id": "x"}


def test_classes_can_be_subclassed():
    class Noted(Message):
        note: str = "none"

    noted = Noted(content="x")
    assert noted.note == "none"
    assert "note" in Noted.model_fields
    assert noted.model_dump()["note"] == "none"
    assert Noted.__module__ == __name__


def test_every_class_reports_the_module_it_is_found_in():
    from ferrolite.types import utils

    for name in utils.__all__:
        found = getattr(utils, name)
        if isinstance(found, type):
            assert (found.__module__, found.__qualname__) == ("ferrolite.types.utils", name)
    assert b"ferrolite.types.utils" in pickle.dumps(answer())


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, ferrolite; before = set(sys.modules)\n"
        "import ferrolite.types.utils; print(*(set(sys.modules) - before))"
    )
    path = str(Path(types.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": path},
    )
    assert {name for name in run.stdout.split() if not name.startswith("ferrolite")} <= {"__future__"}


def test_openai_s_accumulator_takes_chunks() -> None:
    from openai.lib.streaming.chat import ChatCompletionStreamState

    state = ChatCompletionStreamState()
    for text, finish in (("one ", None), ("two", None), (None, "stop")):
        delta = {"content": text, "refusal": None}
        chunk = ModelResponseStream(
            choices=[{"delta": delta, "index": 0, "finish_reason": finish}], model="m", usage=None
        )
        assert not {"moderation", "obfuscation", "service_tier"} & set(chunk.model_dump())
        state.handle_chunk(chunk)
    assert state.current_completion_snapshot.choices[0].message.content == "one two"
