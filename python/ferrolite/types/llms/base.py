"""The base of all objects of OpenAI's Responses, under the name of LiteLLM's module."""

from __future__ import annotations

from ferrolite.types.llms.openai import BaseLiteLLMOpenAIResponseObject

__all__ = ["BaseLiteLLMOpenAIResponseObject"]
