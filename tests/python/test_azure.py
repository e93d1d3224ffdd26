"""AZ-10: tokens of Entra ID, asked for at a directory on loopback."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from _upstream import HELLO, Exchange, Upstream, chat

import ferrolite

SECRET = "canary-secret-0123456789"
CLIENT: dict[str, Any] = {"tenant_id": "t", "client_id": "c", "client_secret": SECRET}


class Azure(Upstream):
    """A deployment and the directory beside it, whose answers are those of `replies`, and good after that."""

    def __init__(self, *replies: tuple[int, dict[str, Any]]) -> None:
        super().__init__(self.respond)
        self.replies = list(replies)
        self.asked: list[dict[str, list[str]]] = []
        self.tokens: list[str | None] = []

    def respond(self, exchange: Exchange) -> None:
        request = exchange.request
        if "token" in request.path:
            self.asked.append(parse_qs(request.body.decode() or request.path.partition("?")[2]))
            good = {"access_token": f"token-{len(self.asked)}-0123456789", "expires_in": 3600}
            status, body = self.replies.pop(0) if self.replies else (200, good)
            exchange.json(body, status)
            return
        self.tokens.append(request.headers.get("authorization"))
        exchange.json(chat("hi"))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "AD_TOKEN", "TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "OPENAI_API_KEY"):
        monkeypatch.delenv(f"AZURE_{name}", raising=False)


def call(azure: Azure, **more: Any) -> Any:
    return ferrolite.completion("azure/dep", HELLO, api_base=azure.origin, **more)


def test_az_10_a_client_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Azure() as azure:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.origin)
        for _ in range(3):
            call(azure, **CLIENT)
        assert azure.requests[0].path == "/t/oauth2/v2.0/token"
        assert azure.asked == [
            {
                "client_id": ["c"],
                "scope": ["https://cognitiveservices.azure.com/.default"],
                "grant_type": ["client_credentials"],
                "client_secret": [SECRET],
            }
        ]
        assert azure.tokens == ["Bearer token-1-0123456789"] * 3


def test_az_10_many_at_once_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Azure() as azure:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.origin)

        async def many() -> None:
            calls = (
                ferrolite.acompletion("azure/dep", HELLO, api_base=azure.origin, **CLIENT) for _ in range(20)
            )
            await asyncio.gather(*calls)

        asyncio.run(many())
        assert len(azure.asked) == 1


def test_az_10_a_refusal_names_its_reason_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = {"error": "invalid_client", "error_description": f"AADSTS7000215: not {SECRET}"}
    with Azure((401, refusal)) as azure:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.origin)
        with pytest.raises(ferrolite.AuthenticationError) as raised:
            call(azure, **CLIENT)
        assert "AADSTS7000215" in str(raised.value)
        assert SECRET not in repr(raised.value.__dict__)
        assert azure.tokens == []
        call(azure, **CLIENT)  # nothing of it is kept
        assert azure.tokens == ["Bearer token-2-0123456789"]


def test_az_10_a_token_that_is_refused_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with Azure() as azure:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.origin)
        call(azure, **CLIENT)
        respond = azure.answer

        def refuse(exchange: Exchange) -> None:
            token = exchange.request.headers.get("authorization")
            exchange.json({"error": {"code": "401", "message": f"no {token}"}}, 401)

        azure.answer = refuse
        with pytest.raises(ferrolite.AuthenticationError) as raised:
            call(azure, **CLIENT)
        assert "token-1-0123456789" not in str(raised.value)
        azure.answer = respond
        call(azure, **CLIENT)
        assert azure.tokens[-1] == "Bearer token-2-0123456789"


def test_az_10_users_pods_and_apps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Azure() as azure:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.origin)
        call(azure, azure_username="u", azure_password="p-0123456789", client_id="c")
        assert azure.asked[-1]["grant_type"] == ["password"]
        assert azure.requests[-2].path == "/organizations/oauth2/v2.0/token"

        file = tmp_path / "token"
        file.write_text("jwt-of-the-pod\n")
        monkeypatch.setenv("AZURE_TENANT_ID", "t2")
        monkeypatch.setenv("AZURE_CLIENT_ID", "c2")
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
        call(azure)
        assert azure.asked[-1]["client_assertion"] == ["jwt-of-the-pod"]
        monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE")

        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.origin}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "proof")
        call(azure)
        asked = azure.requests[-2]
        assert (asked.method, asked.headers["x-identity-header"]) == ("GET", "proof")
        assert azure.asked[-1]["resource"] == ["https://cognitiveservices.azure.com"]
        assert azure.tokens[-1] == f"Bearer token-{len(azure.asked)}-0123456789"


def test_az_10_a_machine_is_asked_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with Azure() as azure:
        with pytest.raises(ferrolite.AuthenticationError):
            call(azure)
        monkeypatch.setattr(ferrolite, "enable_azure_ad_token_refresh", True, raising=False)
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.origin)
        call(azure)
        asked = azure.requests[0]
        assert asked.path.startswith("/metadata/identity/oauth2/token?")
        assert asked.headers["metadata"] == "true"


def test_az_10_a_token_of_the_callers_provider() -> None:
    with Azure() as azure:
        call(azure, azure_ad_token_provider=lambda: "of-a-function")
        assert azure.tokens == ["Bearer of-a-function"]

        async def token() -> str:
            return "of-a-coroutine"

        provided = {"azure_ad_token_provider": token}
        asyncio.run(ferrolite.acompletion("azure/dep", HELLO, api_base=azure.origin, **provided))  # pyright: ignore[reportArgumentType]
        assert azure.tokens[-1] == "Bearer of-a-coroutine"


def test_az_10_streams_carry_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    from _upstream import text_events

    with Azure() as azure:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.origin)
        respond = azure.answer

        def stream(exchange: Exchange) -> None:
            if "token" in exchange.request.path:
                respond(exchange)
            else:
                azure.tokens.append(exchange.request.headers.get("authorization"))
                exchange.stream(text_events("hi"))

        azure.answer = stream
        chunks = list(call(azure, stream=True, **CLIENT))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "hi"
        assert azure.tokens == ["Bearer token-1-0123456789"]


def test_az_08_filter_results_are_on_the_error() -> None:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}
    error = {"code": "content_filter", "message": "filtered", "innererror": inner}
    with Upstream(lambda exchange: exchange.json({"error": error}, 400)) as azure:
        with pytest.raises(ferrolite.ContentPolicyViolationError) as raised:
            ferrolite.completion("azure/dep", HELLO, api_base=azure.origin, api_key="k")
        fields = raised.value.provider_specific_fields
        assert fields == {"innererror": inner, "inner_error": inner, "azure_error": error}
