"""A file that comes piece by piece."""

from __future__ import annotations

from ferrolite._stream import CoreReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ferrolite._core import CoreStream


class FileContentStreamingResponse(CoreReader):
    """The pieces of a file as bytes, for `for` and for `async for`. Closing it ends the request."""

    def __init__(self, core: CoreStream, file_id: str) -> None:
        self._core = core
        self.file_id = file_id
        self.model = core.model
        self.custom_llm_provider = core.provider
