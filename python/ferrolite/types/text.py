"""Text completions, the interface before chat."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, many, new_id, now, put
from ferrolite.types.finish_reason import map_finish_reason
from ferrolite.types.logprobs import Logprobs
from ferrolite.types.usage import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class TextChoices(Model):
    """One of the completions."""

    finish_reason: str | None = None
    index: int = 0
    text: str | None = None
    logprobs: Logprobs | None = None

    def __init__(
        self,
        finish_reason: str | None = None,
        index: int = 0,
        text: str | None = None,
        logprobs: Logprobs | dict[str, Any] | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["finish_reason"] = map_finish_reason(finish_reason) if finish_reason else None
        values["index"] = index
        values["text"] = text
        values["logprobs"] = None if logprobs is None else Logprobs.model_validate(logprobs)
        values.update(extras)

    def json(self, **ignored: Any) -> dict[str, Any]:
        """The same dict as `model_dump`."""
        return self.model_dump()


class TextCompletionResponse(Response):
    """The answer of a text completion, or with ``stream=True`` a chunk of one."""

    id: str
    object: str
    created: int
    model: str | None = None
    choices: list[TextChoices]
    usage: Usage | None = None

    def __init__(
        self,
        id: str | None = None,
        choices: list[Any] | None = None,
        created: int | None = None,
        model: str | None = None,
        usage: Usage | dict[str, Any] | None = None,
        stream: bool | None = False,
        response_ms: float | None = None,
        object: str | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["id"] = id or f"chatcmpl-{new_id()}"
        values["object"] = "text_completion.chunk" if stream else "text_completion"
        values["created"] = created or now()
        values["model"] = model
        values["choices"] = [TextChoices()] if choices is None else many(TextChoices)(choices)
        values["usage"] = Usage() if usage is None else Usage.model_validate(usage)
        put(values, _response_ms=response_ms)
        values.update(extras)
