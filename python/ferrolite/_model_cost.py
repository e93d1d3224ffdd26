"""`model_cost`: what is known of all models, as a dict that programs may change.

It is made when it is first looked at. Until then look-ups go to the core's table, and cost no memory here.
"""

from __future__ import annotations

import sys

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_package = sys.modules["ferrolite"].__dict__


def table() -> dict[str, Any]:
    """The dict, made if nobody has looked at it yet."""
    return sys.modules["ferrolite"].model_cost


def own() -> dict[str, Any] | None:
    """The dict if the program has looked at it, and so may have changed it."""
    return _package.get("model_cost")


def __getattr__(name: str) -> Any:
    if name == "model_cost":
        return _core.public_models()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_model_cost_map(
    url: str | None = None,
    timeout: float = 5,
    max_attempts: int = 3,
    sleep: Any = None,
    rng: Any = None,
    client: Any = None,
) -> dict[str, Any]:
    """What is known of all models, afresh from the built-in table or from a file.

    Args:
        url: The path of a JSON file, or a `file:` address. Other addresses are not fetched: `ferrolite models
            update --from URL` does that, when you ask for it.
        timeout, max_attempts, sleep, rng, client: Accepted for LiteLLM's sake.
    """
    if url and "://" not in url.removeprefix("file://"):
        return read(url)
    return _core.public_models()


def read(source: str) -> dict[str, Any]:
    """The models in a JSON file, by its path or address."""
    from ferrolite._models_update import load

    return load(source)
