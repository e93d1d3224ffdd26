"""What is still to be told when a program ends: callbacks first, then what they have given to be sent in batches.

The parts are loaded when they are needed, in any order; here they have one order, and one deadline.
"""

from __future__ import annotations

import atexit
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 5.0
"""The most seconds that a program waits for its callbacks."""
_LEAST = 1.0
"""Seconds that each part has, whatever those before it have taken."""

_parts: dict[str, Callable[[float], object]] = {}


def register(part: str, finish: Callable[[float], object]) -> None:
    """Have a part finished: "functions", "coroutines" or "batches".

    Args:
        finish: Is called with the seconds that it may take. False says that it was not done by then.
    """
    _parts[part] = finish


def _finish() -> None:
    deadline = monotonic() + _MOST
    # Coroutines hand functions on, and functions coroutines.
    for part in ("functions", "coroutines", "functions", "batches"):
        finish = _parts.get(part)
        if finish is not None and finish(max(deadline - monotonic(), _LEAST)) is False:
            del _parts[part]  # stuck, and said so


atexit.register(_finish)
