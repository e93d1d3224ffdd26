"""The exception tree: who is whose subclass, what each says, and openai's classes among the bases."""

import copy
import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from ferrolite import exceptions, types
from ferrolite.exceptions import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    CallError,
    InternalServerError,
    JSONSchemaValidationError,
    MidStreamFallbackError,
    ModelNotMappedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RouterRateLimitError,
    ServiceUnavailableError,
    Timeout,
    UnsupportedParamsError,
)

TAIL = "response litellm_debug_info max_retries num_retries"
MODEL_FIRST = f"message model llm_provider {TAIL} body"
PROVIDER_FIRST = f"message llm_provider model {TAIL} body"

# class: parent, status, what stands before the message, parameters
TREE = {
    "BadRequestError": ("CallError", 400, "BadRequestError: ", MODEL_FIRST),
    "ContextWindowExceededError": (
        "BadRequestError",
        400,
        "ContextWindowExceededError: BadRequestError: ",
        "message model llm_provider response litellm_debug_info body",
    ),
    "ContentPolicyViolationError": (
        "BadRequestError",
        400,
        "BadRequestError: ContentPolicyViolationError: ",
        "message model llm_provider response litellm_debug_info provider_specific_fields body",
    ),
    "UnsupportedParamsError": (
        "BadRequestError",
        400,
        "UnsupportedParamsError: ",
        f"message llm_provider model status_code {TAIL}",
    ),
    "ImageFetchError": ("BadRequestError", 400, "BadRequestError: ", MODEL_FIRST),
    "MalformedRequestFieldError": ("BadRequestError", 400, "BadRequestError: ", MODEL_FIRST),
    "UnsupportedEndpointError": ("BadRequestError", 400, "BadRequestError: ", MODEL_FIRST),
    "EndpointNotSupportedByModelError": ("BadRequestError", 400, "", "message model llm_provider"),
    "RejectedRequestError": (
        "BadRequestError",
        400,
        "BadRequestError: RejectedRequestError: ",
        "message model llm_provider request_data litellm_debug_info",
    ),
    "PaymentRequiredError": (
        "BadRequestError",
        402,
        "PaymentRequiredError: ",
        "message model llm_provider response litellm_debug_info",
    ),
    "AuthenticationError": ("CallError", 401, "AuthenticationError: ", PROVIDER_FIRST),
    "CallerCredentialAuthenticationError": (
        "AuthenticationError",
        401,
        "AuthenticationError: ",
        PROVIDER_FIRST,
    ),
    "PermissionDeniedError": (
        "CallError",
        403,
        "PermissionDeniedError: ",
        f"message llm_provider model {TAIL}",
    ),
    "NotFoundError": ("CallError", 404, "NotFoundError: ", MODEL_FIRST),
    "Timeout": (
        "CallError",
        408,
        "Timeout: ",
        "message model llm_provider litellm_debug_info max_retries num_retries headers "
        "exception_status_code response",
    ),
    "UnprocessableEntityError": (
        "CallError",
        422,
        "UnprocessableEntityError: ",
        f"message model llm_provider {TAIL}",
    ),
    "RateLimitError": (
        "CallError",
        429,
        "RateLimitError: ",
        f"message llm_provider model {TAIL} category rate_limit_type headers detail body",
    ),
    "CallerCredentialRateLimitError": (
        "RateLimitError",
        429,
        "RateLimitError: ",
        f"message llm_provider model {TAIL} category rate_limit_type headers detail body",
    ),
    "InternalServerError": ("CallError", 500, "InternalServerError: ", PROVIDER_FIRST),
    "BadGatewayError": ("CallError", 502, "BadGatewayError: ", f"message llm_provider model {TAIL}"),
    "ServiceUnavailableError": (
        "CallError",
        503,
        "ServiceUnavailableError: ",
        f"message llm_provider model {TAIL}",
    ),
    "MidStreamFallbackError": (
        "ServiceUnavailableError",
        503,
        "MidStreamFallbackError: ",
        f"message model llm_provider original_exception {TAIL} generated_content is_pre_first_chunk "
        "emitted_disqualifying_content",
    ),
    "APIConnectionError": (
        "CallError",
        500,
        "APIConnectionError: ",
        "message llm_provider model request litellm_debug_info max_retries num_retries",
    ),
    "APIResponseValidationError": (
        "CallError",
        500,
        "",
        "message llm_provider model litellm_debug_info max_retries num_retries",
    ),
    "InvalidRequestError": ("CallError", 400, "", "message model llm_provider"),
}


