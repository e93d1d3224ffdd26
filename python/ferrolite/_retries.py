"""Calls that are tried again, under LiteLLM's older names."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RETRIES = 3


def completion_with_retries(*args: Any, **kwargs: Any) -> Any:
    """`completion` with three retries, or as many as `num_retries` says.

    `retry_strategy` is accepted: waits grow, or are as long as the provider asks.
    """
    from ferrolite._call import completion  # not what a tracer put in its place: it sees this call

    return completion(*args, **_prepared(kwargs))


async def acompletion_with_retries(*args: Any, **kwargs: Any) -> Any:
    """`completion_with_retries` for asyncio."""
    from ferrolite._call import acompletion

    return await acompletion(*args, **_prepared(kwargs))


async def acreate(*args: Any, **kwargs: Any) -> Any:
    """`acompletion` under the name of OpenAI's first library."""
    from ferrolite import acompletion

    return await acompletion(*args, **kwargs)


def _prepared(kwargs: dict[str, Any]) -> dict[str, Any]:
    kwargs = {
        name: value for name, value in kwargs.items() if name not in ("retry_strategy", "original_function")
    }
    if kwargs.get("num_retries") is None:
        kwargs["num_retries"] = kwargs.pop("max_retries", None) or _RETRIES
    return kwargs
