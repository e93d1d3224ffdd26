"""Calls that are tried again, under LiteLLM's older names."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_RETRIES = 3


def completion_with_retries(*args: Any, **kwargs: Any) -> Any:
    """`completion` with three retries, or as many as `num_retries` says.

    `retry_strategy` is accepted: waits grow, or are as long as the provider asks.
    """
    from ferrolite._call import completion  # not what a tracer put in its place: it sees this call

    function, keywords = prepared(completion, kwargs)
    return function(*args, **keywords)


async def acompletion_with_retries(*args: Any, **kwargs: Any) -> Any:
    """`completion_with_retries` for asyncio."""
    from ferrolite._call import acompletion

    function, keywords = prepared(acompletion, kwargs)
    return await function(*args, **keywords)


async def acreate(*args: Any, **kwargs: Any) -> Any:
    """`acompletion` under the name of OpenAI's first library."""
    from ferrolite import acompletion

    return await acompletion(*args, **kwargs)


def prepared(
    function: Callable[..., Any], given: dict[str, Any]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function that is tried again, or `original_function`, and its keywords with the number of retries."""
    keywords = {**given}
    keywords.pop("retry_strategy", None)
    original = keywords.pop("original_function", None)
    retries, others = keywords.get("num_retries"), keywords.pop("max_retries", None)
    if retries is None:
        retries = _RETRIES if others is None else others
    return function if original is None else original, keywords | {"num_retries": retries}