def make(name, **extra):
    known = {
        "message": "m",
        "model": "gpt",
        "llm_provider": "openai",
        "request_data": {},
        "response": None,
        **extra,
    }
    cls = getattr(exceptions, name)
    return cls(**{k: v for k, v in known.items() if k in parameters_of(cls) or k in extra})


def parameters_of(cls):
    # Of the constructor, not of the class: Python 3.10 looks at what an exception inherits first.
    return list(inspect.signature(cls.__init__).parameters)[1:]


@pytest.mark.parametrize("name", TREE)
def test_the_tree(name):
    parent, status, prefix, parameters = TREE[name]
    cls = getattr(exceptions, name)
    error = make(name)
    ours = [c.__name__ for c in cls.__mro__[1:] if c.__name__ in exceptions.__all__]
    assert ours[0] == parent
    assert parameters_of(cls) == parameters.split()
    assert error.status_code == status
    assert error.message.replace("ferrolite.", "") == str(error).replace("ferrolite.", "") == prefix + "m"
    assert (error.model, error.llm_provider) == ("gpt", "openai")
    assert (cls.__module__, cls.__qualname__) == ("ferrolite.exceptions", name)


@pytest.mark.parametrize("name", TREE)
@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_can_be_copied_and_pickled(name, twin_of):
    error = make(name)
    error.note = "kept"
    twin = twin_of(error)
    assert type(twin) is type(error)
    assert (str(twin), twin.args, twin.status_code, twin.note) == (
        str(error),
        error.args,
        error.status_code,
        "kept",
    )


def test_the_names_are_words_with_their_module():
    assert str(RateLimitError("slow", "openai", "gpt")) == "ferrolite.RateLimitError: slow"
    assert repr(RateLimitError("slow", "openai", "gpt")) == "ferrolite.RateLimitError: slow"


def test_no_error_is_caught_by_the_name_of_another():
    error = RateLimitError("slow", "openai", "gpt")
    assert isinstance(error, CallError)
    for other in (APIError, exceptions.OpenAIError, BadRequestError, APIConnectionError):
        assert not isinstance(error, other)
    assert not issubclass(Timeout, APIConnectionError)


def test_retries_are_told():
    error = BadRequestError("m", "gpt", "openai", max_retries=2)
    assert str(error) == "ferrolite.BadRequestError: m, LiteLLM Max Retries: 2"
    error.num_retries = 1
    assert str(error) == "ferrolite.BadRequestError: m LiteLLM Retried: 1 times, LiteLLM Max Retries: 2"


def test_code_param_and_type_come_from_the_body():
    error = BadRequestError("m", "gpt", "openai", body={"code": 7, "param": "p", "type": "t"})
    assert (error.code, error.param, error.type) == ("7", "p", "t")
    empty = BadRequestError("m", "gpt", "openai")
    assert (empty.code, empty.param, empty.type, empty.body) == (None, None, None, None)


def test_a_rate_limit():
    error = RateLimitError("m", "openai", "gpt", headers={"a": "b"}, body={"code": "x", "type": "y"})
    assert (error.code, error.type, error.category, error.rate_limit_type) == (
        "429",
        "throttling_error",
        "vendor_rate_limit",
        None,
    )
    assert error.headers == {"a": "b"}
    assert error.detail == error.message
    assert RateLimitError("m", "openai", "gpt", detail={"x": 1}).detail == {"x": 1}


def test_an_internal_server_error_has_a_type():
    assert InternalServerError("m", "openai", "gpt").type == "internal_server_error"


def test_a_timeout():
    error = Timeout("m", "gpt", "openai", exception_status_code=504, headers={"a": "b"})
    assert (error.status_code, error.headers) == (504, {"a": "b"})
    assert not hasattr(error, "response")


