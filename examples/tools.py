"""Tools: the model asks for a function, the program calls it, the model answers.

The same loop for three formats. Runs against the mock provider; with a key of your own, leave out `api_base`.
"""

import json

from ferrolite import completion
from ferrolite.testing import MockServer

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                },
                "required": ["city"],
            },
        },
    }
]


def get_weather(city, unit="celsius"):
    return {"city": city, "degrees": 7 if unit == "celsius" else 45, "sky": "clear"}


def answer(question, **target):
    """Ask, call what the model wants called, and ask again until it answers."""
    messages = [{"role": "user", "content": question}]
    while True:
        message = completion(messages=messages, tools=TOOLS, **target).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            print(f"  calls {call.function.name}({arguments})")
            result = json.dumps(get_weather(**arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def main():
    with MockServer() as mock:
        for model in ("openai/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"):
            print(model)
            text = answer("What is the weather in Oslo?", model=model, api_base=mock.base_url, api_key="any")
            print(f"  {text}")


if __name__ == "__main__":
    main()
