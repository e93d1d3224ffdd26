"""dspy: a signature, chain of thought, an agent with a tool, typed output, streaming, async, embeddings."""

import asyncio

import dspy
from _provider import KEY, Provider, done
from pydantic import BaseModel


class City(BaseModel):
    name: str
    people: int


def filled(**fields: str) -> str:
    """An answer in the format that dspy's chat adapter asks for."""
    sections = [f"[[ ## {name} ## ]]\n{value}\n" for name, value in fields.items()]
    return "\n".join([*sections, "[[ ## completed ## ]]"])


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


with Provider(
    filled(answer="Paris"),
    filled(reasoning="Two and two.", answer="4"),
    filled(city='{"name": "Oslo", "people": 700000}'),
    filled(next_thought="Look.", next_tool_name="weather", next_tool_args='{"city": "Oslo"}'),
    filled(next_thought="Known.", next_tool_name="finish", next_tool_args="{}"),
    filled(reasoning="The tool said so.", answer="It rains."),
    filled(answer="Rome"),
    filled(answer="one two three four"),
) as provider:
    lm = dspy.LM("openai/gpt-4o-mini", api_base=provider.url, api_key=KEY, cache=False, temperature=0.5)
    dspy.configure(lm=lm, track_usage=True)

    result = dspy.Predict("question -> answer")(question="The capital of France?")
    assert result.answer == "Paris"
    assert provider.chats[0]["model"] == "gpt-4o-mini"
    assert provider.chats[0]["temperature"] == 0.5
    assert "The capital of France?" in provider.said(0)
    (usage,) = result.get_lm_usage().values()
    assert usage["total_tokens"] == 18, usage

    result = dspy.ChainOfThought("question -> answer: int")(question="2 + 2?")
    assert (result.answer, result.reasoning) == (4, "Two and two.")

    result = dspy.Predict(dspy.Signature("text -> city: City", custom_types={"City": City}))(text="Oslo")
    assert result.city == City(name="Oslo", people=700000)

    agent = dspy.ReAct("question -> answer", tools=[weather])
    result = agent(question="The weather in Oslo?")
    assert result.answer == "It rains."
    assert "rain in Oslo" in provider.said(4)

    result = asyncio.run(dspy.Predict("question -> answer").acall(question="The capital of Italy?"))
    assert result.answer == "Rome"

    async def streamed() -> list[object]:
        listeners = [dspy.streaming.StreamListener(signature_field_name="answer")]
        program = dspy.streamify(dspy.Predict("question -> answer"), stream_listeners=listeners)
        return [piece async for piece in program(question="Count")]

    pieces = asyncio.run(streamed())
    assert provider.chats[7]["stream"] is True
    text = "".join(piece.chunk for piece in pieces if isinstance(piece, dspy.streaming.StreamResponse))
    assert text.split() == ["one", "two", "three", "four"], pieces
    assert isinstance(pieces[-1], dspy.Prediction)

    entry = lm.history[0]
    assert entry["usage"]["prompt_tokens"] == 11
    assert entry["cost"] is not None
    assert entry["cost"] > 0

    embedder = dspy.Embedder(
        "openai/text-embedding-3-small", api_base=provider.url, api_key=KEY, caching=False
    )
    assert embedder(["a b", "c"]).shape == (2, 16)
    assert provider.embeddings[0]["input"] == ["a b", "c"]

done(cost=entry["cost"], pieces=len(pieces))
