#!/usr/bin/env python3
"""Replay the cases of what is built so far; arguments go on to replay.py.

A failure that `expected-failures.txt` does not list makes this fail, and so does a line of that list that
excuses nothing (any more), and a run that is left out.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import replay  # noqa: E402
from kit import casefile  # noqa: E402

PROVIDERS = (
    "openai",
    "openai_compatible",
    "anthropic",
    "gemini",
    "azure",
    "azure_ai",
    "bedrock",
    "bedrock_invoke",
    "cerebras",
    "cloudflare",
    "cohere",
    "dashscope",
    "databricks",
    "deepinfra",
    "deepseek",
    "fireworks_ai",
    "github",
    "groq",
    "hosted_vllm",
    "huggingface",
    "jina_ai",
    "lm_studio",
    "mistral",
    "moonshot",
    "nvidia_nim",
    "ollama",
    "ollama_chat",
    "openrouter",
    "perplexity",
    "replicate",
    "sambanova",
    "together_ai",
    "vertex_ai",
    "vertex_ai_claude",
    "voyage",
    "watsonx",
    "xai",
)
KINDS = (
    "chat",
    "stream",
    "error",
    "params",
    "auth",
    "endpoint",
    "retry",
    "timeout",
    "mock",
    "embedding",
    "image",
    "messages",
    "moderation",
    "rerank",
    "responses",
    "speech",
    "text",
    "transcription",
)


# What the groups of the list mean.
GROUPS = {
    "fix": "a rule that says to be better",
    "match": "a rule that the recording contradicts",
    "documented": "docs/differences.md alone",
}


def groups(results):
    """How many of the runs that differ do so for which kind of reason; the strongest one counts."""
    lines = grouped()
    counts = dict.fromkeys(GROUPS, 0)
    for result in results:
        if result["status"] == "fail" and result["expected_failure"]:
            of_run = [(group, line) for group, line in lines if casefile.matches(result["run"], [line[0]])]
            reasons = {group for group, line in of_run if replay.excused(result, [line], False, set())}
            # Differences that several lines excuse together have the strongest reason of these.
            reasons = reasons or {group for group, _ in of_run}
            counts[next(group for group in GROUPS if group in reasons)] += 1
    reasons = ", ".join(f"{counts[group]} by {meaning}" for group, meaning in GROUPS.items())
    return f"parity: {sum(counts.values())} differ on purpose: {reasons}"


def grouped():
    """The lines of the list, each with its group."""
    group, lines = None, []
    for line in (HERE / "expected-failures.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# [") and line.endswith("]"):
            group = line[3:-1]
        elif words := line.split("#")[0].split():
            lines.append((group, tuple(words)))
    return lines


def main():
    only = [f"--only={provider}/{kind}/*" for provider in PROVIDERS for kind in KINDS]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "parity.json"
        command = [sys.executable, str(HERE / "replay.py"), *only, "--json", str(out), "--exact", *sys.argv[1:]]
        status = subprocess.run(command, check=False).returncode
        if out.exists():
            found = json.loads(out.read_text(encoding="utf-8"))
            share = 100 * found["passed"] / max(1, found["runs"] - found["skipped"])
            print(
                f"parity: {found['passed']} of {found['runs'] - found['skipped']} runs conform ({share:.1f} %)"
            )
            print(groups(found["results"]))
    return status


if __name__ == "__main__":
    sys.exit(main())
