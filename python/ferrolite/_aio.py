"""asyncio: one result queue for each event loop, and loops that cannot have one."""

from __future__ import annotations

from asyncio import get_running_loop
from weakref import WeakKeyDictionary

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from typing import Any

_queues: WeakKeyDictionary[AbstractEventLoop, _core.LoopQueue | None] = WeakKeyDictionary()


def queue_of(loop: AbstractEventLoop) -> _core.LoopQueue | None:
    """The loop's queue of results; None for a loop that cannot watch a descriptor (Windows' proactor)."""
    try:
        return _queues[loop]
    except KeyError:
        pass
    _let_go_of_closed_loops()
    queue = _core.LoopQueue()
    try:
        loop.add_reader(queue.fileno(), queue.drain)
    except NotImplementedError:
        queue = None
    _queues[loop] = queue
    return queue


def _let_go_of_closed_loops() -> None:
    """A result that a loop did not fetch holds its future, which holds the loop, which holds the queue."""
    for reference in _queues.keyrefs():
        loop = reference()
        if loop is not None and loop.is_closed():
            queue = _queues.pop(loop, None)
            if queue is not None:
                queue.close()


async def call(
    arguments: dict[str, Any],
    settings: dict[str, Any],
    call_type: str | None = None,
    files: list[tuple[str, str, str | None, bytes]] | None = None,
    keep_reply: bool = False,
    router: _core.CoreRouter | None = None,
) -> Any:
    """A call's result, by a router where one is given. Cancelled, the request is dropped."""
    core = router or _core
    loop = get_running_loop()
    queue = queue_of(loop)
    if queue is None:
        return await core.call_future(arguments, settings, call_type, files, keep_reply)
    future = loop.create_future()
    pending = core.call_async(arguments, settings, queue, future, call_type, files, keep_reply)
    try:
        return await future
    except BaseException:
        pending.abort()
        raise


async def wait(stream: _core.CoreStream) -> None:
    """Wait until the stream has a batch. Cancelled, the batch is kept for the next reader."""
    loop = get_running_loop()
    queue = queue_of(loop)
    if queue is None:
        await stream.ready_future()
        return
    future = loop.create_future()
    stream.request(queue, future)
    await future
