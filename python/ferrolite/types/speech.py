"""A text read aloud: bytes with the ways of an httpx response that LiteLLM's callers use."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from os import PathLike
    from typing import Any

    from ferrolite import _core


class HttpxBinaryResponseContent:
    """Sound as bytes. `content` has them all; `stream_to_file` writes them."""

    __module__ = "ferrolite.types.llms.openai"

    def __init__(self, content: bytes, content_type: str = "", meta: _core.CallMeta | None = None) -> None:
        self.content = content
        self.headers = {} if meta is None else meta.headers()
        if content_type:
            self.headers["content-type"] = content_type
        self._hidden_params: dict[str, Any] = {} if meta is None else meta.hidden_params()

    @property
    def text(self) -> str:
        """The bytes as text, for formats that are text."""
        return self.content.decode("utf-8", "replace")

    def read(self) -> bytes:
        """All bytes."""
        return self.content

    async def aread(self) -> bytes:
        """All bytes."""
        return self.content

    def json(self) -> Any:
        """The bytes as JSON, for formats that are JSON."""
        import json

        return json.loads(self.content)

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The bytes in pieces of `chunk_size`; in one piece without it."""
        size = chunk_size or max(1, len(self.content))
        for start in range(0, len(self.content), size):
            yield self.content[start : start + size]

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """`iter_bytes` for `async for`."""
        for piece in self.iter_bytes(chunk_size):
            yield piece

    iter_raw = iter_bytes
    aiter_raw = aiter_bytes

    def write_to_file(self, file: str | PathLike[str]) -> None:
        """Write the bytes to a file."""
        with open(file, "wb") as opened:
            opened.write(self.content)

    def stream_to_file(self, file: str | PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the bytes to a file. They are there already, so `chunk_size` changes nothing."""
        self.write_to_file(file)

    async def astream_to_file(self, file: str | PathLike[str], *, chunk_size: int | None = None) -> None:
        """`stream_to_file` under the name that asynchronous callers use."""
        self.write_to_file(file)

    def close(self) -> None:
        """Nothing is open: for callers that close."""

    async def aclose(self) -> None:
        """Nothing is open: for callers that close."""
