"""What a provider keeps for an account: files, batches, fine-tuning jobs, and pages of them."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, blank, many
from ferrolite.types.usage import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any, TypeAlias

    Fetch: TypeAlias = Callable[[dict[str, Any]], Any]
    Bytes: TypeAlias = int


class OpenAIFileObject(Response):
    """A file that a provider keeps."""

    id: str
    bytes: int
    created_at: int
    filename: str
    object: str = "file"
    purpose: str
    status: str | None = None
    expires_at: int | None = None
    status_details: str | None = None


class FileDeleted(Response):
    """That a file is deleted."""

    id: str
    deleted: bool
    object: str = "file"


class Part(Model):
    """An object inside another: whatever is in it, by attribute."""

    def __init__(self, **data: Any) -> None:
        self.__dict__.update((name, _opened(value)) for name, value in data.items())


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        return Part(**value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, list):
        return [_opened(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return value


class BatchRequestCounts(Model):
    """How many requests of a batch have come to an end."""

    completed: int
    failed: int
    total: int


class BatchError(Model):
    """What is wrong with a batch, or with one line of its input."""

    code: str | None = None
    line: int | None = None
    message: str | None = None
    param: str | None = None


class Errors(Model):
    """All that is wrong with a batch."""

    data: list[BatchError] | None = None
    object: str | None = None

    _nested = {"data": many(BatchError)}


class LiteLLMBatch(Response):
    """A batch: a file of requests that the provider works off in its own time."""

    id: str
    completion_window: str
    created_at: int
    endpoint: str
    input_file_id: str
    object: str = "batch"
    status: str
    cancelled_at: int | None = None
    cancelling_at: int | None = None
    completed_at: int | None = None
    error_file_id: str | None = None
    errors: Errors | None = None
    expired_at: int | None = None
    expires_at: int | None = None
    failed_at: int | None = None
    finalizing_at: int | None = None
    in_progress_at: int | None = None
    metadata: dict[str, str] | None = None
    model: str | None = None
    output_file_id: str | None = None
    request_counts: BatchRequestCounts | None = None
    usage: Usage | None = None

    _nested = {
        "errors": Errors.model_validate,
        "request_counts": BatchRequestCounts.model_validate,
        "usage": Usage.model_validate,
    }


class Hyperparameters(Model):
    """How a model is tuned; each value is a number or "auto"."""

    batch_size: str | int | None = None
    learning_rate_multiplier: str | float | None = None
    n_epochs: str | int | None = None


class Method(Model):
    """The way a model is tuned, and its settings."""

    type: str
    dpo: Any = None
    reinforcement: Any = None
    supervised: Any = None

    _nested = dict.fromkeys(("dpo", "reinforcement", "supervised"), _opened)


class LiteLLMFineTuningJob(Response):
    """A job that tunes a model."""

    id: str
    created_at: int
    error: Any = None
    fine_tuned_model: str | None = None
    finished_at: int | None = None
    hyperparameters: Hyperparameters
    model: str
    object: str = "fine_tuning.job"
    organization_id: str
    result_files: list[str]
    seed: int | None = None
    status: str
    trained_tokens: int | None = None
    training_file: str
    validation_file: str | None = None
    estimated_finish: int | None = None
    integrations: list[Any] | None = None
    metadata: dict[str, str] | None = None
    method: Method | None = None

    _nested = {
        "error": _opened,
        "hyperparameters": Hyperparameters.model_validate,
        "integrations": _opened,
        "method": Method.model_validate,
    }


class _Page(Response):
    """A page of a list. `page[0]` and `len(page)` are about its items, `page["data"]` about its fields."""

    data: list[Any]
    has_more: bool | None = None
    object: str | None = None

    def __getitem__(self, key: Any) -> Any:
        return self.data[key] if isinstance(key, (int, slice)) else getattr(self, key)

    def __len__(self) -> int:
        return len(self.data)

    def __reduce__(self) -> tuple[Any, ...]:
        # How further pages are asked for holds the caller's keys.
        self._settle()
        kept = {name: value for name, value in self.__dict__.items() if name != "_fetch"}
        return blank, (type(self),), kept

    def has_next_page(self) -> bool:
        """Whether there is a page after this one."""
        return self.has_more is not False and self._after() is not None

    def next_page_info(self) -> dict[str, Any] | None:
        """The parameters that ask for the next page; None when there is none."""
        after = self._after()
        return None if after is None else {"after": after}

    def _after(self) -> str | None:
        if "_fetch" not in self.__dict__:
            return None
        # A page of what was filtered may be empty, with others after it.
        if token := self.get("next_page_token"):
            return token
        return getattr(self.data[-1], "id", None) if self.data else None


class SyncCursorPage(_Page):
    """A page of a list; iterating goes on through the pages after it."""

    def __iter__(self) -> Iterator[Any]:
        for page in self.iter_pages():
            yield from page.data

    def iter_pages(self) -> Iterator[SyncCursorPage]:
        """The page and those after it, each asked for when it is its turn."""
        page = self
        yield page
        while page.has_next_page():
            page = page.get_next_page()
            yield page

    def get_next_page(self) -> SyncCursorPage:
        """The next page.

        Raises:
            RuntimeError: There is none: see `has_next_page`.
        """
        info = _next_of(self)
        return self.__dict__["_fetch"](info)


class AsyncCursorPage(_Page):
    """A page of a list, for asyncio: `async for` goes on through the pages after it."""

    def __iter__(self) -> Iterator[Any]:
        """The items of this page alone."""
        return iter(self.data)

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for page in self.iter_pages():
            for item in page.data:
                yield item

    async def iter_pages(self) -> AsyncIterator[AsyncCursorPage]:
        """The page and those after it, each asked for when it is its turn."""
        page = self
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def get_next_page(self) -> AsyncCursorPage:
        """The next page.

        Raises:
            RuntimeError: There is none: see `has_next_page`.
        """
        info = _next_of(self)
        return await self.__dict__["_fetch"](info)


def _next_of(page: _Page) -> dict[str, Any]:
    info = page.next_page_info()
    if info is None:
        raise RuntimeError("No next page expected; please check `.has_next_page()` before.")
    return info


def page_of(cls: type[Response], payload: dict[str, Any]) -> SyncCursorPage:
    """A page of instances of `cls`."""
    return SyncCursorPage(**{**payload, "data": many(cls)(payload["data"])})


def turned(page: SyncCursorPage, fetch: Fetch, *, is_async: bool) -> SyncCursorPage | AsyncCursorPage:
    """The page with a way to ask for the next one: a function of the parameters that say which."""
    made = page
    if is_async:
        made = AsyncCursorPage.__new__(AsyncCursorPage)
        made.__dict__.update(page.__dict__)
    made.__dict__["_fetch"] = fetch
    return made
