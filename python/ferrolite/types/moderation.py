"""What a moderation model thinks of its inputs."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, many

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class OpenAIModerationResult(Model):
    """The verdict on one input: by category a bool, a score, and what kinds of input it looked at."""

    flagged: bool
    categories: dict[str, bool] | None
    category_applied_input_types: dict[str, list[str]] | None
    category_scores: dict[str, float] | None

    _required = ("flagged",)


class OpenAIModerationResponse(Response):
    """The verdicts, in the order of the inputs."""

    id: str
    model: str
    results: list[OpenAIModerationResult]

    def __init__(self, id: str, model: str, results: list[Any], **extras: Any) -> None:
        values = self.__dict__
        values["id"] = id
        values["model"] = model
        values["results"] = many(OpenAIModerationResult)(results)
        values.update(extras)
