"""Runs packages' own test suites, from their source archives, with ferrolite in litellm's place.

    python tests/clients/downstream.py                     all suites
    python tests/clients/downstream.py strands             these
    python tests/clients/downstream.py --original          with the original
    python tests/clients/downstream.py --original --record and writes down what passes: passed.json

A suite fails when a test that passes with the original does not pass, unless expected-failures.txt names it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from _venvs import CACHE, FACTS, HERE, Skipped, environment, make

PASSED = HERE / "passed.json"
EXPECTED = HERE / "expected-failures.txt"
LIMIT = 1200
"""Seconds that a suite may take."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="suites of packages.toml; all when none is given")
    parser.add_argument("--original", action="store_true", help="with the original litellm")
    parser.add_argument("--record", action="store_true", help="write down which tests pass")
    options = parser.parse_args()
    if options.record and not options.original:
        parser.error("--record needs --original: what passes with the original is what is written down")
    suites: dict[str, dict[str, Any]] = FACTS["suites"]
    unknown = [name for name in options.names if name not in suites]
    if unknown:
        parser.error(f"no suite {unknown[0]!r}; there are {', '.join(suites)}")
    recorded = json.loads(PASSED.read_text()) if PASSED.exists() else {}
    expected = expected_failures()
    bad = 0
    skipped = 0
    passes = 0
    for name in options.names or suites:
        started = time.monotonic()
        try:
            results = run(name, suites[name], options.original)
        except Skipped as reason:
            print(f"{name}: skipped: {reason}", flush=True)
            skipped += 1
            continue
        good = {test for test, result in results.items() if result == "passed"}
        if options.record and not good:
            print(f"{name}: nothing passes, nothing is written down", flush=True)
            bad += 1
            continue
        if options.record:
            recorded[name] = folded(good)
            PASSED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
        wanted = set(unfolded(recorded.get(name, {})))
        lost = sorted(wanted - good)
        known = expected.get(name, {})
        surprises = [test for test in lost if test not in known]
        passes += len(wanted & good)
        bad += len(surprises)
        print(
            f"{name}: {len(wanted & good)} of the {len(wanted)} that pass with the original, {len(good - wanted)} "
            f"others; {len(surprises)} to look at, {len(lost) - len(surprises)} expected; "
            f"{time.monotonic() - started:.0f} s",
            flush=True,
        )
        apart = [test for test in lost if test not in results and test not in known]
        for test in [test for test in lost if test not in apart]:
            print(f"  {'expected' if test in known else 'fails   '}  {test}  {results[test][:200]}")
        if apart:
            log = CACHE / f"suite-{name}.log"
            print(f"  fails     {len(apart)} tests that did not run; {log} has the reason", flush=True)
        for test in sorted(set(known) & good):
            print(f"  passes, and can leave {EXPECTED.name}: {test}")
    print(f"\n{passes} passed, {bad} failed, {skipped} skipped")
    return 1 if bad else 0


def run(name: str, facts: dict[str, Any], with_original: bool) -> dict[str, str]:
    """The result of each test of a suite: `passed`, or what went wrong."""
    version = FACTS["settings"]["original"] if with_original else None
    requires = [facts["package"], *facts.get("requires", []), *FACTS["settings"]["suite-requires"]]
    python = make(f"suite-{name}", requires, original=version, python=facts.get("python"))
    folder = source(name, facts, python)
    for path, text in facts.get("files", {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        report = Path(home) / "report.xml"
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--timeout=120"]
        if not with_original:
            command += ["-p", "_cassettes"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}", *facts["tests"]]
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environment(Path(home), PYTHONPATH=str(HERE)),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
        (CACHE / f"suite-{name}.log").write_text(ran.stdout + ran.stderr)
        if not report.exists():
            return {}
        return dict(read_report(report))


def read_report(path: Path) -> list[tuple[str, str]]:
    """Names and results in a report of pytest's."""
    results = []
    for case in ElementTree.parse(path).iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        problem = case.find("failure")
        problem = case.find("error") if problem is None else problem
        if problem is not None:
            results.append((test, " ".join((problem.get("message") or "failed").split())))
        elif case.find("skipped") is None:
            results.append((test, "passed"))
    return results


def source(name: str, facts: dict[str, Any], python: Path) -> Path:
    """The unpacked source archive of a package, whose hash is the pinned one."""
    archives = CACHE / "archives"
    folder = archives / facts["archive"].removesuffix(".tar.gz")
    if folder.exists():
        return folder
    archives.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archives) as work:
        pinned = Path(work) / "requirements.txt"
        pinned.write_text(f"{facts['package']} --hash=sha256:{facts['sha256']}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        command += ["--require-hashes", "--requirement", str(pinned), "--dest", work]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
        if ran.returncode != 0:
            if re.search(
                r"ConnectionError|NewConnectionError|Max retries|No matching distribution", ran.stderr
            ):
                raise Skipped("PyPI cannot be reached")
            raise RuntimeError(f"{name}: {ran.stderr.strip()}")
        with tarfile.open(Path(work) / facts["archive"]) as archive:
            archive.extractall(work, filter="data")
        (Path(work) / folder.name).rename(folder)
    return folder


# The names of tests, folded: by module and function, with what is between the brackets.


def folded(tests: set[str]) -> dict[str, dict[str, list[str]]]:
    modules: dict[str, dict[str, list[str]]] = {}
    for test in sorted(tests):
        module, _, rest = test.partition("::")
        function, bracket, given = rest.partition("[")
        modules.setdefault(module, {}).setdefault(function, []).extend([given[:-1]] if bracket else [])
    return modules


def unfolded(modules: dict[str, dict[str, list[str]]]) -> list[str]:
    return [
        f"{module}::{function}" + (f"[{one}]" if one is not None else "")
        for module, functions in modules.items()
        for function, given in functions.items()
        for one in given or [None]
    ]


def expected_failures() -> dict[str, dict[str, str]]:
    """By suite, the tests that are known to fail, each with its reason."""
    found: dict[str, dict[str, str]] = {}
    reason = ""
    for line in EXPECTED.read_text().splitlines() if EXPECTED.exists() else []:
        if line.startswith("#"):
            reason = line.lstrip("# ")
        elif line.strip():
            suite, _, test = line.partition(" ")
            found.setdefault(suite, {})[test.strip()] = reason
    return found


if __name__ == "__main__":
    sys.exit(main())
