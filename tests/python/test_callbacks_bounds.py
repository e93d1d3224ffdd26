"""Callbacks that are slow, stuck or many: calls do not wait, and memory is bounded."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import weakref
from typing import Any

import pytest
from _callbacks import Recorder, acall, call, clean, provider, told
from _upstream import HELLO, Upstream, python, quiet

import ferrolite
from ferrolite._observe.async_worker import LoggingWorker
from ferrolite._observe.worker import LoggingExecutor

__all__ = ["provider"]


def test_a_slow_callback_delays_no_call(provider: Upstream) -> None:
    go = threading.Event()
    done: list[int] = []

    def slow(*told: Any) -> None:
        go.wait(10)
        done.append(1)

    ferrolite.success_callback.append(slow)
    started = time.monotonic()
    for _ in range(3):
        call(provider)
    assert time.monotonic() - started < 5
    assert done == []
    go.set()
    told()
    assert done == [1, 1, 1]


def test_a_stuck_callback_gets_company() -> None:
    worker = LoggingExecutor(stuck_after=0.05)
    stuck = threading.Event()
    worker.submit(stuck.wait, 10)
    time.sleep(0.1)
    done = threading.Event()
    worker.submit(done.set)
    assert done.wait(5)
    stuck.set()
    assert worker.flush(5)


def test_what_does_not_fit_is_dropped_and_counted(caplog: Any) -> None:
    worker = LoggingExecutor(max_pending=10)
    go = threading.Event()
    worker.submit(go.wait, 10)
    time.sleep(0.05)
    futures = [worker.submit(int) for _ in range(25)]
    assert worker.dropped == 15
    assert worker.pending == 10
    assert [future.cancelled() for future in futures].count(True) == 15
    assert any("dropped" in record.getMessage() for record in caplog.records)
    go.set()
    assert worker.flush(5)


def test_order_is_kept() -> None:
    worker = LoggingExecutor()
    seen: list[int] = []
    for number in range(500):
        worker.submit(seen.append, number)
    assert worker.flush(5)
    assert seen == list(range(500))
    assert worker.submit(lambda: 5).result(5) == 5
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 / 0).result(5)


def test_many_calls_with_a_callback_are_bounded_in_memory() -> None:
    seen = 0

    def count(*told: Any) -> None:
        nonlocal seen
        seen += 1

    def round(calls: int) -> int:
        for _ in range(calls):
            ferrolite.completion("openai/m", HELLO, mock_response="Hello")
        told()
        gc.collect()
        return len(gc.get_objects())

    with clean():
        ferrolite.success_callback.append(count)
        round(50)
        before = round(1000)
        after = round(9000)
    assert seen == 10_050
    assert after - before < 1000


def test_answers_and_streams_are_let_go_of(provider: Upstream) -> None:
    ferrolite.callbacks.append(type("Quiet", (ferrolite.CustomLogger,), {})())
    kept: list[weakref.ref[Any]] = []
    for _ in range(3):
        answer = call(provider)
        stream = call(provider, stream=True)
        list(stream)
        kept += [weakref.ref(answer), weakref.ref(stream)]
    del answer, stream
    told()
    gc.collect()
    assert [one() for one in kept] == [None] * 6


def test_asyncio_is_bounded_and_nobody_waits_for_a_slow_one() -> None:
    seen: list[int] = []

    async def note(number: int, pause: float = 0) -> None:
        await asyncio.sleep(pause)
        seen.append(number)

    async def run() -> int:
        worker = LoggingWorker(max_queue_size=5, concurrency=2)
        worker.enqueue(note(0, 0.2))
        for number in range(1, 10):
            worker.enqueue(note(number))
        await worker.flush()
        await worker.stop()
        return worker.dropped

    assert asyncio.run(run()) == 3
    assert seen == [1, 2, 3, 4, 5, 6, 0]


def test_a_callback_that_takes_too_long_is_stopped(caplog: Any) -> None:
    async def run() -> None:
        worker = LoggingWorker(timeout=0.05)
        worker.enqueue(asyncio.sleep(10))
        await worker.flush()

    started = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - started < 5
    assert any("stopped" in record.getMessage() for record in caplog.records)


def test_a_slow_asynchronous_callback_keeps_no_other(provider: Upstream) -> None:
    logger = Recorder()

    async def slow(*told: Any) -> None:
        await asyncio.sleep(30)

    async def run() -> None:
        await call(provider, "acompletion")
        for _ in range(200):
            if "async_log_success_event" in logger.names:
                return
            await asyncio.sleep(0.01)

    ferrolite.success_callback.append(slow)
    ferrolite.callbacks.append(logger)
    asyncio.run(run())
    assert "async_log_success_event" in logger.names


PROGRAM = """
import asyncio, sys, ferrolite
def done(*told): sys.stdout.write("sync\\n")
async def adone(*told): sys.stdout.write("async\\n")
ferrolite.success_callback += [done, adone]
HELLO = [{"role": "user", "content": "Hi"}]
"""


def test_a_program_that_ends_tells_its_callbacks_first() -> None:
    quiet(python(PROGRAM + "ferrolite.completion('openai/m', HELLO, mock_response='x')"), "sync")
    call = "ferrolite.acompletion('openai/m', HELLO, mock_response='x')"
    done = python(f"{PROGRAM}\nasync def main():\n    await {call}\nasyncio.run(main())")
    quiet(done, "async")


def test_a_program_does_not_wait_for_a_stuck_callback_for_ever() -> None:
    code = """
