"""Calls other than chat: the public functions, thin over the core.

The asynchronous ones take what their synchronous namesakes take, as LiteLLM's do.
"""

from __future__ import annotations

from ferrolite._hooks import Face, arun, bound, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.speech import HttpxBinaryResponseContent
    from ferrolite.types.utils import (
        EmbeddingResponse,
        ImageResponse,
        OpenAIModerationResponse,
        RerankResponse,
        TranscriptionResponse,
    )

_FACES = {
    name: Face(name, name)
    for name in (
        "embedding",
        "image_edit",
        "image_generation",
        "image_variation",
        "moderation",
        "rerank",
        "speech",
        "transcription",
    )
}


class _Unsaid(int):
    """A False that nobody has said: what is kept by default is not turned off by a default."""

    def __repr__(self) -> str:
        return "False"


_UNSAID: Any = _Unsaid()


def embedding(
    model: str,
    input: Any = [],  # noqa: B006 - the reference's default; never mutated
    dimensions: int | None = None,
    encoding_format: str | None = None,
    timeout: float = 600,
    api_base: str | None = None,
    api_version: str | None = None,
    api_key: str | None = None,
    api_type: str | None = None,
    caching: bool = _UNSAID,
    user: str | None = None,
    custom_llm_provider: str | None = None,
    litellm_call_id: str | None = None,
    logger_fn: Any = None,
    **kwargs: Any,
) -> EmbeddingResponse:
    """Vectors of texts (or of what else the model reads).

    Args:
        model: "provider/model".
        input: A text, a list of texts, or token ids.
        dimensions: The length of the vectors, for models that offer a choice.
        encoding_format: "float" or "base64".
        timeout: Seconds for one attempt.
        **kwargs: What `completion` takes for address, keys and retries, and the provider's own parameters.

    Raises:
        BadRequestError, AuthenticationError, …: see `ferrolite.exceptions`.
    """
    arguments = locals()
    if caching is _UNSAID:
        del arguments["caching"]
    return run(_FACES["embedding"], arguments)


async def aembedding(*args: Any, **kwargs: Any) -> EmbeddingResponse:
    """`embedding` for asyncio."""
    return await arun(_FACES["embedding"], bound(embedding, args, kwargs))


def moderation(
    input: str, model: str | None = None, api_key: str | None = None, **kwargs: Any
) -> OpenAIModerationResponse:
    """What a moderation model thinks of a text. Without a model: OpenAI's newest."""
    return run(_FACES["moderation"], _moderation(locals()))


