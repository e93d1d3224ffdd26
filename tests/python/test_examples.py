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
    "batches": ["completed: 2 of 2", "question-1: Hello from"],
    "demo": ["Anthropic: anthropic/", "RateLimitError, status 429, from gemini"],
    "errors": ["fails twice        Hello from", "MidStreamFallbackError after 'Hello"],
    "router": ["most of the calls: True", "answered by spare: Hello from", "tagged: paid"],
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


def blocks_of(name):
    """The python blocks of a document."""
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.S)


def run_blocks(name, folder):
    """Every python block of a document, one after the other, against the mock."""
    start = """
import os
from ferrolite.testing import MockServer
server = MockServer()
for name, path in {"OPENAI": "/v1", "ANTHROPIC": "", "ACME": "/v1"}.items():
    os.environ[name + "_API_BASE"] = server.base_url + path
    os.environ[name + "_API_KEY"] = "any"
"""
    program = folder / "document.py"
    program.write_text(start + "\n".join(blocks_of(name)), encoding="utf-8")
    done = run(program)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_shows_code_that_runs(tmp_path):
    assert run_blocks("README.md", tmp_path).count("Why is the sky blue?") == 2


def test_providers_of_your_own_work_as_their_document_shows(tmp_path):
    assert run_blocks("docs/custom-providers.md", tmp_path) == "Hello\nHello"


def test_the_provider_that_is_registered_in_its_document_works(tmp_path):
    run_blocks("docs/adding-a-provider.md", tmp_path)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_the_documents_hold_code_that_can_be_read(path):
    for block in blocks_of(f"docs/{path.name}"):
        compile(block, str(path), "exec")


def test_the_documents_link_to_files_that_are_there():
    folders = ("", "docs/", "benches/", "fuzz/", "tests/*/", "src/**/")
    for path in (path for folder in folders for path in ROOT.glob(f"{folder}*.md")):
        text = path.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            assert "://" in link or (path.parent / link).exists(), f"{path}: {link}"
        for named in re.findall(r"`((?:docs|benches|scripts|tests|src|python)/[\w./-]*\w\.\w+)`", text):
            assert (ROOT / named).exists(), f"{path}: {named}"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="reads TOML")
@pytest.mark.parametrize("name", ["make_reference.py", "make_providers.py"])
def test_generated_documents_are_up_to_date(name: str):
    script = str(ROOT / "scripts" / name)
    done = subprocess.run(
        [sys.executable, script, "--check"], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
