"""Streams of providers that are written in Python: their pieces as chunks in OpenAI's form."""

from __future__ import annotations

from ferrolite.types._base import new_id, now
from ferrolite.types.utils import Delta, ModelResponseStream, StreamingChoices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any


class Pieces:
    """Makes the chunks of one stream: one id, the role once, the finish last, usage after it when asked for."""

    def __init__(self, provider: str, model: str, include_usage: bool) -> None:
        self.provider = provider
        self.model = model
        self.include_usage = include_usage
        self.text = ""
        self._head: dict[str, Any] = {"id": f"chatcmpl-{new_id()}", "created": now(), "model": model}
        self._began = False
        self._calls_tools = False
        self._finish: str | None = None
        self._usage: Any = None

    def of(self, piece: Any) -> ModelResponseStream | None:
        """The chunk of a piece; None when there is nothing to show yet.

        Raises:
            TypeError: The piece is neither a dict nor a chunk.
        """
        if isinstance(piece, ModelResponseStream):
            return self._passed_on(piece)
        if not isinstance(piece, dict):
            raise TypeError(f"expected a GenericStreamingChunk (a dict), got {type(piece).__name__}")
        found: dict[str, Any] = piece  # pyright: ignore[reportUnknownVariableType]
        if found.get("usage") is not None:
            self._usage = found["usage"]
        if found.get("is_finished") or found.get("finish_reason"):
            self._finish = found.get("finish_reason") or "stop"
        text, call = found.get("text") or "", found.get("tool_use")
        extras = found.get("provider_specific_fields")
        if not text and call is None and not extras:
            return None
        self.text += text
        self._calls_tools = self._calls_tools or call is not None
        delta = Delta(content=text, role=self._role(), tool_calls=None if call is None else [call])
        if extras:
            delta.provider_specific_fields = extras
        return self._chunk([StreamingChoices(index=0, delta=delta)])

    def last(self) -> Iterator[ModelResponseStream]:
        """What comes when the handler has no more: the finish, and the usage."""
        reason = self._finish or "stop"
        if reason == "stop" and self._calls_tools:
            reason = "tool_calls"
        choice = StreamingChoices(finish_reason=reason, index=0, delta=Delta(role=self._role()))
        yield self._chunk([choice])
        if self.include_usage:
            yield self._chunk([], usage=self._usage or {})

    def failed(self, error: Exception) -> Exception:
        """The public error of a stream that breaks off: the client's own mistakes as they are."""
        from ferrolite._custom import mapped
        from ferrolite.exceptions import MidStreamFallbackError

        cause: Any = mapped(error, self.provider, self.model)
        status = getattr(cause, "status_code", 500)
        if isinstance(cause, MidStreamFallbackError) or (400 <= status < 500 and status not in (408, 429)):
            return cause
        return MidStreamFallbackError(
            message=str(cause.message),
            model=self.model,
            llm_provider=self.provider,
            original_exception=cause,
            generated_content=self.text,
            is_pre_first_chunk=not self._began,
        )

    def _passed_on(self, chunk: ModelResponseStream) -> ModelResponseStream | None:
        """A chunk in OpenAI's form; its finish waits for the end of the stream, as its usage does."""
        usage = chunk.__dict__.pop("usage", None)
        self._usage = usage or self._usage
        self._head |= {"id": chunk.id, "created": chunk.created}
        self._head["model"] = chunk.model or self.model
        kept: list[StreamingChoices] = []
        for choice in chunk.choices:
            self._finish = choice.finish_reason or self._finish
            choice.finish_reason = None
            delta = choice.delta
            self.text += delta.content or ""
            self._calls_tools = self._calls_tools or bool(delta.tool_calls)
            if any(value for name, value in delta if name != "role"):
                delta.role = self._role()
                kept.append(choice)
        chunk.choices = kept
        chunk.model = self._head["model"]
        return chunk if kept else None

    def _role(self) -> str | None:
        began, self._began = self._began, True
        return None if began else "assistant"

    def _chunk(self, choices: list[Any], **extras: Any) -> ModelResponseStream:
        return ModelResponseStream(choices=choices, **self._head, **extras)


def read(pieces: Pieces, stream: Any) -> Iterator[ModelResponseStream]:
    """The chunks of a handler's stream. Closed, it closes the handler's."""
    try:
        for piece in stream:
            chunk = pieces.of(piece)
            if chunk is not None:
                yield chunk
    except Exception as error:
        _raise(pieces.failed(error), error)
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()
    yield from pieces.last()


async def read_async(pieces: Pieces, stream: Any) -> AsyncIterator[ModelResponseStream]:
    """`read`, of an async iterator."""
    try:
        async for piece in stream:
            chunk = pieces.of(piece)
            if chunk is not None:
                yield chunk
    except Exception as error:
        _raise(pieces.failed(error), error)
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    for chunk in pieces.last():
        yield chunk


def _raise(public: Exception, error: Exception) -> None:
    if public is error:
        raise error
    raise public from error
