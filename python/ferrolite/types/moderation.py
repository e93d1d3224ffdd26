"""What a moderation model thinks of its inputs."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, many

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""OpenAI's: always there, `None` when nothing is said of them."""


def _named(values: Any) -> Any:
    """By the provider's names and, as LiteLLM has them too, by names that are identifiers."""
    if not isinstance(values, dict):
        return values
    given: dict[str, Any] = values  # pyright: ignore[reportUnknownVariableType]
    named: dict[str, Any] = {_identifier(name): None for name in _CATEGORIES}
    for name, value in given.items():
        named[_identifier(name)] = value
    return {**named, **given}


def _identifier(name: str) -> str:
    return name.replace("/", "_").replace("-", "_")


class OpenAIModerationResult(Model):
    """The verdict on one input: by category a bool, a score, and what kinds of input it looked at."""

    flagged: bool
    categories: dict[str, bool] | None
    category_applied_input_types: dict[str, list[str]] | None
    category_scores: dict[str, float] | None

    _required = ("flagged",)
    _nested = dict.fromkeys(("categories", "category_applied_input_types", "category_scores"), _named)


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
