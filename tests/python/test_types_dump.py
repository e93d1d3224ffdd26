"""Dumps, copies, comparison and the text form of responses."""

import copy
import datetime
import enum
import json
import pickle

import pytest

from ferrolite.types.utils import (
    Choices,
    Delta,
    Message,
    ModelResponse,
    ModelResponseStream,
    StreamingChoices,
    Usage,
)

SET_FIELDS = {
    "id": "a",
    "created": 1,
    "model": "m",
    "object": "chat.completion",
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {"content": "x", "role": "assistant", "tool_calls": None, "function_call": None},
        }
    ],
}


def answer(**fields):
    return ModelResponse(
        **{"id": "a", "created": 1, "model": "m", "choices": [{"message": {"content": "x"}}], **fields}
    )


def test_a_response_dumps_what_was_set():
    assert answer().model_dump() == SET_FIELDS
    assert answer().json() == answer().to_dict() == answer().model_dump(mode="json") == SET_FIELDS


def test_a_response_dumps_all_when_asked_to():
    whole = answer().model_dump(exclude_unset=False)
    assert whole["system_fingerprint"] is None
    assert whole["choices"][0]["message"]["provider_specific_fields"] is None
    assert answer().model_dump(exclude_none=False) == whole == answer().dict()


def test_none_can_be_left_out():
    dumped = answer().model_dump(exclude_none=True)
    assert dumped["choices"][0] == {
        "finish_reason": "stop",
        "index": 0,
        "message": {"content": "x", "role": "assistant"},
    }


def test_a_message_alone_dumps_its_defaults():
    message = Message(content="hi")
    whole = {
        "content": "hi",
        "role": "assistant",
        "tool_calls": None,
        "function_call": None,
        "provider_specific_fields": None,
    }
    assert message.model_dump() == message.json() == dict(message) == whole
    assert message.to_dict() == {k: v for k, v in whole.items() if k != "provider_specific_fields"}


def test_a_chunk_dumps_what_was_set():
    chunk = ModelResponseStream(id="a", created=1, choices=[{"delta": {"content": "x"}}])
    assert chunk.model_dump() == {
        "id": "a",
        "created": 1,
        "object": "chat.completion.chunk",
        "choices": [
            {
                "finish_reason": None,
                "index": 0,
                "delta": {
                    "content": "x",
                    "role": None,
                    "function_call": None,
                    "tool_calls": None,
                    "audio": None,
                },
                "logprobs": None,
            }
        ],
        "provider_specific_fields": None,
    }


def test_the_order_of_a_dump():
    response = answer(service_tier="t", usage={"prompt_tokens": 1}, system_fingerprint="f")
    names = ["id", "created", "model", "object", "system_fingerprint", "choices", "usage", "service_tier"]
    assert list(response.model_dump()) == names
    assert list(Usage().model_dump())[:3] == ["completion_tokens", "prompt_tokens", "total_tokens"]


def test_json_text_is_compact_unless_indented():
    choice = Choices(message=Message(content="é"))
    assert choice.model_dump_json(exclude_unset=True) == (
        '{"finish_reason":"stop","index":0,"message":'
        '{"content":"é","role":"assistant","tool_calls":null,"function_call":null}}'
    )
    assert answer().model_dump_json(indent=1).startswith('{\n "id": "a",\n "created": 1,\n')
    assert json.loads(answer().model_dump_json())["system_fingerprint"] is None
    assert json.loads(answer().to_json()) == SET_FIELDS
    assert answer().to_json().startswith('{\n  "id": "a",\n')


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({"include": {"id", "model"}}, {"id": "a", "model": "m"}),
        ({"include": {"choices": {0: {"index"}}}}, {"choices": [{"index": 0}]}),
        ({"include": {"choices": {"__all__": {"index": True}}}}, {"choices": [{"index": 0}]}),
        ({"exclude": {"choices"}}, {k: v for k, v in SET_FIELDS.items() if k != "choices"}),
        (
            {
                "include": {"choices"},
                "exclude": {"choices": {0: {"message": {"tool_calls", "function_call"}}}},
            },
            {
                "choices": [
                    {"finish_reason": "stop", "index": 0, "message": {"content": "x", "role": "assistant"}}
                ]
            },
        ),
    ],
)
def test_parts_can_be_chosen(switches, expected):
    assert answer().model_dump(**switches) == expected


def test_pydantics_other_switches_are_accepted():
    assert (
        answer().model_dump(by_alias=True, round_trip=True, warnings=False, serialize_as_any=True)
        == SET_FIELDS
    )


