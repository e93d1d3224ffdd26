"""guardrails: an answer that must fit a model, and is asked again when it does not."""

import os

os.environ["OTEL_SDK_DISABLED"] = "true"  # it reports what it is used for

import litellm
from _provider import KEY, Json, Provider, done
from guardrails import Guard
from pydantic import BaseModel


class Person(BaseModel):
    name: str
    age: int


with Provider("Hello there", Json(name="Ada"), Json(name="Ada", age=36)) as provider:
    to = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    ask = [{"role": "user", "content": "Ada is 36"}]
    outcome = Guard()(messages=ask, **to)
    assert outcome.validated_output == "Hello there"
    assert provider.chats[0]["messages"] == ask

    guard = Guard.for_pydantic(Person)
    outcome = guard(litellm.completion, messages=ask, num_reasks=1, **to)
    assert outcome.validated_output == {"name": "Ada", "age": 36}, outcome
    assert len(provider.chats) == 3
    assert "age" in provider.said(2)
    assert guard.history.last.tokens_consumed == 36

done(output=outcome.validated_output)
