"""langchain-openai against the gateway: chat, a stream, tools, structured output, async, embeddings, Azure, errors."""

import asyncio

import openai
from _gateway import KEY, done, gateway
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

HELLO = 'Hello from ferrolite mock: you said "Hi"'


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"12 degrees in {city}"


with gateway() as (base, _):
    for name in ("gpt-4o", "claude", "gemini"):
        to = {"model": name, "base_url": f"{base}/v1", "api_key": KEY, "max_retries": 0}
        llm = ChatOpenAI(**to, stream_usage=True)
        reply = llm.invoke("Hi")
        assert reply.content == HELLO
        assert reply.usage_metadata["total_tokens"] > 0
        pieces = list(llm.stream("Hi"))
        assert "".join(piece.content for piece in pieces) == HELLO
        assert sum(bool(piece.usage_metadata) for piece in pieces) == 1
        with_tools = llm.bind_tools([get_weather])
        question = HumanMessage("What is the weather in Oslo?")
        reply = with_tools.invoke([question])
        (call,) = reply.tool_calls
        assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"})
        result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
        assert "12 degrees in Oslo" in with_tools.invoke([question, reply, result]).content
        for method in ("json_schema", "function_calling"):
            person = llm.with_structured_output(Person, method=method).invoke("Make a person")
            assert isinstance(person, Person)
        through_responses = ChatOpenAI(**to, use_responses_api=True).invoke("Hi")
        assert HELLO in through_responses.text

    # Once: the package keeps an asynchronous client from one event loop to the next.
    assert asyncio.run(llm.ainvoke("Hi")).content == HELLO
    azure = AzureChatOpenAI(
        azure_endpoint=base, azure_deployment="claude", api_version="2024-10-21", api_key=KEY
    )
    assert azure.invoke("Hi").content == HELLO
    # Counting tokens first would load a list of them from the internet.
    to = {"model": "embed", "base_url": f"{base}/v1", "api_key": KEY, "check_embedding_ctx_length": False}
    embeddings = OpenAIEmbeddings(**to)
    vectors = embeddings.embed_documents(["a b", "c"])
    assert len(vectors) == 2
    raised = {}
    for name, key in (("failing", KEY), ("gpt4o", KEY), ("gpt-4o", "sk-wrong")):
        try:
            ChatOpenAI(model=name, base_url=f"{base}/v1", api_key=key, max_retries=0).invoke("Hi")
        except openai.APIStatusError as error:
            # The package has classes of its own beneath the client's.
            kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("openai")]
            raised[name] = kinds[0]
    assert raised == {
        "failing": "RateLimitError",
        "gpt4o": "BadRequestError",
        "gpt-4o": "AuthenticationError",
    }

done(raised=raised, numbers=len(vectors[0]))
