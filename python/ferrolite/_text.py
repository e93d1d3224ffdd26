"""Text completions: the public functions, thin over the core, and their streams.

Providers that have no text completions are asked for a chat completion whose only message is the prompt.
"""

from __future__ import annotations

from ferrolite._hooks import Face, arun, bound, run
from ferrolite._stream import CoreReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from typing_extensions import Self

    from ferrolite._core import CoreStream
    from ferrolite.types.utils import TextCompletionResponse


class TextCompletionStreamWrapper(CoreReader):
    """A streamed text completion: chunks, for `for` and for `async for`."""

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

        def __iter__(self) -> Iterator[TextCompletionResponse]: ...
        def __aiter__(self) -> AsyncIterator[TextCompletionResponse]: ...
        def __next__(self) -> TextCompletionResponse: ...
        async def __anext__(self) -> TextCompletionResponse: ...


def text_completion(
    prompt: str | list[str | list[str | list[int]]],
    model: str | None = None,
    best_of: int | None = None,
    echo: bool | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[int, int] | None = None,
    logprobs: int | None = None,
    max_tokens: int | None = None,
    n: int | None = None,
    presence_penalty: float | None = None,
    stop: str | list[str] | None = None,
    stream: bool | None = None,
    stream_options: dict[str, Any] | None = None,
    suffix: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    user: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    model_list: list[Any] | None = None,
    custom_llm_provider: str | None = None,
    *args: Any,
    **kwargs: Any,
) -> TextCompletionResponse | TextCompletionStreamWrapper:
    """A text that goes on where the prompt ends.

    Args:
        prompt: A text, a list of texts, or token ids where the provider has text completions of its own. For a
            chat model, several texts are messages of one conversation.
        model: "provider/model", or the bare name of a model whose maker is known.
        echo: Put the prompt in front of the answer.
        logprobs: How many of the likeliest tokens to report at each place.
        stream: Return an iterator of chunks instead of the whole answer.
        suffix: What comes after the text that is filled in.
        **kwargs: What `completion` takes for address, keys and retries. Any further name is sent to the provider
            as it is.

    Raises:
        UnsupportedParamsError: A chat model has no `suffix` and no `best_of`, and `drop_params` is off.
        BadRequestError, AuthenticationError, …: see `ferrolite.exceptions`.
    """
    arguments = locals()
    del arguments["args"]
    return run(_FACE, arguments)


async def atext_completion(*args: Any, **kwargs: Any) -> TextCompletionResponse | TextCompletionStreamWrapper:
    """`text_completion` for asyncio: the same parameters, the same errors."""
    return await arun(_FACE, bound(text_completion, args, kwargs))


def _stream(core: CoreStream, arguments: dict[str, Any], is_async: bool) -> TextCompletionStreamWrapper:
    return TextCompletionStreamWrapper._of_core(core)  # pyright: ignore[reportPrivateUsage]


_FACE = Face("text_completion", "text_completion", _stream)
