"""A gateway over real HTTP for tests: its configuration, its process, and plain requests to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from _upstream import PATIENCE, environment

from ferrolite.gateway import Gateway

KEY = "sk-gateway-0123456789abcdefghij"
"""The gateway's own key."""
UPSTREAM_KEY = "sk-upstream-0123456789abcdefghi"
HI = [{"role": "user", "content": "Hi"}]
CHAT = {"model": "gpt-4o", "messages": HI}


def model(name: str, upstream: str, base: str, **params: Any) -> dict[str, Any]:
    """An entry of model_list."""
    return {
        "model_name": name,
        "litellm_params": {"model": upstream, "api_base": base, "api_key": UPSTREAM_KEY, **params},
    }


def written(folder: Path, models: list[dict[str, Any]], **sections: Any) -> Path:
    """A configuration as a file; JSON is YAML, too."""
    sections.setdefault("general_settings", {"master_key": KEY})
    path = folder / "config.yaml"
    path.write_text(json.dumps({"model_list": models, **sections}, indent=1))
    return path


@contextlib.contextmanager
def gateway(folder: Path, models: list[dict[str, Any]], **sections: Any) -> Iterator[str]:
    """The address of a gateway in this process that serves these models."""
    with Gateway(config=str(written(folder, models, **sections)), port=0, host="127.0.0.1") as running:
        yield running.base_url


class Answer:
    """What came back."""

    def __init__(self, answer: http.client.HTTPResponse, body: bytes) -> None:
        self.status, self.body = answer.status, body
        self.headers = {name.lower(): value for name, value in answer.getheaders()}

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    base: str,
    path: str,
    body: Any = None,
    *,
    method: str | None = None,
    key: str | None = KEY,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own; a body that is no bytes goes as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"content-type": "application/json", **(headers or {})}
    if key is not None:
        sent.setdefault("authorization", f"Bearer {key}")
    connection = connect(base)
    try:
        connection.request(method or ("GET" if data is None else "POST"), path, data, sent)
        answer = connection.getresponse()
        return Answer(answer, answer.read())
    finally:
        connection.close()


def connect(base: str) -> http.client.HTTPConnection:
    address = urlsplit(base)
    assert address.hostname
    return http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE)


def begin_stream(base: str, body: dict[str, Any], path: str = "/v1/chat/completions", **headers: str) -> Any:
    """The answer of a stream whose head has come; its `fp` gives the rest line by line."""
    connection = connect(base)
    sent = {"content-type": "application/json", "authorization": f"Bearer {KEY}", **headers}
    connection.request("POST", path, json.dumps({**body, "stream": True}), sent)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    # Kept alive together.
    answer.connection = connection  # type: ignore[attr-defined]
    return answer


class Command:
    """`ferrolite …` in a process of its own, until the `with` block ends."""

    def __init__(self, *arguments: str, cwd: Path, variables: dict[str, str] | None = None) -> None:
        self.begun = time.monotonic()
        kept = {
            name: value
            for name, value in environment(PYTHONUNBUFFERED="1").items()
            if not name.endswith(("_API_KEY", "_MASTER_KEY"))
        }
        self.errors = open(cwd / "stderr.txt", "w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ferrolite.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=cwd,
            env={**kept, **(variables or {})},
        )
        self.said: list[str] = []

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.errors.close()

    def wait_ready(self) -> str:
        """The address; what was printed is in `said`."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if "Stop with Ctrl-C" in line:
                break
        served = [line for line in self.said if line.startswith("ferrolite serves")]
        assert served, (self.said, self.log())
        return served[0].rpartition(" ")[2]

    def log(self) -> str:
        """What it has written to stderr so far."""
        self.errors.flush()
        return Path(self.errors.name).read_text()

    def wait_log(self, text: str) -> None:
        until = time.monotonic() + PATIENCE
        while text not in self.log():
            assert time.monotonic() < until, f"{text!r} is not in {self.log()!r}"
            time.sleep(0.02)

    def signal(self, which: signal.Signals) -> None:
        os.kill(self.process.pid, which)

    def wait_end(self, limit: float = PATIENCE) -> int:
        return self.process.wait(limit)


def wait_for(condition: Any, what: str, limit: float = PATIENCE) -> None:
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.01)
