"""Calls around a cache that is not all the core's: a program's own store, or a method put in the place of ours.

The core asks a cache of its own by itself; this module is not loaded then, but for providers written in Python.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import sys

from ferrolite import _core
from ferrolite._stream import CustomStreamWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__

_NAMES = {
    None: "completion",
    "embedding": "embedding",
    "messages": "anthropic_messages",
    "rerank": "rerank",
    "responses": "responses",
    "text_completion": "text_completion",
    "transcription": "transcription",
}
_failed = False


class Kept:
    """One call's dealings with the cache.

    Args:
        cache: What the program has set.
        call_type: The core's name of the kind of call; None for a chat completion.
        arguments: The call's keywords.
        is_async: Whether it is for asyncio.
    """

    def __init__(self, cache: Any, call_type: str | None, arguments: dict[str, Any], is_async: bool) -> None:
        self.cache = cache
        self.call_type = call_type
        self.kwargs = {
            name: value for name, value in arguments.items() if name != "kwargs" and value is not None
        }
        more: Any = arguments.get("kwargs")
        if isinstance(more, dict):
            self.kwargs.update(more)
        said: Any = self.kwargs.get("cache")
        self.said: dict[str, Any] = said if isinstance(said, dict) else {}
        self.applies = self._applies(is_async)

    def _applies(self, is_async: bool) -> bool:
        name = _NAMES.get(self.call_type)
        if name is None:
            return False
        types: Any = getattr(self.cache, "supported_call_types", None)
        if types is not None and (f"a{name}" if is_async else name) not in types:
            return False
        try:
            return bool(self.cache.should_use_cache(**self.kwargs))
        except Exception as error:
            _log(error)
            return False

    @property
    def reads(self) -> bool:
        return self.applies and self.said.get("no-cache") is not True

    @property
    def writes(self) -> bool:
        return self.applies and self.said.get("no-store") is not True

    def read(self) -> Any:
        try:
            return self.answer(self.cache.get_cache(**self.kwargs))
        except Exception as error:
            return _log(error)

    async def aread(self) -> Any:
        try:
            return self.answer(await self.cache.async_get_cache(**self.kwargs))
        except Exception as error:
            return _log(error)

    def write(self, answer: Any) -> None:
        try:
            self.cache.add_cache(answer, **self.kwargs)
        except Exception as error:
            _log(error)

    async def awrite(self, answer: Any) -> None:
        try:
            await self.cache.async_add_cache(answer, **self.kwargs)
        except Exception as error:
            _log(error)

    def answer(self, kept: Any) -> Any:
        """What was kept, as the call's answer."""
        if kept is None:
            return None
        marks: dict[str, Any] = {
            "cache_hit": True,
            "cache_key": self.cache.get_cache_key(**self.kwargs),
            "response_cost": 0.0,
            "additional_headers": {},
        }
        is_stream = self.kwargs.get("stream") is True
        if self.call_type is None and is_stream:
            stream = CustomStreamWrapper(iter(_chunks(kept)), self.kwargs.get("model"), None)
            stream._hidden_params = marks  # pyright: ignore[reportPrivateUsage]
            return stream
        if is_stream:
            return None
        if isinstance(kept, dict):
            kept = _object(self.call_type, kept)
        if hasattr(kept, "_hidden_params"):
            kept._hidden_params = marks
        return kept


def run(call_type: str | None, arguments: dict[str, Any], send: Callable[[], Any]) -> Any:
    """A call: from the cache, or sent and kept."""
    kept = Kept(_settings["cache"], call_type, arguments, False)
    if kept.reads and (found := kept.read()) is not None:
        return found
    answer = send()
    if kept.writes and not _teed(answer, kept):
        kept.write(answer)
    return answer


async def arun(call_type: str | None, arguments: dict[str, Any], send: Callable[[], Awaitable[Any]]) -> Any:
    """`run`, for asyncio."""
    kept = Kept(_settings["cache"], call_type, arguments, True)
    if kept.reads and (found := await kept.aread()) is not None:
        return found
    answer = await send()
    if kept.writes and not _teed(answer, kept):
        await kept.awrite(answer)
    return answer


class KeptStream(CustomStreamWrapper):
    """A stream whose answer is kept once it has ended well."""

    _kept: Kept
    _seen: list[Any]

    def __next__(self) -> Any:
        try:
            chunk = super().__next__()
        except StopIteration:
            if self._seen:
                self._kept.write(self._whole())
            raise
        self._seen.append(chunk)
        return chunk

    async def __anext__(self) -> Any:
        try:
            chunk = await super().__anext__()
        except StopAsyncIteration:
            if self._seen:
                await self._kept.awrite(self._whole())
            raise
        self._seen.append(chunk)
        return chunk

    def _whole(self) -> Any:
        seen, self._seen = self._seen, []
        return _core.collect_chunks(seen)


def _teed(answer: Any, kept: Kept) -> bool:
    """Whether an answer is a stream: one of chunks will be kept, others are not."""
    if type(answer) is CustomStreamWrapper:
        answer.__class__ = KeptStream
        answer.__dict__.update(_kept=kept, _seen=[])
        return True
    return hasattr(answer, "__next__") or hasattr(answer, "__anext__")


def _object(call_type: str | None, kept: dict[str, Any]) -> Any:
    if call_type is None:
        from ferrolite.types.utils import ModelResponse

        return ModelResponse(**kept)
    from ferrolite import _results

    return _results.of_dict(call_type, kept)


def _chunks(kept: Any) -> list[Any]:
    """A whole answer as the chunks of a stream."""
    from ferrolite.types.utils import ModelResponseStream

    whole: dict[str, Any] = kept if isinstance(kept, dict) else kept.model_dump()
    head = {name: whole.get(name) for name in ("id", "created", "model")}
    said: list[Any] = []
    ends: list[Any] = []
    for choice in whole.get("choices") or []:
        delta = {name: value for name, value in choice["message"].items() if value is not None}
        calls = [{"index": index, **call} for index, call in enumerate(delta.get("tool_calls") or [])]
        said.append({"index": choice["index"], "delta": {**delta, "tool_calls": calls or None}})
        ends.append({"index": choice["index"], "delta": {}, "finish_reason": choice.get("finish_reason")})
    return [ModelResponseStream(**head, choices=said), ModelResponseStream(**head, choices=ends)]


def _log(error: Exception) -> None:
    """Said once: calls go on without the cache."""
    global _failed
    from ferrolite._logging import verbose_logger

    level = "debug" if _failed else "warning"
    _failed = True
    getattr(verbose_logger, level)("cache: it cannot be used, calls go on without it: %s", error)
