"""Providers written in Python: what their handlers get, and what callers get of it."""

import asyncio
import gc
import pickle

import pytest

import ferrolite
from ferrolite import CustomLLM
from ferrolite.llms.custom_llm import CustomLLMError
from ferrolite.types.utils import Delta, ModelResponseStream, StreamingChoices

MESSAGES = [{"role": "user", "content": "Hi"}]
TOOL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "index": 0}


def piece(text="", finish=None, tool=None, usage=None, **more):
    return {
        "text": text,
        "is_finished": finish is not None,
        "finish_reason": finish,
        "tool_use": tool,
        "usage": usage,
        "index": 0,
        **more,
    }


class Handler(CustomLLM):
    """Notes what it gets, and answers or raises what it is told to."""

    def __init__(self, pieces=(), error=None):
        self.pieces = pieces
        self.error = error
        self.got = None
        self.closed = False

    def _answer(self, got):
        self.got = got
        if self.error is not None:
            raise self.error
        return got["model_response"]

    def completion(self, **got):
        answer = self._answer(got)
        answer.choices[0].message.content = "sync"
        return answer

    async def acompletion(self, **got):
        answer = self._answer(got)
        answer.choices[0].message.content = "async"
        return answer

    def streaming(self, **got):
        self.got = got
        try:
            yield from self.pieces
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True

    async def astreaming(self, **got):
        self.got = got
        try:
            for one in self.pieces:
                yield one
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True

    def embedding(self, **got):
        answer = self._answer(got)
        answer.data = [{"object": "embedding", "index": 0, "embedding": [1.0]}]
        return answer

    async def aembedding(self, **got):
        return self.embedding(**got)

    def image_generation(self, **got):
        answer = self._answer(got)
        answer.data = [ferrolite.ImageObject(url="https://example.com/x.png")]
        return answer

    async def aimage_generation(self, **got):
        return self.image_generation(**got)

    def image_edit(self, **got):
        return self.image_generation(**got)

    async def aimage_edit(self, **got):
        return self.image_generation(**got)


@pytest.fixture
def use(monkeypatch):
    """Makes a handler that answers for `my-llm`."""

    def use(handler=None, provider="my-llm", **made):
        handler = handler or Handler(**made)
        entry = {"provider": provider, "custom_handler": handler}
        monkeypatch.setattr(ferrolite, "custom_provider_map", [entry])
        return handler

    return use


async def collected(call):
    return [chunk async for chunk in await call]


def awaited(model, stream=None):
    call = ferrolite.acompletion(model, MESSAGES, stream=stream)
    return asyncio.run(collected(call) if stream else call)


def streams(**keywords):
    """The chunks of both kinds of stream, which have to be alike."""
    chunks = list(ferrolite.completion("my-llm/x", MESSAGES, stream=True, **keywords))
    others = asyncio.run(collected(ferrolite.acompletion("my-llm/x", MESSAGES, stream=True, **keywords)))
    assert [chunk.choices for chunk in chunks] == [chunk.choices for chunk in others]
    return chunks


# What handlers get


