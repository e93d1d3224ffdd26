"""Embeddings, text completions, images, transcriptions, rankings."""

import pytest

from ferrolite.types.utils import (
    ChatCompletionAudioResponse,
    Embedding,
    EmbeddingResponse,
    ImageObject,
    ImageResponse,
    Logprobs,
    RerankResponse,
    TextChoices,
    TextCompletionResponse,
    TranscriptionResponse,
    Usage,
)


def test_an_embedding_response():
    response = EmbeddingResponse(
        model="m",
        data=[{"embedding": [1.0], "index": 0, "object": "embedding"}],
        usage={"prompt_tokens": 1, "total_tokens": 1},
        stream=True,
    )
    assert response.data[0]["embedding"] == [1.0]
    assert response.object == "list"
    assert type(response.usage) is Usage
    assert not hasattr(response, "stream")
    assert response.json() == response.model_dump()
    assert "data" in response


def test_an_empty_embedding_response():
    response = EmbeddingResponse()
    assert (response.model, response.data, response.usage) == (None, [], Usage())
    assert (response._hidden_params, response._response_ms, response._response_headers) == ({}, None, None)
    assert EmbeddingResponse(hidden_params={"a": 1})._hidden_params == {"a": 1}


def test_an_embedding():
    embedding = Embedding(embedding=[1.0], index=0, object="embedding")
    assert embedding["embedding"] == [1.0]
    assert "embedding" not in embedding
    with pytest.raises(ValueError, match="object"):
        Embedding(index=0)


def test_a_text_completion():
    response = TextCompletionResponse(
        id="i",
        created=3,
        model="m",
        choices=[{"text": "a", "finish_reason": "end_turn", "logprobs": {"tokens": ["a"]}}],
    )
    assert response.object == "text_completion"
    assert type(response.choices[0]) is TextChoices
    assert response.choices[0].finish_reason == "stop"
    assert type(response.choices[0].logprobs) is Logprobs
    assert response.usage == Usage()
    assert response["choices"][0]["text"] == "a"
    assert TextCompletionResponse(stream=True).object == "text_completion.chunk"


def test_an_image_response():
    response = ImageResponse(created=1, data=[{"url": "u"}], size="1024x1024", unknown=1)
    assert type(response.data[0]) is ImageObject
    assert response.model_dump() == {
        "created": 1,
        "background": None,
        "data": [{"b64_json": None, "revised_prompt": None, "url": "u", "provider_specific_fields": None}],
        "output_format": None,
        "quality": None,
        "safety_identifier": None,
        "size": "1024x1024",
        "svg_usage": None,
        "usage": {
            "input_tokens": 0,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
            "output_tokens": 0,
            "total_tokens": 0,
        },
    }


def test_a_transcription():
    response = TranscriptionResponse(text="a")
    assert response.model_dump() == {"text": "a", "usage": None}
    response["language"] = "en"
    assert response.language == "en"
    assert TranscriptionResponse.model_validate({"text": "a", "duration": 3.5}).duration == 3.5


def test_a_ranking():
    results = [{"index": 0, "relevance_score": 0.5, "document": {"text": "x"}}]
    response = RerankResponse(id="a", results=results, unknown=1)
    assert response.model_dump() == {"id": "a", "results": results, "meta": None}
    assert response["results"][0]["index"] == 0
    assert response._hidden_params == {}


def test_spoken_answers_get_an_id():
    assert len(ChatCompletionAudioResponse(data="d", expires_at=1, transcript="t").id) == 36
