"""The worker for success callbacks: off the caller's path, in order, and bounded.

One thread does the work. Only when a callback holds it for long is another put beside it, so that the others are
told in time. What does not fit into the queue is dropped and counted: a program never waits for its logging.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from concurrent.futures import Executor, Future
from time import monotonic

from ferrolite._observe import at_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MOST_PENDING = 10_000
"""The most events that wait."""
_STUCK = 2.0
"""Seconds after which a thread counts as held up."""
_MOST_THREADS = 16
_IDLE = 10.0
"""Seconds after which a thread without work ends."""


class LoggingExecutor(Executor):
    """An executor with a bounded queue; `dropped` counts what did not fit."""

    def __init__(self, max_pending: int = _MOST_PENDING, stuck_after: float = _STUCK) -> None:
        self.max_pending = max_pending
        self.stuck_after = stuck_after
        self._reset()
        _executors.add(self)

    def _reset(self) -> None:
        """As new; in a forked child, too, which has none of its parent's threads."""
        self.dropped = 0
        # Callbacks may be submitted while a lock is held, by an object that is let go of just then: what is used in
        # `submit` allows that.
        self._lock = threading.RLock()
        self._work: deque[_Work] = deque()
        self._wake = threading.Semaphore(0)
        self._threads: dict[threading.Thread, float | None] = {}
        self._unfinished = 0
        self._closed = False

    @property
    def _max_workers(self) -> int:
        return _MOST_THREADS

    @property
    def pending(self) -> int:
        """How many events wait."""
        return len(self._work)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function soon. When too many wait, it is dropped: the future is cancelled."""
        future: Future[Any] = Future()
        if self._closed or len(self._work) >= self.max_pending:
            future.cancel()
            self._drop()
            return future
        with self._lock:
            self._unfinished += 1
        self._work.append((future, fn, args, kwargs))
        if not self._has_free_thread():
            self._start()
        self._wake.release()
        return future

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1 or self.dropped % 1000 == 0:
            from ferrolite._logging import verbose_logger

            verbose_logger.warning(
                "callbacks are slower than calls: %d events dropped, %d wait", self.dropped, len(self._work)
            )

    def _has_free_thread(self) -> bool:
        with self._lock:
            if not self._threads:
                return False
            if len(self._threads) >= _MOST_THREADS:
                return True
            late = monotonic() - self.stuck_after
            return any(since is None or since > late for since in self._threads.values())

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="litellm-logging", daemon=True)
        with self._lock:
            self._threads[thread] = None
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is ending
            with self._lock:
                self._threads.pop(thread, None)

    def _run(self) -> None:
        me = threading.current_thread()
        while True:
            # Several threads are the exception: those that are too many end first.
            if not self._wake.acquire(timeout=_IDLE):
                with self._lock:
                    if not self._work:
                        self._threads.pop(me, None)
                        return
                continue
            try:
                future, fn, args, kwargs = self._work.popleft()
            except IndexError:
                continue
            self._threads[me] = monotonic()
            if len(self._work) and not self._has_free_thread():
                self._start()
            try:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(fn(*args, **kwargs))
                    except BaseException as error:
                        future.set_exception(error)
            finally:
                del future, fn, args, kwargs
                with self._lock:
                    self._threads[me] = None
                    self._unfinished -= 1

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was submitted is done; False when that took longer than `timeout` seconds."""
        deadline = None if timeout is None else monotonic() + timeout
        pause = 0.001
        while self._unfinished > 0:
            if deadline is not None and monotonic() > deadline:
                return False
            if self._work and not self._has_free_thread():
                self._start()
            threading.Event().wait(pause)
            pause = min(pause * 2, 0.05)
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work."""
        self._closed = True
        if cancel_futures:
            while self._work:
                self._work.popleft()[0].cancel()
                self._unfinished -= 1
        if wait:
            self.flush()


_executors: weakref.WeakSet[LoggingExecutor] = weakref.WeakSet()
executor = LoggingExecutor()


def _at_exit(timeout: float) -> bool:
    done = executor.flush(timeout)
    if not done:
        from ferrolite._logging import verbose_logger

        verbose_logger.warning("the program ends with %d callback events not told", executor.pending)
    return done


def _in_child() -> None:
    for one in list(_executors):
        one._reset()  # pyright: ignore[reportPrivateUsage]


at_exit.register("functions", _at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

if TYPE_CHECKING:
    _Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]
