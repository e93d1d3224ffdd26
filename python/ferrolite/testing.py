"""A fake provider for tests: it speaks OpenAI's, Anthropic's and Gemini's formats, without key or internet.

>>> from ferrolite import completion
>>> from ferrolite.testing import MockServer
>>> with MockServer() as server:
...     completion("openai/gpt-4o", [{"role": "user", "content": "Hi"}], api_base=server.base_url, api_key="x")
"""

from __future__ import annotations

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

DEFAULTS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 0,
    "latency_ms": 0.0,
    "chunk_delay_ms": 0.0,
    "chunks": None,
    "words": None,
    "reply": None,
    "error_status": None,
    "error_rate": None,
    "require_key": None,
    "seed": 0,
    "record": False,
}
"""The options of a mock server; `docs/mock.md` says what each does."""


class MockServer:
    """A mock provider server in the background of this process, until the `with` block ends or `stop` is called.

    Args:
        **options: Those of `ferrolite mock`, with underscores: `port` (0 for any), `latency_ms`,
            `chunk_delay_ms`, `chunks`, `reply`, `error_status`, `error_rate`, `require_key`, `record` …

    Raises:
        TypeError: An option that does not exist.
        OSError: The port cannot be used, or an option is out of range.
    """

    def __init__(self, **options: Any) -> None:
        unknown = [name for name in options if name not in DEFAULTS]
        if unknown:
            raise TypeError(f"MockServer has no option {unknown[0]!r}; it has {', '.join(DEFAULTS)}")
        self._server = _core.MockServer({**DEFAULTS, **options})

    @property
    def base_url(self) -> str:
        """The address, for example ``http://127.0.0.1:41234``."""
        return self._server.base_url

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
