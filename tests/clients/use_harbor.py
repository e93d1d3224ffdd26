"""harbor: its chat with a model, its cost, and its errors of context length."""

import asyncio

from _provider import KEY, Fail, Json, Provider, done
from harbor.llms.base import ContextLengthExceededError
from harbor.llms.chat import Chat
from harbor.llms.lite_llm import LiteLLM

LONG = (
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens."
)


async def main() -> dict[str, object]:
    with Provider("Hello there", Json(answer="again"), Fail(400, LONG)) as provider:
        model = LiteLLM("openai/gpt-4o-mini", temperature=0.3, api_base=provider.url, api_key=KEY)
        assert model.get_model_context_limit() == 128000
        chat = Chat(model)
        reply = await chat.chat("Hi")
        assert reply.content == "Hello there"
        assert provider.chats[0]["temperature"] == 0.3
        await chat.chat("And?")
        assert [message["role"] for message in provider.chats[1]["messages"]] == ["user", "assistant", "user"]
        assert (chat.total_input_tokens, chat.total_output_tokens) == (22, 14)
        assert chat.total_cost > 0
        try:
            await chat.chat("Too much")
        except ContextLengthExceededError:
            pass
        else:
            raise AssertionError("an overlong request was not named")
        return {"cost": chat.total_cost}


done(**asyncio.run(main()))
