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
        and not lower.endswith(("_tokens", "token_ids"))
        and "cost" not in lower
    )


_HEADERS = ("extra_headers", "headers")
_PASSED_ON = ("litellm_metadata", "metadata", "properties")
"""The caller's notes for those who are told, and names in a schema: neither is looked into."""
_DEEPEST = 12


def without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """Keywords with their secrets masked, however deep they are. What has none is shared."""
    return {name: _clean(str(name), value, False, 0) for name, value in values.items()}


def _clean(name: str, value: Any, in_headers: bool, depth: int) -> Any:
    if value is None or name in _PASSED_ON:
        return value
    if is_secret(name) or (in_headers and "key" in name.lower()):
        return masked(value)
    if not isinstance(value, (dict, list, tuple)):
        return value
    if depth > _DEEPEST:
        return "****"
    if isinstance(value, dict):
        headers = name in _HEADERS
        made = {key: _clean(str(key), item, headers, depth + 1) for key, item in value.items()}
        return made if any(made[key] is not item for key, item in value.items()) else value
    items = [_clean("", item, False, depth + 1) for item in value]
    return items if any(one is not item for one, item in zip(items, value, strict=True)) else value


_TEXT_PARAMETERS = frozenset(
    (
        "contents",
        "documents",
        "functions",
        "input",
        "instructions",
        "mock_response",
        "mock_tool_calls",
        "prediction",
        "prompt",
        "prompt_variables",
        "proxy_server_request",
        "query",
        "suffix",
        "system",
        "systemInstruction",
        "system_instruction",
        "tools",
    )
)
"""Parameters that are what somebody has written, and no settings."""
_GROUPS = ("config", "extra_body", "generationConfig")


def without_texts(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters without those that are texts."""
    made = {name: value for name, value in params.items() if name not in _TEXT_PARAMETERS}
    for name in _GROUPS:
        if name in made:
            group = made.pop(name)
            if isinstance(group, dict):
                made[name] = without_texts(group)
    return made


def details(kwargs: dict[str, Any], result: Any) -> dict[str, Any]:
    """What a callback is told, without texts. The dict is another one; what is not text is shared.

    Args:
        kwargs: What others are told.
        result: The answer without its texts.
    """
    hidden = messages()
    kept: dict[str, Any] = {**without_texts(kwargs), "messages": hidden, "input": ""}
    for name in ("prompt", "original_response", "complete_response", "complete_streaming_response"):
        if kwargs.get(name) is not None:
            kept[name] = result if name.startswith("complete") else HIDDEN
    additional = kept.get("additional_args")
    if additional:
        kept["additional_args"] = {
            name: value
            for name, value in additional.items()
            if name not in ("complete_input_dict", "original_response")
        }
    kept.pop("raw_request_typed_dict", None)
    for name in ("litellm_params", "optional_params"):
        if kept.get(name):
            kept[name] = without_texts(kept[name])
    payload = kept.get("standard_logging_object")
    if payload:
        # Fields may be left out: `standard_logging_payload_excluded_fields`.
        instead: dict[str, Any] = {"messages": hidden}
        if payload.get("response"):
            instead["response"] = response(payload["response"])
        if payload.get("model_parameters"):
            instead["model_parameters"] = without_texts(payload["model_parameters"])
        present = {name: value for name, value in instead.items() if name in payload}
        kept["standard_logging_object"] = {**payload, **present}
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


_TEXTS = frozenset(
    (
        "arguments",
        "content",
        "delta",
        "input",
        "instructions",
        "output",
        "output_text",
        "partial_json",
        "query",
        "reasoning",
        "reasoning_content",
        "refusal",
        "revised_prompt",
        "summary",
        "text",
        "thinking",
        "transcript",
    )
)
_TEXTS_IN_PIECES = frozenset(("args", "arguments", "input", "logprobs", "logprobs_result", "tools"))
"""What says or repeats a text piece by piece: tokens with their odds, what a tool is called with, what tools there are."""
_NO_TEXTS = ("_meta", "embedding", "usage")


def _hide(value: Any, depth: int = 0) -> None:
    if depth > _DEEPEST:
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
        elif name in _TEXTS_IN_PIECES and item is not None:
            fields[name] = [] if isinstance(item, list) else {} if isinstance(item, dict) else None
        elif not isinstance(item, (int, float, bool, type(None))) and name not in _NO_TEXTS:
            _hide(item, depth + 1)
