"""Streams of chunks: one object, to be iterated with `for` or with `async for`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from typing_extensions import Self

    from ferrolite._core import CorePlan, CoreStream
    from ferrolite.types.utils import ModelResponseStream

_NOTHING: Any = iter(())


class CoreReader:
    """Reading a stream of the core, with `for` or with `async for`.

    `close`, leaving a `with` block, or letting go of the object ends the request. What is ready is taken from the
    core in batches, so most steps wait for nothing.
    """

    _core: CoreStream | None = None
    _batch: Iterator[Any] = _NOTHING
    _hidden: dict[str, Any] | None = None
    _headers: dict[str, str] | None = None
    # Those who are told of the stream, if anybody is (`_observe.stream.StreamWatch`).
    _watch: Any = None
    # What the cost depends on, of a stream that is no core's.
    _cost_facts: dict[str, Any] | None = None
    # The router's plan that the stream comes from: its deployment is taken until the stream ends.
    _plan: CorePlan | None = None
    # What is read in place of a core, by streams of a program's own.
    completion_stream: Any = None

    # Reading

    def __iter__(self) -> Iterator[Any]:
        return self

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    def __next__(self) -> Any:
        for chunk in self._batch:
            return chunk
        core = self._core
        if core is not None:
            try:
                self._batch = iter(core.next_batch() if self._watch is None else self._watch.read(core))
            except Exception as error:
                self._let_go(error)
                raise
            for chunk in self._batch:
                return chunk
        self._batch = _NOTHING
        self._let_go()
        raise StopIteration

    async def __anext__(self) -> Any:
        for chunk in self._batch:
            return chunk
        core = self._core
        try:
            if core is None:
                return await self._next_of_own()
            from ferrolite._aio import wait

            while True:
                ready = core.take_ready() if self._watch is None else await self._watch.aread(core)
                if ready is None:
                    await wait(core)
                    continue
                self._batch = iter(ready)
                for chunk in self._batch:
                    return chunk
                self._batch = _NOTHING
                raise StopAsyncIteration
        except StopAsyncIteration:
            self._let_go()
            raise
        except Exception as error:
            self._let_go(error)
            raise

    async def _next_of_own(self) -> Any:
        """The next item of a stream that is no core's."""
        raise StopAsyncIteration

    # Ending

    def _let_go(self, error: Exception | None = None) -> None:
        """Tell the router that the stream has ended, or what it has broken off with."""
        plan, self._plan = self._plan, None
        if plan is None:
            return
        usage: Any = None if self._core is None else self._core.usage()
        tokens = 0 if usage is None or self._hidden_params.get("cache_hit") else int(usage.total_tokens or 0)
        if error is None:
            plan.ended(tokens)
            return
        status: Any = getattr(error, "status_code", None)
        cause = getattr(error, "original_exception", None) or error
        status = status if isinstance(status, int) else None
        plan.broke_off(type(cause).__name__, status, str(error), tokens)

    def close(self) -> None:
        """End the stream; the upstream connection is closed. Reading on ends at once."""
        self._batch = _NOTHING
        self._let_go()
        if self._watch is not None:
            self._watch.closed()
        if self._core is not None:
            self._core.close()
        elif hasattr(self.completion_stream, "close"):
            self.completion_stream.close()

    async def aclose(self) -> None:
        """`close`, for async code."""
        self.close()
        stream, self.completion_stream = self.completion_stream, None
        if self._core is None and hasattr(stream, "aclose"):
            await stream.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    # What is known of the call

    @property
    def _hidden_params(self) -> dict[str, Any]:
        if self._hidden is None:
            self._hidden = {} if self._core is None else self._core.meta.hidden_params()
        if self._core is not None and self._hidden.get("response_cost") is None:
            self._hidden["response_cost"] = self._core.cost
        return self._hidden

    @_hidden_params.setter
    def _hidden_params(self, value: dict[str, Any]) -> None:
        self._hidden = value

    @property
    def _response_headers(self) -> dict[str, str] | None:
        if self._headers is None and self._core is not None:
            self._headers = self._core.meta.headers()
        return self._headers

    @_response_headers.setter
    def _response_headers(self, value: dict[str, str] | None) -> None:
        self._headers = value


class CustomStreamWrapper(CoreReader):
    """A streamed chat completion.

    Iterating gives `ModelResponseStream` chunks.

    The constructor is for streams of a program's own: an iterable or async iterable of chunks. The package makes
    its streams without it.
    """

    model: str | None = None
    custom_llm_provider: str | None = None
    logging_obj: Any = None
    stream_options: dict[str, Any] | None = None
    response_id: str | None = None
    messages: list[Any] | None = None

    def __init__(
        self,
        completion_stream: Any,
        model: str | None,
        logging_obj: Any,
        custom_llm_provider: str | None = None,
        stream_options: dict[str, Any] | None = None,
        make_call: Any = None,
        _response_headers: dict[str, str] | None = None,
        count_prompt_tokens: bool | None = None,
        is_mock: bool = False,
    ) -> None:
        self.completion_stream = completion_stream
        self.model = model
        self.logging_obj = logging_obj
        self.custom_llm_provider = custom_llm_provider
        self.stream_options = stream_options
        self._headers = _response_headers
        self.chunks: list[Any] = []
        if hasattr(completion_stream, "__iter__"):
            self._batch = iter(completion_stream)

    @classmethod
    def _of_core(cls, core: CoreStream, messages: list[Any]) -> Self:
        made = cls.__new__(cls)
        made._core = made.completion_stream = core
        made.model = core.model
        made.custom_llm_provider = core.provider
        made.messages = messages
        made.chunks = []
        return made

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[ModelResponseStream]: ...
        def __aiter__(self) -> AsyncIterator[ModelResponseStream]: ...
        def __next__(self) -> ModelResponseStream: ...
        async def __anext__(self) -> ModelResponseStream: ...

    async def _next_of_own(self) -> Any:
        """The next chunk of a stream that is no core's."""
        if hasattr(self.completion_stream, "__anext__"):
            if self._watch is not None:
                return await self._watch.anext(self.completion_stream)
            return await self.completion_stream.__anext__()
        raise StopAsyncIteration
