"""What a model said: the whole message, or its next piece."""

from __future__ import annotations

from ferrolite.types._base import Model, put
from ferrolite.types.audio import ChatCompletionAudioResponse
from ferrolite.types.tool_calls import FunctionCall, delta_tool_calls, message_tool_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ferrolite.types.tool_calls import (
        ChatCompletionDeltaCustomToolCall,
        ChatCompletionDeltaToolCall,
        ChatCompletionMessageCustomToolCall,
        ChatCompletionMessageToolCall,
    )


class Message(Model):
    """A message of the model.

    `refusal`, `audio`, `images`, `reasoning_content`, `thinking_blocks`, `reasoning_items` and `annotations`
    do not exist unless they were given.
    """

    content: str | None
    role: Literal["assistant", "user", "system", "tool", "function"]
    refusal: str | None
    tool_calls: list[ChatCompletionMessageToolCall | ChatCompletionMessageCustomToolCall] | None = None
    function_call: FunctionCall | None = None
    audio: ChatCompletionAudioResponse
    images: list[dict[str, Any]]
    reasoning_content: str
    thinking_blocks: list[dict[str, Any]]
    reasoning_items: list[dict[str, Any]]
    provider_specific_fields: dict[str, Any] | None = None
    annotations: list[dict[str, Any]]

    def __init__(
        self,
        content: str | None = None,
        role: Literal["assistant", "user", "system", "tool", "function"] = "assistant",
        function_call: FunctionCall | dict[str, Any] | None = None,
        tool_calls: list[Any] | None = None,
        audio: ChatCompletionAudioResponse | dict[str, Any] | None = None,
        images: list[Any] | None = None,
        provider_specific_fields: dict[str, Any] | None = None,
        reasoning_content: str | None = None,
        thinking_blocks: list[Any] | None = None,
        reasoning_items: list[Any] | None = None,
        annotations: list[Any] | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["content"] = content
        values["role"] = role
        values["tool_calls"] = [message_tool_call(call) for call in tool_calls] if tool_calls else None
        values["function_call"] = (
            None if function_call is None else FunctionCall.model_validate(function_call)
        )
        if audio is not None:
            values["audio"] = ChatCompletionAudioResponse.model_validate(audio)
        put(
            values,
            images=images,
            reasoning_content=reasoning_content,
            thinking_blocks=thinking_blocks,
            reasoning_items=reasoning_items,
            provider_specific_fields=provider_specific_fields,
            annotations=annotations,
        )
        values.update(extras)

    def __contains__(self, key: object) -> bool:
        # As LiteLLM's: `in` looks at the (name, value) pairs, so a field's name alone is never in a message.
        return key in list(self)

    def json(self, **ignored: Any) -> dict[str, Any]:
        """The same dict as `model_dump`."""
        return self.model_dump()


class Delta(Model):
    """The next piece of a message.

    `images`, `annotations`, `reasoning_content`, `thinking_blocks` and `reasoning_items` do not exist unless
    they were given. `reasoning` is taken as `reasoning_content`.
    """

    reasoning_content: str
    thinking_blocks: list[dict[str, Any]]
    reasoning_items: list[dict[str, Any]]
    provider_specific_fields: dict[str, Any] | None = None
    content: str | None = None
    role: str | None = None
    function_call: FunctionCall | None = None
    tool_calls: list[ChatCompletionDeltaToolCall | ChatCompletionDeltaCustomToolCall] | None = None
    audio: ChatCompletionAudioResponse | dict[str, Any] | None = None
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]

    def __init__(
        self,
        content: str | None = None,
        role: str | None = None,
        function_call: FunctionCall | dict[str, Any] | None = None,
        tool_calls: list[Any] | None = None,
        audio: ChatCompletionAudioResponse | dict[str, Any] | None = None,
        images: list[Any] | None = None,
        reasoning_content: str | None = None,
        thinking_blocks: list[Any] | None = None,
        reasoning_items: list[Any] | None = None,
        annotations: list[Any] | None = None,
        **extras: Any,
    ) -> None:
        if reasoning_content is None:
            reasoning_content = extras.pop("reasoning", None)
        values = self.__dict__
        values["content"] = content
        values["role"] = role
        values["function_call"] = (
            None if function_call is None else FunctionCall.model_validate(function_call)
        )
        values["tool_calls"] = delta_tool_calls(tool_calls)
        values["audio"] = audio
        put(
            values,
            images=images,
            reasoning_content=reasoning_content,
            thinking_blocks=thinking_blocks,
            reasoning_items=reasoning_items,
            annotations=annotations,
        )
        values.update(extras)
