"""What calls cost."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def __getattr__(name: str) -> Any:
    from ferrolite._surface import resolve

    return resolve(__name__, name)
