"""Which models a provider says it has."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from _provider import Provider

import ferrolite


def ask(provider: Provider, name: str, **more: Any) -> list[str]:
    return ferrolite.get_valid_models(
        check_provider_endpoint=True,
        custom_llm_provider=name,
        api_key="key-0123456789",
        api_base=provider.origin,
        **more,
    )


@pytest.mark.parametrize(
    ("name", "replies", "found", "asked"),
    [
        ("openai", [{"data": [{"id": "m1"}, {"id": "m2"}]}], ["m1", "m2"], ["GET /models"]),
        ("xai", [{"data": [{"id": "m1"}]}], ["xai/m1"], ["GET /models"]),
        ("openrouter", [{"data": [{"id": "a/m1"}]}], ["openrouter/a/m1"], ["GET /models/user"]),
        (
            "anthropic",
            [
                {"data": [{"id": "c1"}], "has_more": True, "last_id": "c1"},
                {"data": [{"id": "c2"}], "has_more": False, "last_id": "c2"},
            ],
            ["anthropic/c1", "anthropic/c2"],
            ["GET /v1/models?limit=1000", "GET /v1/models?after_id=c1&limit=1000"],
        ),
        (
            "gemini",
            [{"models": [{"name": "models/g1"}], "nextPageToken": "t"}, {"models": [{"name": "models/g2"}]}],
            ["gemini/g1", "gemini/g2"],
            ["GET /models?pageSize=1000", "GET /models?pageToken=t&pageSize=1000"],
        ),
        ("ollama", [{"models": [{"name": "qwen3:8b"}]}], ["ollama/qwen3:8b"], ["GET /api/tags"]),
    ],
)
def test_a_provider_is_asked(name: str, replies: list[Any], found: list[str], asked: list[str]) -> None:
    with Provider(*replies) as provider:
        assert ask(provider, name) == found
    assert sorted(map(sorted, provider.asked)) == sorted(map(sorted, asked))
    assert any("key-0123456789" in value for value in provider.requests[0].headers.values())


def test_who_cannot_be_asked_has_the_listed_models() -> None:
    with Provider() as provider:
        assert ask(provider, "cohere") == ferrolite.get_valid_models(custom_llm_provider="cohere")
    assert provider.requests == []


def test_a_provider_that_fails_has_none(caplog: pytest.LogCaptureFixture) -> None:
    with (
        Provider((401, {"error": {"message": "bad key"}})) as provider,
        caplog.at_level(logging.WARNING, logger="LiteLLM"),
    ):
        assert ask(provider, "openai", litellm_params={"max_retries": 0}) == []
    assert "bad key" in caplog.text
    assert "key-0123456789" not in caplog.text


def test_a_list_that_never_ends_is_not_read_for_ever() -> None:
    page = {"data": [{"id": "c1"}], "has_more": True, "last_id": "c1"}
    with Provider(*[page] * 5) as provider:
        assert ask(provider, "anthropic") == ["anthropic/c1"] * 2
    assert len(provider.requests) == 2
