"""Cutting a conversation down to what a model can read."""

from __future__ import annotations

from ferrolite import _core
from ferrolite._tokens import token_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GAP = ".."


def trim_messages(
    messages: list[Any],
    model: str | None = None,
    trim_ratio: float = 0.75,
    return_response_tokens: bool = False,
    max_tokens: int | None = None,
) -> Any:
    """The part of a conversation that fits: system messages first, then what was said last.

    A message that does not fit whole loses its middle. Results of tools at the end are kept whole and are not counted.

    Args:
        messages: The conversation, which is left as it is.
        model: Chooses the vocabulary, and the limit when `max_tokens` is not given.
        trim_ratio: The share of the model's limit to use. Not for `max_tokens`.
        return_response_tokens: Also return how many tokens are left for the answer.
        max_tokens: The limit.

    Returns:
        The messages; with `return_response_tokens` a pair of them and the tokens that are left. A model without a
        known limit gets the conversation whole.
    """
    limit = max_tokens
    if (
        limit is None
        and model
        and (facts := _core.model_facts(model))
        and (window := facts["max_input_tokens"])
    ):
        limit = int(window * trim_ratio)
    kept = list(messages) if limit is None else _fitting(list(messages), limit, model or "")
    if return_response_tokens:
        return kept, 0 if limit is None else limit - _count(kept, model or "")
    return kept


def _count(messages: list[Any], model: str) -> int:
    return token_counter(model=model, messages=messages)


def _fitting(messages: list[Any], limit: int, model: str) -> list[Any]:
    if _count(messages, model) <= limit:
        return messages
    end = len(messages)
    while end and _get(messages[end - 1], "role") == "tool":
        end -= 1
    results, messages = messages[end:], messages[:end]
    system = [message for message in messages if _get(message, "role") == "system"]
    others = [message for message in messages if _get(message, "role") != "system"]
    kept: list[Any] = []
    if system:
        joined = "\n".join(str(_get(message, "content") or "") for message in system)
        first = _shortened({"role": "system", "content": joined}, [], limit, model)
        kept = [] if first is None else [first]
        if first is None or first["content"] != joined:
            return kept
    begin = len(kept)
    for message in reversed(others):
        fits = _count([*kept, message], model) <= limit
        whole = message if fits else _shortened(message, kept, limit, model)
        if whole is not None:
            kept.insert(begin, whole)
        if not fits:
            break
    return kept + results


def _shortened(message: Any, beside: list[Any], limit: int, model: str) -> Any | None:
    """The message without as much of its middle as it must lose to fit beside others; None if nothing remains."""
    content = _get(message, "content")
    if not isinstance(content, str):
        return message if _count([*beside, message], model) <= limit else None
    fields: dict[str, Any] = (
        dict(message) if hasattr(message, "keys") else message.model_dump(exclude_none=True)
    )
    length = len(content)
    text = content
    while (tokens := _count([*beside, {**fields, "content": text}], model)) > limit:
        own = tokens - _count([*beside, {**fields, "content": ""}], model)
        room = limit - (tokens - own)
        length = min(length - 1, int(length * room / own)) if own else 0
        if room <= 0 or length <= 0:
            return None
        half = length // 2
        text = content[:half] + _GAP + content[len(content) - half :]
    return {**fields, "content": text}


def _get(message: Any, name: str) -> Any:
    return message.get(name) if hasattr(message, "get") else getattr(message, name, None)
