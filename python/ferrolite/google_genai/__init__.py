"""Google's `generateContent`: the public functions, thin over the core, and their streams.

Providers that do not speak it are asked for a chat completion, whose answer is handed back in this form.
"""

from __future__ import annotations

from ferrolite._hooks import Face, arun, run
from ferrolite._stream import CoreReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from typing_extensions import Self

    from ferrolite._core import CoreStream
    from ferrolite.types.google_genai import GenerateContentResponse

__all__ = ["agenerate_content", "agenerate_content_stream", "generate_content", "generate_content_stream"]


class GoogleGenAIGenerateContentStreamingIterator(CoreReader):
    """Streamed content: server-sent events as bytes, for `for` and for `async for`."""

    model: str
    custom_llm_provider: str

    @classmethod
    def _of_core(cls, core: CoreStream) -> Self:
        made = cls.__new__(cls)
        made._core = core
        made.model = core.model
        made.custom_llm_provider = core.provider
        return made

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[bytes]: ...
        def __aiter__(self) -> AsyncIterator[bytes]: ...
        def __next__(self) -> bytes: ...
        async def __anext__(self) -> bytes: ...


class AsyncGoogleGenAIGenerateContentStreamingIterator(GoogleGenAIGenerateContentStreamingIterator):
    """The same, from a call for asyncio."""


def generate_content(
    model: str,
    contents: Any,
    config: Any | None = None,
    tools: Any | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> GenerateContentResponse:
    """Content, from a provider that generates it or from a chat completion.

    Args:
        model: "provider/model", or the bare name of a model whose maker is known.
        contents: A text, a content, or a list of them: dicts in Google's form, or objects of its own client.
        config: What Google's client has there: `temperature`, `max_output_tokens`, `system_instruction` …
        tools: Tools in Google's form.
        **kwargs: What `completion` takes for address, keys and retries, and further fields of the request
            (`systemInstruction`, `toolConfig`, `safetySettings` …).

    Raises:
        BadRequestError, AuthenticationError, …: see `ferrolite.exceptions`.
    """
    return run(_WHOLE, locals())


async def agenerate_content(
    model: str,
    contents: Any,
    config: Any | None = None,
    tools: Any | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> GenerateContentResponse:
    """`generate_content` for asyncio: the same parameters, the same errors."""
    return await arun(_WHOLE, locals())


def generate_content_stream(
    model: str,
    contents: Any,
    config: Any | None = None,
    tools: Any | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> GoogleGenAIGenerateContentStreamingIterator:
    """`generate_content` piece by piece: an iterator of server-sent events (bytes)."""
    return run(_STREAMED, {**locals(), "stream": True})


async def agenerate_content_stream(
    model: str,
    contents: Any,
    config: Any | None = None,
    tools: Any | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> AsyncGoogleGenAIGenerateContentStreamingIterator:
    """`generate_content_stream` for asyncio."""
    return await arun(_STREAMED, {**locals(), "stream": True})


def _stream(
    core: CoreStream, arguments: dict[str, Any], is_async: bool
) -> GoogleGenAIGenerateContentStreamingIterator:
    kind = GoogleGenAIGenerateContentStreamingIterator
    if is_async:
        kind = AsyncGoogleGenAIGenerateContentStreamingIterator
    return kind._of_core(core)  # pyright: ignore[reportPrivateUsage]


_WHOLE = Face("generate_content", "generate_content")
_STREAMED = Face("generate_content_stream", "generate_content", _stream)
