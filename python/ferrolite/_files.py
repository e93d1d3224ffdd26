"""Files that go with a call, however a caller holds them."""

from __future__ import annotations

import os
from typing import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = {"file": "audio.wav", "image": "image.png", "image[]": "image.png", "mask": "mask.png"}
"""For content without a name: providers tell formats by the ending."""


def upload(field: str, file: Any, unnamed: str | None = None) -> tuple[str, str, str | None, bytes]:
    """A file as the core takes it: the form's field, the file's name, its content type, what is in it.

    Args:
        field: The name of the form's field.
        file: A path, bytes, an open file, or a tuple (name, content[, content type[, headers]]).
        unnamed: What content without a name is called, where no format is to be told by that.

    Raises:
        BadRequestError: It is none of these.
        OSError: The file cannot be read.
    """
    name: str | None = None
    content_type: str | None = None
    content = file
    if isinstance(file, tuple):
        parts: list[Any] = list(file)  # pyright: ignore[reportUnknownArgumentType]
        name, content = parts[0], parts[1]
        content_type = parts[2] if len(parts) > 2 else None
    data, own_name = _read(field, content)
    name = os.path.basename(name or own_name or unnamed or _NAMES.get(field, field))
    return field, name, content_type or _guess(name), data


def _read(field: str, content: Any) -> tuple[bytes, str | None]:
    if isinstance(content, (bytes, bytearray)):
        return bytes(content), None
    if isinstance(content, (str, os.PathLike)):
        path = os.fspath(cast("str | os.PathLike[str]", content))
        with open(path, "rb") as opened:
            return opened.read(), path
    if hasattr(content, "read"):
        data: Any = content.read()
        name: Any = getattr(content, "name", None)
        own_name = name if isinstance(name, str) else None
        return (data.encode() if isinstance(data, str) else bytes(data)), own_name
    from ferrolite.exceptions import BadRequestError

    message = (
        f"Invalid '{field}': expected a path, bytes, an open file or a tuple, got {type(content).__name__}."
    )
    raise BadRequestError(message=message, model="", llm_provider="")


def _guess(name: str) -> str | None:
    from mimetypes import guess_type

    return guess_type(name)[0]
