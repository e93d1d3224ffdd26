"""What Cohere is sent fits the signatures and types of its SDK."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import pytest
from _requests import EVERY, INPUTS, RANKING, checked, requested

import ferrolite

client = pytest.importorskip("cohere.v2.client").V2Client

# Requests that Cohere has no place for.
LACKING = {"tool_named": "a choice of one tool", "media": "files"}


def check(method: Callable[..., Any], body: dict[str, Any]) -> None:
    hints = typing.get_type_hints(method)
    for name, value in body.items():
        if name == "stream":
            continue  # said by the name of the method
        assert name in hints, f"{name} is no parameter of the SDK"
        checked(hints[name], value)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in LACKING])
def test_chat(name: str) -> None:
    keywords = EVERY[name]
    model = "command-a-reasoning-08-2025" if name == "thinking" else "command-a-03-2025"
    request = requested(
        ferrolite.completion, f"cohere_chat/{model}", "/v2/chat", **keywords, drop_params=True
    )
    body = request.json()
    assert body.get("stream", False) is keywords.get("stream", False)
    check(client.chat_stream if keywords.get("stream") else client.chat, body)
    assert request.path == "/v2/chat"


@pytest.mark.parametrize("name", LACKING)
def test_what_has_no_place_is_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(ferrolite.exceptions.BadRequestError):
        ferrolite.completion(
            "cohere_chat/command-a-03-2025", api_key="k", api_base="http://127.0.0.1:1", **EVERY[name]
        )


def test_embeddings() -> None:
    request = requested(ferrolite.embedding, "cohere/embed-v4.0", "/v2/embed", input=INPUTS, dimensions=512)
    check(client.embed, request.json())


def test_rankings() -> None:
    request = requested(ferrolite.rerank, "cohere/rerank-v3.5", "/v2/rerank", **RANKING)
    body = request.json()
    # Of the first version; the second is told in vain.
    assert body.pop("return_documents") is True
    check(client.rerank, body)
