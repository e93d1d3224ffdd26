"""Answers of calls other than chat: the core's dicts and bytes as the public classes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite import _core


def build(call_type: str, payload: Any, content_type: str | None, meta: _core.CallMeta) -> Any:
    """The public object for an answer.

    Args:
        call_type: The core's name of the call type.
        payload: A dict in OpenAI's form, or bytes with their `content_type`.
        meta: What is known of the call.
    """
    if call_type in _PLAIN:
        return payload
    made = _of_bytes(call_type, payload, content_type, meta) if content_type else _MAKERS[call_type](payload)
    if content_type is None or call_type != "speech":
        made.__dict__["_meta"] = meta
    return made


def of_dict(call_type: str, payload: dict[str, Any]) -> Any:
    """The public object for an answer that was kept as a dict."""
    return payload if call_type in _PLAIN else _MAKERS[call_type](payload)


def events(call_type: str, payloads: list[dict[str, Any]]) -> list[Any]:
    """The public objects for a batch of a stream's events."""
    return _EVENT_MAKERS[call_type](payloads)


def _of_bytes(call_type: str, payload: bytes, content_type: str, meta: _core.CallMeta) -> Any:
    if call_type == "transcription":
        return _transcription({"text": payload.decode("utf-8", "replace")})
    from ferrolite.types.speech import HttpxBinaryResponseContent

    return HttpxBinaryResponseContent(payload, content_type, meta)


def _embedding(payload: dict[str, Any]) -> Any:
    from ferrolite.types.embedding import EmbeddingResponse

    return EmbeddingResponse(**payload)


def _image(payload: dict[str, Any]) -> Any:
    from ferrolite.types.image import ImageResponse

    return ImageResponse(**payload)


def _moderation(payload: dict[str, Any]) -> Any:
    from ferrolite.types.moderation import OpenAIModerationResponse

    return OpenAIModerationResponse(**payload)


def _rerank(payload: dict[str, Any]) -> Any:
    from ferrolite.types.rerank import RerankResponse

    return RerankResponse(**payload)


def _transcription(payload: dict[str, Any]) -> Any:
    from ferrolite.types.audio import TranscriptionResponse

    return TranscriptionResponse(**payload)


def _response(payload: dict[str, Any]) -> Any:
    from ferrolite.types.llms.openai import ResponsesAPIResponse

    return ResponsesAPIResponse(**payload)


def _deleted_response(payload: dict[str, Any]) -> Any:
    from ferrolite.types.llms.openai import DeleteResponseResult

    return DeleteResponseResult(**{"id": None, "object": None, "deleted": None, **payload})


def _content(payload: dict[str, Any]) -> Any:
    from ferrolite.types.google_genai import GenerateContentResponse

    return GenerateContentResponse(**payload)


def _text_completion(payload: dict[str, Any]) -> Any:
    from ferrolite.types.text import TextCompletionResponse

    return TextCompletionResponse(**payload)


def _text_chunks(payloads: list[dict[str, Any]]) -> list[Any]:
    chunks = [_text_completion(payload) for payload in payloads]
    for chunk, payload in zip(chunks, payloads, strict=True):
        if payload.get("usage") is None:
            # A chunk has no counts, where a whole answer has at least zeros.
            chunk.__dict__["usage"] = None
    return chunks


def _response_events(payloads: list[dict[str, Any]]) -> list[Any]:
    from ferrolite.types.llms.openai import event

    return [event(payload) for payload in payloads]


# What is handed out as the dict it is.
_PLAIN = ("list_input_items", "messages")
_MAKERS = {
    "cancel_response": _response,
    "delete_response": _deleted_response,
    "embedding": _embedding,
    "generate_content": _content,
    "get_response": _response,
    "image_edit": _image,
    "image_generation": _image,
    "image_variation": _image,
    "moderation": _moderation,
    "rerank": _rerank,
    "responses": _response,
    "text_completion": _text_completion,
    "transcription": _transcription,
}
_EVENT_MAKERS = {
    "get_response": _response_events,
    "responses": _response_events,
    "text_completion": _text_chunks,
}
