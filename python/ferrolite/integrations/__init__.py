"""What calls are told to: the base class of loggers, and integrations by their names (`_registry`)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def __getattr__(name: str) -> Any:
    from ferrolite._surface import resolve

    return resolve(__name__, name)
