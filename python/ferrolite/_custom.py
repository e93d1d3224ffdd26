"""Calls of providers that are written in Python: from keywords to the methods of a `CustomLLM`, and back."""

from __future__ import annotations

import os
import sys
from time import perf_counter

from ferrolite import _core
from ferrolite._custom_stream import Pieces, read, read_async
from ferrolite._stream import CustomStreamWrapper
from ferrolite.llms.custom_llm import CustomLLMError
from ferrolite.types._base import new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.llms.custom_llm import CustomLLM

_settings = sys.modules["ferrolite"].__dict__

_CHAT = ("completion", "streaming")
_METHODS = {"chat": "completion", **{name: name for name in ("embedding", "image_edit", "image_generation")}}

_UNKNOWN_IN_CHAT = ("reasoning_effort", "thinking", "user", "verbosity")
"""Parameters of OpenAI's that a provider nobody knows is not said to take, as for other compatible servers."""
_UNKNOWN_IN_EMBEDDINGS = ("dimensions", "encoding_format", "user")


class Call:
    """A call that a handler carries out."""

    def __init__(self, handler: CustomLLM, provider: str, model: str, call_type: str) -> None:
        self.handler = handler
        self.provider = provider
        self.model = model
        self.call_type = call_type
        self.streams = False
        self.arguments: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        self._started = perf_counter()
        self._id = new_id()
        self._attempts = 0
        # The log of a call that somebody watches.
        self.log: Any = None

    # Running

    def run(self) -> Any:
        """The answer, or a stream.

        Raises:
            The error class of what the handler raised.
        """
        if self._is_mocked():
            return self._named(_core.call(self.arguments, _settings))
        from time import sleep

        passed = self._passed(asynchronous=False)
        while True:
            try:
                if self.streams:
                    pieces = self._pieces()
                    return self._wrapped(read(pieces, self.handler.streaming(**passed)))
                return self._told(getattr(self.handler, _METHODS[self.call_type])(**passed))
            except Exception as error:
                sleep(self._pause_after(error))

    async def arun(self) -> Any:
        """`run`, for asyncio."""
        if self._is_mocked():
            from ferrolite import _aio

            return self._named(await _aio.call(self.arguments, _settings))
        from asyncio import sleep

        passed = self._passed(asynchronous=True)
        while True:
            try:
                if self.streams:
                    pieces, stream = self._pieces(), self.handler.astreaming(**passed)
                    # A handler may also be a coroutine that returns the iterator.
                    stream: Any = await stream if hasattr(stream, "__await__") else stream
                    return self._wrapped(read_async(pieces, stream))
                return self._told(await getattr(self.handler, "a" + _METHODS[self.call_type])(**passed))
            except Exception as error:
                await sleep(self._pause_after(error))

    def _pause_after(self, error: Exception) -> float:
        """Seconds until the next attempt, as the core waits.

        Raises:
            The public error: another attempt is not worth it, or there was the last.
        """
        public: Any = mapped(error, self.provider, self.model)
        allowed: Any = self.given.get("num_retries", _settings["num_retries"]) or 0
        again = public.status_code in (408, 409, 429) or public.status_code >= 500
        if not again or self._attempts >= allowed:
            if public is error:
                raise error
            raise public from error
        self._attempts += 1
        return min(0.5 * 2 ** (self._attempts - 1), 8.0)

    # What the handler gets

    def _passed(self, asynchronous: bool) -> dict[str, Any]:
        """The keywords of the handler's method."""
        from ferrolite.types import utils

        given = self.given
        passed: dict[str, Any] = {
            "model": self.model,
            "api_key": given.get("api_key"),
            "api_base": self._address(),
            "logging_obj": self.log or _Log(self._id, self.model),
        }
        if self.call_type == "chat":
            timeout = timeout_of(given, 600.0)
            passed |= {
                "messages": [_as_dict(message) for message in given.get("messages", ())],
                "model_response": utils.ModelResponse(usage=utils.Usage()),
                "acompletion": asynchronous,
                "headers": {
                    **(given.get("headers") or _settings["headers"] or {}),
                    **(given.get("extra_headers") or {}),
                },
                "timeout": timeout,
                "client": given.get("client"),
                "custom_prompt_dict": given.get("custom_prompt_dict") or {},
                "logger_fn": given.get("logger_fn"),
                "encoding": None,
            }
        else:
            passed["timeout"] = given.get("timeout", None if self.call_type == "image_edit" else 600)
        if self.call_type in ("chat", "embedding"):
            passed["print_verbose"] = _print_verbose
            passed["litellm_params"] = self._steering(passed)
        if self.call_type == "embedding":
            text = given.get("input")
            passed["input"] = [text] if isinstance(text, str) else text
            passed["model_response"] = utils.EmbeddingResponse()
        elif self.call_type != "chat":
            passed |= {
                "prompt": given.get("prompt"),
                "client": given.get("client"),
                "model_response": utils.ImageResponse(),
            }
        if self.call_type == "image_edit":
            image = given.get("image")
            passed["image"] = image if isinstance(image, list) else [image]
        passed["optional_params"] = self._optional()
        return passed

    def _optional(self) -> dict[str, Any]:
        """OpenAI's parameters and the provider's own.

        Raises:
            UnsupportedParamsError: Some are not for a provider like this, and nobody said to drop them.
        """
        given = self.given
        apart = {"messages", "input", "prompt", "image", *(given.get("additional_drop_params") or ())}
        if self.call_type != "chat":
            apart |= {"caching", "litellm_call_id", "logger_fn"}
        optional = {
            name: value for name, value in given.items() if name not in apart and not _core.is_steering(name)
        }
        if not optional.get("stream"):
            optional.pop("stream", None)
        if isinstance(optional.get("response_format"), dict):
            optional["response_format"] = {
                name: value for name, value in optional["response_format"].items() if name != "plain_schema"
            }
        unknown = {"chat": _UNKNOWN_IN_CHAT, "embedding": _UNKNOWN_IN_EMBEDDINGS}.get(self.call_type, ())
        allowed = given.get("allowed_openai_params") or ()
        refused = [name for name in unknown if name in optional and name not in allowed]
        for name in refused:
            del optional[name]
        # `user` is for the provider's own bookkeeping: losing it changes no answer.
        refused = [name for name in refused if name != "user"]
        if refused and not self._drops():
            from ferrolite.exceptions import UnsupportedParamsError

            names = ", ".join(map(repr, refused))
            raise UnsupportedParamsError(
                f"{self.provider} does not support parameters: [{names}], for model={self.model}. To drop these, "
                f"set drop_params=True. To send them as they are, pass allowed_openai_params=[{names}].",
                llm_provider=self.provider,
                model=self.model,
            )
        return optional

    def _drops(self) -> bool:
        given = self.given.get("drop_params")
        value = _settings["drop_params"] if given is None else given
        return _is_on(value) or _is_on(os.environ.get("LITELLM_DROP_PARAMS", ""))

    def _steering(self, passed: dict[str, Any]) -> dict[str, Any]:
        """What LiteLLM has in `litellm_params`."""
        own = {name: value for name, value in self.given.items() if _core.is_steering(name)}
        return {
            "acompletion": passed.get("acompletion"),
            "custom_llm_provider": self.provider,
            "custom_prompt_dict": {},
            "drop_params": None,
            "force_timeout": 600,
            "litellm_call_id": self._id,
            "litellm_metadata": None,
            "logger_fn": None,
            "metadata": None,
            "model_info": None,
            "verbose": False,
            **own,
            "api_base": passed["api_base"],
            "api_key": passed["api_key"],
            "timeout": passed["timeout"],
        }

    # What the caller gets

    def _told(self, answer: Any) -> Any:
        """The handler's answer, with what is known of the call."""
        if hasattr(answer, "_hidden_params"):
            answer._hidden_params = {**self._hidden(), **(answer._hidden_params or {})}
        return answer

    def _address(self) -> Any:
        """Of two addresses, the one that counts in the core, too."""
        names = ("api_base", "base_url")
        first, second = names[::-1] if self.call_type == "chat" else names
        return self.given.get(first) or self.given.get(second)

    def _hidden(self) -> dict[str, Any]:
        return {
            "custom_llm_provider": self.provider,
            "model_id": None,
            "api_base": self._address(),
            "response_cost": None,
            "litellm_call_id": self._id,
            "litellm_model_name": f"{self.provider}/{self.model}",
            "_response_ms": (perf_counter() - self._started) * 1000,
            "callback_duration_ms": 0.0,
            "region_name": None,
            "provider_response_model": None,
            "additional_headers": {},
        }

    def _pieces(self) -> Pieces:
        options: dict[str, Any] = self.given.get("stream_options") or {}
        return Pieces(self.provider, self.model, bool(options.get("include_usage")))

    def _wrapped(self, chunks: Any) -> CustomStreamWrapper:
        made = CustomStreamWrapper(
            chunks, self.model, None, self.provider, stream_options=self.given.get("stream_options")
        )
        made.messages = self.given.get("messages")
        made._hidden_params = self._hidden()  # pyright: ignore[reportPrivateUsage]
        return made

    def _is_mocked(self) -> bool:
        """Whether the core answers instead of the handler; the call is then made ready for it."""
        mocks = ("mock_response", "mock_timeout", "mock_tool_calls")
        if self.call_type != "chat" or not any(self.given.get(name) for name in mocks):
            return False
        self.arguments["model"] = self.model
        self.arguments["kwargs"]["custom_llm_provider"] = "custom_openai"
        return True

    def _named(self, answer: Any) -> Any:
        """A mocked answer that names this provider."""
        if isinstance(answer, _core.CoreStream):
            answer = CustomStreamWrapper._of_core(answer, self.arguments["messages"])  # pyright: ignore[reportPrivateUsage]
            answer.custom_llm_provider = self.provider
        answer._hidden_params = {
            **answer._hidden_params,
            "custom_llm_provider": self.provider,
            "litellm_model_name": f"{self.provider}/{self.model}",
        }
        return answer


