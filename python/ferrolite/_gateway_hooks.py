"""Python's side of the gateway's hooks: what a configuration names, loaded and asked on an asyncio loop of its own.

The gateway hands questions and events over by `Runner.ask` and `Runner.tell`, which only put them on the loop; answers
go back by a reply's `done` and `failed`. docs/gateway-hooks.md says which hooks there are.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is called and read here is other people's.

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import os
import sys
import threading
import time
from typing import Any

import ferrolite
from ferrolite._logging import verbose_logger
from ferrolite._observe.receivers import Receivers, overrides
from ferrolite.caching import DualCache
from ferrolite.integrations.custom_guardrail import CustomGuardrail, modes_of, requested
from ferrolite.proxy._types import LitellmUserRoles, UserAPIKeyAuth, hash_token

_KINDS = {
    "chat": "completion",
    "embedding": "embeddings",
    "transcription": "audio_transcription",
    "speech": "audio_speech",
    "messages": "anthropic_messages",
}
"""What hooks know kinds of calls by, where that is not the core's name."""
_MODES = {"pre_call": "pre_call", "moderate": "during_call", "post_call": "post_call", "stream": "post_call"}
_HOOKS = {
    "pre_call": ("async_pre_call_hook",),
    "moderate": ("async_moderation_hook",),
    "post_call": ("async_post_call_success_hook", "async_post_call_response_headers_hook"),
    "stream": ("async_post_call_streaming_iterator_hook", "async_post_call_streaming_hook"),
    "failure": ("async_post_call_failure_hook",),
}
_OURS = ("litellm_call_id", "proxy_server_request", "guardrails", "secret_fields")
"""What hooks see in a request and no provider does."""

_modules: dict[str, Any] = {}
_made: dict[str, Any] = {}


# Loading


def load(named: dict[str, Any]) -> Runner:
    """The hooks of a configuration.

    Raises:
        ImportError, AttributeError, TypeError: What it names cannot be had; the text names it.
    """
    gateway_cli = sys.modules.get("ferrolite._gateway_cli")
    if gateway_cli is not None and gateway_cli.serving and "litellm" not in sys.modules:
        # The process is the gateway's, and configurations of LiteLLM's have modules that import it.
        ferrolite.install_as_litellm()
    for name, value in named["settings"].items():
        if name in ferrolite.__dict__ and name != "callbacks":
            setattr(ferrolite, name, value)
    folder = os.path.abspath(named["folder"])
    found: dict[str, Any] = {}
    for name in ("callbacks", "success_callback", "failure_callback"):
        found[name] = [_callback(one, folder) for one in named[name]]
    guardrails = [_guardrail(one, folder) for one in named["guardrails"]]
    auth = named["custom_auth"] and find(named["custom_auth"], folder)
    if auth is not None and not callable(auth):
        raise TypeError(f"general_settings.custom_auth: {named['custom_auth']} cannot be called")
    providers = {provider: find(handler, folder) for provider, handler in named["custom_provider_map"]}
    return Runner(found, guardrails, auth, providers, named["timeout"], named["most"])


