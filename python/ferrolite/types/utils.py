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
    from ferrolite.types.resources import BatchRequestCounts as BatchRequestCounts
    from ferrolite.types.resources import FileDeleted as FileDeleted
    from ferrolite.types.resources import LiteLLMBatch as LiteLLMBatch
    from ferrolite.types.resources import LiteLLMFineTuningJob as LiteLLMFineTuningJob
    from ferrolite.types.resources import OpenAIFileObject as OpenAIFileObject
    from ferrolite.types.router import CredentialItem as CredentialItem
    from ferrolite.types.streaming import GenericStreamingChunk

__all__ = [
    "BatchRequestCounts",
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
    "CredentialItem",
    "Delta",
    "Embedding",
    "EmbeddingResponse",
    "FileDeleted",
    "Function",
    "FunctionCall",
    "GenericStreamingChunk",
    "ImageObject",
    "ImageResponse",
    "ImageUsage",
    "ImageUsageInputTokensDetails",
    "LiteLLMBatch",
    "LiteLLMFineTuningJob",
    "Logprobs",
    "Message",
    "ModelInfo",
    "ModelInfoBase",
    "ModelResponse",
    "ModelResponseBase",
    "ModelResponseStream",
    "OpenAIFileObject",
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
    "AsyncCursorPage": "resources",
    "BatchError": "resources",
    "BatchRequestCounts": "resources",
    "CallTypes": "call_types",
    "CredentialItem": "router",
    "CostPerToken": "model_info",
    "Errors": "resources",
    "FileDeleted": "resources",
    "GenericStreamingChunk": "streaming",
    "Hyperparameters": "resources",
    "LiteLLMBatch": "resources",
    "LiteLLMFineTuningJob": "resources",
    "Method": "resources",
    "ModelInfo": "model_info",
    "ModelInfoBase": "model_info",
    "OpenAIFileObject": "resources",
    "Part": "resources",
    "SyncCursorPage": "resources",
}
"""What no response needs: it is for loggers, for those who write a provider, and for type checkers."""


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        from importlib import import_module

        return getattr(import_module(f"ferrolite.types.{_ON_DEMAND[name]}"), name)
    from ferrolite._surface import resolve

    return resolve(__name__, name)
