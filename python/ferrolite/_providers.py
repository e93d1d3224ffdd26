"""Providers by name."""

from __future__ import annotations

import sys

from ferrolite import _core

_settings = sys.modules["ferrolite"].__dict__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def get_llm_provider(
    model: str,
    custom_llm_provider: str | None = None,
    api_base: str | None = None,
    api_key: str | None = None,
    litellm_params: Any = None,
) -> tuple[str, str, str | None, str | None]:
    """The provider that a model string means: (model without its prefix, provider, api_key, api_base).

    Raises:
        BadRequestError: No provider can be told from the name.
    """
    if _settings["custom_provider_map"]:
        from ferrolite._custom import handler_of

        handler, provider, name = handler_of(model, custom_llm_provider)
        if handler is not None:
            return name, provider, api_key, api_base
    provider, name = _core.split_model(model, custom_llm_provider, api_base)
    return name, provider, api_key, api_base


def register_provider(row: dict[str, Any]) -> None:
    """Add a provider, or replace one, for this process.

    Args:
        row: The fields of a provider row: `name`, `base`, `key_env`, `auth` ("bearer", "none" …),
            `wires` (`{"chat": "openai"}`) and the rest of what `docs/adding-a-provider.md` describes.

    Raises:
        BadRequestError: The row does not make sense; the message says where.
    """
    _core.register_provider(row)
