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
    return status


if __name__ == "__main__":
    sys.exit(main())
