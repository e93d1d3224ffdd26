"""ragas: metrics that are judged by a model, through its litellm adapter and embeddings."""

import asyncio

import instructor
import litellm
from _provider import KEY, Json, Provider, done
from pydantic import BaseModel
from ragas.embeddings import LiteLLMEmbeddings
from ragas.llms import llm_factory


class Verdict(BaseModel):
    reason: str
    score: int


with Provider(Json(reason="fits", score=1), Json(reason="does not", score=0)) as provider:
    to = {"api_base": provider.url, "api_key": KEY}
    client = instructor.from_litellm(litellm.completion, mode=instructor.Mode.JSON)
    llm = llm_factory("openai/gpt-4o-mini", provider="litellm", client=client, adapter="litellm", **to)
    verdict = llm.generate("Is it right?", Verdict)
    assert (verdict.reason, verdict.score) == ("fits", 1)
    assert "Is it right?" in provider.said(0)

    client = instructor.from_litellm(litellm.acompletion, mode=instructor.Mode.JSON)
    llm = llm_factory("openai/gpt-4o-mini", provider="litellm", client=client, adapter="litellm", **to)
    verdict = asyncio.run(llm.agenerate("Is it right?", Verdict))
    assert (verdict.reason, verdict.score) == ("does not", 0)

    embeddings = LiteLLMEmbeddings(model="openai/text-embedding-3-small", **to)
    assert len(embeddings.embed_text("a b")) == 16
    assert len(asyncio.run(embeddings.aembed_text("a b"))) == 16
    assert provider.embeddings[0]["input"] == ["a b"]

done(verdict=verdict.model_dump())
