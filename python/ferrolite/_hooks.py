"""What happens around a call, for every kind of call in one place.

A public function names its kind (`Face`) and hands its keywords to `run` or `arun`. When nobody watches, that is the
core's call and a few look-ups. When somebody does, `_observe.around` takes the same steps and tells them.
"""

from __future__ import annotations

import sys

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ferrolite._core import CoreStream

    _File = tuple[str, str, str | None, bytes]
    _Files = Callable[[dict[str, Any]], list[_File]]

_settings = sys.modules["ferrolite"].__dict__

PER_CALL = frozenset(
    ("callbacks", "failure_callback", "input_callback", "logger_fn", "service_callback", "success_callback")
)
"""Keywords that watch one call; none of them is sent."""


class Face:
    """One kind of call.

    Args:
        name: The public function's name; its namesake for asyncio has an "a" before it.
        core: The core's name of the kind; None for chat completions.
        stream: Makes the public stream of the core's: called with it, the keywords, and whether it is for asyncio.
        prepare: Makes the keywords ready; an answer it returns is the call's.
    """

    __slots__ = ("core", "name", "prepare", "stream")

    def __init__(
        self,
        name: str,
        core: str | None,
        stream: Callable[[CoreStream, dict[str, Any], bool], Any] | None = None,
        prepare: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        self.name = name
        self.core = core
        self.stream = stream
        self.prepare = prepare


def run(face: Face, arguments: dict[str, Any], files: _Files | None = None) -> Any:
    """A call: its answer, or its stream."""
    if is_watched(arguments):
        from ferrolite._observe import around

        return around.run(face, arguments, files)
    if face.prepare is not None and (ready := face.prepare(arguments)) is not None:
        return ready
    if _settings["custom_provider_map"] and (own := own_provider(face, arguments)) is not None:
        return run_own(face, arguments, own)
    return send(face, arguments, files and files(arguments))


async def arun(face: Face, arguments: dict[str, Any], files: _Files | None = None) -> Any:
    """`run`, for asyncio."""
    if is_watched(arguments):
        from ferrolite._observe import around

        return await around.arun(face, arguments, files)
    if face.prepare is not None and (ready := face.prepare(arguments)) is not None:
        return ready
    if _settings["custom_provider_map"] and (own := own_provider(face, arguments)) is not None:
        return await arun_own(face, arguments, own)
    return await asend(face, arguments, files and files(arguments))


def is_watched(arguments: dict[str, Any]) -> bool:
    """Whether anybody is to be told of a call with these keywords."""
    s = _settings
    return bool(
        s["callbacks"]
        or s["success_callback"]
        or s["failure_callback"]
        or s["input_callback"]
        or s["_async_success_callback"]
        or s["_async_failure_callback"]
        or s["_async_input_callback"]
        or s["pre_call_rules"]
        or s["post_call_rules"]
        or not PER_CALL.isdisjoint(arguments.get("kwargs", arguments))
        or arguments.get("logger_fn") is not None
    )


def own_provider(face: Face, arguments: dict[str, Any]) -> Any:
    """The call that a provider written in Python carries out; None when the core does."""
    from ferrolite import _custom

    return _custom.find(arguments, face.core or "chat")


def run_own(face: Face, arguments: dict[str, Any], own: Any) -> Any:
    """The part of a provider written in Python. Its answers are kept from here, the core having no part in it."""
    if _settings["cache"] is None:
        return own.run()
    from ferrolite import _cached

    return _cached.run(face.core, arguments, own.run)


async def arun_own(face: Face, arguments: dict[str, Any], own: Any) -> Any:
    """`run_own`, for asyncio."""
    if _settings["cache"] is None:
        return await own.arun()
    from ferrolite import _cached

    return await _cached.arun(face.core, arguments, own.arun)


def send(
    face: Face, arguments: dict[str, Any], files: list[_File] | None = None, keep_reply: bool = False
) -> Any:
    """The core's part."""
    if (give := _token_provider(arguments)) is not None:
        arguments.get("kwargs", arguments)["azure_ad_token"] = give()
    if (cache := _settings["cache"]) is not None and getattr(cache, "_core", None) is None:
        from ferrolite import _cached

        # The core asks a cache of its own by itself.
        return _cached.run(face.core, arguments, lambda: _send(face, arguments, files, keep_reply))
    return _send(face, arguments, files, keep_reply)


def _send(face: Face, arguments: dict[str, Any], files: list[_File] | None, keep_reply: bool) -> Any:
    result = _core.call(arguments, _settings, face.core, files, keep_reply)
    return _handed_out(face, result, arguments, False)


async def asend(
    face: Face, arguments: dict[str, Any], files: list[_File] | None = None, keep_reply: bool = False
) -> Any:
    """`send`, for asyncio."""
    if (give := _token_provider(arguments)) is not None:
        token = give()
        token = await token if hasattr(token, "__await__") else token
        arguments.get("kwargs", arguments)["azure_ad_token"] = token
    if (cache := _settings["cache"]) is not None and getattr(cache, "_core", None) is None:
        from ferrolite import _cached

        return await _cached.arun(face.core, arguments, lambda: _asend(face, arguments, files, keep_reply))
    return await _asend(face, arguments, files, keep_reply)


async def _asend(face: Face, arguments: dict[str, Any], files: list[_File] | None, keep_reply: bool) -> Any:
    from ferrolite import _aio

    result = await _aio.call(arguments, _settings, face.core, files, keep_reply)
    return _handed_out(face, result, arguments, True)


def _token_provider(arguments: dict[str, Any]) -> Any:
    """A caller's function that gives a token, or for asyncio something to await for one."""
    return arguments.get("kwargs", arguments).pop("azure_ad_token_provider", None)


def _handed_out(face: Face, result: Any, arguments: dict[str, Any], is_async: bool) -> Any:
    if face.stream is not None and isinstance(result, _core.CoreStream):
        return face.stream(result, arguments, is_async)
    return result


def bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a call with positional arguments.

    Raises:
        TypeError: As Python itself would for this call.
    """
    if args:
        from inspect import signature

        named = signature(function).bind_partial(*args).arguments
        if twice := named.keys() & kwargs.keys():
            raise TypeError(f"{function.__name__}() got multiple values for argument {min(twice)!r}")
        return {**named, **kwargs}
    return kwargs
