"""Results on their way to an event loop: none is lost, and none waits for what another worker does."""

from __future__ import annotations

import select
import time
from typing import Any

import pytest
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
        _core.chat_async(call, vars(ferrolite), queue, future)
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
    assert is_woken(queue)
    with pytest.raises(ZeroDivisionError):
        queue.drain()
    assert is_woken(queue), "the loop is told of the others"
    queue.drain()
    assert [len(future.results) for future in futures] == [1, 0, 1, 1]
