"""Every response class, under the module name they all report."""

from __future__ import annotations

from ferrolite.types.audio import ChatCompletionAudioResponse, TranscriptionResponse
from ferrolite.types.chat import (
    Choices,
    ModelResponse,
    ModelResponseBase,
    ModelResponseStream,
    StreamingChoices,
)
from ferrolite.types.embedding import Embedding, EmbeddingResponse
from ferrolite.types.finish_reason import map_finish_reason
from ferrolite.types.image import ImageObject, ImageResponse, ImageUsage, ImageUsageInputTokensDetails
from ferrolite.types.logprobs import ChatCompletionTokenLogprob, ChoiceLogprobs, Logprobs, TopLogprob
from ferrolite.types.message import Delta, Message
from ferrolite.types.moderation import OpenAIModerationResponse, OpenAIModerationResult
from ferrolite.types.rerank import RerankResponse
from ferrolite.types.text import TextChoices, TextCompletionResponse
from ferrolite.types.tool_calls import (
    ChatCompletionCustomToolCallPayload,
    ChatCompletionDeltaCustomToolCall,
    ChatCompletionDeltaCustomToolCallPayload,
    ChatCompletionDeltaToolCall,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    Function,
    FunctionCall,
)
from ferrolite.types.usage import (
    CacheCreationTokenDetails,
    CachedTokensDetails,
    CompletionTokensDetailsWrapper,
    PromptTokensDetailsWrapper,
    ServerToolUse,
    Usage,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.call_types import CallTypes
    from ferrolite.types.model_info import CostPerToken, ModelInfo, ModelInfoBase
    from ferrolite.types.streaming import GenericStreamingChunk

__all__ = [
    "CacheCreationTokenDetails",
    "CachedTokensDetails",
    "CallTypes",
    "ChatCompletionAudioResponse",
    "ChatCompletionCustomToolCallPayload",
    "ChatCompletionDeltaCustomToolCall",
    "ChatCompletionDeltaCustomToolCallPayload",
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageCustomToolCall",
    "ChatCompletionMessageToolCall",
    "ChatCompletionTokenLogprob",
    "ChoiceLogprobs",
    "Choices",
    "CompletionTokensDetailsWrapper",
    "CostPerToken",
    "Delta",
    "Embedding",
    "EmbeddingResponse",
    "Function",
    "FunctionCall",
    "GenericStreamingChunk",
    "ImageObject",
    "ImageResponse",
    "ImageUsage",
    "ImageUsageInputTokensDetails",
    "Logprobs",
    "Message",
    "ModelInfo",
    "ModelInfoBase",
    "ModelResponse",
    "ModelResponseBase",
    "ModelResponseStream",
    "OpenAIModerationResponse",
    "OpenAIModerationResult",
    "PromptTokensDetailsWrapper",
    "RerankResponse",
    "ServerToolUse",
    "StreamingChoices",
    "TextChoices",
    "TextCompletionResponse",
    "TopLogprob",
    "TranscriptionResponse",
    "Usage",
    "map_finish_reason",
]


_ON_DEMAND = {
    "CallTypes": "call_types",
    "CostPerToken": "model_info",
    "GenericStreamingChunk": "streaming",
    "ModelInfo": "model_info",
    "ModelInfoBase": "model_info",
}
"""What no response needs: it is for loggers, for those who write a provider, and for type checkers."""


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        from importlib import import_module

        return getattr(import_module(f"ferrolite.types.{_ON_DEMAND[name]}"), name)
    from ferrolite._surface import resolve

    return resolve(__name__, name)
