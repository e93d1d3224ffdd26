"""Providers written in Python, for the gateway: handlers of `custom_provider_map` behind a small server on loopback.

The gateway calls them as any provider that speaks OpenAI's format, so that streams, retries, fallbacks and cooldowns are
the same as of others. Only this process can: a request has to bring a secret that was made at the start.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is called and read here is other people's.

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from ferrolite._gateway_hooks import plain_of, problem
from ferrolite._logging import verbose_logger

if TYPE_CHECKING:
    from typing import Any

_KINDS = {"/chat/completions": "chat", "/embeddings": "embedding", "/images/generations": "image_generation"}
_LONGEST = 64 * 1024
"""Of a request's head, in bytes."""
_HEADERS_OF_OURS = ("x-ferrolite-secret", "x-ferrolite-provider", "x-ferrolite-api-base")


class Server:
    """The server of one configuration's providers.

    Args:
        providers: Handlers by the names of their providers.
        most: The most calls at once; further ones are answered 503.
    """

    def __init__(self, providers: dict[str, Any], most: int) -> None:
        self._providers = {
            name: handler() if isinstance(handler, type) else handler for name, handler in providers.items()
        }
        self._most = most
        self._under_way = 0
        self._secret = secrets.token_urlsafe(32)
        self._server: Any = None

    async def start(self) -> tuple[str, str]:
        """Take a port; returns the address and the secret."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_LONGEST)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}", self._secret

    def close(self) -> None:
        """Take no more connections."""
        self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the gateway has let go of it
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request of a connection; whether another may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        kind = _KINDS.get(path)
        handler = self._providers.get(headers.get("x-ferrolite-provider", ""))
        if not hmac.compare_digest(headers.get("x-ferrolite-secret", "").encode(), self._secret.encode()):
            await _answer(writer, 401, {"error": {"message": "This is not for you."}})
            return False
        if kind is None or handler is None:
            await _answer(writer, 404, {"error": {"message": "This provider has no such call."}})
            return True
        if self._under_way >= self._most:
            await _answer(writer, 503, {"error": {"message": "The provider has as many calls as it takes."}})
            return True
        self._under_way += 1
        # A gateway that goes away ends the call: nothing else comes on the connection before the answer.
        work = asyncio.ensure_future(self._call(handler, kind, headers, json.loads(body), writer))
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                return False
            return work.result()
        finally:
            self._under_way -= 1
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def _call(
        self, handler: Any, kind: str, headers: dict[str, str], asked: dict[str, Any], writer: Any
    ) -> bool:
        from ferrolite import _custom

        provider = headers["x-ferrolite-provider"]
        call = _custom.Call(handler, provider, str(asked.pop("model", "")), kind)
        key = headers.get("authorization", "").removeprefix("Bearer ").strip()
        own = {
            name: value
            for name, value in headers.items()
            if name.startswith("x-") and name not in _HEADERS_OF_OURS
        }
        # The gateway has retried and dropped already what there is to be.
        call.given = {**asked, "num_retries": 0, "drop_params": True}
        for name, value in (
            ("api_key", key or None),
            ("api_base", headers.get("x-ferrolite-api-base")),
            ("extra_headers", own or None),
        ):
            if value is not None:
                call.given[name] = value
        call.streams = kind == "chat" and bool(asked.get("stream"))
        begun = False
        try:
            made = await call.arun()
            if not call.streams:
                await _answer(writer, 200, plain_of(made))
                return True
            async for chunk in made:
                if not begun:
                    begun = True
                    writer.write(
                        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                    )
                await _piece(writer, f"data: {json.dumps(plain_of(chunk, exclude_none=True))}\n\n")
            await _piece(writer, "data: [DONE]\n\n")
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return True
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            verbose_logger.debug("the provider %s failed", provider, exc_info=True)
            cause = getattr(error, "original_exception", None) or error
            # The handler's own words: the gateway says whose they are.
            own = cause.__cause__ if isinstance(cause.__cause__, Exception) else cause
            said = {**problem(own, 500), "status": problem(cause, 500)["status"]}
            told = {
                "error": {"message": said["message"], "type": said.get("type"), "code": str(said["status"])}
            }
            if begun:
                await _piece(writer, f"data: {json.dumps(told)}\n\n")
                return False
            await _answer(writer, said["status"], told)
            return True


async def _answer(writer: asyncio.StreamWriter, status: int, answer: Any) -> None:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _piece(writer: asyncio.StreamWriter, text: str) -> None:
    data = text.encode()
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
    await writer.drain()
