"""Ways of making one text of a conversation, for models that take a prompt."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__


def register_prompt_template(
    model: str,
    roles: dict[str, dict[str, str]] = {},  # noqa: B006 - the reference's default; never mutated
    initial_prompt_value: str = "",
    final_prompt_value: str = "",
    tokenizer_config: dict[str, Any] = {},  # noqa: B006
) -> dict[str, Any]:
    """Say how a conversation becomes a prompt for a model; from the next call on, at every provider that takes one.

    Args:
        model: The model's name, with or without its provider in front.
        roles: For each role its marks: `{"user": {"pre_message": "[INST] ", "post_message": " [/INST]"}}`.
        initial_prompt_value: What stands before the first message.
        final_prompt_value: What stands after the last.
        tokenizer_config: In place of all these a tokenizer's configuration, as Hugging Face's `tokenizer_config.json`
            has it: its `chat_template` in Jinja, its `bos_token` and `eos_token`.

    Returns:
        All templates that are registered (`ferrolite.custom_prompt_dict`).

    Raises:
        ValueError: A configuration without a `chat_template`.
    """
    registered: dict[str, Any] = _settings["custom_prompt_dict"]
    if tokenizer_config:
        config = tokenizer_config.get("tokenizer", tokenizer_config)
        if not isinstance(config.get("chat_template"), str):
            raise ValueError("tokenizer_config has no `chat_template`")
        registered[model] = {name: config.get(name) for name in ("chat_template", "bos_token", "eos_token")}
    else:
        registered[model] = {
            "roles": roles,
            "initial_prompt_value": initial_prompt_value,
            "final_prompt_value": final_prompt_value,
        }
    return registered
