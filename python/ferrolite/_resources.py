"""Calls about what a provider keeps for an account: one way for files, batches and fine-tuning jobs."""

from __future__ import annotations

import sys

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_settings = sys.modules["ferrolite"].__dict__


def run(call_type: str, arguments: dict[str, Any], file: Any = None) -> Any:
    """The answer; `file` goes with the call."""
    result = _core.call(arguments, _settings, call_type, _upload(call_type, file))
    return _handed_out(result, call_type, arguments, is_async=False)


async def arun(call_type: str, arguments: dict[str, Any], file: Any = None) -> Any:
    """`run` for asyncio."""
    from ferrolite import _aio

    result = await _aio.call(arguments, _settings, call_type, _upload(call_type, file))
    return _handed_out(result, call_type, arguments, is_async=True)


def _upload(call_type: str, file: Any) -> list[tuple[str, str, str | None, bytes]] | None:
    if call_type != "create_file":
        return None
    from ferrolite import _files

    return [_files.upload("file", file, "upload")]


def _handed_out(result: Any, call_type: str, arguments: dict[str, Any], *, is_async: bool) -> Any:
    if isinstance(result, _core.CoreStream):
        from ferrolite.files.streaming import FileContentStreamingResponse
        from ferrolite.files.types import FileContentStreamingResult

        pieces = FileContentStreamingResponse(result, arguments["file_id"])
        return FileContentStreamingResult(pieces, result.meta.headers())
    if call_type.startswith("list_"):
        from ferrolite.types.resources import turned

        again = arun if is_async else run

        def fetch(info: dict[str, Any]) -> Any:
            return again(call_type, {**arguments, **info})

        return turned(result, fetch, is_async=is_async)
    return result
