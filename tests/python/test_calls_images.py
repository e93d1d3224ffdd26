"""Images that are made, changed and varied, from the public function to the wire and back."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from _provider import AWS, PNG, PNG64, Provider, both, run

import ferrolite
from ferrolite.exceptions import BadGatewayError, ContentPolicyViolationError, UnsupportedParamsError
from ferrolite.types.utils import ImageResponse


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
