"""lisette: a chat with a tool, streamed and async, and a structured answer."""

import asyncio

from _provider import KEY, Call, Provider, done
from lisette.core import AsyncChat, Chat, structured


def add(
    a: int,  # one
    b: int,  # another
) -> int:
    "Add two numbers"
    return a + b


class Person:
    "A person"

    def __init__(
        self,
        name: str,  # the name
        age: int,  # in years
    ):
        self.name, self.age = name, age


with Provider(
    "Hello there",
    Call("add", a=2, b=3),
    "The sum is 5",
    "one two three",
    "async",
    Call("Person", name="Ada", age=36),
) as provider:
    to = {"api_base": provider.url, "api_key": KEY}
    chat = Chat("openai/gpt-4o-mini", sp="Be kind.", tools=[add], **to)
    assert chat("Hi").choices[0].message.content == "Hello there"
    assert provider.chats[0]["messages"][0] == {"role": "system", "content": "Be kind."}
    reply = chat("2 + 3?")
    assert reply.choices[0].message.content == "The sum is 5"
    assert provider.chats[1]["tools"][0]["function"]["name"] == "add"
    assert provider.chats[2]["messages"][-1]["content"] == "5"
    assert chat.use.total_tokens == 36, chat.use
    assert "The sum is 5" in reply._repr_markdown_()

    pieces = list(Chat("openai/gpt-4o-mini", **to)("Count", stream=True))
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces[:-1] if piece.choices)
    assert text == "one two three", pieces
    assert pieces[-1].choices[0].message.content == "one two three"

    async def ask() -> str:
        return (await AsyncChat("openai/gpt-4o-mini", **to)("Hi")).choices[0].message.content

    assert asyncio.run(ask()) == "async"

    person = structured("openai/gpt-4o-mini", [{"role": "user", "content": "Ada is 36"}], Person, **to)
    assert (person.name, person.age) == ("Ada", 36)

done(pieces=len(pieces), cost=chat.use.cost)
