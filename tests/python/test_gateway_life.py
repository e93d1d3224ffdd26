"""The command's life: started, told to read its file again, asked to end; and clients that go away."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from _gateway import CHAT, KEY, Command, ask, begin_stream, connect, gateway, model, wait_for, written
from _upstream import Exchange, Upstream, chunk, run

from ferrolite.testing import MockServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
FERROLITE = ("-m", "ferrolite.cli")


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with MockServer() as server:
        yield server.base_url


def test_version_and_help() -> None:
    version = run(*FERROLITE, "--version")
    assert version.returncode == 0
    assert re.fullmatch(r"ferrolite \d+\.\d+\.\d+\S*\n", version.stdout)
    shown = run(*FERROLITE, "--help", COLUMNS="100")
    assert shown.returncode == 0
    for flag in (
        "--model",
        "--config",
        "--alias",
        "--api_base",
        "--host",
        "--port",
        "--num_workers",
        "check",
        "explain",
    ):
        assert flag in shown.stdout
    assert all(len(line) <= 100 for line in shown.stdout.splitlines())
    assert run(*FERROLITE, "--nothing").returncode == 2


def test_one_model_without_a_key(tmp_path: Path, mock: str) -> None:
    variables = {"OPENAI_API_BASE": f"{mock}/v1", "OPENAI_API_KEY": "sk-x"}
    with Command("--model", "gpt-4o", "--port", "0", cwd=tmp_path, variables=variables) as command:
        base = command.wait_ready()
        text = "\n".join(command.said)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", base)
        assert not base.endswith(":4000"), "0 is any free port"
        assert "ferrolite serves 1 model on" in text
        assert "WARNING" not in text
        # What is printed works as it stands.
        curl = text[text.index("curl ") : text.index("}'") + 2]
        ran = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, timeout=20, check=True)
        assert "ferrolite mock" in json.loads(ran.stdout)["choices"][0]["message"]["content"]
        assert f'base_url="{base}/v1"' in text
        assert ask(base, "/v1/chat/completions", {**CHAT, "model": "gpt-4o"}, key=None).status == 200
        listening = listens_on(command.process.pid)
        assert listening == {"127.0.0.1"} or not listening
        command.signal(signal.SIGINT)
        assert command.wait_end() == 0


def test_with_a_key_it_listens_everywhere(tmp_path: Path, mock: str) -> None:
    variables = {"OPENAI_API_BASE": f"{mock}/v1", "OPENAI_API_KEY": "sk-x", "LITELLM_MASTER_KEY": KEY}
    with Command("--model", "gpt-4o", "--port", "0", cwd=tmp_path, variables=variables) as command:
        base = command.wait_ready()
        assert base.startswith("http://127.0.0.1:"), "an address that works on the same machine"
        assert listens_on(command.process.pid) in ({"0.0.0.0"}, set())
        text = "\n".join(command.said)
        assert KEY not in text + command.log()
        assert "WARNING" not in text
        assert ask(base, "/v1/chat/completions", CHAT, key=None).status == 401
        assert ask(base, "/v1/chat/completions", CHAT).status == 200


def test_open_to_the_network_without_a_key_is_said_loudly(tmp_path: Path) -> None:
    with Command("--model", "gpt-4o", "--port", "0", "--host", "0.0.0.0", cwd=tmp_path) as command:
        command.wait_ready()
        assert "WARNING: open to the network without a key" in "\n".join(command.said)


def listens_on(process: int) -> set[str]:
    """The addresses that a process listens on; empty where /proc does not say."""
    try:
        inodes = {
            found[1]
            for entry in Path(f"/proc/{process}/fd").iterdir()
            if (found := re.match(r"socket:\[(\d+)\]", os.readlink(entry)))
        }
        lines = Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return set()
    rows = [line.split() for line in lines]
    found = {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}
    return {".".join(str(byte) for byte in reversed(bytes.fromhex(address))) for address in found}


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with Command("--model", "gpt-4o", "--port", "0", cwd=tmp_path) as first:
        port = first.wait_ready().rpartition(":")[2]
        second = run(*FERROLITE, "--model", "gpt-4o", "--port", port)
        assert second.returncode == 1
        assert f"127.0.0.1:{port}" in second.stderr
        assert "Traceback" not in second.stderr


BAD = "modle_list: []\nmodel_list:\n  - model_name: a\n    litellm_params: {model: opnai/a, api_key: sk-planted}\n"


def test_a_bad_configuration_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    for arguments in (["check", "bad.yaml"], ["--config", "bad.yaml", "--port", "0"]):
        done = subprocess.run(
            [sys.executable, "-m", "ferrolite.cli", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=20,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert done.returncode == 1
        told = done.stdout + done.stderr
        assert "bad.yaml:1:1: error: unknown key 'modle_list'; did you mean 'model_list'?" in told
        assert re.search(r"bad\.yaml:4:\d+: error: .*'openai'", told)
        assert "planted" not in told
        assert "Traceback" not in told


def test_check_and_explain(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        [
            model("gpt-4o", "openai/gpt-4o", "http://127.0.0.1:1/v1", weight=9),
            model("gpt-4o", "openai/gpt-4o-mini", "http://127.0.0.1:2/v1", weight=1),
            model("claude", "anthropic/claude-sonnet-4-5", "http://127.0.0.1:3"),
        ],
        router_settings={"fallbacks": [{"gpt-4o": ["claude"]}]},
    )
    good = run(*FERROLITE, "check", str(path))
    assert (good.returncode, good.stdout) == (0, f"{path} is good.\n")
    told = run(*FERROLITE, "explain", "--config", str(path), "--model", "gpt-4o")
    assert told.returncode == 0
    for part in ("90 %", "10 %", "claude", "POST http://127.0.0.1:1/v1/chat/completions", '"messages"'):
        assert part in told.stdout, part
    assert "sk-upstream" not in told.stdout
    unknown = run(*FERROLITE, "explain", "--config", str(path), "--model", "gpt4o")
    assert unknown.returncode == 1
    assert "Did you mean 'gpt-4o'?" in unknown.stderr


def served(base: str) -> set[str]:
    return {entry["id"] for entry in ask(base, "/v1/models").json()["data"]}


@pytest.mark.parametrize("how", ["signal", "change"])
def test_the_configuration_is_read_again_under_a_running_stream(tmp_path: Path, how: str) -> None:
    with MockServer(chunk_delay_ms=50, chunks=100) as slow:
        url = f"{slow.base_url}/v1"
        path = written(tmp_path, [model("gpt-4o", "openai/gpt-4o", url)])
        with Command("--config", str(path), "--port", "0", cwd=tmp_path) as command:
            base = command.wait_ready()
            stream = begin_stream(base, CHAT)
            good = path.read_text()
            written(tmp_path, [model("other", "openai/gpt-4o-mini", url)])
            if how == "signal":
                command.signal(signal.SIGHUP)
            wait_for(lambda: served(base) == {"other"}, "the configuration was not read again")
            # One with an error changes nothing, and is named in the log.
            path.write_text(good.replace("model_list", "modle_list"))
            if how == "signal":
                command.signal(signal.SIGHUP)
            command.wait_log("modle_list")
            assert served(base) == {"other"}
            # The stream that began before ends as it should.
            text = stream.read().decode()
            assert text.endswith("data: [DONE]\n\n")
            assert text.count("data: ") > 100
            path.write_text(good)
            if how == "signal":
                command.signal(signal.SIGHUP)
            wait_for(lambda: served(base) == {"gpt-4o"}, "a mended configuration was not read again")


def test_sigterm_ends_streams_and_takes_nothing_new(tmp_path: Path) -> None:
    with MockServer(chunk_delay_ms=20, chunks=100) as slow:
        path = written(tmp_path, [model("gpt-4o", "openai/gpt-4o", f"{slow.base_url}/v1")])
        with Command("--config", str(path), "--port", "0", cwd=tmp_path) as command:
            base = command.wait_ready()
            streams = [begin_stream(base, CHAT) for _ in range(5)]
            idle = connect(base)
            idle.request("GET", "/health/readiness")
            assert idle.getresponse().read()
            command.signal(signal.SIGTERM)

            def is_refused() -> bool:
                connection = connect(base)
                try:
                    connection.connect()
                except OSError:
                    return True
                finally:
                    connection.close()
                return False

            wait_for(is_refused, "connections are still taken")
            for stream in streams:
                assert stream.read().endswith(b"data: [DONE]\n\n")
            assert command.wait_end() == 0
            idle.close()


@pytest.mark.slow
def test_sigterm_waits_no_longer_than_its_limit(tmp_path: Path) -> None:
    with MockServer(chunk_delay_ms=200, chunks=600) as slow:
        path = written(tmp_path, [model("gpt-4o", "openai/gpt-4o", f"{slow.base_url}/v1")])
        with Command("--config", str(path), "--port", "0", cwd=tmp_path) as command:
            stream = begin_stream(command.wait_ready(), CHAT)
            command.signal(signal.SIGTERM)
            begun = time.monotonic()
            assert command.wait_end(60) == 0
            assert 25 < time.monotonic() - begun < 40
            assert "broken off" in command.log()
            stream.close()


def serving(folder: Path, url: str) -> contextlib.AbstractContextManager[str]:
    return gateway(folder, [model("gpt-4o", "openai/gpt-4o", url)])


def test_a_client_that_goes_away_cancels_its_upstream(tmp_path: Path) -> None:
    """In the middle of a stream, and while it waits for a whole answer."""

    def answer(exchange: Exchange) -> None:
        if exchange.request.json().get("stream"):
            exchange.begin_stream()
            for number in range(10_000):
                exchange.piece(chunk({"content": f"{number} "}))
                time.sleep(0.01)
        else:
            exchange.hang()

    with Upstream(answer) as upstream, serving(tmp_path, upstream.url) as base:
        stream = begin_stream(base, CHAT)
        assert stream.readline().startswith(b"data: ")
        assert len(upstream.open) == 1
        stream.connection.close()
        stream.close()
        upstream.wait_open(0)
        waiting = connect(base)
        headers = {"authorization": f"Bearer {KEY}"}
        waiting.request("POST", "/v1/chat/completions", json.dumps(CHAT), headers)
        upstream.wait_requests(2)
        waiting.close()
        upstream.wait_open(0)
        ready = ask(base, "/health/readiness").json()
        assert ready["requests_under_way"] <= 1
