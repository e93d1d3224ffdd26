"""Replies of providers that end for a given reason, in the format of each: whole, and as a stream."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

ABSENT = "(absent)"


class Reply(NamedTuple):
    content_type: str
    body: bytes


Template = Callable[[str, bool], Reply]
"""A reply for a reason, as a stream or not."""


def whole(body: Any) -> Reply:
    return Reply("application/json", json.dumps(body).encode())


def events(*items: Any) -> Reply:
    """Server-sent events; those with a `type` are named after it."""
    lines: list[str] = []
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("type"), str):
            lines.append(f"event: {item['type']}\n")
        lines.append(f"data: {item if isinstance(item, str) else json.dumps(item)}\n\n")
    return Reply("text/event-stream", "".join(lines).encode())


def lines(*items: Any) -> Reply:
    return Reply("application/x-ndjson", b"".join(json.dumps(item).encode() + b"\n" for item in items))


def message(kind: str, payload: bytes) -> bytes:
    """One of AWS's messages."""
    head = b""
    for name, value in (
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ):
        head += struct.pack("!B", len(name)) + name.encode()
        head += struct.pack("!BH", 7, len(value)) + value.encode()
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    body = prelude + head + payload
    return body + struct.pack("!I", zlib.crc32(body))


def messages(items: Iterable[tuple[str, bytes]]) -> Reply:
    return Reply("application/vnd.amazon.eventstream", b"".join(message(*item) for item in items))


def invoked(*items: Any) -> Reply:
    """What a model says through `invoke`."""
    return messages(
        ("chunk", json.dumps({"bytes": base64.b64encode(json.dumps(item).encode()).decode()}).encode())
        for item in items
    )


def known(name: str, reason: str) -> dict[str, str]:
    return {} if reason == ABSENT else {name: reason}


def openai_chunks(reason: str, **delta: Any) -> list[Any]:
    base = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    first = {"index": 0, "delta": {"role": "assistant", "content": "hi", **delta}, "finish_reason": None}
    chunks: list[Any] = [{**base, "choices": [first]}]
    if reason != ABSENT:
        chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    return [*chunks, "[DONE]"]


def openai_answer(reason: str, **said: Any) -> Any:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi", **said}}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{**choice, **known("finish_reason", reason)}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def openai(reason: str, stream: bool) -> Reply:
    return events(*openai_chunks(reason)) if stream else whole(openai_answer(reason))


def openai_tool(reason: str, stream: bool) -> Reply:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = {"tool_calls": [call]}
    return events(*openai_chunks(reason, **said)) if stream else whole(openai_answer(reason, **said))


def sagemaker_chat(reason: str, stream: bool) -> Reply:
    if not stream:
        return openai(reason, stream)
    return messages(("PayloadPart", events(item).body) for item in openai_chunks(reason))


ANTHROPIC_USAGE = {"input_tokens": 1, "output_tokens": 1}


def anthropic_answer(reason: str) -> Any:
    said = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hi"}]}
    return {"id": "x", "model": "m", **said, **known("stop_reason", reason), "usage": ANTHROPIC_USAGE}


