"""A logger that sends in batches, from a thread of its own."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref

from ferrolite._logging import verbose_logger
from ferrolite._observe import at_exit
from ferrolite.integrations.custom_logger import CustomLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_ATTEMPTS = 3
_TIMEOUT = 10.0
_DIVISIBLE = (400, 413, 422)
"""Statuses that may be about one item of many, or about how many they are."""
_MOST_PARTS = 32
"""The most requests that it takes to find out which."""
_MOST_IN_A_ROW = 3
"""Items that may be refused one after the other before the rest is given up."""


class CustomBatchLogger(CustomLogger):
    """Collects what `item` makes of calls, and hands lists of it to `send_batch`.

    Args:
        batch_size: Send when so many wait.
        flush_interval: Send at the latest after so many seconds.
        max_queue_size: The most that wait; what is more is dropped and counted in `dropped`.
        **kwargs: What `CustomLogger` takes.
    """

    def __init__(
        self,
        flush_lock: Any = None,
        batch_size: int | None = None,
        flush_interval: float | None = None,
        max_queue_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_size = batch_size or 512
        self.flush_interval = flush_interval or 5.0
        self.max_queue_size = max_queue_size or 10_000
        self._reset()
        _loggers.add(self)

    def _reset(self) -> None:
        """As new; in a forked child, too: what waited there is its parent's to send."""
        self.log_queue: list[Any] = []
        self.dropped = 0
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._sent_now = 0
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    # What a subclass says

    def item(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> Any:
        """What to send of a call; None for nothing."""
        return kwargs.get("standard_logging_object")

    def send_batch(self, items: list[Any]) -> None:
        """Send a batch. What it raises is logged, and the batch is lost.

        Of a batch that the service has refused (`Refused`) the parts are tried.
        """
        raise NotImplementedError

    # Collecting

    def _add(self, item: Any) -> None:
        if item is None:
            return
        with self._lock:
            if len(self.log_queue) >= self.max_queue_size:
                self.dropped += 1
                if self.dropped == 1 or self.dropped % 1000 == 0:
                    verbose_logger.warning(
                        "%s: %d events dropped, its service is too slow", type(self).__name__, self.dropped
                    )
                return
            self.log_queue.append(item)
            full = len(self.log_queue) >= self.batch_size
            self._has_thread()
        if full:
            self._due.set()

    def _has_thread(self) -> bool:
        """Whether there is a thread that sends, begun if need be."""
        if self._thread is not None and self._thread.is_alive():
            return True
        thread = threading.Thread(
            target=_keep_sending, args=(weakref.ref(self),), name="litellm-batches", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending
            return False
        self._thread = thread
        return True

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Collect an answer."""
        self._add(self.item(kwargs, response_obj, start_time, end_time))

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Collect a failure."""
        self._add(self.item(kwargs, response_obj, start_time, end_time))

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Collect an answer."""
        self._add(self.item(kwargs, response_obj, start_time, end_time))

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """Collect a failure."""
        self._add(self.item(kwargs, response_obj, start_time, end_time))

    # Sending

    def flush(self) -> None:
        """Send what waits, and wait for it."""
        self._flush(None)

    def _flush(self, deadline: float | None) -> None:
        with self._sending:
            while deadline is None or time.monotonic() < deadline:
                with self._lock:
                    items = self.log_queue[: self.batch_size]
                    del self.log_queue[: self.batch_size]
                    self._sent_now = len(items)
                if not items:
                    return
                self._send(items)
                self._sent_now = 0

    def _send(self, items: list[Any]) -> None:
        """Send a batch, without those of its items that are refused."""
        parts, requests = [items], 0
        while parts:
            part = parts.pop()
            requests += 1
            try:
                self.send_batch(part)
            except Exception as error:
                half = len(part) // 2
                refused = isinstance(error, Refused) and error.status in _DIVISIBLE
                if refused and half and requests < _MOST_PARTS:
                    parts += [part[half:], part[:half]]
                else:
                    self._lost(len(part), error)

    def send_each(self, items: list[Any], send: Callable[[Any], object]) -> None:
        """Send items one after the other: one that is refused takes no other with it, unless all are."""
        failed = 0
        for at, item in enumerate(items):
            try:
                send(item)
                failed = 0
            except Exception as error:
                failed += 1
                given_up = failed == _MOST_IN_A_ROW
                self._lost(len(items) - at if given_up else 1, error)
                if given_up:
                    return

    def as_json(self, items: list[Any]) -> list[str]:
        """Each item as JSON, without those that cannot be."""
        made: list[str] = []
        for item in items:
            try:
                made.append(json.dumps(item, default=str))
            except (TypeError, ValueError, RecursionError) as error:
                self._lost(1, error)
        return made

    def _lost(self, count: int, error: Exception) -> None:
        verbose_logger.error("%s: %d events are lost: %s", type(self).__name__, count, error)

    def _finish(self, deadline: float) -> None:
        """Send what waits when the program ends. What is left at the deadline is lost, which is logged."""
        if self.log_queue and not self._has_thread():
            self._flush(deadline)
        while (self.log_queue or self._sending.locked()) and time.monotonic() < deadline:
            self._due.set()
            time.sleep(0.005)
        if left := len(self.log_queue) + self._sent_now:
            verbose_logger.warning("%s: the program ends with %d events not sent", type(self).__name__, left)

    async def flush_queue(self) -> None:
        """`flush`, for asyncio."""
        from asyncio import get_running_loop

        await get_running_loop().run_in_executor(None, self.flush)


class Refused(OSError):
    """A service does not take what was sent; another attempt is not worth it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def post(url: str, body: Any, headers: Mapping[str, str], content_type: str = "application/json") -> None:
    """Send JSON (or bytes), with up to three attempts.

    Raises:
        Refused: The service does not take it.
        OSError: It could not be sent. The message has neither headers nor the address's query and password.
    """
    from urllib.error import HTTPError
    from urllib.parse import urlsplit
    from urllib.request import Request, urlopen

    data = body if isinstance(body, bytes) else json.dumps(body, default=str).encode()
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if not place.startswith(("http://", "https://")):
        raise OSError(f"{place!r} is no address of the web")
    failed = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.5 * attempt)
        request = Request(url, data, {"Content-Type": content_type, **headers}, method="POST")
        try:
            with urlopen(request, timeout=_TIMEOUT):
                return
        except HTTPError as error:
            failed = f"status {error.code}"
            error.close()
            if error.code < 500 and error.code != 429:
                raise Refused(f"{place}: {failed}", error.code) from None
        except OSError as error:
            failed = str(error)
    raise OSError(f"{place}: {failed}")


def _keep_sending(reference: weakref.ref[CustomBatchLogger]) -> None:
    while True:
        logger = reference()
        if logger is None:
            return
        due, interval = logger._due, logger.flush_interval  # pyright: ignore[reportPrivateUsage]
        del logger
        due.wait(interval)
        logger = reference()
        if logger is None:
            return
        due.clear()
        logger.flush()


_loggers: weakref.WeakSet[CustomBatchLogger] = weakref.WeakSet()


def _at_exit(timeout: float) -> None:
    deadline = time.monotonic() + timeout
    for logger in list(_loggers):
        # Beside each other: none waits for another's slow service.
        logger._due.set()  # pyright: ignore[reportPrivateUsage]
    for logger in list(_loggers):
        logger._finish(deadline)  # pyright: ignore[reportPrivateUsage]


def _in_child() -> None:
    for logger in list(_loggers):
        logger._reset()  # pyright: ignore[reportPrivateUsage]


at_exit.register("batches", _at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def has_failed(kwargs: dict[str, Any]) -> bool:
    """Whether a callback is told of a failure; its payload need not say so."""
    return kwargs.get("log_event_type") == "failed_api_call"
