"""While a call waits, other threads run; Ctrl-C ends the wait at once and closes the connection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from _upstream import PATIENCE, Exchange, Upstream, arguments, chunk, environment

import ferrolite


def count_while(work: object) -> tuple[int, float]:
    """How far a counting thread comes during some work, and how long that took."""
    count, stop = 0, threading.Event()

    def run() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)

    thread = threading.Thread(target=run)
    thread.start()
    before, started = count, time.monotonic()
    work()  # type: ignore[operator]
    took, after = time.monotonic() - started, count
    stop.set()
    thread.join()
    return after - before, took


@pytest.mark.parametrize("stream", [False, True])
def test_other_threads_run_while_a_call_waits(stream: bool) -> None:
    def answer(exchange: Exchange) -> None:
        if stream:
            exchange.begin_stream()
            exchange.piece(chunk({"content": "a"}))
        exchange.hang()

    def call() -> None:
        with pytest.raises((ferrolite.Timeout, ferrolite.MidStreamFallbackError)):
            list(ferrolite.completion(**arguments(upstream, timeout=0.3, stream=stream)))

    with Upstream(answer) as upstream:
        progress, took = count_while(call)
        idle, slept = count_while(lambda: time.sleep(0.3))
    assert progress / took > 0.3 * idle / slept


INTERRUPTED = """
import sys, time
import ferrolite
def call(**more):
    return ferrolite.completion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k", **more)
def wait():
    WAIT
try:
    wait()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    time.sleep(5)
"""


@pytest.mark.parametrize(
    "wait",
    [
        "call()",
        "next(call(stream=True))",
        "s = call(stream=True); next(s); print(len(list(s)))",
        "s = globals()['s'] = call(stream=True); next(s); next(s)",
        "import asyncio; asyncio.run(ferrolite.acompletion('openai/m', [{'role': 'user', 'content': 'x'}],"
        " api_base=sys.argv[1], api_key='k'))",
    ],
)
def test_ctrl_c_ends_the_wait_and_closes_the_connection(wait: str) -> None:
    closed: list[float | None] = []
    waiting = threading.Event()

    def answer(exchange: Exchange) -> None:
        if exchange.request.json().get("stream") and "next(s)" in wait:
            exchange.begin_stream()
            exchange.piece(chunk({"content": "a"}))
        waiting.set()
        closed.append(exchange.hang())

    with Upstream(answer) as upstream:
        child = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED.replace("WAIT", wait), upstream.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        try:
            assert waiting.wait(PATIENCE)
            time.sleep(0.1)
            sent = time.monotonic()
            os.kill(child.pid, signal.SIGINT)
            assert child.stdout is not None
            assert child.stdout.readline() == "interrupted\n"
            assert time.monotonic() - sent < 0.3
            deadline = time.monotonic() + 1
            while not closed and time.monotonic() < deadline:
                time.sleep(0.005)
            assert closed, "the connection stays open while the program lives on"
            assert closed[0] is not None
            assert closed[0] - sent < 0.4
        finally:
            child.kill()
            _, noise = child.communicate()
        assert noise == ""


def test_a_signal_handler_that_raises_nothing_lets_the_call_go_on() -> None:
    code = """
import os, signal, sys, threading, time
import ferrolite
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(time.monotonic()))
sent = []
def send():
    time.sleep(0.15); sent.append(time.monotonic()); os.kill(os.getpid(), signal.SIGUSR1)
threading.Thread(target=send).start()
r = ferrolite.completion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k")
print(r.choices[0].message.content, seen[0] - sent[0] < 0.2)
"""
    from _upstream import chat, python, quiet

    def answer(exchange: Exchange) -> None:
        time.sleep(0.5)
        exchange.json(chat("hi"))

    with Upstream(answer) as upstream:
        quiet(python(code, upstream.url), "hi True")
