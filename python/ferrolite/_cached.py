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
_LARGEST = 16 * 1024 * 1024
"""Of a stream, so many characters are kept at most, as in the core."""
_failed = False


class Kept:
    """One call's dealings with the cache.

    Args:
        cache: What the program has set.
        call_type: The core's name of the kind of call; None for a chat completion.
        arguments: The call's keywords.
    """

    def __init__(self, cache: Any, call_type: str | None, arguments: dict[str, Any]) -> None:
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
        self.key: Any = None
        self.applies = self._applies()

    def _applies(self) -> bool:
        name = _NAMES.get(self.call_type)
        if name is None:
            return False
        types: Any = getattr(self.cache, "supported_call_types", None)
        if types is not None and name not in types and f"a{name}" not in types:
            return False
        try:
            if not self.cache.should_use_cache(**self.kwargs):
                return False
            self.key = self.cache.get_cache_key(**self.kwargs)
            if _has_our_keys(self.cache):
                # Made once: for looking, for the answer's mark and for keeping.
                self.kwargs["preset_cache_key"] = self.key
            return True
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
        if not self._is_complete(answer):
            return
        try:
            self.cache.add_cache(answer, **self.kwargs)
        except Exception as error:
            _log(error)

    async def awrite(self, answer: Any) -> None:
        if not self._is_complete(answer):
            return
        try:
            await self.cache.async_add_cache(answer, **self.kwargs)
        except Exception as error:
            _log(error)

    def _is_complete(self, answer: Any) -> bool:
        """Whether an answer is one, and not word of something that is under way or has failed."""
        if answer is None or self.call_type is None:
            return answer is not None
        return _read(answer, "error") is None and _read(answer, "status") in (None, "completed")

    def answer(self, kept: Any) -> Any:
        """What was kept, as the call's answer."""
        if kept is None:
            return None
        marks: dict[str, Any] = {
            "cache_hit": True,
            "cache_key": self.key,
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
    kept = Kept(_settings["cache"], call_type, arguments)
    if kept.reads and (found := kept.read()) is not None:
        return found
    answer = send()
    if kept.writes and not _teed(answer, kept):
        kept.write(answer)
    return answer


async def arun(call_type: str | None, arguments: dict[str, Any], send: Callable[[], Awaitable[Any]]) -> Any:
    """`run`, for asyncio."""
    kept = Kept(_settings["cache"], call_type, arguments)
    if kept.reads and (found := await kept.aread()) is not None:
        return found
    answer = await send()
    if kept.writes and not _teed(answer, kept):
        await kept.awrite(answer)
    return answer


class KeptStream(CustomStreamWrapper):
    """A stream whose answer is kept once it has ended well."""

    _kept: Kept
    _seen: Seen

    def __next__(self) -> Any:
        try:
            chunk = super().__next__()
        except StopIteration:
            self._kept.write(self._seen.whole())
            raise
        self._seen.add(chunk)
        return chunk

    async def __anext__(self) -> Any:
        try:
            chunk = await super().__anext__()
        except StopAsyncIteration:
            await self._kept.awrite(self._seen.whole())
            raise
        self._seen.add(chunk)
        return chunk


class Seen:
    """The chunks of a stream, while they are no more than what is kept."""

    def __init__(self) -> None:
        self.chunks: list[Any] = []
        self.size = 0
        self.begun: set[int] = set()
        self.ended: set[int] = set()

    def add(self, chunk: Any) -> None:
        if self.size > _LARGEST:
            return
        self.size += 32
        for choice in chunk.choices:
            self.begun.add(choice.index)
            if choice.finish_reason is not None:
                self.ended.add(choice.index)
            self.size += _size(choice)
        self.chunks.append(chunk)
        if self.size > _LARGEST:
            self.chunks.clear()

    def whole(self) -> Any:
        """The answer that the chunks make, once; None when it is too long or some of it has no end."""
        chunks, self.chunks = self.chunks, []
        if not chunks or not self.ended or self.begun != self.ended:
            return None
        try:
            return _core.collect_chunks(chunks)
        except Exception as error:
            return _log(error)


def _size(choice: Any) -> int:
    """What a chunk says, in characters, roughly."""
    delta: Any = getattr(choice, "delta", None)
    size = 0
    for name in ("content", "reasoning_content"):
        said: Any = getattr(delta, name, None)
        size += len(said) if isinstance(said, str) else 0
    for name in ("tool_calls", "function_call", "audio", "images", "thinking_blocks"):
        said = getattr(delta, name, None)
        size += len(str(said)) if said else 0
    return size


def _has_our_keys(cache: Any) -> bool:
    from ferrolite.caching.caching import Cache

    own = getattr(type(cache), "get_cache_key", None) is Cache.get_cache_key
    return own and "get_cache_key" not in cache.__dict__


def _teed(answer: Any, kept: Kept) -> bool:
    """Whether an answer is a stream: one of chunks will be kept, others are not."""
    if type(answer) is CustomStreamWrapper:
        answer.__class__ = KeptStream
        answer.__dict__.update(_kept=kept, _seen=Seen())
        return True
    return hasattr(answer, "__next__") or hasattr(answer, "__anext__")


def _read(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, dict) else getattr(answer, name, None)


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
