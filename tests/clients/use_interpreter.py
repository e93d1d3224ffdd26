"""open-interpreter: code that the model writes is run, and its output goes back."""

from _provider import KEY, Call, Provider, done
from interpreter import OpenInterpreter

with Provider(
    Call("execute", language="python", code="print(6 * 7)"),
    "The answer is 42",
    "```python\nprint(2 + 3)\n```",
    "It is 5",
) as provider:
    interpreter = OpenInterpreter(disable_telemetry=True)
    interpreter.offline = True
    interpreter.auto_run = True
    interpreter.llm.model = "openai/gpt-4o-mini"
    interpreter.llm.api_base = provider.url
    interpreter.llm.api_key = KEY
    interpreter.llm.supports_functions = True
    messages = interpreter.chat("6 * 7?", display=False)
    assert messages[-1]["content"] == "The answer is 42"
    assert any(message["type"] == "console" and message["content"].strip() == "42" for message in messages)
    assert provider.chats[0]["stream"] is True
    assert provider.chats[0]["tools"][0]["function"]["name"] == "execute"
    assert "42" in provider.said(1)

    interpreter.llm.supports_functions = False
    messages = interpreter.chat("2 + 3?", display=False)
    assert messages[-1]["content"] == "It is 5"
    interpreter.computer.terminate()

done(messages=len(messages))
