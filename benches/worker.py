"""One client in a process of its own: carries out commands from standard input and answers with its CPU time.

`python worker.py ferrolite` reads one JSON object a line and answers each with one line:

    {"mode": "call", "base": "http://127.0.0.1:4010", "text": "Hi", "count": 100, "concurrency": 1}
    {"cpu_us": 9120.0, "wall_us": 15300.0, "events": 100}

Modes: `call` and `stream` block; `acall` and `astream` keep `concurrency` of them in flight on one event loop;
`hold` is `acall` with every callback of the loop timed. Every client reads what a program would read: the text of
the answer, or of each chunk. Only the chosen client is imported.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

KEY = "sk-bench"


class Litellm:
    """LiteLLM's interface: the reference, or ferrolite."""

    def __init__(self, module: str) -> None:
        self.module = __import__(module)

    def arguments(self, command: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": command.get("model", "openai/gpt-4o"),
            "messages": messages(command),
            "api_base": command["base"] + command.get("path", "/v1"),
            "api_key": KEY,
        }

    def call(self, command: dict[str, Any]) -> Callable[[], int]:
        complete, arguments = self.module.completion, self.arguments(command)

        def once() -> int:
            return text_of(complete(**arguments))

        return once

    def stream(self, command: dict[str, Any]) -> Callable[[], int]:
        complete, arguments = self.module.completion, self.arguments(command)
        return lambda: read_all(complete(**arguments, stream=True))

    def acall(self, command: dict[str, Any]) -> Callable[[], Awaitable[int]]:
        complete, arguments = self.module.acompletion, self.arguments(command)

        async def once() -> int:
            return text_of(await complete(**arguments))

        return once

    def astream(self, command: dict[str, Any]) -> Callable[[], Awaitable[int]]:
        complete, arguments = self.module.acompletion, self.arguments(command)

        async def once() -> int:
            return await aread_all(await complete(**arguments, stream=True))

        return once


class Openai:
    """The openai SDK, with one client for all calls."""

    def __init__(self) -> None:
        import openai

        self.sync = openai.OpenAI(api_key=KEY, base_url="http://127.0.0.1")
        self.asynchronous = openai.AsyncOpenAI(api_key=KEY, base_url="http://127.0.0.1")

    def call(self, command: dict[str, Any]) -> Callable[[], int]:
        self.sync.base_url = command["base"] + "/v1"
        create, sent = self.sync.chat.completions.create, messages(command)
        return lambda: text_of(create(model="gpt-4o", messages=sent))

    def stream(self, command: dict[str, Any]) -> Callable[[], int]:
        self.sync.base_url = command["base"] + "/v1"
        create, sent = self.sync.chat.completions.create, messages(command)
        return lambda: read_all(create(model="gpt-4o", messages=sent, stream=True))

    def acall(self, command: dict[str, Any]) -> Callable[[], Awaitable[int]]:
        self.asynchronous.base_url = command["base"] + "/v1"
        create, sent = self.asynchronous.chat.completions.create, messages(command)

        async def once() -> int:
            return text_of(await create(model="gpt-4o", messages=sent))

        return once

    def astream(self, command: dict[str, Any]) -> Callable[[], Awaitable[int]]:
        self.asynchronous.base_url = command["base"] + "/v1"
        create, sent = self.asynchronous.chat.completions.create, messages(command)

        async def once() -> int:
            return await aread_all(await create(model="gpt-4o", messages=sent, stream=True))

        return once


class Aiohttp:
    """aiohttp and the json module: what a program without any SDK would write."""

    def __init__(self) -> None:
        self.session: Any = None

    async def post(self, command: dict[str, Any], **more: Any) -> Any:
        if self.session is None:
            import aiohttp

            connector = aiohttp.TCPConnector(limit=0)
            self.session = aiohttp.ClientSession(
                connector=connector, headers={"authorization": f"Bearer {KEY}"}
            )
        body = {"model": "gpt-4o", "messages": messages(command), **more}
        return await self.session.post(command["base"] + "/v1/chat/completions", json=body)

    def acall(self, command: dict[str, Any]) -> Callable[[], Awaitable[int]]:
        async def once() -> int:
            async with await self.post(command) as response:
                answer = await response.json()
            assert answer["choices"][0]["message"]["content"]
            return 1

        return once

    def astream(self, command: dict[str, Any]) -> Callable[[], Awaitable[int]]:
        async def once() -> int:
            events = 0
            async with await self.post(command, stream=True) as response:
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        chunk = json.loads(line[6:])
                        for choice in chunk["choices"]:
                            choice["delta"].get("content")
                        events += 1
            return events

        return once


