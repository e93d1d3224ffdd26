"""The calls of a `Router`: each hands its keywords to the core, which chooses, repeats and falls back.

Where Python has a part in that (a strategy of the program's own, a provider written in Python, a function that
the program has replaced, callbacks), the core's plan is carried out here instead.
"""

from __future__ import annotations

import sys

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ferrolite._hooks import Face

    _Uploads = list[tuple[str, str, str | None, bytes]]

_package = sys.modules["ferrolite"]
_settings = _package.__dict__

# Keywords that decide where a call goes; the others need not be JSON for a plan.
_ROUTING = (
    "allowed_model_region",
    "content_policy_fallbacks",
    "context_window_fallbacks",
    "disable_fallbacks",
    "fallbacks",
    "input",
    "litellm_metadata",
    "litellm_session_id",
    "max_fallbacks",
    "messages",
    "metadata",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_fallbacks",
    "num_retries",
    "previous_response_id",
    "priority",
    "stream",
    "tags",
    "user",
)
# Of these, what the called function is not to see: it would act by itself.
_FOR_THE_PLAN = (
    "content_policy_fallbacks",
    "context_window_fallbacks",
    "disable_fallbacks",
    "fallbacks",
    "max_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_fallbacks",
    "priority",
    "specific_deployment",
)

# For each call type: the package's function, without the `a` of its twin for asyncio.
_FUNCTIONS = {
    None: "completion",
    "embedding": "embedding",
    "generate_content": "generate_content",
    "image_edit": "image_edit",
    "image_generation": "image_generation",
    "messages": "anthropic_messages",
    "moderation": "moderation",
    "rerank": "rerank",
    "responses": "responses",
    "speech": "speech",
    "text_completion": "text_completion",
    "transcription": "transcription",
}