def test_a_broken_stream():
    cause = RateLimitError("slow", "openai", "gpt")
    error = MidStreamFallbackError("m", "gpt", "openai", original_exception=cause, generated_content="abc")
    assert error.status_code == 429
    assert (error.generated_content, error.is_pre_first_chunk) == ("abc", False)
    assert str(error) == (
        "ferrolite.MidStreamFallbackError: m Original exception: RateLimitError: ferrolite.RateLimitError: slow"
    )
    assert isinstance(error, ServiceUnavailableError)


def test_errors_with_a_message_of_their_own():
    assert str(exceptions.LiteLLMUnknownProvider("gpt", "foo")).startswith(
        "ferrolite.BadRequestError: Unmapped LLM provider for this endpoint. You passed model=gpt, custom_llm_provider=foo"
    )
    schema = JSONSchemaValidationError("gpt", "openai", "raw", "schema")
    assert "model=gpt, returned an invalid response=raw, for schema=schema" in str(schema)
    assert schema.raw_response == "raw"
    budget = BudgetExceededError(1.0, 2.0)
    assert str(budget) == "Budget has been exceeded! Current cost: 1.0, Max budget: 2.0"
    assert budget.status_code == 422
    assert not isinstance(budget, CallError)
    assert str(ModelNotMappedError("m")) == "m"
    mock = exceptions.MockException(500, "m", "openai", "gpt")
    assert repr(mock) == "MockException('ferrolite.MockException: m')"
    assert pickle.loads(pickle.dumps(budget)).max_budget == 2.0


def test_a_router_without_deployments():
    error = RouterRateLimitError("gpt", 5.0, True, ["a"], model_ids=["a"])
    assert isinstance(error, ValueError)
    assert error.status_code == 429
    assert str(error) == (
        "No deployments available for selected model, Try again in 5.0 seconds. All deployments for selected model "
        "are in cooldown. Passed model=gpt. pre-call-checks=True, cooldown_list=['a']"
    )
    assert pickle.loads(pickle.dumps(error)).cooldown_time == 5.0


def test_an_api_error_has_the_status_it_is_given():
    error = APIError(418, "m", "openai", "gpt", request="r")
    assert (error.status_code, error.request) == (418, "r")
    assert not hasattr(error, "response")


def test_a_subclass_may_have_its_own_constructor():
    class Mine(RateLimitError):
        def __init__(self, text):
            self.text = text

    error = Mine("words")
    assert (str(error), error.text, error.code) == ("words", "words", None)


# The reply


def test_a_response_passed_in_is_kept():
    httpx = pytest.importorskip("httpx")
    request = httpx.Request("POST", "http://h/x")
    response = httpx.Response(418, headers={"x-request-id": "q"}, request=request)
    error = NotFoundError("m", "gpt", "openai", response=response)
    assert error.response is response
    assert error.request is request
    assert (error.status_code, error.request_id) == (418, "q")
    assert ServiceUnavailableError("m", "openai", "gpt", response=response).status_code == 503


def test_a_response_is_made_when_it_is_asked_for():
    httpx = pytest.importorskip("httpx")
    error = PermissionDeniedError("m", "openai", "gpt", None)
    assert "response" not in vars(error)
    assert isinstance(error.response, httpx.Response)
    assert error.response.status_code == 403
    assert error.response is error.response
    assert isinstance(error.request, httpx.Request)
    assert error.request_id is None
    assert not hasattr(error, "litellm_response_headers")


def test_an_unsupported_parameter_has_no_response():
    assert not hasattr(UnsupportedParamsError("m"), "response")


