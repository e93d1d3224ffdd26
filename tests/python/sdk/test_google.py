"""What Gemini is sent fits the types of Google's SDK, at AI Studio and on Vertex AI."""

from __future__ import annotations

from typing import Any

import pytest
from _requests import EVERY, INPUTS, pydantic, requested

import ferrolite

types = pytest.importorskip("google.genai.types")

GEMINI = "gemini-2.5-flash"
VERTEX = {"vertex_project": "p", "vertex_location": "us-central1", "api_key": "ya29.k"}
PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "gemini": ("/v1beta", {}),
    "vertex_ai": ("", VERTEX),
}
PARTS: dict[str, Any] = {
    "contents": list[types.Content],
    "systemInstruction": types.Content,
    "generationConfig": types.GenerationConfig,
    "tools": list[types.Tool],
    "toolConfig": types.ToolConfig,
    "safetySettings": list[types.SafetySetting],
    "labels": dict[str, str],
}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


@pytest.mark.parametrize("provider", PLACES)
@pytest.mark.parametrize("name", EVERY)
def test_chat(provider: str, name: str) -> None:
    path, keywords = PLACES[provider]
    request = requested(ferrolite.completion, f"{provider}/{GEMINI}", path, **{**keywords, **EVERY[name]})
    body = request.json()
    assert "contents" in body
    for key, value in body.items():
        pydantic.TypeAdapter(PARTS[camel(key)]).validate_python(value)
    verb = ":streamGenerateContent?alt=sse" if EVERY[name].get("stream") else ":generateContent"
    assert request.path.endswith(f"/models/{GEMINI}{verb}")


def test_embeddings() -> None:
    model = "gemini-embedding-001"
    request = requested(ferrolite.embedding, f"gemini/{model}", "/v1beta", input=INPUTS, dimensions=9)
    for one, text in zip(request.json()["requests"], INPUTS, strict=True):
        content = types.Content.model_validate(one.pop("content"))
        assert content.parts[0].text == text
        assert one.pop("model") == f"models/{model}"
        types.EmbedContentConfig.model_validate(one)


@pytest.mark.parametrize("provider", PLACES)
def test_images(provider: str) -> None:
    path, keywords = PLACES[provider]
    model = "imagen-4.0-generate-001"
    request = requested(
        ferrolite.image_generation,
        f"{provider}/{model}",
        path,
        prompt="a cat",
        n=2,
        size="1792x1024",
        **keywords,
    )
    body = request.json()
    assert body["instances"] == [{"prompt": "a cat"}]
    parameters = body["parameters"]
    count = parameters.pop("sampleCount")
    config = types.GenerateImagesConfig.model_validate({**parameters, "numberOfImages": count})
    assert (config.number_of_images, config.aspect_ratio) == (2, "16:9")
