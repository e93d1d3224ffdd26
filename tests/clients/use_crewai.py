"""crewai: a crew whose agent calls a tool and answers in a given shape; the model by itself, streamed."""

from _provider import KEY, Call, Json, Provider, done
from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from pydantic import BaseModel


class Sum(BaseModel):
    total: int


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


with Provider("Hello there", "one two three", Call("add", a=2, b=3), "The sum is 5") as provider:
    llm = LLM("openai/gpt-4o-mini", is_litellm=True, base_url=provider.url, api_key=KEY, temperature=0.2)
    assert llm.is_litellm
    assert llm.call("Hi") == "Hello there"
    assert provider.chats[0]["messages"] == [{"role": "user", "content": "Hi"}]
    assert provider.chats[0]["temperature"] == 0.2
    assert llm.get_context_window_size() > 50_000
    assert llm.supports_function_calling() is True

    streaming = LLM("openai/gpt-4o-mini", is_litellm=True, base_url=provider.url, api_key=KEY, stream=True)
    assert streaming.call("Count") == "one two three"
    assert provider.chats[1]["stream"] is True

    agent = Agent(role="adder", goal="add", backstory="You add.", tools=[add], llm=llm, verbose=False)
    task = Task(description="Add 2 and 3.", expected_output="the sum", agent=agent)
    result = Crew(agents=[agent], tasks=[task], verbose=False).kickoff()
    assert result.raw == "The sum is 5", result
    assert "Add 2 and 3." in provider.said(2)
    assert provider.chats[2]["tools"][0]["function"]["name"] == "add"
    assert "5" in provider.said(3)
    assert result.token_usage.total_tokens >= 36, result.token_usage

    def answer(body: dict) -> object:
        if body.get("tools"):
            return Call(body["tools"][0]["function"]["name"], total=5)
        return Json(total=5)

    provider.always = answer
    writer = Agent(role="writer", goal="write", backstory="You write.", llm=llm, verbose=False)
    task = Task(description="2 + 3?", expected_output="a sum", agent=writer, output_pydantic=Sum)
    result = Crew(agents=[writer], tasks=[task], verbose=False).kickoff()
    assert result.pydantic == Sum(total=5), result

done(usage=result.token_usage.model_dump())
