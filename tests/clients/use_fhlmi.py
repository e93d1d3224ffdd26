"""fhlmi (of paper-qa): a model, its tools and cost."""

import asyncio

from _provider import KEY, Call, Provider, done
from aviary.core import Message, Tool
from lmi import LiteLLMModel


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: Another.
    """
    return a + b


async def main() -> dict[str, object]:
    with Provider("Hello there", Call("add", a=2, b=3)) as provider:
        deployment = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
        config = {"model_list": [{"model_name": "openai/gpt-4o-mini", "litellm_params": deployment}]}
        model = LiteLLMModel(name="openai/gpt-4o-mini", config=config)
        result = await model.call_single([Message(content="Hi")])
        assert result.text == "Hello there"
        assert (result.prompt_count, result.completion_count) == (11, 7)
        assert result.cost > 0
        assert provider.chats[0]["messages"][0]["content"] == "Hi"

        result = await model.call_single([Message(content="2 + 3?")], tools=[Tool.from_function(add)])
        assert result.messages[-1].tool_calls[0].function.arguments == {"a": 2, "b": 3}

        assert provider.chats[1]["tools"][0]["function"]["name"] == "add"
        assert model.count_tokens("hello world") == 2
        return {"tokens": result.prompt_count}


done(**asyncio.run(main()))