async def amoderation(
    input: str,
    model: str | None = None,
    api_key: str | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> OpenAIModerationResponse:
    """`moderation` for asyncio."""
    return await arun(_FACES["moderation"], _moderation(locals()))


def _moderation(arguments: dict[str, Any]) -> dict[str, Any]:
    if arguments["model"] is None:
        arguments["model"] = "omni-moderation-latest"
    return arguments


def rerank(
    model: str,
    query: str,
    documents: list[Any],
    custom_llm_provider: str | None = None,
    top_n: int | None = None,
    rank_fields: list[str] | None = None,
    return_documents: bool | None = True,
    max_chunks_per_doc: int | None = None,
    max_tokens_per_doc: int | None = None,
    **kwargs: Any,
) -> RerankResponse:
    """Documents by their relevance to a query.

    Args:
        model: "provider/model".
        documents: Texts, or dicts with a `text`.
        top_n: How many of the best to return; all by default.
        return_documents: Whether the answer repeats the documents, where the provider offers it.
    """
    return run(_FACES["rerank"], locals())


async def arerank(
    model: str,
    query: str,
    documents: list[Any],
    custom_llm_provider: str | None = None,
    top_n: int | None = None,
    rank_fields: list[str] | None = None,
    return_documents: bool | None = None,
    max_chunks_per_doc: int | None = None,
    **kwargs: Any,
) -> RerankResponse:
    """`rerank` for asyncio."""
    return await arun(_FACES["rerank"], locals())


def image_generation(
    prompt: str,
    model: str | None = None,
    n: int | None = None,
    quality: str | None = None,
    response_format: str | None = None,
    size: str | None = None,
    style: str | None = None,
    user: str | None = None,
    timeout: float = 600,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ImageResponse:
    """Images from a description. Without a model: OpenAI's `dall-e-2`."""
    return run(_FACES["image_generation"], _with_image_model(locals()))


async def aimage_generation(*args: Any, **kwargs: Any) -> ImageResponse:
    """`image_generation` for asyncio."""
    return await arun(_FACES["image_generation"], _with_image_model(bound(image_generation, args, kwargs)))


def image_edit(
    image: Any = None,
    prompt: str | None = None,
    model: str | None = None,
    mask: Any = None,
    n: int | None = None,
    quality: str | None = None,
    response_format: str | None = None,
    size: str | None = None,
    user: str | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ImageResponse:
    """A changed image.

    Args:
        image: A path, bytes, an open file, or a tuple (name, content, content type); or a list of such.
        prompt: What to change.
        mask: A file like `image`: where its pixels are transparent, the image is changed.
    """
    arguments = _with_image_model(locals())
    return run(_FACES["image_edit"], arguments, _image_files)


async def aimage_edit(
    image: Any,
    model: str,
    prompt: str,
    mask: Any = None,
    n: int | None = None,
    quality: str | None = None,
    response_format: str | None = None,
    size: str | None = None,
    user: str | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ImageResponse:
    """`image_edit` for asyncio; the order of its parameters is another one, as in LiteLLM."""
    return await arun(_FACES["image_edit"], _with_image_model(locals()), _image_files)


def image_variation(
    image: Any,
    model: str | None = None,
    n: int = 1,
    response_format: str = "url",
    size: str | None = None,
    user: str | None = None,
    **kwargs: Any,
) -> ImageResponse:
    """Variations of an image, which is a file as `image_edit` takes it."""
    arguments = _with_image_model(locals())
    return run(_FACES["image_variation"], arguments, _image_files)


async def aimage_variation(*args: Any, **kwargs: Any) -> ImageResponse:
    """`image_variation` for asyncio."""
    arguments = _with_image_model(bound(image_variation, args, kwargs))
    return await arun(_FACES["image_variation"], arguments, _image_files)


def transcription(
    model: str,
    file: Any,
    language: str | None = None,
    prompt: str | None = None,
    response_format: str | None = None,
    timestamp_granularities: list[str] | None = None,
    temperature: float | None = None,
    user: str | None = None,
    timeout: float = 600,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    max_retries: int | None = None,
    custom_llm_provider: str | None = None,
    base_url: str | None = None,
    **kwargs: Any,
) -> TranscriptionResponse:
    """The text of a recording.

    Args:
        file: A path, bytes, an open file, or a tuple (name, content, content type).
        language: The recording's language, as an ISO 639-1 code.
        response_format: "json", "text", "srt", "verbose_json" or "vtt".
    """
    arguments = locals()
    return run(_FACES["transcription"], arguments, _audio_file)


async def atranscription(*args: Any, **kwargs: Any) -> TranscriptionResponse:
    """`transcription` for asyncio."""
    arguments = bound(transcription, args, kwargs)
    return await arun(_FACES["transcription"], arguments, _audio_file)


def speech(
    model: str,
    input: str,
    voice: str | dict[str, Any] | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
    api_version: str | None = None,
    organization: str | None = None,
    project: str | None = None,
    max_retries: int | None = None,
    metadata: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    response_format: str | None = None,
    speed: float | None = None,
    instructions: str | None = None,
    client: Any = None,
    headers: dict[str, Any] | None = None,
    custom_llm_provider: str | None = None,
    aspeech: bool | None = None,
    base_url: str | None = None,
    **kwargs: Any,
) -> HttpxBinaryResponseContent:
    """A text read aloud: `.content` has the bytes, `.stream_to_file(path)` writes them."""
    arguments = locals()
    del arguments["aspeech"]
    return run(_FACES["speech"], arguments)


async def aspeech(*args: Any, **kwargs: Any) -> HttpxBinaryResponseContent:
    """`speech` for asyncio."""
    return await arun(_FACES["speech"], bound(speech, args, kwargs))


def _with_image_model(arguments: dict[str, Any]) -> dict[str, Any]:
    if arguments.get("model") is None:
        arguments["model"] = "dall-e-2"
    return arguments


def _image_files(arguments: dict[str, Any]) -> list[_File]:
    from typing import cast

    from ferrolite import _files

    image: Any = arguments.pop("image", None)
    mask: Any = arguments.pop("mask", None)
    if isinstance(image, list):
        found = [_files.upload("image[]", one) for one in cast("list[Any]", image)]
    else:
        found = [] if image is None else [_files.upload("image", image)]
    return found if mask is None else [*found, _files.upload("mask", mask)]


def _audio_file(arguments: dict[str, Any]) -> list[_File]:
    from ferrolite import _files

    file = arguments.pop("file", None)
    return [] if file is None else [_files.upload("file", file)]


if TYPE_CHECKING:
    _File = tuple[str, str, str | None, bytes]
