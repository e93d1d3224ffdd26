"""Calls other than chat, from the public function to the wire and back: vectors, rankings, moderations, failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from _provider import AWS, PNG64, VECTOR, Provider, both, run

from ferrolite.exceptions import AuthenticationError, BadRequestError, InternalServerError, RateLimitError
from ferrolite.types.utils import EmbeddingResponse, RerankResponse


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


@both
def test_sap_embeds_at_its_deployment(asynchronous: bool) -> None:
    deployment = {
        "id": "d1",
        "status": "RUNNING",
        "scenarioId": "orchestration",
        "createdAt": "2025-01-01",
    }
    vectors = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}]}
    final = {"final_result": {**vectors, "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}}}
    with Provider(
        {"access_token": "token", "expires_in": 3600}, {"resources": [deployment]}, final
    ) as provider:
        key = {"clientid": f"c-{asynchronous}", "clientsecret": "secret-one", "url": provider.origin}
        response = run(
            asynchronous,
            "embedding",
            provider,
            model="sap/text-embedding-3-small",
            input=["a", "b"],
            dimensions=2,
            input_type="document",
            api_key=json.dumps(key),
        )
    assert provider.asked == [
        "POST /oauth/token",
        "GET /v2/lm/deployments",
        "POST /v2/inference/deployments/d1/v2/embeddings",
    ]
    model = {"name": "text-embedding-3-small", "version": "latest", "params": {"dimensions": 2}}
    assert provider.requests[2].json() == {
        "config": {"modules": {"embeddings": {"model": model}}},
        "input": {"text": ["a", "b"], "type": "document"},
    }
    assert provider.requests[2].headers["ai-resource-group"] == "default"
    assert (response.data[0]["embedding"], response.usage.prompt_tokens) == (VECTOR, 3)