def test_a_completion_gets_the_reference_s_keywords(use):
    handler = use()
    answer = ferrolite.completion(
        "my-llm/x/y",
        [*MESSAGES, ferrolite.Message(content="Hello")],
        temperature=0.3,
        tools=[{"type": "function", "function": {"name": "f"}}],
        foo=1,
        extra_body={"z": 1},
        api_key="key",
        api_base="http://base",
        headers={"c": "d"},
        extra_headers={"a": "b"},
        timeout=3,
        metadata={"m": 1},
        client="client",
        stop=None,
    )
    got = handler.got
    assert set(got) == {
        "model",
        "messages",
        "api_base",
        "custom_prompt_dict",
        "model_response",
        "print_verbose",
        "encoding",
        "api_key",
        "logging_obj",
        "optional_params",
        "acompletion",
        "litellm_params",
        "logger_fn",
        "headers",
        "timeout",
        "client",
    }
    assert got["model"] == "x/y"
    assert got["messages"] == [*MESSAGES, {"role": "assistant", "content": "Hello"}]
    assert got["optional_params"] == {
        "temperature": 0.3,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "foo": 1,
        "extra_body": {"z": 1},
    }
    assert (got["api_key"], got["api_base"], got["client"]) == ("key", "http://base", "client")
    assert (got["timeout"], got["acompletion"]) == (3.0, False)
    assert got["headers"] == {"c": "d", "a": "b"}
    assert got["litellm_params"]["metadata"] == {"m": 1}
    assert got["litellm_params"]["custom_llm_provider"] == "my-llm"
    got["logging_obj"].pre_call(input="", api_key="")
    got["print_verbose"]("text")
    assert answer is got["model_response"]
    assert answer.choices[0].message.content == "sync"
    assert answer.usage.total_tokens == 0
    assert answer._hidden_params["custom_llm_provider"] == "my-llm"
    assert answer._hidden_params["litellm_model_name"] == "my-llm/x/y"
    assert answer._hidden_params["api_base"] == "http://base"


def test_an_async_completion_uses_the_async_method(use):
    handler = use()
    answer = asyncio.run(ferrolite.acompletion("my-llm/x", MESSAGES))
    assert answer.choices[0].message.content == "async"
    assert handler.got["acompletion"] is True
    assert handler.got["timeout"] == 600.0


def test_settings_reach_the_handler(use, monkeypatch):
    handler = use()
    monkeypatch.setattr(ferrolite, "headers", {"g": "h"})
    monkeypatch.setattr(ferrolite, "request_timeout", 33)
    monkeypatch.setattr(ferrolite, "model_alias_map", {"mine": "my-llm/x"})
    ferrolite.completion("mine", MESSAGES)
    assert (handler.got["headers"], handler.got["timeout"]) == ({"g": "h"}, 33.0)
    ferrolite.completion("x", MESSAGES, custom_llm_provider="my-llm", headers={"a": "b"}, request_timeout=7)
    assert (handler.got["model"], handler.got["headers"], handler.got["timeout"]) == ("x", {"a": "b"}, 7.0)


def test_a_class_as_response_format_is_its_schema(use):
    class Answer:
        @staticmethod
        def model_json_schema():
            return {"type": "object", "properties": {"a": {"type": "integer"}}}

    handler = use()
    ferrolite.completion("my-llm/x", MESSAGES, response_format=Answer)
    sent = handler.got["optional_params"]["response_format"]
    assert set(sent) == {"type", "json_schema"}
    assert sent["json_schema"]["schema"]["additionalProperties"] is False


def test_parameters_that_few_servers_know_are_refused_dropped_or_allowed(use):
    handler = use()
    with pytest.raises(ferrolite.UnsupportedParamsError, match="reasoning_effort") as raised:
        ferrolite.completion("my-llm/x", MESSAGES, reasoning_effort="low")
    assert (raised.value.llm_provider, raised.value.model) == ("my-llm", "x")
    ferrolite.completion("my-llm/x", MESSAGES, reasoning_effort="low", drop_params=True, user="me")
    assert handler.got["optional_params"] == {}
    ferrolite.completion(
        "my-llm/x", MESSAGES, reasoning_effort="low", allowed_openai_params=["reasoning_effort"]
    )
    assert handler.got["optional_params"] == {"reasoning_effort": "low"}
    params = ferrolite.get_supported_openai_params("my-llm/x")
    assert "temperature" in params
    assert "reasoning_effort" not in params