def anthropic_events(reason: str) -> list[Any]:
    start = {"id": "x", "type": "message", "role": "assistant", "model": "m", "content": []}
    return [
        {"type": "message_start", "message": {**start, "usage": ANTHROPIC_USAGE}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": known("stop_reason", reason), "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]


def anthropic(reason: str, stream: bool) -> Reply:
    return events(*anthropic_events(reason)) if stream else whole(anthropic_answer(reason))


def anthropic_invoked(reason: str, stream: bool) -> Reply:
    return invoked(*anthropic_events(reason)) if stream else whole(anthropic_answer(reason))


def anthropic_text(reason: str, stream: bool) -> Reply:
    said = {"type": "completion", "id": "x", "completion": " hi", "model": "m"}
    if stream:
        return events({**said, "stop_reason": None}, {**said, "completion": "", "stop_reason": reason})
    return whole({**said, "stop_reason": reason})


def converse_answer(reason: str) -> Any:
    output = {"message": {"role": "assistant", "content": [{"text": "hi"}]}}
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    return {"output": output, "stopReason": reason, "usage": usage, "metrics": {"latencyMs": 1}}


def converse_events(reason: str) -> list[tuple[str, Any]]:
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    return [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "hi"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": reason}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}),
    ]


def converse(reason: str, stream: bool) -> Reply:
    if stream:
        return messages((kind, json.dumps(event).encode()) for kind, event in converse_events(reason))
    return whole(converse_answer(reason))


def nova(reason: str, stream: bool) -> Reply:
    if stream:
        return invoked(*({kind: event} for kind, event in converse_events(reason)))
    return whole(converse_answer(reason))


def invoke(answer: Callable[[str | None, str], Any]) -> Template:
    """A format whose chunks are answers with a part of the text: the last one has the reason."""

    def template(reason: str, stream: bool) -> Reply:
        return invoked(answer(None, "hi"), answer(reason, "")) if stream else whole(answer(reason, "hi"))

    return template


def llama(reason: str | None, text: str) -> Any:
    counts = {"prompt_token_count": 1, "generation_token_count": 1}
    return {"generation": text, **counts, "stop_reason": reason}


def mistral(reason: str | None, text: str) -> Any:
    return {"outputs": [{"text": text, "stop_reason": reason}]}


def titan(reason: str, stream: bool) -> Reply:
    if stream:
        return invoked({"outputText": "hi", "index": 0}, {"outputText": "", "completionReason": reason})
    result = {"tokenCount": 1, "outputText": "hi", "completionReason": reason}
    return whole({"inputTextTokenCount": 1, "results": [result]})


def cohere_invoked(reason: str | None, text: str) -> Any:
    return {"generation_id": "x", "text": text, "finish_reason": reason}


def ai21(reason: str, stream: bool) -> Reply:
    return invoked(*openai_chunks(reason)[:-1]) if stream else whole(openai_answer(reason))


def cohere(reason: str, stream: bool) -> Reply:
    usage = {"tokens": {"input_tokens": 1, "output_tokens": 1}}
    if not stream:
        said = {"role": "assistant", "content": [{"type": "text", "text": "hi"}]}
        return whole({"id": "x", "message": said, "finish_reason": reason, "usage": usage})
    text = {"message": {"content": {"type": "text", "text": "hi"}}}
    return events(
        {"type": "message-start", "id": "x", "delta": {"message": {"role": "assistant"}}},
        {
            "type": "content-start",
            "index": 0,
            "delta": {"message": {"content": {"type": "text", "text": ""}}},
        },
        {"type": "content-delta", "index": 0, "delta": text},
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}},
    )


def google(reason: str, part: dict[str, Any], stream: bool) -> Reply:
    candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, **known("finishReason", reason)}
    counts = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    answer = {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "m", "responseId": "x"}
    return events(answer) if stream else whole(answer)


def gemini(reason: str, stream: bool) -> Reply:
    return google(reason, {"text": "hi"}, stream)


def gemini_tool(reason: str, stream: bool) -> Reply:
    return google(reason, {"functionCall": {"name": "f", "args": {}}}, stream)


def gemini_blocked(reason: str, stream: bool) -> Reply:
    counts = {"promptTokenCount": 1, "totalTokenCount": 1}
    answer = {"promptFeedback": {"blockReason": reason}, "usageMetadata": counts, "modelVersion": "m"}
    return events(answer) if stream else whole(answer)


def ollama(said: Callable[[str], dict[str, Any]]) -> Template:
    def template(reason: str, stream: bool) -> Reply:
        base = {"model": "m", "created_at": "2025-01-01T00:00:00Z"}
        last = {"done": True, "done_reason": reason, "prompt_eval_count": 1, "eval_count": 1}
        if stream:
            return lines({**base, **said("hi"), "done": False}, {**base, **said(""), **last})
        return whole({**base, **said("hi"), **last})

    return template


