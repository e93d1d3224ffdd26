"""Odd methods, bodies, headers and queries for every path of the gateway: never a 5xx, a panic or a hang.

Seeded: the same requests each time. FERROLITE_ODD_REQUESTS is how many, FERROLITE_ODD_SEED where they begin.
"""

from __future__ import annotations

import http.client
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from _gateway import HI, KEY, Command, ask, connect, model, written

from ferrolite.testing import MockServer

COUNT = int(os.environ.get("FERROLITE_ODD_REQUESTS", "3000"))
SEED = int(os.environ.get("FERROLITE_ODD_SEED", "1"))
METHODS = ["GET", "POST", "POST", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"]
WORDS = [
    "gpt-4o",
    "claude",
    "gemini",
    "gemini:generateContent",
    "claude:streamGenerateContent",
    "gpt-4o:countTokens",
]
WORDS += [
    "a/b",
    "..",
    "%00",
    "%ff",
    "%2e%2e%2f",
    "resp_1",
    "é",
    "x" * 300,
    "",
    ":",
    "{",
    "gpt-4o/chat/completions",
]
SCALARS: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    1e308,
    2**63,
    2**64,
    10**30,
    0.1,
    "",
    "Hi",
    "gpt-4o",
    "claude",
]
SCALARS += [
    "\0",
    "\ud83d\ude00",
    "x" * 5000,
    "user",
    "system",
    "tool",
    "data:image/png;base64,AAAA",
    "auto",
    "text",
]
NAMES = [
    "model",
    "messages",
    "stream",
    "max_tokens",
    "temperature",
    "n",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
    "role",
    "content",
    "type",
    "text",
    "function",
    "name",
    "parameters",
    "input",
    "prompt",
    "contents",
    "parts",
    "generationConfig",
    "systemInstruction",
    "encoding_format",
    "dimensions",
    "voice",
    "instructions",
    "previous_response_id",
    "metadata",
    "tags",
    "cache",
    "user",
    "stream_options",
    "include_usage",
    "logprobs",
    "top_logprobs",
    "query",
    "documents",
    "top_n",
    "file",
    "purpose",
    "input_file_id",
    "endpoint",
    "completion_window",
    "id",
    "limit",
    "after",
    "tool_calls",
    "tool_call_id",
    "arguments",
    "image_url",
    "url",
    "input_audio",
    "thinking",
    "budget_tokens",
    "system",
    "fallbacks",
    "num_retries",
    "timeout",
    "mock_response",
    "reasoning_effort",
    "requests",
    "model_name",
    "litellm_params",
    "functions",
    "audio",
    "modalities",
]


def value(chance: random.Random, depth: int = 0) -> Any:
    """Any JSON value, of names and texts that mean something."""
    kind = chance.random()
    if depth > 4 or kind < 0.45:
        return chance.choice(SCALARS)
    if kind < 0.65:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(NAMES): value(chance, depth + 1) for _ in range(chance.randrange(6))}


