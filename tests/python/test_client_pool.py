"""One pooled client per process: threads, event loops, forks, and the end of the interpreter."""

from __future__ import annotations

import asyncio
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from _upstream import PATIENCE, Exchange, Upstream, arguments, chat, chunk, python, quiet, run, text_events

import ferrolite

FEW = 8
"""The most connections of a caller that makes twenty calls, one at a time. A connection is back in the pool a moment
after its reply has been read, and a call that comes before that opens another: one or two on an idle machine."""
BREATH = 0.005
"""The pause between two calls, in seconds: that moment, on a machine that is not idle."""


def test_calls_in_a_row_share_one_connection() -> None:
    with Upstream() as upstream:
        for _ in range(20):
            assert ferrolite.completion(**arguments(upstream)).choices[0].message.content == "hi"
            time.sleep(BREATH)
        assert len(upstream.requests) == 20
        assert upstream.connections <= FEW


def test_streams_read_to_their_end_share_one_connection() -> None:
    with Upstream(lambda exchange: exchange.stream(text_events("a", "b"))) as upstream:
        for _ in range(20):
            assert len(list(ferrolite.completion(**arguments(upstream, stream=True)))) > 2
            time.sleep(BREATH)
        assert len(upstream.requests) == 20
        assert upstream.connections <= FEW


def test_sync_and_async_calls_share_the_pool() -> None:
    with Upstream() as upstream:
        ferrolite.completion(**arguments(upstream))
        for _ in range(3):
            asyncio.run(ferrolite.acompletion(**arguments(upstream)))
        assert upstream.connections <= FEW


def test_an_error_reply_keeps_the_connection() -> None:
    with Upstream(lambda exchange: exchange.json({"error": {"message": "no"}}, 400)) as upstream:
        for _ in range(5):
            with pytest.raises(ferrolite.BadRequestError):
                ferrolite.completion(**arguments(upstream))
        assert upstream.connections <= FEW


def test_fifty_threads_with_twenty_calls_each() -> None:
    with Upstream(
        lambda exchange: exchange.json(chat(exchange.request.json()["messages"][0]["content"]))
    ) as upstream:

        def work(number: int) -> list[str]:
            said = []
            for turn in range(20):
                messages = [{"role": "user", "content": f"{number}-{turn}"}]
                said.append(
                    ferrolite.completion(**arguments(upstream, messages=messages)).choices[0].message.content
                )
            return said

        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(work, range(50)))
        assert answers == [[f"{number}-{turn}" for turn in range(20)] for number in range(50)]
        assert len(upstream.requests) == 1000
        assert upstream.connections <= 250, "connections are used again"


def test_a_connection_the_server_closed_is_not_used_again() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.json(chat("hi"))
        exchange.close()

    with Upstream(answer) as upstream:
        for _ in range(20):
            ferrolite.completion(**arguments(upstream, model="custom_openai/m", max_retries=2))
            upstream.wait_open(0)
        assert len(upstream.requests) == 20


def test_one_call_after_another_in_event_loops_of_their_own() -> None:
    with Upstream() as upstream:
        for _ in range(20):
            response = asyncio.run(ferrolite.acompletion(**arguments(upstream)))
            assert response.choices[0].message.content == "hi"
        assert upstream.connections <= FEW


def many(upstream: Upstream, count: int) -> Any:
    async def run() -> list[str]:
        calls = (ferrolite.acompletion(**arguments(upstream)) for _ in range(count))
        answers = await asyncio.gather(*calls)
        stream = await ferrolite.acompletion(**arguments(upstream, stream=True))
        return [answer.choices[0].message.content async for answer in several(answers)] + [
            piece.choices[0].delta.content async for piece in stream if piece.choices[0].delta.content
        ]

    return run()


async def several(items: list[Any]) -> Any:
    for item in items:
        yield item


def either(exchange: Exchange) -> None:
    if exchange.request.json().get("stream"):
        exchange.stream(text_events("a", "b"))
    else:
        exchange.json(chat("hi"))


def test_event_loops_in_several_threads() -> None:
    with Upstream(either) as upstream:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: asyncio.run(many(upstream, 20)), range(8)))
        assert answers == [["hi"] * 20 + ["a", "b"]] * 8


def test_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")
    with Upstream(either) as upstream:
        for _ in range(3):
            loop = uvloop.new_event_loop()
            try:
                assert loop.run_until_complete(many(upstream, 20)) == ["hi"] * 20 + ["a", "b"]
            finally:
                loop.close()


def test_a_sync_call_inside_a_running_loop() -> None:
    with Upstream() as upstream:

        async def run() -> str:
            return ferrolite.completion(**arguments(upstream)).choices[0].message.content

        assert asyncio.run(run()) == "hi"


