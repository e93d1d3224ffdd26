"""What requests are made of: the shapes of messages, their parts, tools, and the parameters of a call.

They are for annotations and for building dicts: nothing in this package asks for them.
"""

# No `from __future__ import annotations`: `Required` would go unseen inside of strings.

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from ferrolite.types._base import Model
from ferrolite.types.llms.openai import ResponseFunctionToolCall

if TYPE_CHECKING:
    from typing_extensions import Required, TypedDict
else:
    try:  # pydantic refuses the standard library's before Python 3.12
        from typing_extensions import Required, TypedDict
    except ImportError:
        from typing import TypedDict

        try:
            from typing import Required
        except ImportError:

            class Required:
                """Python 3.10 has none: everything is optional there."""

                def __class_getitem__(cls, kind: Any) -> Any:
                    return kind

# Parts of messages


class ChatCompletionCachedContent(TypedDict, total=False):
    """A mark of what the provider is to cache."""

    type: Required[Literal["ephemeral"]]
    ttl: str


class ChatCompletionTextObject(TypedDict, total=False):
    """A text."""

    type: Required[Literal["text"]]
    text: Required[str]
    cache_control: ChatCompletionCachedContent


class ChatCompletionImageUrlObject(TypedDict, total=False):
    """An address of an image, or a data URL."""

    url: Required[str]
    detail: str
    format: str
    video_metadata: dict[str, Any]


class ChatCompletionImageObject(TypedDict):
    """An image."""

    type: Literal["image_url"]
    image_url: str | ChatCompletionImageUrlObject


class ChatCompletionInputAudio(TypedDict):
    """Sound in base64."""

    data: str
    format: Literal["wav", "mp3"]


class ChatCompletionAudioObject(TypedDict, total=False):
    """Sound."""

    type: Required[Literal["input_audio"]]
    input_audio: Required[ChatCompletionInputAudio]
    cache_control: ChatCompletionCachedContent


class ChatCompletionVideoUrlObject(TypedDict, total=False):
    """An address of a video."""

    url: Required[str]
    detail: str


class ChatCompletionVideoObject(TypedDict):
    """A video."""

    type: Literal["video_url"]
    video_url: str | ChatCompletionVideoUrlObject


class ChatCompletionFileObjectFile(TypedDict, total=False):
    """A file by its id, or its content."""

    file_id: str
    file_data: str
    filename: str
    format: str
    detail: str
    video_metadata: dict[str, Any]


class ChatCompletionFileObject(TypedDict):
    """A file."""

    type: Literal["file"]
    file: ChatCompletionFileObjectFile


class ChatCompletionDocumentObject(TypedDict):
    """A document that may be cited."""

    type: Literal["document"]
    source: dict[str, Any]
    title: str
    context: str
    citations: dict[str, Any] | None


class ChatCompletionThinkingBlock(TypedDict, total=False):
    """What a model thought."""

    type: Required[Literal["thinking"]]
    thinking: str
    signature: str
    index: int
    cache_control: ChatCompletionCachedContent | None


class ChatCompletionRedactedThinkingBlock(TypedDict, total=False):
    """What a model thought, hidden."""

    type: Required[Literal["redacted_thinking"]]
    data: str
    index: int
    cache_control: ChatCompletionCachedContent | None


OpenAIMessageContentListBlock = (
    ChatCompletionTextObject
    | ChatCompletionImageObject
    | ChatCompletionAudioObject
    | ChatCompletionDocumentObject
    | ChatCompletionVideoObject
    | ChatCompletionFileObject
)
OpenAIMessageContent = str | Iterable[OpenAIMessageContentListBlock]

# Tools


class ChatCompletionToolCallFunctionChunk(TypedDict, total=False):
    """What a call asks for."""

    name: str | None
    arguments: str
    provider_specific_fields: dict[str, Any] | None


class ChatCompletionAssistantToolCall(TypedDict):
    """A call of a tool."""

    id: str | None
    type: Literal["function"]
    function: ChatCompletionToolCallFunctionChunk


class ChatCompletionToolCallChunk(TypedDict):
    """A piece of a call."""

    id: str | None
    type: Literal["function"]
    function: ChatCompletionToolCallFunctionChunk
    index: int


class ChatCompletionToolParamFunctionChunk(TypedDict, total=False):
    """A function that a model may call."""

    name: Required[str]
    description: str
    parameters: dict[str, Any]
    strict: bool
    eager_input_streaming: bool


class ChatCompletionToolParam(TypedDict, total=False):
    """A tool that a model may call."""

    type: Required[Literal["function"] | str]
    function: Required[ChatCompletionToolParamFunctionChunk]
    cache_control: ChatCompletionCachedContent
    allowed_callers: list[str]
    defer_loading: bool
    eager_input_streaming: bool


class ChatCompletionToolChoiceFunctionParam(TypedDict):
    """The name of a function."""

    name: str


class ChatCompletionToolChoiceObjectParam(TypedDict):
    """The function to call."""

    type: Literal["function"]
    function: ChatCompletionToolChoiceFunctionParam


class ChatCompletionNamedToolChoiceParam(TypedDict):
    """The function to call."""

    type: Literal["function"]
    function: ChatCompletionToolChoiceFunctionParam


ChatCompletionToolChoiceValues = Literal["none", "auto", "required"] | ChatCompletionToolChoiceObjectParam
ToolParam = dict[str, Any]
ToolChoice = str | dict[str, Any]