def find(name: str, folder: str) -> Any:
    """An object by its name, `module.object`: in the configuration's folder first, then as Python finds modules.

    Raises:
        ImportError: There is no such module, or it fails.
        AttributeError: It has no such object.
    """
    module_name, _, attribute = name.rpartition(".")
    if not module_name:
        raise ImportError(f"{name!r} is no 'module.object'")
    path = os.path.join(folder, *module_name.split(".")) + ".py"
    try:
        module = (
            _of_file(module_name, path, folder)
            if os.path.exists(path)
            else importlib.import_module(module_name)
        )
    except Exception as error:
        raise ImportError(f"{name}: {type(error).__name__}: {error}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise AttributeError(f"{name}: {module_name!r} has no {attribute!r}") from None


def _of_file(name: str, path: str, folder: str) -> Any:
    """A module of the configuration's folder, which is run once."""
    if path in _modules:
        return _modules[path]
    if folder not in sys.path:
        sys.path.append(folder)  # for modules that it imports in turn
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be read")
    module = importlib.util.module_from_spec(spec)
    is_free = name not in sys.modules
    if is_free:
        sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if is_free:
            del sys.modules[name]
        raise
    _modules[path] = module
    return module


def _callback(name: str, folder: str) -> Any:
    if "." not in name:
        return name  # an integration's
    found = find(name, folder)
    return _instance(f"{folder}:{name}", found, {}) if isinstance(found, type) else found


def _guardrail(entry: dict[str, Any], folder: str) -> Any:
    params = dict(entry["litellm_params"])
    name, mode = params.pop("guardrail"), params.pop("mode", None)
    found = find(name, folder)
    if not isinstance(found, type):
        return found
    params |= {"guardrail_name": entry.get("guardrail_name"), "event_hook": mode}
    return _instance(f"{folder}:{name}:{sorted(params.items(), key=str)}", found, params)


def _instance(key: str, kind: Any, params: dict[str, Any]) -> Any:
    """One of a class: a configuration that is read again keeps it."""
    if key not in _made:
        try:
            _made[key] = kind(**params)
        except Exception as error:
            raise TypeError(f"{kind.__name__} cannot be made: {type(error).__name__}: {error}") from error
    return _made[key]


# The loop


_loop: asyncio.AbstractEventLoop | None = None
_lock = threading.Lock()


def loop() -> asyncio.AbstractEventLoop:
    """The loop that all hooks of this process run on."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="ferrolite-hooks-loop", daemon=True).start()
        return _loop


class Runner:
    """The hooks of one configuration."""

    def __init__(
        self,
        callbacks: dict[str, Any],
        guardrails: list[Any],
        auth: Any,
        providers: dict[str, Any],
        timeout: float,
        most: int,
    ) -> None:
        self.auth = auth
        self.timeout = timeout
        self.cache = DualCache()
        # Integrations are made here, and not when the first request comes.
        self._success = Receivers([*callbacks["callbacks"], *callbacks["success_callback"], *guardrails])
        self._failure = Receivers([*callbacks["callbacks"], *callbacks["failure_callback"], *guardrails])
        self._changing = list(Receivers([*callbacks["callbacks"], *guardrails]).loggers)
        self._requests: dict[int, Request] = {}
        self._loop = loop()
        self._tasks: set[Any] = set()
        self.has = self._steps()
        self.served: tuple[str, str] | None = None
        self._server: Any = None
        if providers:
            from ferrolite import _gateway_providers

            self._server = _gateway_providers.Server(providers, most)
            self.served = asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(10)

    def _steps(self) -> set[str]:
        found: set[str] = set()
        if self.auth is not None:
            found.add("authorize")
        for step, hooks in _HOOKS.items():
            for logger in self._changing:
                if any(_own(logger, hook) for hook in hooks) or _applies(logger, step):
                    found.add(step)
        if any(isinstance(one, CustomGuardrail) for one in self._changing):
            found.add("pre_call")  # `guardrails` of a request are for them, and not for providers
        if _is_told(self._success, "success"):
            found.add("success_event")
        if _is_told(self._failure, "failure"):
            found.add("failure_event")
        return found

    # Called by the gateway's thread

    def ask(self, step: str, request: int, facts: Any, body: Any, error: Any, reply: Any) -> None:
        """Put a question on the loop."""
        self._loop.call_soon_threadsafe(self._begin_asking, step, request, facts, body, error, reply)

    def tell(self, event: str, request: int, facts: Any, error: Any, held: Any) -> None:
        """Put an event on the loop; `held` is let go of when it has been told."""
        self._loop.call_soon_threadsafe(self._begin_telling, event, request, facts, error, held)

    def forget(self, request: int) -> None:
        """Let go of a request."""
        self._loop.call_soon_threadsafe(self._forget, request)

    def close(self) -> None:
        """The configuration is in force no longer."""
        if self._server is not None:
            self._loop.call_soon_threadsafe(self._server.close)

    # On the loop

    def _start(self, coroutine: Any) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _begin_asking(self, step: str, request: int, facts: Any, body: Any, error: Any, reply: Any) -> None:
        # What is known of a request is looked up now: the client may have gone by the next turn.
        self._start(self._answer(step, self._request(request, facts), facts, body, error, reply))

    def _begin_telling(self, event: str, request: int, facts: Any, error: Any, held: Any) -> None:
        self._start(self._tell(event, self._request(request, facts), facts, error, held))

    def _forget(self, request: int) -> None:
        found = self._requests.pop(request, None)
        if found is not None and found.stream is not None:
            self._start(found.stream.close())

    def _request(self, number: int, facts: Any) -> Request:
        found = self._requests.get(number)
        if found is None:
            found = self._requests[number] = Request()
        opening = (facts or {}).pop("opening", None)
        if opening:
            found.open(opening)
        return found

    async def _answer(
        self, step: str, request: Request, facts: Any, body: Any, error: Any, reply: Any
    ) -> None:
        try:
            steps = getattr(self, f"_step_{step}")
            said = await asyncio.wait_for(steps(request, facts, body, error), self.timeout)
            reply.done(said)
        except asyncio.CancelledError:
            reply.failed({"status": 503, "message": "The hook was cancelled."})
            raise
        except asyncio.TimeoutError:
            reply.failed({"status": 504, "message": f"The hooks at '{step}' took over {self.timeout:g} s."})
        except Exception as raised:
            verbose_logger.debug("a hook at %s raised", step, exc_info=True)
            reply.failed(problem(raised, 401 if step == "authorize" else 500))

    async def _step_authorize(self, request: Request, facts: Any, body: Any, error: Any) -> Any:
        asked = HttpRequest(request.facts, body or b"")
        made = self.auth(asked, request.facts.get("key") or "")
        made = await made if inspect.isawaitable(made) else made
        if isinstance(made, str):
            made = UserAPIKeyAuth(api_key=made)
        if not hasattr(made, "user_role"):
            raise TypeError("the custom auth function returned no UserAPIKeyAuth")
        request.key = made
        role = str(getattr(made.user_role, "value", made.user_role))
        return {"is_admin": role == "proxy_admin", "user": str(getattr(made, "user_id", None) or "")}

    async def _step_pre_call(self, request: Request, facts: Any, body: Any, error: Any) -> Any:
        for logger in self._for(request, "pre_call"):
            if _applies(logger, "pre_call"):
                await apply_to_request(logger, request)
            hook = _own(logger, "async_pre_call_hook")
            if hook is None:
                continue
            said = await hook(
                user_api_key_dict=request.key,
                cache=self.cache,
                data=request.data,
                call_type=request.call_type,
            )
            if isinstance(said, Exception):
                raise said
            if isinstance(said, str):
                if request.call_type not in ("completion", "text_completion"):
                    raise Refused(400, said)
                request.data = {**request.data, "mock_response": said}
                break
            if isinstance(said, dict):
                request.data = said
        return {"data": request.sent()}

    async def _step_moderate(self, request: Request, facts: Any, body: Any, error: Any) -> Any:
        waiting: list[Any] = []
        for logger in self._for(request, "moderate"):
            if _applies(logger, "moderate"):
                # Beside the call, it can refuse what is asked, but not change it.
                waiting.append(apply_to_request(logger, request, changes=False))
            if hook := _own(logger, "async_moderation_hook"):
                waiting.append(
                    hook(data=request.data, user_api_key_dict=request.key, call_type=request.call_type)
                )
        await asyncio.gather(*waiting)
        return None

    async def _step_post_call(self, request: Request, facts: Any, body: Any, error: Any) -> Any:
        plain = facts["response"]
        response = answer_of(request.kind, plain)
        note(response, facts.get("meta") or {})
        changed = False
        headers: dict[str, str] = {}
        for logger in self._for(request, "post_call"):
            if _applies(logger, "post_call"):
                response = await apply_to_answer(logger, request, response)
                changed = True
            if hook := _own(logger, "async_post_call_success_hook"):
                said = await hook(data=request.data, user_api_key_dict=request.key, response=response)
                response = response if said is None else said
                changed = True
        for logger in self._changing:
            if hook := _own(logger, "async_post_call_response_headers_hook"):
                said = await hook(data=request.data, user_api_key_dict=request.key, response=response)
                headers.update({str(name): str(value) for name, value in (said or {}).items()})
        return {"response": plain_of(response) if changed else plain, "headers": headers}

    async def _step_stream(self, request: Request, facts: Any, body: Any, error: Any) -> Any:
        if request.stream is None:
            request.stream = Stream(facts["format"])
            request.stream.run(self._through(request))
        return await request.stream.step(facts["events"], facts["ended"])

    async def _step_failure(self, request: Request, facts: Any, body: Any, error: Any) -> Any:
        other: Any = None
        for logger in self._changing:
            if hook := _own(logger, "async_post_call_failure_hook"):
                said = await hook(
                    request_data=request.data, original_exception=error, user_api_key_dict=request.key
                )
                if isinstance(said, Exception):
                    other = said
        return None if other is None else problem(other, 500)

    def _for(self, request: Request, step: str) -> list[Any]:
        """The loggers that are asked at a step: of guardrails, those that are meant to be."""
        found: list[Any] = []
        for logger in self._changing:
            if isinstance(logger, CustomGuardrail) and not logger.should_run_guardrail(
                request.all(), _MODES[step]
            ):
                continue
            found.append(logger)
        return found

    def _through(self, request: Request) -> Any:
        """A request's stream through the hooks that want it."""
        stream: Any = request.stream.source()  # pyright: ignore[reportOptionalMemberAccess]
        for logger in self._for(request, "stream"):
            if hook := _own(logger, "async_post_call_streaming_iterator_hook"):
                stream = hook(user_api_key_dict=request.key, response=stream, request_data=request.data)
            if hook := _own(logger, "async_post_call_streaming_hook"):
                stream = _each(hook, request.key, stream)
        return stream

    async def _tell(self, event: str, request: Request, facts: Any, error: Any, held: Any) -> None:
        from ferrolite import _gateway_log

        try:
            if event == "success_event":
                await asyncio.wait_for(_gateway_log.success(self._success, request, facts), self.timeout)
            else:
                await asyncio.wait_for(_gateway_log.failure(self._failure, request, error), self.timeout)
        except Exception:
            verbose_logger.error("a callback of the gateway failed; requests go on", exc_info=True)
        finally:
            del held


async def _each(hook: Any, key: Any, stream: Any) -> Any:
    async for chunk in stream:
        said = await hook(user_api_key_dict=key, response=chunk)
        yield chunk if said is None else said


def _own(logger: Any, hook: str) -> Any:
    """A logger's hook; None when it is the base class's."""
    return overrides(logger, hook)


def _applies(logger: Any, step: str) -> bool:
    """Whether a guardrail has `apply_guardrail` alone for a step."""
    if not isinstance(logger, CustomGuardrail) or step not in ("pre_call", "moderate", "post_call"):
        return False
    if type(logger).apply_guardrail is CustomGuardrail.apply_guardrail:
        return False
    modes = modes_of(logger)
    return _MODES[step] in modes if modes else step == "pre_call"


def _is_told(receivers: Receivers, event: str) -> bool:
    if receivers.functions or receivers.coroutines:
        return True
    names = (f"async_log_{event}_event", f"log_{event}_event")
    return any(_own(logger, name) for logger in receivers.loggers for name in names)


# What hooks are given


class Request:
    """A request, as hooks know it."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.kind = "chat"
        self.call_type = "completion"
        self.call_id: str | None = None
        self.begun = time.time()
        self.key: Any = None
        self.stream: Stream | None = None
        self.guardrails: Any = None
        self._metadata = "metadata"
        self._added: dict[str, Any] = {}
        self._had_metadata = False

    def open(self, told: dict[str, Any]) -> None:
        """Add what the gateway tells."""
        self.facts.update(told.get("request") or {})
        self.call_id = told.get("call_id", self.call_id)
        if told.get("is_master"):
            self.facts["is_master"] = True
        if self.key is None and ("data" in told or "call_id" in told):
            self.key = self._who()
        if "call_type" in told:
            self.kind = told["call_type"]
            self.call_type = _KINDS.get(self.kind, self.kind)
        if "data" in told:
            self._open_data(told["data"])

    def _who(self) -> UserAPIKeyAuth:
        key = self.facts.get("key")
        if not self.facts.get("is_master"):
            return UserAPIKeyAuth(api_key=key and hash_token(key), request_route=self.facts.get("path"))
        return UserAPIKeyAuth(
            api_key=key and hash_token(key),
            user_id="default_user_id",
            user_role=LitellmUserRoles.PROXY_ADMIN,
            request_route=self.facts.get("path"),
        )

    def _open_data(self, data: dict[str, Any]) -> None:
        if self.kind not in ("chat", "text_completion", "embedding", "image_generation"):
            self._metadata = "litellm_metadata"
        key = self.key
        headers = {name: "***" if name in _SECRET else value for name, value in self.headers.items()}
        self._added = {
            "headers": headers,
            "user_api_key": getattr(key, "api_key", None),
            "user_api_key_hash": getattr(key, "api_key", None),
            "requester_ip_address": (self.facts.get("client") or [None])[0],
            "user_agent": self.headers.get("user-agent"),
            "endpoint": self.facts.get("path"),
        }
        for name in ("key_alias", "user_id", "team_id", "team_alias", "org_id", "user_email", "end_user_id"):
            self._added[f"user_api_key_{name.removeprefix('key_')}"] = getattr(key, name, None)
        given = data.get(self._metadata)
        self._had_metadata = self._metadata in data
        self.data = {
            **data,
            self._metadata: {**(given if isinstance(given, dict) else {}), **self._added},
            "litellm_call_id": self.call_id,
            "proxy_server_request": {
                "url": self.facts.get("path"),
                "method": self.facts.get("method"),
                "headers": headers,
                "body": dict(data),
            },
        }

    @property
    def headers(self) -> dict[str, str]:
        return self.facts.get("headers") or {}

    @property
    def metadata(self) -> dict[str, Any]:
        found = self.data.get(self._metadata)
        return found if isinstance(found, dict) else {}

    def all(self) -> dict[str, Any]:
        """The request with the guardrails that it has asked for."""
        return self.data if self.guardrails is None else {**self.data, "guardrails": self.guardrails}

    def sent(self) -> dict[str, Any]:
        """The request without what is for hooks only."""
        if (asked := list(requested(self.data).items())) and self.guardrails is None:
            self.guardrails = [{name: said} for name, said in asked]
        kept = {name: value for name, value in self.data.items() if name not in _OURS}
        metadata = {
            name: value
            for name, value in self.metadata.items()
            if name != "guardrails" and not (name in self._added and self._added[name] is value)
        }
        kept.pop(self._metadata, None)
        if metadata or self._had_metadata:
            kept[self._metadata] = metadata
        return kept


# Where the gateway takes a key from, and what proves something to others.
_SECRET = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-litellm-api-key",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "sec-websocket-protocol",
)


class Headers(dict[str, str]):
    """Headers, by names of any case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


class Url(str):
    """An address, with its parts."""

    __slots__ = ()

    @property
    def path(self) -> str:
        from urllib.parse import urlsplit

        return urlsplit(self).path

    @property
    def query(self) -> str:
        from urllib.parse import urlsplit

        return urlsplit(self).query


class HttpRequest:
    """A request as a custom auth function reads it: what it mostly uses of Starlette's `Request`."""

    def __init__(self, facts: dict[str, Any], body: bytes) -> None:
        from types import SimpleNamespace
        from urllib.parse import parse_qsl

        self._body = body
        self.method: str = facts.get("method", "GET")
        self.headers = Headers(facts.get("headers") or {})
        query = facts.get("query") or ""
        host = self.headers.get("host", "localhost")
        self.url = Url(f"http://{host}{facts.get('path', '/')}{'?' + query if query else ''}")
        self.base_url = Url(f"http://{host}/")
        self.query_params = dict(parse_qsl(query, keep_blank_values=True))
        self.path_params: dict[str, str] = {}
        self.cookies: dict[str, str] = _cookies(self.headers.get("cookie", ""))
        client = facts.get("client") or [None, None]
        self.client = SimpleNamespace(host=client[0], port=client[1])
        self.state = SimpleNamespace()
        self.scope: dict[str, Any] = {"type": "http", "method": self.method, "path": self.url.path}

    async def body(self) -> bytes:
        """The whole body."""
        return self._body

    async def json(self) -> Any:
        """The body, which is JSON."""
        import json

        return json.loads(self._body)


def _cookies(header: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.split(";") if "=" in part)
    return {name: value for name, _, value in pairs}


# Streams


class Stream:
    """A streamed answer on its way through hooks: events go in, and what the hooks make of them comes out."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._inbox: list[Any] = []
        self._outbox: list[Any] = []
        self._ended = False
        self._news = asyncio.Event()
        self._state = asyncio.Event()
        self._is_idle = False
        self._is_done = False
        self._error: Exception | None = None
        self._task: Any = None

    def run(self, hooked: Any) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._drive(hooked))

    async def source(self) -> Any:
        """What hooks read."""
        while True:
            while self._inbox:
                yield chunk_of(self.kind, self._inbox.pop(0))
            if self._ended:
                return
            self._is_idle = True
            self._state.set()
            self._news.clear()
            await self._news.wait()
            self._is_idle = False

    async def _drive(self, hooked: Any) -> None:
        try:
            hooked = await hooked if inspect.isawaitable(hooked) else hooked
            async for chunk in hooked:
                self._outbox.append(chunk)
                self._state.set()
        except Exception as error:
            self._error = error
        finally:
            self._is_done = True
            self._state.set()
            close = getattr(hooked, "aclose", None)
            if close is not None:
                await close()

    async def step(self, events: list[Any], ended: bool) -> dict[str, Any]:
        """Give events, and take what there is to be sent.

        Raises:
            Whatever a hook has raised, after what came before it was sent.
        """
        self._inbox += events
        self._ended = self._ended or ended
        if events or ended:
            self._is_idle = False
        self._news.set()
        while not (self._outbox or self._is_idle or self._is_done):
            self._state.clear()
            await self._state.wait()
        out, self._outbox = self._outbox, []
        if self._is_done and self._error is not None and not out:
            raise self._error
        over = self._is_done and self._error is None
        return {
            "events": [_plain_event(one) for one in out],
            "ended": over,
            "more": not over and not self._is_idle,
        }

    async def close(self) -> None:
        """The request is over."""
        if self._task is not None and not self._task.done():
            self._task.cancel()


def chunk_of(kind: str, event: Any) -> Any:
    """An event as hooks know it."""
    if kind == "chat" and isinstance(event, dict):
        from ferrolite.types.utils import ModelResponseStream

        return ModelResponseStream(**event)
    return event


def _plain_event(event: Any) -> Any:
    if isinstance(event, bytes):
        event = event.decode(errors="replace")
    if isinstance(event, str):
        import json

        text = event.strip().removeprefix("data:").strip()
        try:
            return json.loads(text)
        except ValueError:
            return text
    return plain_of(event, exclude_none=True)


# Answers


def answer_of(kind: str, plain: Any) -> Any:
    """An answer as hooks know it: of the class that the SDK answers with."""
    from ferrolite.types import utils

    names = {
        "chat": "ModelResponse",
        "embedding": "EmbeddingResponse",
        "image_generation": "ImageResponse",
        "text_completion": "TextCompletionResponse",
        "transcription": "TranscriptionResponse",
    }
    known = getattr(utils, names.get(kind, ""), None)
    if known is None or not isinstance(plain, dict):
        return plain
    try:
        return known(**plain)
    except Exception:
        return plain


def note(response: Any, meta: dict[str, Any]) -> None:
    """Add what is known of a call to its answer."""
    if hasattr(response, "__dict__"):
        response._hidden_params = {
            **(getattr(response, "_hidden_params", None) or {}),
            "model_id": meta.get("model_id"),
            "api_base": meta.get("api_base"),
            "custom_llm_provider": meta.get("provider"),
            "response_cost": meta.get("cost"),
            "cache_hit": meta.get("cache_hit"),
            "litellm_model_name": meta.get("model"),
        }


def plain_of(response: Any, exclude_none: bool = False) -> Any:
    """An answer as plain data."""
    if hasattr(response, "model_dump"):
        return response.model_dump(exclude_none=exclude_none)
    return response


# `apply_guardrail`


async def apply_to_request(guardrail: Any, request: Request, changes: bool = True) -> None:
    """Let a guardrail see the texts of a request, and put back what it makes of them."""
    places = _texts_asked(request.data)
    said = await _applied(guardrail, [holder[name] for holder, name in places], request, "request")
    if changes and said is not None:
        for (holder, name), text in zip(places, said, strict=False):
            holder[name] = text


async def apply_to_answer(guardrail: Any, request: Request, response: Any) -> Any:
    """The same of an answer."""
    plain = plain_of(response)
    places: list[tuple[Any, Any]] = []
    for choice in plain.get("choices") or () if isinstance(plain, dict) else ():
        for holder, name in ((choice.get("message"), "content"), (choice, "text")):
            if isinstance(holder, dict) and isinstance(holder.get(name), str):
                places.append((holder, name))
    if isinstance(plain, dict):
        places += _of_parts(plain.get("content"))
        for item in plain.get("output") or ():
            places += _of_parts(item.get("content")) if isinstance(item, dict) else []
    said = await _applied(guardrail, [holder[name] for holder, name in places], request, "response")
    if said is None:
        return response
    for (holder, name), text in zip(places, said, strict=False):
        holder[name] = text
    made = answer_of(request.kind, plain)
    if hasattr(response, "_hidden_params") and hasattr(made, "__dict__"):
        made._hidden_params = response._hidden_params
    return made


async def _applied(guardrail: Any, texts: list[str], request: Request, kind: str) -> list[str] | None:
    if not texts:
        return None
    said = await guardrail.apply_guardrail(
        inputs={"texts": list(texts)}, request_data=request.data, input_type=kind, logging_obj=None
    )
    made = said.get("texts") if isinstance(said, dict) else None
    return made if isinstance(made, list) and len(made) == len(texts) else None


def _texts_asked(data: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Where the texts of a request stand."""
    places: list[tuple[Any, Any]] = []
    for message in data.get("messages") or ():
        if isinstance(message, dict):
            places += [(message, "content")] if isinstance(message.get("content"), str) else []
            places += _of_parts(message.get("content"))
    for name in ("prompt", "input"):
        given = data.get(name)
        if isinstance(given, str):
            places.append((data, name))
        elif isinstance(given, list):
            places += [(given, index) for index, one in enumerate(given) if isinstance(one, str)]
            for one in given:
                if isinstance(one, dict):
                    places += [(one, "content")] if isinstance(one.get("content"), str) else []
                    places += _of_parts(one.get("content"))
    return places


def _of_parts(parts: Any) -> list[tuple[Any, Any]]:
    found = parts if isinstance(parts, list) else ()
    return [(part, "text") for part in found if isinstance(part, dict) and isinstance(part.get("text"), str)]


# Errors


class Refused(Exception):
    """A hook's own words for a refusal."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message


def problem(error: Exception, otherwise: int) -> dict[str, Any]:
    """What a client is told of an exception: status, message, type, param, code."""
    detail: Any = getattr(error, "detail", None)
    message: Any = getattr(error, "message", None) or detail or str(error)
    if isinstance(message, dict):
        inner: Any = message.get("error", message.get("message"))
        if isinstance(inner, dict):
            inner = inner.get("message")
        message = inner if isinstance(inner, str) else str(message)
    status = getattr(error, "status_code", None)
    if status is None:
        status = getattr(error, "code", None)
    try:
        status = int(status)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        status = otherwise
    words: Any = {name: getattr(error, name, None) for name in ("type", "param")}
    text = str(message) or ("The key is not let in." if otherwise == 401 else type(error).__name__)
    return {
        "status": status,
        "message": text,
        **{name: value for name, value in words.items() if isinstance(value, str) and value != "None"},
    }
