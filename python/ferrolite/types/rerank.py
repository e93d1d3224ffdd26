"""Documents in the order of their relevance to a query."""

from __future__ import annotations

from ferrolite.types._base import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class RerankResponse(Response):
    """The ranking. `results` are dicts with `index`, `relevance_score` and, if asked for, `document`."""

    id: str | None = None
    results: list[dict[str, Any]] | None = None
    meta: dict[str, Any] | None = None

    _extras = False
