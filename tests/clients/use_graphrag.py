"""graphrag-llm: a completion, its stream, a structured answer, async, embeddings."""

import asyncio

from _provider import KEY, Json, Provider, done
from graphrag_llm.completion import create_completion
from graphrag_llm.config import ModelConfig
from graphrag_llm.embedding import create_embedding
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


with Provider("Hello there", "one two three", Json(name="Ada", age=36), "async") as provider:
    facts = {"model_provider": "openai", "api_base": provider.url, "api_key": KEY}
    model = create_completion(ModelConfig(model="gpt-4o-mini", **facts))
    reply = model.completion(messages="Hi")
    assert reply.content == "Hello there"
    assert provider.said(0) == "Hi"
    text = "".join(
        piece.choices[0].delta.content or "" for piece in model.completion(messages="Count", stream=True)
    )
    assert text == "one two three"
    reply = model.completion(messages="Ada is 36", response_format=Person)
    assert reply.formatted_response == Person(name="Ada", age=36)
    assert provider.chats[2]["response_format"]["type"] == "json_schema"
    assert asyncio.run(model.completion_async(messages="Hi")).content == "async"
    assert model.tokenizer.decode(model.tokenizer.encode("hello world")) == "hello world"
    metrics = model.metrics_store.get_metrics()
    assert metrics["total_tokens"] == 54, metrics

    embedding = create_embedding(ModelConfig(model="text-embedding-3-small", **facts))
    assert [len(numbers) for numbers in embedding.embedding(input=["a b", "c"]).embeddings] == [16, 16]

done(metrics=metrics)
