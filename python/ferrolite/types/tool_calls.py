"""Tool calls, whole in a message and piecewise in a delta."""

from __future__ import annotations

from ferrolite.types._base import Model, as_dict, invalid, new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal


class Function(Model):
    """The function a tool call names. `arguments` is JSON text."""

    arguments: str
    name: str | None

    def __init__(
        self, arguments: dict[str, Any] | str | None = None, name: str | None = None, **ignored: Any
    ) -> None:
        values = self.__dict__
        values["arguments"] = _json_text(arguments)
        values["name"] = name


class FunctionCall(Model):
    """The older form of a call, before there were tools."""

    arguments: str
    name: str | None = None

    _required = ("arguments",)


class ChatCompletionMessageToolCall(Model):
    """A call of a function tool. Without an `id` it gets a fresh one."""

    function: Function
    id: str
    type: str

    def __init__(
        self,
        function: dict[str, Any] | Function,
        id: str | None = None,
        type: str | None = None,
        **extras: Any,
    ) -> None:
        values = self.__dict__
        values["function"] = None if function is None else Function.model_validate(function)  # pyright: ignore[reportUnnecessaryComparison]
        values["id"] = id or new_id()
        values["type"] = type or "function"
        values.update(extras)


class ChatCompletionCustomToolCallPayload(Model):
    """What a custom tool was called with: free text."""

    name: str
    input: str

    _required = ("name", "input")


class ChatCompletionMessageCustomToolCall(Model):
    """A call of a custom tool."""

    id: str
    type: Literal["custom"] = "custom"
    custom: ChatCompletionCustomToolCallPayload

    _required = ("id", "custom")
    _nested = {"custom": ChatCompletionCustomToolCallPayload.model_validate}


class ChatCompletionDeltaToolCall(Model):
    """A piece of a function call in a stream; pieces with one `index` belong together."""

    id: str | None = None
    function: Function
    type: str | None = None
    index: int

    _required = ("function", "index")
    _nested = {"function": Function.model_validate}


class ChatCompletionDeltaCustomToolCallPayload(Model):
    """A piece of the text a custom tool is called with."""

    name: str | None = None
    input: str | None = None


class ChatCompletionDeltaCustomToolCall(Model):
    """A piece of a custom tool's call in a stream."""

    id: str | None = None
    type: Literal["custom"] = "custom"
    custom: ChatCompletionDeltaCustomToolCallPayload | None = None
    index: int

    _required = ("index",)
    _nested = {"custom": ChatCompletionDeltaCustomToolCallPayload.model_validate}


def message_tool_call(value: Any) -> ChatCompletionMessageToolCall | ChatCompletionMessageCustomToolCall:
    """A message's tool call from a dict or another model."""
    if isinstance(value, (ChatCompletionMessageToolCall, ChatCompletionMessageCustomToolCall)):
        return value
    fields = as_dict(value)
    if fields is None:
        raise invalid(ChatCompletionMessageToolCall, "model_type", value)
    if "function" not in fields and "custom" in fields:
        return ChatCompletionMessageCustomToolCall(**fields)
    return ChatCompletionMessageToolCall(**fields)


def delta_tool_calls(values: Any) -> Any:
    """A delta's tool calls; a dict without an index gets its place in the list, what is no tool call goes."""
    if not isinstance(values, list):
        return values
    calls: list[Model] = []
    for place, value in enumerate(values):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if isinstance(value, (ChatCompletionDeltaToolCall, ChatCompletionDeltaCustomToolCall)):
            calls.append(value)
            continue
        fields = as_dict(value)
        if fields is not None:
            fields = {**fields, "type": fields.get("type") or "function"}
            if fields.get("index") is None:
                fields["index"] = place
            custom = "function" not in fields and "custom" in fields
            calls.append(
                (ChatCompletionDeltaCustomToolCall if custom else ChatCompletionDeltaToolCall)(**fields)
            )
    return calls


def _json_text(arguments: Any) -> str:
    if arguments is None:
        return ""
    if isinstance(arguments, str):
        return arguments
    from json import dumps

    return dumps(arguments)
