"""Calls other than chat, from the public function to the wire and back: whole exchanges with a scripted provider."""

from __future__ import annotations

import asyncio
import base64
import io
from pathlib import Path
from typing import Any

import pytest
from _upstream import Exchange, Upstream

import ferrolite
from ferrolite.exceptions import (
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ContentPolicyViolationError,
    InternalServerError,
    RateLimitError,
    UnsupportedParamsError,
)
from ferrolite.types.utils import EmbeddingResponse, ImageResponse, RerankResponse, TranscriptionResponse

PNG = b"\x89PNG\r\n\x1a\n"
PNG64 = base64.b64encode(PNG).decode()
VECTOR = [0.5, 0.25]
AWS = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "secret", "aws_region_name": "us-east-1"}


class Provider(Upstream):
    """Answers requests in turn: a value is JSON, bytes are sound; `{origin}` in a text is its own address."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        super().__init__(self.reply)

    def reply(self, exchange: Exchange) -> None:
        reply = self.replies.pop(0) if self.replies else (500, {"message": "nobody expected this"})
        if isinstance(reply, bytes):
            exchange.reply(200, reply, {"content-type": "audio/mpeg"})
        elif isinstance(reply, tuple):
            exchange.json(reply[1], status=reply[0])
        else:
            exchange.json(self.here(reply))

    def here(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{origin}", self.origin)
        if isinstance(value, dict):
            return {key: self.here(item) for key, item in value.items()}
        return [self.here(item) for item in value] if isinstance(value, list) else value

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]


def run(asynchronous: bool, name: str, provider: Provider, **arguments: Any) -> Any:
    """The function, or its namesake for asyncio."""
    arguments = {"api_base": provider.origin, "api_key": "key-0123456789", "max_retries": 0, **arguments}
    if not asynchronous:
        return getattr(ferrolite, name)(**arguments)

    async def call() -> Any:
        return await getattr(ferrolite, f"a{name}")(**arguments)

    return asyncio.run(call())


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@both
def test_an_embedding(asynchronous: bool) -> None:
    answer = {
        "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
        "usage": {"prompt_tokens": 2},
    }
    with Provider(answer) as provider:
        response = run(asynchronous, "embedding", provider, model="openai/m", input="hi", input_type="query")
    assert type(response) is EmbeddingResponse
    assert response.data[0]["embedding"] == VECTOR
    assert response.model == "m", "the asked one, when the server names none"
    assert response._hidden_params["custom_llm_provider"] == "openai"
    assert provider.requests[0].json() == {"model": "m", "input": "hi", "input_type": "query"}


@both
def test_inputs_that_go_one_by_one(asynchronous: bool) -> None:
    replies = [{"embedding": [float(place)], "inputTextTokenCount": place} for place in (1, 2, 3)]
    with Provider(*replies) as provider:
        response = run(
            asynchronous,
            "embedding",
            provider,
            model="bedrock/amazon.titan-embed-text-v2:0",
            input=["a", "b", "c"],
            dimensions=256,
            **AWS,
            api_key=None,
            api_base=None,
            aws_bedrock_runtime_endpoint=provider.origin,
        )
    assert [item["embedding"] for item in response.data] == [[1.0], [2.0], [3.0]]
    assert [item["index"] for item in response.data] == [0, 1, 2]
    assert response.usage.prompt_tokens == 6
    assert [request.json()["inputText"] for request in provider.requests] == ["a", "b", "c"]
    assert all(request.headers["authorization"].startswith("AWS4-HMAC") for request in provider.requests)


@pytest.mark.parametrize(
    ("model", "answer", "body"),
    [
        (
            "gemini/gemini-embedding-001",
            {"embeddings": [{"values": VECTOR}]},
            {
                "requests": [
                    {
                        "model": "models/gemini-embedding-001",
                        "content": {"parts": [{"text": "hi"}]},
                        "outputDimensionality": 2,
                    }
                ]
            },
        ),
        (
            "cohere/embed-v4.0",
            {"embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"input_tokens": 3}}},
            {"model": "embed-v4.0", "texts": ["hi"], "input_type": "search_document", "output_dimension": 2},
        ),
        ("ollama/m", {"embeddings": [VECTOR]}, {"model": "m", "input": ["hi"], "dimensions": 2}),
        (
            "voyage/voyage-context-3",
            {"data": [{"data": [{"embedding": VECTOR, "index": 0}]}], "usage": {"total_tokens": 3}},
            {"model": "voyage-context-3", "inputs": ["hi"], "output_dimension": 2},
        ),
        (
            "voyage/voyage-multimodal-3",
            {"data": [{"embedding": VECTOR, "index": 0}]},
            {
                "model": "voyage-multimodal-3",
                "inputs": [{"content": [{"type": "text", "text": "hi"}]}],
                "output_dimension": 2,
            },
        ),
        (
            "jina_ai/m",
            {"data": [{"embedding": VECTOR, "index": 0}]},
            {"model": "m", "input": ["hi"], "dimensions": 2},
        ),
    ],
)
def test_embeddings_in_other_formats(model: str, answer: Any, body: Any) -> None:
    with Provider(answer) as provider:
        response = run(False, "embedding", provider, model=model, input="hi", dimensions=2)
    assert response.data[0]["embedding"] == VECTOR
    assert provider.requests[0].json() == body


@both
def test_azure_packs_its_vectors(asynchronous: bool) -> None:
    packed = {"data": [{"index": 0, "embedding": "AAAAPwAAgD4="}]}
    with Provider(packed, packed) as provider:
        arguments: dict[str, Any] = {"model": "azure/d", "input": "hi", "api_version": "2024-10-21"}
        response = run(asynchronous, "embedding", provider, **arguments)
        as_asked = run(asynchronous, "embedding", provider, **arguments, encoding_format="base64")
    assert response.data[0]["embedding"] == VECTOR
    assert as_asked.data[0]["embedding"] == "AAAAPwAAgD4="
    assert provider.asked[0] == "POST /openai/deployments/d/embeddings?api-version=2024-10-21"
    assert provider.requests[0].json() == {"model": "d", "input": "hi", "encoding_format": "base64"}


@both
def test_vertex_predicts_vectors_and_images(asynchronous: bool) -> None:
    vector = {"predictions": [{"embeddings": {"values": VECTOR, "statistics": {"token_count": 4}}}]}
    image = {"predictions": [{"bytesBase64Encoded": PNG64}]}
    google = {"api_key": "ya29.token", "vertex_project": "p", "vertex_location": "us-central1"}
    with Provider(vector, image) as provider:
        response = run(
            asynchronous,
            "embedding",
            provider,
            model="vertex_ai/text-embedding-005",
            input=["hi"],
            task_type="RETRIEVAL_QUERY",
            dimensions=2,
            **google,
        )
        drawn = run(
            asynchronous,
            "image_generation",
            provider,
            model="vertex_ai/imagen-4.0-generate-001",
            prompt="a",
            **google,
        )
    assert (response.data[0]["embedding"], response.usage.prompt_tokens) == (VECTOR, 4)
    assert drawn.data[0].b64_json == PNG64
    models = "/v1/projects/p/locations/us-central1/publishers/google/models"
    assert provider.asked == [
        f"POST {models}/text-embedding-005:predict",
        f"POST {models}/imagen-4.0-generate-001:predict",
    ]
    assert provider.requests[0].json() == {
        "instances": [{"content": "hi", "task_type": "RETRIEVAL_QUERY"}],
        "parameters": {"outputDimensionality": 2},
    }
    assert provider.requests[0].headers["authorization"] == "Bearer ya29.token"


def test_google_ranks_speaks_and_hears() -> None:
    google = {"api_key": "ya29.token", "vertex_project": "p", "vertex_location": "us-central1"}
    ranked = {"records": [{"id": "1", "score": 0.9, "content": "b"}]}
    spoken = {"audioContent": base64.b64encode(b"sound").decode()}
    heard = {"results": [{"alternatives": [{"transcript": "Hello."}], "languageCode": "en-us"}]}
    with Provider(ranked, spoken, heard, {"metadata": {}}) as provider:
        ranking = run(
            False,
            "rerank",
            provider,
            model="vertex_ai/semantic-ranker-default@latest",
            query="q",
            documents=["a", {"text": "b", "title": "t"}],
            **google,
        )
        speech = run(
            False,
            "speech",
            provider,
            model="vertex_ai/m",
            input="<speak>Hi</speak>",
            voice="de-DE-Chirp3-HD-Kore",
            response_format="mp3",
            **google,
        )
        hearing: dict[str, Any] = {"model": "vertex_ai/chirp_2", "file": ("a.wav", b"sound"), **google}
        text = run(False, "transcription", provider, **hearing, language="en-US")
        silence = run(False, "transcription", provider, **hearing)
    assert ranking.results == [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}]
    assert provider.requests[0].json()["records"][1] == {"id": "1", "content": "b", "title": "t"}
    assert (speech.content, speech.content_type) == (b"sound", "audio/mpeg")
    sent = provider.requests[1].json()
    assert sent["input"] == {"ssml": "<speak>Hi</speak>"}
    assert sent["voice"] == {"languageCode": "de-DE", "name": "de-DE-Chirp3-HD-Kore"}
    assert (text.text, silence.text) == ("Hello.", "")
    assert provider.requests[2].json()["config"]["languageCodes"] == ["en-US"]


def test_tensors_are_cut_into_vectors() -> None:
    with Provider({"outputs": [{"shape": [2, 2], "data": [1.0, 2.0, 3.0, 4.0]}]}) as provider:
        response = run(False, "embedding", provider, model="triton/m", input=["a", "b"], api_key=None)
    assert [item["embedding"] for item in response.data] == [[1.0, 2.0], [3.0, 4.0]]


def test_watsonx_vectors_and_rankings() -> None:
    vectors = {"results": [{"embedding": VECTOR}], "input_token_count": 3}
    ranked = {"results": [{"index": 1, "score": 0.9, "input": {"text": "b"}}]}
    more: dict[str, Any] = {"api_key": None, "token": "t", "project_id": "p"}
    with Provider(vectors, ranked) as provider:
        response = run(False, "embedding", provider, model="watsonx/m", input="hi", **more)
        ranking = run(
            False, "rerank", provider, model="watsonx/m", query="q", documents=["a", "b"], top_n=1, **more
        )
    assert (response.data[0]["embedding"], response.usage.prompt_tokens) == (VECTOR, 3)
    assert ranking.results == [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}]
    assert provider.requests[0].json() == {
        "model_id": "m",
        "project_id": "p",
        "inputs": ["hi"],
        "parameters": {},
    }
    options = provider.requests[1].json()["parameters"]["return_options"]
    assert options == {"top_n": 1, "inputs": True}


def test_huggingface_features_and_similarities() -> None:
    with Provider([[VECTOR, [1.0]]], [0.5, 0.25]) as provider:
        features = run(False, "embedding", provider, model="huggingface/m", input=["a"], wait_for_model=True)
        scores = run(
            False,
            "embedding",
            provider,
            model="huggingface/m",
            input=["a", "b", "c"],
            input_type="sentence-similarity",
        )
    assert features.data[0]["embedding"] == VECTOR
    assert [item["embedding"] for item in scores.data] == [0.5, 0.25]
    assert provider.requests[0].json() == {"inputs": ["a"], "options": {"wait_for_model": True}}
    assert provider.requests[1].json() == {"inputs": {"source_sentence": "a", "sentences": ["b", "c"]}}


@both
@pytest.mark.parametrize(
    ("model", "answer", "tokens"),
    [
        ("cohere/m", {"results": [{"index": 1, "relevance_score": 0.9}], "meta": {"tokens": {}}}, {}),
        (
            "voyage/m",
            {"data": [{"index": 1, "relevance_score": 0.9, "document": "b"}], "usage": {"total_tokens": 7}},
            {"input_tokens": 7, "output_tokens": 0},
        ),
        (
            "hosted_vllm/m",
            {"results": [{"index": 1, "relevance_score": 0.9}], "usage": {"total_tokens": 7}},
            {"input_tokens": 7},
        ),
        ("nvidia_nim/m", {"rankings": [{"index": 1, "logit": 0.9}]}, None),
        ("deepinfra/m", {"scores": [0.1, 0.9], "input_tokens": 7}, {"input_tokens": 7, "output_tokens": 0}),
        ("huggingface/m", [{"index": 1, "score": 0.9}], {}),
    ],
)
def test_a_ranking(asynchronous: bool, model: str, answer: Any, tokens: Any) -> None:
    with Provider(answer) as provider:
        response = run(
            asynchronous, "rerank", provider, model=model, query="q", documents=["a", "b"], top_n=1
        )
    assert type(response) is RerankResponse
    assert response.id
    best = max(response.results, key=lambda result: result["relevance_score"])
    assert (best["index"], best["relevance_score"]) == (1, 0.9)
    assert response.meta.get("tokens") == tokens
    assert "key-0123456789" in provider.requests[0].headers["authorization"]


def test_bedrock_ranks_by_an_arn() -> None:
    arn = "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0"
    answer = {"results": [{"index": 0, "relevanceScore": 0.9, "document": {"textDocument": {"text": "a"}}}]}
    with Provider(answer) as provider:
        response = run(
            False,
            "rerank",
            provider,
            model=f"bedrock/{arn}",
            query="q",
            documents=["a", {"k": 1}],
            **AWS,
            api_key=None,
        )
    assert response.results == [{"index": 0, "relevance_score": 0.9, "document": {"text": "a"}}]
    body = provider.requests[0].json()
    configuration = body["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    assert configuration == {"modelConfiguration": {"modelArn": arn}, "numberOfResults": 2}
    assert body["sources"][1]["inlineDocumentSource"] == {"type": "JSON", "jsonDocument": {"k": 1}}


@both
def test_an_image(asynchronous: bool) -> None:
    with Provider({"created": 5, "data": [{"url": "http://host/i.png"}]}) as provider:
        response = run(asynchronous, "image_generation", provider, model="openai/m", prompt="a cat", n=1)
    assert type(response) is ImageResponse
    assert (response.created, response.data[0].url) == (5, "http://host/i.png")
    assert provider.asked == ["POST /images/generations"]
    assert provider.requests[0].json() == {"model": "m", "prompt": "a cat", "n": 1}


def image_parts() -> list[Any]:
    return [{"text": "here"}, {"inlineData": {"mimeType": "image/png", "data": PNG64}}]


@pytest.mark.parametrize(
    ("model", "answer", "path", "body"),
    [
        (
            "gemini/imagen-4.0-generate-001",
            {"predictions": [{"bytesBase64Encoded": PNG64}]},
            "/models/imagen-4.0-generate-001:predict",
            {
                "instances": [{"prompt": "a cat"}],
                "parameters": {"sampleCount": 1, "aspectRatio": "16:9", "imageSize": "1K"},
            },
        ),
        (
            "gemini/gemini-2.5-flash-image",
            {"candidates": [{"content": {"parts": image_parts()}}], "usageMetadata": {"totalTokenCount": 9}},
            "/models/gemini-2.5-flash-image:generateContent",
            {
                "contents": [{"parts": [{"text": "a cat"}]}],
                "generationConfig": {
                    "responseModalities": ["IMAGE", "TEXT"],
                    "candidateCount": 1,
                    "imageConfig": {"aspectRatio": "16:9"},
                },
            },
        ),
        (
            "fal_ai/fal-ai/flux/schnell",
            {"images": [{"url": f"data:image/png;base64,{PNG64}", "width": 1}]},
            "/fal-ai/flux/schnell",
            {"prompt": "a cat", "num_images": 1, "image_size": {"width": 1792, "height": 1024}},
        ),
        (
            "openrouter/google/m",
            {
                "choices": [
                    {"message": {"images": [{"image_url": {"url": f"data:image/png;base64,{PNG64}"}}]}}
                ]
            },
            "/chat/completions",
            {
                "model": "google/m",
                "messages": [{"role": "user", "content": "a cat"}],
                "modalities": ["image", "text"],
                "image_config": {"aspect_ratio": "16:9"},
                "n": 1,
            },
        ),
        (
            "aiml/m",
            {"data": [{"b64_json": PNG64}]},
            "/images/generations",
            {
                "model": "m",
                "prompt": "a cat",
                "image_size": {"width": 1792, "height": 1024},
                "num_images": 1,
            },
        ),
    ],
)
def test_images_in_other_formats(model: str, answer: Any, path: str, body: Any) -> None:
    with Provider(answer) as provider:
        response = run(
            False, "image_generation", provider, model=model, prompt="a cat", n=1, size="1792x1024"
        )
    assert [image.b64_json for image in response.data] == [PNG64]
    assert provider.asked == [f"POST {path}"]
    assert provider.requests[0].json() == body


def test_dashscope_names_where_its_images_are() -> None:
    answer = {"output": {"choices": [{"message": {"content": [{"image": "http://host/i.png"}]}}]}}
    with Provider(answer, {"code": "DataInspectionFailed", "message": "no"}) as provider:
        response = run(False, "image_generation", provider, model="dashscope/m", prompt="a", size="10x20")
        with pytest.raises(ContentPolicyViolationError, match="no"):
            run(False, "image_generation", provider, model="dashscope/m", prompt="a")
    assert response.data[0].url == "http://host/i.png"
    assert provider.requests[0].json()["parameters"] == {"size": "10*20"}


@pytest.mark.parametrize("model", ["amazon.nova-canvas-v1:0", "stability.sd3-large-v1:0"])
def test_images_of_bedrock(model: str) -> None:
    with Provider({"images": [PNG64], "finish_reasons": [None]}, {"images": []}) as provider:
        arguments: dict[str, Any] = {"model": f"bedrock/{model}", "prompt": "a cat", **AWS, "api_key": None}
        response = run(False, "image_generation", provider, **arguments)
        with pytest.raises(ContentPolicyViolationError):
            run(False, "image_generation", provider, **arguments)
    assert response.data[0].b64_json == PNG64
    assert provider.requests[0].path == f"/model/{model.replace(':', '%3A')}/invoke"


@both
def test_black_forest_labs_is_waited_for(asynchronous: bool) -> None:
    begun = {"id": "1", "polling_url": "{origin}/poll?id=1"}
    done = {"status": "Ready", "result": {"sample": "http://host/i.png"}}
    with Provider(begun, {"status": "Pending"}, done) as provider:
        response = run(
            asynchronous,
            "image_generation",
            provider,
            model="black_forest_labs/flux-pro-1.1",
            prompt="a",
            size="640x480",
        )
    assert response.data[0].url == "http://host/i.png"
    assert provider.asked == ["POST /flux-pro-1.1", "GET /poll?id=1", "GET /poll?id=1"]
    assert provider.requests[0].json() == {"prompt": "a", "width": 640, "height": 480}
    assert {request.headers["x-key"] for request in provider.requests} == {"key-0123456789"}


def test_work_that_is_refused_or_never_done() -> None:
    begun = {"id": "1", "polling_url": "{origin}/poll"}
    call = {"model": "black_forest_labs/m", "prompt": "a"}
    refused = Provider(begun, {"status": "Content Moderated"})
    with refused as provider, pytest.raises(ContentPolicyViolationError):
        run(False, "image_generation", provider, **call)
    with Provider(begun, {"status": "Pending"}) as provider, pytest.raises(ferrolite.Timeout):
        run(False, "image_generation", provider, **call, timeout=0.5)


def test_no_key_goes_to_where_a_provider_points() -> None:
    """An address of a private network is not even asked."""
    with Provider() as other, Provider({"id": "1", "polling_url": f"{other.origin}/poll"}) as provider:
        with pytest.raises(BadGatewayError, match="private"):
            run(False, "image_generation", provider, model="black_forest_labs/m", prompt="a")
        assert not other.requests


@both
@pytest.mark.parametrize(
    "image",
    [PNG, io.BytesIO(PNG), ("i.png", PNG), ("i.png", io.BytesIO(PNG), "image/png"), [PNG, PNG], "path"],
    ids=["bytes", "file", "pair", "triple", "list", "path"],
)
def test_an_edit_takes_files_however_they_are_held(asynchronous: bool, image: Any, tmp_path: Path) -> None:
    if image == "path":
        image = tmp_path / "i.png"
        image.write_bytes(PNG)
    elif isinstance(image, io.BytesIO):
        image.seek(0)
    elif isinstance(image, tuple) and isinstance(image[1], io.BytesIO):
        image[1].seek(0)
    with Provider({"data": [{"b64_json": PNG64}]}) as provider:
        response = run(
            asynchronous, "image_edit", provider, model="openai/m", image=image, mask=PNG, prompt="a hat"
        )
    assert response.data[0].b64_json == PNG64
    body = provider.requests[0].body
    assert provider.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert body.count(b'name="image[]"') == (2 if isinstance(image, list) else 1)
    assert body.count(b'name="mask"') == 1
    assert b'name="prompt"\r\n\r\na hat\r\n' in body
    assert body.count(PNG) == (3 if isinstance(image, list) else 2)


def test_a_mask_is_refused_where_there_is_none() -> None:
    with Provider({"data": []}) as provider:
        arguments: dict[str, Any] = {"model": "hosted_vllm/m", "image": PNG, "mask": PNG, "prompt": "a"}
        with pytest.raises(UnsupportedParamsError, match="mask"):
            run(False, "image_edit", provider, **arguments)
        run(False, "image_edit", provider, **arguments, drop_params=True)
    assert b'name="mask"' not in provider.requests[0].body


@pytest.mark.parametrize(
    ("model", "answer", "path"),
    [
        ("stability/inpaint", {"image": PNG64}, "/v2beta/stable-image/edit/inpaint"),
        ("stability/fast", {"image": PNG64}, "/v2beta/stable-image/upscale/fast"),
        (
            "gemini/gemini-2.5-flash-image",
            {"candidates": [{"content": {"parts": image_parts()}}]},
            "/models/gemini-2.5-flash-image:generateContent",
        ),
        (
            "fal_ai/fal-ai/nano-banana",
            {"images": [{"url": f"data:image/png;base64,{PNG64}"}]},
            "/fal-ai/nano-banana/edit",
        ),
        ("recraft/m", {"data": [{"b64_json": PNG64}]}, "/images/imageToImage"),
        ("openai/m", {"data": [{"b64_json": PNG64}]}, "/images/edits"),
    ],
)
def test_edits_in_other_formats(model: str, answer: Any, path: str) -> None:
    with Provider(answer) as provider:
        response = run(False, "image_edit", provider, model=model, image=("i.png", PNG), prompt="a hat")
    assert response.data[0].b64_json == PNG64
    assert provider.asked == [f"POST {path}"]
    assert PNG in provider.requests[0].body or PNG64.encode() in provider.requests[0].body


@both
def test_variations(asynchronous: bool) -> None:
    with Provider({"data": [{"url": "u"}]}, PNG) as provider:
        response = run(asynchronous, "image_variation", provider, model="openai/dall-e-2", image=PNG, n=2)
        enhanced = run(asynchronous, "image_variation", provider, model="topaz/Standard V2", image=PNG)
    assert response.data[0].url == "u"
    assert enhanced.data[0].b64_json == PNG64
    assert provider.asked == ["POST /images/variations", "POST /image/v1/enhance"]
    assert provider.requests[1].headers["x-api-key"] == "key-0123456789"


@both
def test_a_transcription(asynchronous: bool) -> None:
    with Provider(
        {"text": "Hello.", "language": "english", "x_server": 1}, b"1\n00:00 --> 00:01\nHello.\n"
    ) as provider:
        arguments: dict[str, Any] = {"model": "openai/whisper-1", "file": ("a.mp3", b"sound")}
        response = run(
            asynchronous,
            "transcription",
            provider,
            **arguments,
            language="en",
            timestamp_granularities=["word"],
        )
        subtitles = run(asynchronous, "transcription", provider, **arguments, response_format="srt")
    assert type(response) is TranscriptionResponse
    assert (response.text, response.language, hasattr(response, "x_server")) == ("Hello.", "english", False)
    assert subtitles.text.startswith("1\n00:00")
    body = provider.requests[0].body
    for name, value in [
        ("model", "whisper-1"),
        ("language", "en"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
    ]:
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in body
    assert b'filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\nsound\r\n' in body


@pytest.mark.parametrize(
    ("model", "answer", "path", "sent"),
    [
        (
            "deepgram/nova-3",
            {"results": {"channels": [{"alternatives": [{"transcript": "Hello."}]}]}},
            "/listen?model=nova-3&language=en",
            b"sound",
        ),
        ("elevenlabs/scribe_v1", {"text": "Hello.", "words": []}, "/speech-to-text", b'name="model_id"'),
        (
            "gemini/gemini-2.5-flash",
            {"status": "completed", "steps": [{"content": [{"text": "Hello."}]}]},
            "/v1beta/interactions",
            b"en-US",
        ),
        ("groq/whisper-large-v3", {"text": "Hello."}, "/audio/transcriptions", b'name="language"'),
        ("xai/m", {"text": "Hello."}, "/stt", b'name="language"'),
    ],
)
def test_transcriptions_in_other_formats(model: str, answer: Any, path: str, sent: bytes) -> None:
    with Provider(answer) as provider:
        response = run(False, "transcription", provider, model=model, file=("a.wav", b"sound"), language="en")
    assert response.text == "Hello."
    assert provider.asked == [f"POST {path}"]
    assert sent in provider.requests[0].body


@both
@pytest.mark.parametrize("cleaned", [{}, (404, {"message": "gone"})], ids=["cleaned", "gone already"])
def test_soniox_is_uploaded_waited_for_and_deleted(asynchronous: bool, cleaned: Any) -> None:
    replies: list[Any] = [
        {"id": "f"},
        {"id": "t"},
        {"id": "t", "status": "processing"},
        {"id": "t", "status": "completed"},
        {"text": "Hello."},
        cleaned,
        cleaned,
    ]
    with Provider(*replies) as provider:
        response = run(
            asynchronous, "transcription", provider, model="soniox/m", file=("a.wav", b"sound"), language="en"
        )
    assert response.text == "Hello."
    assert provider.asked == [
        "POST /files",
        "POST /transcriptions",
        "GET /transcriptions/t",
        "GET /transcriptions/t",
        "GET /transcriptions/t/transcript",
        "DELETE /transcriptions/t",
        "DELETE /files/f",
    ]
    assert provider.requests[1].json() == {"model": "m", "language_hints": ["en"], "file_id": "f"}


@both
def test_speech(asynchronous: bool, tmp_path: Path) -> None:
    with Provider(b"ID3sound") as provider:
        response = run(
            asynchronous, "speech", provider, model="openai/tts-1", input="Hello.", voice="alloy", speed=2
        )
    assert (response.content, response.content_type) == (b"ID3sound", "audio/mpeg")
    assert response.logging_summary() == {"object": "binary", "content_type": "audio/mpeg", "num_bytes": 8}
    assert list(response.iter_bytes(3)) == [b"ID3", b"sou", b"nd"]
    assert response.hidden_params["custom_llm_provider"] == "openai"
    response.stream_to_file(tmp_path / "a.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == b"ID3sound"
    assert provider.requests[0].json() == {"model": "tts-1", "input": "Hello.", "voice": "alloy", "speed": 2}


@pytest.mark.parametrize(
    ("model", "answer", "path", "voice"),
    [
        ("elevenlabs/eleven_v3", b"sound", "/text-to-speech/21m00Tcm4TlvDq8ikWAM", None),
        ("minimax/speech-2.6-hd", {"data": {"audio": b"sound".hex()}}, "/v1/t2a_v2", "male-qn-qingse"),
        ("mistral/voxtral-tts", {"audio_data": "c291bmQ="}, "/v1/audio/speech", "alloy"),
        ("groq/playai-tts", b"sound", "/audio/speech", "alloy"),
        ("aws_polly/neural", b"sound", "/v1/speech", "Joanna"),
    ],
)
def test_speech_in_other_formats(model: str, answer: Any, path: str, voice: str | None) -> None:
    with Provider(answer) as provider:
        more = {**AWS, "api_key": None} if model.startswith("aws") else {}
        response = run(False, "speech", provider, model=model, input="Hello.", voice="alloy", **more)
    assert response.content == b"sound"
    assert provider.asked == [f"POST {path}"]
    assert voice is None or voice in str(provider.requests[0].json())


@pytest.mark.parametrize(("wanted", "head"), [(None, b"RIFF"), ("wav", b"RIFF"), ("pcm", b"sa")])
def test_gemini_speaks_samples(wanted: str | None, head: bytes) -> None:
    sound = {"mimeType": "audio/L16;codec=pcm;rate=16000", "data": base64.b64encode(b"samples!").decode()}
    with Provider({"candidates": [{"content": {"parts": [{"inlineData": sound}]}}]}) as provider:
        response = run(
            False, "speech", provider, model="gemini/m-tts", input="Hi", voice="echo", response_format=wanted
        )
    assert response.content.startswith(head)
    assert response.content.endswith(b"samples!")
    assert head != b"RIFF" or int.from_bytes(response.content[24:28], "little") == 16000
    assert "Charon" in str(provider.requests[0].json())


@both
def test_runway_begins_a_task_and_fetches_its_output(asynchronous: bool) -> None:
    done = {"id": "t", "status": "SUCCEEDED", "output": ["{origin}/a.mp3"]}
    with Provider({"id": "t"}, {"id": "t", "status": "RUNNING"}, done, b"sound") as provider:
        response = run(asynchronous, "speech", provider, model="runwayml/m", input="Hi", voice="alloy")
    assert response.content == b"sound"
    assert provider.asked == ["POST /text_to_speech", "GET /tasks/t", "GET /tasks/t", "GET /a.mp3"]
    assert provider.requests[0].json()["voice"] == {"type": "runway-preset", "presetId": "Maya"}
    failed = {"id": "t", "status": "FAILED", "failure": "no", "failureCode": "INTERNAL"}
    with Provider({"id": "t"}, failed) as provider, pytest.raises(InternalServerError, match="no"):
        run(asynchronous, "image_generation", provider, model="runwayml/m", prompt="a")


@both
def test_a_moderation(asynchronous: bool) -> None:
    result = {"flagged": True, "categories": {"hate": False, "hate/threatening": True}}
    with Provider({"id": "1", "model": "m", "results": [result]}) as provider:
        response = run(asynchronous, "moderation", provider, input="hi")
    assert response.results[0].flagged
    categories = response.results[0].categories
    assert categories["hate/threatening"] is categories["hate_threatening"] is True
    assert categories["violence"] is None
    assert provider.requests[0].json() == {"model": "omni-moderation-latest", "input": "hi"}


@both
@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequestError), (401, AuthenticationError), (429, RateLimitError)]
)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("embedding", {"model": "voyage/m", "input": "hi"}),
        ("rerank", {"model": "jina_ai/m", "query": "q", "documents": ["a"]}),
        ("image_generation", {"model": "stability/sd3", "prompt": "a"}),
        ("transcription", {"model": "deepgram/m", "file": b"sound"}),
        ("speech", {"model": "elevenlabs/m", "input": "hi", "voice": "v"}),
    ],
)
def test_failures(asynchronous: bool, status: int, error: type, name: str, arguments: Any) -> None:
    failing = Provider((status, {"detail": "not like this"}))
    with failing as provider, pytest.raises(error, match="not like this") as caught:
        run(asynchronous, name, provider, **arguments)
    assert caught.value.llm_provider == arguments["model"].split("/")[0]
    assert "key-0123456789" not in str(caught.value)


def test_a_good_status_with_a_bad_answer() -> None:
    with Provider(
        {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, {"nothing": 1}
    ) as provider:
        with pytest.raises(AuthenticationError, match="login fail"):
            run(False, "speech", provider, model="minimax/m", input="hi", voice="v")
        with pytest.raises(InternalServerError, match="nothing"):
            run(False, "embedding", provider, model="openai/m", input="hi")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("embedding", {"model": "groq/m", "input": "hi"}),
        ("rerank", {"model": "openai/m", "query": "q", "documents": ["a"]}),
        ("image_generation", {"model": "anthropic/m", "prompt": "a"}),
        ("moderation", {"model": "groq/m", "input": "a"}),
    ],
)
def test_what_a_provider_lacks(name: str, arguments: Any) -> None:
    with Provider() as provider:
        with pytest.raises(BadRequestError, match="has no"):
            run(False, name, provider, **arguments)
        assert not provider.requests


@both
def test_mocked_answers(asynchronous: bool) -> None:
    with Provider() as provider:
        vectors = run(asynchronous, "embedding", provider, model="openai/m", input="a", mock_response=VECTOR)
        image = run(
            asynchronous,
            "image_generation",
            provider,
            model="openai/m",
            prompt="a",
            mock_response="http://host/i.png",
        )
        with pytest.raises(RateLimitError):
            run(
                asynchronous,
                "embedding",
                provider,
                model="openai/m",
                input="a",
                mock_response="ferrolite.RateLimitError",
            )
    assert vectors.data[0]["embedding"] == VECTOR
    assert image.data[0].url == "http://host/i.png"
    assert not provider.requests
