"""Whoever lets go of a call ends it: the server sees its connection closed at once."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from _upstream import PATIENCE, Exchange, Upstream, arguments, chunk, text_events

import ferrolite

PROMPTLY = 0.2
"""Within how long the server sees the end of a call that was let go of, in seconds."""


class Watch:
    """A server whose streams send a few pieces and then nothing; it notes when each connection is closed."""

    def __init__(self, pieces: int = 2, endless: bool = False) -> None:
        self.pieces, self.endless = pieces, endless
        self.closed: list[float | None] = []
        self.upstream = Upstream(self.answer)

    def answer(self, exchange: Exchange) -> None:
        try:
            if exchange.request.json().get("stream") and self.pieces:
                exchange.begin_stream()
                for number in range(self.pieces):
                    exchange.piece(chunk({"content": str(number)}))
            self.closed.append(exchange.hang())
        except OSError:
            self.closed.append(time.monotonic())

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self.upstream.stop()

    def assert_closed_after(self, moment: float, count: int = 1) -> None:
        deadline = moment + PATIENCE
        while len(self.closed) < count and time.monotonic() < deadline:
            time.sleep(0.002)
        assert len(self.closed) == count, "the connection is still open"
        for when in self.closed:
            assert when is not None
            assert when - moment < PROMPTLY


def test_str_24_cancelling_a_call() -> None:
    with Watch() as watch:

        async def run() -> float:
            task = asyncio.create_task(ferrolite.acompletion(**arguments(watch.upstream)))
            await asyncio.to_thread(watch.upstream.wait_requests, 1)
            task.cancel()
            moment = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            # The loop lives on: it is the cancelling that closes.
            await asyncio.to_thread(watch.assert_closed_after, moment)
            return moment

        asyncio.run(run())


def test_str_24_cancelling_while_a_stream_begins() -> None:
    with Watch(pieces=0) as watch:

        async def run() -> None:
            task = asyncio.create_task(ferrolite.acompletion(**arguments(watch.upstream, stream=True)))
            await asyncio.to_thread(watch.upstream.wait_requests, 1)
            task.cancel()
            moment = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(watch.assert_closed_after, moment)

        asyncio.run(run())


async def leave_with(stream: Any) -> None:
    async with stream:
        await stream.__anext__()


async def aclose(stream: Any) -> None:
    await stream.__anext__()
    await stream.aclose()


async def close(stream: Any) -> None:
    stream.close()


async def cancel_and_drop(stream: Any) -> None:
    """The task that reads is cancelled and its stream goes with it."""

    async def read() -> None:
        nonlocal stream
        mine, stream = stream, None
        async for _ in mine:
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def close_in_another_task(stream: Any) -> None:
    async def read() -> list[Any]:
        return [piece async for piece in stream]

    task = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    stream.close()
    assert len(await task) == 2, "the reader's loop ends"


@pytest.mark.parametrize("leave", [leave_with, aclose, close, cancel_and_drop, close_in_another_task])
def test_str_24_leaving_an_async_stream(leave: Callable[[Any], Awaitable[None]]) -> None:
    with Watch() as watch:

        async def run() -> None:
            streams = [await ferrolite.acompletion(**arguments(watch.upstream, stream=True))]
            moment = time.monotonic() + (0.1 if leave in (cancel_and_drop, close_in_another_task) else 0)
            await leave(streams.pop())
            await asyncio.to_thread(watch.assert_closed_after, moment)

        asyncio.run(run())


def sync_with(stream: Any) -> None:
    with stream:
        next(stream)


def sync_with_error(stream: Any) -> None:
    with pytest.raises(ZeroDivisionError), stream:
        raise ZeroDivisionError


def sync_close(stream: Any) -> None:
    next(stream)
    stream.close()
    stream.close()


def sync_drop(stream: Any) -> None:
    next(stream)


def sync_break(stream: Any) -> None:
    for _ in stream:
        break


def sync_unread(stream: Any) -> None:
    pass


@pytest.mark.parametrize(
    "leave", [sync_with, sync_with_error, sync_close, sync_drop, sync_break, sync_unread]
)
def test_str_24_leaving_a_stream(leave: Callable[[Any], None]) -> None:
    with Watch() as watch:
        gc.disable()
        try:
            streams = [ferrolite.completion(**arguments(watch.upstream, stream=True))]
            moment = time.monotonic()
            leave(streams.pop())
            watch.assert_closed_after(moment)
        finally:
            gc.enable()


def test_str_24_an_unread_stream_with_more_than_it_can_hold() -> None:
    """Closing does not wait for what is on its way."""

    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        try:
            while True:
                exchange.piece(chunk({"content": "x" * 1000}))
        except OSError:
            closed.append(time.monotonic())

    closed: list[float] = []
    with Upstream(answer) as upstream:
        stream = ferrolite.completion(**arguments(upstream, stream=True))
        next(stream)
        time.sleep(0.1)
        moment = time.monotonic()
        stream.close()
        upstream.wait_open(0)
        assert closed[0] - moment < PROMPTLY


def test_closing_from_another_thread_wakes_the_reader() -> None:
    with Watch() as watch:
        stream = ferrolite.completion(**arguments(watch.upstream, stream=True))
        got: list[Any] = []
        reader = threading.Thread(target=lambda: got.extend(stream))
        reader.start()
        time.sleep(0.1)
        moment = time.monotonic()
        stream.close()
        reader.join(PATIENCE)
        assert not reader.is_alive()
        assert time.monotonic() - moment < PROMPTLY
        assert len(got) == 2
        watch.assert_closed_after(moment)


def test_dropping_a_hundred_streams_half_way() -> None:
    with Watch() as watch:

        async def run() -> None:
            async def one() -> None:
                stream = await ferrolite.acompletion(**arguments(watch.upstream, stream=True))
                await stream.__anext__()

            await asyncio.gather(*(one() for _ in range(100)))

        asyncio.run(run())
        watch.assert_closed_after(time.monotonic(), 100)


# Waiting for a chunk and giving up loses nothing


@pytest.mark.parametrize("limit", ["wait_for", "timeout", "cancel"])
def test_giving_up_on_a_chunk_loses_none(limit: str) -> None:
    if limit == "timeout" and not hasattr(asyncio, "timeout"):
        pytest.skip("Python 3.11")

    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        for piece in [chunk({"content": str(number)}) for number in range(25)]:
            exchange.piece(piece)
            time.sleep(0.01)
        exchange.piece(chunk({}, "stop"))
        exchange.end_stream()

    async def patient(stream: Any) -> Any:
        if limit == "wait_for":
            return await asyncio.wait_for(stream.__anext__(), 0.004)
        if limit == "timeout":
            async with asyncio.timeout(0.004):
                return await stream.__anext__()
        task = asyncio.ensure_future(stream.__anext__())
        await asyncio.wait([task], timeout=0.004)
        if not task.done():
            task.cancel()
            raise TimeoutError
        return task.result()

    async def run() -> tuple[list[str], int]:
        got, given_up = [], 0
        stream = await ferrolite.acompletion(**arguments(upstream, stream=True))
        while True:
            try:
                piece = await patient(stream)
            except StopAsyncIteration:
                return got, given_up
            except (TimeoutError, asyncio.TimeoutError):
                given_up += 1
                continue
            if piece.choices[0].delta.content:
                got.append(piece.choices[0].delta.content)

    with Upstream(answer) as upstream:
        got, given_up = asyncio.run(run())
    assert got == [str(number) for number in range(25)]
    assert given_up > 5


def test_giving_up_on_a_chunk_and_reading_on_with_next() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        for piece in text_events("a", "b", "c")[1:]:
            time.sleep(0.05)
            exchange.piece(piece)
        exchange.end_stream()

    async def give_up(stream: Any) -> None:
        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            await asyncio.wait_for(stream.__anext__(), 0.01)

    with Upstream(answer) as upstream:
        stream = ferrolite.completion(**arguments(upstream, stream=True))
        asyncio.run(give_up(stream))
        assert [piece.choices[0].delta.content for piece in stream][:3] == ["a", "b", "c"]


def test_cancelling_does_not_disturb_other_calls() -> None:
    with Upstream(lambda exchange: exchange.stream(text_events("a", "b"))) as upstream:

        async def one(number: int) -> int:
            stream = await ferrolite.acompletion(**arguments(upstream, stream=True))
            return len([piece async for piece in stream])

        async def run() -> list[int]:
            tasks = [asyncio.create_task(one(number)) for number in range(60)]
            await asyncio.sleep(0.01)
            for task in tasks[::3]:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            return [count for count in done if isinstance(count, int)]

        counts = asyncio.run(run())
        assert len(counts) >= 40
        assert set(counts) == {4}


def test_many_readers_are_woken_when_their_streams_are_closed() -> None:
    """Wakes that come from a thread of the program's own are as prompt as a worker's."""
    with Watch(pieces=1) as watch:

        async def run() -> None:
            for count in (20, 2, 20, 1):
                streams: list[Any] = [
                    await ferrolite.acompletion(**arguments(watch.upstream, stream=True))
                    for _ in range(count)
                ]
                for stream in streams:
                    await stream.__anext__()
                readers = [asyncio.ensure_future(stream.__anext__()) for stream in streams]
                await asyncio.sleep(0.05)
                for stream in streams:
                    stream.close()
                done = await asyncio.wait_for(asyncio.gather(*readers, return_exceptions=True), 1)
                assert {type(end) for end in done} == {StopAsyncIteration}

        asyncio.run(run())
