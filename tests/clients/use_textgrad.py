"""textgrad: an answer is improved by the criticism that a model gives of it."""

import os

import textgrad
from _provider import KEY, Provider, done


def answer(body: dict) -> str:
    said = str(body["messages"])
    if "<IMPROVED_VARIABLE>" in said:
        return "<IMPROVED_VARIABLE>Paris</IMPROVED_VARIABLE>"
    return "It should be Paris."


with Provider(always=answer) as provider:
    os.environ.update(OPENAI_API_KEY=KEY)
    engine = textgrad.get_engine("experimental:openai/gpt-4o-mini", cache=False)
    assert engine("Say it") == "It should be Paris."
    assert provider.said(0).endswith("Say it")
    textgrad.set_backward_engine(engine, override=True)
    guess = textgrad.Variable("London", requires_grad=True, role_description="the capital of France")
    loss = textgrad.TextLoss("Is it the capital of France?", engine=engine)(guess)
    loss.backward()
    textgrad.TGD(parameters=[guess]).step()
    assert guess.value == "Paris"

done(calls=len(provider.chats))
