"""smolagents: an agent that calls tools, one that writes code, a stream, and a router."""

from _provider import KEY, Call, Provider, done
from smolagents import (
    ChatMessage,
    CodeAgent,
    LiteLLMModel,
    LiteLLMRouterModel,
    MessageRole,
    ToolCallingAgent,
    tool,
)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One number.
        b: Another.
    """
    return a + b


CODE = "Thought: I add them.\n<code>\nfinal_answer(add(20, 22))\n</code>"

with Provider(
    Call("add", a=2, b=3), Call("final_answer", answer="5"), CODE, CODE, "one two three", "routed"
) as provider:
    model = LiteLLMModel("openai/gpt-4o-mini", api_base=provider.url, api_key=KEY, temperature=0.1)
    agent = ToolCallingAgent(tools=[add], model=model, verbosity_level=0)
    assert agent.run("2 + 3?") == "5"
    names = [offered["function"]["name"] for offered in provider.chats[0]["tools"]]
    assert names == ["add", "final_answer"]
    assert "Observation:\n5" in provider.said(1), provider.said(1)
    assert agent.monitor.get_total_token_counts().input_tokens == 22

    assert CodeAgent(tools=[add], model=model, verbosity_level=0).run("20 + 22?") == 42
    assert provider.chats[2]["stop"], "the code agent stops at the end of its code"

    streaming = CodeAgent(tools=[add], model=model, verbosity_level=0, stream_outputs=True)
    assert streaming.run("20 + 22?") == 42
    assert provider.chats[3]["stream"] is True

    ask = [ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": "Count"}])]
    deltas = list(model.generate_stream(ask))
    assert "".join(delta.content or "" for delta in deltas) == "one two three"
    assert deltas[-1].token_usage.output_tokens == 7

    deployment = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    router = LiteLLMRouterModel(
        model_id="fast",
        model_list=[{"model_name": "fast", "litellm_params": deployment}],
        client_kwargs={"routing_strategy": "simple-shuffle"},
    )
    assert router.generate(ask).content == "routed"
    assert provider.chats[5]["model"] == "gpt-4o-mini"

done(deltas=len(deltas))