class Calls:
    """The calls; `Router` adds the list of deployments and the settings."""

    _core_router: _core.CoreRouter
    _strategy: Any
    _own: dict[str, dict[str, Any]]
    """Parameters that are no JSON, by the ids of their deployments."""

    # Both ways of calling

    def _call(self, call_type: str | None, kwargs: dict[str, Any]) -> Any:
        if self._is_pythons(call_type, kwargs):
            return self._carry_out(call_type, kwargs)
        arguments, files = _prepared(call_type, kwargs)
        made = self._core_router.call(arguments, _settings, call_type, files)
        return _handed_out(call_type, made, kwargs, is_async=False)

    async def _acall(self, call_type: str | None, kwargs: dict[str, Any]) -> Any:
        if self._is_pythons(call_type, kwargs):
            return await self._acarry_out(call_type, kwargs)
        from ferrolite import _aio

        arguments, files = _prepared(call_type, kwargs)
        made = await _aio.call(arguments, _settings, call_type, files, router=self._core_router)
        return _handed_out(call_type, made, kwargs, is_async=True)

    # Calls that Python has a part in

    def _is_pythons(self, call_type: str | None, kwargs: dict[str, Any]) -> bool:
        """Whether Python carries the plan out."""
        if (
            self._own
            or self._strategy is not None
            or (_settings["custom_provider_map"] and self._has_own_provider())
        ):
            return True
        from ferrolite._hooks import is_watched

        if is_watched(kwargs):
            return True  # those who watch are told of each attempt
        if call_type is None:
            from ferrolite import _call

            known = (("completion", _call.completion), ("acompletion", _call.acompletion))
            if any(_settings.get(name, function) is not function for name, function in known):
                return True  # the program has replaced it, and expects its own to be called
        mock = kwargs.get("mock_response")
        return not (mock is None or isinstance(mock, (str, bool))) or callable(
            kwargs.get("azure_ad_token_provider")
        )

    def _has_own_provider(self) -> bool:
        """Whether a deployment's provider may be written in Python."""
        return True

    def _plan(self, call_type: str | None, kwargs: dict[str, Any]) -> _core.CorePlan:
        asked = {name: kwargs[name] for name in ("model", *_ROUTING) if name in kwargs}
        return self._core_router.plan(asked, call_type)

    def _keywords(
        self, call_type: str | None, step: tuple[str, str, dict[str, Any]], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        deployment_id, group, replaced = step
        own = {name: value for name, value in kwargs.items() if name != "model" and name not in _FOR_THE_PLAN}
        params = self._parameters(deployment_id)
        called = {**self._deployment_params_with_request_reasoning_override(params, own), **own, **replaced}
        notes = "metadata" if call_type is None else "litellm_metadata"
        called[notes] = {**(called.get(notes) or {}), **self._notes(deployment_id, group, called["model"])}
        return called

    @staticmethod
    def _deployment_params_with_request_reasoning_override(
        params: dict[str, Any], request_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """A deployment's parameters without `thinking`, for which an effort of the call's stands."""
        if request_kwargs.get("reasoning_effort") is None:
            return params
        return {name: value for name, value in params.items() if name != "thinking"}

    def _parameters(self, deployment_id: str) -> dict[str, Any]:
        raise NotImplementedError

    def _notes(self, deployment_id: str, group: str, model: str) -> dict[str, Any]:
        raise NotImplementedError

    def _carry_out(self, call_type: str | None, kwargs: dict[str, Any]) -> Any:
        from time import sleep

        plan = self._plan(call_type, kwargs)
        function = _function(call_type, kwargs, is_async=False)
        outcome = _Outcome()
        while True:
            chosen: Any = None
            if self._strategy is not None and (group := plan.wants()) is not None:
                chosen = self._strategy.get_available_deployment(**_asked(kwargs, group))
            step: Any = outcome.next(plan, chosen)
            if isinstance(step, float):
                sleep(step)
                continue
            try:
                answer = function(**self._keywords(call_type, step, kwargs))
                return outcome.succeeded(plan, answer, call_type == "responses")
            except Exception as error:
                outcome.failed(plan, error)

    async def _acarry_out(self, call_type: str | None, kwargs: dict[str, Any]) -> Any:
        from asyncio import sleep

        plan = self._plan(call_type, kwargs)
        function = _function(call_type, kwargs, is_async=True)
        outcome = _Outcome()
        while True:
            chosen: Any = None
            if self._strategy is not None and (group := plan.wants()) is not None:
                chosen = await self._strategy.async_get_available_deployment(**_asked(kwargs, group))
            step: Any = outcome.next(plan, chosen)
            if isinstance(step, float):
                await sleep(step)
                continue
            try:
                answer = await function(**self._keywords(call_type, step, kwargs))
                return outcome.succeeded(plan, answer, call_type == "responses")
            except Exception as error:
                outcome.failed(plan, error)

    async def _adelegate(self, name: str, kwargs: dict[str, Any]) -> Any:
        """A call of a function that knows no models: with the place and the keys of a deployment."""
        from asyncio import sleep

        plan = self._core_router.plan({"model": kwargs.pop("model")}, None)
        outcome = _Outcome()
        while True:
            step: Any = outcome.next(plan, None)
            if isinstance(step, float):
                await sleep(step)
                continue
            credentials = self._credentials(step[0])
            try:
                made = await getattr(_package, name)(**{**credentials, **kwargs})
                return outcome.succeeded(plan, made)
            except Exception as error:
                outcome.failed(plan, error)

    def _credentials(self, deployment_id: str) -> dict[str, Any]:
        raise NotImplementedError

    # The public calls

    def completion(self, model: str, messages: list[Any], **kwargs: Any) -> Any:
        """`ferrolite.completion` by a deployment of the group `model`.

        Args:
            model: A group, an alias, a name that a wildcard catches, or the id of a deployment.
            messages: The conversation.
            **kwargs: What `completion` takes; these win over the deployment's parameters, also when they are
                None. Besides: `fallbacks`, `context_window_fallbacks`, `content_policy_fallbacks`,
                `num_retries`, `max_fallbacks`, `disable_fallbacks`, `priority` (lower is sooner), `tags`.

        Raises:
            RouterRateLimitError: No deployment may take the call now, and no fallback has answered.
            The error of the last attempt in the group `model`, when every attempt has failed.
        """
        return self._call(None, {**kwargs, "model": model, "messages": messages})

    async def acompletion(self, model: str, messages: list[Any], stream: bool = False, **kwargs: Any) -> Any:
        """`completion` for asyncio."""
        if stream:
            kwargs["stream"] = stream
        return await self._acall(None, {**kwargs, "model": model, "messages": messages})

    async def schedule_acompletion(
        self,
        model: str,
        messages: list[Any],
        priority: int | None = None,
        stream: bool = False,
        **kwargs: Any,
    ) -> Any:
        """`acompletion` that waits when every deployment is taken; those with a lower `priority` come first."""
        return await self.acompletion(model, messages, stream, priority=priority or 0, **kwargs)

    def text_completion(
        self,
        model: str,
        prompt: str,
        is_retry: bool | None = False,
        is_fallback: bool | None = False,
        is_async: bool | None = False,
        **kwargs: Any,
    ) -> Any:
        """`ferrolite.text_completion` by a deployment of the group. The switches are accepted."""
        return self._call("text_completion", {**kwargs, "model": model, "prompt": prompt})

    async def atext_completion(
        self,
        model: str,
        prompt: str,
        is_retry: bool | None = False,
        is_fallback: bool | None = False,
        is_async: bool | None = False,
        **kwargs: Any,
    ) -> Any:
        """`text_completion` for asyncio."""
        return await self._acall("text_completion", {**kwargs, "model": model, "prompt": prompt})

    def embedding(self, model: str, input: Any, is_async: bool | None = False, **kwargs: Any) -> Any:
        """`ferrolite.embedding` by a deployment of the group."""
        return self._call("embedding", {**kwargs, "model": model, "input": input})

    async def aembedding(self, model: str, input: Any, is_async: bool | None = True, **kwargs: Any) -> Any:
        """`embedding` for asyncio."""
        return await self._acall("embedding", {**kwargs, "model": model, "input": input})

    def image_generation(self, prompt: str, model: str, **kwargs: Any) -> Any:
        """`ferrolite.image_generation` by a deployment of the group."""
        return self._call("image_generation", {**kwargs, "model": model, "prompt": prompt})

    async def aimage_generation(self, prompt: str, model: str, **kwargs: Any) -> Any:
        """`image_generation` for asyncio."""
        return await self._acall("image_generation", {**kwargs, "model": model, "prompt": prompt})

    def image_edit(self, image: Any, prompt: str, model: str, **kwargs: Any) -> Any:
        """`ferrolite.image_edit` by a deployment of the group."""
        return self._call("image_edit", {**kwargs, "model": model, "image": image, "prompt": prompt})

    async def aimage_edit(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """`image_edit` for asyncio."""
        return await self._acall("image_edit", _given(custom_llm_provider, kwargs))

    def transcription(self, file: Any, model: str, **kwargs: Any) -> Any:
        """`ferrolite.transcription` by a deployment of the group."""
        return self._call("transcription", {**kwargs, "model": model, "file": file})

    async def atranscription(self, file: Any, model: str, **kwargs: Any) -> Any:
        """`transcription` for asyncio."""
        return await self._acall("transcription", {**kwargs, "model": model, "file": file})

    def speech(self, model: str, input: str, voice: str | None = None, **kwargs: Any) -> Any:
        """`ferrolite.speech` by a deployment of the group."""
        return self._call("speech", _with_voice(voice, {**kwargs, "model": model, "input": input}))

    async def aspeech(self, model: str, input: str, voice: str | None = None, **kwargs: Any) -> Any:
        """`speech` for asyncio."""
        return await self._acall("speech", _with_voice(voice, {**kwargs, "model": model, "input": input}))

    def moderation(self, **kwargs: Any) -> Any:
        """`ferrolite.moderation` by a deployment of the group `model`."""
        return self._call("moderation", kwargs)

    async def amoderation(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """`moderation` for asyncio."""
        return await self._acall("moderation", _given(custom_llm_provider, kwargs))

    def rerank(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.rerank` by a deployment of the group."""
        return self._call("rerank", {**kwargs, "model": model})

    async def arerank(self, model: str, **kwargs: Any) -> Any:
        """`rerank` for asyncio."""
        return await self._acall("rerank", {**kwargs, "model": model})

    def responses(self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any) -> Any:
        """`ferrolite.responses` by a deployment of the group `model`.

        A call with a `previous_response_id` goes to the deployment that has given it.
        """
        return self._call("responses", _given(custom_llm_provider, kwargs))

    async def aresponses(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """`responses` for asyncio."""
        return await self._acall("responses", _given(custom_llm_provider, kwargs))

    async def anthropic_messages(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """`ferrolite.anthropic_messages` by a deployment of the group `model`."""
        return await self._acall("messages", _given(custom_llm_provider, kwargs))

    async def aanthropic_messages(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """The same under its other name."""
        return await self._acall("messages", _given(custom_llm_provider, kwargs))

    def generate_content(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """Google's `generate_content` by a deployment of the group `model`."""
        return self._call("generate_content", _given(custom_llm_provider, kwargs))

    async def agenerate_content(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """`generate_content` for asyncio."""
        return await self._acall("generate_content", _given(custom_llm_provider, kwargs))

    async def agenerate_content_stream(
        self, custom_llm_provider: str | None = None, client: Any = None, **kwargs: Any
    ) -> Any:
        """`agenerate_content` as a stream."""
        return await self._acall("generate_content", {**_given(custom_llm_provider, kwargs), "stream": True})

    # Files and batches, at the place of a deployment

    async def acreate_file(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.acreate_file` where a deployment of the group is."""
        return await self._adelegate("acreate_file", {**kwargs, "model": model})

    async def afile_content(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.afile_content` where a deployment of the group is."""
        return await self._adelegate("afile_content", {**kwargs, "model": model})

    async def afile_list(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.afile_list` where a deployment of the group is."""
        return await self._adelegate("afile_list", {**kwargs, "model": model})

    async def afile_delete(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.afile_delete` where a deployment of the group is."""
        return await self._adelegate("afile_delete", {**kwargs, "model": model})

    async def acreate_batch(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.acreate_batch` where a deployment of the group is."""
        return await self._adelegate("acreate_batch", {**kwargs, "model": model})

    async def aretrieve_batch(self, model: str | None = None, **kwargs: Any) -> Any:
        """`ferrolite.aretrieve_batch` where a deployment of the group is."""
        return await self._adelegate("aretrieve_batch", {**kwargs, "model": model})

    async def acancel_batch(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.acancel_batch` where a deployment of the group is."""
        return await self._adelegate("acancel_batch", {**kwargs, "model": model})

    async def alist_batches(self, model: str, **kwargs: Any) -> Any:
        """`ferrolite.alist_batches` where a deployment of the group is."""
        return await self._adelegate("alist_batches", {**kwargs, "model": model})

    # Several at once

    async def abatch_completion(self, models: list[str], messages: list[Any], **kwargs: Any) -> list[Any]:
        """One conversation, or each of a list of them, by each of several groups.

        Returns:
            For one conversation the answers in the order of `models`; for several, a list of such lists. What
            failed is the exception.
        """
        from asyncio import gather

        async def answers(one: list[Any]) -> list[Any]:
            calls = [self.acompletion(model, one, **kwargs) for model in models]
            return await gather(*calls, return_exceptions=True)

        if messages and isinstance(messages[0], list):
            return list(await gather(*map(answers, messages)))
        return await answers(messages)

    async def abatch_completion_one_model_multiple_requests(
        self, model: str, messages: list[Any], **kwargs: Any
    ) -> list[Any]:
        """Each of several conversations by one group, in their order. What failed is the exception."""
        from asyncio import gather

        calls = [self.acompletion(model, one, **kwargs) for one in messages]
        return list(await gather(*calls, return_exceptions=True))

    async def abatch_completion_fastest_response(
        self, model: str, messages: list[Any], stream: bool = False, **kwargs: Any
    ) -> Any:
        """One conversation by several groups at once, named with commas between: the first answer."""
        from asyncio import as_completed, create_task

        names = [name.strip() for name in model.split(",")]
        tasks = [create_task(self.acompletion(name, messages, stream, **kwargs)) for name in names]
        failed: Exception = ValueError("no model was called")
        try:
            for task in as_completed(tasks):
                try:
                    return await task
                except Exception as error:
                    failed = error
            raise failed
        finally:
            for task in tasks:
                task.cancel()


class _Outcome:
    """What has become of a plan's attempts in Python."""

    def __init__(self) -> None:
        self._error: Exception | None = None
        self._group: str | None = None

    def next(self, plan: _core.CorePlan, chosen: Any) -> Any:
        """The plan's next step.

        Raises:
            What the first group failed with, as it was raised.
        """
        try:
            return plan.next(_id_of(chosen))
        except Exception:
            if self._error is None:
                raise
        # Raised out here, and so with the causes that it came with.
        raise self._error

    def failed(self, plan: _core.CorePlan, error: Exception) -> None:
        """Tells the plan of a failure."""
        status: Any = getattr(error, "status_code", None)
        wait: Any = getattr(error, "retry_after", None)
        is_first = plan.failed(
            type(error).__name__, status if isinstance(status, int) else None, str(error), wait
        )
        if is_first or self._error is None:
            self._error = error

    def succeeded(self, plan: _core.CorePlan, answer: Any, is_response: bool = False) -> Any:
        """The answer, which says how it was come by.

        Args:
            plan: The plan of the call.
            answer: What the attempt has brought.
            is_response: The answer is a response that only its deployment holds.
        """
        from ferrolite import _stream

        reader: Any = _stream.CoreReader
        if isinstance(answer, reader):
            meta = plan.succeeded(is_stream=True)
            answer._plan = plan
        else:
            held = getattr(answer, "id", None) if is_response else None
            meta = plan.succeeded(_tokens(answer), held)
        if meta is not None and hasattr(answer, "_hidden_params"):
            ours = meta.hidden_params()
            theirs: dict[str, Any] = answer._hidden_params or {}
            headers: dict[str, Any] = {
                **(theirs.get("additional_headers") or {}),
                **ours["additional_headers"],
            }
            answer._hidden_params = {**theirs, "model_id": ours["model_id"], "additional_headers": headers}
        return answer


# Where answers tell their tokens: OpenAI's names, those of Messages and Responses, and Google's.
_PARTS = (
    ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"),
    ("prompt_tokens", "completion_tokens"),
    ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"),
)


def _tokens(answer: Any) -> int:
    """Tokens of a whole answer, where it says so; none of one that comes from a cache."""

    def field(of: Any, name: str) -> Any:
        return of.get(name) if isinstance(of, dict) else getattr(of, name, None)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    hidden: Any = getattr(answer, "_hidden_params", None)
    if hidden and hidden.get("cache_hit"):
        return 0
    usage = field(answer, "usage") or field(answer, "usageMetadata")
    counts = [field(usage, "total_tokens") or field(usage, "totalTokenCount")]
    counts += [sum(field(usage, name) or 0 for name in names) for names in _PARTS]
    return next((count for count in counts if isinstance(count, int) and count > 0), 0)


def _function(call_type: str | None, kwargs: dict[str, Any], *, is_async: bool) -> Any:
    """The package's function for a call type."""
    name = _FUNCTIONS[call_type]
    if call_type == "generate_content":
        from ferrolite import google_genai

        # Whether it is a stream is the function's name here, and no keyword.
        name += "_stream" if kwargs.pop("stream", False) else ""
        return getattr(google_genai, f"a{name}" if is_async else name)
    return getattr(_package, f"a{name}" if is_async and call_type != "messages" else name)


def _id_of(chosen: Any) -> str | None:
    if chosen is None:
        return None
    info = chosen["model_info"]
    return str(info["id"])


def _asked(kwargs: dict[str, Any], group: str) -> dict[str, Any]:
    """What a strategy is told of a call: a fallback's group is not the one that was asked for."""
    return {
        "model": group,
        "messages": kwargs.get("messages"),
        "input": kwargs.get("input"),
        "specific_deployment": kwargs.get("specific_deployment", False),
        "request_kwargs": kwargs,
    }


def _given(custom_llm_provider: str | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    if custom_llm_provider is not None:
        kwargs["custom_llm_provider"] = custom_llm_provider
    return kwargs


def _with_voice(voice: str | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    return kwargs if voice is None else {**kwargs, "voice": voice}


def _prepared(call_type: str | None, kwargs: dict[str, Any]) -> tuple[dict[str, Any], _Uploads | None]:
    """What only Python can do before the core takes over: classes to schemas, files to bytes."""
    kwargs.pop("client", None)
    if call_type is None and isinstance(kwargs.get("response_format"), type):
        from ferrolite._schema import response_format

        kwargs["response_format"] = response_format(kwargs["response_format"])
    prepare = _PREPARE.get(call_type)
    return kwargs, prepare and prepare(kwargs)


def _responses(kwargs: dict[str, Any]) -> None:
    from ferrolite._responses import _prepare  # pyright: ignore[reportPrivateUsage]

    given = {"text_format": None, "text": None, "tools": None, **kwargs}
    _prepare(given)
    kwargs.update({name: given[name] for name in ("text", "tools") if given[name] is not None})
    kwargs.pop("text_format", None)


def _image_files(kwargs: dict[str, Any]) -> _Uploads:
    from ferrolite._calls import _image_files as files  # pyright: ignore[reportPrivateUsage]

    return files(kwargs)


def _audio_file(kwargs: dict[str, Any]) -> _Uploads:
    from ferrolite._calls import _audio_file as files  # pyright: ignore[reportPrivateUsage]

    return files(kwargs)


_PREPARE: dict[str | None, Callable[[dict[str, Any]], _Uploads | None]] = {
    "image_edit": _image_files,
    "responses": _responses,
    "transcription": _audio_file,
}


def _handed_out(call_type: str | None, made: Any, kwargs: dict[str, Any], *, is_async: bool) -> Any:
    """A stream as the call type has it."""
    if not isinstance(made, _core.CoreStream):
        return made
    face = _face(call_type)
    return face.stream(made, kwargs, is_async) if face.stream is not None else made


def _face(call_type: str | None) -> Face:
    from importlib import import_module

    homes: dict[str | None, str] = {
        None: "_call",
        "generate_content": "google_genai",
        "messages": "anthropic_interface.messages",
        "responses": "_responses",
        "text_completion": "_text",
    }
    home: Any = import_module(f"ferrolite.{homes[call_type]}")
    if call_type == "responses":
        return home._FACES[call_type]
    return home._STREAMED if call_type == "generate_content" else home._FACE
