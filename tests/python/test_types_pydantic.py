"""Responses among pydantic's and openai's classes."""

import copy
import pickle
from typing import Any

import pytest

from ferrolite.types.utils import Message, ModelResponse, Usage

pydantic = pytest.importorskip("pydantic")


def answer():
    return ModelResponse(id="a", created=1, model="m", choices=[{"message": {"content": "x"}}])


@pytest.mark.parametrize("value", [answer(), Message(), Usage()])
def test_instances_pass_for_pydantic_models(value):
    openai = pytest.importorskip("openai")
    assert isinstance(value, pydantic.BaseModel)
    assert isinstance(value, openai.BaseModel)
    assert isinstance(value, type(value))
    assert not isinstance(value, dict)


def test_the_apparent_class_looks_like_the_class_and_makes_it():
    message = Message(content="x")
    assert type(message) is Message
    assert issubclass(message.__class__, Message)
    assert (message.__class__.__name__, message.__class__.__module__) == ("Message", "ferrolite.types.utils")
    assert type(message.__class__(content="y")) is Message


def test_copies_and_pickles_have_the_real_class():
    message = Message(content="x")
    for twin in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert type(twin) is Message
        assert twin == message


def test_a_field_may_hold_a_response():
    class Holder(pydantic.BaseModel):
        response: ModelResponse
        other: Any = None

    response = answer()
    holder = Holder(response=response, other=response)
    assert holder.response is response
    assert holder.model_dump(exclude_unset=True)["response"] == response.model_dump()
    assert holder.model_dump()["other"]["choices"][0]["message"]["content"] == "x"
    assert Holder.model_validate_json(holder.model_dump_json()).response == response
    assert type(Holder(response=response.model_dump()).response) is ModelResponse
    with pytest.raises(pydantic.ValidationError):
        Holder(response="text")


def test_a_field_of_any_model_accepts_a_response():
    class Holder(pydantic.BaseModel):
        model: pydantic.BaseModel

    message = Message(content="x")
    assert Holder(model=message).model is message


def test_type_adapters():
    adapter = pydantic.TypeAdapter(ModelResponse)
    dumped = adapter.dump_python(answer(), mode="json", exclude_unset=True)
    assert dumped == answer().model_dump()
    assert adapter.validate_python(dumped) == answer()
    assert adapter.json_schema()["title"] == "ModelResponse"


def test_comparison_with_a_pydantic_model_is_false():
    class Other(pydantic.BaseModel):
        content: str

    assert Other(content="x") != Message(content="x")
    assert Message(content="x") != Other(content="x")


def test_openais_models_are_converted():
    chat = pytest.importorskip("openai.types.chat")
    message = chat.ChatCompletionMessage(role="assistant", content="hi")
    choice = {"message": message, "finish_reason": "stop", "index": 0}
    response = ModelResponse(choices=[choice])
    assert type(response.choices[0].message) is Message
    assert response.choices[0].message.content == "hi"


def test_openai_sends_a_message_as_its_set_fields():
    transform = pytest.importorskip("openai._utils").maybe_transform
    params = pytest.importorskip("openai.types.chat.completion_create_params")
    sent = transform({"messages": [Message(content="x")]}, params.CompletionCreateParamsNonStreaming)
    assert sent["messages"][0] == Message(content="x").to_dict()


def test_bad_data_raises_pydantics_error():
    with pytest.raises(pydantic.ValidationError, match="dictionary or instance of Message"):
        Message.model_validate(3)


def test_a_pydantic_value_is_dumped_too():
    class Extra(pydantic.BaseModel):
        a: int

    assert Message(content="x", extra=Extra(a=1)).model_dump()["extra"] == {"a": 1}