import time, ferrolite
ferrolite.success_callback.append(lambda *told: time.sleep(60))
ferrolite.completion("openai/m", [{"role": "user", "content": "Hi"}], mock_response="x")
"""
    started = time.monotonic()
    done = python(code)
    assert done.returncode == 0
    assert time.monotonic() - started < 20


def test_a_forked_child_has_a_worker_of_its_own() -> None:
    code = """
import os, ferrolite
ferrolite.success_callback.append(lambda *told: os.write(1, b"told "))
call = lambda: ferrolite.completion("openai/m", [{"role": "user", "content": "Hi"}], mock_response="x")
from ferrolite.litellm_core_utils.thread_pool_executor import executor
call(); executor.flush(5)
pid = os.fork()
if pid == 0:
    call(); ok = executor.flush(5)
    os._exit(0 if ok else 1)
assert os.waitpid(pid, 0)[1] == 0
"""
    done = python(code)
    assert (done.returncode, done.stdout.split()) == (0, ["told", "told"]), done.stderr


def test_loops_of_many_threads_lose_nothing_and_tell_nothing_twice() -> None:
    """Loops begin and end while others take over what ended ones have left."""
    worker = LoggingWorker(concurrency=2)
    done: list[int] = []
    failed: list[BaseException] = []

    async def tell(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    async def give(first: int) -> None:
        for number in range(first, first + 5):
            worker.enqueue(tell(number))

    def run(thread: int) -> None:
        try:
            for turn in range(40):
                asyncio.run(give(thread * 1000 + turn * 5))
        except BaseException as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    worker.flush_at_exit()
    assert failed == []
    # What had begun ends with its loop; what had not is told, once.
    assert len(done) == len(set(done)) > 800


def test_a_forked_child_tells_nothing_of_its_parent() -> None:
    code = """
import asyncio, os, sys, ferrolite
async def told(*what): os.write(1, b"told ")
ferrolite.success_callback.append(told)
async def main():
    await ferrolite.acompletion("openai/m", [{"role": "user", "content": "Hi"}], mock_response="x")
from ferrolite.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
GLOBAL_LOGGING_WORKER.concurrency = 0  # its loop ends before anybody is told
asyncio.run(main())
pid = os.fork()
if pid == 0:
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""
    done = python(code)
    assert (done.returncode, done.stdout.split()) == (0, ["told"]), done.stderr


def test_without_callbacks_nothing_of_theirs_is_loaded() -> None:
    code = """
import sys, ferrolite
ferrolite.completion("openai/m", [{"role": "user", "content": "Hi"}], mock_response="x")
print([name for name in sys.modules if "_observe" in name or "integrations" in name])
"""
    quiet(python(code), "[]")


def test_mlflow_can_replace_submit(provider: Upstream, monkeypatch: Any) -> None:
    from ferrolite.litellm_core_utils import thread_pool_executor

    names: list[str] = []

    def at_once(function: Any, *args: Any, **kwargs: Any) -> None:
        names.append(function.__name__)
        function(*args, **kwargs)

    monkeypatch.setattr(thread_pool_executor.executor, "submit", at_once)
    logger = Recorder()
    ferrolite.callbacks.append(logger)
    call(provider)
    assert logger.names[-1] == "log_success_event"
    assert set(names) <= {"run", "success_handler"}
    acall(provider)
