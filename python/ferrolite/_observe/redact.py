"""Hiding texts of questions and answers, and secrets, from callbacks."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HIDDEN = "redacted-by-litellm"
"""What stands for a hidden text, under the name that LiteLLM's users look for."""

_settings = sys.modules["ferrolite"].__dict__

_SECRET_WORDS = (
    "access_key",
    "api_key",
    "api-key",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "password",
    "private_key",
    "secret",
    "token",
)
_COUNTS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "token_counter")


def hides_texts(own: bool | None) -> bool:
    """Whether texts are hidden from everybody; `own` is what the call says."""
    return bool(_settings["turn_off_message_logging"] if own is None else own)


def messages() -> list[dict[str, Any]]:
    """What stands for a conversation."""
    return [{"role": "user", "content": HIDDEN}]


def hides_from(logger: Any) -> bool:
    """Whether a logger wants no texts."""
    if getattr(logger, "turn_off_message_logging", False) is True:
        return True
    return getattr(logger, "message_logging", True) is False


def masked(value: Any) -> Any:
    """A secret that can be told from others: its ends, if it is long."""
    if not isinstance(value, str):
        return None if value is None else "****"
    return f"{value[:2]}****{value[-2:]}" if len(value) >= 12 else "****"


def is_secret(name: str) -> bool:
    """Whether a keyword holds a secret, by its name."""
    lower = name.lower()
    return (
        any(word in lower for word in _SECRET_WORDS)
        and lower not in _COUNTS
        and not lower.endswith("_tokens")
        and "cost" not in lower
    )


def without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """Keywords with their secrets masked."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("extra_headers", "headers") and isinstance(value, dict):
            made[name] = {
                header: masked(text) if is_secret(str(header)) or "key" in str(header).lower() else text
                for header, text in value.items()
            }
        else:
            made[name] = masked(value) if value is not None and is_secret(name) else value
    return made


def details(kwargs: dict[str, Any], result: Any) -> dict[str, Any]:
    """What a callback is told, without texts. The dict is another one; what is not text is shared."""
    hidden = messages()
    kept: dict[str, Any] = {**kwargs, "messages": hidden, "input": ""}
    for name in ("prompt", "original_response", "complete_response", "complete_streaming_response"):
        if kept.get(name) is not None:
            kept[name] = result if name.startswith("complete") else HIDDEN
    additional = kept.get("additional_args")
    if additional:
        kept["additional_args"] = {
            name: value
            for name, value in additional.items()
            if name not in ("complete_input_dict", "original_response")
        }
    kept.pop("raw_request_typed_dict", None)
    optional = kept.get("optional_params")
    if optional:
        kept["optional_params"] = {
            name: value for name, value in optional.items() if name not in ("prompt", "input", "documents")
        }
    payload = kept.get("standard_logging_object")
    if payload:
        kept["standard_logging_object"] = {
            **payload,
            "messages": hidden,
            "response": response(payload["response"]) if payload["response"] else payload["response"],
        }
    return kept


def response(result: Any) -> Any:
    """A copy of an answer without its texts; numbers and vectors stay."""
    from copy import deepcopy

    try:
        copied = deepcopy(result)
    except Exception:
        return {"text": HIDDEN}
    _hide(copied)
    return copied


_TEXTS = ("content", "reasoning_content", "text", "refusal", "arguments", "thinking", "transcript", "delta")


def _hide(value: Any, depth: int = 0) -> None:
    if depth > 12:
        return
    if isinstance(value, (list, tuple)):
        for item in value:
            _hide(item, depth + 1)
        return
    fields: Any = value if isinstance(value, dict) else getattr(value, "__dict__", None)
    if not fields:
        return
    for name, item in list(fields.items()):
        if isinstance(item, str):
            if name in _TEXTS:
                fields[name] = HIDDEN
        elif not isinstance(item, (int, float, bool, type(None))) and name not in ("usage", "_meta"):
            _hide(item, depth + 1)
