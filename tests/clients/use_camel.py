"""camel-ai: a chat agent with a tool, and its token counter."""

from _provider import KEY, Call, Json, Provider, done
from camel.agents import ChatAgent
from camel.models import ModelFactory
from camel.toolkits import FunctionTool
from camel.types import ModelPlatformType
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a (int): One.
        b (int): Another.
    """
    return a + b


with Provider("Hello there", Call("add", a=2, b=3), "The sum is 5", Json(name="Ada", age=36)) as provider:
    model = ModelFactory.create(
        model_platform=ModelPlatformType.LITELLM,
        model_type="openai/gpt-4o-mini",
        url=provider.url,
        api_key=KEY,
        model_config_dict={"temperature": 0.2},
    )
    agent = ChatAgent("You are kind.", model=model)
    reply = agent.step("Hi")
    assert reply.msgs[0].content == "Hello there"
    assert reply.info["usage"]["total_tokens"] == 18, reply.info
    assert provider.chats[0]["messages"][0] == {"role": "system", "content": "You are kind."}
    assert provider.chats[0]["temperature"] == 0.2
    assert model.count_tokens_from_messages([{"role": "user", "content": "hi"}]) > 0

    agent = ChatAgent("Add.", model=model, tools=[FunctionTool(add)])
    assert agent.step("2 + 3?").msgs[0].content == "The sum is 5"
    assert provider.chats[1]["tools"][0]["function"]["name"] == "add"
    assert provider.chats[2]["messages"][-1]["role"] == "tool"
    assert "5" in str(provider.chats[2]["messages"][-1]["content"])

    agent = ChatAgent("You know.", model=model)
    reply = agent.step("Ada is 36", response_format=Person)
    assert reply.msgs[0].parsed == Person(name="Ada", age=36)

done(usage=reply.info["usage"])
