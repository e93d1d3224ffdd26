"""A logger that sends in batches, from a thread of its own."""

from __future__ import annotations

import atexit
import json
import threading
import time
import weakref

from ferrolite._logging import verbose_logger
from ferrolite.integrations.custom_logger import CustomLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_ATTEMPTS = 3
_TIMEOUT = 10.0


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
        self.log_queue: list[Any] = []
        self.dropped = 0
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._due = threading.Event()
        self._thread: threading.Thread | None = None
        _loggers.add(self)

    # What a subclass says

    def item(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> Any:
        """What to send of a call; None for nothing."""
        return kwargs.get("standard_logging_object")

    def send_batch(self, items: list[Any]) -> None:
        """Send a batch. What it raises is logged, and the batch is lost."""
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
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=_keep_sending, args=(weakref.ref(self),), name="litellm-batches", daemon=True
                )
                self._thread.start()
        if full:
            self._due.set()

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
        with self._sending:
            while True:
                with self._lock:
                    items = self.log_queue[: self.batch_size]
                    del self.log_queue[: self.batch_size]
                if not items:
                    return
                try:
                    self.send_batch(items)
                except Exception as error:
                    verbose_logger.error("%s: %d events are lost: %s", type(self).__name__, len(items), error)

    async def flush_queue(self) -> None:
        """`flush`, for asyncio."""
        from asyncio import get_running_loop

        await get_running_loop().run_in_executor(None, self.flush)


def post(url: str, body: Any, headers: Mapping[str, str], content_type: str = "application/json") -> None:
    """Send JSON (or bytes), with up to three attempts.

    Raises:
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
                break
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


def _at_exit() -> None:
    for logger in list(_loggers):
        logger.flush()


atexit.register(_at_exit)
