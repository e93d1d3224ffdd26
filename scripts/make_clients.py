#!/usr/bin/env python3
"""Write docs/clients.md: the packages of tests/clients, their versions and what their programs do.

python scripts/make_clients.py            # Python 3.11 or newer
python scripts/make_clients.py --check    # fails when the file is not what it would write
"""

import ast
import json
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ROOT / "tests" / "clients"
OUT = ROOT / "docs" / "clients.md"
HEAD = """# Packages that were run

<!-- Written by scripts/make_clients.py (make docs): edit tests/clients, not this file. -->

These packages import litellm. Each was installed, unmodified, in an environment where ferrolite stands in its place by the
distribution of [drop-in.md](drop-in.md), and did what its users do, against a provider on loopback that checks what it is
sent. Each program was first seen to pass with LiteLLM {original}
(aider with the 1.81.10 and pr-agent with the 1.105.1 that they ask for).

```console
$ make clients                                # all, each in an environment of its own under .clients/
$ .venv/bin/python tests/clients/run.py dspy  # one
$ make downstream                             # the test suites below
```

| package | what its program does | in CI |
|---|---|---|
"""
SUITES = """
## Their own tests

Test suites from the packages' source archives, as they are, with ferrolite in LiteLLM's place. A test counts when it passes
with the original. `tests/clients/expected-failures.txt` has those that cannot pass, each with its reason.

| package | tests that pass with the original | expected to fail |
|---|---|---|
"""


def text() -> str:
    facts = tomllib.loads((CLIENTS / "packages.toml").read_text())
    passed = json.loads((CLIENTS / "passed.json").read_text())
    failures = [
        line.split(" ", 1)[0] for line in (CLIENTS / "expected-failures.txt").read_text().splitlines()
    ]
    made = HEAD.format(original=facts["settings"]["original"])
    for name, package in sorted(facts["packages"].items()):
        program = (CLIENTS / f"use_{name.replace('-', '_')}.py").read_text()
        does = (ast.get_docstring(ast.parse(program)) or "").partition(": ")[2].rstrip(".")
        title = package["requires"][0].replace("==", " ")
        if "cannot" in package:
            does = f"does not work: {package['cannot']}"
        made += f"| {title} | {does} | {'yes' if package.get('ci') else ''} |\n"
    made += SUITES
    for name, suite in sorted(facts["suites"].items()):
        count = sum(len(given) or 1 for module in passed[name].values() for given in module.values())
        made += f"| {suite['package'].replace('==', ' ')} | {count} | {failures.count(name)} |\n"
    return made


def main() -> int:
    made = text()
    if "--check" in sys.argv[1:]:
        if OUT.read_text() != made:
            print(f"{OUT.relative_to(ROOT)} is old: make docs", file=sys.stderr)
            return 1
        return 0
    OUT.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
