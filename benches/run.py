"""Measures ferrolite against a bare reqwest loop and against other clients. `python benches/run.py --help`.

All figures are CPU time (user and system) of the client's process, against `ferrolite mock` in a process of its own
on the loopback address. Each client runs in one process; all are measured in turns, round after round, and the least
of all rounds counts. Exits with 1 when a bar is missed by more than the margin for noise.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import startup
from scenarios import MARGIN, SCENARIOS, SERVERS, SHARE, Bar, Scenario

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TEXT = "Say hello to the world, in one short sentence."
ORDER = ("floor", "ferrolite", "aiohttp", "openai", "litellm")
TIME_LIMIT = 120.0
"""Seconds for one command; more means that something hangs."""


class Child:
    """A process that answers a line with a line."""

    def __init__(self, name: str, arguments: list[str], quiet: bool = True) -> None:
        self.name = name
        errors = subprocess.DEVNULL if quiet else None
        self.process = subprocess.Popen(
            arguments, env=startup.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )

    def read_line(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], TIME_LIMIT)
        line = self.process.stdout.readline().decode() if ready else ""
        if not line:
            raise RuntimeError(f"{self.name} does not answer")
        return line

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.read_line())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def start_mock(options: list[str]) -> tuple[Child, str]:
    mock = Child("the mock", [sys.executable, "-m", "ferrolite", "mock", "--port", "0", *options])
    return mock, mock.read_line().split()[-1]


def build_floor() -> Path:
    """Builds the floor when it is not there or older than its source."""
    target = ROOT / "target" / "floor"
    manifest = HERE / "floor" / "Cargo.toml"
    places = ["--manifest-path", str(manifest), "--target-dir", str(target)]
    subprocess.run(["cargo", "build", "--release", "--quiet", *places], check=True)
    return target / "release" / "ferrolite-floor"


def start_clients(names: list[str], reference: str) -> dict[str, Child]:
    clients: dict[str, Child] = {}
    for name in names:
        if name == "floor":
            clients[name] = Child(name, [str(build_floor())], quiet=False)
            continue
        python = reference if name == "litellm" else sys.executable
        child = Child(name, [python, str(HERE / "worker.py"), name])
        try:
            child.read_line()
        except RuntimeError:
            child.stop()
            print(f"{name} is not installed: left out", file=sys.stderr)
            continue
        clients[name] = child
    return clients


def floor_command(scenario: Scenario, base: str) -> dict[str, Any]:
    """The same request as a ready body."""
    from worker import messages

    body: dict[str, Any] = {"model": "gpt-4o", "messages": messages({"text": TEXT} | scenario.command)}
    if "stream" in scenario.mode:
        body |= {"stream": True}
    return {"url": f"{base}/v1/chat/completions", "body": json.dumps(body, separators=(",", ":"))}


def command_for(client: str, scenario: Scenario, base: str) -> dict[str, Any]:
    if client == "floor":
        return floor_command(scenario, base)
    return {"mode": scenario.mode, "base": base, "text": TEXT} | scenario.command


class Measurement:
    """The figures of one scenario, gathered in rounds."""

    def __init__(self, scenario: Scenario, clients: dict[str, Child], base: str, scale: float) -> None:
        self.scenario = scenario
        self.clients = clients
        self.commands: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, str] = {}
        self.samples: dict[str, list[dict[str, float]]] = {}
        for name in scenario.clients:
            if name not in clients:
                continue
            command = command_for(name, scenario, base) | {"concurrency": scenario.concurrency}
            warm = clients[name].ask(command | {"count": scenario.warmup})
            if "error" in warm:
                self.errors[name] = warm["error"]
                continue
            count = max(int(scenario.count * scale * SHARE[name]), scenario.concurrency)
            self.commands[name] = command | {"count": count}
            self.samples[name] = []

    def take_round(self) -> None:
        for name, command in self.commands.items():
            answer = self.clients[name].ask(command)
            if "error" in answer:
                raise RuntimeError(f"{self.scenario.name}, {name}: {answer['error']}")
            units = command["count"] if self.scenario.per == "call" else answer["events"]
            sample = {"us": answer["cpu_us"] / units, "wall_us": answer["wall_us"] / units}
            if "hold_us" in answer:
                sample["hold_us"] = answer["hold_us"]
            self.samples[name].append(sample)

    def figures(self) -> dict[str, dict[str, Any]]:
        """The least of all rounds, by client."""
        least = {
            name: {key: min(sample[key] for sample in samples) for key in samples[0]}
            for name, samples in self.samples.items()
        }
        return least | {name: {"error": error} for name, error in self.errors.items()}


def judge(value: float, limit: float) -> str:
    if value <= limit:
        return "PASS"
    return "PASS (noise)" if value <= limit * MARGIN else "FAIL"


def judge_bar(scenario: Scenario, bar: Bar, results: dict[str, Any]) -> dict[str, Any]:
    verdict: dict[str, Any] = {"what": scenario.what, "measured": None, "allowed": bar.limit, "of": bar.of}
    ours = results[scenario.name].get("ferrolite", {"error": "not measured"})
    if "error" in ours:
        return verdict | {"verdict": "SKIP", "note": ours["error"]}
    value = ours[bar.figure]
    if bar.of is not None:
        place, _, client = bar.of.rpartition("/")
        other = results.get(place or scenario.name, {}).get(client)
        if other is None or "error" in other:
            return verdict | {"verdict": "SKIP", "note": f"{bar.of} was not measured"}
        value /= other["us"]
    return verdict | {"measured": value, "verdict": judge(value, bar.limit)}


def judge_startup(figures: dict[str, Any]) -> list[dict[str, Any]]:
    plain, own = figures["python"], figures["import"]
    touched = figures["touched"]
    clean = not (touched["files"] or touched["sockets"] or touched["packages"] or touched["descriptors"])
    rows = [
        ("import ferrolite, CPU ms over bare Python", own["cpu_ms"] - plain["cpu_ms"], 30.0),
        ("import ferrolite, MB over bare Python", own["rss_mb"] - plain["rss_mb"], 25.0),
    ]
    if "answer_openai" in figures:
        for key, unit in (("cpu_ms", "CPU"), ("wall_ms", "by the clock")):
            ratio = figures["answer_ferrolite"][key] / figures["answer_openai"][key]
            rows.append((f"start to first answer, {unit}, of the openai SDK's", ratio, 0.25))
    out = [
        {"what": what, "measured": value, "allowed": limit, "of": None, "verdict": judge(value, limit)}
        for what, value, limit in rows
    ]
    what = "import reads its own files only, opens nothing, loads no package"
    out.append(
        {"what": what, "measured": None, "allowed": None, "of": None, "verdict": "PASS" if clean else "FAIL"}
    )
    if not clean:
        out[-1]["note"] = json.dumps(touched)
    return out


def number(value: float | None) -> str:
    if value is None:
        return ""
    digits = next((digits for limit, digits in ((1, 3), (10, 2), (100, 1)) if value < limit), 0)
    return f"{value:,.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def report(results: dict[str, Any], verdicts: list[dict[str, Any]], scenarios: list[Scenario]) -> str:
    parts = [results["machine"]]
    rows = []
    for scenario in scenarios:
        figures = results[scenario.name]
        key = "hold_us" if scenario.mode == "hold" else "us"
        cells = [number(figures.get(name, {}).get(key)) for name in ORDER]
        floor, ours = figures.get("floor", {}).get(key), figures.get("ferrolite", {}).get(key)
        ratio = f"{ours / floor:.2f}" if floor and ours else ""
        rows.append([scenario.what, *cells, ratio])
    if rows:
        parts.append(table(["microseconds of CPU", *ORDER, "x floor"], rows))
    if "startup" in results:
        figures = results["startup"]
        rows = [
            [name.replace("_", " "), number(run["cpu_ms"]), number(run["wall_ms"]), number(run.get("rss_mb"))]
            for name, run in figures.items()
            if name != "touched"
        ]
        parts.append(table(["a process", "CPU ms", "clock ms", "MB"], rows))
    rows = []
    for verdict in verdicts:
        of = f" x {verdict['of']}" if verdict["of"] else ""
        allowed = "" if verdict["allowed"] is None else f"<= {number(verdict['allowed'])}{of}"
        note = f": {verdict['note']}" if "note" in verdict else ""
        rows.append([verdict["what"], number(verdict["measured"]), allowed, verdict["verdict"] + note])
    parts.append(table(["bar", "measured", "allowed", "verdict"], rows))
    return "\n\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter repetitions")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="these scenarios (startup, sync, async64 …)"
    )
    parser.add_argument("--clients", metavar="NAMES", default=",".join(ORDER), help="default: %(default)s")
    parser.add_argument("--repetitions", type=int, metavar="N", help="rounds; 15, or 4 with --quick")
    parser.add_argument(
        "--reference",
        default=os.environ.get("FERROLITE_BENCH_REFERENCE", sys.executable),
        metavar="PYTHON",
        help="an interpreter that has litellm, if this one has not (or FERROLITE_BENCH_REFERENCE)",
    )
    options = parser.parse_args()
    repetitions = options.repetitions or (4 if options.quick else 15)
    scale = 0.3 if options.quick else 1.0
    scenarios = [scenario for scenario in SCENARIOS if not options.only or scenario.name in options.only]
    results: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    }
    with ExitStack() as stack:
        names = [name for name in ORDER if name in options.clients.split(",")]
        wanted = {name for scenario in scenarios for name in scenario.clients}
        clients = start_clients([name for name in names if name in wanted], options.reference)
        for client in clients.values():
            stack.callback(client.stop)
        bases: dict[str, str] = {}

        def base(server: str) -> str:
            if server not in bases:
                mock, bases[server] = start_mock(SERVERS[server])
                stack.callback(mock.stop)
            return bases[server]

        # In rounds over everything, so that a busy minute does not fall on one scenario alone.
        measurements = [
            Measurement(scenario, clients, base(scenario.server), scale) for scenario in scenarios
        ]
        for number in range(repetitions):
            print(f"round {number + 1} of {repetitions}", file=sys.stderr)
            for measurement in measurements:
                measurement.take_round()
        for measurement in measurements:
            results[measurement.scenario.name] = measurement.figures()
        if not options.only or "startup" in options.only:
            print("startup", file=sys.stderr)
            results["startup"] = startup.measure(base("plain"), 5 if options.quick else 10, "openai" in names)
    verdicts = judge_startup(results["startup"]) if "startup" in results else []
    for scenario in scenarios:
        verdicts += [judge_bar(scenario, bar, results) for bar in scenario.bars]
    if options.json:
        print(json.dumps(results | {"bars": verdicts}, indent=2))
    else:
        print(report(results, verdicts, scenarios))
    return 1 if any(verdict["verdict"] == "FAIL" for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