@pytest.mark.parametrize("sync", [True, False])
def test_embeddings(use, sync):
    handler = use()
    if sync:
        answer = ferrolite.embedding("my-llm/e", input="text", foo=1)
    else:
        answer = asyncio.run(ferrolite.aembedding("my-llm/e", input="text", foo=1))
    assert set(handler.got) == {
        "model",
        "input",
        "model_response",
        "print_verbose",
        "logging_obj",
        "optional_params",
        "api_key",
        "api_base",
        "timeout",
        "litellm_params",
    }
    assert (handler.got["model"], handler.got["input"], handler.got["timeout"]) == ("e", ["text"], 600)
    assert handler.got["optional_params"] == {"foo": 1}
    assert answer.data[0]["embedding"] == [1.0]
    assert answer._hidden_params["litellm_model_name"] == "my-llm/e"
    with pytest.raises(ferrolite.UnsupportedParamsError, match="dimensions"):
        ferrolite.embedding("my-llm/e", input=["text"], dimensions=3)


@pytest.mark.parametrize("sync", [True, False])
def test_images(use, sync):
    handler = use()
    if sync:
        answer = ferrolite.image_generation("a cat", "my-llm/i", n=2, foo=1)
    else:
        answer = asyncio.run(ferrolite.aimage_generation("a cat", "my-llm/i", n=2, foo=1))
    assert set(handler.got) == {
        "model",
        "prompt",
        "api_key",
        "api_base",
        "model_response",
        "optional_params",
        "logging_obj",
        "timeout",
        "client",
    }
    assert handler.got["prompt"] == "a cat"
    assert handler.got["optional_params"] == {"n": 2, "foo": 1}
    assert answer.data[0].url == "https://example.com/x.png"


@pytest.mark.parametrize("sync", [True, False])
def test_image_edits_get_the_image_as_it_was_given(use, sync):
    handler = use()
    edit = {"image": b"bytes", "prompt": "a hat", "model": "my-llm/i", "mask": b"mask"}
    if sync:
        ferrolite.image_edit(**edit)
    else:
        asyncio.run(ferrolite.aimage_edit(**edit))
    assert handler.got["image"] == [b"bytes"]
    assert handler.got["optional_params"] == {"mask": b"mask"}


# Streams