CLIENTS: dict[str, Callable[[], Any]] = {
    "aiohttp": Aiohttp,
    "ferrolite": lambda: Litellm("ferrolite"),
    "litellm": lambda: Litellm("litellm"),
    "openai": Openai,
}


def messages(command: dict[str, Any]) -> list[dict[str, Any]]:
    if "image_bytes" not in command:
        return [{"role": "user", "content": command["text"]}]
    image = {"url": "data:image/png;base64," + "iVBORw0K" * (command["image_bytes"] // 8)}
    parts = [{"type": "text", "text": command["text"]}, {"type": "image_url", "image_url": image}]
    return [{"role": "user", "content": parts}]


def text_of(answer: Any) -> int:
    assert answer.choices[0].message.content
    return 1


def read_all(stream: Iterator[Any]) -> int:
    events = 0
    for chunk in stream:
        for choice in chunk.choices:
            _ = choice.delta.content
        events += 1
    return events


async def aread_all(stream: AsyncIterator[Any]) -> int:
    events = 0
    async for chunk in stream:
        for choice in chunk.choices:
            _ = choice.delta.content
        events += 1
    return events


def cpu_us() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


async def in_flight(once: Callable[[], Awaitable[int]], count: int, concurrency: int) -> int:
    """Runs `once` `count` times, `concurrency` at a time; returns the events seen."""
    left = iter(range(count))

    async def one_lane() -> int:
        events = 0
        for _ in left:
            events += await once()
        return events

    return sum(await asyncio.gather(*(one_lane() for _ in range(concurrency))))


class HoldTimer:
    """Times every callback of the event loop, and keeps the longest.

    By the clock, so that waiting for a lock counts; but a callback during which the system gave the processor to
    somebody else counts with its CPU time, as the rest was not its doing.
    """

    def __enter__(self) -> HoldTimer:
        self.longest_ns, self.name = 0, ""
        self.plain = run = asyncio.Handle._run
        clock, cpu_clock = time.perf_counter_ns, time.thread_time_ns

        def preemptions() -> int:
            return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw

        def timed(handle: asyncio.Handle) -> None:
            before = preemptions()
            started, cpu_started = clock(), cpu_clock()
            run(handle)
            cpu, wall = cpu_clock() - cpu_started, clock() - started
            held = wall if preemptions() == before else cpu
            if held > self.longest_ns:
                self.longest_ns, self.name = held, repr(handle)[:200]

        asyncio.Handle._run = timed  # type: ignore[method-assign]
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.Handle._run = self.plain  # type: ignore[method-assign]


def carry_out(client: Any, loop: asyncio.AbstractEventLoop, command: dict[str, Any]) -> dict[str, Any]:
    mode, count, concurrency = command["mode"], command["count"], command.get("concurrency", 1)
    asynchronous = mode in ("acall", "astream", "hold")
    once = getattr(client, "acall" if mode == "hold" else mode)(command)
    hold = HoldTimer() if mode == "hold" else None
    started, before = time.perf_counter(), cpu_us()
    if hold is not None:
        with hold:
            events = loop.run_until_complete(in_flight(once, count, concurrency))
    elif asynchronous:
        events = loop.run_until_complete(in_flight(once, count, concurrency))
    else:
        events = sum(once() for _ in range(count))
    used, wall = cpu_us() - before, (time.perf_counter() - started) * 1e6
    answer = {"cpu_us": used, "wall_us": wall, "events": events}
    if hold is not None:
        answer |= {"hold_us": hold.longest_ns / 1e3, "holder": hold.name}
    return answer


def main() -> None:
    # What a client prints goes elsewhere; the answers alone go to standard output.
    answers, sys.stdout = sys.stdout, sys.stderr
    client = CLIENTS[sys.argv[1]]()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    answers.write(json.dumps({"ready": sys.argv[1]}) + "\n")
    answers.flush()
    for line in sys.stdin:
        try:
            answer = carry_out(client, loop, json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(answer | {"threads": threading.active_count()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
