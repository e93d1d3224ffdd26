"""What models of Fireworks cost."""

from __future__ import annotations

from ferrolite.cost_calculator import fireworks_ai_cost_per_token as cost_per_token

__all__ = ["cost_per_token"]
