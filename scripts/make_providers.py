#!/usr/bin/env python3
"""Write docs/providers.md from the rows of the providers and the schema of their verbs.

python scripts/make_providers.py            # Python 3.11 or newer
python scripts/make_providers.py --check    # fails when the file is not what it would write
"""

import re
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "providers.md"
HEAD = """# Providers

<!-- Written by scripts/make_providers.py (make docs): edit the rows and the code, not this file. -->

A model is named `prefix/model`. The first variable that is set counts, and a keyword of the call (`api_key`, `api_base`)
before it. Names in braces are parts of an address that differ from caller to caller; the variable beside them fills them
in. How to add one: [adding-a-provider.md](adding-a-provider.md).
"""
CALLS = """## Call types

What each prefix serves. A call type that is not here is refused before anything is sent.
"""
CALL_NAMES = {
    "chat": "chat",
    "embedding": "embedding",
    "rerank": "rerank",
    "image_generation": "image",
    "image_edit": "edit",
    "image_variation": "variation",
    "transcription": "transcription",
    "speech": "speech",
    "moderation": "moderation",
    "files": "files",
    "batches": "batches",
    "fine_tuning": "fine-tuning",
}
INSTEAD = """## Not called

Names that stand for no server, or for one with a protocol of its own: an error says so before anything is sent.
"""
VERBS = """## Verbs

What a row may say in `[accent]` of how its provider differs from the format.
"""
CALL_VERBS = """## Verbs of calls

The same for one call type, in `[calls.….accent]`.
"""
# What else proves who asks, where no key is required.
PROOF = {
    "aws": "AWS credentials",
    "google": "Google credentials",
    "chatgpt": "the token of a login",
    "copilot": "the token of a login",
}
OTHERWISE = {"aws": " (or AWS credentials)", "gigachat": "", "ibm": "", "oci": "", "sap": ""}


def code(text):
    return f"`{text}`" if text else ""


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def rows():
    folder = ROOT / "src" / "providers" / "data"
    return [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))]


def called():
    return [row for row in rows() if "instead" not in row]


def provider_rows():
    for row in called():
        names = ", ".join(code(f"{name}/") for name in (row["name"], *row.get("aliases", [])))
        named = row.get("vars", {})
        secrets = [v["env"][0] for v in named.values() if v.get("secret") and "env" in v]
        keys = ", ".join(map(code, [*row.get("key_env", []), *secrets]))
        if row.get("token") == "entra":
            keys += " (or Entra ID)"
        elif keys and not row.get("key_required", True):
            keys += OTHERWISE.get(row.get("exchange") or row.get("auth"), " (or none)")
        keys = keys or PROOF.get(row.get("exchange") or row.get("auth"), "none")
        public = [v for v in named.values() if not v.get("secret")]
        variables = [*row.get("base_env", []), *(v["env"][0] for v in public if "env" in v)]
        base = code(row["base"]) if "base" in row else "the caller's"
        yield [names, row.get("wires", {}).get("chat", ""), keys, base, ", ".join(map(code, variables))]


def call_rows():
    """A mark where the row has the call type; others than those of the head are left to their own documents."""
    for row in called():
        served = {"chat"} if "chat" in row.get("wires", {}) else set()
        served |= row.get("calls", {}).keys()
        yield [code(f"{row['name']}/"), *("✓" if name in served else "" for name in CALL_NAMES)]


def verb_rows(path, struct, said):
    """The fields of the schema, with the comments before them."""
    text = (ROOT / "src" / "hub" / path).read_text(encoding="utf-8")
    body = text.split(f"pub struct {struct} {{")[1].split("\n}\n")[0]
    pending = []
    for line in body.splitlines():
        line = line.strip()
        if line.startswith("/// "):
            pending.append(line.removeprefix("/// "))
        elif found := re.match(r"pub (\w+): (.+),", line):
            name = found[1]
            users = sum(any(name in accent for accent in accents) for accents in said)
            yield [code(name), " ".join(pending), str(users)]
            pending = []


def call_accents():
    calls = [call for row in rows() for call in row.get("calls", {}).values()]
    return [call.get("accent", {}) for call in calls if isinstance(call, dict)]


def text():
    providers = list(provider_rows())
    parts = [
        HEAD,
        f"{len(providers)} rows.\n",
        table(["prefix", "format", "key", "address", "variables"], providers),
        CALLS,
        table(["prefix", *CALL_NAMES.values()], call_rows()),
        INSTEAD,
        table(
            ["prefix", "what to do instead"],
            [[code(f"{row['name']}/"), row["instead"]] for row in rows() if "instead" in row],
        ),
        VERBS,
        table(
            ["verb", "meaning", "rows that say it"],
            verb_rows("accent.rs", "Accent", [row.get("accent", {}) for row in rows()]),
        ),
        CALL_VERBS,
        table(
            ["verb", "meaning", "call types that say it"], verb_rows("call.rs", "CallAccent", call_accents())
        ),
    ]
    return "\n".join(parts)


def main():
    if "--check" in sys.argv[1:]:
        if OUT.read_text(encoding="utf-8") != text():
            sys.exit("docs/providers.md is not up to date: run `make docs`")
    else:
        OUT.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
