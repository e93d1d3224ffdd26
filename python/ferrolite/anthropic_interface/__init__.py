"""Anthropic's Messages: `ferrolite.anthropic.messages.create` and `acreate`."""

from __future__ import annotations

from ferrolite.anthropic_interface import messages
from ferrolite.anthropic_interface.messages import acreate, create

__all__ = ["acreate", "create", "messages"]
