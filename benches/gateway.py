"""What the gateway costs: CPU time for a request and for a chunk, beside a floor of axum and reqwest.

The server has one core, the provider (`ferrolite mock`) and the load another. Ratios of one run can be compared with those of
another; microseconds cannot. `python benches/gateway.py [--seconds 5] [--target folder]`, after `cargo build --release` in
benches/gateway (the script does that itself).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
KEY = "sk-bench"
CONFIG = """
model_list:
  - model_name: a
    litellm_params: {{model: openai/gpt-4o, api_base: "{provider}/v1", api_key: sk-up, rpm: 100000000}}
  - model_name: claude
    litellm_params: {{model: anthropic/claude-sonnet-4-5, api_base: "{provider}", api_key: sk-up}}
general_settings: {{master_key: sk-bench}}
router_settings: {{enable_pre_call_checks: true}}
"""


def build(target: Path) -> Path:
    """Build the floor and the load; returns their folder."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    command = ["cargo", "build", "--release", "--quiet"]
    subprocess.run(command, cwd=HERE / "gateway", env=environment, check=True)
    return target / "release"


def cpu_seconds(process: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(process: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def start(core: int, command: list[str], ready: str) -> subprocess.Popen[str]:
    """Start a server on a core; returns when a line of its output has `ready` in it."""
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in process.stdout or ():
        if ready in line:
            return process
    raise RuntimeError(f"{command[0]} did not start")


def request_file(folder: Path, name: str, body: dict[str, Any], path: str = "/v1/chat/completions") -> Path:
    """Write a whole request for the load."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    file = folder / name
    file.write_bytes(head.encode() + data)
    return file


def load(
    binaries: Path, port: int, connections: int, seconds: float, file: Path, rate: float | None = None
) -> dict[str, Any]:
    """Ask a server; returns what the load says."""
    command = [
        "taskset",
        "-c",
        "1",
        str(binaries / "load"),
        f"127.0.0.1:{port}",
        str(connections),
        str(seconds),
    ]
    command += [str(file), *([str(rate)] if rate else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Run it, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--target", type=Path, default=HERE.parent / "target" / "gateway-bench")
    options = parser.parse_args()
    binaries = build(options.target)
    python = sys.executable
    folder = Path(tempfile.mkdtemp())
    provider = "http://127.0.0.1:4071"
    (folder / "config.yaml").write_text(CONFIG.format(provider=provider))
    messages = [{"role": "user", "content": "Why is the sky blue? " * 40}]
    files = {
        "plain": request_file(folder, "plain", {"model": "a", "messages": messages}),
        "anthropic": request_file(folder, "anthropic", {"model": "claude", "messages": messages}),
        "stream": request_file(folder, "stream", {"model": "a", "messages": messages, "stream": True}),
        "stream_anthropic": request_file(
            folder, "stream_anthropic", {"model": "claude", "messages": messages, "stream": True}
        ),
    }
    mock = start(
        1,
        [python, "-m", "ferrolite", "mock", "--port", "4071", "--words", "100", "--chunks", "100"],
        "listens",
    )
    began = time.perf_counter()
    command = [python, "-m", "ferrolite", "--config", str(folder / "config.yaml"), "--port", "4072"]
    gateway = start(0, [*command, "--num_workers", "1"], "serves")
    started = (time.perf_counter() - began) * 1000
    floor = start(0, [str(binaries / "floor"), "4073", provider], "ready")
    servers = {"floor": (floor.pid, 4073), "ferrolite": (gateway.pid, 4072)}
    try:
        print(f"serving after {started:.0f} ms, idle {memory_mb(gateway.pid):.0f} MB")
        for _ in range(2):
            load(binaries, 4072, options.connections, 1, files["plain"])
            load(binaries, 4073, options.connections, 1, files["plain"])
        best: dict[tuple[str, str], float] = {}
        for _ in range(options.rounds):
            for name, file in files.items():
                for server, (process, port) in servers.items():
                    if server == "floor" and "anthropic" in name:
                        continue
                    before = cpu_seconds(process)
                    said = load(binaries, port, options.connections, options.seconds, file)
                    spent = cpu_seconds(process) - before
                    if said["failures"] or not said["answers"]:
                        raise RuntimeError(f"{server} failed at {name}: {said}")
                    unit = said["events"] if name.startswith("stream") else said["answers"]
                    micros = spent / unit * 1e6
                    key = (name, server)
                    best[key] = min(best.get(key, micros), micros)
        for (name, server), micros in best.items():
            unit = "chunk" if name.startswith("stream") else "request"
            print(f"{name:18} {server:10} {micros:7.1f} us of CPU a {unit}")
        base = best["plain", "floor"]
        print(f"plain / floor      {best['plain', 'ferrolite'] / base:.2f}")
        print(f"anthropic / floor  {best['anthropic', 'ferrolite'] / base:.2f}")
        direct = load(binaries, 4071, 20, options.seconds, files["plain"], 1000)
        through = load(binaries, 4072, 20, options.seconds, files["plain"], 1000)
        for name in ("p50_us", "p99_us"):
            print(f"added at 1,000 requests a second: {name} {through[name] - direct[name]} us")
        load(binaries, 4072, 200, 2, files["plain"])
        print(f"at 200 under way {memory_mb(gateway.pid):.0f} MB")
        with urllib.request.urlopen("http://127.0.0.1:4072/health/readiness") as answer:
            print(f"after it all {json.load(answer)['status']}")
    finally:
        for process in (gateway, floor, mock):
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    main()
