"""openai-agents: a tool, typed output, a handoff, a streamed run."""

import asyncio

from _provider import KEY, Call, Json, Provider, done
from agents import Agent, ModelSettings, Runner, function_tool, set_tracing_disabled
from agents.extensions.models.litellm_model import LitellmModel
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel

set_tracing_disabled(True)


class Person(BaseModel):
    name: str
    age: int


@function_tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def main() -> dict[str, object]:
    with Provider(
        Call("add", a=2, b=3),
        "The sum is 5",
        Json(name="Ada", age=36),
        Call("transfer_to_cook"),
        "Soup",
        Call("add", a=1, b=1),
        "It is two",
    ) as provider:
        model = LitellmModel("openai/gpt-4o-mini", base_url=provider.url, api_key=KEY)
        adder = Agent(
            "adder",
            instructions="Add.",
            model=model,
            tools=[add],
            model_settings=ModelSettings(temperature=0.2, include_usage=True),
        )
        result = await Runner.run(adder, "2 + 3?")
        assert result.final_output == "The sum is 5"
        assert provider.chats[0]["temperature"] == 0.2
        assert provider.chats[0]["tools"][0]["function"]["name"] == "add"
        assert provider.chats[1]["messages"][-1]["content"] == "5"
        usage = result.context_wrapper.usage
        assert (usage.requests, usage.total_tokens) == (2, 36)

        typed = Agent("typed", model=model, output_type=Person)
        result = await Runner.run(typed, "Ada is 36")
        assert result.final_output == Person(name="Ada", age=36)
        assert provider.chats[2]["response_format"]["type"] == "json_schema"
        assert provider.chats[2]["response_format"]["json_schema"]["strict"] is True

        cook = Agent("cook", instructions="You cook.", model=model)
        desk = Agent("desk", model=model, handoffs=[cook])
        result = await Runner.run(desk, "What is for dinner?")
        assert (result.final_output, result.last_agent.name) == ("Soup", "cook")
        assert "You cook." in provider.said(4)

        streamed = Runner.run_streamed(adder, "1 + 1?")
        pieces, kinds = [], set()
        async for event in streamed.stream_events():
            kinds.add(event.type)
            if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
                pieces.append(event.data.delta)
        assert "".join(pieces) == "It is two"
        assert streamed.final_output == "It is two"
        assert kinds >= {"raw_response_event", "run_item_stream_event"}
        assert provider.chats[6]["messages"][-1]["content"] == "2"
        assert streamed.context_wrapper.usage.total_tokens == 36
        return {"pieces": len(pieces)}


done(**asyncio.run(main()))