def find(arguments: dict[str, Any], call_type: str = "chat") -> Call | None:
    """The call that a handler of `custom_provider_map` carries out; None when the core does."""
    if call_type not in _METHODS:
        return None
    given = {**arguments, **arguments.get("kwargs", {})}
    given.pop("kwargs", None)
    given = {name: value for name, value in given.items() if value is not None}
    model = given.pop("model", None)
    if not isinstance(model, str):
        return None
    aliases: Any = given.get("model_alias_map") or _settings["model_alias_map"]
    model = aliases.get(model, model)
    handler, provider, name = handler_of(model, given.get("custom_llm_provider"))
    if handler is None:
        return None
    call = Call(handler, provider, name, call_type)
    call.arguments, call.given = arguments, given
    call.streams = call_type == "chat" and bool(given.get("stream"))
    return call


def handler_of(model: str, provider: str | None) -> tuple[Any, str, str]:
    """The handler of the provider that a model's name or `provider` means, and the two names."""
    if provider:
        name = model.removeprefix(f"{provider}/")
    else:
        provider, _, name = model.partition("/")
    for entry in _settings["custom_provider_map"]:
        if entry["provider"] == provider:
            if _core.missing_environment(provider, True, True) is None:  # nothing is known of it
                return entry["custom_handler"], provider, name
            from ferrolite._logging import verbose_logger

            verbose_logger.warning(
                "custom_provider_map: %r is a provider of its own here, and your handler is not called. "
                "Give it another name.",
                provider,
            )
    return None, provider, name


