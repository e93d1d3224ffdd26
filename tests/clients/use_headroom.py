"""headroom-ai: its backend answers Anthropic's and OpenAI's formats; its callback; prices."""

import asyncio

import litellm
from _provider import KEY, Call, Provider, done
from headroom.backends.litellm import LiteLLMBackend
from headroom.integrations.litellm_callback import HeadroomCallback
from headroom.providers.litellm import LiteLLMProvider

MESSAGES = [{"role": "user", "content": "Hi"}]


async def main() -> dict[str, object]:
    with Provider("Hello there", Call("add", a=2, b=3), "one two three", "plain", "called back") as provider:
        litellm.api_base = provider.url
        backend = LiteLLMBackend(provider="openai")
        headers = {"authorization": f"Bearer {KEY}"}
        ask = {"model": "gpt-4o-mini", "max_tokens": 50, "messages": MESSAGES}
        reply = await backend.send_message(ask, headers)
        assert reply.body["content"] == [{"type": "text", "text": "Hello there"}], reply
        assert reply.body["usage"]["output_tokens"] == 7
        assert provider.chats[0]["max_tokens"] == 50

        schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
        tool = {"name": "add", "description": "Add", "input_schema": schema}
        reply = await backend.send_message({**ask, "tools": [tool]}, headers)
        (block,) = [block for block in reply.body["content"] if block["type"] == "tool_use"]
        assert (block["name"], block["input"]) == ("add", {"a": 2, "b": 3})
        assert provider.chats[1]["tools"][0]["function"]["name"] == "add"

        events = [event async for event in backend.stream_message({**ask, "stream": True}, headers)]
        assert "one" in str(events)
        assert provider.chats[2]["stream"] is True

        reply = await backend.send_openai_message({"model": "gpt-4o-mini", "messages": MESSAGES}, headers)
        assert reply.body["choices"][0]["message"]["content"] == "plain"

        litellm.callbacks = [HeadroomCallback(min_tokens=10_000)]
        reply = await litellm.acompletion("openai/gpt-4o-mini", MESSAGES, api_key=KEY)
        assert reply.choices[0].message.content == "called back"

        facts = LiteLLMProvider()
        assert facts.get_context_limit("gpt-4o-mini") == 128000
        cost = facts.estimate_cost(1000, 1000, "gpt-4o-mini")
        assert abs(cost - 0.00075) < 1e-9, cost
        return {"events": len(events), "cost": cost}


done(**asyncio.run(main()))
