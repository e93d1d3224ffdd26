"""What a caller gets wrong is said at once, by name, and nothing is sent."""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Iterator
from typing import Any

import pytest
from _upstream import HELLO, Upstream, arguments

import ferrolite


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server that must not hear of the call."""
    with Upstream() as server:
        yield server
        assert server.connections == 0, "nothing is sent"


def refused(upstream: Upstream, kind: type[Exception] = ferrolite.BadRequestError, **more: Any) -> Any:
    """The error of a call, the same from `completion` and `acompletion`, for whole answers and streams."""
    errors: list[Any] = []
    for stream in (None, True):
        keywords = {**arguments(upstream), "stream": stream, **more}
        with pytest.raises(kind) as caught:
            ferrolite.completion(**keywords)
        errors.append(caught.value)
        with pytest.raises(kind) as caught:
            asyncio.run(ferrolite.acompletion(**keywords))
        errors.append(caught.value)
    assert len({(type(error), str(error)) for error in errors}) == 1
    assert type(errors[0]).__module__ == "ferrolite.exceptions"
    return errors[0]


def recursive(make: type) -> Any:
    if make is dict:
        loop: Any = {}
        loop["self"] = loop
    else:
        loop = []
        loop.append(loop)
    return loop


# Who is asked


@pytest.mark.parametrize("model", ["nonsense/gpt-9", "unheard-of", "nonsense/", "/", "a/b/c"])
def test_an_unknown_provider(upstream: Upstream, model: str) -> None:
    error = refused(upstream, model=model)
    assert "LLM Provider NOT provided" in str(error)
    assert model in str(error)
    assert error.status_code == 400


def test_an_unknown_provider_by_name(upstream: Upstream) -> None:
    error = refused(upstream, custom_llm_provider="nonsense")
    assert "nonsense" in str(error)


@pytest.mark.parametrize("model", [None, ""])
def test_a_model_that_is_empty(upstream: Upstream, model: Any) -> None:
    assert "`model` is empty" in str(refused(upstream, model=model))


@pytest.mark.parametrize("model", [3, b"openai/m", ["openai/m"], {}, object(), 3.5, True])
def test_a_model_that_is_no_text(upstream: Upstream, model: Any) -> None:
    error = refused(upstream, model=model)
    assert "'model'" in str(error)


def test_a_missing_model_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="model"):
        ferrolite.completion(messages=HELLO)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("model", "variable"),
    [("openai/m", "OPENAI_API_KEY"), ("anthropic/m", "ANTHROPIC_API_KEY"), ("gemini/m", "GEMINI_API_KEY")],
)
def test_a_missing_key_names_the_variable(
    upstream: Upstream, model: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    for name in list(os.environ):
        if name.endswith(("API_KEY", "AUTH_TOKEN", "ADMIN_KEY")):
            monkeypatch.delenv(name)
    error = refused(upstream, ferrolite.AuthenticationError, model=model, api_key=None)
    assert variable in str(error)
    assert error.llm_provider == model.split("/")[0]


def test_a_key_from_the_environment_is_read_at_call_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with Upstream() as upstream:
        for key in ("sk-first", "sk-second"):
            monkeypatch.setenv("OPENAI_API_KEY", key)
            ferrolite.completion(**{**arguments(upstream), "api_key": None})
            assert upstream.requests[-1].headers["authorization"] == f"Bearer {key}"


@pytest.mark.parametrize("key", ["sk-canary\nx", "sk-canary\r\nx-evil: 1", "sk-canary\0", "\n"])
def test_a_key_with_a_line_break(upstream: Upstream, key: str) -> None:
    error = refused(upstream, ferrolite.AuthenticationError, api_key=key)
    assert "line break" in str(error)
    assert "canary" not in repr(error)


@pytest.mark.parametrize("key", [3, b"sk-canary", ["sk"], object(), True])
def test_a_key_that_is_no_text(upstream: Upstream, key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's key is no answer to that."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    error = refused(upstream, api_key=key)
    assert "'api_key'" in str(error)
    assert "canary" not in repr(error)


@pytest.mark.parametrize(
    "base",
    [
        "nonsense",
        "ftp://host/v1",
        "http://",
        "https//x",
        "://",
        "http:",
        "file:///etc/passwd",
        " ",
        "http://[::",
    ],
)
@pytest.mark.parametrize("name", ["api_base", "base_url"])
def test_an_address_that_is_none(upstream: Upstream, base: str, name: str) -> None:
    error = refused(upstream, **{"api_base": None, name: base})
    assert "is not an address" in str(error)
    assert "api_base" in str(error)


@pytest.mark.parametrize("base", [3, b"http://x", object(), ["http://x"]])
def test_an_address_that_is_no_text(upstream: Upstream, base: Any) -> None:
    assert "'api_base'" in str(refused(upstream, api_base=base))


def test_an_address_with_credentials_is_told_without_them(upstream: Upstream) -> None:
    error = refused(upstream, api_base="ftp://user:canary@host/v1?key=canary")
    assert "canary" not in repr(error)


# What is asked


@pytest.mark.parametrize("messages", [[], (), None])
def test_no_messages(upstream: Upstream, messages: Any) -> None:
    error = refused(upstream, messages=messages)
    assert "'messages'" in str(error)
    assert error.param == "messages"


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        ("hello", "messages"),
        ({"role": "user", "content": "x"}, "messages"),
        (3, "messages"),
        (["hello"], "messages[0]"),
        ([None], "messages[0]"),
        ([[]], "messages[0]"),
        ([{}], "messages[0].role"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": None, "content": "x"}], "messages[0].role"),
        ([{"role": 3, "content": "x"}], "messages[0].role"),
        ([*HELLO, {"role": "user", "content": 3}], "messages[1].content"),
        ([*HELLO, {"role": "user", "content": {"type": "text"}}], "messages[1].content"),
        ([*HELLO, {"role": "user", "content": [3]}], "messages[1].content[0]"),
        ([*HELLO, {"role": "user", "content": [{"type": "text"}]}], "messages[1].content[0]"),
        ([*HELLO, {"role": "user", "content": [{"type": "text", "text": 3}]}], "messages[1].content[0]"),
        ([*HELLO, {"role": "user", "content": [{"type": "image_url"}]}], "messages[1].content[0]"),
        ([{"role": "assistant", "tool_calls": 3}], "messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": [3]}], "messages[0].tool_calls[0]"),
        (
            [{"role": "assistant", "tool_calls": [{"id": "a", "function": 3}]}],
            "messages[0].tool_calls[0].function",
        ),
        ([{"role": "assistant", "content": "x", "function_call": 3}], "messages[0].function_call"),
    ],
)
def test_malformed_messages(upstream: Upstream, messages: Any, path: str) -> None:
    error = refused(upstream, messages=messages)
    assert f"'{path}" in str(error)
    assert error.status_code == 400
    assert error.llm_provider == "openai"


class Weird:
    def __getattr__(self, name: str) -> Any:
        return Weird()

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


class Angry:
    def model_dump(self, **_: Any) -> Any:
        raise RuntimeError("no dump today")


class Changing:
    """A model whose dump changes the dict it stands in."""

    def __init__(self, home: dict[str, Any]) -> None:
        self.home = home

    def model_dump(self, **_: Any) -> Any:
        self.home[f"new{len(self.home)}"] = 1
        return {"role": "user"}


def changing() -> Any:
    home: dict[str, Any] = {"role": "user", "content": "x"}
    home["zzz"] = Changing(home)
    home["after"] = 1
    return home


def deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


UNSENDABLE: list[Any] = [
    object(),
    b"bytes",
    bytearray(b"x"),
    {1, 2},
    math.nan,
    math.inf,
    -math.inf,
    10**30,
    -(10**30),
    1 << 64,
    1j,
    "\ud800",
    "ok \udfff",
    recursive(list),
    recursive(dict),
    deep(500),
    deep(20_000),
    lambda: 3,
    object,
    Weird(),
    Angry(),
    iter([1]),
    (number for number in range(3)),
    memoryview(b"x"),
    Exception("x"),
]


@pytest.mark.parametrize("value", UNSENDABLE, ids=lambda value: type(value).__name__)
def test_values_that_cannot_be_sent_name_their_path(upstream: Upstream, value: Any) -> None:
    places: list[tuple[dict[str, Any], str]] = [
        ({"messages": [{"role": "user", "content": value}]}, "messages[0].content"),
        (
            {"messages": [*HELLO, {"role": "user", "content": [{"type": "text", "text": value}]}]},
            "messages[1].content[0].text",
        ),
        ({"temperature": value}, "temperature"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"x": value}}}]},
            "tools[0].function.parameters.x",
        ),
        ({"own_parameter": {"a": [value]}}, "own_parameter.a[0]"),
        ({"extra_body": {"a": value}}, "extra_body.a"),
    ]
    for more, path in places:
        error = refused(upstream, **more)
        assert f"'{path}" in str(error), error
        assert len(str(error)) < 600


@pytest.mark.parametrize("key", [object(), b"x", ("a",), None, "\ud800"])
def test_keys_that_cannot_be_sent(upstream: Upstream, key: Any) -> None:
    assert "'own" in str(refused(upstream, own={key: 1}))


def test_a_dict_that_changes_while_it_is_read(upstream: Upstream) -> None:
    error = refused(upstream, messages=[changing()])
    assert "changes while it is read" in str(error)


def test_keywords_within_keywords(upstream: Upstream) -> None:
    assert "'kwargs" in str(refused(upstream, kwargs=recursive(dict)))


def test_what_can_be_sent_is() -> None:
    """Numbers up to 64 bits, tuples, enums, subclasses of the plain types, mappings, models, any text."""
    import collections
    import enum
    import types

    class Color(enum.Enum):
        RED = "red"

    class Text(str):
        __slots__ = ()

    class Model:
        def model_dump(self, **_: Any) -> Any:
            return {"a": 1}

    value = {
        "ints": [2**63 - 1, -(2**63), 2**64 - 1, True],
        "tuple": (1, 2.5, None),
        "enum": Color.RED,
        "text": Text("ä€😀\0\n\u2028"),
        "ordered": collections.OrderedDict(b=1, a=2),
        "proxy": types.MappingProxyType({"x": 1}),
        "model": Model(),
        "deep": deep(100),
        3: "number",
    }
    with Upstream() as upstream:
        ferrolite.completion(**arguments(upstream, own=value))
        sent = upstream.requests[0].json()["own"]
    assert sent == {
        "ints": [2**63 - 1, -(2**63), 2**64 - 1, True],
        "tuple": [1, 2.5, None],
        "enum": "red",
        "text": "ä€😀\0\n\u2028",
        "ordered": {"b": 1, "a": 2},
        "proxy": {"x": 1},
        "model": {"a": 1},
        "deep": deep(100),
        "3": "number",
    }
    assert list(sent["ordered"]) == ["b", "a"]


# Parameters


REFUSED_BY_ANTHROPIC = {"logit_bias": {"5": 1}, "frequency_penalty": 0.5}


def test_gen_01_a_parameter_the_model_does_not_take(upstream: Upstream) -> None:
    more = {"model": "anthropic/claude-sonnet-4-5", **REFUSED_BY_ANTHROPIC}
    error = refused(upstream, ferrolite.UnsupportedParamsError, **more)
    assert "logit_bias" in str(error)
    assert "frequency_penalty" in str(error)
    assert "drop_params" in str(error)
    assert error.status_code == 400


@pytest.mark.parametrize(
    "drop",
    [{"drop_params": True}, {"drop_params": "true"}, {"additional_drop_params": list(REFUSED_BY_ANTHROPIC)}],
)
def test_gen_01_parameters_are_dropped_when_the_caller_says_so(drop: dict[str, Any]) -> None:
    with Upstream() as upstream:
        with pytest.raises(ferrolite.InternalServerError):  # the answer is not Anthropic's
            ferrolite.completion(
                **arguments(upstream, model="anthropic/claude-sonnet-4-5", **REFUSED_BY_ANTHROPIC, **drop)
            )
        assert not set(REFUSED_BY_ANTHROPIC) & set(upstream.requests[0].json())


def test_gen_01_parameters_are_sent_when_the_caller_says_so() -> None:
    with Upstream() as upstream:
        with pytest.raises(ferrolite.InternalServerError):
            ferrolite.completion(
                **arguments(
                    upstream,
                    model="anthropic/claude-sonnet-4-5",
                    **REFUSED_BY_ANTHROPIC,
                    allowed_openai_params=list(REFUSED_BY_ANTHROPIC),
                )
            )
        sent = upstream.requests[0].json()
        assert {name: sent[name] for name in REFUSED_BY_ANTHROPIC} == REFUSED_BY_ANTHROPIC


@pytest.mark.parametrize("name", ["timeout", "stream_timeout", "request_timeout"])
@pytest.mark.parametrize(
    "value",
    [-1, -0.5, math.nan, -math.inf, "soon", "", "nan", [], {"read": -1}, {"read": "x"}, True, object(), b"3"],
)
def test_a_time_limit_that_is_none(upstream: Upstream, name: str, value: Any) -> None:
    more: dict[str, Any] = {"timeout": None, name: value}
    if name == "stream_timeout":
        with pytest.raises(ferrolite.BadRequestError) as caught:
            ferrolite.completion(**{**arguments(upstream), "stream": True, **more})
        error: Any = caught.value
    else:
        error = refused(upstream, **more)
    assert f"'{name}" in str(error)


@pytest.mark.parametrize("name", ["num_retries", "max_retries"])
@pytest.mark.parametrize("value", [-1, 1.5, "3", True, [], object(), 10**12])
def test_a_count_that_is_none(upstream: Upstream, name: str, value: Any) -> None:
    for model in ("openai/m", "gemini/m"):
        error = refused(upstream, model=model, **{"max_retries": None, name: value})
        assert f"'{name}'" in str(error)


@pytest.mark.parametrize(
    "more",
    [
        {"stream": "yes"},
        {"stream": 1},
        {"drop_params": []},
        {"extra_body": "x"},
        {"extra_body": [1]},
        {"extra_headers": "x"},
        {"extra_headers": [("a", "b")]},
        {"extra_headers": {"a": object()}},
        {"extra_headers": {"a": b"x"}},
        {"extra_headers": {"a": ["x"]}},
        {"headers": {"a": {"b": "c"}}},
        {"extra_query": 3},
        {"allowed_openai_params": "logit_bias"},
        {"allowed_openai_params": [3]},
        {"additional_drop_params": {"a": 1}},
        {"custom_llm_provider": 3},
        {"organization": 3},
        {"mock_tool_calls": object()},
    ],
    ids=str,
)
def test_wrong_types_of_what_steers_the_call(upstream: Upstream, more: dict[str, Any]) -> None:
    error = refused(upstream, **more)
    assert f"'{next(iter(more))}" in str(error)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-a": "one\r\nx-evil: 1"},
        {"x-a": "one\ntwo"},
        {"x-a\r\nx-evil": "1"},
        {"": "x"},
        {"x a": "1"},
        {"x-a": "\0"},
    ],
)
@pytest.mark.parametrize("name", ["headers", "extra_headers"])
def test_headers_with_line_breaks(upstream: Upstream, headers: dict[str, str], name: str) -> None:
    error = refused(upstream, **{name: headers})
    assert "cannot be sent" in str(error)


def test_headers_of_the_module_with_line_breaks(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ferrolite, "headers", {"x-a": "one\r\nx-evil: 1"})
    assert "'x-a' cannot be sent" in str(refused(upstream))


def test_what_is_accepted_without_being_read_may_be_anything() -> None:
    odd = {
        "metadata": {"a": object()},
        "client": object(),
        "logger_fn": print,
        "cache": {"x": b"y"},
        "shared_session": object(),
    }
    with Upstream() as upstream:
        ferrolite.completion(**arguments(upstream, **odd))
        assert set(upstream.requests[0].json()) == {"model", "messages"}


def test_what_of_the_metadata_can_be_read_is() -> None:
    with Upstream() as upstream:
        metadata = {"user_id": "u", "span": object(), 3: 4}
        keywords = arguments(upstream, model="anthropic/claude-sonnet-4-5", metadata=metadata)
        with pytest.raises(ferrolite.InternalServerError):  # the answer is not Anthropic's
            ferrolite.completion(**keywords)
        assert upstream.requests[0].json()["metadata"] == {"user_id": "u"}


def test_a_class_that_has_no_schema(upstream: Upstream) -> None:
    pytest.importorskip("pydantic")

    class Plain:
        field: int

    with pytest.raises(ferrolite.BadRequestError, match="Plain"):
        ferrolite.completion(**arguments(upstream, response_format=Plain))


# GEN-10: what the caller passes stays as it is


@pytest.mark.parametrize(
    "model", ["openai/m", "openai/o3-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_gen_10_nothing_of_the_callers_is_changed(model: str, stream: bool) -> None:
    given: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "3"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}},
        },
        "extra_body": {"own": {"a": [1]}},
        "extra_headers": {"x-a": "1"},
        "metadata": {"user": "u"},
        "stop": ["a"],
        "additional_drop_params": ["tools[*].function.strict"],
        "drop_params": True,
        "modify_params": True,
    }
    before = copy.deepcopy(given)
    with Upstream() as upstream:
        try:
            answer: Any = ferrolite.completion(**arguments(upstream, model=model, stream=stream, **given))
            list(answer)
        except (ferrolite.InternalServerError, ferrolite.APIConnectionError):
            pass  # the answer is OpenAI's
        assert upstream.requests
    assert given == before
    assert ferrolite.completion.__defaults__ is not None
    assert ferrolite.completion.__defaults__[0] == []
