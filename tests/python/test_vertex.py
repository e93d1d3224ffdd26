"""Vertex AI: who asks for a token, where, and how often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from _upstream import HELLO, Exchange, Upstream, chat

import ferrolite

ROOT = Path(__file__).resolve().parents[2]
PRIVATE_KEY = (ROOT / "tests" / "fixtures" / "google" / "private-key.pem").read_text()
TOKEN = "ya29.canary-0123456789"
PATH = "/computeMetadata/v1/"
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}


class Google:
    """A token service, a machine's metadata and the models, all on one server."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        """What the next answers of the models say instead of an answer."""

    def __call__(self, exchange: Exchange) -> None:
        path = exchange.request.path
        if path == "/token" or path.endswith("default/token"):
            exchange.json({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})
        elif path.endswith("project-id"):
            exchange.reply(200, b"machine-project")
        elif self.statuses:
            exchange.json({"error": {"message": f"refused {TOKEN}"}}, self.statuses.pop(0))
        else:
            exchange.json(ANSWER if "generateContent" in path else chat("hi"))


def account(upstream: Upstream, **more: Any) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "own-project",
        "client_email": "me@own-project.iam",
        "private_key": PRIVATE_KEY,
        "token_uri": f"{upstream.origin}/token",
        **more,
    }


def call(upstream: Upstream, model: str = "gemini-2.5-flash", **more: Any) -> Any:
    return ferrolite.completion(f"vertex_ai/{model}", HELLO, api_base=upstream.origin, **more)


def asked(upstream: Upstream) -> list[str]:
    return [request.path for request in upstream.requests]


def models(project: str, location: str) -> str:
    return f"/v1/projects/{project}/locations/{location}/publishers/google/models/gemini-2.5-flash:generateContent"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "VERTEXAI_PROJECT",
        "VERTEXAI_LOCATION",
        "VERTEX_LOCATION",
        "VERTEXAI_CREDENTIALS",
        "VERTEXAI_API_BASE",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "GCLOUD_PROJECT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")


def test_credentials_are_a_dict_a_text_or_a_path(tmp_path: Path) -> None:
    with Upstream(Google()) as upstream:
        credentials = account(upstream)
        path = tmp_path / "account.json"
        path.write_text(json.dumps(credentials))
        for given in (credentials, json.dumps(credentials), str(path)):
            assert call(upstream, vertex_credentials=given).choices[0].message.content == "hi"
            request = upstream.requests[-1]
            assert request.path == models("own-project", "us-central1")
            assert request.headers["authorization"] == f"Bearer {TOKEN}"
            assert "vertex" not in request.body.decode()
        assert asked(upstream).count("/token") == 1


def test_keywords_come_before_settings_and_settings_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Upstream(Google()) as upstream:
        monkeypatch.setenv("VERTEXAI_CREDENTIALS", json.dumps(account(upstream)))
        monkeypatch.setenv("VERTEXAI_PROJECT", "env-project")
        monkeypatch.setenv("VERTEXAI_LOCATION", "europe-west4")
        call(upstream)
        assert asked(upstream)[-1] == models("env-project", "europe-west4")
        monkeypatch.setattr(ferrolite, "vertex_project", "module-project")
        monkeypatch.setattr(ferrolite, "vertex_location", "asia-east1")
        call(upstream)
        assert asked(upstream)[-1] == models("module-project", "asia-east1")
        call(upstream, vertex_ai_project="call-project", vertex_ai_location="global")
        assert asked(upstream)[-1] == models("call-project", "global")


def test_a_machine_is_asked_for_its_token_and_its_project(monkeypatch: pytest.MonkeyPatch) -> None:
    with Upstream(Google()) as upstream:
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{upstream.port}")
        for _ in range(2):
            call(upstream)
            assert asked(upstream)[-1] == models("machine-project", "us-central1")
        assert sum(path.startswith(PATH) for path in asked(upstream)) == 2


def test_a_refused_token_is_asked_for_again_and_not_shown() -> None:
    google = Google()
    google.statuses = [401]
    with Upstream(google) as upstream:
        with pytest.raises(ferrolite.AuthenticationError) as caught:
            call(upstream, vertex_credentials=account(upstream))
        assert TOKEN not in str(caught.value)
        call(upstream, vertex_credentials=account(upstream))
        assert asked(upstream).count("/token") == 2


def test_without_credentials_the_error_says_what_to_set() -> None:
    with Upstream(Google()) as upstream:
        with pytest.raises(ferrolite.AuthenticationError, match="GOOGLE_APPLICATION_CREDENTIALS"):
            call(upstream, vertex_project="p")
        with pytest.raises(ferrolite.AuthenticationError, match="GOOGLE_APPLICATION_CREDENTIALS"):
            call(upstream)
        assert upstream.requests == []


def test_a_key_of_another_provider_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ferrolite, "api_key", "sk-of-another-provider")
    with Upstream(Google()) as upstream:
        call(upstream, vertex_credentials=account(upstream))
        assert all("another" not in str(request.headers) for request in upstream.requests)
        call(upstream, api_key="ya29.given", vertex_project="p")
        assert upstream.requests[-1].headers["authorization"] == "Bearer ya29.given"


def test_models_of_others_speak_their_formats() -> None:
    with Upstream(Google()) as upstream:
        more = {"vertex_credentials": account(upstream), "vertex_location": "us-east5"}
        place = "/v1/projects/own-project/locations/us-east5"
        call(upstream, "meta/llama-3.1-405b-instruct-maas", **more)
        assert asked(upstream)[-1] == f"{place}/endpoints/openapi/chat/completions"
        call(upstream, "mistral-small-2503@001", **more)
        assert asked(upstream)[-1] == f"{place}/publishers/mistralai/models/mistral-small-2503@001:rawPredict"


def test_a_mock_needs_no_credentials() -> None:
    reply = ferrolite.completion("vertex_ai/gemini-2.5-flash", HELLO, mock_response="pong")
    assert reply.choices[0].message.content == "pong"
