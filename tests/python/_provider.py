"""A scripted provider for calls other than chat, and the way to call it: as a program does, and as one with asyncio."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from _upstream import Exchange, Upstream

import ferrolite

PNG = b"\x89PNG\r\n\x1a\n"
PNG64 = base64.b64encode(PNG).decode()
VECTOR = [0.5, 0.25]
AWS = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "secret", "aws_region_name": "us-east-1"}


class Provider(Upstream):
    """Answers requests in turn: a value is JSON, bytes are sound; `{origin}` in a text is its own address."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        super().__init__(self.reply)

    def reply(self, exchange: Exchange) -> None:
        reply = self.replies.pop(0) if self.replies else (500, {"message": "nobody expected this"})
        if isinstance(reply, bytes):
            exchange.reply(200, reply, {"content-type": "audio/mpeg"})
        elif isinstance(reply, tuple):
            exchange.json(reply[1], status=reply[0])
        else:
            exchange.json(self.here(reply))

    def here(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{origin}", self.origin)
        if isinstance(value, dict):
            return {key: self.here(item) for key, item in value.items()}
        return [self.here(item) for item in value] if isinstance(value, list) else value

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]


def run(asynchronous: bool, name: str, provider: Provider, **arguments: Any) -> Any:
    """The function, or its namesake for asyncio."""
    arguments = {"api_base": provider.origin, "api_key": "key-0123456789", "max_retries": 0, **arguments}
    if not asynchronous:
        return getattr(ferrolite, name)(**arguments)

    async def call() -> Any:
        return await getattr(ferrolite, f"a{name}")(**arguments)

    return asyncio.run(call())


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
