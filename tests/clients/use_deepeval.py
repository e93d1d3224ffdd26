"""deepeval: a metric that a model judges, and its cost."""

import asyncio

from _provider import KEY, Json, Provider, done
from deepeval.metrics import GEval
from deepeval.models import LiteLLMModel
from deepeval.test_case import LLMTestCase, SingleTurnParams
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


with Provider(
    "Hello", Json(name="Ada", age=36), Json(name="Grace", age=85), Json(reason="It is right.", score=10)
) as provider:
    model = LiteLLMModel("openai/gpt-4o-mini", base_url=provider.url, api_key=KEY, temperature=0)
    reply = model.generate("Hi")
    assert reply[0] == "Hello", reply
    assert provider.said(0) == "Hi"

    assert model.generate("Ada is 36", schema=Person)[0] == Person(name="Ada", age=36)
    assert asyncio.run(model.a_generate("Grace is 85", schema=Person))[0] == Person(name="Grace", age=85)

    metric = GEval(
        name="correctness",
        evaluation_steps=["Compare the actual output with the expected one."],
        evaluation_params=[SingleTurnParams.ACTUAL_OUTPUT, SingleTurnParams.EXPECTED_OUTPUT],
        model=model,
        async_mode=False,
    )
    case = LLMTestCase(input="2 + 2?", actual_output="4", expected_output="4")
    metric.measure(case, _show_indicator=False)
    assert metric.score == 1.0, metric.score
    assert metric.reason == "It is right."
    assert "Compare the actual output" in provider.said(3)

done(score=metric.score, cost=metric.evaluation_cost)
