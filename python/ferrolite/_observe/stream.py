"""A watched stream: its chunks, and at its end the whole answer, to those who are to be told."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import asyncio
import sys
from contextvars import copy_context
from datetime import datetime
from typing import TYPE_CHECKING

from ferrolite._logging import verbose_logger
from ferrolite._observe import redact, rules
from ferrolite._observe.async_worker import GLOBAL_LOGGING_WORKER
from ferrolite._observe.receivers import atell, loggers, overrides, receivers, tell
from ferrolite._observe.wholes import count_usage, whole_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ferrolite._core import CoreStream
    from ferrolite._hooks import Face
    from ferrolite._observe.log import Logging
    from ferrolite._observe.receivers import Receivers
    from ferrolite._stream import CoreReader

_settings = sys.modules["ferrolite"].__dict__


class StreamWatch:
    """Sits between a stream and its core. A reader that stops early ends the call: what came until then is told."""

    _is_over = True

    def __init__(self, log: Logging, stream: CoreReader, asked: dict[str, Any]) -> None:
        self.log = log
        self.asked = asked
        self.chunks: list[Any] = []
        self._core = stream._core  # pyright: ignore[reportPrivateUsage]
        self._hidden: dict[str, Any] = stream._hidden_params  # pyright: ignore[reportPrivateUsage]
        self._facts = stream._cost_facts  # pyright: ignore[reportPrivateUsage]
        self.counts_for_budget = False
        self._is_over = False
        self._context = copy_context()
        told = receivers("success", log)
        # Chunks are texts: who is to see none gets none.
        chunk_loggers = [] if log.is_async else [one for one in told.loggers if not redact.hides_from(one)]
        self._chunk_hooks = [overrides(logger, "async_log_stream_event") for logger in chunk_loggers]
        self._chunk_hooks = [hook for hook in self._chunk_hooks if hook is not None]
        self._functions = [] if log.is_async else told.functions
        self._is_quiet = log.is_silent or log.hides_texts or bool(_settings["disable_streaming_logging"])
        self._changes = [
            hook
            for logger in (loggers(log) if log.is_async else ())
            if (hook := overrides(logger, "async_post_call_streaming_deployment_hook")) is not None
        ]

    @classmethod
    def put(cls, log: Logging, stream: CoreReader, asked: dict[str, Any]) -> None:
        """Watch a stream."""
        from ferrolite._stream import CustomStreamWrapper

        stream._hidden_params["litellm_call_id"] = log.litellm_call_id  # pyright: ignore[reportPrivateUsage]
        log.model_call_details["response_headers"] = stream._response_headers  # pyright: ignore[reportPrivateUsage]
        # Known at the end; functions that are told of each chunk look for it all the same.
        log.model_call_details.setdefault("response_cost", None)
        watch = cls(log, stream, asked)
        stream._watch = watch  # pyright: ignore[reportPrivateUsage]
        if isinstance(stream, CustomStreamWrapper):
            stream.logging_obj = log
        if watch._core is None and not hasattr(stream.completion_stream, "__anext__"):
            stream._batch = watch.each(stream._batch)  # pyright: ignore[reportPrivateUsage]

    # Reading

    def read(self, core: CoreStream) -> list[Any]:
        """The next batch, for a reader that waits."""
        try:
            batch = core.next_batch()
            self._seen(batch)
        except Exception as error:
            self._failed(error)
            raise
        if not batch:
            self._ended()
        return batch

    async def aread(self, core: CoreStream) -> list[Any] | None:
        """What is ready, for asyncio; None when nothing is."""
        try:
            batch = core.take_ready()
            if batch is None:
                return None
            for hook in self._changes:
                for at, chunk in enumerate(batch):
                    changed = await hook(self.asked, chunk, self._type())
                    batch[at] = chunk if changed is None else changed
            self._seen(batch)
        except Exception as error:
            await self.afailed(error)
            raise
        if not batch:
            self._ended()
        return batch

    def each(self, chunks: Iterator[Any]) -> Iterator[Any]:
        """The chunks of a stream that is no core's."""
        try:
            for chunk in chunks:
                self._seen([chunk])
                yield chunk
        except Exception as error:
            self._failed(error)
            raise
        self._ended()

    async def anext(self, chunks: Any) -> Any:
        """The next chunk of an asynchronous stream that is no core's."""
        try:
            chunk = await chunks.__anext__()
            for hook in self._changes:
                changed = await hook(self.asked, chunk, self._type())
                chunk = chunk if changed is None else changed
            self._seen([chunk])
        except StopAsyncIteration:
            self._ended()
            raise
        except Exception as error:
            await self.afailed(error)
            raise
        return chunk

    def _type(self) -> Any:
        from ferrolite._observe.around import _type_of  # pyright: ignore[reportPrivateUsage]

        return _type_of(self.log)

    # Telling

    def _seen(self, batch: list[Any]) -> None:
        if not batch:
            return
        details = self.log.model_call_details
        if details.get("completion_start_time") is None:
            details["completion_start_time"] = datetime.now()
        self.chunks += batch
        if _settings["post_call_rules"]:
            for chunk in batch:
                for choice in getattr(chunk, "choices", None) or ():
                    text = getattr(getattr(choice, "delta", None), "content", None)
                    if text:
                        rules.check(_settings["post_call_rules"], text, self.log.model)
        if (self._functions or self._chunk_hooks) and not self._is_quiet:
            self._submit(self._tell_chunks, list(batch), datetime.now())

    def _tell_chunks(self, batch: list[Any], at: datetime) -> None:
        if self._chunk_hooks:
            # One loop for all of them: making one takes longer than most hooks.
            asyncio.run(self._atell_chunks(batch, at))
            return
        for chunk in batch:
            self._tell_functions(chunk, at)

    async def _atell_chunks(self, batch: list[Any], at: datetime) -> None:
        details, start = self.log.model_call_details, self.log.start_time
        for chunk in batch:
            self._tell_functions(chunk, at)
            for hook in self._chunk_hooks:
                await atell(hook, kwargs=details, response_obj=chunk, start_time=start, end_time=at)

    def _tell_functions(self, chunk: Any, at: datetime) -> None:
        for function in self._functions:
            tell(function, self.log.model_call_details, chunk, self.log.start_time, at)

    def closed(self) -> None:
        """The reader has stopped."""
        if self.chunks:
            self._ended()
        else:
            self._is_over = True

    def __del__(self) -> None:
        # A reader that lets go of a stream has stopped, too.
        if not self._is_over and self.chunks and not sys.is_finalizing():
            self._ended()

    def _ended(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        usage = None
        if self._core is not None and self._core.call_type == "chat":
            usage = self._core.usage()
        chunks, self.chunks = self.chunks, []
        told = receivers("success", self.log, self.log.is_async)
        is_told = bool(told) and not self.log.is_silent
        if not is_told and not self.counts_for_budget:
            return
        tell_end = _End(self, chunks, usage, told)
        if self.counts_for_budget:
            # At once: the next call is to know of it.
            _settings["_current_cost"] += tell_end.cost() or 0.0
        if not is_told:
            return
        if self.log.is_async:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                self._submit(asyncio.run, tell_end.atell())
            else:
                GLOBAL_LOGGING_WORKER.enqueue(tell_end.atell())
        else:
            self._submit(tell_end.tell)

    def _failed(self, error: Exception) -> None:
        if not self._is_over:
            self._is_over = True
            self.log.fail(error)

    async def afailed(self, error: Exception) -> None:
        """The stream has failed."""
        if not self._is_over:
            self._is_over = True
            await self.log.afail(error)

    def _submit(self, function: Any, *args: Any) -> None:
        from ferrolite.litellm_core_utils import thread_pool_executor

        # Two submissions may run at the same time, which one context does not allow.
        thread_pool_executor.executor.submit(self._context.copy().run, function, *args)


def count_for_budget(stream: CoreReader, face: Face, arguments: dict[str, Any], is_async: bool) -> None:
    """Add to the process's cost what a stream has cost, at its end."""
    if stream._watch is None:  # pyright: ignore[reportPrivateUsage]
        from ferrolite._observe.log import Logging

        log = Logging(face, arguments, is_async)
        log.is_silent = True  # nobody was there to be told when it began
        StreamWatch.put(log, stream, {})
    watch: Any = stream._watch  # pyright: ignore[reportPrivateUsage]
    watch.counts_for_budget = True


class _End:
    """What there is to tell at a stream's end."""

    def __init__(self, watch: StreamWatch, chunks: list[Any], usage: Any, told: Receivers) -> None:
        self.log = watch.log
        self.chunks = chunks
        self.usage = usage
        self.hidden = watch._hidden  # pyright: ignore[reportPrivateUsage]
        self.told = told
        self.at = datetime.now()
        core = watch._core  # pyright: ignore[reportPrivateUsage]
        self._meta = None if core is None else core.meta
        self._facts = watch._facts  # pyright: ignore[reportPrivateUsage]
        self._made: tuple[Any] | None = None

    def tell(self) -> None:
        """Tell of the whole answer."""
        self.log.success_handler(self._whole(), end_time=self.at, told=self.told)

    async def atell(self) -> None:
        """The same for asynchronous callbacks."""
        await self.log.async_success_handler(self._whole(), end_time=self.at, told=self.told)

    def cost(self) -> float | None:
        """What the answer cost; None where no price is known."""
        hidden: Any = getattr(self._whole(), "_hidden_params", None) or {}
        return hidden.get("response_cost")

    def _whole(self) -> Any:
        if self._made is None:
            self._made = (self._make(),)
        return self._made[0]

    def _make(self) -> Any:
        try:
            whole = whole_of(self.log.face.core, self.chunks)
        except Exception:
            verbose_logger.exception("the whole answer of a stream cannot be made")
            return None
        if whole is None or not hasattr(whole, "__dict__"):
            return whole
        if self.log.face.core is None and not getattr(getattr(whole, "usage", None), "total_tokens", 0):
            # What the provider has counted, where the caller did not ask for it; counted here where it has not.
            if self.usage is not None:
                whole.usage = self.usage
            else:
                count_usage(whole, self.log.model, self.log.messages)
        hidden: Any = {**self.hidden, **(getattr(whole, "_hidden_params", None) or {})}
        if self.hidden.get("cache_hit"):
            hidden["response_cost"] = 0.0
        elif hidden.get("response_cost") is None:
            hidden["response_cost"] = self._cost_of(whole)
        hidden["litellm_call_id"] = self.log.litellm_call_id
        whole._hidden_params = hidden
        return whole

    def _cost_of(self, whole: Any) -> float | None:
        """By the prices and the model of the call; None where no price is known."""
        from ferrolite.cost_calculator import completion_cost, cost_by_facts, cost_of_answer

        if self._meta is not None:
            return cost_of_answer(whole, self._meta)
        if self._facts is not None:
            return cost_by_facts(whole, self._facts, (self.at - self.log.start_time).total_seconds() * 1000)
        try:
            return completion_cost(
                completion_response=whole,
                model=self.log.model,
                custom_llm_provider=self.log.model_call_details["custom_llm_provider"] or None,
            )
        except Exception:
            return None
