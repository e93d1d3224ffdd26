"""Sound: spoken answers in a chat, and transcriptions."""

from __future__ import annotations

from ferrolite.types._base import Model, Response, new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ChatCompletionAudioResponse(Model):
    """A spoken answer: base64 `data`, its `transcript`, and when the provider forgets it (seconds since 1970)."""

    id: str
    data: str
    expires_at: int
    transcript: str

    def __init__(
        self, data: str, expires_at: int, transcript: str, id: str | None = None, **extras: Any
    ) -> None:
        values = self.__dict__
        values["id"] = id or new_id()
        values["data"] = data
        values["expires_at"] = expires_at
        values["transcript"] = transcript
        values.update(extras)


class TranscriptionResponse(Response):
    """The text of a recording.

    `language`, `duration`, `words` and `segments` are there when the provider sent them.
    """

    text: str | None
    usage: dict[str, Any] | None = None

    def __init__(self, text: str | None = None, **extras: Any) -> None:
        self.__dict__["text"] = text
        self.__dict__.update(extras)
