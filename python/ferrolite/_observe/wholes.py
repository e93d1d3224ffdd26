"""Whole answers of the pieces that streams consist of, in each of their formats."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ferrolite import _core

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def whole_of(core_name: str | None, chunks: list[Any]) -> Any:
    """The answer that a stream's chunks make."""
    if not chunks:
        return None
    if core_name is None:
        return _core.collect_chunks(chunks)
    return _WHOLES[core_name](chunks)


def _whole_response(events: list[Any]) -> Any:
    for event in reversed(events):
        response = getattr(event, "response", None)
        if response is not None:
            return response
    return None


def _whole_text(chunks: list[Any]) -> Any:
    from ferrolite.types.text import TextCompletionResponse

    texts: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in chunks:
        usage = getattr(chunk, "usage", None) or usage
        for choice in chunk.choices:
            whole = texts.setdefault(choice.index, {"index": choice.index, "text": "", "finish_reason": None})
            whole["text"] += choice.text or ""
            whole["finish_reason"] = choice.finish_reason or whole["finish_reason"]
    first = chunks[0]
    return TextCompletionResponse(
        id=first.id,
        created=first.created,
        model=first.model,
        choices=[texts[index] for index in sorted(texts)],
        **({} if usage is None else {"usage": usage}),
    )


def _events(chunks: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in b"".join(chunks).splitlines():
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data.startswith(b"{"):
                yield json.loads(data)


def _whole_message(chunks: list[bytes]) -> dict[str, Any]:
    """An Anthropic message of its events."""
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in _events(chunks):
        kind = event.get("type")
        if kind == "message_start":
            message = dict(event["message"])
        elif kind == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif kind == "content_block_delta":
            block, delta = blocks.setdefault(event["index"], {}), event["delta"]
            for name, value in delta.items():
                if name == "partial_json":
                    block["_json"] = block.get("_json", "") + value
                elif name != "type" and isinstance(value, str):
                    block[name] = (block.get(name) or "") + value
        elif kind == "message_delta":
            message.update(event.get("delta") or {})
            message["usage"] = {**(message.get("usage") or {}), **(event.get("usage") or {})}
    for block in blocks.values():
        if text := block.pop("_json", ""):
            block["input"] = json.loads(text)
    message["content"] = [blocks[index] for index in sorted(blocks)]
    return message


def _whole_content(chunks: list[bytes]) -> dict[str, Any]:
    """What Google's chunks make: the last one, with the parts of all."""
    whole: dict[str, Any] = {}
    parts: list[Any] = []
    for event in _events(chunks):
        whole = {**whole, **event}
        for candidate in event.get("candidates") or ():
            parts += (candidate.get("content") or {}).get("parts") or ()
    if whole.get("candidates"):
        first = {**whole["candidates"][0], "content": {"role": "model", "parts": parts}}
        whole["candidates"] = [first, *whole["candidates"][1:]]
    return whole


_WHOLES: dict[str, Any] = {
    "generate_content": _whole_content,
    "get_response": _whole_response,
    "messages": _whole_message,
    "responses": _whole_response,
    "text_completion": _whole_text,
}


def count_usage(whole: Any, model: str, messages: Any) -> None:
    """Count the tokens of a chat completion whose provider has told none. What cannot be counted is left alone.

    Reasoning and calls of tools count as what the model has said: they are paid.
    """
    from ferrolite import Usage, token_counter

    texts: list[str] = []
    thought = ""
    for choice in getattr(whole, "choices", None) or ():
        message = choice.message
        texts.append(message.content or "")
        thought += getattr(message, "reasoning_content", None) or ""
        for call in getattr(message, "tool_calls", None) or ():
            function = call.function
            plain = {"function": {"arguments": function.arguments or "", "name": function.name}}
            plain |= {"id": call.id, "type": call.type}
            texts.append(json.dumps(plain, separators=(",", ":"), ensure_ascii=False))
    try:
        asked = token_counter(model=model, messages=messages) if messages else 0
        said = token_counter(model=model, text="".join(texts))
        thoughts = token_counter(model=model, text=thought) if thought else 0
    except Exception:
        return
    details = {"reasoning_tokens": thoughts, "text_tokens": said}
    said += thoughts
    whole.usage = Usage(
        prompt_tokens=asked,
        completion_tokens=said,
        total_tokens=asked + said,
        completion_tokens_details=details,
    )
