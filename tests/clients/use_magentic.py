"""magentic: prompts as functions, with a structured answer, a tool, a stream, async."""

import asyncio

from _provider import KEY, Call, Provider, done
from magentic import FunctionCall, StreamedStr, prompt, prompt_chain
from magentic.chat_model.litellm_chat_model import LitellmChatModel
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


with Provider(
    "Paris",
    Call("return_person", name="Ada", age=36),
    Call("add", a=2, b=3),
    Call("add", a=4, b=5),
    "The sum is 9",
    "one two three",
    "Rome",
) as provider:
    model = LitellmChatModel("openai/gpt-4o-mini", api_base=provider.url, temperature=0.1)

    @prompt("The capital of {country}?", model=model)
    def capital(country: str) -> str: ...

    assert capital("France") == "Paris"
    assert provider.chats[0]["messages"] == [{"role": "user", "content": "The capital of France?"}]
    assert provider.chats[0]["temperature"] == 0.1

    @prompt("Who is {text}?", model=model)
    def person(text: str) -> Person: ...

    assert person("Ada, 36") == Person(name="Ada", age=36)
    assert provider.chats[1]["tools"][0]["function"]["name"] == "return_person"

    @prompt("{question}", functions=[add], model=model)
    def choose(question: str) -> FunctionCall[int]: ...

    assert choose("2 + 3?")() == 5

    @prompt_chain("{question}", functions=[add], model=model)
    def chain(question: str) -> str: ...

    assert chain("4 + 5?") == "The sum is 9"
    assert provider.chats[4]["messages"][-1]["content"] == '{"value":9}'

    @prompt("Count", model=model)
    def count() -> StreamedStr: ...

    pieces = list(count())
    assert "".join(pieces) == "one two three"
    assert provider.chats[5]["stream"] is True

    @prompt("The capital of {country}?", model=model)
    async def acapital(country: str) -> str: ...

    assert asyncio.run(acapital("Italy")) == "Rome"
    assert provider.requests[0][2]["authorization"] == f"Bearer {KEY}"

done(pieces=len(pieces))
