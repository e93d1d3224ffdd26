"""mini-swe-agent: an agent that runs shell commands until it submits, with the cost of each step."""

import logging

import litellm
from _provider import KEY, Call, Fail, Provider, done, raised
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.litellm_model import LitellmModel

logging.disable(logging.CRITICAL)
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && echo the answer is 42"

with Provider(
    Call("bash", command="echo $((6 * 7))"),
    "no call at all",
    Call("bash", command=SUBMIT),
    Fail(401, "Incorrect API key provided"),
) as provider:
    model = LitellmModel(
        model_name="openai/gpt-4o-mini", model_kwargs={"api_base": provider.url, "api_key": KEY}
    )
    agent = DefaultAgent(
        model, LocalEnvironment(), system_template="You work.", instance_template="Task: {{ task }}"
    )
    result = agent.run("multiply")
    assert result["submission"].strip() == "the answer is 42", result
    assert result["exit_status"] == "Submitted"
    assert agent.cost > 0
    assert provider.chats[0]["tools"][0]["function"]["name"] == "bash"
    assert provider.chats[0]["messages"][0] == {"role": "system", "content": "You work."}
    assert "<output>\n42" in provider.said(1)
    assert provider.chats[1]["messages"][-1]["role"] == "tool"
    assert len(provider.chats) == 3

    # A wrong key ends the work at once.
    error = raised(
        litellm.exceptions.AuthenticationError, model.query, messages=[{"role": "user", "content": "hi"}]
    )
    assert "You can permanently set your API key" in error.message

done(cost=agent.cost)