# Errors

_BY_STATUS = {
    401: "AuthenticationError",
    402: "PaymentRequiredError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    408: "Timeout",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "BadGatewayError",
    503: "ServiceUnavailableError",
    504: "Timeout",
}


def mapped(error: Exception, provider: str, model: str) -> Exception:
    """The public error for what a handler raised: by its status, where it has one."""
    from ferrolite import exceptions

    if isinstance(error, exceptions.CallError):
        return error
    status: Any = getattr(error, "status_code", None)
    text = str(getattr(error, "message", None) or error)
    words: Any = {"llm_provider": provider, "model": model}
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & {"TimeoutException", "APITimeoutError"}:
        return exceptions.Timeout(message=f"{_prefix(provider)} - {text}", **words)
    if not isinstance(status, int):
        if not isinstance(error, CustomLLMError) and "HTTPError" not in names:
            return exceptions.APIConnectionError(message=text, **words)
        return exceptions.APIConnectionError(message=f"{_prefix(provider)} - {text}", **words)
    other = "BadRequestError" if 400 <= status < 500 else "APIConnectionError"
    if status > 504:
        other = "APIError"
        words["status_code"] = status
    name = _BY_STATUS.get(status, other)
    if name == "PermissionDeniedError":
        words["response"] = None
    made = getattr(exceptions, name)(message=f"{_prefix(provider)} - {text}", **words)
    if status == 504:
        made.status_code = status
    return made


def _prefix(provider: str) -> str:
    if provider == "openai":
        return "OpenAIException"
    return f"{provider[:1].upper()}{provider[1:]}Exception"


# Small things


class _Log:
    """What handlers written for LiteLLM report to."""

    def __init__(self, call_id: str, model: str) -> None:
        self.litellm_call_id = call_id
        self.model = model
        self.model_call_details: dict[str, Any] = {}

    def pre_call(self, *args: Any, **kwargs: Any) -> None:
        """Accepted."""

    def post_call(self, *args: Any, **kwargs: Any) -> None:
        """Accepted."""

    def update_environment_variables(self, *args: Any, **kwargs: Any) -> None:
        """Accepted."""


def _print_verbose(text: object) -> None:
    from ferrolite._logging import print_verbose

    print_verbose(text)


def timeout_of(given: dict[str, Any], otherwise: float | None) -> Any:
    """Seconds: the call's, the setting's unless it is LiteLLM's default, or `otherwise`."""
    value = given.get("timeout") or given.get("request_timeout")
    if value is None and _settings["request_timeout"] != 6000:
        value = _settings["request_timeout"]
    if value is None:
        return otherwise
    return float(value) if isinstance(value, (int, float, str)) else value


def _is_on(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("true", "1", "yes", "on", "y", "t")


def _as_dict(message: Any) -> Any:
    return message.model_dump(exclude_none=True) if hasattr(message, "model_dump") else message
