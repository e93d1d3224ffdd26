"""The list of packages in tests/clients: every one has its program, and every program is in the list."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parent.parent / "clients"


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    tomllib = pytest.importorskip("tomllib", reason="is part of Python 3.11")
    return tomllib.loads((CLIENTS / "packages.toml").read_text())


def test_every_package_has_a_program_and_a_version(facts: dict[str, Any]) -> None:
    programs = {f"use_{name.replace('-', '_')}.py" for name in facts["packages"]}
    assert programs == {path.name for path in CLIENTS.glob("use_*.py")}
    for name, package in facts["packages"].items():
        assert re.fullmatch(r"[\w.-]+==[\w.]+", package["requires"][0]), name


def test_every_client_of_the_gateway_has_a_program(facts: dict[str, Any]) -> None:
    programs = {f"{name.replace('-', '_')}.py" for name in facts["gateway"]}
    assert programs == {path.name for path in CLIENTS.glob("gateway_*.py")}
    for name in programs:
        text = (CLIENTS / name).read_text()
        assert "assert" in text, name
        assert re.search(r"^done\(", text, re.MULTILINE), name


def test_every_program_asserts_what_was_sent_and_says_that_it_ended() -> None:
    for path in CLIENTS.glob("use_*.py"):
        text = path.read_text()
        assert "assert" in text, path.name
        assert "provider." in text, path.name
        assert re.search(r"^done\(", text, re.MULTILINE), path.name


def test_every_suite_is_pinned_by_hash(facts: dict[str, Any]) -> None:
    for name, suite in facts["suites"].items():
        assert re.fullmatch(r"[0-9a-f]{64}", suite["sha256"]), name
        assert suite["archive"].endswith(".tar.gz"), name
        assert suite["tests"], name


def test_only_what_passes_with_the_original_is_written_down() -> None:
    pytest.importorskip("tomllib", reason="is part of Python 3.11")
    command = [sys.executable, str(CLIENTS / "downstream.py"), "--record"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "--record needs --original" in ran.stderr
