"""Why answers end, from each provider's own word to the caller's `finish_reason`, as the reference has it.

`tests/facts/finish_reasons.json` has for each family of providers the words and what they become, in whole answers
and in streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from _facts import Group, Outcome, compare, keywords, load
from _replies import TEMPLATES, openai
from _upstream import Exchange, Upstream

import ferrolite

FACTS = load("finish_reasons.json")
MODELS = {
    **load("errors.json")["models"],
    "bedrock#invoke-anthropic": "bedrock/invoke/anthropic.claude-3-haiku-20240307-v1:0",
    "bedrock#invoke-nova": "bedrock/invoke/us.amazon.nova-lite-v1:0",
    "mistral#with_tool_call": "mistral/mistral-small-latest",
    "vertex_ai#gemini": "vertex_ai/gemini-2.0-flash",
}
LEFT_OUT = {"openai#responses_bridge": "chat by way of the Responses interface is not there yet"}

FAILED = "ORT-05, RSN-09: an answer that failed is an error"
CUT = "STR-14: a stream without a finish reason is an error"
CLOSED = "GEN-35: one of OpenAI's five words"
CALLS = "GEN-36: a turn with a tool call ends with tool_calls"
COHERE = "COH-08"

RAISES = "error APIConnectionError|error ServiceUnavailableError|error MidStreamFallbackError"
FAILURES = "error *|abort *|insufficient_system_resource *|network_error *"

DIFFERENCES = [
    Group("cohere_chat|oci#cohere", "ERROR_TOXIC *", "stop", "content_filter", COHERE),
    Group("cohere_chat", "ERROR plain", "stop", "error InternalServerError", COHERE),
    Group("cohere_chat", "TIMEOUT plain", "stop", "error Timeout", COHERE),
    Group("cohere_chat", "ERROR stream|TIMEOUT stream", "stop", "error MidStreamFallbackError", COHERE),
    Group("cohere_chat|bedrock#invoke-cohere", "MAX_TOKENS *", "stop", "length", COHERE),
    Group("cohere_chat|bedrock#invoke-cohere", "TOOL_CALL *", "stop", "tool_calls", COHERE),
    Group("bedrock#invoke-cohere", "ERROR_TOXIC *", "stop", "content_filter", COHERE),
    Group("ollama", "length *", "stop", "length", "OLL-06"),
    Group("groq#with_tool_call", "stop *|(absent) plain", "stop", "tool_calls", CALLS),
    Group("watsonx_text", "not_finished stream", "not_finished", "error MidStreamFallbackError", CUT),
    Group("watsonx_text|anthropic_text", "max_tokens *", "max_tokens", "length", CLOSED),
    Group("watsonx_text", "t*_limit *", "!length", "length", CLOSED),
    Group("watsonx_text|anthropic_text|bedrock#invoke-mistral", "*", "!stop|length", "stop", CLOSED),
    Group("!watsonx_text|cohere_chat|oci#cohere|bedrock#*", FAILURES, "stop", RAISES, FAILED),
    Group("oci#generic", "(absent) plain", "None", "stop", CLOSED),
    Group(
        "!sagemaker_chat|anthropic|vertex_ai#claude|bedrock#*",
        "(absent) stream",
        "stop|tool_calls|None",
        "error MidStreamFallbackError",
        CUT,
    ),
    Group("bedrock#invoke-titan", "CONTENT_FILTERED *", "stop", "content_filter", CLOSED),
    Group(
        "bedrock#invoke-titan|bedrock#invoke-meta|bedrock#invoke-mistral",
        "length *|LENGTH *",
        "stop",
        "length",
        CLOSED,
    ),
    Group(
        "bedrock#invoke-ai21", "length *", "error BadRequestError", "length", "differences.md, AWS Bedrock"
    ),
    Group("bedrock#invoke-ai21", "*", "error BadRequestError", "stop", "differences.md, AWS Bedrock"),
    Group("gigachat", "function_call *", "function_call", "tool_calls", CALLS),
    Group("oci#cohere", "ERROR_LIMIT *", "stop", "length", CLOSED),
    Group("oci#generic", "length *|max_tokens *", "stop", "length", CLOSED),
    Group("oci#generic", "tool_calls *", "stop", "tool_calls", CLOSED),
    Group("oci#generic", "function_call *", "stop", "function_call", CLOSED),
    Group("oci#generic", "content_filter *|sensitive *", "stop", "content_filter", CLOSED),
]


class Fact(NamedTuple):
    family: str
    provider: str
    reason: str
    stream: bool
    there: str

    @property
    def model(self) -> str:
        return FACTS[self.family]["model"] if self.family == self.provider else MODELS[self.provider]

    @property
    def case(self) -> str:
        return f"{self.reason} {'stream' if self.stream else 'plain'}"

    def outcome(self, here: str) -> Outcome:
        return Outcome(self.provider, self.case, self.there, here)


def rows() -> Iterator[Fact]:
    for family, facts in FACTS.items():
        if family in LEFT_OUT:
            continue
        for provider in (family, *facts.get("also", [])):
            for reason, becomes in facts["map"].items():
                both = becomes if isinstance(becomes, dict) else {"plain": becomes, "stream": becomes}
                yield Fact(family, provider, reason, False, str(both["plain"]))
                yield Fact(family, provider, reason, True, str(both["stream"]))


ROWS = list(rows())


class Server:
    """Answers the path that begins with the number of a fact as that fact says."""

    def __init__(self) -> None:
        self.upstream = Upstream(self.answer)

    def answer(self, exchange: Exchange) -> None:
        row = ROWS[int(exchange.request.path[1:].partition("/")[0].partition(":")[0])]
        content_type, body = TEMPLATES.get(row.provider, openai)(row.reason, row.stream)
        exchange.reply(200, body, {"content-type": content_type})

    def call(self, number: int) -> dict[str, Any]:
        row = ROWS[number]
        base = f"{self.upstream.origin}/{number}"
        return keywords(row.provider, row.model, base, stream=row.stream)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("GIGACHAT_ACCESS_TOKEN", "t")
    server = Server()
    with server.upstream:
        yield server


def native_of(choice: Any) -> str | None:
    """The provider's own word: with the choice, or with the last delta of a stream (GEN-37)."""
    fields = getattr(getattr(choice, "delta", choice), "provider_specific_fields", None) or {}
    return fields.get("native_finish_reason")


