"""The base of the errors that calls raise: openai's classes as bases, and facts told when they are asked for."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from typing_extensions import Self

_joined = False


def join_openai() -> None:
    """Make the errors subclasses of openai's, if openai is imported by now."""
    global _joined
    openai = sys.modules.get("openai")
    if _joined or openai is None:
        return
    complete = True
    branches = (CallError, ModelFirstError, ProviderFirstError)
    for cls in (cls for branch in branches for cls in branch.__subclasses__()):
        name = vars(cls).get("_openai")
        theirs: Any = getattr(openai, name, None) if name else object
        if theirs is None:
            complete = False  # openai is still being imported
        elif not issubclass(cls, theirs):
            cls.__bases__ = (*cls.__bases__, theirs)
    _joined = complete


class CallError(Exception):
    """An error of a call to a provider.

    `message` is the text with the class's name before it, `model` and `llm_provider` say who was asked,
    `body` is the provider's error object, with its `code`, `param` and `type`.
    """

    status_code: int
    message: str
    model: str | None = None
    llm_provider: str | None = None
    body: Any = None
    code: str | None = None
    param: str | None = None
    type: str | None = None
    max_retries: int | None = None
    num_retries: int | None = None
    litellm_debug_info: str | None = None
    response: Any
    request: Any
    request_id: str | None
    litellm_response_headers: Any

    _openai: ClassVar[str]
    """The class of openai's that this one joins; said where it first applies."""
    _prefix: ClassVar[str] = ""
    """What stands before the message."""
    _status: ClassVar[int] = 500
    _follows_response: ClassVar[bool] = False
    """Whether the status is that of a response passed in."""
    _always_responds: ClassVar[bool] = False
    """Whether there is a `response` even when none is known, as openai's status errors promise."""
    _code: ClassVar[str | None] = None
    _type: ClassVar[str | None] = None
    _reply: tuple[list[tuple[str, str]], Any] | None = None
    """Headers and body of the provider's reply, to make a response of."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if not _joined:
            join_openai()
        return Exception.__new__(cls, *args)

    def _set(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: Any = None,
        debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Any = None,
    ) -> None:
        self.message = self._prefix + str(message)
        self.args = (self.message,)
        self.model = model
        self.llm_provider = llm_provider
        self.litellm_debug_info = debug_info
        self.max_retries = max_retries
        self.num_retries = num_retries
        self.status_code = self._status
        if response is not None:
            self.response = response
            status = getattr(response, "status_code", None)
            if self._follows_response and isinstance(status, int):
                self.status_code = status
        self.body = body
        code = self._code or _detail(body, "code")
        self.code = None if code is None else str(code)
        self.param = _detail(body, "param")
        self.type = self._type or _detail(body, "type")

    def __getattr__(self, name: str) -> Any:
        make = _LAZY.get(name)
        value = _NOTHING if make is None else make(self)
        if value is _NOTHING:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.__dict__[name] = value
        return value

    def __str__(self) -> str:
        text = self.__dict__.get("message")
        if text is None:  # a subclass with a constructor of its own
            return super().__str__()
        if self.num_retries:
            text += f" LiteLLM Retried: {self.num_retries} times"
        if self.max_retries:
            text += f", LiteLLM Max Retries: {self.max_retries}"
        return text

    def __repr__(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return revive, (type(self), self.args), self.__dict__


class ModelFirstError(CallError):
    """One whose constructor takes the model before the provider."""

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Any = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries, body)


class ProviderFirstError(CallError):
    """One whose constructor takes the provider before the model."""

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Any = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries, body)


class PlainError(Exception):
    """An error that is not a provider's: it has a `message`, and can be pickled."""

    message: str

    def _say(self, message: str) -> None:
        self.args = (message,)
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return revive, (type(self), self.args), self.__dict__


def revive(cls: Any, args: tuple[Any, ...]) -> Any:
    """An error without its constructor, for unpickling and for the core."""
    error = cls.__new__(cls)
    error.args = args
    return error


def _detail(body: Any, name: str) -> Any:
    return body.get(name) if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


_NOTHING: Any = object()


def _make_response(error: Any) -> Any:
    if error._reply is None and not error._always_responds:
        return _NOTHING
    from ferrolite.types import _http

    reply: tuple[list[tuple[str, str]], Any] = error._reply or ([], None)
    headers, body = reply
    return _http.make_response(error.status_code, headers, body, _http.make_request())


def _make_request(error: Any) -> Any:
    try:
        return error.response.request
    except (AttributeError, RuntimeError):  # httpx raises the latter for a response without a request
        from ferrolite.types import _http

        return _http.make_request()


def _make_request_id(error: Any) -> Any:
    if not error._always_responds:
        return _NOTHING
    headers: Any = getattr(error.response, "headers", None) or {}
    return headers.get("x-request-id") or headers.get("request-id")


def _make_headers(error: Any) -> Any:
    return _NOTHING if error._reply is None else error.response.headers


_LAZY = {
    "response": _make_response,
    "request": _make_request,
    "request_id": _make_request_id,
    "litellm_response_headers": _make_headers,
}
