"""What Mistral is sent fits the types of its SDK."""

from __future__ import annotations

import pytest
from _requests import EVERY, INPUTS, checked, requested, sent

import ferrolite

models = pytest.importorskip("mistralai.client.models")


@pytest.mark.parametrize("name", EVERY)
def test_chat(name: str) -> None:
    keywords = EVERY[name]
    model = "magistral-medium-latest" if name == "thinking" else "mistral-large-latest"
    body = sent(f"mistral/{model}", "/v1", **keywords, drop_params=True)
    kind = models.ChatCompletionStreamRequest if keywords.get("stream") else models.ChatCompletionRequest
    assert set(body) <= set(kind.model_fields) | {"stream_options"}, "no key that the SDK does not know"
    checked(kind, body, known=[".stream_options"])


def test_embeddings() -> None:
    body = requested(ferrolite.embedding, "mistral/mistral-embed", "/v1", input=INPUTS).json()
    assert checked(models.EmbeddingRequest, body).inputs == INPUTS


def test_moderations() -> None:
    body = requested(ferrolite.moderation, "mistral/mistral-moderation-latest", "/v1", input="one").json()
    assert checked(models.ClassificationRequest, body).inputs == "one"
