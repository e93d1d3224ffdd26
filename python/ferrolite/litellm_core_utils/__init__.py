"""Inner modules of LiteLLM that other packages import: thin names for what is elsewhere here."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def __getattr__(name: str) -> Any:
    from ferrolite._surface import resolve

    return resolve(__name__, name)
