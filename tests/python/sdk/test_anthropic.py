"""What Claude is sent fits the types of Anthropic's SDK: at Anthropic, on Vertex AI and on Bedrock."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from _requests import EVERY, adapter, requested, sent

import ferrolite

CLAUDE = "claude-sonnet-4-5"
# Names that the API takes from models of before and that the newest SDKs do not list any more.
OLDER_NAMES = {"output_format", "temperature", "top_k", "top_p"}
VERTEX = {"vertex_project": "p", "vertex_location": "us-east5", "api_key": "ya29.k"}
AWS = {
    "aws_access_key_id": "a",
    "aws_secret_access_key": "b",
    "aws_region_name": "us-east-1",
    "api_key": None,
}


def check(body: dict[str, Any], *more: str) -> None:
    types = pytest.importorskip("anthropic.types")
    beta = pytest.importorskip("anthropic.types.beta")
    known: set[str] = set()
    for kind in (types.message_create_params, beta.message_create_params):
        kind = (
            kind.MessageCreateParamsStreaming if body.get("stream") else kind.MessageCreateParamsNonStreaming
        )
        known |= set(adapter(kind).validate_python(body))
    assert set(body) - known <= OLDER_NAMES | set(more), "no key that the SDK does not know"


@pytest.mark.parametrize("name", EVERY)
def test_anthropic(name: str) -> None:
    check(sent(f"anthropic/{CLAUDE}", **EVERY[name]))


@pytest.mark.parametrize("name", EVERY)
def test_on_vertex(name: str) -> None:
    request = requested(ferrolite.completion, f"vertex_ai/{CLAUDE}", **{**VERTEX, **EVERY[name]})
    body = request.json()
    assert body.pop("anthropic_version") == "vertex-2023-10-16"
    assert "model" not in body
    check({**body, "model": CLAUDE}, "anthropic_beta")
    verb = "streamRawPredict" if body.get("stream") else "rawPredict"
    assert urlsplit(request.path).path.endswith(f"/publishers/anthropic/models/{CLAUDE}:{verb}")


@pytest.mark.parametrize("name", EVERY)
def test_on_bedrock(name: str) -> None:
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    request = requested(ferrolite.completion, f"bedrock/invoke/{model}", **{**AWS, **EVERY[name]})
    body = request.json()
    assert body.pop("anthropic_version") == "bedrock-2023-05-31"
    # Both are said by the address.
    assert "model" not in body
    assert "stream" not in body
    check({**body, "model": model}, "anthropic_beta")
    verb = "invoke-with-response-stream" if EVERY[name].get("stream") else "invoke"
    assert request.path == f"/model/{model.replace(':', '%3A')}/{verb}"
