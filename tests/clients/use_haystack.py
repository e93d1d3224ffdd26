"""litellm-haystack: a chat generator, its stream, a tool in an agent, async."""

import asyncio
from typing import Annotated

from _provider import KEY, Call, Provider, done
from haystack.components.agents import Agent
from haystack.dataclasses import ChatMessage
from haystack.tools import tool
from haystack.utils import Secret
from haystack_integrations.components.generators.litellm import LiteLLMChatGenerator


@tool
def add(a: Annotated[int, "one"], b: Annotated[int, "another"]) -> int:
    """Add two numbers."""
    return a + b


with Provider("Hello there", "one two three", Call("add", a=2, b=3), "The sum is 5", "async") as provider:
    generator = LiteLLMChatGenerator(
        model="openai/gpt-4o-mini",
        api_key=Secret.from_token(KEY),
        api_base_url=provider.url,
        generation_kwargs={"temperature": 0.4},
    )
    ask = [ChatMessage.from_system("Be kind."), ChatMessage.from_user("Hi")]
    (reply,) = generator.run(ask)["replies"]
    assert reply.text == "Hello there"
    assert reply.meta["finish_reason"] == "stop"
    assert reply.meta["usage"]["total_tokens"] == 18
    assert provider.chats[0]["temperature"] == 0.4
    assert [message["role"] for message in provider.chats[0]["messages"]] == ["system", "user"]

    pieces = []
    (reply,) = generator.run(ask, streaming_callback=lambda chunk: pieces.append(chunk.content))["replies"]
    assert "".join(pieces) == reply.text == "one two three"
    assert provider.chats[1]["stream"] is True

    agent = Agent(chat_generator=generator, tools=[add])
    messages = agent.run([ChatMessage.from_user("2 + 3?")])["messages"]
    assert messages[-1].text == "The sum is 5"
    assert provider.chats[2]["tools"][0]["function"]["name"] == "add"
    assert provider.chats[3]["messages"][-1]["role"] == "tool"
    assert "5" in provider.chats[3]["messages"][-1]["content"]

    (reply,) = asyncio.run(generator.run_async(ask))["replies"]
    assert reply.text == "async"

done(pieces=len(pieces))
