"""langchain-litellm: chat, a stream, tools, structured output, async, a router, embeddings."""

import asyncio

from _provider import KEY, Call, Provider, done
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_litellm import ChatLiteLLM, ChatLiteLLMRouter, LiteLLMEmbeddings
from litellm import Router
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


with Provider(
    "Hello there",
    "one two three",
    Call("add", a=2, b=3),
    "The sum is 5",
    Call("Person", name="Ada", age=36),
    "async hello",
    "s1 s2",
    Call("add", a=7, b=8),
    "routed",
) as provider:
    llm = ChatLiteLLM(model="openai/gpt-4o-mini", api_base=provider.url, api_key=KEY, temperature=0.3)
    reply = llm.invoke("Hi")
    assert reply.content == "Hello there"
    assert reply.usage_metadata["total_tokens"] == 18
    assert reply.response_metadata["finish_reason"] == "stop"
    assert provider.chats[0]["messages"] == [{"role": "user", "content": "Hi"}]
    assert provider.chats[0]["temperature"] == 0.3
    assert provider.requests[0][2]["authorization"] == f"Bearer {KEY}"

    pieces = list(llm.stream("Count"))
    assert "".join(piece.content for piece in pieces) == "one two three"
    assert len(pieces) > 2
    assert provider.chats[1]["stream"] is True

    with_tools = llm.bind_tools([add])
    question = HumanMessage("2 + 3?")
    reply = with_tools.invoke([question])
    (call,) = reply.tool_calls
    assert (call["name"], call["args"]) == ("add", {"a": 2, "b": 3})
    assert provider.chats[2]["tools"][0]["function"]["name"] == "add"
    result = ToolMessage(str(add.invoke(call["args"])), tool_call_id=call["id"])
    assert with_tools.invoke([question, reply, result]).content == "The sum is 5"
    sent = provider.chats[3]["messages"]
    assert sent[1]["tool_calls"][0]["id"] == call["id"]
    assert (sent[2]["role"], sent[2]["content"], sent[2]["tool_call_id"]) == ("tool", "5", call["id"])

    person = llm.with_structured_output(Person, method="function_calling").invoke("Ada is 36")
    assert person == Person(name="Ada", age=36)

    assert asyncio.run(llm.ainvoke("Hi")).content == "async hello"

    async def streamed() -> str:
        return "".join([piece.content async for piece in llm.astream("Count")])

    assert asyncio.run(streamed()) == "s1 s2"

    whole = None
    for piece in with_tools.stream("7 + 8?"):
        whole = piece if whole is None else whole + piece
    assert whole.tool_calls[0]["args"] == {"a": 7, "b": 8}

    deployment = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    router = Router(model_list=[{"model_name": "fast", "litellm_params": deployment}])
    routed = ChatLiteLLMRouter(router=router, model_name="fast")
    assert routed.invoke("Hi").content == "routed"
    assert provider.chats[8]["model"] == "gpt-4o-mini"

    embeddings = LiteLLMEmbeddings(model="openai/text-embedding-3-small", api_base=provider.url, api_key=KEY)
    vectors = embeddings.embed_documents(["a b", "c"])
    assert [len(numbers) for numbers in vectors] == [16, 16]
    assert provider.embeddings[0]["input"] == ["a b", "c"]

done(pieces=len(pieces), usage=reply.usage_metadata)
