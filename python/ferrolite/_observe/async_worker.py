"""The worker for asynchronous success callbacks: tasks of the loop whose call they are about, bounded.

A callback whose loop ends before it has begun is run when the program ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import threading
import weakref
from collections import deque
from contextvars import copy_context

from ferrolite._observe import at_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextvars import Context
    from typing import Any


class _Loop:
    """What one event loop has to do."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = weakref.ref(loop)
        self.waiting: deque[_Work] = deque()
        self.running: dict[asyncio.Task[None], _Work] = {}

    def is_over(self) -> bool:
        loop = self.loop()
        return loop is None or loop.is_closed()


class LoggingWorker:
    """Runs coroutines beside a program's own, at most `concurrency` of them, each for `timeout` seconds."""

    def __init__(self, timeout: float = 20.0, max_queue_size: int = 50_000, concurrency: int = 100) -> None:
        self.timeout = timeout
        self.max_queue_size = max_queue_size
        self.concurrency = concurrency
        self.dropped = 0
        self._reset()

    def _reset(self) -> None:
        """As new; in a forked child, too, whose parent tells what it has begun."""
        # What is kept of other loops is common to all threads; what one loop has to do is its own thread's affair.
        # Work may be given by an object that is let go of while the lock is held, which an RLock allows.
        self._lock = threading.RLock()
        self._loops: dict[int, _Loop] = {}
        self._left: deque[_Work] = deque()

    def start(self) -> None:
        """Nothing has to be started; for LiteLLM's sake."""

    def enqueue(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine soon, in the caller's context. When too many wait, it is dropped and counted."""
        place = self._place(asyncio.get_running_loop())
        work = (copy_context(), coroutine)
        if len(place.running) < self.concurrency:
            self._begin(place, work)
        elif len(place.waiting) < self.max_queue_size:
            place.waiting.append(work)
        else:
            coroutine.close()
            self.dropped += 1
            if self.dropped == 1 or self.dropped % 1000 == 0:
                _log().warning("callbacks are slower than calls: %d events dropped", self.dropped)

    def ensure_initialized_and_enqueue(self, async_coroutine: Coroutine[Any, Any, Any]) -> None:
        """`enqueue`, under LiteLLM's other name."""
        self.enqueue(async_coroutine)

    async def flush(self) -> None:
        """Wait until everything of this loop is done."""
        place = self._place(asyncio.get_running_loop())
        me = asyncio.current_task()
        while others := [task for task in place.running if task is not me]:
            await asyncio.wait(others)

    async def stop(self, *, discard_pending: bool = False, timeout: float | None = None) -> None:
        """Finish, or give up, what this loop has to do.

        Args:
            discard_pending: Give up what has not begun.
            timeout: Seconds to wait at most.
        """
        place = self._place(asyncio.get_running_loop())
        if discard_pending:
            while place.waiting:
                place.waiting.popleft()[1].close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.flush(), timeout)

    async def clear_queue(self) -> None:
        """`flush`, under LiteLLM's other name."""
        await self.flush()

    def _place(self, loop: asyncio.AbstractEventLoop) -> _Loop:
        with self._lock:
            place = self._loops.get(id(loop))
            if place is not None and place.loop() is loop:
                return place
            self._collect()
            self._loops[id(loop)] = place = _Loop(loop)
            place.waiting.extend(self._left)
            self._left.clear()
        if place.waiting:
            self._begin(place, place.waiting.popleft())
        return place

    def _collect(self) -> None:
        """Take over what loops that are no more have not begun."""
        with self._lock:
            for key, place in list(self._loops.items()):
                if not place.is_over():
                    continue
                del self._loops[key]
                for task, work in place.running.items():
                    # It is known to be lost, and done elsewhere.
                    task._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue]
                    self._keep(work)
                self._left.extend(place.waiting)

    def _keep(self, work: _Work) -> None:
        if inspect.getcoroutinestate(work[1]) == inspect.CORO_CREATED:
            with self._lock:
                self._left.append(work)

    def _begin(self, place: _Loop, work: _Work) -> None:
        loop = place.loop()
        if loop is None:
            return
        context, coroutine = work
        task = context.run(loop.create_task, self._timed(coroutine))
        place.running[task] = work

        def ended(task: asyncio.Task[None]) -> None:
            place.running.pop(task, None)
            if task.cancelled():
                # The loop ends: the rest is for another one.
                with self._lock:
                    self._keep(work)
                    self._left.extend(place.waiting)
                place.waiting.clear()
            elif place.waiting:
                self._begin(place, place.waiting.popleft())

        task.add_done_callback(ended)

    async def _timed(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        # Without a task of its own in between (`wait_for` makes one): it begins with this one, or not at all.
        task = asyncio.current_task()
        is_late = False

        def stop() -> None:
            nonlocal is_late
            is_late = True
            if task is not None:
                task.cancel()

        timer = asyncio.get_running_loop().call_later(self.timeout, stop)
        try:
            await coroutine
        except asyncio.CancelledError:
            if not is_late:
                raise
            _log().error("callbacks of a call took more than %s seconds and were stopped", self.timeout)
        except Exception:
            _log().exception("callbacks of a call failed")
        finally:
            timer.cancel()

    def flush_at_exit(self, timeout: float = 5.0) -> None:
        """Run what ended loops have left, for so many seconds at most."""
        self._collect()
        if not self._left:
            return

        async def rest() -> None:
            # The new loop takes over what is left.
            await self.stop(timeout=timeout)

        with contextlib.suppress(RuntimeError):  # no loop can be made any more
            asyncio.run(rest())


def _log() -> Any:
    from ferrolite._logging import verbose_logger

    return verbose_logger


GLOBAL_LOGGING_WORKER = LoggingWorker()
_of_parents: list[Any] = []
"""What a forked child has of its parent's: kept, for coroutines that are let go of unfinished run what ends them."""


def _in_child() -> None:
    worker = GLOBAL_LOGGING_WORKER
    _of_parents.append((worker._loops, worker._left))  # pyright: ignore[reportPrivateUsage]
    worker._reset()  # pyright: ignore[reportPrivateUsage]


at_exit.register("coroutines", GLOBAL_LOGGING_WORKER.flush_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

if TYPE_CHECKING:
    _Work = tuple[Context, Coroutine[Any, Any, Any]]