# Messages


class ChatCompletionUserMessage(TypedDict, total=False):
    """What the user says."""

    role: Required[Literal["user"]]
    content: Required[OpenAIMessageContent]
    cache_control: ChatCompletionCachedContent


class ChatCompletionAssistantMessage(TypedDict, total=False):
    """What the model said."""

    role: Required[Literal["assistant"]]
    content: str | Iterable[Any] | None
    name: str | None
    tool_calls: list[ChatCompletionAssistantToolCall] | None
    function_call: ChatCompletionToolCallFunctionChunk | None
    reasoning_content: str | None
    reasoning_items: list[dict[str, Any]] | None
    thinking_blocks: list[ChatCompletionThinkingBlock | ChatCompletionRedactedThinkingBlock] | None
    cache_control: ChatCompletionCachedContent


class OpenAIChatCompletionAssistantMessage(TypedDict, total=False):
    """What the model said, in OpenAI's own fields."""

    role: Required[Literal["assistant"]]
    content: str | Iterable[Any] | None
    name: str | None
    tool_calls: list[ChatCompletionAssistantToolCall] | None
    function_call: ChatCompletionToolCallFunctionChunk | None
    reasoning_content: str | None


class ChatCompletionToolMessage(TypedDict):
    """What a tool gave."""

    role: Literal["tool"]
    content: str | Iterable[Any]
    tool_call_id: str


class ChatCompletionFunctionMessage(TypedDict):
    """What a function gave, in the older form."""

    role: Literal["function"]
    content: str | Iterable[Any] | None
    name: str
    tool_call_id: str | None


class ChatCompletionSystemMessage(TypedDict, total=False):
    """What the model is told to be."""

    role: Required[Literal["system"]]
    content: Required[str | list[Any]]
    name: str
    cache_control: ChatCompletionCachedContent


class ChatCompletionDeveloperMessage(TypedDict, total=False):
    """What the model is told to be, by OpenAI's newer name."""

    role: Required[Literal["developer"]]
    content: Required[str | list[Any]]
    name: str
    cache_control: ChatCompletionCachedContent


AllMessageValues = (
    ChatCompletionUserMessage
    | ChatCompletionAssistantMessage
    | ChatCompletionToolMessage
    | ChatCompletionSystemMessage
    | ChatCompletionFunctionMessage
    | ChatCompletionDeveloperMessage
)


class ChatCompletionAnnotationURLCitation(TypedDict, total=False):
    """A page, and where the answer uses it."""

    url: str
    title: str
    start_index: int
    end_index: int


class ChatCompletionAnnotation(TypedDict, total=False):
    """A note on an answer's text."""

    type: Literal["url_citation"]
    url_citation: ChatCompletionAnnotationURLCitation


class ChatCompletionUsageBlock(TypedDict, total=False):
    """Tokens of a call."""

    prompt_tokens: Required[int]
    completion_tokens: Required[int]
    total_tokens: Required[int]
    prompt_tokens_details: dict[str, Any] | None
    completion_tokens_details: dict[str, Any] | None


# Parameters

ChatCompletionModality = Literal["text", "audio"]
REASONING_EFFORT = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
ResponseInputParam = list[dict[str, Any]]


class ChatCompletionAudioParam(TypedDict):
    """How the model is to speak."""

    format: str
    voice: str | dict[str, Any]


class ChatCompletionPredictionContentParam(TypedDict):
    """What the answer will mostly be."""

    type: Literal["content"]
    content: str | Iterable[ChatCompletionTextObject]


class AnthropicThinkingParam(TypedDict, total=False):
    """Whether to think, and for how many tokens."""

    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int
    display: str
    block_binding: str


class OpenAIWebSearchUserLocation(TypedDict):
    """Where the user is."""

    type: Literal["approximate"]
    approximate: dict[str, str]


class OpenAIWebSearchOptions(TypedDict, total=False):
    """How to search the web."""

    search_context_size: Literal["low", "medium", "high"] | None
    user_location: OpenAIWebSearchUserLocation | None


class PartType(TypedDict, total=False):
    """A part of Gemini's contents."""

    text: str
    inline_data: dict[str, str]
    file_data: dict[str, str]
    function_call: dict[str, Any]
    function_response: dict[str, Any]
    thought: bool
    thoughtSignature: str
    media_resolution: dict[str, str]
    video_metadata: dict[str, Any]


class OutputFunctionToolCall(ResponseFunctionToolCall):
    """A call of a function among a response's output."""


class GenericLiteLLMParams(Model):
    """The parameters of a deployment that are no provider's in particular. Further names are kept, too."""

    model: str | None
    api_key: str | None = None
    api_base: str | None = None
    api_version: str | None = None
    custom_llm_provider: str | None = None
    timeout: float | str | None = None
    stream_timeout: float | str | None = None
    max_retries: int | None = None
    organization: str | None = None
    region_name: str | None = None
    tpm: int | None = None
    rpm: int | None = None
    azure_ad_token: str | None = None
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    vertex_project: str | None = None
    vertex_location: str | None = None
    vertex_credentials: str | dict[str, Any] | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None
    aws_region_name: str | None = None
    aws_profile_name: str | None = None
    aws_role_name: str | None = None
    drop_params: bool | str | None = None
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    model_info: dict[str, Any] | None = None
    mock_response: Any = None
    tags: list[str] | None = None
