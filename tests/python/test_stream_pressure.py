"""STR-25: a server cannot push more than a bounded amount at a client that does not read."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from _upstream import Exchange, Upstream, arguments, chunk

import ferrolite

PIECE = "x" * 8000
KERNEL = 8 * 1024 * 1024
"""What the kernel's buffers of both ends may hold on loopback, in bytes."""
OURS = 4 * 1024 * 1024


def pushed_and_grown(read: Any) -> tuple[int, int]:
    pushed = 0

    def answer(exchange: Exchange) -> None:
        nonlocal pushed
        exchange.begin_stream()
        number = 0
        while True:
            piece = chunk({"content": f"{number} {PIECE}"})
            exchange.piece(piece)
            pushed += len(piece)
            number += 1

    with Upstream(answer) as upstream:
        before = resident()
        keep = read(arguments(upstream, stream=True))
        settled, since = -1, time.monotonic()
        while time.monotonic() - since < 0.25:
            if pushed != settled:
                settled, since = pushed, time.monotonic()
            assert pushed < 64 * 1024 * 1024, "the server is never held back"
            time.sleep(0.01)
        grown = resident() - before
        del keep
    return pushed, grown


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def sync(keywords: dict[str, Any]) -> Any:
    stream = ferrolite.completion(**keywords)
    for _ in range(3):
        next(stream)
    return stream


def awaited(keywords: dict[str, Any]) -> Any:
    async def run() -> Any:
        stream = await ferrolite.acompletion(**keywords)
        for _ in range(3):
            await stream.__anext__()
        return stream

    return asyncio.run(run())


def given_up(keywords: dict[str, Any]) -> Any:
    """A reader that was cancelled: what was read for it is kept, and no more."""

    async def run() -> Any:
        stream = await ferrolite.acompletion(**keywords)
        for _ in range(50):
            task = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            task.cancel()
        return stream

    return asyncio.run(run())


@pytest.mark.parametrize("read", [sync, awaited, given_up])
def test_str_25_a_server_without_end_is_held_back(read: Any) -> None:
    pushed, grown = pushed_and_grown(read)
    assert pushed < KERNEL + OURS
    assert grown < KERNEL + OURS
