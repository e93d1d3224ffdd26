"""Batches: created from a file of requests, asked for, listed, cancelled."""

from __future__ import annotations

from ferrolite._resources import arun, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.resources import AsyncCursorPage, LiteLLMBatch, SyncCursorPage


def create_batch(
    completion_window: str,
    endpoint: str,
    input_file_id: str,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    output_expires_after: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """Begin a batch.

    Args:
        completion_window: "24h".
        endpoint: What its lines ask for, such as "/v1/chat/completions".
        input_file_id: The file of requests, as `create_file` named it. `anthropic` takes them in the call instead:
            `requests=[{"custom_id": …, "params": {…}}]`.
        metadata: Notes that the provider keeps with it.
        output_expires_after: `{"anchor": "created_at", "seconds": …}`, where the provider has it.
        **kwargs: `model`, where a batch is for one model (`mistral`), and what `completion` takes for address, keys,
            time limits and retries.
    """
    return run("create_batch", locals())


async def acreate_batch(
    completion_window: str,
    endpoint: str,
    input_file_id: str,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    output_expires_after: dict[str, Any] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """`create_batch` for asyncio."""
    return await arun("create_batch", locals())


def retrieve_batch(
    batch_id: str,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """How a batch is getting on: `status`, `request_counts`, and `output_file_id` once it is done."""
    return run("retrieve_batch", locals())


async def aretrieve_batch(
    batch_id: str,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """`retrieve_batch` for asyncio."""
    return await arun("retrieve_batch", locals())


def list_batches(
    after: str | None = None,
    limit: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> SyncCursorPage:
    """The batches of an account, newest first.

    Args:
        after: The id of the last batch of the page before, or its `next_page_token`.
        limit: How many a page has.
    """
    return run("list_batches", locals())


async def alist_batches(
    after: str | None = None,
    limit: int | None = None,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> AsyncCursorPage:
    """`list_batches` for asyncio."""
    return await arun("list_batches", locals())


def cancel_batch(
    batch_id: str,
    model: str | None = None,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """Stop a batch. What is done by then stays done."""
    return run("cancel_batch", locals())


async def acancel_batch(
    batch_id: str,
    model: str | None = None,
    custom_llm_provider: str = "openai",
    metadata: dict[str, str] | None = None,
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMBatch:
    """`cancel_batch` for asyncio."""
    return await arun("cancel_batch", locals())
