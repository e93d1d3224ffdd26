"""google-adk: an agent with a tool, whole and streamed, and one with an output schema."""

import asyncio

from _provider import KEY, Call, Json, Provider, done
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


def add(a: int, b: int) -> dict[str, int]:
    """Adds two numbers."""
    return {"sum": a + b}


async def ask(agent: LlmAgent, text: str, config: RunConfig | None = None) -> list[object]:
    runner = InMemoryRunner(agent=agent, app_name="loopback")
    session = await runner.session_service.create_session(app_name="loopback", user_id="u")
    message = types.Content(role="user", parts=[types.Part(text=text)])
    run = runner.run_async(
        user_id="u", session_id=session.id, new_message=message, run_config=config or RunConfig()
    )
    return [event async for event in run]


async def main() -> dict[str, object]:
    with Provider(
        Call("add", a=2, b=3), "The sum is 5", Call("add", a=1, b=1), "It is two", Json(name="Ada", age=36)
    ) as provider:
        model = LiteLlm("openai/gpt-4o-mini", api_base=provider.url, api_key=KEY)
        adder = LlmAgent(name="adder", model=model, instruction="Add.", tools=[add])
        events = await ask(adder, "2 + 3?")
        assert events[-1].content.parts[0].text == "The sum is 5"
        assert events[0].get_function_calls()[0].args == {"a": 2, "b": 3}
        assert events[-1].usage_metadata.total_token_count == 18
        assert provider.chats[0]["tools"][0]["function"]["name"] == "add"
        assert provider.chats[1]["messages"][-1]["role"] == "tool"
        assert '"sum": 5' in provider.said(1)

        events = await ask(adder, "1 + 1?", RunConfig(streaming_mode=StreamingMode.SSE))
        pieces = [event.content.parts[0].text for event in events if event.partial and event.content]
        assert "".join(piece or "" for piece in pieces) == "It is two", events
        assert events[-1].content.parts[0].text == "It is two"
        assert provider.chats[3]["stream"] is True

        typed = LlmAgent(name="typed", model=model, output_schema=Person, output_key="person")
        events = await ask(typed, "Ada is 36")
        assert Person.model_validate_json(events[-1].content.parts[0].text) == Person(name="Ada", age=36)
        assert provider.chats[4]["response_format"]["type"] == "json_schema"
        return {"pieces": len(pieces)}


done(**asyncio.run(main()))
