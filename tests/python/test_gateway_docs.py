"""What docs/gateway.md says is so: its endpoints, its programs, its commands, its headers; and the OpenAPI document."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _gateway import HI, KEY, ask, gateway, model

from ferrolite.testing import MockServer

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with MockServer() as mock:
        models = [
            model("gpt-4o", "openai/gpt-4o", f"{mock.base_url}/v1"),
            model("claude", "anthropic/claude-sonnet-4-5", mock.base_url),
        ]
        with gateway(tmp_path_factory.mktemp("gateway"), models) as url:
            yield url


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_endpoints(base: str, text: str) -> None:
    paths = ask(base, "/openapi.json").json()["paths"]
    served = {f"{method.upper()} {path}" for path, entry in paths.items() for method in entry}
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    named = {
        f"{method} {path.replace('{*', '{')}"
        for methods, path in re.findall(r"^\| (GET|POST|DELETE|any) \| `([^`]+)`", text, re.MULTILINE)
        for method in (every if methods == "any" else [methods])
    }
    assert served == named


def test_python_programs(base: str, text: str) -> None:
    programs = blocks(text, "python")
    assert len(programs) == 4
    for program in programs:
        imported = re.search(r"^(?:import|from) ([\w.]+)", program, re.MULTILINE)
        assert imported
        pytest.importorskip(imported[1])
        exec(program.replace("http://127.0.0.1:4000", base), {"KEY": KEY})


def test_curl(base: str, text: str) -> None:
    (command,) = [block for block in blocks(text, "console") if "curl" in block]
    command = command.replace("http://127.0.0.1:4000", base).removeprefix("$ ")
    ran = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        env={"KEY": KEY, "PATH": "/usr/bin:/bin"},
    )
    assert json.loads(ran.stdout)["choices"]


def test_headers(base: str, text: str) -> None:
    answer = ask(base, "/v1/chat/completions", {"model": "gpt-4o", "messages": HI})
    ours = {name for name in answer.headers if name.startswith(("x-litellm-", "x-request-id"))}
    assert ours
    assert [name for name in ours if f"`{name}`" not in text] == []


def test_the_configuration_of_the_page_is_good(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ferrolite import _core

    monkeypatch.setenv("FERROLITE_MASTER_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    (tmp_path / "config.yaml").write_text(blocks(text, "yaml")[0])
    assert _core.check_gateway(str(tmp_path / "config.yaml")) == ([], True)


def test_the_document_is_valid_json_schema_and_names_its_parts(base: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document: dict[str, Any] = ask(base, "/openapi.json", key=None).json()
    ids = [entry["operationId"] for paths in document["paths"].values() for entry in paths.values()]
    assert len(ids) == len(set(ids))
    for path, entries in document["paths"].items():
        for method, entry in entries.items():
            assert entry["summary"], path
            assert {part["name"] for part in entry["parameters"]} == set(re.findall(r"{(\w+)}", path))
            for kind in entry.get("requestBody", {}).get("content", {}).values():
                jsonschema.Draft202012Validator.check_schema(kind["schema"])
                assert kind["schema"]["type"] == "object", (method, path)
    schemas = document["components"]["schemas"]
    for path, name in (
        ("/v1/chat/completions", "OpenAiError"),
        ("/v1/messages", "AnthropicError"),
        ("/v1beta/models/gpt-4o:generateContent", "GeminiError"),
    ):
        answer = ask(base, path, b"{")
        jsonschema.validate(answer.json(), schemas[name])
    chat = document["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]
    jsonschema.validate({"model": "gpt-4o", "messages": HI}, chat["schema"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"messages": HI}, chat["schema"])
