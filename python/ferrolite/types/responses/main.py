"""Items of a response, under the name of LiteLLM's module."""

from __future__ import annotations

from ferrolite.types.llms.openai import (
    BaseLiteLLMOpenAIResponseObject,
    DeleteResponseResult,
    GenericResponseOutputItem,
    OutputText,
)
from ferrolite.types.llms.openai import ResponseFunctionToolCall as OutputFunctionToolCall

__all__ = [
    "BaseLiteLLMOpenAIResponseObject",
    "DeleteResponseResult",
    "GenericResponseOutputItem",
    "OutputFunctionToolCall",
    "OutputText",
]
