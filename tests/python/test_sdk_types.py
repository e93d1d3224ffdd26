"""What is sent to a provider fits the types that the provider's own SDK publishes."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

import pytest

import ferrolite
from ferrolite.testing import MockServer

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
# Names that the API takes from models of before and that the newest SDKs do not list any more.
OLDER_NAMES = {"output_format", "temperature", "top_k", "top_p"}
# A model that thinks, where the provider has one.
THINKING = {"messages": [USER], "reasoning_effort": "low"}


def sent(model: str, path: str, **keywords: Any) -> Any:
    """The body that a call puts on the wire, and the answer it gets."""
    with MockServer(record=True) as server:
        answer = ferrolite.completion(model, api_base=server.base_url + path, api_key="k", **keywords)
        if keywords.get("stream"):
            answer = ferrolite.stream_chunk_builder(list(answer))
        assert answer.choices[0].message is not None
        with urllib.request.urlopen(server.base_url + "/_mock/requests") as reply:
            requests = json.load(reply)
    requests = requests["requests"] if isinstance(requests, dict) else requests
    body = requests[-1]["body"]
    return json.loads(body) if isinstance(body, str) else body


@pytest.mark.parametrize("name", [*REQUESTS, "thinking"])
def test_openai_types_take_our_requests(name: str) -> None:
    params = pytest.importorskip("openai.types.chat.completion_create_params")
    keywords = REQUESTS.get(name, THINKING)
    body = sent("openai/gpt-5" if name == "thinking" else "openai/gpt-4o", "/v1", **keywords)
    streaming = params.CompletionCreateParamsStreaming if body.get("stream") else None
    kind = streaming or params.CompletionCreateParamsNonStreaming
    checked = pydantic.TypeAdapter(kind).validate_python(body)
    assert set(checked) == set(body), "no key that the SDK does not know"


@pytest.mark.parametrize("name", [*REQUESTS, "thinking"])
def test_anthropic_types_take_our_requests(name: str) -> None:
    types = pytest.importorskip("anthropic.types")
    body = sent("anthropic/claude-sonnet-4-5", "", **REQUESTS.get(name, THINKING))
    beta = pytest.importorskip("anthropic.types.beta")
    streaming = body.get("stream")
    kinds = [types.message_create_params, beta.message_create_params]
    known: set[str] = set()
    for kind in kinds:
        kind = kind.MessageCreateParamsStreaming if streaming else kind.MessageCreateParamsNonStreaming
        known |= set(pydantic.TypeAdapter(kind).validate_python(body))
    assert set(body) - known <= OLDER_NAMES, "no key that the SDK does not know"


@pytest.mark.parametrize("name", [*REQUESTS, "thinking"])
def test_google_types_take_our_requests(name: str) -> None:
    types = pytest.importorskip("google.genai.types")
    body = sent("gemini/gemini-2.5-flash", "/v1beta", **REQUESTS.get(name, THINKING))
    parts: dict[str, Any] = {
        "contents": list[types.Content],
        "systemInstruction": types.Content,
        "generationConfig": types.GenerationConfig,
        "tools": list[types.Tool],
        "toolConfig": types.ToolConfig,
        "safetySettings": list[types.SafetySetting],
    }
    for key, value in body.items():
        camel = key.split("_")[0] + "".join(word.title() for word in key.split("_")[1:])
        pydantic.TypeAdapter(parts[camel]).validate_python(value)
    assert "contents" in body
