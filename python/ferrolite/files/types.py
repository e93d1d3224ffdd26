"""What reading a file piece by piece gives."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from ferrolite.files.streaming import FileContentStreamingResponse

    class FileContentStreamingResult(NamedTuple):
        """The pieces, and the headers of the reply."""

        stream_iterator: FileContentStreamingResponse
        headers: dict[str, str]

else:
    FileContentStreamingResult = namedtuple("FileContentStreamingResult", ("stream_iterator", "headers"))
    FileContentStreamingResult.__doc__ = "The pieces, and the headers of the reply."
