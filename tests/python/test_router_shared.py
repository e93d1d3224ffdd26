"""Routers of two processes on one Redis. Skipped where there is no server to start."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from _upstream import KEY, PATIENCE, Upstream, environment

REDIS = shutil.which("redis-server") or shutil.which("valkey-server")
pytestmark = pytest.mark.skipif(REDIS is None, reason="no redis-server is installed")

LIMIT = 500
"""Requests a minute of the deployment that both processes call."""
TOLERANCE = LIMIT * 2 // 100

# Begins when it is told to; calls at a steady pace until none is let through any more, or so many times.
PROGRAM = """
import json, sys, time
from ferrolite import Router
from ferrolite.types.router import RouterRateLimitError

params, redis, calls = json.loads(sys.argv[1])
router = Router(
    [{"model_name": "a", "litellm_params": params}],
    redis_url=redis, num_retries=0, enable_pre_call_checks=True, disable_cooldowns=True,
)
print("ready", flush=True)
sys.stdin.readline()
minute = time.time() // 60
answered = refused = 0
while (answered + refused < calls) if calls else (refused < 25):
    try:
        router.completion("a", [{"role": "user", "content": "hi"}])
        answered, refused = answered + 1, 0
    except RouterRateLimitError:
        refused += 1
    time.sleep(0.04)
print(json.dumps({"answered": answered, "one_minute": minute == time.time() // 60}), flush=True)
"""


class Redis:
    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([str(REDIS), *options], stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                assert time.monotonic() < give_up, "the server does not answer"
                time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis() -> Iterator[Redis]:
    server = Redis()
    yield server
    server.kill()


def begun(upstream: Upstream, redis: Redis, calls: int, **params: Any) -> list[subprocess.Popen[str]]:
    """Two processes that are ready to call."""
    params = {"model": "openai/gpt-4o", "api_base": upstream.url, "api_key": KEY, **params}
    told = json.dumps([params, f"redis://127.0.0.1:{redis.port}/0", calls])
    command, pipe = [sys.executable, "-c", PROGRAM, told], subprocess.PIPE
    running = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment()) for _ in range(2)
    ]
    for one in running:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    return running


def go(running: list[subprocess.Popen[str]]) -> None:
    for one in running:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()


def ended(running: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """What the processes say."""
    told = [one.communicate(timeout=120)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0]
    return [json.loads(text) for text in told]


def test_two_processes_hold_one_limit(redis: Redis) -> None:
    for _ in range(3):
        with Upstream() as upstream:
            running = begun(upstream, redis, 0, rpm=LIMIT)
            rest = 60 - time.time() % 60
            if rest < 30:
                time.sleep(rest)  # the limit is one of calendar minutes
            go(running)
            told = ended(running)
            passed = len(upstream.requests)
        if all(one["one_minute"] for one in told):
            break
    else:
        pytest.fail("the calls of one minute took longer than that, three times")
    assert passed == sum(one["answered"] for one in told)
    assert min(one["answered"] for one in told) > LIMIT // 10, "both have called"
    assert abs(passed - LIMIT) <= TOLERANCE


def test_a_redis_that_dies_loses_no_request(redis: Redis) -> None:
    calls = 60
    with Upstream() as upstream:
        running = begun(upstream, redis, calls)
        go(running)
        upstream.wait_requests(calls // 2)
        redis.kill()
        assert [one["answered"] for one in ended(running)] == [calls, calls]
        assert len(upstream.requests) == 2 * calls
