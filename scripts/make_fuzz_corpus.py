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
WIRES = {
    "openai": ("openai", "openai_compatible", "groq"),
    "anthropic": ("anthropic",),
    "gemini": ("gemini",),
}
LONGEST = 2500
MOST = 45
# Real objects that a case's keywords stand for (see tests/parity/kit/models.py).
MARKER = re.compile(r'"\$(pydantic|file|bytes|tuple|gcp|result)"')


def cases(provider):
    path = ROOT / "tests" / "parity" / "cases" / f"{provider}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    return [case for case in document["cases"] if is_chat(case)]


def is_chat(case):
    return all(call["function"] == "completion" for call in case["calls"])


def replies(provider):
    """(streamed?, bytes) of what the cases' server answers."""
    for case in cases(provider):
        for reply in case["server"]:
            if not reply.get("gzip"):
                _, _, parts, _ = wire.encode(reply, "http://127.0.0.1")
                yield "sse" in reply or "ndjson" in reply, b"".join(parts)


def keywords(provider):
    for case in cases(provider):
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


def write(target, inputs):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("seed-*"):
        old.unlink()
    chosen = {}
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        if 0 < len(data) <= LONGEST:
            chosen.setdefault(shape(data), data)
    chosen = list(chosen.values())
    step = max(1, -(-len(chosen) // MOST))
    for data in chosen[::step]:
        (folder / f"seed-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
    return sum(len(data) for data in chosen[::step]), len(chosen[::step])


def main():
    streams = []
    for name, providers in WIRES.items():
        found = [reply for provider in providers for reply in replies(provider)]
        streamed = [data for is_stream, data in found if is_stream]
        streams += streamed
        report(f"{name}_stream", streamed)
        report(f"{name}_response", [data for is_stream, data in found if not is_stream])
    arrays = [b"[" + data.replace(b"data: ", b"").replace(b"\n\n", b",\n") + b"]" for data in streams[::9]]
    odd_ends = [data.replace(b"\n", b"\r\n" if at % 2 else b"\r") for at, data in enumerate(streams[::7])]
    report("sse", streams[::4] + arrays + odd_ends)
    report(
        "messages", [data for providers in WIRES.values() for name in providers for data in keywords(name)]
    )


def report(target, inputs):
    size, count = write(target, inputs)
    print(f"{target:<20} {count:>4} seeds, {size:>7} bytes")


if __name__ == "__main__":
    main()
