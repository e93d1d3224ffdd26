"""OpenAI's Responses: the answer, its items, and the events of a stream."""

from __future__ import annotations

from enum import Enum

from ferrolite.types._base import Model, Response
from ferrolite.types.speech import HttpxBinaryResponseContent as HttpxBinaryResponseContent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class BaseLiteLLMOpenAIResponseObject(Model):
    """Any object of the interface: what it holds are attributes and items; a missing item is a KeyError."""

    def __getitem__(self, key: str) -> Any:
        try:
            return getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None


def _object(value: Any) -> Any:
    """A dict with its inner dicts as objects."""
    if isinstance(value, dict):
        return BaseLiteLLMOpenAIResponseObject(**value)  # pyright: ignore[reportUnknownArgumentType]
    return value


def _objects(value: Any) -> Any:
    return [_object(one) for one in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


# Usage


class InputTokensDetails(BaseLiteLLMOpenAIResponseObject):
    """What the input's tokens were."""

    audio_tokens: int | None = None
    cached_tokens: int = 0
    cached_tokens_details: Any = None
    cache_write_tokens: int | None = None
    cache_write_tokens_details: Any = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class OutputTokensDetails(BaseLiteLLMOpenAIResponseObject):
    """What the output's tokens were."""

    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    text_tokens: int | None = None


class ResponseAPIUsage(BaseLiteLLMOpenAIResponseObject):
    """Tokens of a response."""

    input_tokens: int
    input_tokens_details: InputTokensDetails | None = None
    output_tokens: int
    output_tokens_details: OutputTokensDetails | None = None
    total_tokens: int
    cost: float | None = None

    _nested = {
        "input_tokens_details": InputTokensDetails.model_validate,
        "output_tokens_details": OutputTokensDetails.model_validate,
    }
    _required = ("input_tokens", "output_tokens", "total_tokens")


# Output


class OutputText(BaseLiteLLMOpenAIResponseObject):
    """A text of a message."""

    type: str | None = None
    text: str | None = None
    annotations: list[Any] | None = None

    _nested = {"annotations": _objects}
    _openai = "ResponseOutputText"


class OutputRefusal(BaseLiteLLMOpenAIResponseObject):
    """Why the model does not answer."""

    type: str | None = None
    refusal: str | None = None

    _openai = "ResponseOutputRefusal"


def _part(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kinds: dict[Any, Any] = {"output_text": OutputText, "refusal": OutputRefusal}
    return kinds.get(value.get("type"), BaseLiteLLMOpenAIResponseObject)(**value)  # pyright: ignore[reportUnknownMemberType]


def _parts(value: Any) -> Any:
    return [_part(one) for one in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


class GenericResponseOutputItem(BaseLiteLLMOpenAIResponseObject):
    """An item of the output that has no class of its own."""

    type: str | None = None
    id: str | None = None
    status: str | None = None

    _nested = {"content": _parts, "summary": _objects}


class ResponseOutputMessage(GenericResponseOutputItem):
    """What the model says: a list of texts, or a refusal."""

    id: str | None = None
    content: list[Any]
    role: str | None = None
    status: str | None = None
    type: str | None = None
    phase: str | None = None

    _openai = "ResponseOutputMessage"


class ResponseFunctionToolCall(GenericResponseOutputItem):
    """A function that the model calls: `arguments` is JSON text."""

    arguments: str
    call_id: str
    name: str
    type: str | None = None
    id: str | None = None
    status: str | None = None

    _openai = "ResponseFunctionToolCall"


class ResponseReasoningItem(GenericResponseOutputItem):
    """What the model thought, as far as it is shown."""

    id: str | None = None
    summary: list[Any] | None = None
    type: str | None = None
    content: list[Any] | None = None
    encrypted_content: str | None = None
    status: str | None = None

    _openai = "ResponseReasoningItem"


class ResponseCustomToolCall(GenericResponseOutputItem):
    """A tool that the model calls with free text."""

    _openai = "ResponseCustomToolCall"


class ResponseFunctionWebSearch(GenericResponseOutputItem):
    """A search of the web that the provider did."""

    _openai = "ResponseFunctionWebSearch"


class ResponseFileSearchToolCall(GenericResponseOutputItem):
    """A search of files that the provider did."""

    _openai = "ResponseFileSearchToolCall"


class ResponseComputerToolCall(GenericResponseOutputItem):
    """Something to do on a computer."""

    _openai = "ResponseComputerToolCall"


class ResponseCodeInterpreterToolCall(GenericResponseOutputItem):
    """Code that the provider ran."""

    _openai = "ResponseCodeInterpreterToolCall"


_ITEMS: dict[Any, Any] = {
    "message": ResponseOutputMessage,
    "function_call": ResponseFunctionToolCall,
    "reasoning": ResponseReasoningItem,
    "custom_tool_call": ResponseCustomToolCall,
    "web_search_call": ResponseFunctionWebSearch,
    "file_search_call": ResponseFileSearchToolCall,
    "computer_call": ResponseComputerToolCall,
    "code_interpreter_call": ResponseCodeInterpreterToolCall,
}


def _item(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return _ITEMS.get(value.get("type"), GenericResponseOutputItem)(**value)  # pyright: ignore[reportUnknownMemberType]


def _items(value: Any) -> Any:
    return [_item(one) for one in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


class FunctionTool(BaseLiteLLMOpenAIResponseObject):
    """A function that the model may call."""

    name: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    type: str | None = None
    description: str | None = None

    _openai = "FunctionTool"


def _tools(value: Any) -> Any:
    def tool(one: Any) -> Any:
        if not isinstance(one, dict):
            return one
        kind: Any = FunctionTool if one.get("type") == "function" else BaseLiteLLMOpenAIResponseObject  # pyright: ignore[reportUnknownMemberType]
        return kind(**one)

    return [tool(one) for one in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


class ResponsesAPIResponse(BaseLiteLLMOpenAIResponseObject, Response):
    """An answer of `responses`. `output` holds its items, `output_text` all their text."""

    id: str
    created_at: int
    error: dict[str, Any] | None = None
    incomplete_details: Any = None
    instructions: str | None = None
    metadata: dict[str, Any] | None = None
    model: str | None = None
    object: str | None = None
    output: list[Any]
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    tool_choice: Any = None
    tools: list[Any] | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    previous_response_id: str | None = None
    reasoning: dict[str, Any] | None = None
    status: str | None = None
    text: Any = None
    truncation: str | None = None
    usage: ResponseAPIUsage | None = None
    user: str | None = None
    store: bool | None = None

    _nested = {
        "created_at": int,
        "incomplete_details": _object,
        "output": _items,
        "tools": _tools,
        "usage": ResponseAPIUsage.model_validate,
    }
    _required = ("id", "created_at", "output")

    @property
    def output_text(self) -> str:
        """The text of all messages of the output, joined."""
        texts: list[str] = []
        for item in self.output:
            if _read(item, "type") == "message":
                parts: Any = _read(item, "content") or []
                texts += [_read(part, "text") or "" for part in parts if _read(part, "type") == "output_text"]
        return "".join(texts)

    def json(self, **switches: Any) -> Any:
        """The fields as JSON text."""
        return self.model_dump_json(**switches)


def _read(value: Any, name: str) -> Any:
    return value.get(name) if hasattr(value, "get") else getattr(value, name, None)


class DeleteResponseResult(BaseLiteLLMOpenAIResponseObject, Response):
    """What became of a response that was to be deleted."""

    id: str | None
    object: str | None
    deleted: bool | None

    _required = ("id", "object", "deleted")


# Events


class ResponsesAPIStreamEvents(str, Enum):
    """The types of events; each equals its name in the interface."""

    RESPONSE_CREATED = "response.created"
    RESPONSE_IN_PROGRESS = "response.in_progress"
    RESPONSE_COMPLETED = "response.completed"
    RESPONSE_FAILED = "response.failed"
    RESPONSE_INCOMPLETE = "response.incomplete"
    RESPONSE_PART_ADDED = "response.reasoning_summary_part.added"
    REASONING_SUMMARY_TEXT_DELTA = "response.reasoning_summary_text.delta"
    REASONING_SUMMARY_TEXT_DONE = "response.reasoning_summary_text.done"
    REASONING_SUMMARY_PART_DONE = "response.reasoning_summary_part.done"
    OUTPUT_ITEM_ADDED = "response.output_item.added"
    OUTPUT_ITEM_DONE = "response.output_item.done"
    CONTENT_PART_ADDED = "response.content_part.added"
    CONTENT_PART_DONE = "response.content_part.done"
    OUTPUT_TEXT_DELTA = "response.output_text.delta"
    OUTPUT_TEXT_ANNOTATION_ADDED = "response.output_text.annotation.added"
    OUTPUT_TEXT_DONE = "response.output_text.done"
    REFUSAL_DELTA = "response.refusal.delta"
    REFUSAL_DONE = "response.refusal.done"
    FUNCTION_CALL_ARGUMENTS_DELTA = "response.function_call_arguments.delta"
    FUNCTION_CALL_ARGUMENTS_DONE = "response.function_call_arguments.done"
    CUSTOM_TOOL_CALL_INPUT_DELTA = "response.custom_tool_call_input.delta"
    CUSTOM_TOOL_CALL_INPUT_DONE = "response.custom_tool_call_input.done"
    FILE_SEARCH_CALL_IN_PROGRESS = "response.file_search_call.in_progress"
    FILE_SEARCH_CALL_SEARCHING = "response.file_search_call.searching"
    FILE_SEARCH_CALL_COMPLETED = "response.file_search_call.completed"
    WEB_SEARCH_CALL_IN_PROGRESS = "response.web_search_call.in_progress"
    WEB_SEARCH_CALL_SEARCHING = "response.web_search_call.searching"
    WEB_SEARCH_CALL_COMPLETED = "response.web_search_call.completed"
    MCP_LIST_TOOLS_IN_PROGRESS = "response.mcp_list_tools.in_progress"
    MCP_LIST_TOOLS_COMPLETED = "response.mcp_list_tools.completed"
    MCP_LIST_TOOLS_FAILED = "response.mcp_list_tools.failed"
    MCP_CALL_IN_PROGRESS = "response.mcp_call.in_progress"
    MCP_CALL_ARGUMENTS_DELTA = "response.mcp_call_arguments.delta"
    MCP_CALL_ARGUMENTS_DONE = "response.mcp_call_arguments.done"
    MCP_CALL_COMPLETED = "response.mcp_call.completed"
    MCP_CALL_FAILED = "response.mcp_call.failed"
    IMAGE_GENERATION_PARTIAL_IMAGE = "image_generation.partial_image"
    SHELL_CALL_IN_PROGRESS = "response.shell_call.in_progress"
    SHELL_CALL_COMPLETED = "response.shell_call.completed"
    SHELL_CALL_OUTPUT = "response.shell_call_output.done"
    ERROR = "error"

    __module__ = "ferrolite.types.llms.openai"


_TYPES: dict[Any, ResponsesAPIStreamEvents] = {member.value: member for member in ResponsesAPIStreamEvents}


def _type(value: Any) -> Any:
    return _TYPES.get(value, value)


class GenericEvent(BaseLiteLLMOpenAIResponseObject):
    """An event that has no class of its own, and the base of those that have."""

    type: str

    _nested = {"type": _type, "response": ResponsesAPIResponse.model_validate, "item": _item, "part": _part}
    _required = ("type",)


class _ResponseEvent(GenericEvent):
    response: ResponsesAPIResponse


class ResponseCreatedEvent(_ResponseEvent):
    """The first event."""


class ResponseInProgressEvent(_ResponseEvent):
    """The model has begun."""


class ResponseCompletedEvent(_ResponseEvent):
    """The last event of an answer: `response` has all of it."""


class ResponseFailedEvent(_ResponseEvent):
    """The last event of an answer that failed."""


class ResponseIncompleteEvent(_ResponseEvent):
    """The last event of an answer that was cut."""


class _ItemEvent(GenericEvent):
    output_index: int
    item: Any


class OutputItemAddedEvent(_ItemEvent):
    """An item begins."""


class OutputItemDoneEvent(_ItemEvent):
    """An item is complete."""


class _PieceEvent(GenericEvent):
    item_id: str
    output_index: int


class _ContentEvent(_PieceEvent):
    content_index: int


class ContentPartAddedEvent(_ContentEvent):
    """A part of a message begins."""

    part: Any


class ContentPartDoneEvent(_ContentEvent):
    """A part of a message is complete."""

    part: Any


class OutputTextDeltaEvent(_ContentEvent):
    """More text."""

    delta: str


class OutputTextDoneEvent(_ContentEvent):
    """The whole text."""

    text: str


class OutputTextAnnotationAddedEvent(_ContentEvent):
    """A citation in the text."""

    annotation_index: int
    annotation: dict[str, Any]


class RefusalDeltaEvent(_ContentEvent):
    """More of a refusal."""

    delta: str


class RefusalDoneEvent(_ContentEvent):
    """The whole refusal."""

    refusal: str


class FunctionCallArgumentsDeltaEvent(_PieceEvent):
    """More arguments of a call."""

    delta: str


class FunctionCallArgumentsDoneEvent(_PieceEvent):
    """All arguments of a call."""

    arguments: str


class ResponsePartAddedEvent(_PieceEvent):
    """A summary of thoughts begins."""

    summary_index: int
    part: Any


class ReasoningSummaryTextDeltaEvent(_PieceEvent):
    """More thoughts."""

    summary_index: int
    delta: str


class ReasoningSummaryTextDoneEvent(_PieceEvent):
    """All thoughts."""

    summary_index: int
    text: str


class ReasoningSummaryPartDoneEvent(_PieceEvent):
    """A summary of thoughts is complete."""

    summary_index: int
    part: Any


class FileSearchCallInProgressEvent(_PieceEvent):
    """A search of files begins."""


class FileSearchCallSearchingEvent(_PieceEvent):
    """A search of files is under way."""


class FileSearchCallCompletedEvent(_PieceEvent):
    """A search of files is done."""


class WebSearchCallInProgressEvent(_PieceEvent):
    """A search of the web begins."""


class WebSearchCallSearchingEvent(_PieceEvent):
    """A search of the web is under way."""


class WebSearchCallCompletedEvent(_PieceEvent):
    """A search of the web is done."""


class ImageGenerationPartialImageEvent(GenericEvent):
    """An image as it is so far."""

    partial_image_index: int
    b64_json: str


class ErrorEvent(GenericEvent):
    """The stream broke off."""

    sequence_number: int
    error: Any = None
    code: str | int | None = None
    message: str | None = None
    param: Any = None


_CLASSES: dict[Any, Callable[..., GenericEvent]] = {
    "response.created": ResponseCreatedEvent,
    "response.in_progress": ResponseInProgressEvent,
    "response.completed": ResponseCompletedEvent,
    "response.failed": ResponseFailedEvent,
    "response.incomplete": ResponseIncompleteEvent,
    "response.output_item.added": OutputItemAddedEvent,
    "response.output_item.done": OutputItemDoneEvent,
    "response.content_part.added": ContentPartAddedEvent,
    "response.content_part.done": ContentPartDoneEvent,
    "response.output_text.delta": OutputTextDeltaEvent,
    "response.output_text.done": OutputTextDoneEvent,
    "response.output_text.annotation.added": OutputTextAnnotationAddedEvent,
    "response.refusal.delta": RefusalDeltaEvent,
    "response.refusal.done": RefusalDoneEvent,
    "response.function_call_arguments.delta": FunctionCallArgumentsDeltaEvent,
    "response.function_call_arguments.done": FunctionCallArgumentsDoneEvent,
    "response.reasoning_summary_part.added": ResponsePartAddedEvent,
    "response.reasoning_summary_text.delta": ReasoningSummaryTextDeltaEvent,
    "response.reasoning_summary_text.done": ReasoningSummaryTextDoneEvent,
    "response.reasoning_summary_part.done": ReasoningSummaryPartDoneEvent,
    "response.file_search_call.in_progress": FileSearchCallInProgressEvent,
    "response.file_search_call.searching": FileSearchCallSearchingEvent,
    "response.file_search_call.completed": FileSearchCallCompletedEvent,
    "response.web_search_call.in_progress": WebSearchCallInProgressEvent,
    "response.web_search_call.searching": WebSearchCallSearchingEvent,
    "response.web_search_call.completed": WebSearchCallCompletedEvent,
    "image_generation.partial_image": ImageGenerationPartialImageEvent,
    "error": ErrorEvent,
}


def event(fields: dict[str, Any]) -> GenericEvent:
    """The object for an event's fields."""
    return _CLASSES.get(fields.get("type"), GenericEvent)(**{"type": "", **fields})


_RESOURCES = {
    "Batch": "LiteLLMBatch",
    "FileDeleted": "FileDeleted",
    "FileObject": "OpenAIFileObject",
    "FineTuningJob": "LiteLLMFineTuningJob",
    "OpenAIFileObject": "OpenAIFileObject",
}


def __getattr__(name: str) -> Any:
    if name in _RESOURCES:
        from ferrolite.types import resources

        return getattr(resources, _RESOURCES[name])
    from ferrolite._surface import resolve

    return resolve(__name__, name)
