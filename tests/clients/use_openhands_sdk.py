"""openhands-sdk: completions, tools, a stream, async, cost, and an agent's conversation."""

import asyncio
import tempfile

from _provider import KEY, Call, Provider, done
from openhands.sdk import LLM, Agent, Conversation, Message, TextContent
from pydantic import SecretStr


def say(text: str) -> list[Message]:
    return [Message(role="user", content=[TextContent(text=text)])]


with Provider(
    "Hello there", "one two three", "async", Call("finish", message="All done", summary="x")
) as provider:
    to = {"model": "openai/gpt-4o-mini", "base_url": provider.url, "api_key": SecretStr(KEY)}
    llm = LLM(usage_id="plain", num_retries=0, **to)
    reply = llm.completion(say("Hi"))
    assert reply.message.content[0].text == "Hello there"
    assert "Hi" in provider.said(0)
    assert llm.metrics.accumulated_cost > 0
    assert llm.metrics.accumulated_token_usage.prompt_tokens == 11

    pieces: list[str] = []
    streaming = LLM(usage_id="stream", stream=True, num_retries=0, **to)
    reply = streaming.completion(
        say("Count"),
        on_token=lambda chunk: pieces.append(chunk.choices[0].delta.content if chunk.choices else ""),
    )
    assert reply.message.content[0].text == "one two three"
    assert "".join(piece or "" for piece in pieces) == "one two three"

    assert asyncio.run(llm.acompletion(say("Hi"))).message.content[0].text == "async"

    agent = Agent(llm=llm, tools=[])
    conversation = Conversation(agent=agent, workspace=tempfile.mkdtemp(), visualizer=None)
    conversation.send_message("Finish.")
    conversation.run()
    assert conversation.state.execution_status.value == "finished"
    names = {tool["function"]["name"] for tool in provider.chats[3]["tools"]}
    assert "finish" in names

done(cost=llm.metrics.accumulated_cost)