def ends(choices: list[Any]) -> list[Any]:
    return [choice for choice in choices if choice.finish_reason]


def test_answers_end_as_known(server: Server) -> None:
    def run(number: int) -> tuple[str, str | None]:
        try:
            answer = ferrolite.completion(**server.call(number))
            if not ROWS[number].stream:
                return answer.choices[0].finish_reason, native_of(answer.choices[0])
            [end] = ends([choice for chunk in answer for choice in chunk.choices])
        except Exception as error:
            return f"error {type(error).__name__}", None
        return end.finish_reason, native_of(end)

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(run, range(len(ROWS))))
    wrong = compare((row.outcome(here) for row, (here, _) in zip(ROWS, results, strict=True)), DIFFERENCES)
    for row, (here, native) in zip(ROWS, results, strict=True):
        keeps = "native_kept_as" in FACTS[row.family] and row.reason == "zq_unknown" and "error" not in here
        if native not in (None, row.reason) or (keeps and native is None):
            wrong.append(f"{row.provider} {row.case}: the provider's own word is {native}")
    assert not wrong, f"{len(wrong)} of {len(ROWS)}\n" + "\n".join(wrong)


def test_async_answers_end_the_same(server: Server) -> None:
    async def run(number: int) -> str:
        try:
            answer = await ferrolite.acompletion(**server.call(number))
            if not ROWS[number].stream:
                return answer.choices[0].finish_reason
            [end] = ends([choice async for chunk in answer for choice in chunk.choices])
        except Exception as error:
            return f"error {type(error).__name__}"
        return end.finish_reason

    async def main() -> list[str]:
        return await asyncio.gather(*map(run, range(0, len(ROWS), 5)))

    outcomes = [row.outcome(here) for row, here in zip(ROWS[::5], asyncio.run(main()), strict=True)]
    assert not compare(outcomes, DIFFERENCES, sample=True)
