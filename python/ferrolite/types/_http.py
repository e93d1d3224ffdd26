"""The HTTP request and response an error shows: httpx's own classes where httpx is installed.

They are made from plain facts when somebody asks, so that raising an error imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

URL = "https://ferrolite.invalid/"
"""What a request is said to have gone to when nothing better is known."""

_OF_THE_TRANSPORT = ("content-encoding", "content-length", "transfer-encoding")


def make_request() -> Any:
    """A request that was never sent."""
    try:
        from httpx import Request
    except ImportError:
        return PlainRequest()
    return Request("POST", URL)


def make_response(status: int, headers: list[tuple[str, str]], body: Any, request: Any) -> Any:
    """A response whose `body` is text, bytes or anything that is JSON; None is an empty one."""
    content = _bytes(body)
    # The body is the decoded one, so what described its encoding is no longer true.
    kept = [(name, value) for name, value in headers if name.lower() not in _OF_THE_TRANSPORT]
    try:
        from httpx import Response
    except ImportError:
        return PlainResponse(status, kept, content, request)
    # As bytes: text would have to be ASCII, which not every upstream's is.
    raw = [(name.encode(), value.encode()) for name, value in kept]
    return Response(status, headers=raw, content=content, request=request)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    from json import dumps

    return dumps(body, ensure_ascii=False).encode()


class PlainHeaders(dict[str, str]):
    """Headers by name, whatever its case; repeated ones are joined."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__()
        for name, value in pairs:
            key = name.lower()
            self[key] = f"{self[key]}, {value}" if key in self else value

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and super().__contains__(key.lower())

    def get(self, key: str, default: Any = None) -> Any:
        """The header called `key`."""
        return super().get(key.lower(), default)


class PlainRequest:
    """Stands in for ``httpx.Request``."""

    def __init__(self, method: str = "POST", url: str = URL) -> None:
        self.method = method
        self.url = url
        self.headers = PlainHeaders([])

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {self.url!r})>"


class PlainResponse:
    """Stands in for ``httpx.Response``."""

    def __init__(
        self, status_code: int, headers: list[tuple[str, str]], content: bytes, request: Any
    ) -> None:
        self.status_code = status_code
        self.headers = PlainHeaders(headers)
        self.content = content
        self.request = request

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, parsed."""
        from json import loads

        return loads(self.content)

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"
