"""Failures of providers, from the reply of a server to the caller's exception, as the reference has them.

`tests/facts/errors.json` says for each reply what it becomes at which providers: the class, the status and, where
it is not the prefix, the provider that the exception names.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from _facts import Group, Outcome, compare, keywords, load
from _upstream import Exchange, Upstream

import ferrolite

FACTS = load("errors.json")
SHORT = 0.3
"""How long a call waits for a server that says nothing, in seconds."""

TABLE = "ERR, the table of statuses: 403 is a PermissionDeniedError, a failure without a status an APIConnectionError"
BY_STATUS = "ERR, the table of statuses; the reference has one class for most failures of this provider"
STRUCTURED = "ERR-05: codes and statuses before words"
SUBCLASS = "ERR-05: a subclass of BadRequestError, by the error's code or the words of OSS-03"
PROVIDERS_OWN = "differences.md, Errors: the exception's status is the provider's"
FAILED = "OAI-10: an error in a good answer is an error, at every provider"
UNREADABLE = "differences.md, Errors: an answer that cannot be read is one class, at every provider"
HANDLER = "differences.md, Errors: exceptions name the provider, the reference a part of itself"

CLASSES = (
    "BadRequestError 4*|AuthenticationError 401|PaymentRequiredError 402|PermissionDeniedError 403|NotFoundError 404"
    "|Timeout *|RateLimitError 429|InternalServerError 500|BadGatewayError 502|ServiceUnavailableError 503|APIError 5*"
)
WINDOW, POLICY = "ContextWindowExceededError 400", "ContentPolicyViolationError 400"
GOOGLE = "gemini|vertex_ai"

DIFFERENCES = [
    Group("cohere_chat", "*_200", "APIConnectionError 500", "UnprocessableEntityError 422", "COH-09"),
    Group(
        "*",
        "empty_200|text_200|object_200",
        "!InternalServerError 500",
        "InternalServerError 500",
        UNREADABLE,
    ),
    Group("replicate", "error_body_200", "BadRequestError 400", "ServiceUnavailableError 503", FAILED),
    Group(
        "anthropic|bedrock|bedrock#invoke|nlp_cloud|ollama|ollama_chat|predibase|sagemaker|triton|vertex_ai#claude|watsonx|"
        + GOOGLE,
        "error_body_200",
        "*",
        "InternalServerError 500",
        FAILED,
    ),
    Group("*", "error_body_200", "!APIError 422|InternalServerError 500", "APIError 422", FAILED),
    Group("*", "connection_*", "!APIConnectionError 500", "APIConnectionError 500*", TABLE),
    Group("*", "client_timeout", "Timeout 408 as litellm-httpx-handler", "Timeout 408", HANDLER),
    Group("nlp_cloud|watsonx", "client_timeout", "!Timeout *", "Timeout 408", TABLE),
    Group("sagemaker", "context_window|word:inputs*", "ServiceUnavailableError 503", WINDOW, SUBCLASS),
    Group("sagemaker", "!unavailable|*_500|server_error", "ServiceUnavailableError 503", CLASSES, BY_STATUS),
    Group("nlp_cloud|replicate", "*", "APIError 50?", CLASSES, BY_STATUS),
    Group(
        "bedrock_mantle",
        "content_policy*",
        "BadRequestError 400 as bedrock",
        POLICY + " as bedrock",
        SUBCLASS,
    ),
    Group(
        "bedrock_mantle", "context_window*|word:prompt tokens*", WINDOW, WINDOW + " as bedrock", STRUCTURED
    ),
    Group(
        "*",
        "*/content_policy_violation|*/content_filter|*/moderation_blocked",
        "BadRequestError 400",
        POLICY,
        SUBCLASS,
    ),
    Group(
        "!ollama|ollama_chat",
        "context_window*|word:string too*|word:inputs*|word:code*",
        "BadRequestError 400",
        WINDOW,
        SUBCLASS,
    ),
    Group("*", "forbidden|word:*with 403", "APIError 403", "PermissionDeniedError 403", TABLE),
    Group(
        GOOGLE, "forbidden|code:403*|word:API not*", "BadRequestError 40?", "PermissionDeniedError 403", TABLE
    ),
    Group("vertex_ai#claude", "bad_gateway|html_502", "APIConnectionError 500", "BadGatewayError 502", TABLE),
    Group("vertex_ai#claude", "overloaded_529", "APIError 529", "InternalServerError 500", "ANT-40"),
    Group("vertex_ai#claude", "too_large", "BadRequestError 413", "BadRequestError 400", "ANT-40"),
    Group(
        "databricks|predibase|watsonx",
        "unprocessable|failed*",
        "BadRequestError 400",
        "BadRequestError 42?",
        PROVIDERS_OWN,
    ),
    Group("databricks", "word:auth*", "AuthenticationError 400", "BadRequestError 400", STRUCTURED),
    Group("huggingface", "word:valid user*", "BadRequestError 401", "AuthenticationError 401", STRUCTURED),
    Group("cohere_chat", "auth", "AuthenticationError 401 as cohere", "AuthenticationError 401", STRUCTURED),
    Group("cohere_chat", "timeout_408", "Timeout 408 as cohere", "Timeout 408", STRUCTURED),
    Group("cohere_chat", "word:internal*", "*500 as cohere", "InternalServerError 500", STRUCTURED),
    Group("ollama_chat", "word:no such*", "BadRequestError 500 as ollama", "BadRequestError 500", STRUCTURED),
]


class Fact(NamedTuple):
    provider: str
    reply: dict[str, Any]
    there: str


ROWS = [
    Fact(provider, reply, there)
    for reply in FACTS["replies"]
    for there, providers in reply["raises"].items()
    for provider in providers
]


def number_in(path: str) -> int:
    return int(path[1:].partition("/")[0].partition(":")[0])


def named(reply: dict[str, Any]) -> str:
    """The case, and the code of its error."""
    error = reply["body"].get("error") if isinstance(reply.get("body"), dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return f"{reply['case']}/{code}" if isinstance(code, str) else reply["case"]


class Server:
    """Answers the path that begins with the number of a fact as that fact says."""

    def __init__(self) -> None:
        self.upstream = Upstream(self.answer)
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        self.closed = closed  # bound and not listening: connections are refused
        self.refused = f"http://127.0.0.1:{closed.getsockname()[1]}"

    def answer(self, exchange: Exchange) -> None:
        if exchange.request.path.endswith("/oauth/token"):
            exchange.json({"access_token": "t", "expires_in": 3600})
            return
        reply = ROWS[number_in(exchange.request.path)].reply
        status, body = reply["status"], reply.get("body")
        if status == "closed":
            exchange.close()
        elif status == "slow":
            exchange.hang()
        elif isinstance(body, str):
            exchange.reply(status, body.encode(), {"content-type": "text/html", **reply.get("headers", {})})
        else:
            exchange.json(body, status, reply.get("headers"))

    def call(self, number: int) -> dict[str, Any]:
        provider, reply, _ = ROWS[number]
        refused = reply["status"] == "refused"
        base = self.refused if refused else f"{self.upstream.origin}/{number}"
        more = {"timeout": SHORT} if reply["status"] == "slow" else {}
        return keywords(provider, FACTS["models"][provider], base, **more)

    def requests(self) -> Counter[int]:
        """How many requests there were for each fact."""
        paths = (request.path for request in self.upstream.requests)
        return Counter(number_in(path) for path in paths if not path.endswith("/oauth/token"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", "t")
    server = Server()
    with server.upstream:
        yield server
    server.closed.close()


def said(body: Any) -> Iterator[str]:
    """The provider's own words."""
    if isinstance(body, str):
        yield body.strip()
    elif isinstance(body, list):
        for part in body:
            yield from said(part)
    elif isinstance(body, dict):
        for name in ("message", "error", "detail", "errors"):
            yield from said(body.get(name))


