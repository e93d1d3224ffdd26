"""Secrets from the environment, or from a secret manager of the program's own."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__


def str_to_bool(value: str | None) -> bool | None:
    """What "true" and "false" say, in any case of letters; None for all else."""
    return {"true": True, "false": False}.get((value or "").strip().lower())


def get_secret(secret_name: str, default_value: str | bool | None = None) -> str | bool | None:
    """A secret: a bool for "true" and "false", else its text.

    Args:
        secret_name: Its name; `os.environ/NAME` is `NAME`.
        default_value: What to answer when the secret manager fails; a variable that is not set is None.

    `ferrolite.secret_manager_client` is asked first, when it is set: an object with `get(name)` or
    `get_secret(name)`, or a function.
    """
    name = secret_name.removeprefix("os.environ/")
    client: Any = _settings["secret_manager_client"]
    value: Any = None
    if client is not None:
        read = getattr(client, "get", None) or getattr(client, "get_secret", None) or client
        try:
            value = read(name)
        except Exception:
            if default_value is not None:
                return default_value
            raise
        value = getattr(value, "value", value)  # as Azure's client hands it out
    if value is None:
        value = os.environ.get(name)
    told = str_to_bool(value) if isinstance(value, str) else None
    return value if told is None else told


def get_secret_str(secret_name: str, default_value: str | bool | None = None) -> str | None:
    """`get_secret` for texts: None when it is no text."""
    value = get_secret(secret_name, default_value)
    return value if isinstance(value, str) else None


def get_secret_bool(secret_name: str, default_value: bool | None = None) -> bool | None:
    """`get_secret` for switches: None when it is not "true" or "false"."""
    value = get_secret(secret_name, default_value)
    return value if isinstance(value, bool) else None
