"""How much may come in, from whom, and what is answered in any case."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from _gateway import HI, KEY, gateway, model

from ferrolite import _core
from ferrolite.testing import MockServer


def status(url: str, data: bytes | None = None, **headers: str) -> tuple[int, dict[str, str]]:
    """The status of an answer and its headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, named), timeout=30) as answer:
            answer.read()
            return answer.status, dict(answer.headers)
    except HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def form(size: int) -> bytes:
    """A file of so many bytes as a form."""
    head = b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
    head += b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    return head + b"x" * size + b"\r\n--b--\r\n"


def test_forms_are_bounded_by_the_configuration_alone(tmp_path: Path) -> None:
    settings = {"master_key": KEY, "max_request_size_mb": 5}
    headers = {"content_type": "multipart/form-data; boundary=b", "authorization": f"Bearer {KEY}"}
    with (
        MockServer() as mock,
        gateway(
            tmp_path, [model("a", "openai/gpt-4o", mock.base_url + "/v1")], general_settings=settings
        ) as base,
    ):
        url = base + "/v1/files"
        assert status(url, form(3_000_000), **headers)[0] == 200
        assert status(url, form(6_000_000), **headers)[0] == 413


def test_pages_of_other_hosts_need_a_key(tmp_path: Path) -> None:
    data = json.dumps({"model": "a", "messages": HI}).encode()
    headers = {"content_type": "application/json", "origin": "https://elsewhere.example"}
    with MockServer() as mock:
        models = [model("a", "openai/gpt-4o", mock.base_url + "/v1")]
        with gateway(tmp_path, models, general_settings={}) as base:
            refused, told = status(base + "/v1/chat/completions", data, **headers)
            assert refused == 403
            assert "access-control-allow-origin" not in told
            own = {**headers, "origin": base}
            assert status(base + "/v1/chat/completions", data, **own)[0] == 200
            del own["origin"]
            assert status(base + "/v1/chat/completions", data, **own)[0] == 200
        with gateway(tmp_path, models) as base:
            let_in, told = status(
                base + "/v1/chat/completions", data, authorization=f"Bearer {KEY}", **headers
            )
            assert (let_in, told["access-control-allow-origin"]) == (200, "*")


def test_a_full_gateway_says_how_it_is_doing(tmp_path: Path) -> None:
    settings = {"master_key": KEY, "global_max_parallel_requests": 1}
    key = {"authorization": f"Bearer {KEY}", "content_type": "application/json"}
    data = json.dumps({"model": "a", "messages": HI, "stream": True}).encode()
    with (
        MockServer(words=20, chunks=20, chunk_delay_ms=200) as mock,
        gateway(
            tmp_path, [model("a", "openai/gpt-4o", mock.base_url + "/v1")], general_settings=settings
        ) as base,
    ):
        url = base + "/v1/chat/completions"
        request = urllib.request.Request(
            url, data, {name.replace("_", "-"): text for name, text in key.items()}
        )
        with urllib.request.urlopen(request, timeout=30) as stream:
            stream.readline()
            assert status(url, data, **key)[0] == 429
            assert status(base + "/health/liveliness")[0] == 200
            assert status(base + "/health/readiness")[0] == 200
            assert status(base + "/metrics", **key)[0] == 200


def test_explain_knows_the_variables_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    entry: dict[str, Any] = {"model_name": "a", "litellm_params": {"model": "openai/gpt-4o"}}
    variables = {"OPENAI_API_KEY": "sk-file-0123456789", "OPENAI_BASE_URL": "http://127.0.0.1:9/own"}
    path.write_text(json.dumps({"model_list": [entry], "environment_variables": variables}))
    said = _core.explain_gateway(str(path), "a")
    assert "http://127.0.0.1:9/own/chat/completions" in said
    assert "sk-file-0123456789" not in said