def outcome(provider: str, error: Exception | None) -> str:
    """A result in the words of the facts."""
    if error is None:
        return "an answer"
    status, names = getattr(error, "status_code", None), getattr(error, "llm_provider", None)
    named = "" if names == provider.split("#")[0] else f" as {names}"
    return f"{type(error).__name__} {status}{named}"


def test_failures_raise_as_known(server: Server) -> None:
    def run(number: int) -> Exception | None:
        try:
            ferrolite.completion(**server.call(number))
        except Exception as error:
            return error
        return None

    with ThreadPoolExecutor(16) as pool:
        errors = list(pool.map(run, range(len(ROWS))))
    outcomes = [
        Outcome(row.provider, named(row.reply), row.there, outcome(row.provider, error))
        for row, error in zip(ROWS, errors, strict=True)
    ]
    wrong = compare(outcomes, DIFFERENCES)
    requests = server.requests()
    for number, (row, error) in enumerate(zip(ROWS, errors, strict=True)):
        where = f"{row.provider} {row.reply['case']}"
        if requests[number] != (row.reply["status"] != "refused"):
            wrong.append(f"{where}: {requests[number]} requests")
        for words in said(row.reply.get("body")) if error else ():
            if words not in str(error) and json.dumps(words)[1:-1] not in str(error):
                wrong.append(f"{where}: {error} does not say {words!r}")
    assert not wrong, f"{len(wrong)} of {len(ROWS)}\n" + "\n".join(wrong)


def test_async_calls_raise_the_same(server: Server) -> None:
    async def run(number: int) -> str:
        row = ROWS[number]
        try:
            await ferrolite.acompletion(**server.call(number))
        except Exception as error:
            return outcome(row.provider, error)
        return outcome(row.provider, None)

    async def main() -> list[str]:
        return await asyncio.gather(*map(run, range(0, len(ROWS), 7)))

    rows = ROWS[::7]
    outcomes = [
        Outcome(row.provider, named(row.reply), row.there, here)
        for row, here in zip(rows, asyncio.run(main()), strict=True)
    ]
    assert not compare(outcomes, DIFFERENCES, sample=True)
