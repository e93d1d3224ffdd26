"""Makes the vocabularies in src/tokens/vocabularies of OpenAI's published files.

    python scripts/make_vocabularies.py cl100k_base.tiktoken o200k_base.tiktoken

A `.tiktoken` file has a line for each token: its bytes in base64, and its rank. What is written has the bytes alone, in
the order of their ranks, each after its length in one byte.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / "src" / "tokens" / "vocabularies"


def packed(text: str) -> bytes:
    ranked = [line.split() for line in text.splitlines() if line]
    tokens = {int(rank): base64.b64decode(token) for token, rank in ranked}
    if sorted(tokens) != list(range(len(tokens))):
        raise ValueError("ranks have gaps")
    return b"".join(bytes([len(tokens[rank])]) + tokens[rank] for rank in range(len(tokens)))


def main(paths: list[str]) -> None:
    for path in map(Path, paths):
        out = HOME / f"{path.stem}.bin"
        out.write_bytes(packed(path.read_text()))
        print(f"{out.name}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
