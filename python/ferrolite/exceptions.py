"""What a call can raise.

::

    Exception
    ├── CallError                          openai's class that each is a subclass of, too
    │   ├── BadRequestError           400  BadRequestError
    │   │   ├── ContentPolicyViolationError
    │   │   ├── ContextWindowExceededError
    │   │   ├── EndpointNotSupportedByModelError
    │   │   ├── ImageFetchError
    │   │   ├── LiteLLMUnknownProvider
    │   │   ├── MalformedRequestFieldError
    │   │   ├── PaymentRequiredError  402
    │   │   ├── RejectedRequestError
    │   │   ├── UnsupportedEndpointError
    │   │   ├── UnsupportedParamsError
    │   │   └── VectorStoreSearchError
    │   ├── AuthenticationError       401  AuthenticationError
    │   │   └── CallerCredentialAuthenticationError
    │   ├── PermissionDeniedError     403  PermissionDeniedError
    │   ├── NotFoundError             404  NotFoundError
    │   ├── Timeout                   408  APITimeoutError
    │   ├── UnprocessableEntityError  422  UnprocessableEntityError
    │   ├── RateLimitError            429  RateLimitError
    │   │   └── CallerCredentialRateLimitError
    │   ├── InternalServerError       500  InternalServerError
    │   ├── BadGatewayError           502  APIStatusError
    │   ├── ServiceUnavailableError   503  APIStatusError
    │   │   └── MidStreamFallbackError
    │   ├── APIError           any status  APIError
    │   ├── APIConnectionError        500  APIConnectionError
    │   ├── APIResponseValidationError     APIResponseValidationError
    │   │   └── JSONSchemaValidationError
    │   ├── InvalidRequestError       400  BadRequestError
    │   ├── MockException                  APIError
    │   └── OpenAIError                    OpenAIError
    ├── AzureOpenAIError
    ├── BlockedPiiEntityError         400
    ├── BudgetExceededError           422
    ├── GuardrailRaisedException      400
    ├── ModelNotMappedError
    └── ValueError
        └── RouterRateLimitError      429

``except openai.RateLimitError`` catches ours. openai is never imported for that: once other code has, our
classes take openai's among their bases (`join_openai`), at the latest when the next error is made. Until
then ``issubclass(RateLimitError, openai.RateLimitError)`` is False.

`response`, `request`, `request_id` and `litellm_response_headers` are made when they are first read.
"""

from __future__ import annotations

import sys

from ferrolite.types._error import (
    CallError,
    ModelFirstError,
    PlainError,
    ProviderFirstError,
    join_openai,
    revive,
)
from ferrolite.types._error_facts import from_core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "AuthenticationError",
    "AzureOpenAIError",
    "BadGatewayError",
    "BadRequestError",
    "BlockedPiiEntityError",
    "BudgetExceededError",
    "CallError",
    "CallerCredentialAuthenticationError",
    "CallerCredentialRateLimitError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "EndpointNotSupportedByModelError",
    "GuardrailRaisedException",
    "ImageFetchError",
    "InternalServerError",
    "InvalidRequestError",
    "JSONSchemaValidationError",
    "LiteLLMUnknownProvider",
    "MalformedRequestFieldError",
    "MidStreamFallbackError",
    "MockException",
    "ModelNotMappedError",
    "NotFoundError",
    "OpenAIError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitError",
    "RejectedRequestError",
    "RouterRateLimitError",
    "ServiceUnavailableError",
    "Timeout",
    "UnprocessableEntityError",
    "UnsupportedEndpointError",
    "UnsupportedParamsError",
    "VectorStoreSearchError",
    "from_core",
    "join_openai",
]


class BadRequestError(ModelFirstError):
    """400: the provider refuses the request as it is."""

    _openai = "BadRequestError"
    _prefix = "ferrolite.BadRequestError: "
    _status = 400
    _follows_response = _always_responds = True


class ContextWindowExceededError(BadRequestError):
    """400: the input is longer than the model takes."""

    _prefix = "ferrolite.ContextWindowExceededError: ferrolite.BadRequestError: "

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        body: Any = None,
    ) -> None:
        self._set(message, model, llm_provider, response, litellm_debug_info, body=body)


class ContentPolicyViolationError(BadRequestError):
    """400: the provider's content policy forbids the request."""

    _prefix = "ferrolite.BadRequestError: ferrolite.ContentPolicyViolationError: "
    provider_specific_fields: dict[str, Any] | None = None

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        provider_specific_fields: dict[str, Any] | None = None,
        body: Any = None,
    ) -> None:
        self._set(message, model, llm_provider, response, litellm_debug_info, body=body)
        self.provider_specific_fields = provider_specific_fields


