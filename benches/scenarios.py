"""What is measured, and the bars. Data only; `run.py` carries it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MARGIN = 4 / 3
"""A figure up to this much over its bar counts as noise."""

# Options of the mock servers, each a process of its own.
SERVERS: dict[str, list[str]] = {
    "plain": [],
    "chunks100": ["--chunks", "100"],
    "chunks2000": ["--chunks", "2000"],
    "trickle": ["--chunks", "100", "--chunk-delay-ms", "2"],
}

# A slow client does fewer repetitions.
SHARE = {"floor": 1.0, "ferrolite": 1.0, "aiohttp": 0.5, "openai": 0.2, "litellm": 0.1}


@dataclass(frozen=True)
class Bar:
    """At most `limit` times the figure of `of`; without `of`, at most `limit` in the scenario's own unit.

    `of` is a client's figure in the same scenario, or "scenario/client".
    """

    limit: float
    of: str | None = None
    figure: str = "us"


@dataclass(frozen=True)
class Scenario:
    name: str
    what: str
    mode: str
    bars: tuple[Bar, ...] = ()
    server: str = "plain"
    count: int = 500
    concurrency: int = 1
    # What the CPU time is divided by: the calls, or the events (chunks) that came.
    per: str = "call"
    clients: tuple[str, ...] = ("floor", "ferrolite", "openai", "litellm")
    command: dict[str, Any] = field(default_factory=dict)
    # Calls before the measuring.
    warmup: int = 20


ANTHROPIC = {"model": "anthropic/claude-sonnet-4-5", "path": ""}
GEMINI = {"model": "gemini/gemini-2.5-flash", "path": "/v1beta"}
IMAGE = {"image_bytes": 1_000_000}
ALL = ("floor", "ferrolite", "aiohttp", "openai", "litellm")
OURS = ("ferrolite",)


def translated(name: str, maker: str, command: dict[str, Any]) -> list[Scenario]:
    """The same calls through another wire, at most a fifth dearer than through OpenAI's."""
    return [
        Scenario(
            f"{name}-sync",
            f"{maker}: completion()",
            "call",
            (Bar(1.2, "sync/ferrolite"),),
            clients=OURS,
            command=command,
        ),
        Scenario(
            f"{name}-stream",
            f"{maker}: a streamed chunk",
            "stream",
            (Bar(1.2, "stream2000/ferrolite"),),
            server="chunks2000",
            count=5,
            per="event",
            clients=OURS,
            command=command,
            warmup=2,
        ),
    ]


SCENARIOS: list[Scenario] = [
    Scenario("sync", "completion()", "call", (Bar(2.2, "floor"), Bar(1 / 25, "litellm"))),
    Scenario(
        "async64",
        "acompletion(), 64 in flight",
        "acall",
        (Bar(3.0, "floor"), Bar(1 / 40, "litellm")),
        count=1024,
        concurrency=64,
        clients=ALL,
        warmup=128,
    ),
    Scenario(
        "stream100",
        "a chunk of a 100-chunk stream",
        "stream",
        (Bar(10.0),),
        server="chunks100",
        count=100,
        per="event",
    ),
    Scenario(
        "stream2000",
        "a chunk of a 2,000-chunk stream",
        "stream",
        (Bar(10.0),),
        server="chunks2000",
        count=5,
        per="event",
        warmup=2,
    ),
    Scenario(
        "astream100",
        "the same, async, 100 chunks",
        "astream",
        (Bar(12.0),),
        server="chunks100",
        count=100,
        per="event",
        clients=ALL,
    ),
    Scenario(
        "astream2000",
        "the same, async, 2,000 chunks",
        "astream",
        (Bar(12.0),),
        server="chunks2000",
        count=5,
        per="event",
        clients=ALL,
        warmup=2,
    ),
    *translated("anthropic", "Anthropic's format", ANTHROPIC),
    *translated("gemini", "Gemini's format", GEMINI),
    Scenario(
        "image",
        "completion() with a 1 MB image",
        "call",
        (Bar(5.0, "floor"),),
        count=60,
        command=IMAGE,
        warmup=3,
    ),
    Scenario(
        "trickle",
        "a chunk that comes alone, 16 streams",
        "astream",
        (Bar(45.0),),
        server="trickle",
        count=32,
        concurrency=16,
        per="event",
        clients=ALL,
        warmup=16,
    ),
    Scenario(
        "hold",
        "longest callback of the loop, 64 in flight",
        "hold",
        (Bar(300.0, figure="hold_us"),),
        count=1024,
        concurrency=64,
        clients=("ferrolite", "openai"),
        warmup=128,
    ),
]
