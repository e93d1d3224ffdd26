"""The `ferrolite` gateway in a process of its own, with the mock behind it, for the clients' programs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ferrolite.testing import MockServer

KEY = "sk-gateway-0123456789abcdefghij"


@contextlib.contextmanager
def gateway() -> Iterator[tuple[str, str]]:
    """Addresses of a gateway and of the mock behind it: gpt-4o, claude, gemini, embed, and failing (429)."""
    with MockServer(record=True) as mock, tempfile.TemporaryDirectory() as folder:

        def entry(name: str, model: str, base: str = mock.base_url, **more: Any) -> dict[str, Any]:
            params = {"model": model, "api_base": base, "api_key": "sk-upstream", **more}
            return {"model_name": name, "litellm_params": params}

        url = f"{mock.base_url}/v1"
        models = [
            entry("gpt-4o", "openai/gpt-4o", url),
            entry("claude", "anthropic/claude-sonnet-4-5"),
            entry("gemini", "gemini/gemini-2.5-flash"),
            entry("embed", "openai/text-embedding-3-small", url),
            entry("failing", "openai/gpt-4o-error-429", url, max_retries=0),
        ]
        config = Path(folder, "config.yaml")
        settings = {"router_settings": {"num_retries": 0}, "general_settings": {"master_key": KEY}}
        config.write_text(json.dumps({"model_list": models, **settings}))
        command = [sys.executable, "-m", "ferrolite.cli", "--config", str(config), "--port", "0"]
        running = subprocess.Popen([*command, "--host", "127.0.0.1"], stdout=subprocess.PIPE, text=True)
        try:
            assert running.stdout
            served = next((line for line in running.stdout if line.startswith("ferrolite serves")), "")
            assert served, "the gateway did not start"
            yield served.split()[-1], mock.base_url
        finally:
            running.terminate()
            assert running.wait(20) == 0, "the gateway did not end well"


def done(**shown: Any) -> None:
    """The last line of a program: what was seen."""
    print("\nok ferrolite", json.dumps(shown, default=str), flush=True)


def skip(why: str) -> None:
    """End the program: what it needs is not on this machine."""
    print(f"skipped: {why}", flush=True)
    sys.exit(77)
