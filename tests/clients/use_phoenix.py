"""arize-phoenix-evals: text, a structured answer and a classifier through the litellm adapter."""

import asyncio

from _provider import KEY, Call, Json, Provider, done
from phoenix.evals import ClassificationEvaluator
from phoenix.evals.llm import LLM


def answer(body: dict) -> object:
    if body.get("tools"):
        name = body["tools"][0]["function"]["name"]
        return Call(name, label="right", explanation="it is")
    if body.get("response_format"):
        return Json(label="right", explanation="it is")
    return "Hello there"


with Provider(always=answer) as provider:
    llm = LLM(provider="litellm", model="openai/gpt-4o-mini", sync_client_kwargs={}, async_client_kwargs={})
    assert llm.generate_text("Hi") == "Hello there"
    assert provider.said(0) == "Hi"
    assert provider.requests[0][2]["authorization"] == f"Bearer {KEY}"
    assert asyncio.run(llm.async_generate_text("Hi")) == "Hello there"
    evaluator = ClassificationEvaluator(
        name="right", llm=llm, prompt_template="Is {output} right?", choices={"right": 1.0, "wrong": 0.0}
    )
    (score,) = evaluator.evaluate({"output": "Paris"})
    assert (score.label, score.score) == ("right", 1.0)
    assert "Is Paris right?" in provider.said(-1)

done(label=score.label)
