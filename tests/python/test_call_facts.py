"""Each call type of each provider, sent to a server on loopback: path, key and body, as they were observed.

`tests/facts/calls.json` says where the reference sends each. The hosts are compared in `tests/rust/providers/calls.rs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from _facts import CREDENTIALS, keywords, load
from _upstream import Exchange, Request, Upstream

import ferrolite
import ferrolite.anthropic_interface.messages

FACTS: dict[str, Any] = load("calls.json")
MARK = "zqmarkzq"
KEY = "sk-test"
PLACES = {
    "region": "us-east-1",
    "location": "us-central1",
    "project": "p",
    "account_id": "t",
    "api_version": "v",
}
PLACES |= {"id": "x", "agent_id": "zqid", "voice_id": "21m00Tcm4TlvDq8ikWAM"}
FILE = ("a.mp3", MARK.encode())
IMAGE = ("a.png", MARK.encode())
IN_BASE64 = "enFtYXJrenE"
MESSAGES = [{"role": "user", "content": MARK}]

CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "chat": (ferrolite.completion, {"messages": MESSAGES}),
    "embedding": (ferrolite.embedding, {"input": [MARK]}),
    "image_edit": (ferrolite.image_edit, {"prompt": MARK, "image": IMAGE}),
    "image_generation": (ferrolite.image_generation, {"prompt": MARK}),
    "image_variation": (ferrolite.image_variation, {"image": IMAGE}),
    "messages": (
        ferrolite.anthropic_interface.messages.create,
        {"messages": MESSAGES, "max_tokens": 9},
    ),
    "moderation": (ferrolite.moderation, {"input": MARK}),
    "rerank": (ferrolite.rerank, {"query": MARK, "documents": ["a", "b"]}),
    "responses": (ferrolite.responses, {"input": MARK}),
    "speech": (ferrolite.speech, {"input": MARK, "voice": "alloy"}),
    "text_completion": (ferrolite.text_completion, {"prompt": MARK}),
    "transcription": (ferrolite.transcription, {"file": FILE}),
}
# A model that tells its format by its name, where one has to.
MODELS = {
    ("aws_polly", "speech"): "neural",
    ("bedrock", "embedding"): "amazon.titan-embed-text-v2:0",
    ("bedrock", "image_edit"): "amazon.nova-canvas-v1:0",
    ("bedrock", "image_generation"): "amazon.nova-canvas-v1:0",
    ("bedrock", "rerank"): "cohere.rerank-v3-5:0",
    ("gemini", "image_generation"): "imagen-4.0-generate-001",
    ("vertex_ai", "embedding"): "text-embedding-005",
    ("vertex_ai", "image_edit"): "gemini-2.5-flash-image",
    ("vertex_ai", "image_generation"): "imagen-4.0-generate-001",
    ("fal_ai", "image_edit"): "owner/model",
    ("openai", "text_completion"): "gpt-3.5-turbo-instruct",
    ("stability", "image_edit"): "conservative",
    ("stability", "image_generation"): "core",
}


AWS = CREDENTIALS["bedrock"]
OWN: dict[str, dict[str, Any]] = {
    "aws_polly": {**AWS, "api_key": None},
    "gdc": {"vertex_project": "p", "vertex_location": "us-central1"},
    "sagemaker_nova": {**AWS, "api_key": None},
}
"""Keywords that a call cannot do without."""
NAMELESS = {
    "a2a": "the address is the agent's",
    "clarifai": "a name becomes an address",
    "ragflow": "the last part of a name is the model",
    "soniox": "the second request names it",
}
"""Providers whose request does not name the model, and why."""
OWN_HOST = "the path depends on the host, which is none of the provider's here"
OF_MODEL = "the model that was observed is another's"
ELSEWHERE = "the token is asked for at a fixed address"
DIFFERENT = {
    ("azure_ai", "chat"): OWN_HOST,
    ("azure_ai", "embedding"): OWN_HOST,
    ("azure_ai", "messages"): OWN_HOST,
    ("azure_ai", "rerank"): "as a bearer, which the reference sends there, too",
    ("azure_ai", "responses"): OF_MODEL,
    ("azure_ai", "text_completion"): OWN_HOST,
    ("databricks", "responses"): OF_MODEL,
    ("fal_ai", "image_generation"): "the whole name is the path; `openai` was part of the observed one",
    ("gigachat", "*"): ELSEWHERE,
    ("github_copilot", "*"): ELSEWHERE,
    ("huggingface", "*"): OWN_HOST,
    ("microsoft_365_copilot", "*"): "a conversation is opened first",
    ("sap", "*"): ELSEWHERE,
    ("tencent", "messages"): "the key is where Anthropic has it, as the reference sends it, too",
    ("vertex_ai_beta", "speech"): "a voice, not a model, as the fact of vertex_ai says",
}
"""Calls that are sent otherwise than the facts say, and why."""


def cases() -> Iterator[Any]:
    for provider, facts in FACTS.items():
        for name, call in facts.get("calls", {}).items():
            known = facts["calls"]["chat"] if call.get("via") == "chat" else call
            if "path" in known and name in CALLS and (provider, "*") not in DIFFERENT:
                yield pytest.param(provider, name, known, id=f"{provider}-{name}")


@pytest.mark.parametrize(("provider", "name", "known"), list(cases()))
def test_a_call_is_sent_as_it_was_observed(
    upstream: Upstream, provider: str, name: str, known: dict[str, Any]
) -> None:
    facts = FACTS[provider]
    model = MODELS.get((provider, name)) or facts.get("model") or "zqmodel"
    base = urlsplit(filled(facts.get("base") or "", model)).path.rstrip("/")
    call = keywords(provider.removesuffix("_beta"), f"{provider}/{model}", upstream.origin + base)
    call |= OWN.get(provider, {})
    call = {key: value for key, value in call.items() if key != "messages" and value is not None}
    function, more = CALLS[name]
    with pytest.raises(ferrolite.exceptions.BadRequestError) as raised:
        function(**call, **more)
    if known.get("undocumented") and not upstream.requests:
        assert "has no" in str(raised.value)
        return
    request = sent(upstream)
    wrong = list(differences(request, provider, name, known, model, base, call))
    if (provider, name) in DIFFERENT:
        assert wrong, "differs no more"
    else:
        assert not wrong


def differences(
    request: Request,
    provider: str,
    name: str,
    known: dict[str, Any],
    model: str,
    base: str,
    call: dict[str, Any],
) -> Iterator[str]:
    path = urlsplit(request.path).path
    expected = base + filled(known["path"], model)
    # A base may reach further down here: whole addresses are compared in Rust.
    if not expected.rstrip("/").endswith(path.rstrip("/")):
        yield f"path {path} instead of {expected}"
    if request.method != known["method"]:
        yield f"method {request.method}"
    if not is_proven(FACTS[provider]["auth"], request, call):
        yield f"proof {request.headers} instead of {FACTS[provider]['auth']}"
    text = request.body.decode("latin-1")
    if MARK not in text and IN_BASE64 not in text:
        yield f"body {text}"
    if not (NAMELESS.get(provider) or model in text or model in request.path.replace("%3A", ":")):
        yield f"no model in {request.path} and {text}"
    if known.get("body") == "multipart" and not request.headers["content-type"].startswith("multipart/"):
        yield "no form"


def sent(upstream: Upstream) -> Request:
    """The first request that is no question for a token."""
    return next(request for request in upstream.requests if "token" not in request.path)


def filled(text: str, model: str) -> str:
    for name, value in {**PLACES, "model": model.replace(":", "%3A")}.items():
        text = text.replace("{" + name + "}", value)
    return text


def is_proven(auth: dict[str, str], request: Request, call: dict[str, Any]) -> bool:
    found = request.headers.get(auth.get("header", "authorization").lower())
    key = call.get("token") or call.get("api_key", KEY).removeprefix("pat/")
    match auth["style"]:
        case "sigv4":
            return (found or "").startswith("AWS4-HMAC-SHA256 ")
        case "http-signature":
            return (found or "").startswith("Signature ")
        case "none":
            return found is None
    value = auth["value"]
    for name in ("{key}", "{token}", "{access_token}"):
        value = value.replace(name, KEY if provider_grants(call) else key)
    return found == value


def provider_grants(call: dict[str, Any]) -> bool:
    """The token is the test server's."""
    return call["model"].startswith("sap/")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    def answer(exchange: Exchange) -> None:
        if "token" in exchange.request.path:
            exchange.json({"access_token": KEY, "expires_in": 3600, "token": KEY, "expires_at": 9e9})
        else:
            exchange.json({"error": {"message": "no"}}, status=400)

    with Upstream(answer) as server:
        yield server
