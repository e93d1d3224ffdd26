"""strands-agents: a tool, a structured answer, a streamed run."""

import asyncio

from _provider import KEY, Call, Json, Provider, done
from pydantic import BaseModel
from strands import Agent, tool
from strands.models.litellm import LiteLLMModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: Another.
    """
    return a + b


with Provider(
    Call("add", a=2, b=3),
    "The sum is 5",
    Call("Person", name="Ada", age=36),
    "one two three",
    Json(name="Grace", age=85),
) as provider:
    model = LiteLLMModel(
        client_args={"api_key": KEY, "api_base": provider.url},
        model_id="openai/gpt-4o-mini",
        params={"temperature": 0.2},
    )
    agent = Agent(model=model, tools=[add], callback_handler=None, system_prompt="Add.")
    result = agent("2 + 3?")
    assert str(result).strip() == "The sum is 5"
    assert result.stop_reason == "end_turn"
    assert result.metrics.accumulated_usage["totalTokens"] == 36
    assert provider.chats[0]["stream"] is True
    assert provider.chats[0]["temperature"] == 0.2
    assert provider.chats[0]["tools"][0]["function"]["name"] == "add"
    assert provider.chats[1]["messages"][-1]["role"] == "tool"
    assert "5" in str(provider.chats[1]["messages"][-1]["content"])

    person = agent("Ada is 36", structured_output_model=Person).structured_output
    assert person == Person(name="Ada", age=36)

    async def streamed() -> list[str]:
        fresh = Agent(model=model, callback_handler=None)
        return [event["data"] async for event in fresh.stream_async("Count") if "data" in event]

    pieces = asyncio.run(streamed())
    assert "".join(pieces) == "one two three"
    assert len(pieces) == 3

    async def typed() -> Person:
        messages = [{"role": "user", "content": [{"text": "Grace is 85"}]}]
        return [event async for event in model.structured_output(Person, messages)][-1]["output"]

    assert asyncio.run(typed()) == Person(name="Grace", age=85)

done(pieces=len(pieces))