def test_a_loop_that_ends_with_calls_under_way() -> None:
    with Upstream(lambda exchange: exchange.hang()) as upstream:

        async def run() -> None:
            tasks = [asyncio.create_task(ferrolite.acompletion(**arguments(upstream))) for _ in range(5)]
            await asyncio.to_thread(upstream.wait_requests, 5)
            assert not any(task.done() for task in tasks)

        asyncio.run(run())
        upstream.wait_open(0, 1.0)


# Forks

CALL = """
import sys, os, threading, warnings
warnings.simplefilter("ignore")
import ferrolite
def call():
    r = ferrolite.completion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k",
                             max_retries=0, timeout=8)
    return r.choices[0].message.content
def stream():
    return ferrolite.completion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k",
                             max_retries=0, timeout=8, stream=True)
"""


def test_a_forked_child_makes_calls_of_its_own() -> None:
    code = (
        CALL
        + """
assert call() == "hi"
children = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if [call() for _ in range(3)] == ["hi"] * 3 else 2
        finally:
            os._exit(code)
    children.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children], call())
"""
    )
    with Upstream() as upstream:
        quiet(python(code, upstream.url), "[0, 0, 0, 0] hi")
        assert 5 <= upstream.connections < 5 * FEW, "each process has its own"


def test_a_child_forked_while_other_threads_call() -> None:
    code = (
        CALL
        + """
call()  # once, so that no thread is inside an import when the fork comes
stop = threading.Event()
def work():
    while not stop.is_set(): call()
threads = [threading.Thread(target=work) for _ in range(6)]
[t.start() for t in threads]
codes = []
for _ in range(15):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if call() == "hi" else 2
        finally:
            os._exit(code)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.set()
[t.join() for t in threads]
print(set(codes))
"""
    )
    with Upstream() as upstream:
        quiet(python(code, upstream.url), "{0}")


@pytest.mark.parametrize("reading", [True, False])
def test_a_child_lets_go_of_its_parents_stream(tmp_path: Path, reading: bool) -> None:
    """The child's end of an inherited stream must not disturb the parent's."""
    code = (
        CALL
        + f"READING = {reading}"
        + """
import asyncio, time
s = stream()
first = next(s)
async def begin():
    task = asyncio.ensure_future(s.__anext__()) if READING else None
    await asyncio.sleep(0.05)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if task: task.cancel()
            s.close()
            del globals()["s"]
            code = 0 if call() == "hi" else 2
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    open(sys.argv[2], "w").close()
    return ended, (await (task or s.__anext__())).choices[0].delta.content
print(asyncio.run(begin()), "".join(c.choices[0].delta.content or "" for c in s))
"""
    )
    go = tmp_path / "go"

    def answer(exchange: Exchange) -> None:
        if not exchange.request.json().get("stream"):
            exchange.json(chat("hi"))
            return
        exchange.begin_stream()
        exchange.piece(chunk({"role": "assistant", "content": "a"}))
        deadline = time.monotonic() + PATIENCE
        while not go.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        for piece in text_events("b", "c")[1:]:
            exchange.piece(piece)
        exchange.end_stream()

    with Upstream(answer) as upstream:
        quiet(python(code, upstream.url, str(go)), "(0, 'b') c")


def test_a_child_that_ends_in_order_leaves_the_parent_alone() -> None:
    """A forked child that runs to the end of the interpreter: nothing hangs, the parent goes on."""
    code = (
        CALL
        + """
from ferrolite.testing import MockServer
mock = MockServer()
s = stream()
next(s)
pid = os.fork()
if pid == 0:
    assert call() == "hi"
    sys.exit(0)
ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(ended, len(list(s)) > 1, call())
mock.stop()
"""
    )
    with Upstream(either) as upstream:
        quiet(python(code, upstream.url), "0 True hi")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        CALL
        + f"""
import multiprocessing
def work(n): return call()
if __name__ == "__main__":
    call()
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(pool.map(work, range(6)), call())
"""
    )
    with Upstream() as upstream:
        quiet(run(str(program), upstream.url), "['hi', 'hi', 'hi', 'hi', 'hi', 'hi'] hi")


def test_prefork_servers() -> None:
    """Workers forked before and after the parent's first call, some with threads, some with loops; then a reload."""
    code = (
        CALL
        + """
import asyncio
def worker(kind):
    if kind == "threads":
        out = []
        threads = [threading.Thread(target=lambda: out.append(call())) for _ in range(4)]
        [t.start() for t in threads]; [t.join() for t in threads]
        return out == ["hi"] * 4
    async def many():
        calls = [ferrolite.acompletion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1],
                 api_key="k", timeout=8) for _ in range(4)]
        return [r.choices[0].message.content for r in await asyncio.gather(*calls)]
    return asyncio.run(many()) == ["hi"] * 4
def round(parent_calls):
    pids = []
    for kind in ("threads", "loop"):
        pid = os.fork()
        if pid == 0:
            code = 1
            try: code = 0 if worker(kind) else 2
            finally: os._exit(code)
        pids.append(pid)
    if parent_calls: call()
    return [os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids]
print(round(True), round(True), round(False), call())
"""
    )
    with Upstream() as upstream:
        quiet(python(code, upstream.url), "[0, 0] [0, 0] [0, 0] hi")


