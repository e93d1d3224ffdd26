"""Files that a provider keeps: uploaded, asked for, listed, read, deleted."""

from __future__ import annotations

from ferrolite._resources import arun, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.files.types import FileContentStreamingResult
    from ferrolite.types.llms.openai import HttpxBinaryResponseContent
    from ferrolite.types.resources import AsyncCursorPage, FileDeleted, OpenAIFileObject, SyncCursorPage


def create_file(
    file: Any,
    purpose: str,
    expires_after: dict[str, Any] | None = None,
    custom_llm_provider: str | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> OpenAIFileObject:
    """Upload a file.

    For `vertex_ai`, the file goes to Google's storage (`gcs_bucket_name`, or the variable GCS_BUCKET_NAME), and a batch
    of chat completions is written in the format of the model that its lines name.

    Args:
        file: A path, bytes, an open file, or a tuple (name, content[, content type]).
        purpose: "batch", "fine-tune", "assistants", "user_data", …
        expires_after: `{"anchor": "created_at", "seconds": …}`, where the provider has it.
        custom_llm_provider: Who keeps it; `openai` when neither this nor a `model` says otherwise.
        extra_headers: Sent as they are.
        extra_body: Further fields of the form.
        **kwargs: What `completion` takes for address, keys, time limits and retries.

    Raises:
        BadRequestError: The file cannot be sent as it is; nothing was sent.
        AuthenticationError, …: see `ferrolite.exceptions`.
    """
    arguments = locals()
    file = arguments.pop("file")
    return run("create_file", arguments, file)


async def acreate_file(
    file: Any,
    purpose: str,
    expires_after: dict[str, Any] | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> OpenAIFileObject:
    """`create_file` for asyncio."""
    arguments = locals()
    file = arguments.pop("file")
    return await arun("create_file", arguments, file)


def file_retrieve(
    file_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> OpenAIFileObject:
    """What is known of a file: its name, size, purpose and status."""
    return run("retrieve_file", locals())


async def afile_retrieve(
    file_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> OpenAIFileObject:
    """`file_retrieve` for asyncio."""
    return await arun("retrieve_file", locals())


def file_delete(
    file_id: str,
    model: str | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> FileDeleted:
    """Delete a file."""
    return run("delete_file", locals())


async def afile_delete(
    file_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> FileDeleted:
    """`file_delete` for asyncio."""
    return await arun("delete_file", locals())


def file_list(
    custom_llm_provider: str = "openai",
    purpose: str | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> SyncCursorPage:
    """The files of an account.

    Returns:
        A page of them. Iterating it goes on through the pages after it; `page.data` are the items of one page.
    """
    return run("list_files", locals())


async def afile_list(
    custom_llm_provider: str = "openai",
    purpose: str | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> AsyncCursorPage:
    """`file_list` for asyncio."""
    return await arun("list_files", locals())


def file_content(
    file_id: str,
    model: str | None = None,
    custom_llm_provider: str | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    chunk_size: int = 1048576,
    stream: bool = False,
    **kwargs: Any,
) -> HttpxBinaryResponseContent | FileContentStreamingResult:
    """What is in a file: `.content` has the bytes, `.text` the text.

    The output of a batch is there in OpenAI's form for `vertex_ai` and `xai`; `anthropic` hands out its own.

    Args:
        chunk_size: The size of the pieces of a streamed file, in bytes.
        stream: Return `(stream_iterator, headers)` instead of the whole: the iterator gives pieces and works with `for`
            and with `async for`. A whole file may have 256 MB.
    """
    return run("file_content", locals())


async def afile_content(
    file_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    chunk_size: int = 1048576,
    stream: bool = False,
    **kwargs: Any,
) -> HttpxBinaryResponseContent | FileContentStreamingResult:
    """`file_content` for asyncio."""
    return await arun("file_content", locals())
