"""Reading lists of models, and putting a newer one in place of the built-in one. Only ever done on request."""

from __future__ import annotations

import json
import os
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEFT_OUT = ("src", "source", "comment")
"""Where a figure came from is for those who check it."""


def load(source: str, timeout: float = 30.0) -> dict[str, Any]:
    """The models in a JSON file: names to entries.

    Args:
        source: A path, or an address (`https:`, `http:`, `file:`).
        timeout: Seconds to wait for a server.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON object of objects.
    """
    if "://" in source:
        from urllib.request import urlopen

        if source.partition("://")[0] not in ("https", "http", "file"):
            raise ValueError(f"{source} is neither a path nor an address that can be read")
        with urlopen(source, timeout=timeout) as reply:
            text = reply.read()
    else:
        text = Path(source).read_bytes()
    models = json.loads(text)
    if not isinstance(models, dict) or not models:
        raise ValueError(f"{source} holds no models: an object of model names is expected")
    for name, entry in models.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(entry, dict) or not ({"provider", "litellm_provider"} & entry.keys()):  # pyright: ignore[reportUnknownMemberType]
            raise ValueError(f"{source}: the entry of {name!r} is not that of a model")
    return models  # pyright: ignore[reportUnknownVariableType]


def place() -> Path:
    """The file that the core looks for: `FERROLITE_MODELS`, or one in the user's cache folder."""
    path = os.environ.get("FERROLITE_MODELS")
    if path:
        return Path(path)
    cache = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(cache) if cache else Path.home() / ".cache") / "ferrolite" / "models.jsonl"


def lines(models: dict[str, Any]) -> str:
    """Models as the core's table: a line each, name and entry separated by a tab, sorted by the name's bytes."""
    out: list[str] = []
    for name in sorted(models, key=lambda name: name.encode()):
        if name == "sample_spec" or "\t" in name or "\n" in name:
            continue
        entry = {key: value for key, value in models[name].items() if key not in _LEFT_OUT}
        out.append(f"{name}\t{json.dumps(entry, ensure_ascii=False, separators=(',', ':'))}\n")
    return "".join(out)


def update(source: str) -> tuple[Path, int]:
    """Put the models of a file or an address in place. Returns where they are now, and how many."""
    text = lines(load(source))
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path, text.count("\n")
