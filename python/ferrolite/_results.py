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
    if content_type is None or call_type == "transcription":
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


def _file(payload: dict[str, Any]) -> Any:
    from ferrolite.types.resources import OpenAIFileObject

    return OpenAIFileObject(**payload)


def _deleted_file(payload: dict[str, Any]) -> Any:
    from ferrolite.types.resources import FileDeleted

    return FileDeleted(**payload)


def _batch(payload: dict[str, Any]) -> Any:
    from ferrolite.types.resources import LiteLLMBatch

    return LiteLLMBatch(**payload)


def _tuning_job(payload: dict[str, Any]) -> Any:
    from ferrolite.types.resources import LiteLLMFineTuningJob

    return LiteLLMFineTuningJob(**payload)


def _files(payload: dict[str, Any]) -> Any:
    from ferrolite.types.resources import OpenAIFileObject, page_of

    return page_of(OpenAIFileObject, payload)


def _batches(payload: dict[str, Any]) -> Any:
    from ferrolite.types.resources import LiteLLMBatch, page_of

    return page_of(LiteLLMBatch, payload)


def _tuning_jobs(payload: dict[str, Any]) -> Any:
    from ferrolite.types.resources import LiteLLMFineTuningJob, page_of

    return page_of(LiteLLMFineTuningJob, payload)


# What is handed out as the dict it is.
_PLAIN = ("list_input_items", "list_models", "messages")
_MAKERS = {
    "cancel_batch": _batch,
    "cancel_fine_tuning_job": _tuning_job,
    "cancel_response": _response,
    "create_batch": _batch,
    "create_file": _file,
    "create_fine_tuning_job": _tuning_job,
    "delete_file": _deleted_file,
    "delete_response": _deleted_response,
    "embedding": _embedding,
    "generate_content": _content,
    "get_response": _response,
    "image_edit": _image,
    "image_generation": _image,
    "image_variation": _image,
    "list_batches": _batches,
    "list_files": _files,
    "list_fine_tuning_jobs": _tuning_jobs,
    "moderation": _moderation,
    "rerank": _rerank,
    "responses": _response,
    "retrieve_batch": _batch,
    "retrieve_file": _file,
    "retrieve_fine_tuning_job": _tuning_job,
    "text_completion": _text_completion,
    "transcription": _transcription,
}
_EVENT_MAKERS = {
    "get_response": _response_events,
    "responses": _response_events,
    "text_completion": _text_chunks,
}
