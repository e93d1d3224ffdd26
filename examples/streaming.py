"""Streams: sync, async, with usage, ended early, and put back together.

Runs against the mock provider; with a key of your own, leave out `api_base` and `api_key`.
"""

import asyncio

from ferrolite import acompletion, completion, stream_chunk_builder
from ferrolite.testing import MockServer

MESSAGES = [{"role": "user", "content": "Tell me about the fjords"}]


def sync(target):
    stream = completion(messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **target)
    chunks = list(stream)
    for chunk in chunks:
        if chunk.choices:
            print(chunk.choices[0].delta.content or "", end="")
    print()
    # The last chunk holds the usage; the builder makes one response of them all.
    whole = stream_chunk_builder(chunks, messages=MESSAGES)
    print(f"{len(chunks)} chunks, {whole.usage.total_tokens} tokens: {whole.choices[0].message.content}")


def ended_early(target):
    # Leaving the block closes the connection: the provider stops producing.
    text = ""
    with completion(
        messages=MESSAGES, stream=True, extra_headers={"x-mock-chunks": "1000"}, **target
    ) as stream:
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            if len(text) > 20:
                break
    print(f"stopped after {text!r}")


async def at_once(target):
    async def one(number):
        text = ""
        async for chunk in await acompletion(messages=MESSAGES, stream=True, **target):
            text += chunk.choices[0].delta.content or ""
        return f"{number}: {text}"

    for line in await asyncio.gather(*(one(number) for number in range(3))):
        print(line)


def main():
    with MockServer() as mock:
        target = {"model": "openai/gpt-4o", "api_base": f"{mock.base_url}/v1", "api_key": "any"}
        sync(target)
        ended_early(target)
        asyncio.run(at_once(target))


if __name__ == "__main__":
    main()
