"""instructor: a structured answer, a retry on one that does not fit, async, and a stream of partial answers."""

import asyncio

import instructor
import litellm
from _provider import KEY, Call, Json, Provider, done
from pydantic import BaseModel, field_validator


class Person(BaseModel):
    name: str
    age: int

    @field_validator("age")
    @classmethod
    def not_negative(cls, age: int) -> int:
        if age < 0:
            raise ValueError("an age is not negative")
        return age


ASK = [{"role": "user", "content": "Ada is 36"}]

with Provider(
    Call("Person", name="Ada", age=36),
    Call("Person", name="Ada", age=-1),
    Call("Person", name="Ada", age=36),
    Call("Person", name="Grace", age=85),
    Json(name="Linus", age=54),
    Call("Person", name="Alan", age=41),
) as provider:
    to = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY, "messages": ASK}
    client = instructor.from_litellm(litellm.completion)
    person = client.chat.completions.create(response_model=Person, **to)
    assert (type(person).__name__, person.name, person.age) == ("Person", "Ada", 36)
    tool = provider.chats[0]["tools"][0]["function"]
    assert tool["name"] == "Person"
    assert set(tool["parameters"]["properties"]) == {"name", "age"}
    assert provider.chats[0]["tool_choice"]["function"]["name"] == "Person"

    # An answer that does not fit goes back with the reason.
    person, raw = client.chat.completions.create_with_completion(response_model=Person, max_retries=2, **to)
    assert person.age == 36
    assert raw.usage.total_tokens > 0
    assert "an age is not negative" in provider.said(2)

    async_client = instructor.from_litellm(litellm.acompletion)
    assert isinstance(async_client, instructor.AsyncInstructor)
    person = asyncio.run(async_client.chat.completions.create(response_model=Person, **to))
    assert (person.name, person.age) == ("Grace", 85)

    json_client = instructor.from_litellm(litellm.completion, mode=instructor.Mode.JSON)
    assert json_client.chat.completions.create(response_model=Person, **to).name == "Linus"
    assert provider.chats[4]["response_format"]["type"] == "json_object"

    async def partials() -> list[Person]:
        stream = async_client.chat.completions.create_partial(response_model=Person, **to)
        return [part async for part in stream]

    parts = asyncio.run(partials())
    assert parts[-1].model_dump() == {"name": "Alan", "age": 41}
    assert provider.chats[5]["stream"] is True

done(person=person.model_dump(), partials=len(parts))