class UnsupportedParamsError(BadRequestError):
    """400: the model does not know a parameter. Raised before anything is sent."""

    _prefix = "ferrolite.UnsupportedParamsError: "
    _follows_response = _always_responds = False

    def __init__(
        self,
        message: str,
        llm_provider: str | None = None,
        model: str | None = None,
        status_code: int = 400,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries)
        self.status_code = status_code


class ImageFetchError(BadRequestError):
    """400: an image of the request could not be fetched."""

    def __init__(
        self,
        message: str,
        model: str | None = None,
        llm_provider: str | None = None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Any = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries, body)


class MalformedRequestFieldError(BadRequestError):
    """400: a field of the request has the wrong form."""


class UnsupportedEndpointError(BadRequestError):
    """400: the provider has no such endpoint."""


class EndpointNotSupportedByModelError(BadRequestError):
    """400: the provider has the endpoint, but not for this model."""

    _prefix = ""
    _code = "400"
    _type = "invalid_request_error"

    def __init__(self, message: str, model: str, llm_provider: str = "") -> None:
        self._set(message, model, llm_provider)
        self.param = "model"


class LiteLLMUnknownProvider(BadRequestError):
    """400: there is no provider of that name."""

    def __init__(self, model: str, custom_llm_provider: str | None = None) -> None:
        message = (
            f"Unmapped LLM provider for this endpoint. You passed model={model}, "
            f"custom_llm_provider={custom_llm_provider}."
        )
        self._set(message, model, custom_llm_provider)


class RejectedRequestError(BadRequestError):
    """400: a hook rejected the request; `request_data` is what it looked at."""

    _prefix = "ferrolite.BadRequestError: ferrolite.RejectedRequestError: "

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        request_data: dict[str, Any],
        litellm_debug_info: str | None = None,
    ) -> None:
        self._set(message, model, llm_provider, debug_info=litellm_debug_info)
        self.request_data = request_data


class PaymentRequiredError(BadRequestError):
    """402: the account has to be paid for first."""

    _prefix = "ferrolite.PaymentRequiredError: "
    _status = 402
    _follows_response = False

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
    ) -> None:
        self._set(message, model, llm_provider, response, litellm_debug_info)


class VectorStoreSearchError(BadRequestError):
    """400: searches in vector stores failed; `failures` are dicts with `vector_store_id` and `error`."""

    _code = "vector_store_search_failed"

    def __init__(self, failures: Any, model: str | None = None, llm_provider: str | None = None) -> None:
        told = "; ".join(f"{failure.get('vector_store_id')}: {failure.get('error')}" for failure in failures)
        self._set(f"Vector store search failed: {told}", model, llm_provider)
        self.failures = failures


class AuthenticationError(ProviderFirstError):
    """401: the key is missing or wrong."""

    _openai = "AuthenticationError"
    _prefix = "ferrolite.AuthenticationError: "
    _status = 401
    _follows_response = _always_responds = True


class CallerCredentialAuthenticationError(AuthenticationError):
    """401: the key is the caller's own, not the operator's."""


class PermissionDeniedError(ProviderFirstError):
    """403: the key may not do this."""

    _openai = "PermissionDeniedError"
    _prefix = "ferrolite.PermissionDeniedError: "
    _status = 403
    _follows_response = _always_responds = True

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: Any,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries)


class NotFoundError(ModelFirstError):
    """404: there is no such model or address."""

    _openai = "NotFoundError"
    _prefix = "ferrolite.NotFoundError: "
    _status = 404
    _follows_response = _always_responds = True


class Timeout(CallError):
    """408, or 504: no answer in time. Only one that the provider reported has a `response`."""

    _openai = "APITimeoutError"
    _prefix = "ferrolite.Timeout: "
    _status = 408
    headers: dict[str, str] | None = None

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        headers: dict[str, str] | None = None,
        exception_status_code: int | None = None,
        response: Any = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries)
        self.status_code = exception_status_code or self._status
        self.headers = headers


class UnprocessableEntityError(ModelFirstError):
    """422: the request is well formed and makes no sense."""

    _openai = "UnprocessableEntityError"
    _prefix = "ferrolite.UnprocessableEntityError: "
    _status = 422
    _follows_response = _always_responds = True

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        response: Any,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries)