def test_without_httpx_a_stand_in_answers(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    error = exceptions.from_core(
        "NotFoundError", {"message": "m", "headers": [("X-A", "1")], "body": {"a": "é"}}
    )
    response = error.response
    assert type(response).__name__ == "PlainResponse"
    assert response.status_code == 404
    assert (response.headers["x-a"], response.headers.get("X-a"), response.headers.get("b", 2)) == (
        "1",
        "1",
        2,
    )
    assert "X-A" in response.headers
    assert response.json() == {"a": "é"}
    assert response.text == '{"a": "é"}'
    assert response.request.method == "POST"


# From the core

BODY = {"error": {"message": "boom", "type": "x", "code": "c", "param": "p"}}


def facts(message, **more):
    return {"message": message, "provider": "openai", "model": "gpt", "status": 400, **more}


@pytest.mark.parametrize(
    ("kind", "provider", "message", "expected"),
    [
        (
            "RateLimitError",
            "openai",
            "OpenAIException - m",
            "RateLimitError: RateLimitError: OpenAIException - m",
        ),
        ("BadRequestError", "openai", "OpenAIException - m", "BadRequestError: OpenAIException - m"),
        (
            "ContextWindowExceededError",
            "openai",
            "OpenAIException - m",
            "ContextWindowExceededError: BadRequestError: ContextWindowExceededError: OpenAIException - m",
        ),
        (
            "ContentPolicyViolationError",
            "groq",
            "GroqException - m",
            "BadRequestError: ContentPolicyViolationError: ContentPolicyViolationError: GroqException - m",
        ),
        ("APIError", "openai", "OpenAIException - m", "APIError: APIError: OpenAIException - m"),
        (
            "AuthenticationError",
            "anthropic",
            "AnthropicException - m",
            "AuthenticationError: AnthropicException - m",
        ),
        ("AuthenticationError", "gemini", "GeminiException - m", "AuthenticationError: GeminiException - m"),
        (
            "RateLimitError",
            "gemini",
            "GeminiException - m",
            "RateLimitError: RateLimitError: GeminiException - m",
        ),
        (
            "RateLimitError",
            "openai",
            "this is a mock rate limit error",
            "RateLimitError: this is a mock rate limit error",
        ),
        (
            "Timeout",
            "openai",
            "APITimeoutError - Request timed out.",
            "Timeout: APITimeoutError - Request timed out.",
        ),
    ],
)
def test_the_words_of_an_error_from_the_core(kind, provider, message, expected):
    error = exceptions.from_core(kind, facts(message, provider=provider))
    assert type(error) is getattr(exceptions, kind)
    assert str(error).replace("ferrolite.", "") == expected
    assert (error.llm_provider, error.model) == (provider, "gpt")


def test_the_facts_become_attributes():
    pytest.importorskip("httpx")
    headers = [("retry-after", "3"), ("x-request-id", "q"), ("content-encoding", "gzip")]
    error = exceptions.from_core(
        "BadRequestError",
        facts(
            "OpenAIException - boom", status=422, body=BODY, headers=headers, debug_info="d", retry_after=3.0
        ),
    )
    assert (error.status_code, error.code, error.param, error.type) == (422, "c", "p", "x")
    assert error.body == BODY["error"]
    assert error.response.status_code == 422
    assert error.response.json() == BODY
    assert error.response.headers["Retry-After"] == "3"
    assert error.litellm_response_headers.get("retry-after") == "3"
    assert (error.request_id, error.litellm_debug_info, error.retry_after) == ("q", "d", 3.0)
    assert error.__cause__ is None


def test_headers_need_not_be_ascii():
    pytest.importorskip("httpx")
    error = exceptions.from_core("BadRequestError", facts("m", headers=[("x-name", "Zoë ä€😀")]))
    assert error.response.headers["x-name"] == "Zoë ä€😀"
    assert error.litellm_response_headers["X-Name"] == "Zoë ä€😀"


def test_some_classes_have_a_status_of_their_own():
    assert exceptions.from_core("InternalServerError", facts("m", status=529)).status_code == 500
    assert exceptions.from_core("APIError", facts("m", status=529)).status_code == 529
    assert exceptions.from_core("Timeout", facts("m", status=504)).status_code == 504


def test_codes_may_come_without_a_body():
    error = exceptions.from_core("BadRequestError", facts("m", code="c", param="p", type="t"))
    assert (error.code, error.param, error.type, error.body) == ("c", "p", "t", None)
    assert exceptions.from_core("RateLimitError", facts("m", code="c")).code == "429"


def test_a_broken_stream_from_the_core_tells_its_cause():
    cause = exceptions.from_core(
        "APIConnectionError", {"message": "OpenAIException - cut", "provider": "openai"}
    )
    error = exceptions.from_core(
        "MidStreamFallbackError", {"provider": "openai", "original": cause, "generated_content": "abc"}
    )
    assert error.message.replace("ferrolite.", "") == (
        "MidStreamFallbackError: APIConnectionError: APIConnectionError: OpenAIException - cut"
    )
    assert (error.status_code, error.generated_content, error.original_exception) == (500, "abc", cause)
    assert str(error).endswith(f" Original exception: APIConnectionError: {cause}")


def test_kinds_that_are_no_call_errors():
    assert str(exceptions.from_core("BudgetExceededError", {"message": "spent"})) == "spent"
    assert str(exceptions.from_core("ModelNotMappedError", {"message": "unknown"})) == "unknown"
    assert type(exceptions.from_core("Nonsense", facts("m"))) is APIError


# openai


OPENAI = {
    "BadRequestError": "BadRequestError",
    "ContextWindowExceededError": "BadRequestError",
    "AuthenticationError": "AuthenticationError",
    "PermissionDeniedError": "PermissionDeniedError",
    "NotFoundError": "NotFoundError",
    "Timeout": "APITimeoutError",
    "UnprocessableEntityError": "UnprocessableEntityError",
    "RateLimitError": "RateLimitError",
    "InternalServerError": "InternalServerError",
    "BadGatewayError": "APIStatusError",
    "ServiceUnavailableError": "APIStatusError",
    "MidStreamFallbackError": "APIStatusError",
    "APIConnectionError": "APIConnectionError",
    "APIResponseValidationError": "APIResponseValidationError",
    "InvalidRequestError": "BadRequestError",
}


@pytest.mark.parametrize("name", OPENAI)
def test_openais_classes_catch_ours(name):
    openai = pytest.importorskip("openai")
    error = make(name)
    assert type(error) is getattr(exceptions, name)
    with pytest.raises(getattr(openai, OPENAI[name])):
        raise error
    assert isinstance(error, openai.OpenAIError)


def test_a_subclass_of_ours_is_caught_too():
    openai = pytest.importorskip("openai")

    class Mine(RateLimitError):
        pass

    assert isinstance(Mine("m", "openai", "gpt"), openai.RateLimitError)


ORDERS = {
    "openai last": """
from ferrolite.exceptions import RateLimitError
class Mine(RateLimitError): pass
before = RateLimitError("m", "openai", "gpt")
import openai
try: raise Mine("m", "openai", "gpt")
except openai.RateLimitError: pass
assert isinstance(before, openai.APIStatusError)
assert issubclass(RateLimitError, openai.RateLimitError)
""",
    "openai first": """
import openai
from ferrolite.exceptions import AuthenticationError, OpenAIError, from_core
assert issubclass(AuthenticationError, openai.AuthenticationError)
try: raise from_core("Timeout", {"message": "m"})
except openai.APITimeoutError as error: assert str(error) == "ferrolite.Timeout: m"
assert not issubclass(AuthenticationError, OpenAIError)
""",
    "no openai": """
import sys
from ferrolite.exceptions import RateLimitError, from_core
str(RateLimitError("m", "openai", "gpt")), repr(from_core("APIError", {"message": "m", "body": {}}))
assert not {"openai", "httpx", "typing", "enum", "json"} & set(sys.modules), sorted(sys.modules)
""",
}


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_imports_works(order):
    arguments = ["-S"] if order == "no openai" else []
    if not arguments:
        pytest.importorskip("openai")
    path = str(Path(types.__file__).parents[2])
    subprocess.run([sys.executable, *arguments, "-c", ORDERS[order]], check=True, env={"PYTHONPATH": path})


def test_openais_constructor_is_not_run():
    pytest.importorskip("openai")
    error = AuthenticationError("m", "openai", "gpt")
    assert error.args == ("ferrolite.AuthenticationError: m",)
    assert "response" not in vars(error)
