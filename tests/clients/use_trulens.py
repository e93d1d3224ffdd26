"""trulens: feedback functions that a model answers through the litellm provider."""

from _provider import KEY, Json, Provider, done
from trulens.providers.litellm import LiteLLM

with Provider("Score: 3", "Criteria: x\nSupporting Evidence: y\nScore: 0", Json(score=3)) as provider:
    judge = LiteLLM("openai/gpt-4o-mini", completion_kwargs={"api_base": provider.url, "api_key": KEY})
    score = judge.relevance("The capital of France?", "Paris")
    assert score == 1.0, score
    assert "The capital of France?" in provider.said(0)
    assert provider.chats[0]["model"] == "gpt-4o-mini"
    score, reasons = judge.relevance_with_cot_reasons("The capital of France?", "Soup")
    assert score == 0.0, score
    assert "Soup" in provider.said(1)

done(score=score, reasons=reasons)
