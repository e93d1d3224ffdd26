"""Requests that are checked by the makers' own SDKs, and what we send of them."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from _upstream import PATIENCE, Exchange, Request, Upstream

import ferrolite

pydantic = pytest.importorskip("pydantic")

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 40).decode()
PDF = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4 " + b"0" * 40).decode()
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Current weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
                "required": ["city"],
            },
        },
    },
    {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
]
CALLS = [
    {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
    },
    {"id": "call_2", "type": "function", "function": {"name": "now", "arguments": ""}},
]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        },
    },
}
USER = {"role": "user", "content": "What is the weather in Oslo?"}
REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"messages": [{"role": "system", "content": "Be brief."}, USER]},
    "turns": {
        "messages": [USER, {"role": "assistant", "content": "Snow."}, {"role": "user", "content": "And now?"}]
    },
    "sampling": {"messages": [USER], "temperature": 0.2, "top_p": 0.9, "max_tokens": 50, "stop": ["END"]},
    "stream": {"messages": [USER], "stream": True, "stream_options": {"include_usage": True}},
    "tools": {"messages": [USER], "tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False},
    "tool_named": {
        "messages": [USER],
        "tools": TOOLS,
        "tool_choice": {"type": "function", "function": {"name": "now"}},
    },
    "tool_results": {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "tool_calls": CALLS},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"temp": -3}'},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "12:00"}]},
            {"role": "user", "content": "Thanks."},
        ],
        "tools": TOOLS,
    },
    "media": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Describe."},
                    {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
                ],
            }
        ]
    },
    "schema": {"messages": [USER], "response_format": SCHEMA},
    "json": {"messages": [USER], "response_format": {"type": "json_object"}},
}
# A model that thinks, where the provider has one.
THINKING: dict[str, Any] = {"messages": [USER], "reasoning_effort": "low", "max_tokens": 4000}
EVERY = {**REQUESTS, "thinking": THINKING}
INPUTS = ["one", "two"]
RANKING: dict[str, Any] = {"query": "which", "documents": ["one", "two"], "top_n": 1}


def requested(function: Callable[..., Any], model: str, path: str = "", **keywords: Any) -> Request:
    """The request that a call puts on the wire; the server answers with an error."""

    def refuse(exchange: Exchange) -> None:
        exchange.json({"error": {"message": "no"}, "message": "no"}, status=400)

    with Upstream(refuse) as server:
        call = {"api_key": "k", "api_base": server.origin + path, "max_retries": 0, "timeout": PATIENCE}
        with pytest.raises(ferrolite.exceptions.BadRequestError):
            function(model=model, **{**call, **keywords})
        (request,) = server.requests
        return request


def sent(model: str, path: str = "", **keywords: Any) -> Any:
    """The body of a chat completion."""
    return requested(ferrolite.completion, model, path, **keywords).json()


@functools.cache
def adapter(kind: Any) -> Any:
    """It takes a while to make one."""
    return pydantic.TypeAdapter(kind)


def checked(kind: Any, value: Any, known: Sequence[str] = ()) -> Any:
    """The value as the SDK reads it; a key that no type of the SDK knows is an error."""
    found = adapter(kind).validate_python(value)
    unknown = sorted(set(extras(found)) - set(known))
    assert not unknown, f"keys that the SDK does not know: {unknown}"
    return found


def extras(value: Any, path: str = "") -> list[str]:
    """What the SDK's models took without knowing it."""
    if isinstance(value, pydantic.BaseModel):
        own = [f"{path}.{name}" for name in value.model_extra or ()]
        fields = [(name, getattr(value, name)) for name in type(value).model_fields]
        return own + [extra for name, field in fields for extra in extras(field, f"{path}.{name}")]
    if isinstance(value, list):
        return [extra for item in value for extra in extras(item, f"{path}[]")]
    return []