def watsonx_text(reason: str, stream: bool) -> Reply:
    def result(text: str, reason: str) -> Any:
        counts = {"generated_token_count": 1, "input_token_count": 1}
        return {"model_id": "m", "results": [{"generated_text": text, "stop_reason": reason, **counts}]}

    return events(result("hi", "not_finished"), result("", reason)) if stream else whole(result("hi", reason))


def replicate(reason: str, stream: bool) -> Reply:
    return whole({"id": "x", "status": reason, "output": ["hi"], "error": None, "metrics": {}})


def predibase(reason: str, stream: bool) -> Reply:
    details = {"finish_reason": reason, "generated_tokens": 1, "prompt_tokens": 1}
    if not stream:
        return whole({"generated_text": "hi", "details": details})
    token = {"id": 1, "text": "hi", "special": False}
    return events(
        {"token": token, "generated_text": None, "details": None},
        {"token": {**token, "text": ""}, "generated_text": "hi", "details": details},
    )


def oci_cohere(reason: str, stream: bool) -> Reply:
    if stream:
        return events({"apiFormat": "COHERE", "text": "hi"}, {"apiFormat": "COHERE", "finishReason": reason})
    return whole(
        {"modelId": "m", "chatResponse": {"apiFormat": "COHERE", "text": "hi", "finishReason": reason}}
    )


def oci(reason: str, stream: bool) -> Reply:
    said = {"index": 0, "message": {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": "hi"}]}}
    if stream:
        return events(said, *([known("finishReason", reason)] if reason != ABSENT else []))
    choice = {**said, **known("finishReason", reason)}
    return whole({"modelId": "m", "chatResponse": {"apiFormat": "GENERIC", "choices": [choice]}})


TEMPLATES: dict[str, Template] = {
    "openai#with_tool_call": openai_tool,
    "groq#with_tool_call": openai_tool,
    "mistral#with_tool_call": openai_tool,
    "sagemaker_chat": sagemaker_chat,
    "anthropic": anthropic,
    "vertex_ai#claude": anthropic,
    "bedrock#invoke-anthropic": anthropic_invoked,
    "anthropic_text": anthropic_text,
    "bedrock#converse": converse,
    "bedrock#invoke-nova": nova,
    "bedrock#invoke-meta": invoke(llama),
    "bedrock#invoke-mistral": invoke(mistral),
    "bedrock#invoke-titan": titan,
    "bedrock#invoke-cohere": invoke(cohere_invoked),
    "bedrock#invoke-ai21": ai21,
    "cohere_chat": cohere,
    "gemini": gemini,
    "vertex_ai#gemini": gemini,
    "gemini#prompt_blocked": gemini_blocked,
    "gemini#function_call_part": gemini_tool,
    "ollama": ollama(lambda text: {"response": text}),
    "ollama_chat": ollama(lambda text: {"message": {"role": "assistant", "content": text}}),
    "watsonx_text": watsonx_text,
    "replicate": replicate,
    "nlp_cloud": lambda reason, stream: whole({"generated_text": "hi"}),
    "triton": lambda reason, stream: (events if stream else whole)({"text_output": "hi"}),
    "sagemaker": lambda reason, stream: sagemaker(stream),
    "predibase": predibase,
    "oci#cohere": oci_cohere,
    "oci#generic": oci,
}
"""The families that do not answer as OpenAI does."""


def sagemaker(stream: bool) -> Reply:
    if not stream:
        return whole([{"generated_text": "hi"}])
    token = {"id": 1, "text": "hi", "special": False}
    last = {"token": token, "generated_text": "hi", "details": {"finish_reason": "eos_token"}}
    return messages([("PayloadPart", events(last).body)])
