"""Jobs that tune a model: created, asked for, listed, cancelled."""

from __future__ import annotations

from ferrolite._resources import arun, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.resources import AsyncCursorPage, LiteLLMFineTuningJob, SyncCursorPage


def create_fine_tuning_job(
    model: str,
    training_file: str,
    hyperparameters: dict[str, Any] | None = {},  # noqa: B006 - the reference's default; never mutated
    suffix: str | None = None,
    validation_file: str | None = None,
    integrations: list[str] | None = None,
    seed: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """Begin to tune a model.

    Args:
        model: The model that is tuned.
        training_file: The file of examples, as `create_file` named it.
        hyperparameters: `n_epochs`, `batch_size`, `learning_rate_multiplier`.
        suffix: A part of the tuned model's name.
        validation_file: Examples that the model is measured with.
        **kwargs: Further parameters of the provider (`method`, Azure's `trainingType`), and what `completion` takes
            for address, keys, time limits and retries.
    """
    return run("create_fine_tuning_job", locals())


async def acreate_fine_tuning_job(
    model: str,
    training_file: str,
    hyperparameters: dict[str, Any] | None = {},  # noqa: B006 - the reference's default; never mutated
    suffix: str | None = None,
    validation_file: str | None = None,
    integrations: list[str] | None = None,
    seed: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """`create_fine_tuning_job` for asyncio."""
    return await arun("create_fine_tuning_job", locals())


def cancel_fine_tuning_job(
    fine_tuning_job_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """Stop a job."""
    return run("cancel_fine_tuning_job", locals())


async def acancel_fine_tuning_job(
    fine_tuning_job_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """`cancel_fine_tuning_job` for asyncio."""
    return await arun("cancel_fine_tuning_job", locals())


def list_fine_tuning_jobs(
    after: str | None = None,
    limit: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> SyncCursorPage:
    """The jobs of an account, newest first, in pages of `limit`."""
    return run("list_fine_tuning_jobs", locals())


async def alist_fine_tuning_jobs(
    after: str | None = None,
    limit: int | None = None,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> AsyncCursorPage:
    """`list_fine_tuning_jobs` for asyncio."""
    return await arun("list_fine_tuning_jobs", locals())


def retrieve_fine_tuning_job(
    fine_tuning_job_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """How a job is getting on, and `fine_tuned_model` once it is done."""
    return run("retrieve_fine_tuning_job", locals())


async def aretrieve_fine_tuning_job(
    fine_tuning_job_id: str,
    custom_llm_provider: str = "openai",
    extra_headers: dict[str, str] | None = None,
    extra_body: dict[str, str] | None = None,
    **kwargs: Any,
) -> LiteLLMFineTuningJob:
    """`retrieve_fine_tuning_job` for asyncio."""
    return await arun("retrieve_fine_tuning_job", locals())