def test_a_stream_has_one_id_one_role_one_finish_and_its_usage(use):
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    use(pieces=[piece("Hel"), piece(), piece("lo", finish="length", usage=usage)])
    chunks = streams(stream_options={"include_usage": True})
    assert all(isinstance(chunk, ModelResponseStream) for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {"x"}
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert [delta.content for delta in deltas] == ["Hel", "lo", None]
    assert [delta.role for delta in deltas] == ["assistant", None, None]
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert reasons == [None, None, "length"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 3
    assert all("usage" not in chunk for chunk in chunks[:-1])


def test_usage_is_only_told_when_it_was_asked_for(use):
    use(pieces=[piece("a"), piece(finish="stop", usage={"prompt_tokens": 1})])
    assert [chunk.choices[0].finish_reason for chunk in streams()] == [None, "stop"]


def test_tools_in_a_stream(use):
    more = {"id": None, "type": "function", "function": {"name": None, "arguments": "{}"}, "index": 0}
    use(pieces=[piece(tool=TOOL), piece(tool=more), piece(finish="stop")])
    first, second, last = streams()
    call = first.choices[0].delta.tool_calls[0]
    assert (call.id, call.function.name, call.index) == ("call_1", "f", 0)
    assert second.choices[0].delta.tool_calls[0].function.arguments == "{}"
    assert last.choices[0].finish_reason == "tool_calls"
    whole = ferrolite.stream_chunk_builder([first, second, last])
    assert whole.choices[0].message.tool_calls[0].function.name == "f"


@pytest.mark.parametrize(
    ("pieces", "contents", "finish"),
    [
        ([], [None], "stop"),
        ([piece("a")], ["a", None], "stop"),
        ([{"text": "a"}, {"finish_reason": "length"}], ["a", None], "length"),
        ([piece("a"), piece(finish="stop"), piece("late")], ["a", "late", None], "stop"),
        ([piece("a"), {**piece(), "is_finished": True}], ["a", None], "stop"),
        ([piece("a", finish="end_turn")], ["a", None], "stop"),
    ],
)
def test_the_finish_comes_once_and_last(use, pieces, contents, finish):
    use(pieces=pieces)
    chunks = streams()
    assert [chunk.choices[0].delta.content for chunk in chunks] == contents
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(contents) - 1) + [finish]


def test_fields_of_the_provider_s_own_are_in_the_delta(use):
    use(pieces=[piece("a", provider_specific_fields={"x": 1}), piece(finish="stop")])
    assert streams()[0].choices[0].delta.provider_specific_fields == {"x": 1}


def test_chunks_in_openai_s_form_are_passed_on(use):
    def chunk(**choice):
        return ModelResponseStream(
            id="own",
            model="theirs",
            choices=[StreamingChoices(index=0, delta=Delta(**choice.pop("delta", {})), **choice)],
        )

    use(pieces=[chunk(delta={"content": "a", "role": "assistant"}), chunk(finish_reason="stop")])
    chunks = list(ferrolite.completion("my-llm/x", MESSAGES, stream=True))
    assert [one.id for one in chunks] == ["own", "own"]
    assert [one.model for one in chunks] == ["theirs", "theirs"]
    assert [one.choices[0].finish_reason for one in chunks] == [None, "stop"]
    assert chunks[0].choices[0].delta.role == "assistant"


def test_a_stream_tells_whose_it_is(use):
    use(pieces=[piece("a")])
    stream = ferrolite.completion("my-llm/x", MESSAGES, stream=True)
    assert isinstance(stream, ferrolite.CustomStreamWrapper)
    assert (stream.model, stream.custom_llm_provider, stream.messages) == ("x", "my-llm", MESSAGES)
    assert stream._hidden_params["litellm_model_name"] == "my-llm/x"
    stream.close()
    assert list(stream) == []


def test_closing_a_stream_closes_the_handler_s(use):
    handler = use(pieces=[piece("a"), piece("b")])
    with ferrolite.completion("my-llm/x", MESSAGES, stream=True) as stream:
        next(stream)
    assert handler.closed
    handler = use(pieces=[piece("a"), piece("b")])

    async def part():
        async with await ferrolite.acompletion("my-llm/x", MESSAGES, stream=True) as stream:
            await stream.__anext__()
        return handler.closed

    assert asyncio.run(part())
    handler = use(pieces=[piece("a"), piece("b")])
    stream = ferrolite.completion("my-llm/x", MESSAGES, stream=True)
    next(stream)
    del stream
    gc.collect()
    assert handler.closed


def test_a_coroutine_may_return_the_async_iterator(use):
    class Returning(Handler):
        async def astreaming(self, **got):
            return super().astreaming(**got)

    use(Returning(pieces=[piece("a", finish="stop")]))
    chunks = asyncio.run(collected(ferrolite.acompletion("my-llm/x", MESSAGES, stream=True)))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["a", None]


# Errors


@pytest.mark.parametrize(
    ("status", "name", "public"),
    [
        (400, "BadRequestError", 400),
        (401, "AuthenticationError", 401),
        (402, "PaymentRequiredError", 402),
        (403, "PermissionDeniedError", 403),
        (404, "NotFoundError", 404),
        (408, "Timeout", 408),
        (418, "BadRequestError", 400),
        (422, "BadRequestError", 400),
        (429, "RateLimitError", 429),
        (500, "InternalServerError", 500),
        (502, "BadGatewayError", 502),
        (503, "ServiceUnavailableError", 503),
        (504, "Timeout", 504),
    ],
)
@pytest.mark.parametrize("sync", [True, False])
def test_an_error_has_the_class_of_its_status(use, status, name, public, sync):
    error = CustomLLMError(status, "because")
    use(error=error)
    with pytest.raises(ferrolite.CallError) as raised:
        _ = ferrolite.completion("my-llm/x", MESSAGES) if sync else awaited("my-llm/x")
    assert type(raised.value).__name__ == name
    assert raised.value.status_code == public
    assert raised.value.message.endswith(f"{name}: My-llmException - because")
    assert (raised.value.llm_provider, raised.value.model) == ("my-llm", "x")
    assert raised.value.__cause__ is error


def test_any_other_exception_is_a_failed_connection(use):
    error = ValueError("oops")
    use(error=error)
    for call in (
        lambda: ferrolite.completion("my-llm/x", MESSAGES),
        lambda: ferrolite.embedding("my-llm/x", input=["a"]),
        lambda: ferrolite.image_generation("a cat", "my-llm/x"),
        lambda: asyncio.run(ferrolite.acompletion("my-llm/x", MESSAGES)),
    ):
        with pytest.raises(ferrolite.APIConnectionError, match="oops") as raised:
            call()
        assert raised.value.__cause__ is error


@pytest.mark.parametrize("sync", [True, False])
def test_attempts_are_repeated_when_it_is_worth_it(use, sync, monkeypatch):
    class Flaky(CustomLLM):
        calls = 0

        def completion(self, model_response, **_):
            self.calls += 1
            if self.calls <= 2:
                raise CustomLLMError(status, "again")
            return model_response

        async def acompletion(self, **got):
            return self.completion(**got)

    async def arrived(_):
        pauses.append(_)

    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr("asyncio.sleep", arrived)

    def call(**keywords):
        if sync:
            return ferrolite.completion("my-llm/x", MESSAGES, **keywords)
        return asyncio.run(ferrolite.acompletion("my-llm/x", MESSAGES, **keywords))

    status, handler = 503, use(Flaky())
    assert call(num_retries=2)
    assert (handler.calls, pauses) == (3, [0.5, 1.0])
    status, handler = 400, use(Flaky())
    with pytest.raises(ferrolite.BadRequestError):
        call(num_retries=2)
    assert handler.calls == 1
    status, handler = 503, use(Flaky())
    with pytest.raises(ferrolite.ServiceUnavailableError):
        call()
    assert handler.calls == 1


def test_an_error_of_ours_is_raised_as_it_is(use):
    error = ferrolite.RateLimitError("mine", "provider", "model")
    use(error=error)
    with pytest.raises(ferrolite.RateLimitError) as raised:
        ferrolite.completion("my-llm/x", MESSAGES)
    assert raised.value is error


def test_what_ends_a_program_is_not_caught(use):
    use(error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ferrolite.completion("my-llm/x", MESSAGES)


def test_timeouts_of_http_clients_are_timeouts(use):
    httpx = pytest.importorskip("httpx")
    use(error=httpx.ReadTimeout("slow"))
    with pytest.raises(ferrolite.Timeout, match="slow"):
        ferrolite.completion("my-llm/x", MESSAGES)


@pytest.mark.parametrize("sync", [True, False])
def test_a_stream_that_breaks_off_says_how_far_it_came(use, sync):
    use(pieces=[piece("Hel"), piece("lo")], error=CustomLLMError(429, "slow down"))
    with pytest.raises(ferrolite.MidStreamFallbackError, match="slow down") as raised:
        _ = (
            list(ferrolite.completion("my-llm/x", MESSAGES, stream=True))
            if sync
            else awaited("my-llm/x", True)
        )
    assert raised.value.generated_content == "Hello"
    assert raised.value.is_pre_first_chunk is False
    assert raised.value.status_code == 429
    assert isinstance(raised.value.original_exception, ferrolite.RateLimitError)


def test_a_client_s_mistake_in_a_stream_is_raised_as_it_is(use):
    use(error=CustomLLMError(400, "no"))
    with pytest.raises(ferrolite.BadRequestError, match="no"):
        list(ferrolite.completion("my-llm/x", MESSAGES, stream=True))


def test_a_piece_of_another_kind_is_an_error(use):
    use(pieces=["text"])
    with pytest.raises(ferrolite.MidStreamFallbackError, match="expected a GenericStreamingChunk"):
        list(ferrolite.completion("my-llm/x", MESSAGES, stream=True))


def test_methods_that_are_not_written_say_so(use):
    class OnlyCompletion(CustomLLM):
        def completion(self, model_response, **_):
            return model_response

    use(OnlyCompletion())
    assert ferrolite.completion("my-llm/x", MESSAGES)
    for call in (
        lambda: asyncio.run(ferrolite.acompletion("my-llm/x", MESSAGES)),
        lambda: ferrolite.completion("my-llm/x", MESSAGES, stream=True),
        lambda: asyncio.run(ferrolite.acompletion("my-llm/x", MESSAGES, stream=True)),
        lambda: ferrolite.embedding("my-llm/x", input=["a"]),
        lambda: ferrolite.image_generation("a cat", "my-llm/x"),
        lambda: ferrolite.image_edit(image=b"", prompt="a hat", model="my-llm/x"),
    ):
        with pytest.raises(ferrolite.InternalServerError, match="Not implemented yet!"):
            call()


def test_an_error_can_be_pickled():
    error = pickle.loads(pickle.dumps(CustomLLMError(418, "tea")))
    assert (error.status_code, error.message, str(error)) == (418, "tea", "tea")


# Beside it


def test_mocks_come_before_the_handler(use):
    handler = use()
    answer = ferrolite.completion("my-llm/x", MESSAGES, mock_response="mocked")
    assert (answer.model, answer.choices[0].message.content) == ("x", "mocked")
    assert answer._hidden_params["custom_llm_provider"] == "my-llm"
    stream = ferrolite.completion("my-llm/x", MESSAGES, mock_response="mocked", stream=True)
    assert stream.custom_llm_provider == "my-llm"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "mocked"
    answer = asyncio.run(ferrolite.acompletion("my-llm/x", MESSAGES, mock_response="mocked"))
    assert answer.choices[0].message.content == "mocked"
    with pytest.raises(ferrolite.InternalServerError, match="broken"):
        ferrolite.completion("my-llm/x", MESSAGES, mock_response=Exception("broken"))
    assert handler.got is None


def test_a_built_in_provider_is_not_replaced(use, caplog):
    handler = use(provider="openai")
    answer = ferrolite.completion("openai/gpt-4o", MESSAGES, mock_response="mocked")
    assert answer.choices[0].message.content == "mocked"
    assert ferrolite.get_llm_provider("openai/gpt-4o")[1] == "openai"
    assert handler.got is None


def test_other_providers_are_not_touched(use):
    use()
    with pytest.raises(ferrolite.BadRequestError, match="LLM Provider NOT provided"):
        ferrolite.completion("other-llm/x", MESSAGES)
    assert ferrolite.get_llm_provider("my-llm/x") == ("x", "my-llm", None, None)


def test_calls_of_other_types_are_the_core_s(use):
    use()
    with pytest.raises(ferrolite.BadRequestError, match="LLM Provider NOT provided"):
        ferrolite.rerank("my-llm/x", "query", ["document"])


def test_the_map_costs_nothing_when_it_is_empty():
    from test_package import python

    loaded = python(
        """
import sys, ferrolite
ferrolite.completion("openai/gpt-4o", [{"role": "user", "content": "Hi"}], mock_response="Hello")
print(*[name for name in sys.modules if "custom" in name and name.startswith("ferrolite")])
"""
    )
    assert loaded == []


def test_the_class_is_at_both_places():
    assert ferrolite.CustomLLM is CustomLLM
    assert "CustomLLM" in dir(ferrolite)
    chunk = ferrolite.types.utils.GenericStreamingChunk
    assert chunk.__required_keys__ == {"text", "is_finished", "finish_reason", "usage"}
