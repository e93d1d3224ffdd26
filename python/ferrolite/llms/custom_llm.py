"""The class to derive a provider from that is written in Python.

>>> import ferrolite
>>> class Echo(ferrolite.CustomLLM):
...     def completion(self, model, messages, model_response, **kwargs):
...         model_response.choices[0].message.content = messages[-1]["content"]
...         return model_response
>>> ferrolite.custom_provider_map = [{"provider": "echo", "custom_handler": Echo()}]
>>> ferrolite.completion("echo/any", [{"role": "user", "content": "Hello"}]).choices[0].message.content
'Hello'

Methods are called with keywords, all that their signatures name; one that needs few takes the rest as
``**kwargs``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from ferrolite._stream import CustomStreamWrapper
    from ferrolite.types.utils import (
        EmbeddingResponse,
        GenericStreamingChunk,
        ImageResponse,
        ModelResponse,
        ModelResponseStream,
    )

__all__ = ["CustomLLM", "CustomLLMError"]


class CustomLLMError(Exception):
    """What a handler raises; callers see the error class of the status."""

    def __init__(self, status_code: int, message: str) -> None:
        self.status_code = status_code
        self.message = message
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status_code, self.message)


def _not_implemented() -> CustomLLMError:
    return CustomLLMError(500, "Not implemented yet!")


class CustomLLM:
    """A provider written in Python: derive from it and write the methods that the provider has.

    Methods of chat get:
        model: The model's name without the provider.
        messages: The conversation, as dicts.
        model_response: An empty response to fill and return; another one may be returned.
        optional_params: OpenAI's parameters and the provider's own, without those that are None.
        litellm_params: What steers the call: `metadata`, `api_key`, `litellm_call_id` and so on.
        api_base, api_key, headers, timeout, client, custom_prompt_dict, logger_fn: As the caller gave them;
            headers are the setting's or the call's, with `extra_headers`.
        acompletion: Whether the call is asynchronous.
        print_verbose, logging_obj, encoding: For handlers written for LiteLLM; `encoding` is None.
    """

    def __init__(self) -> None:
        super().__init__()

    def completion(
        self,
        model: str,
        messages: list[Any],
        api_base: str | None,
        custom_prompt_dict: dict[str, Any],
        model_response: ModelResponse,
        print_verbose: Callable[..., Any],
        encoding: Any,
        api_key: str | None,
        logging_obj: Any,
        optional_params: dict[str, Any],
        acompletion: bool | None = None,
        litellm_params: dict[str, Any] | None = None,
        logger_fn: Any = None,
        headers: dict[str, Any] = {},  # noqa: B006 - the reference's default; never mutated
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> ModelResponse | CustomStreamWrapper:
        """A whole answer."""
        raise _not_implemented()

    def streaming(
        self,
        model: str,
        messages: list[Any],
        api_base: str | None,
        custom_prompt_dict: dict[str, Any],
        model_response: ModelResponse,
        print_verbose: Callable[..., Any],
        encoding: Any,
        api_key: str | None,
        logging_obj: Any,
        optional_params: dict[str, Any],
        acompletion: bool | None = None,
        litellm_params: dict[str, Any] | None = None,
        logger_fn: Any = None,
        headers: dict[str, Any] = {},  # noqa: B006 - the reference's default; never mutated
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> Iterator[GenericStreamingChunk | ModelResponseStream]:
        """An answer in pieces: a generator of `GenericStreamingChunk` dicts, the last with `is_finished`."""
        raise _not_implemented()

    async def acompletion(
        self,
        model: str,
        messages: list[Any],
        api_base: str | None,
        custom_prompt_dict: dict[str, Any],
        model_response: ModelResponse,
        print_verbose: Callable[..., Any],
        encoding: Any,
        api_key: str | None,
        logging_obj: Any,
        optional_params: dict[str, Any],
        acompletion: bool | None = None,
        litellm_params: dict[str, Any] | None = None,
        logger_fn: Any = None,
        headers: dict[str, Any] = {},  # noqa: B006 - the reference's default; never mutated
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> ModelResponse | CustomStreamWrapper:
        """`completion` for asyncio. It is not made from `completion`, which could block the loop."""
        raise _not_implemented()

    # Not `async def`, so that an async generator may take its place: what it returns may be awaited, too.
    def astreaming(
        self,
        model: str,
        messages: list[Any],
        api_base: str | None,
        custom_prompt_dict: dict[str, Any],
        model_response: ModelResponse,
        print_verbose: Callable[..., Any],
        encoding: Any,
        api_key: str | None,
        logging_obj: Any,
        optional_params: dict[str, Any],
        acompletion: bool | None = None,
        litellm_params: dict[str, Any] | None = None,
        logger_fn: Any = None,
        headers: dict[str, Any] = {},  # noqa: B006 - the reference's default; never mutated
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> AsyncIterator[GenericStreamingChunk | ModelResponseStream]:
        """`streaming` for asyncio: an async generator."""
        raise _not_implemented()

    def embedding(
        self,
        model: str,
        input: list[Any],
        model_response: EmbeddingResponse,
        print_verbose: Callable[..., Any],
        logging_obj: Any,
        optional_params: dict[str, Any],
        api_key: str | None = None,
        api_base: str | None = None,
        timeout: float | Any | None = None,
        litellm_params: dict[str, Any] | None = None,
    ) -> EmbeddingResponse:
        """Vectors of texts."""
        raise _not_implemented()

    async def aembedding(
        self,
        model: str,
        input: list[Any],
        model_response: EmbeddingResponse,
        print_verbose: Callable[..., Any],
        logging_obj: Any,
        optional_params: dict[str, Any],
        api_key: str | None = None,
        api_base: str | None = None,
        timeout: float | Any | None = None,
        litellm_params: dict[str, Any] | None = None,
    ) -> EmbeddingResponse:
        """`embedding` for asyncio."""
        raise _not_implemented()

    def image_generation(
        self,
        model: str,
        prompt: str,
        api_key: str | None,
        api_base: str | None,
        model_response: ImageResponse,
        optional_params: dict[str, Any],
        logging_obj: Any,
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> ImageResponse:
        """Images from a description."""
        raise _not_implemented()

    async def aimage_generation(
        self,
        model: str,
        prompt: str,
        model_response: ImageResponse,
        api_key: str | None,
        api_base: str | None,
        optional_params: dict[str, Any],
        logging_obj: Any,
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> ImageResponse:
        """`image_generation` for asyncio."""
        raise _not_implemented()

    def image_edit(
        self,
        model: str,
        image: list[Any],
        prompt: str | None,
        model_response: ImageResponse,
        api_key: str | None,
        api_base: str | None,
        optional_params: dict[str, Any],
        logging_obj: Any,
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> ImageResponse:
        """A changed image. `image` is a list of what the caller gave."""
        raise _not_implemented()

    async def aimage_edit(
        self,
        model: str,
        image: list[Any],
        prompt: str | None,
        model_response: ImageResponse,
        api_key: str | None,
        api_base: str | None,
        optional_params: dict[str, Any],
        logging_obj: Any,
        timeout: float | Any | None = None,
        client: Any = None,
    ) -> ImageResponse:
        """`image_edit` for asyncio."""
        raise _not_implemented()
