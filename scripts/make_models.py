"""Builds src/models/models.jsonl, the embedded model table, from a facts file.

usage: python scripts/make_models.py path/to/models.json

The facts file is one JSON object, model name to entry: compact ones, or ones under public names as in LiteLLM's price
map. The table has one line a model, name and entry separated by a tab, sorted by the name's bytes, so that the core
can search it without parsing it. `ferrolite models update` makes the same table for one user.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OUT = ROOT / "src" / "models" / "models.jsonl"


def main() -> None:
    """Read the facts file named on the command line and write the table."""
    from runpy import run_path

    # By path: the package itself needs its native module, which is built from the table.
    tools = run_path(str(ROOT / "python" / "ferrolite" / "_models_update.py"))
    text = tools["lines"](tools["load"](sys.argv[1]))
    OUT.write_text(text, encoding="utf-8")
    print(f"{text.count(chr(10))} models, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
