"""llama-index: chat, streams, tools, structured output, async, embeddings in an index."""

import asyncio

from _provider import KEY, Call, Provider, done
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.litellm import LiteLLMEmbedding
from llama_index.llms.litellm import LiteLLM
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


with Provider(
    "Hello there",
    "one two three",
    Call("add", a=2, b=3),
    "The sum is 5",
    Call("Person", name="Ada", age=36),
    "async",
    "s1 s2",
    "The cat is on the mat",
) as provider:
    llm = LiteLLM(model="openai/gpt-4o-mini", api_base=provider.url, api_key=KEY, max_retries=0)
    ask = [ChatMessage(role="user", content="Hi")]
    assert llm.chat(ask).message.content == "Hello there"
    assert provider.chats[0]["messages"] == [{"role": "user", "content": "Hi"}]
    assert llm.metadata.context_window > 100_000

    pieces = [piece.delta for piece in llm.stream_chat(ask)]
    assert "".join(piece or "" for piece in pieces) == "one two three"

    reply = llm.predict_and_call([FunctionTool.from_defaults(add)], user_msg="2 + 3?")
    assert reply.response == "5"
    assert provider.chats[2]["tools"][0]["function"]["name"] == "add"

    reply = llm.complete("And?")
    assert reply.text == "The sum is 5"

    person = llm.as_structured_llm(Person).complete("Ada is 36").raw
    assert person == Person(name="Ada", age=36)

    assert asyncio.run(llm.achat(ask)).message.content == "async"

    async def streamed() -> str:
        return "".join([piece.delta async for piece in await llm.astream_chat(ask)])

    assert asyncio.run(streamed()) == "s1 s2"

    embedding = LiteLLMEmbedding(
        model_name="openai/text-embedding-3-small", api_base=provider.url, api_key=KEY
    )
    texts = ["the cat sat on the mat", "rain falls in Oslo"]
    index = VectorStoreIndex.from_documents([Document(text=text) for text in texts], embed_model=embedding)
    answer = index.as_query_engine(llm=llm, similarity_top_k=1).query("where is the cat?")
    assert str(answer) == "The cat is on the mat"
    assert "the cat sat on the mat" in provider.said(7)
    assert "Oslo" not in provider.said(7)
    assert provider.embeddings[0]["model"] == "text-embedding-3-small"

done(pieces=len(pieces))
