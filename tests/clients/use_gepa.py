"""gepa: a language model with its cost, a batch, and a small optimization of a prompt."""

import gepa
from _provider import KEY, Provider, done
from gepa.lm import LM


def answer(body: dict) -> str:
    said = "\n".join(str(message["content"]) for message in body["messages"])
    if "write a new instruction" in said.lower():
        return "```\nAlways answer in CAPITALS.\n```"
    return "PARIS" if "CAPITALS" in said else "Paris"


with Provider(always=answer) as provider:
    to = {"api_base": provider.url, "api_key": KEY}
    lm = LM("openai/gpt-4o-mini", temperature=0.3, max_tokens=50, **to)
    assert lm("The capital of France?") == "Paris"
    assert provider.chats[0]["temperature"] == 0.3
    assert lm.total_cost > 0
    assert (lm.total_tokens_in, lm.total_tokens_out) == (11, 7)
    ask = [[{"role": "user", "content": f"Question {number}"}] for number in range(3)]
    assert list(lm.batch_complete(ask)) == ["Paris"] * 3
    asked = {body["messages"][0]["content"] for body in provider.chats[1:4]}
    assert asked == {"Question 0", "Question 1", "Question 2"}

    data = [
        {"input": f"The capital of France? {n}", "answer": "PARIS", "additional_context": {}}
        for n in range(3)
    ]
    result = gepa.optimize(
        seed_candidate={"system_prompt": "Answer."},
        trainset=data,
        valset=data,
        task_lm=lm,
        reflection_lm=LM("openai/gpt-4o", **to),
        max_metric_calls=20,
        display_progress_bar=False,
    )
    assert "CAPITALS" in result.best_candidate["system_prompt"]
    assert result.val_aggregate_scores[result.best_idx] == 1.0

done(cost=lm.total_cost, calls=len(provider.chats))
