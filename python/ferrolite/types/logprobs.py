"""Log probabilities of tokens: of chat answers, and of the older text completions."""

from __future__ import annotations

from ferrolite.types._base import Model, many

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins


class TopLogprob(Model):
    """One of the likeliest tokens at a place."""

    token: str
    bytes: list[int] | None = None
    logprob: float

    _required = ("token", "logprob")
    _nested = {"logprob": float}


class ChatCompletionTokenLogprob(Model):
    """A token of the answer, with its likeliest alternatives."""

    token: str
    bytes: list[int] | None = None
    logprob: float
    top_logprobs: builtins.list[TopLogprob]

    _required = ("token", "logprob")
    _nested = {"logprob": float, "top_logprobs": many(TopLogprob)}

    def __init__(self, **data: object) -> None:
        super().__init__(**{**data, "top_logprobs": data.get("top_logprobs") or []})


class ChoiceLogprobs(Model):
    """Log probabilities of a choice: of its content, or of its refusal."""

    content: list[ChatCompletionTokenLogprob] | None = None
    refusal: list[ChatCompletionTokenLogprob] | None = None

    _nested = {"content": many(ChatCompletionTokenLogprob), "refusal": many(ChatCompletionTokenLogprob)}


class Logprobs(Model):
    """Log probabilities of a text completion, in parallel lists."""

    text_offset: list[int] | None = None
    token_logprobs: list[float | None] | None = None
    tokens: list[str] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None
