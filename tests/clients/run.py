"""Runs each package's program in an environment of its own, with ferrolite in litellm's place.

    python tests/clients/run.py              all packages
    python tests/clients/run.py --ci         those that install fast
    python tests/clients/run.py dspy mem0    these
    python tests/clients/run.py --original   with the original, which shows whether a program is right

Environments are kept under FERROLITE_CLIENTS (`.clients/`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _venvs import CACHE, FACTS, HERE, Skipped, environment, make

LIMIT = 240
"""Seconds that a program may take."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="packages of packages.toml; all when none is given")
    parser.add_argument("--ci", action="store_true", help="only those marked so in packages.toml")
    parser.add_argument("--original", action="store_true", help="with the original litellm")
    parser.add_argument("--verbose", action="store_true", help="show what programs print")
    options = parser.parse_args()
    packages: dict[str, dict[str, Any]] = FACTS["packages"]
    if not options.original:
        packages = {**packages, **FACTS["gateway"]}
    unknown = [name for name in options.names if name not in packages]
    if unknown:
        parser.error(f"no package {unknown[0]!r}; there are {', '.join(packages)}")
    names = [
        name
        for name, facts in packages.items()
        if (name in options.names if options.names else facts.get("ci") or not options.ci)
    ]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failures: list[tuple[str, str]] = []
    width = max(len(name) for name in names)
    for name in names:
        started = time.monotonic()
        result, said = run(name, packages[name], options.original)
        counts[result] += 1
        taken = time.monotonic() - started
        reason = said if result == "skipped" else said.strip().rpartition("\n")[2][:120]
        print(
            f"{name:{width}}  {result:7}  {taken:5.1f} s  {packages[name]['requires'][0]}  {reason}",
            flush=True,
        )
        if options.verbose:
            print(said)
        if result == "failed":
            failures.append((name, said))
    for name, said in failures:
        print(f"\n== {name}\n" + "\n".join(said.strip().splitlines()[-25:]))
    print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if failures else 0


def run(name: str, facts: dict[str, Any], with_original: bool) -> tuple[str, str]:
    """How the program went, and what it said or why it was skipped."""
    if "cannot" in facts and not with_original:
        return "skipped", facts["cannot"]
    version = facts.get("original", FACTS["settings"]["original"]) if with_original else None
    overrides = facts.get("original-overrides") if with_original else None
    try:
        python = make(
            name, facts["requires"], original=version, python=facts.get("python"), overrides=overrides
        )
    except Skipped as reason:
        return "skipped", str(reason)
    except RuntimeError as error:
        return "failed", str(error)
    stem = name.replace("-", "_")
    program = HERE / facts.get("program", f"{stem}.py" if name in FACTS["gateway"] else f"use_{stem}.py")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        variables = environment(
            Path(home),
            CLIENTS_IMPLEMENTATION="litellm" if with_original else "ferrolite",
            CLIENTS_CACHE=str(CACHE),
        )
        try:
            ran = subprocess.run(
                [str(python), "-u", str(program)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                cwd=home,
                env=variables,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = error.stdout.decode(errors="replace") if error.stdout else ""
            return "failed", f"{said}\nno end after {LIMIT} s"
    said = "\n".join(line for line in ran.stdout.splitlines() if line.strip())
    if ran.returncode == 77:
        return "skipped", said.rpartition("skipped: ")[2]
    # A program that ended well has said so itself: it may have ended early.
    ended = [line for line in said.splitlines() if "ok ferrolite {" in line or "ok litellm {" in line]
    if ran.returncode == 0 and ended:
        return "passed", ended[-1]
    return "failed", f"{said}\nexit status {ran.returncode}"


if __name__ == "__main__":
    sys.exit(main())
