"""Who is told: the lists of callbacks, read as they stand when something happens.

A list holds functions, coroutine functions, `CustomLogger` instances and names of integrations. A logger in
`callbacks` is told of everything; one in another list of what the list is for.
"""

from __future__ import annotations

import inspect
import sys

from ferrolite._logging import verbose_logger
from ferrolite.integrations.custom_logger import CustomLogger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ferrolite._observe.log import Logging

_settings = sys.modules["ferrolite"].__dict__


class Receivers:
    """Those of one event, told apart by how they are called."""

    __slots__ = ("coroutines", "functions", "loggers")

    def __init__(self, items: Iterable[Any]) -> None:
        self.loggers: list[Any] = []
        self.functions: list[Any] = []
        self.coroutines: list[Any] = []
        for item in items:
            if isinstance(item, str):
                item = _named(item)
                if item is None:
                    continue
            if isinstance(item, CustomLogger) or not callable(item):
                if all(item is not other for other in self.loggers):
                    self.loggers.append(item)
            elif _is_coroutine_function(item):
                self.coroutines.append(item)
            else:
                self.functions.append(item)

    def __bool__(self) -> bool:
        return bool(self.loggers or self.functions or self.coroutines)


def receivers(event: str, log: Logging, is_async: bool = False) -> Receivers:
    """Those of an event: "input", "success" or "failure"."""
    s = _settings
    own = log.own.get
    items: list[Any] = []
    for name in ("callbacks", f"{event}_callback"):
        items += s[name] or ()
        items += own(name, ())
    if is_async:
        items += s[f"_async_{event}_callback"] or ()
    disabled = log.disabled
    if disabled:
        items = [item for item in items if _name_of(item) not in disabled]
    return Receivers(items)


def loggers(log: Logging) -> list[Any]:
    """Loggers that are told of everything, and may change a call."""
    return Receivers([*(_settings["callbacks"] or ()), *log.own.get("callbacks", ())]).loggers


def overrides(logger: Any, hook: str) -> Any:
    """A logger's hook; None when it is the base class's, which does nothing."""
    method = getattr(logger, hook, None)
    if getattr(method, "__func__", None) is CustomLogger.__dict__[hook]:
        return None
    return method


def tell(hook: Any, *args: Any, **kwargs: Any) -> None:
    """Call a callback. What it raises is logged, and harms nobody."""
    try:
        hook(*args, **kwargs)
    except Exception:
        _failed(hook)


async def atell(hook: Any, *args: Any, **kwargs: Any) -> None:
    """The same for one to be awaited."""
    try:
        told = hook(*args, **kwargs)
        if inspect.isawaitable(told):
            await told
    except Exception:
        _failed(hook)


def _failed(hook: Any) -> None:
    owner = getattr(hook, "__self__", None)
    name = getattr(hook, "__qualname__", None) or type(hook).__name__
    verbose_logger.error("the callback %s failed; calls go on", name, exc_info=True)
    if isinstance(owner, CustomLogger):
        try:
            owner.handle_callback_failure(type(owner).__name__)
        except Exception:
            verbose_logger.debug("handle_callback_failure failed", exc_info=True)


def _named(name: str) -> Any:
    from ferrolite.integrations import _registry

    return _registry.logger_of(name)


def _name_of(item: Any) -> str:
    if isinstance(item, str):
        return item
    from ferrolite.integrations import _registry

    return _registry.name_of(item)


def _is_coroutine_function(function: Any) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    call = getattr(function, "__call__", None)  # noqa: B004 - an object whose call is a coroutine function
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(function, "func", None))
