"""Rules: a program's own functions that say whether a question may be sent, and an answer handed out."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite._observe.log import Logging

_settings = sys.modules["ferrolite"].__dict__


def check(rules: list[Any], text: str, model: str) -> None:
    """Ask the rules.

    Raises:
        APIResponseValidationError: One says no: False, or a dict whose `decision` is False.
    """
    for rule in rules:
        if not callable(rule):
            continue
        said = rule(text)
        message = "LLM Response failed post-call-rule check"
        if isinstance(said, dict):
            message = said.get("message") or message
            said = said.get("decision", True)
        if said is False:
            from ferrolite.exceptions import APIResponseValidationError

            raise APIResponseValidationError(message=message, llm_provider="", model=model)


def check_answer(result: Any, model: str) -> None:
    """Ask the rules for answers about a whole answer."""
    rules: list[Any] = _settings["post_call_rules"]
    if not rules:
        return
    for choice in getattr(result, "choices", None) or ():
        message = getattr(choice, "message", None)
        text = getattr(message, "content", None) if message is not None else getattr(choice, "text", None)
        if isinstance(text, str):
            check(rules, text, model)


def text_asked(log: Logging) -> str:
    """The text of a conversation."""
    if not _settings["pre_call_rules"]:
        return ""
    messages: Any = log.messages
    if not isinstance(messages, list):
        return str(messages or "")
    parts: list[str] = []
    for message in messages:
        content: Any = (
            message.get("content") if isinstance(message, dict) else getattr(message, "content", "")
        )
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
        parts.append(content or "")
    return "".join(parts)