def spoiled(chance: random.Random, whole: Any) -> Any:
    """A good body with one thing in it replaced, added or taken away."""
    whole = json.loads(json.dumps(whole))
    place = whole
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        deeper = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
        if not deeper or chance.random() < 0.4:
            break
        place = place[chance.choice(deeper)]
    if isinstance(place, dict) and (not keys or chance.random() < 0.5):
        place[chance.choice(NAMES)] = value(chance, 2)
    elif chance.random() < 0.3:
        del place[chance.choice(keys)]
    else:
        place[chance.choice(keys)] = value(chance, 2)
    return whole


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
GOOD: list[Any] = [
    {"model": "gpt-4o", "messages": HI},
    {"model": "claude", "messages": HI, "max_tokens": 9, "stream": True},
    {"model": "gemini", "messages": HI, "tools": [TOOL], "tool_choice": "auto"},
    {
        "model": "claude",
        "messages": [
            *HI,
            {
                "role": "assistant",
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "12"}]},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}}],
            },
        ],
    },
    {"model": "gpt-4o", "max_tokens": 5, "messages": HI, "system": [{"type": "text", "text": "x"}]},
    {"model": "claude", "input": "Hi"},
    {
        "model": "gemini",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "stream": True,
    },
    {
        "contents": [
            {
                "role": "user",
                "parts": [{"text": "Hi"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
            }
        ]
    },
    {
        "contents": [{"parts": [{"functionCall": {"name": "f", "args": {}}}]}],
        "generationConfig": {"temperature": 1},
    },
    {"requests": [{"content": {"parts": [{"text": "a"}]}}]},
    {"model": "embed", "input": ["a", [1, 2]]},
    {"model": "gpt-4o", "prompt": ["a", "b"], "echo": True, "stream": True},
    {"model": "gpt-4o", "text": "x", "query": "q", "documents": ["a", {"text": "b"}]},
    {"model_name": "new", "litellm_params": {"model": "openai/x", "api_base": "http://127.0.0.1:1"}},
]


def body(chance: random.Random) -> tuple[bytes | None, str]:
    """A body and its content type."""
    kind = chance.random()
    if kind < 0.1:
        return None, "application/json"
    if kind < 0.2:
        junk = bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
        return junk, chance.choice(["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
    if kind < 0.35:
        pieces = [
            f'--x\r\ncontent-disposition: form-data; name="{name}"{chance.choice(["", chr(59) + " filename=a.jsonl"])}'
            f"\r\n\r\n{chance.choice(['gpt-4o', '1', '{}', 'é', ''])}\r\n"
            for name in chance.choices(
                ["file", "model", "purpose", "a[]", "a[b]", "[", "prompt", "image"], k=3
            )
        ]
        end = chance.choice(["--x--\r\n", "", "--x"])
        return ("".join(pieces) + end).encode(), "multipart/form-data; boundary=x"
    made = value(chance) if kind < 0.45 else spoiled(chance, chance.choice(GOOD))
    if kind > 0.6 and isinstance(made, dict):
        made["model"] = chance.choice(["gpt-4o", "claude", "gemini", "embed"])
    if kind > 0.75 and isinstance(made, dict):
        made = spoiled(chance, spoiled(chance, made))
    data = json.dumps(made).encode()
    return data[: chance.randrange(len(data) + 1)] if kind > 0.95 else data, "application/json"


def filled(chance: random.Random, chosen: str) -> str:
    """A path of the document, its parts filled in; sometimes one that is not there."""
    while "{" in chosen:
        before, _, rest = chosen.partition("{")
        word = chance.choice(WORDS)
        chosen = before + (word if word.startswith("%") else quote(word, safe="/:")) + rest.partition("}")[2]
    if chance.random() < 0.1:
        chosen += chance.choice(["/", "//", "/x", "%20", "/../.."])
    if chance.random() < 0.2:
        queries = [
            "key=",
            "alt=sse",
            "limit=-1&after=x",
            "a=%ff&b=%",
            "model=gpt-4o",
            "&&&",
            "x[]=1&x[y]=2&x=3",
            "api-version=1",
        ]
        chosen += "?" + chance.choice(queries)
    return chosen


HEADERS = [
    ("x-litellm-call-id", "x" * 500),
    ("x-litellm-call-id", "\xff"),
    ("x-litellm-timeout", "soon"),
    ("x-litellm-num-retries", "-1"),
    ("x-litellm-tags", ",,a,"),
    ("anthropic-beta", "\xe9"),
    ("anthropic-version", "2023-06-01"),
    ("x-goog-api-key", ""),
    ("accept", "text/event-stream"),
    ("content-encoding", "gzip"),
    ("expect", "100-continue"),
    ("custom-llm-provider", "nowhere"),
    ("traceparent", "00-zz"),
]


def test_odd_requests(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with MockServer() as mock:
        url = f"{mock.base_url}/v1"
        models = [
            model("gpt-4o", "openai/gpt-4o", url),
            model("claude", "anthropic/claude-sonnet-4-5", mock.base_url),
            model("gemini", "gemini/gemini-2.5-flash", mock.base_url),
            model("embed", "openai/text-embedding-3-small", url),
        ]
        settings = {"num_retries": 0, "timeout": 5, "disable_cooldowns": True}
        config = written(tmp_path, models, router_settings=settings)
        # What is about an account is a mock's, too.
        variables = {"OPENAI_API_BASE": url, "OPENAI_API_KEY": "x"}
        with Command("--config", str(config), "--port", "0", cwd=tmp_path, variables=variables) as command:
            base = command.wait_ready()
            paths = ask(base, "/openapi.json").json()["paths"]
            # What is passed on to providers leaves the machine.
            own = {path: entry for path, entry in paths.items() if "patch" not in entry}
            known = [(path, method.upper()) for path, entry in own.items() for method in entry]
            # What reads a body has more to go wrong in.
            known += [(path, method) for path, method in known if method == "POST"] * 3
            connection = connect(base)
            statuses: Counter[int] = Counter()
            for number in range(COUNT):
                pattern, method = chance.choice(known)
                method = chance.choice(METHODS) if chance.random() < 0.1 else method
                target = filled(chance, pattern)
                data, content_type = body(chance) if method not in ("GET", "HEAD", "TRACE") else (None, "")
                headers = {"authorization": f"Bearer {KEY}"} if chance.random() < 0.95 else {}
                headers |= {"content-type": content_type} if content_type else {}
                headers |= dict(chance.choices(HEADERS, k=chance.randrange(3)))
                shown = f"request {number} of seed {SEED}: {method} {target[:200]} {headers} {(data or b'')[:1000]!r}"
                try:
                    connection.request(method, target, data, headers)
                    answer = connection.getresponse()
                    text = answer.read()
                except (http.client.HTTPException, OSError) as error:
                    connection.close()
                    if isinstance(error, TimeoutError):
                        pytest.fail(f"no answer: {shown}")
                    assert command.process.poll() is None, f"the gateway has ended at {shown}"
                    # Answered and closed while the body was on its way.
                    connection = connect(base)
                    continue
                statuses[answer.status] += 1
                # The mock answers Gemini's speech with text, which is no speech: that is the upstream's failure.
                is_mocks = "speech" in target and b"the reply cannot be read" in text
                if answer.status >= 500 and not is_mocks:
                    pytest.fail(f"{answer.status} {text[:500]!r}\n{shown}")
                if b"failed at this request" in text:
                    pytest.fail(shown)
            connection.close()
            assert "panicked" not in command.log()
            # They reach what they are for: enough of them are good, and few are lost.
            assert statuses[200] > COUNT / 20, statuses
            assert statuses.total() > COUNT * 0.9, statuses
            assert ask(base, "/health/readiness").json()["requests_under_way"] <= 1
            assert ask(base, "/v1/chat/completions", {"model": "gpt-4o", "messages": HI}).status == 200
