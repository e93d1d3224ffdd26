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
        if meta is not None:
            from ferrolite.cost_calculator import cost_of_answer

            self._hidden_params["response_cost"] = cost_of_answer(self, meta)
        self._hidden_params.setdefault("headers", dict(self.headers))
        self.usage: Any = None

    @property
    def hidden_params(self) -> dict[str, Any]:
        """What is known of the call besides its answer."""
        return self._hidden_params

    def set_response_cost(self, response_cost: float | None) -> None:
        """Note what the call cost."""
        self._hidden_params["response_cost"] = response_cost

    def logging_summary(self) -> dict[str, Any]:
        """What a log says in place of the bytes."""
        return {"object": "binary", "content_type": self.content_type, "num_bytes": len(self.content)}

    @property
    def content_type(self) -> str | None:
        """The type that the provider gave."""
        return self.headers.get("content-type")

    @property
    def charset_encoding(self) -> str | None:
        """The encoding that the provider named, for formats that are text."""
        _, _, charset = (self.content_type or "").partition("charset=")
        return charset.split(";")[0].strip(" \"'") or None

    @property
    def encoding(self) -> str:
        """The encoding that `text` is read in."""
        return self.charset_encoding or "utf-8"

    @property
    def text(self) -> str:
        """The bytes as text, for formats that are text."""
        try:
            return self.content.decode(self.encoding, "replace")
        except LookupError:  # an encoding that nobody knows
            return self.content.decode("utf-8", "replace")

    def read(self) -> bytes:
        """All bytes."""
        return self.content

    async def aread(self) -> bytes:
        """All bytes."""
        return self.content

    def json(self, **kwargs: Any) -> Any:
        """The bytes as JSON, for formats that are JSON. Keywords are those of `json.loads`."""
        import json

        return json.loads(self.content, **kwargs)

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """`text` in pieces of `chunk_size` characters; in one piece without it."""
        text = self.text
        size = chunk_size or max(1, len(text))
        for start in range(0, len(text), size):
            yield text[start : start + size]

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        """`iter_text` for `async for`."""
        for piece in self.iter_text(chunk_size):
            yield piece

    def iter_lines(self) -> Iterator[str]:
        """The lines of `text`."""
        yield from self.text.splitlines()

    async def aiter_lines(self) -> AsyncIterator[str]:
        """`iter_lines` for `async for`."""
        for line in self.iter_lines():
            yield line

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
