#!/usr/bin/env python3
"""Make the seeds of the fuzz targets from the parity corpus: replies of providers, keywords of calls.

    python scripts/make_fuzz_corpus.py        # writes fuzz/corpus/<target>/seed-…

Files that do not begin with `seed-` (findings of the fuzzer) are left alone. Seeds are small and few: the longest and
those that look like another are left out.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "parity"))

from kit import wire  # noqa: E402

CORPUS = ROOT / "fuzz" / "corpus"
# The providers whose cases have a wire's replies, and at most so many seeds.
WIRES = {
    "openai": (("openai", "openai_compatible", "groq"), 45),
    "anthropic": (("anthropic",), 45),
    "gemini": (("gemini",), 45),
    "bedrock": (("bedrock",), 20),
    "bedrock_invoke": (("bedrock_invoke",), 20),
    "cohere_chat": (("cohere",), 20),
    "ollama_chat": (("ollama_chat",), 20),
    "ollama": (("ollama",), 20),
}
# Those whose streams are server-sent events.
SSE = ("openai", "anthropic", "gemini")
LONGEST = 2500
# Real objects that a case's keywords stand for (see tests/parity/kit/models.py).
MARKER = re.compile(r'"\$(pydantic|file|bytes|tuple|gcp|result)"')


# The providers that are asked for Responses, and those that have them.
RESPONSES = ("openai", "azure", "anthropic", "gemini", "mistral", "cerebras", "groq", "bedrock")


def cases(provider, function="completion"):
    path = ROOT / "tests" / "parity" / "cases" / f"{provider}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    return [case for case in document["cases"] if asks(case, function)]


def asks(case, function):
    return all(call["function"] == function for call in case["calls"])


def replies(provider, function="completion"):
    """(kind, bytes) of what the cases' server answers. The kind is the field of the reply that holds it."""
    for case in cases(provider, function):
        for reply in case["server"]:
            if reply.get("gzip"):
                continue
            streamed = next((kind for kind in wire.STREAM_TYPES if kind in reply), None)
            yield streamed, body(reply)
            if streamed == "eventstream":
                yield "sse", body({"sse": [readable(item) for item in reply["eventstream"]]})
            elif reply.get("negotiate"):
                yield "sse", body(wire.negotiate(reply, "text/event-stream"))


def body(reply):
    _, _, parts, _ = wire.encode(reply, "http://127.0.0.1")
    return b"".join(parts)


def readable(item):
    """A message of AWS as a server-sent event, which fuzz/drivers.rs wraps again."""
    if "chunk" in item:
        return {"event": "chunk", "data": item["chunk"]}
    name = item["event"] if "event" in item else f":exception/{item['exception']}"
    return {"event": name, "data": item["payload"]}


def keywords(provider, function="completion"):
    for case in cases(provider, function):
        for call in case["calls"]:
            kwargs = {
                name: value for name, value in call["kwargs"].items() if name not in ("api_base", "model")
            }
            text = json.dumps(kwargs, ensure_ascii=False, separators=(",", ":"))
            if not MARKER.search(text):
                yield text.encode()


def shape(data):
    """Inputs of one shape differ in their texts and numbers only."""
    return re.sub(rb'"(?:[^"\\]|\\.){12,}"|\d+', b"?", data)


def few(inputs, most):
    """Short ones of different shapes."""
    chosen = {}
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        if 0 < len(data) <= LONGEST:
            chosen.setdefault(shape(data), data)
    chosen = list(chosen.values())
    step = max(1, -(-len(chosen) // most))
    return chosen[::step]


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("seed-*"):
        old.unlink()
    for data in seeds:
        (folder / f"seed-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
    print(f"{target:<24} {len(seeds):>4} seeds, {sum(map(len, seeds)):>7} bytes")


def main():
    events, others = [], []
    for name, (providers, most) in WIRES.items():
        found = [reply for provider in providers for reply in replies(provider)]
        if name in SSE:
            events += [data for kind, data in found if kind]
        else:
            others.append([data for kind, data in found if kind in ("ndjson", "eventstream")])
        # Messages of AWS are binary; what is in them is what the target reads.
        streamed = [data for kind, data in found if kind and kind != "eventstream"]
        write(f"{name}_stream", few(streamed, most))
        write(f"{name}_response", few([data for kind, data in found if not kind], most))
    arrays = [b"[" + data.replace(b"data: ", b"").replace(b"\n\n", b",\n") + b"]" for data in events[::9]]
    odd_ends = [data.replace(b"\n", b"\r\n" if at % 2 else b"\r") for at, data in enumerate(events[::7])]
    seeds = few(events[::4] + arrays + odd_ends, 45)
    write("sse", seeds + [data for found in others for data in few(found, 5)])
    known = asked(name for name in WIRES if name in SSE)
    # Cases of other wires ask much the same: what they add.
    shapes = {shape(data) for data in known}
    added = [data for data in asked(name for name in WIRES if name not in SSE) if shape(data) not in shapes]
    write("messages", few(known, 45) + few(added, 25))
    write("responses", few([data for name in RESPONSES for data in keywords(name, "responses")], 30))
    native = [data for name in RESPONSES[:2] for _, data in replies(name, "responses")]
    write("responses_events", few(native, 30))


def asked(wires):
    return [data for name in wires for provider in WIRES[name][0] for data in keywords(provider)]


if __name__ == "__main__":
    main()
