"""A pydantic class as `response_format`."""

from __future__ import annotations

import pytest

from ferrolite._schema import response_format

pydantic = pytest.importorskip("pydantic")


def test_gen_33_a_class_becomes_a_strict_schema() -> None:
    class Step(pydantic.BaseModel):
        text: str
        note: str | None = None

    class Answer(pydantic.BaseModel):
        steps: list[Step]
        total: int = pydantic.Field(description="the sum")

    made = response_format(Answer)
    assert made["type"] == "json_schema"
    inner = made["json_schema"]
    assert (inner["name"], inner["strict"]) == ("Answer", True)
    schema = inner["schema"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["steps", "total"]
    step = schema["$defs"]["Step"]
    assert (step["additionalProperties"], step["required"]) == (False, ["text", "note"])
    assert "default" not in step["properties"]["note"]
    assert made["plain_schema"] == Answer.model_json_schema(), "untouched, for providers that take any schema"


def test_gen_33_a_reference_with_a_description_is_unfolded() -> None:
    class Inner(pydantic.BaseModel):
        a: int

    class Outer(pydantic.BaseModel):
        inner: Inner = pydantic.Field(description="which one")

    inner = response_format(Outer)["json_schema"]["schema"]["properties"]["inner"]
    assert "$ref" not in inner
    assert (inner["description"], inner["type"], inner["additionalProperties"]) == (
        "which one",
        "object",
        False,
    )