def test_defaults_can_be_left_out():
    assert Usage(prompt_tokens=1).model_dump(exclude_defaults=True) == {
        "completion_tokens": 0,
        "prompt_tokens": 1,
        "total_tokens": 0,
    }


def test_values_that_json_does_not_know():
    class Colour(enum.Enum):
        RED = "red"

    message = Message(content="x", when=datetime.date(2026, 1, 2), colour=Colour.RED, raw=b"ab", pair=(1, 2))
    dumped = message.model_dump(mode="json")
    assert [dumped[name] for name in ("when", "colour", "raw", "pair")] == ["2026-01-02", "red", "ab", [1, 2]]
    assert message.model_dump()["pair"] == (1, 2)
    assert Message(content="x", score=float("nan")).model_dump(mode="json")["score"] is None


def test_a_dump_shares_nothing_with_the_response():
    response = answer(metadata={"list": [1]})
    response.model_dump()["metadata"]["list"].append(2)
    assert response.metadata == {"list": [1]}


def test_attributes_set_later_are_dumped():
    response = answer()
    response.extra = 1
    response._private = 2
    response.choices[0].message.audio = "beep"
    assert response.model_dump()["extra"] == 1
    assert "_private" not in response.model_dump()
    assert response.choices[0].message.model_dump()["audio"] == "beep"
    assert response.model_extra == {"extra": 1}


def test_the_text_form():
    message = Message(content="hi")
    assert repr(message) == str(message)
    assert repr(message) == (
        "Message(content='hi', role='assistant', tool_calls=None, function_call=None, provider_specific_fields=None)"
    )
    assert repr(answer()).startswith("ModelResponse(id='a', created=1, model='m', object='chat.completion', ")
    assert repr(StreamingChoices(delta=Delta(content="x"))) == (
        "StreamingChoices(finish_reason=None, index=0, delta=Delta(provider_specific_fields=None, content='x', "
        "role=None, function_call=None, tool_calls=None, audio=None), logprobs=None)"
    )


def test_iteration_gives_pairs_and_star_star_does_not_work():
    assert next(iter(Message(content="x"))) == ("content", "x")
    with pytest.raises(TypeError):
        {**Message(content="x")}


@pytest.mark.parametrize(
    "twin_of",
    [
        copy.copy,
        copy.deepcopy,
        lambda response: response.model_copy(),
        lambda response: response.model_copy(deep=True),
        lambda response: pickle.loads(pickle.dumps(response)),
    ],
)
def test_copies_are_equal_and_keep_hidden_params(twin_of):
    response = answer(usage={"prompt_tokens": 1}, service_tier="t")
    response._hidden_params["cost"] = 0.5
    twin = twin_of(response)
    assert twin is not response
    assert twin == response
    assert twin._hidden_params == {"cost": 0.5}
    assert type(twin.choices[0].message) is Message


def test_a_deep_copy_shares_no_message():
    response = answer()
    response.model_copy(deep=True).choices[0].message.content = "other"
    assert response.choices[0].message.content == "x"


def test_a_copy_can_change_values():
    assert answer().model_copy(update={"id": "b", "new": 1}).model_dump() == {
        **SET_FIELDS,
        "id": "b",
        "new": 1,
    }
    assert answer().copy(update={"id": "b"}).id == "b"


def test_a_dump_makes_the_response_again():
    response = answer(usage={"prompt_tokens": 1}, service_tier="t")
    assert ModelResponse(**response.model_dump()) == response
    assert ModelResponse.model_validate(response.model_dump()) == response
    assert ModelResponse.model_validate_json(response.model_dump_json()) == response
    assert ModelResponse.model_validate(response) is response
    with pytest.raises(ValueError, match="ModelResponse"):
        ModelResponse.model_validate("text")


def test_equality():
    assert answer() == answer()
    assert answer() != answer(id="b")
    assert answer() != 1
    assert answer() != answer().model_dump()
    assert Message(content="x") == Message(content="x", provider_specific_fields=None)
    with pytest.raises(TypeError, match="unhashable"):
        hash(answer())


def test_what_pydantic_says_about_fields():
    fields = ["id", "created", "model", "object", "system_fingerprint", "choices"]
    assert list(ModelResponse.model_fields) == fields
    assert ModelResponse.model_fields["id"].is_required()
    assert answer().model_fields_set == {"id", "created", "model", "object", "choices"}
    assert ModelResponse.model_construct(id="z").model_dump() == {"id": "z"}
