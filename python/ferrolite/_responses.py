"""OpenAI's Responses: the public functions, thin over the core, and their streams.

Providers that have no Responses are asked for a chat completion, whose answer is handed back in this form.
"""

from __future__ import annotations

from ferrolite._hooks import Face, arun, run
from ferrolite._stream import CoreReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from typing_extensions import Self

    from ferrolite._core import CoreStream
    from ferrolite.types.llms.openai import DeleteResponseResult, GenericEvent, ResponsesAPIResponse


class BaseResponsesAPIStreamingIterator(CoreReader):
    """The events of a streamed response; `completed_response` is the last one, once it has come."""

    model: str
    custom_llm_provider: str
    completed_response: GenericEvent | None = None
    finished: bool = False

    @classmethod
    def _of_core(cls, core: CoreStream) -> Self:
        made = cls.__new__(cls)
        made._core = core
        made.model = core.model
        made.custom_llm_provider = core.provider
        return made

    def __next__(self) -> GenericEvent:
        try:
            return self._seen(super().__next__())
        except Exception:
            self.finished = True
            raise

    async def __anext__(self) -> GenericEvent:
        try:
            return self._seen(await super().__anext__())
        except Exception:
            self.finished = True
            raise

    def _seen(self, event: GenericEvent) -> GenericEvent:
        if event.type in ("response.completed", "response.incomplete"):
            self.completed_response = event
        return event


class ResponsesAPIStreamingIterator(BaseResponsesAPIStreamingIterator):
    """A streamed response, for `async for`."""


class SyncResponsesAPIStreamingIterator(BaseResponsesAPIStreamingIterator):
    """A streamed response, for `for`."""


class LiteLLMCompletionStreamingIterator(ResponsesAPIStreamingIterator):
    """A streamed response made of a chat completion, for both kinds of `for`."""


def responses(
    input: str | list[Any],
    model: str,
    include: list[str] | None = None,
    instructions: str | None = None,
    max_output_tokens: int | None = None,
    prompt: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    parallel_tool_calls: bool | None = None,
    previous_response_id: str | None = None,
    reasoning: dict[str, Any] | None = None,
    store: bool | None = None,
    background: bool | None = None,
    stream: bool | None = None,
    temperature: float | None = None,
    text: dict[str, Any] | None = None,
    text_format: type[Any] | dict[str, Any] | None = None,
    tool_choice: str | dict[str, Any] | None = None,
    tools: Iterable[Any] | None = None,
    top_p: float | None = None,
    truncation: Literal["auto", "disabled"] | None = None,
    user: str | None = None,
    service_tier: str | None = None,
    safety_identifier: str | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    allowed_openai_params: list[str] | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ResponsesAPIResponse | BaseResponsesAPIStreamingIterator:
    """A response, from a provider that has them or from a chat completion.

    Args:
        input: A text, or a list of items: messages, function calls and their outputs, reasoning.
        model: "provider/model", or the bare name of a model whose maker is known.
        previous_response_id: For providers that keep responses; others refuse it.
        stream: Return an iterator of events instead of the whole response.
        text: The form of the answer: `{"format": {...}, "verbosity": ...}`.
        text_format: A pydantic model class whose schema the answer has to follow, or a `text.format` object.
        **kwargs: What `completion` takes for address, keys and retries. With `use_chat_completions_api=True`, a
            chat completion is asked for in any case. Other names that Responses do not know are left out, with a
            warning; `extra_body` sends them.

    Raises:
        BadRequestError, AuthenticationError, …: see `ferrolite.exceptions`.
    """
    return run(_FACES["responses"], locals())


async def aresponses(
    input: str | list[Any],
    model: str,
    include: list[str] | None = None,
    instructions: str | None = None,
    max_output_tokens: int | None = None,
    prompt: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    parallel_tool_calls: bool | None = None,
    previous_response_id: str | None = None,
    reasoning: dict[str, Any] | None = None,
    store: bool | None = None,
    background: bool | None = None,
    stream: bool | None = None,
    temperature: float | None = None,
    text: dict[str, Any] | None = None,
    text_format: type[Any] | dict[str, Any] | None = None,
    tool_choice: str | dict[str, Any] | None = None,
    tools: Iterable[Any] | None = None,
    top_p: float | None = None,
    truncation: Literal["auto", "disabled"] | None = None,
    user: str | None = None,
    service_tier: str | None = None,
    safety_identifier: str | None = None,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> ResponsesAPIResponse | BaseResponsesAPIStreamingIterator:
    """`responses` for asyncio: the same parameters, the same errors."""
    return await arun(_FACES["responses"], locals())


def get_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    stream: bool | None = None,
    starting_after: int | None = None,
    **kwargs: Any,
) -> ResponsesAPIResponse | BaseResponsesAPIStreamingIterator:
    """A response that its provider keeps.

    Args:
        response_id: As `responses` gave it; then it says which provider is meant.
        custom_llm_provider: The provider, for ids that come from elsewhere.
        stream: Return the events of a response that runs in the background.
        starting_after: Only the events after this `sequence_number`.
    """
    return run(_FACES["get_response"], locals())


async def aget_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    stream: bool | None = None,
    starting_after: int | None = None,
    **kwargs: Any,
) -> ResponsesAPIResponse | BaseResponsesAPIStreamingIterator:
    """`get_responses` for asyncio."""
    return await arun(_FACES["get_response"], locals())


