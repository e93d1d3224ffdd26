"""What `google_genai.generate_content` answers."""

from __future__ import annotations

from ferrolite.types._base import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class GenerateContentResponse(Response):
    """Content in Google's form; what is in it are dicts and lists, under Google's names."""

    candidates: list[dict[str, Any]] | None = None
    usageMetadata: dict[str, Any] | None = None
    modelVersion: str | None = None
    responseId: str | None = None

    def __init__(self, candidates: list[dict[str, Any]] | None = None, **extras: Any) -> None:
        values = self.__dict__
        values["candidates"] = candidates
        for name in ("usageMetadata", "modelVersion", "responseId"):
            values[name] = extras.pop(name, None)
        values.update(extras)
