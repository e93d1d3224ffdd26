"""Calls and streams, finished, failed and dropped, leave nothing behind: no connection, no task, no memory."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from _upstream import Exchange, Upstream, arguments, chat, chunk, text_events

import ferrolite
from ferrolite import _core


def answer(exchange: Exchange) -> None:
    body = exchange.request.json()
    if not body.get("stream"):
        if body["messages"][0]["content"] == "fail":
            exchange.json({"error": {"message": "no"}}, 400)
        else:
            exchange.json(chat("hi " * 50))
    elif body["messages"][0]["content"] == "endless":
        exchange.begin_stream()
        for number in range(5):
            exchange.piece(chunk({"content": str(number)}))
        exchange.hang()
    else:
        exchange.stream(text_events(*"abcdefgh"))


def resident() -> int:
    """The memory of this process, in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def messages(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def one_call(upstream: Upstream, number: int) -> None:
    if number % 10 == 9:
        with pytest.raises(ferrolite.BadRequestError):
            ferrolite.completion(**arguments(upstream, messages=messages("fail")))
    else:
        ferrolite.completion(**arguments(upstream))


def one_stream(upstream: Upstream, number: int) -> None:
    if number % 3:
        list(ferrolite.completion(**arguments(upstream, stream=True)))
    else:
        stream = ferrolite.completion(**arguments(upstream, stream=True, messages=messages("endless")))
        next(stream)


async def async_call(upstream: Upstream, number: int) -> None:
    if number % 10 == 9:
        task = asyncio.ensure_future(ferrolite.acompletion(**arguments(upstream)))
        await asyncio.sleep(0)
        task.cancel()
        return
    await ferrolite.acompletion(**arguments(upstream))


async def async_stream(upstream: Upstream, number: int) -> None:
    text = "Hello" if number % 3 else "endless"
    stream: Any = await ferrolite.acompletion(**arguments(upstream, stream=True, messages=messages(text)))
    if number % 3:
        assert len([piece async for piece in stream]) == 10
    elif number % 2:
        await stream.__anext__()
    else:
        task = asyncio.ensure_future(drain(stream))
        await asyncio.sleep(0.001)
        task.cancel()


async def drain(stream: Any) -> None:
    async for _ in stream:
        pass


def run(upstream: Upstream, calls: int, streams: int) -> None:
    """Half of everything in threads, half in a loop."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: one_call(upstream, number), range(calls // 2)))
        list(pool.map(lambda number: one_stream(upstream, number), range(streams // 2)))

    async def many(work: Any, count: int) -> None:
        waiting = asyncio.Semaphore(8)

        async def limited(number: int) -> None:
            async with waiting:
                await work(upstream, number)

        await asyncio.gather(*(limited(number) for number in range(count)))

    async def main() -> None:
        await many(async_call, calls // 2)
        await many(async_stream, streams // 2)
        await asyncio.sleep(0.05)

    asyncio.run(main())


IDLE = 24
"""The most connections that may wait in the pool after all this: as many as there were calls at once, and some."""


def check_nothing_left(upstream: Upstream, tasks: int) -> int:
    gc.collect()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = _core.alive_tasks()
        if len(upstream.open) <= IDLE and left <= tasks + 2 * len(upstream.open):
            return left
        time.sleep(0.02)
    raise AssertionError(
        f"{len(upstream.open)} connections and {_core.alive_tasks()} tasks left, {tasks} before"
    )


def test_nothing_is_left() -> None:
    before = _core.alive_tasks()
    with Upstream(answer) as upstream:
        run(upstream, 500, 100)
        check_nothing_left(upstream, before)
    descriptors = len(os.listdir("/proc/self/fd"))
    with Upstream(answer) as upstream:
        run(upstream, 100, 50)
        check_nothing_left(upstream, before)
    time.sleep(0.05)
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 8
    assert threading.active_count() < 100


def test_event_loops_leave_no_descriptors() -> None:
    with Upstream(answer) as upstream:
        asyncio.run(ferrolite.acompletion(**arguments(upstream)))
        gc.collect()
        descriptors = len(os.listdir("/proc/self/fd"))
        for _ in range(50):
            asyncio.run(ferrolite.acompletion(**arguments(upstream)))
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 4


def unfetched_result() -> weakref.ref[Any]:
    """An event loop that is closed before it has fetched the result of a call."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # that a task is lost is the point
    before = _core.alive_tasks()

    async def call() -> None:
        await ferrolite.acompletion("openai/m", messages("x"), mock_response="y", mock_delay=0.02)

    async def begin() -> None:
        begun = loop.create_task(call())
        await asyncio.sleep(0)
        assert not begun.done()

    loop.run_until_complete(begin())
    deadline = time.monotonic() + 5
    while _core.alive_tasks() > before and time.monotonic() < deadline:
        time.sleep(0.001)
    loop.close()
    return weakref.ref(loop)


def test_closed_event_loops_go_with_the_results_they_did_not_fetch() -> None:
    asyncio.run(ferrolite.acompletion("openai/m", messages("x"), mock_response="y"))
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    loops = [unfetched_result() for _ in range(20)]
    asyncio.run(ferrolite.acompletion("openai/m", messages("x"), mock_response="y"))
    gc.collect()
    assert [loop() for loop in loops] == [None] * 20
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 4


def test_streams_and_responses_need_no_collector() -> None:
    """They go when the last reference goes."""
    with Upstream(answer) as upstream:
        gc.collect()
        gc.disable()
        try:
            stream = ferrolite.completion(**arguments(upstream, stream=True))
            response = ferrolite.completion(**arguments(upstream))
            gone = [weakref.ref(stream), weakref.ref(response), weakref.ref(next(stream))]
            del stream, response
            assert [ref() for ref in gone] == [None] * 3
        finally:
            gc.enable()


ROUNDS = int(os.environ.get("SOAK_ROUNDS", "20"))


@pytest.mark.slow
def test_soak() -> None:
    """20,000 calls and 2,000 streams, a third dropped half way: memory settles. `SOAK_ROUNDS` makes it longer."""
    before = _core.alive_tasks()
    sizes = []
    started = time.monotonic()
    with Upstream(answer) as upstream:
        for _ in range(ROUNDS):
            run(upstream, 1000, 100)
            gc.collect()
            # What the server of this test remembers is its own.
            upstream.requests.clear()
            sizes.append(resident())
        left = check_nothing_left(upstream, before)
        connections, idle = upstream.connections, len(upstream.open)
    # An allocator gives memory back when it likes, in steps of a megabyte and more: medians of a third each.
    third = len(sizes) // 3
    grown = statistics.median(sizes[-third:]) - statistics.median(sizes[:third])
    print(
        f"\nsoak: {time.monotonic() - started:.0f} s, {connections} connections, {idle} idle at the end, "
        f"tasks {before} -> {left}, memory {sizes[0] / 1e6:.1f} -> {sizes[-1] / 1e6:.1f} MB, "
        f"{grown / third / 2000:.1f} kB in 1,000 calls and 100 streams"
    )
    assert grown < 6_000_000
