"""Results on their way to an event loop: none is lost, and none waits for what another worker does."""

from __future__ import annotations

from _upstream import python, quiet


def test_a_drain_without_results_does_not_wait() -> None:
    """Two may come for one wake where a loop runs inside of its own callback (nest_asyncio)."""
    quiet(python("from ferrolite import _core; _core.LoopQueue().drain(); print('on')", limit=10), "on")
