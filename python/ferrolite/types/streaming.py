"""What a provider written in Python streams."""

from __future__ import annotations

from typing import Any, TypedDict


class _Always(TypedDict):
    text: str
    is_finished: bool
    finish_reason: str
    usage: dict[str, Any] | None


class GenericStreamingChunk(_Always, total=False):
    """A piece of an answer, in no provider's format.

    `tool_use` is a piece of a tool call (`id`, `type`, `function`, `index`), `usage` the three counts of tokens.
    `finish_reason` counts when `is_finished` is true.
    """

    tool_use: dict[str, Any] | None
    index: int
    provider_specific_fields: dict[str, Any] | None


GenericStreamingChunk.__module__ = "ferrolite.types.utils"
