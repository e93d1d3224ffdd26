"""Anthropic's Messages: the public functions, thin over the core, and their streams.

Providers that have no Messages are asked for a chat completion, whose answer is handed back in this form.
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


class AnthropicMessagesStreamingResponse(CoreReader):
    """A streamed message: server-sent events as bytes, for `for` and for `async for`."""

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


class AnthropicSSEStream(AnthropicMessagesStreamingResponse):
    """A streamed message that is made of a chat completion."""


def create(
    max_tokens: int,
    messages: list[dict[str, Any]],
    model: str,
    metadata: dict[str, Any] | None = None,
    stop_sequences: list[str] | None = None,
    stream: bool | None = False,
    system: str | list[Any] | None = None,
    temperature: float | None = None,
    thinking: dict[str, Any] | None = None,
    tool_choice: dict[str, Any] | None = None,
    tools: list[dict[str, Any]] | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    container: dict[str, Any] | None = None,
    **kwargs: Any,
) -> dict[str, Any] | AnthropicMessagesStreamingResponse:
    """A message, from a provider that has them or from a chat completion.

    Args:
        max_tokens: The most tokens of the answer.
        messages: Turns of user and assistant, with blocks in Anthropic's form.
        model: "provider/model", or the bare name of a model whose maker is known.
        metadata: Only its `user_id` is sent.
        stream: Return an iterator of server-sent events (bytes) instead of the whole message.
        system: A text, or a list of text blocks.
        thinking: Claude thinks as it says; other models get the level of effort that its budget stands for.
        **kwargs: What `completion` takes for address, keys and retries, and Anthropic's further parameters.

    Returns:
        The message as a dict in Anthropic's form, or its events.

    Raises:
        BadRequestError, AuthenticationError, …: see `ferrolite.exceptions`.
    """
    return run(_FACE, locals())


async def acreate(
    max_tokens: int,
    messages: list[dict[str, Any]],
    model: str,
    metadata: dict[str, Any] | None = None,
    stop_sequences: list[str] | None = None,
    stream: bool | None = False,
    system: str | list[Any] | None = None,
    temperature: float | None = None,
    thinking: dict[str, Any] | None = None,
    tool_choice: dict[str, Any] | None = None,
    tools: list[dict[str, Any]] | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    container: dict[str, Any] | None = None,
    **kwargs: Any,
) -> dict[str, Any] | AnthropicMessagesStreamingResponse:
    """`create` for asyncio: the same parameters, the same errors."""
    return await arun(_FACE, locals())


async def anthropic_messages(
    max_tokens: int,
    messages: list[dict[str, Any]],
    model: str,
    metadata: dict[str, Any] | None = None,
    stop_sequences: list[str] | None = None,
    stream: bool | None = False,
    system: str | list[Any] | None = None,
    temperature: float | None = None,
    thinking: dict[str, Any] | None = None,
    tool_choice: dict[str, Any] | None = None,
    tools: list[dict[str, Any]] | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
    client: Any = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> dict[str, Any] | AnthropicMessagesStreamingResponse:
    """`acreate` under its older name."""
    return await arun(_FACE, locals())


def _stream(
    core: CoreStream, arguments: dict[str, Any], is_async: bool
) -> AnthropicMessagesStreamingResponse:
    kind = AnthropicSSEStream if core.bridged else AnthropicMessagesStreamingResponse
    return kind._of_core(core)  # pyright: ignore[reportPrivateUsage]


_FACE = Face("anthropic_messages", "messages", _stream)