class RateLimitError(CallError):
    """429: too many requests or tokens.

    `category` says whose limit it is, `rate_limit_type` what is counted. `headers` are those passed in; the
    provider's are on the `response`.
    """

    _openai = "RateLimitError"
    _prefix = "ferrolite.RateLimitError: "
    _status = 429
    _always_responds = True
    _code = "429"
    _type = "throttling_error"
    category: str = "vendor_rate_limit"
    rate_limit_type: str | None = None
    headers: dict[str, str] | None = None
    detail: object

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        category: str = "vendor_rate_limit",
        rate_limit_type: str | None = None,
        headers: dict[str, str] | None = None,
        detail: object = None,
        body: Any = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries, body)
        self.category = category
        self.rate_limit_type = rate_limit_type
        self.headers = headers
        if detail is not None:
            self.detail = detail

    def _set(self, message: str, *rest: Any, **named: Any) -> None:
        super()._set(message, *rest, **named)
        self.detail = self.message


class CallerCredentialRateLimitError(RateLimitError):
    """429: the limit of the caller's own key."""


class InternalServerError(ProviderFirstError):
    """500: the provider failed."""

    _openai = "InternalServerError"
    _prefix = "ferrolite.InternalServerError: "
    _status = 500
    _always_responds = True
    _type = "internal_server_error"


class BadGatewayError(ProviderFirstError):
    """502: something before the provider failed."""

    _openai = "APIStatusError"
    _prefix = "ferrolite.BadGatewayError: "
    _status = 502
    _always_responds = True

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries)


class ServiceUnavailableError(ProviderFirstError):
    """503: the provider is overloaded or down."""

    _openai = "APIStatusError"
    _prefix = "ferrolite.ServiceUnavailableError: "
    _status = 503
    _always_responds = True

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries)


class MidStreamFallbackError(ServiceUnavailableError):
    """A stream broke off. `generated_content` is the text that had come by then."""

    _prefix = "ferrolite.MidStreamFallbackError: "
    original_exception: BaseException | None = None
    generated_content: str = ""
    is_pre_first_chunk: bool = False
    emitted_disqualifying_content: bool = False

    def __init__(
        self,
        message: str,
        model: str | None,
        llm_provider: str | None,
        original_exception: BaseException | None = None,
        response: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        generated_content: str = "",
        is_pre_first_chunk: bool = False,
        emitted_disqualifying_content: bool = False,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries)
        self.original_exception = original_exception
        self.status_code = getattr(original_exception, "status_code", None) or self._status
        self.generated_content = generated_content
        self.is_pre_first_chunk = is_pre_first_chunk
        self.emitted_disqualifying_content = emitted_disqualifying_content

    def __str__(self) -> str:
        original = self.original_exception
        cause = "" if original is None else f" Original exception: {type(original).__name__}: {original}"
        return super().__str__() + cause


class APIError(CallError):
    """Any other status. Only one that the provider reported has a `response`."""

    _openai = "APIError"
    _prefix = "ferrolite.APIError: "

    def __init__(
        self,
        status_code: int,
        message: str,
        llm_provider: str | None,
        model: str | None,
        request: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
        body: Any = None,
        response: Any = None,
    ) -> None:
        debug = litellm_debug_info
        self._set(message, model, llm_provider, response, debug, max_retries, num_retries, body)
        self.status_code = status_code
        if request is not None:
            self.request = request


class APIConnectionError(CallError):
    """The provider could not be reached, or its answer not be read."""

    _openai = "APIConnectionError"
    _prefix = "ferrolite.APIConnectionError: "

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        request: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        self._set(message, model, llm_provider, None, litellm_debug_info, max_retries, num_retries)
        if request is not None:
            self.request = request


