#!/usr/bin/env python3
"""Write tests/facts/calls.json: where each call of each model provider goes, and with which proof.

    python scripts/make_call_facts.py ../shared/facts/providers.json

What was observed of the reference, cut to what the tests compare; the result is committed.
"""

import json
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "tests" / "facts" / "calls.json"
# Call types of another step.
LATER = ("batches", "files", "video")
# What OpenAI's own client sends, where a provider is said to be asked by it.
OPENAI = {
    "image_generation": {"path": "/images/generations"},
    "speech": {"path": "/audio/speech"},
    "transcription": {"path": "/audio/transcriptions", "body": "multipart"},
}


def extract(provider):
    calls = {name: call(facts) for name, facts in provider["endpoints"].items() if name not in LATER}
    for name in provider.get("undocumented_openai_paths", ()):
        calls.setdefault(name, {"method": "POST", **OPENAI[name], "undocumented": True})
    auth = provider.get("auth") or {}
    kept = {
        "base": provider.get("base_url") or provider.get("base_example"),
        "needs_base": provider.get("base_required"),
        "auth": {name: auth[name] for name in ("style", "header", "value") if auth.get(name)},
        "headers": provider.get("headers"),
        "model": provider.get("chat", {}).get("model"),
        "calls": calls,
    }
    return {name: value for name, value in kept.items() if value}


def call(facts):
    kept = {name: facts[name] for name in ("via", "method", "path", "url", "query", "body") if name in facts}
    if "sequence" in facts:
        # The last request was recorded; the first is the one that asks.
        kept["method"], kept["path"] = facts["sequence"][0].split(" ", 1)
        if kept["path"] == "/v1/files":
            kept["body"] = "multipart"
    if not facts.get("documented"):
        kept["undocumented"] = True
    return kept


def main():
    source = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["providers"]
    kept = {name: extract(facts) for name, facts in sorted(source.items()) if not facts.get("not_llm")}
    lines = (f"{json.dumps(name)}: {json.dumps(facts, ensure_ascii=False)}" for name, facts in kept.items())
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
