"""The whole interface in one run, against the mock provider: no key, no internet.

Run it with `make demo`.
"""

import asyncio
import json
import time

import ferrolite
from ferrolite import acompletion, completion
from ferrolite.testing import MockServer

FORMATS = {
    "OpenAI": ("openai/gpt-4o", "/v1"),
    "Anthropic": ("anthropic/claude-sonnet-4-5", ""),
    "Gemini": ("gemini/gemini-2.5-flash", "/v1beta"),
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def user(text):
    return [{"role": "user", "content": text}]


def show(label, text):
    print(f"  {label:<10} {text}")


def plain(target):
    reply = completion(messages=user("Hello there"), **target)
    show("plain", reply.choices[0].message.content)
    usage = reply.usage
    show("", f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out, id {reply.id}")


def streamed(target):
    print(f"  {'streamed':<10} ", end="")
    for chunk in completion(messages=user("Tell me more"), stream=True, **target):
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()


async def concurrent(target):
    started = time.perf_counter()
    asked = [acompletion(messages=user(f"Question {number}"), **target) for number in range(20)]
    replies = await asyncio.gather(*asked)
    milliseconds = (time.perf_counter() - started) * 1000
    show(
        "async",
        f"{len(replies)} answers in {milliseconds:.0f} ms, the last: {replies[-1].choices[0].message.content}",
    )


def with_tool(target):
    messages = user("What is the weather in Oslo?")
    message = completion(messages=messages, tools=[WEATHER], **target).choices[0].message
    call = message.tool_calls[0]
    show("tool", f"the model calls {call.function.name}({call.function.arguments})")
    result = json.dumps({"city": json.loads(call.function.arguments)["city"], "sky": "clear", "degrees": 7})
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": result}]
    reply = completion(messages=messages, tools=[WEATHER], **target)
    show("", reply.choices[0].message.content)


def refused(target):
    try:
        completion(messages=user("Hello"), extra_headers={"x-mock-status": "429"}, num_retries=0, **target)
    except ferrolite.RateLimitError as error:
        show("error", f"{type(error).__name__}, status {error.status_code}, from {error.llm_provider}")


def main():
    with MockServer() as mock:
        print(f"ferrolite against its mock provider at {mock.base_url}")
        for name, (model, path) in FORMATS.items():
            target = {"model": model, "api_base": mock.base_url + path, "api_key": "any"}
            print(f"\n{name}: {model}")
            plain(target)
            streamed(target)
            asyncio.run(concurrent(target))
            with_tool(target)
            refused(target)
    print("\nThe same calls, answers and exceptions for each. examples/ has these one by one.")


if __name__ == "__main__":
    main()
