"""Calls that a client of OpenAI's package sends: `completion(…, client=OpenAI(…))`.

The request is made as ever, and the client carries it: with its address, its key, its retries and its transport. That
is for providers of OpenAI's format; elsewhere a client is left aside.
"""

from __future__ import annotations

import sys

from ferrolite import _core
from ferrolite._custom import Call as CustomCall
from ferrolite._custom import mapped, timeout_of
from ferrolite._custom_stream import read, read_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from ferrolite._stream import CustomStreamWrapper

_settings = sys.modules["ferrolite"].__dict__

_PATHS = {"chat": "/chat/completions", "embedding": "/embeddings"}


class Call(CustomCall):
    """A call that a client carries."""

    _facts: dict[str, Any] = {}

    def run(self) -> Any:
        """The answer, or a stream."""
        if self._is_mocked():
            return self._named(_core.call(self.arguments, _settings))
        try:
            reply = self._post()
            if self.streams:
                return self._wrapped(read(self._pieces(), _chunks(reply)))
            return self._answer(reply)
        except Exception as error:
            self._fail(error)

    async def arun(self) -> Any:
        """`run`, for asyncio."""
        if self._is_mocked():
            return await super().arun()
        try:
            reply = await self._post()
            if self.streams:
                return self._wrapped(read_async(self._pieces(), _async_chunks(reply)))
            return self._answer(reply)
        except Exception as error:
            self._fail(error)

    def _post(self) -> Any:
        """The client's request: its reply, or its stream. With a client for asyncio, to await."""
        from httpx import Response
        from openai import AsyncOpenAI, AsyncStream, Stream
        from openai.types.chat import ChatCompletionChunk

        client: Any = self.handler
        given = self.given
        kind = None if self.call_type == "chat" else self.call_type
        made = _core.preview(_keyed(self.arguments, client), _settings, kind, whole=True)
        self._facts = made["cost_facts"]
        options: dict[str, Any] = {
            "headers": {
                **(given.get("headers") or _settings["headers"] or {}),
                **(given.get("extra_headers") or {}),
            },
            "params": made["query"],
            "timeout": timeout_of(given, None),
        }
        # What the call does not say is the client's to say.
        options = {name: value for name, value in options.items() if value is not None and value != {}}
        more: Any = {"body": made["body"], "options": options}
        if self.streams:
            stream: Any = AsyncStream if isinstance(client, AsyncOpenAI) else Stream
            more |= {"stream": True, "stream_cls": stream[ChatCompletionChunk]}
        kept: Any = ChatCompletionChunk if self.streams else Response
        posted: Any = client.post(_PATHS[self.call_type], cast_to=kept, **more)
        return posted

    def _answer(self, reply: Any) -> Any:
        from ferrolite.cost_calculator import cost_by_facts
        from ferrolite.types import utils

        made: Any = utils.ModelResponse if self.call_type == "chat" else utils.EmbeddingResponse
        reply = getattr(reply, "http_response", reply)  # a client may wrap it
        headers = dict(reply.headers)
        answer = made(**reply.json())
        hidden = self._hidden()
        hidden["additional_headers"] = {f"llm_provider-{name}": value for name, value in headers.items()}
        hidden["provider_response_model"] = answer.model
        hidden["response_cost"] = cost_by_facts(answer, self._facts, hidden["_response_ms"])
        answer._hidden_params = hidden
        answer._response_headers = headers
        return answer

    def _wrapped(self, chunks: Any) -> CustomStreamWrapper:
        made = super()._wrapped(chunks)
        made._cost_facts = self._facts  # pyright: ignore[reportPrivateUsage]
        return made

    def _hidden(self) -> dict[str, Any]:
        return {
            **super()._hidden(),
            "api_base": str(getattr(self.handler, "base_url", "")),
            "litellm_model_name": self.model,
        }

    def _fail(self, error: Exception) -> Any:
        public = mapped(error, self.provider, self.model)
        if public is error:
            raise error
        raise public from error


def find(arguments: dict[str, Any], call_type: str) -> Call | None:
    """The call that the client among the keywords carries; None when it is none of OpenAI's, or the provider is not."""
    given = {**arguments, **arguments.get("kwargs", {})}
    given.pop("kwargs", None)
    given = {name: value for name, value in given.items() if value is not None}
    client, model = given.get("client"), given.get("model")
    openai: Any = sys.modules.get("openai")  # imported by whoever made the client
    if openai is None or not isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)):
        return None
    if call_type not in _PATHS or not isinstance(model, str):
        return None
    aliases: Any = given.get("model_alias_map") or _settings["model_alias_map"]
    provider, name = _core.split_model(aliases.get(model, model), given.get("custom_llm_provider"))
    if "azure" in provider or (_core.provider_facts(provider) or {}).get("wire") != "Openai":
        return None
    call = Call(client, provider, name, call_type)  # pyright: ignore[reportArgumentType]
    call.arguments, call.given = arguments, given
    call.streams = call_type == "chat" and bool(given.get("stream"))
    return call


def _keyed(arguments: dict[str, Any], client: Any) -> dict[str, Any]:
    """The keywords with the client's address, and a key that is not looked for: the client has its own."""
    own: dict[str, Any] = {"base_url": None, "api_base": str(client.base_url), "api_key": "the client's"}
    apart = ("client", "api_base")
    given: dict[str, Any] | None = arguments.get("kwargs")
    if given is None:
        return {**{name: value for name, value in arguments.items() if name not in apart}, **own}
    return {**arguments, **own, "kwargs": {name: value for name, value in given.items() if name not in apart}}


def _parsed(stream: Any) -> Any:
    return stream.parse() if hasattr(stream, "parse") else stream


def _chunk(chunk: Any) -> Any:
    from ferrolite.types.utils import ModelResponseStream

    return ModelResponseStream(**chunk.model_dump(exclude_unset=True))


def _chunks(stream: Any) -> Iterator[Any]:
    with _parsed(stream) as stream:
        for chunk in stream:
            yield _chunk(chunk)


async def _async_chunks(stream: Any) -> AsyncIterator[Any]:
    async with _parsed(stream) as stream:
        async for chunk in stream:
            yield _chunk(chunk)
