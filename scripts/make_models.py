"""Builds src/models/models.jsonl, the embedded model table, from a facts file.

usage: python scripts/make_models.py path/to/models.json

The facts file is one JSON object, model name to entry. The table has one line a model, name and entry separated
by a tab, sorted by the name's bytes, so that the core can search it without parsing it.
"""

import json
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "src" / "models" / "models.jsonl"
# Where a figure came from is for people who check the facts file, not for calls.
LEFT_OUT = {"src"}


def main() -> None:
    """Read the facts file named on the command line and write the table."""
    models = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    lines = []
    for name in sorted(models, key=lambda n: n.encode()):
        entry = {key: value for key, value in models[name].items() if key not in LEFT_OUT}
        lines.append(f"{name}\t{json.dumps(entry, ensure_ascii=False, separators=(',', ':'))}\n")
    OUT.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} models, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
