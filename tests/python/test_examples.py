"""The examples run: without a key, without internet."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ferrolite

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
# What each has to print, beside ending well.
SHOWS = {
    "demo": ["Anthropic: anthropic/", "RateLimitError, status 429, from gemini"],
    "errors": ["fails twice        Hello from", "MidStreamFallbackError after 'Hello"],
    "streaming": ["16 tokens: Hello from", "stopped after 'Hello from"],
    "structured_output": ["City(name=", "'coastal': True"],
    "tools": ["calls get_weather({'city': 'Oslo'", "The tool answered:"],
}


def environment():
    """No keys, and proxies that lead nowhere: what leaves the machine fails."""
    kept = {name: value for name, value in os.environ.items() if not re.search("KEY|TOKEN|PROXY", name, re.I)}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    package = str(Path(ferrolite.__file__).parents[1])
    return {**kept, **proxies, "NO_PROXY": "127.0.0.1", "PYTHONPATH": package, "PYTHONWARNINGS": "error"}


def run(path):
    return subprocess.run(
        [sys.executable, str(path)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path):
    done = run(path)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for text in SHOWS[path.stem]:
        assert text in done.stdout


def test_the_readme_shows_code_that_runs(tmp_path):
    """Every python block of the README, one after the other, against the mock."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 2
    program = tmp_path / "readme.py"
    start = """
import os
from ferrolite.testing import MockServer
server = MockServer()
os.environ["OPENAI_API_BASE"] = server.base_url + "/v1"
os.environ["ANTHROPIC_API_BASE"] = server.base_url
os.environ["OPENAI_API_KEY"] = os.environ["ANTHROPIC_API_KEY"] = "any"
"""
    program.write_text(start + "\n".join(blocks), encoding="utf-8")
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Why is the sky blue?") == 2