def delete_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> DeleteResponseResult:
    """Delete a response that its provider keeps."""
    return run(_FACES["delete_response"], locals())


async def adelete_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> DeleteResponseResult:
    """`delete_responses` for asyncio."""
    return await arun(_FACES["delete_response"], locals())


def cancel_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    litellm_metadata: dict[str, Any] | None = None,
    **kwargs: Any,
) -> ResponsesAPIResponse:
    """Stop a response that runs in the background."""
    return run(_FACES["cancel_response"], locals())


async def acancel_responses(
    response_id: str,
    extra_headers: dict[str, Any] | None = None,
    extra_query: dict[str, Any] | None = None,
    extra_body: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    litellm_metadata: dict[str, Any] | None = None,
    **kwargs: Any,
) -> ResponsesAPIResponse:
    """`cancel_responses` for asyncio."""
    return await arun(_FACES["cancel_response"], locals())


def list_input_items(
    response_id: str,
    after: str | None = None,
    before: str | None = None,
    include: list[str] | None = None,
    limit: int = 20,
    order: Literal["asc", "desc"] = "desc",
    extra_headers: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """The items that a response was asked with: a dict with `data`, `first_id`, `last_id` and `has_more`."""
    return run(_FACES["list_input_items"], locals())


async def alist_input_items(
    response_id: str,
    after: str | None = None,
    before: str | None = None,
    include: list[str] | None = None,
    limit: int = 20,
    order: Literal["asc", "desc"] = "desc",
    extra_headers: dict[str, Any] | None = None,
    timeout: float | Any | None = None,
    custom_llm_provider: str | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """`list_input_items` for asyncio."""
    return await arun(_FACES["list_input_items"], locals())


def _prepare(arguments: dict[str, Any]) -> None:
    """What only Python can do before the core takes over: a class to its schema, any iterable to a list."""
    form: Any = arguments.pop("text_format", None)
    if form is not None:
        if isinstance(form, type):
            from ferrolite._schema import response_format

            form = {"type": "json_schema", **response_format(form)["json_schema"]}
        arguments["text"] = {**(arguments["text"] or {}), "format": form}
    tools = arguments["tools"]
    if tools is not None and not isinstance(tools, (list, tuple)):
        arguments["tools"] = list(tools)


def _stream(core: CoreStream, arguments: dict[str, Any], is_async: bool) -> BaseResponsesAPIStreamingIterator:
    kind = SyncResponsesAPIStreamingIterator
    if core.bridged:
        kind = LiteLLMCompletionStreamingIterator
    elif is_async:
        kind = ResponsesAPIStreamingIterator
    return kind._of_core(core)  # pyright: ignore[reportPrivateUsage]


_FACES = {
    "responses": Face("responses", "responses", _stream, _prepare),
    "get_response": Face("get_responses", "get_response", _stream),
    "delete_response": Face("delete_responses", "delete_response"),
    "cancel_response": Face("cancel_responses", "cancel_response"),
    "list_input_items": Face("list_input_items", "list_input_items"),
}
