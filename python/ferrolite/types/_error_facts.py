"""From what the core knows about a failed call to the error that tells it, in LiteLLM's words."""

from __future__ import annotations

from ferrolite.types._error import CallError, revive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMED_TWICE = frozenset(
    [
        "APIConnectionError",
        "APIError",
        "AuthenticationError",
        "BadGatewayError",
        "ContentPolicyViolationError",
        "ContextWindowExceededError",
        "InternalServerError",
        "NotFoundError",
        "RateLimitError",
        "ServiceUnavailableError",
    ]
)
"""Classes whose name LiteLLM says again before the message of an OpenAI-compatible host."""

_NAMED_ONCE = frozenset(
    [
        "anthropic",
        "azure",
        "bedrock",
        "cloudflare",
        "cohere",
        "cohere_chat",
        "databricks",
        "huggingface",
        "ollama",
        "ollama_chat",
        "replicate",
        "watsonx",
    ]
)
"""Providers for which it does not. With Google's it is two of the classes."""

_GOOGLE = ("gemini", "vertex_ai", "vertex_ai_beta")
_GOOGLE_NAMED_TWICE = ("ContextWindowExceededError", "RateLimitError")

_STATUS_AS_GIVEN = frozenset(
    [
        "APIError",
        "AuthenticationError",
        "BadRequestError",
        "ContentPolicyViolationError",
        "ContextWindowExceededError",
        "MidStreamFallbackError",
        "MockException",
        "NotFoundError",
        "PermissionDeniedError",
        "Timeout",
        "UnprocessableEntityError",
    ]
)
"""Classes that tell the provider's status; the others have one of their own."""

_AS_THEY_ARE = {
    "request_id": "request_id",
    "retry_after": "retry_after",
    "generated_content": "generated_content",
    "is_pre_first_chunk": "is_pre_first_chunk",
    "original": "original_exception",
    "deployment": "deployment",
}


def from_core(kind: str, facts: dict[str, Any]) -> BaseException:
    """The error of the class called `kind` that the core's `facts` describe.

    Facts, all optional: message (without class names), provider, model, status, code, param, type, body
    (parsed JSON or text), headers (pairs), request_id, retry_after (seconds), debug_info, num_retries,
    max_retries, generated_content, is_pre_first_chunk, original (an exception), deployment.
    """
    from ferrolite import exceptions

    cls: Any = getattr(exceptions, kind, None)
    if kind not in exceptions.__all__ or not isinstance(cls, type):
        cls = exceptions.APIError
    message, body = _worded(kind, facts), facts.get("body")
    if kind == "RouterRateLimitError" and isinstance(body, dict):
        return _no_deployment(facts, body)  # pyright: ignore[reportUnknownArgumentType]
    error: Any = revive(cls, (message,))
    if not issubclass(cls, CallError):
        error.message = message
        return error
    error._set(
        message,
        facts.get("model"),
        facts.get("provider"),
        debug_info=facts.get("debug_info"),
        max_retries=facts.get("max_retries"),
        num_retries=facts.get("num_retries"),
        body=_error_object(body),
    )
    if kind == "ContentPolicyViolationError":
        error.provider_specific_fields = _filter_results(error.body)
    status = facts.get("status") or getattr(facts.get("original"), "status_code", None)
    if status and kind in _STATUS_AS_GIVEN:
        error.status_code = status
    for name in ("code", "param", "type"):
        if getattr(error, name) is None and facts.get(name) is not None:
            setattr(error, name, facts[name])
    headers = facts.get("headers")
    if headers is not None or body is not None:
        error._reply = ([(str(name), str(value)) for name, value in headers or ()], body)
    for fact, attribute in _AS_THEY_ARE.items():
        if facts.get(fact) is not None:
            setattr(error, attribute, facts[fact])
    return error


def _no_deployment(facts: dict[str, Any], body: dict[str, Any]) -> BaseException:
    """The error of a router that has no deployment which may take the call."""
    from ferrolite.exceptions import RouterRateLimitError

    seconds = facts.get("retry_after") or 0
    return RouterRateLimitError(
        model=str(facts.get("model")),
        cooldown_time=round(seconds) or round(seconds, 2),
        enable_pre_call_checks=bool(body.get("enable_pre_call_checks")),
        cooldown_list=body.get("cooldown_list") or [],
        model_ids=body.get("model_ids") or (),
    )


def _worded(kind: str, facts: dict[str, Any]) -> str:
    """The message with the class's name before it where LiteLLM says it twice."""
    message, provider = facts.get("message"), facts.get("provider")
    if message is None:
        original = facts.get("original")
        return kind if original is None else str(original)
    if provider in _GOOGLE:
        twice = kind in _GOOGLE_NAMED_TWICE
    else:
        twice = kind in _NAMED_TWICE and provider not in _NAMED_ONCE
    return f"{kind}: {message}" if twice and message.split(" ", 1)[0].endswith("Exception") else message


def _filter_results(error: Any) -> dict[str, Any] | None:
    """What Azure's filters found (AZ-08), under LiteLLM's names."""
    if not isinstance(error, dict):
        return None
    found: Any = error.get("innererror") or error.get("inner_error")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return {"innererror": found, "inner_error": found, "azure_error": error} if found else None


def _error_object(body: Any) -> Any:
    """The provider's error object: what stands under "error" where the body has that."""
    if not isinstance(body, dict):
        return None
    inner: Any = body.get("error")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return inner if isinstance(inner, dict) else body  # pyright: ignore[reportUnknownVariableType]