class APIResponseValidationError(CallError):
    """The provider's answer is not what it should be."""

    _openai = "APIResponseValidationError"
    _always_responds = True

    def __init__(
        self,
        message: str,
        llm_provider: str | None,
        model: str | None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        self._set(message, model, llm_provider, None, litellm_debug_info, max_retries, num_retries)


class JSONSchemaValidationError(APIResponseValidationError):
    """The answer does not fit the schema that was asked for."""

    _prefix = "ferrolite.JSONSchemaValidationError: "

    def __init__(self, model: str, llm_provider: str, raw_response: str, schema: str) -> None:
        message = (
            f"model={model}, returned an invalid response={raw_response}, for schema={schema}.\n"
            "Access raw response with `e.raw_response`"
        )
        self._set(message, model, llm_provider)
        self.raw_response = raw_response
        self.schema = schema


class OpenAIError(CallError):
    """A name from before. Nothing raises it, and it catches no other error of this module."""

    _openai = "OpenAIError"

    def __init__(self, original_exception: BaseException | None = None) -> None:
        self._set("", None, "openai")
        self.args = ()

    __repr__ = Exception.__repr__


class InvalidRequestError(CallError):
    """The old name of `BadRequestError`."""

    _openai = "BadRequestError"
    _status = 400
    _always_responds = True

    def __init__(self, message: str, model: str | None, llm_provider: str | None) -> None:
        self._set(message, model, llm_provider)

    __repr__ = Exception.__repr__


class MockException(CallError):
    """An error asked for by `mock_response`."""

    _openai = "APIError"
    _prefix = "ferrolite.MockException: "

    def __init__(
        self,
        status_code: int,
        message: str,
        llm_provider: str | None,
        model: str | None,
        request: Any = None,
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        self._set(message, model, llm_provider, None, litellm_debug_info, max_retries, num_retries)
        self.status_code = status_code
        if request is not None:
            self.request = request

    __repr__ = Exception.__repr__


class AzureOpenAIError(PlainError):
    """What Azure's adapter raises before the error is mapped."""

    def __init__(
        self,
        status_code: int,
        message: str,
        request: Any = None,
        response: Any = None,
        headers: Any = None,
        body: dict[str, Any] | None = None,
    ) -> None:
        self._say(message)
        self.status_code = status_code
        self.request = request
        self.response = response
        self.headers = headers
        self.body = body


class BlockedPiiEntityError(PlainError):
    """400: a guardrail found personal data."""

    def __init__(self, entity_type: str, guardrail_name: str | None = None, status_code: int = 400) -> None:
        self._say(
            f"Blocked entity detected: {entity_type} by Guardrail: {guardrail_name}. "
            "This entity is not allowed to be used in this request."
        )
        self.entity_type = entity_type
        self.guardrail_name = guardrail_name
        self.status_code = status_code


class BudgetExceededError(PlainError):
    """The budget is spent. Costs are in US dollars."""

    category = "litellm_rate_limit"
    rate_limit_type = "budget"

    def __init__(
        self,
        current_cost: float,
        max_budget: float,
        message: str | None = None,
        llm_provider: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
    ) -> None:
        told = f"Budget has been exceeded! Current cost: {current_cost}, Max budget: {max_budget}"
        self._say(message or told)
        settings = sys.modules.get("ferrolite")
        self.status_code: int = getattr(settings, "budget_exceeded_status_code", None) or 422
        self.current_cost = current_cost
        self.max_budget = max_budget
        self.llm_provider = llm_provider or ""
        self.entity_type = entity_type
        self.entity_id = entity_id


class GuardrailRaisedException(PlainError):
    """400: a guardrail stopped the call."""

    def __init__(
        self,
        guardrail_name: str | None = None,
        message: str = "",
        should_wrap_with_default_message: bool = True,
        status_code: int = 400,
        blocked_content: bool = False,
    ) -> None:
        told = f"Guardrail raised an exception, Guardrail: {guardrail_name}, Message: {message}"
        self._say(told if should_wrap_with_default_message else message)
        self.guardrail_name = guardrail_name
        self.status_code = status_code
        self.blocked_content = blocked_content


class ModelNotMappedError(Exception):
    """Nothing is known about the model: no price, no limits."""


class RouterRateLimitError(ValueError):
    """429: every deployment that could take the call is cooling down. Times are in seconds."""

    status_code = 429

    def __init__(
        self,
        model: str,
        cooldown_time: float,
        enable_pre_call_checks: bool,
        cooldown_list: list[Any],
        model_ids: Any = (),
        cooldown_deployments: Any = None,
    ) -> None:
        every = bool(model_ids) and all(model_id in cooldown_list for model_id in model_ids)
        all_of_them = " All deployments for selected model are in cooldown." if every else ""
        super().__init__(
            f"No deployments available for selected model, Try again in {cooldown_time} seconds.{all_of_them} "
            f"Passed model={model}. pre-call-checks={enable_pre_call_checks}, cooldown_list={cooldown_list}"
        )
        self.model = model
        self.cooldown_time = cooldown_time
        self.enable_pre_call_checks = enable_pre_call_checks
        self.cooldown_list = cooldown_list
        self.cooldown_deployments = cooldown_deployments
        self.all_deployments_in_cooldown = every
        self.type = "all_deployments_in_cooldown" if every else "rate_limit_error"

    def __reduce__(self) -> tuple[Any, ...]:
        return revive, (type(self), self.args), self.__dict__


join_openai()
