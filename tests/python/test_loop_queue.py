"""Results on their way to an event loop: none is lost, and none waits for what another worker does."""

from __future__ import annotations

import select
import time
from typing import Any

from _upstream import HELLO, python, quiet

import ferrolite
from ferrolite import _core


class Future:
    """As much of a future as the queue uses."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.results: list[Any] = []

    def done(self) -> bool:
        return False

    def set_result(self, result: Any) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.results.append(result)


def send(queue: _core.LoopQueue, *futures: Any) -> None:
    """Put a result for each future into the queue, in their order."""
    for future in futures:
        before = _core.alive_tasks()
        call = {"model": "openai/m", "messages": HELLO, "mock_response": "y"}
        _core.call_async(call, vars(ferrolite), queue, future)
        deadline = time.monotonic() + 5
        while _core.alive_tasks() > before and time.monotonic() < deadline:
            time.sleep(0.001)


def is_woken(queue: _core.LoopQueue) -> bool:
    return bool(select.select([queue.fileno()], [], [], 5)[0])


def test_a_drain_without_results_does_not_wait() -> None:
    """Two may come for one wake where a loop runs inside of its own callback (nest_asyncio)."""
    quiet(python("from ferrolite import _core; _core.LoopQueue().drain(); print('on')", limit=10), "on")


def test_a_future_that_fails_takes_no_other_result_with_it() -> None:
    queue, futures = _core.LoopQueue(), [Future(), Future(fails=True), Future(), Future()]
    send(queue, *futures)
    failures = 0
    while not futures[-1].results:
        # A drain also ends, and wakes the loop again, when it has taken long.
        assert is_woken(queue), "the loop is told of the others"
        try:
            queue.drain()
        except ZeroDivisionError:
            failures += 1
    assert failures == 1
    assert [len(future.results) for future in futures] == [1, 0, 1, 1]


def test_a_closed_queue_holds_nothing() -> None:
    queue, futures = _core.LoopQueue(), [Future(), Future()]
    send(queue, futures[0])
    queue.close()
    send(queue, futures[1])
    queue.drain()
    assert [future.results for future in futures] == [[], []]


# A worker is kept busy by a log handler, which runs on it. The address is one where nobody listens.
BUSY = """
import asyncio, logging, threading, time
import ferrolite

MESSAGES = [{"role": "user", "content": "x"}]
started = {name: threading.Event() for name in ("first", "second", "last")}
may_end = {name: threading.Event() for name in started}

class Handler(logging.Handler):
    def emit(self, record):
        for name in started:
            if record.getMessage().startswith("request") and f"model={name} " in record.getMessage():
                started[name].set()
                told[name] = may_end[name].wait(3)

told = {}
ferrolite.verbose_logger.handlers[:] = [Handler()]
ferrolite.verbose_logger.setLevel(logging.DEBUG)

async def begin(*calls):
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)
    return tasks

def mock(text="y", **more):
    return ferrolite.acompletion("openai/m", MESSAGES, mock_response=text, **more)

def busy(name):
    return ferrolite.acompletion(
        f"openai/{name}", MESSAGES, api_base="http://127.0.0.1:1/v1", api_key="k", max_retries=0
    )

async def hold(name):
    tasks = await begin(busy(name))
    await asyncio.to_thread(started[name].wait, 5)
    return tasks

async def main():
    # A worker that has slept keeps wakes back from then on.
    await asyncio.gather(*(mock() for _ in range(4)))
    await asyncio.sleep(0.05)
    BODY

asyncio.run(main())
"""


def test_a_log_handler_keeps_no_result_back() -> None:
    body = """
    tasks = await hold("first")
    tasks += await begin(mock(), busy("last"))
    tasks[1].add_done_callback(lambda _: may_end["last"].set())
    may_end["first"].set()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(told["last"])
"""
    quiet(python(BUSY.replace("    BODY\n", body), FERROLITE_WORKER_THREADS="1"), "True")


def test_many_results_wait_for_no_worker_that_is_busy() -> None:
    body = """
    tasks = await hold("first") + await hold("second")
    # One worker has a result, and after it something that takes long.
    before = ferrolite._core.alive_tasks()
    tasks += await begin(mock(), mock("x" * 1_500_000, stream=True))
    long = tasks[-1]
    ended = []
    long.add_done_callback(lambda _: ended.append(time.monotonic()))
    may_end["first"].set()
    while ferrolite._core.alive_tasks() > before + 1:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    many = await begin(*(mock() for _ in range(16)))
    may_end["second"].set()
    await asyncio.gather(*many)
    there = time.monotonic()
    assert not long.done()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(ended[0] - there > 0.02)
"""
    quiet(python(BUSY.replace("    BODY\n", body), FERROLITE_WORKER_THREADS="2"), "True")
