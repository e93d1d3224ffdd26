"""agno: an agent with a tool, typed output, a stream, async."""

import asyncio

from _provider import KEY, Call, Json, Provider, done
from agno.agent import Agent
from agno.models.litellm import LiteLLM
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


def add(a: int, b: int) -> str:
    """Add two numbers.

    Args:
        a (int): One.
        b (int): Another.
    """
    return str(a + b)


with Provider(
    Call("add", a=2, b=3),
    "The sum is 5",
    "one two three",
    Json(name="Ada", age=36),
    Call("add", a=1, b=1),
    "It is two",
) as provider:
    model = LiteLLM(id="openai/gpt-4o-mini", api_base=provider.url, api_key=KEY, temperature=0.2)
    agent = Agent(model=model, tools=[add], telemetry=False)
    run = agent.run("2 + 3?")
    assert run.content == "The sum is 5"
    assert run.metrics.total_tokens == 36
    assert provider.chats[0]["temperature"] == 0.2
    assert provider.chats[0]["tools"][0]["function"]["name"] == "add"
    sent = provider.chats[1]["messages"][-1]
    assert (sent["role"], sent["content"]) == ("tool", "5")

    plain = Agent(model=model, telemetry=False)
    pieces = [event.content for event in plain.run("Count", stream=True) if event.event == "RunContent"]
    assert "".join(pieces) == "one two three"

    typed = Agent(model=model, output_schema=Person, telemetry=False)
    assert typed.run("Ada is 36").content == Person(name="Ada", age=36)

    async def streamed() -> str:
        events = agent.arun("1 + 1?", stream=True)
        return "".join([event.content async for event in events if event.event == "RunContent"])

    assert asyncio.run(streamed()) == "It is two"
    assert provider.chats[5]["messages"][-1]["content"] == "2"

done(pieces=len(pieces))