# The end of the interpreter


@pytest.mark.parametrize(
    "rest",
    [
        "s = stream(); next(s)",
        "s = stream(); next(s); sys.exit(0)",
        "s = stream(); next(s); raise SystemExit",
        "import gc; s = stream(); next(s); s.me = s",
        "t = threading.Thread(target=lambda: list(stream()), daemon=True); t.start(); import time; time.sleep(0.3)",
        "t = threading.Thread(target=call, daemon=True); t.start(); import time; time.sleep(0.1)",
    ],
)
@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
def test_the_interpreter_ends_with_streams_open(rest: str, level: str) -> None:
    def answer(exchange: Exchange) -> None:
        if not exchange.request.json().get("stream"):
            exchange.hang()
            return
        exchange.begin_stream()
        for number in itertools.count():
            exchange.piece(chunk({"content": f"{number}"}))
            time.sleep(0.0005)

    with Upstream(answer) as upstream:
        started = time.monotonic()
        done = python(CALL + rest, upstream.url, FERROLITE_LOG=level, limit=20)
        assert done.returncode == 0, done.stderr
        if level == "WARNING":
            assert done.stderr == ""
        for noise in ("Fatal", "panicked", "Traceback", "Exception ignored"):
            assert noise not in done.stderr
        assert time.monotonic() - started < 5


def test_the_interpreter_ends_with_async_streams_open() -> None:
    code = (
        CALL
        + """
import asyncio
async def main():
    global s
    s = await ferrolite.acompletion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k", stream=True)
    await s.__anext__()
    global task
    task = asyncio.ensure_future(ferrolite.acompletion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k"))
    await asyncio.sleep(0.05)
asyncio.run(main())
print("end")
"""
    )

    def answer(exchange: Exchange) -> None:
        if exchange.request.json().get("stream"):
            exchange.begin_stream()
            exchange.piece(chunk({"content": "abc"}))
        exchange.hang()

    with Upstream(answer) as upstream:
        quiet(python(code, upstream.url), "end")


def test_a_thread_that_outlives_the_main_thread() -> None:
    code = (
        CALL
        + """
def work():
    import time; time.sleep(0.1); print(call(), len(list(stream())) > 1)
threading.Thread(target=work).start()
"""
    )
    with Upstream(either) as upstream:
        quiet(python(code, upstream.url), "hi True")


def test_importing_connects_to_nothing_and_starts_no_thread() -> None:
    code = "import threading, ferrolite, os; from ferrolite import completion; print(len(os.listdir('/proc/self/task')))"
    quiet(python(code), "1")


def test_threads_that_start_at_once_share_one_runtime() -> None:
    code = (
        CALL
        + """
barrier = threading.Barrier(20)
def work():
    barrier.wait(); call()
threads = [threading.Thread(target=work) for _ in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]
names = []
for task in os.listdir("/proc/self/task"):
    try:
        names.append(open(f"/proc/self/task/{task}/comm").read().strip())
    except OSError:
        pass  # a thread that has just ended
print(names.count("ferrolite") <= 4)
"""
    )
    with Upstream() as upstream:
        quiet(python(code, upstream.url), "True")


class Unwatching(asyncio.SelectorEventLoop):
    """A loop that cannot watch a descriptor, as Windows' own cannot."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:
        raise NotImplementedError


def test_a_loop_that_cannot_watch_descriptors() -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.request.json()["messages"][0]["content"] == "hang":
            closed.append(exchange.hang())
        else:
            either(exchange)

    closed: list[float | None] = []
    hang = [{"role": "user", "content": "hang"}]
    with Upstream(answer) as upstream:

        async def run() -> None:
            assert await many(upstream, 20) == ["hi"] * 20 + ["a", "b"]
            task = asyncio.ensure_future(ferrolite.acompletion(**arguments(upstream, messages=hang)))
            await asyncio.sleep(0.1)
            task.cancel()
            moment = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            while not closed and time.monotonic() < moment + 1:
                await asyncio.sleep(0.005)
            assert closed[0] is not None
            assert closed[0] - moment < 0.2
            with pytest.raises(ferrolite.Timeout):
                await ferrolite.acompletion(**arguments(upstream, messages=hang, timeout=0.1))

        loop = Unwatching()
        try:
            loop.run_until_complete(run())
        finally:
            loop.close()
