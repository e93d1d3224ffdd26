"""What is sent to OpenAI fits the types of its SDK."""

from __future__ import annotations

import pytest
from _requests import EVERY, INPUTS, adapter, requested, sent

import ferrolite


@pytest.mark.parametrize("name", EVERY)
def test_chat(name: str) -> None:
    params = pytest.importorskip("openai.types.chat.completion_create_params")
    body = sent("openai/gpt-5" if name == "thinking" else "openai/gpt-4o", "/v1", **EVERY[name])
    streaming = params.CompletionCreateParamsStreaming if body.get("stream") else None
    kind = streaming or params.CompletionCreateParamsNonStreaming
    checked = adapter(kind).validate_python(body)
    assert set(checked) == set(body), "no key that the SDK does not know"


@pytest.mark.parametrize("name", EVERY)
def test_chat_over_responses(name: str) -> None:
    if name == "sampling":
        pytest.skip("Responses have no stop")
    params = pytest.importorskip("openai.types.responses.response_create_params")
    body = sent("openai/responses/gpt-5", "/v1", **{**EVERY[name], "max_tokens": None})
    for item in body["input"]:
        if item.get("role") == "assistant":
            # The types want what only an answer has; the interface takes a turn without it.
            item |= {"id": "msg_1", "status": "completed"}
            item["content"] = [{**part, "annotations": []} for part in item["content"]]
    streaming = params.ResponseCreateParamsStreaming if body.get("stream") else None
    kind = streaming or params.ResponseCreateParamsNonStreaming
    checked = adapter(kind).validate_python(body)
    assert set(checked) == set(body), "no key that the SDK does not know"


def test_embeddings() -> None:
    params = pytest.importorskip("openai.types.embedding_create_params")
    body = requested(ferrolite.embedding, "openai/text-embedding-3-small", "/v1", input=INPUTS).json()
    checked = adapter(params.EmbeddingCreateParams).validate_python(body)
    assert set(checked) == set(body)
