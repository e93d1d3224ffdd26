"""`Router`: the reference's class, over servers on loopback."""

import asyncio
import inspect
import json
import time

import pytest
from _upstream import Upstream, chat, chunk, text_events

import ferrolite
from ferrolite import Router
from ferrolite.types.router import (
    AllowedFailsPolicy,
    CredentialItem,
    CustomRoutingStrategyBase,
    Deployment,
    LiteLLM_Params,
    RetryPolicy,
)

MESSAGES = [{"role": "user", "content": "hi"}]


REPLIES = {
    "embeddings": {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    },
    "images/generations": {"created": 1, "data": [{"url": "http://x"}]},
    "moderations": {"id": "m", "model": "m", "results": []},
    "responses": {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "output": [],
        "status": "completed",
    },
    "completions": {
        "id": "c",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "text": "x", "finish_reason": "stop"}],
    },
    "audio/transcriptions": {"text": "x"},
    "audio/speech": {},
}


@pytest.fixture
def upstream():
    """Answers by the first part of the path: /500/… fails with that status, anything else works."""

    def answer(exchange):
        name, kind = exchange.request.path.removeprefix("/").split("/v1/")
        if kind in REPLIES:
            exchange.json(REPLIES[kind])
            return
        if name.isdigit():
            exchange.json({"error": {"message": "boom", "type": "x", "code": None}}, status=int(name))
        else:
            exchange.json(chat(name))

    with Upstream(answer) as server:
        yield server


def entry(upstream, group, place, **more):
    """A deployment of `group` at /`place`, whose id is `place`."""
    info = more.pop("info", {})
    params = {
        "model": "openai/gpt-4o",
        "api_base": f"{upstream.origin}/{place}/v1",
        "api_key": "sk-test-key",
        **more,
    }
    return {"model_name": group, "litellm_params": params, "model_info": {"id": place, **info}}


def asked(upstream):
    """The places that were asked, in order."""
    return [request.path.split("/")[1] for request in upstream.requests]


def text(response):
    return response.choices[0].message.content


def test_a_call_says_how_it_was_come_by(upstream):
    router = Router(
        [entry(upstream, "a", "500"), entry(upstream, "b", "good")], fallbacks=[{"a": ["b"]}], num_retries=1
    )
    response = router.completion("a", MESSAGES)
    hidden = response._hidden_params
    assert (text(response), hidden["model_id"]) == ("good", "good")
    ours = {
        name: value for name, value in hidden["additional_headers"].items() if name.startswith("x-litellm")
    }
    assert ours == {
        "x-litellm-model-group": "b",
        "x-litellm-attempted-retries": 0,
        "x-litellm-attempted-fallbacks": 1,
    }
    assert asked(upstream) == ["500", "500", "good"]


def test_what_all_fail_with_is_the_first_groups_error(upstream):
    router = Router(
        [entry(upstream, "a", "500"), entry(upstream, "b", "400")], fallbacks=[{"a": ["b"]}], num_retries=0
    )
    with pytest.raises(ferrolite.InternalServerError, match=r"boom.*b \(BadRequestError\)"):
        router.completion("a", MESSAGES)


@pytest.mark.parametrize("is_async", [False, True])
def test_every_call_type_goes_through(upstream, is_async):
    router = Router([entry(upstream, "a", "good")], num_retries=0)
    calls = {
        "embedding": {"model": "a", "input": ["x"]},
        "image_generation": {"model": "a", "prompt": "x"},
        "moderation": {"model": "a", "input": "x"},
        "responses": {"model": "a", "input": "x"},
        "speech": {"model": "a", "input": "x", "voice": "alloy"},
        "text_completion": {"model": "a", "prompt": "x"},
        "transcription": {"model": "a", "file": ("x.wav", b"RIFF")},
    }
    for name, arguments in calls.items():
        if is_async:
            answer = asyncio.run(getattr(router, f"a{name}")(**arguments))
        else:
            answer = getattr(router, name)(**arguments)
        assert answer._hidden_params["model_id"] == "good", name
    assert asked(upstream) == ["good"] * len(calls)


def test_messages_and_streams_go_through(upstream):
    router = Router(
        [{"model_name": "a", "litellm_params": {"model": "openai/x", "mock_response": "one two"}}]
    )
    chunks = list(router.completion("a", MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two"

    async def streamed():
        stream = await router.acompletion("a", MESSAGES, stream=True)
        assert stream._hidden_params["additional_headers"]["x-litellm-model-group"] == "a"
        return [chunk async for chunk in stream]

    assert len(asyncio.run(streamed())) == len(chunks)
    message = asyncio.run(router.aanthropic_messages(model="a", messages=MESSAGES, max_tokens=5))
    assert message["content"][0]["text"] == "one two"


def test_a_none_of_the_call_takes_a_deployments_parameter_away(upstream):
    router = Router([entry(upstream, "a", "good")], num_retries=0)
    with pytest.raises(ferrolite.AuthenticationError):
        router.completion("a", MESSAGES, api_key=None)
    router.completion("a", MESSAGES, api_key="sk-of-the-caller")
    assert upstream.requests[-1].headers["authorization"] == "Bearer sk-of-the-caller"


def test_variables_of_the_environment_are_read(upstream, monkeypatch):
    monkeypatch.setenv("A_KEY_OF_MINE", "sk-from-the-environment")
    router = Router([entry(upstream, "a", "good", api_key="os.environ/A_KEY_OF_MINE")])
    router.completion("a", MESSAGES)
    assert upstream.requests[-1].headers["authorization"] == "Bearer sk-from-the-environment"
    assert router.model_list[0]["litellm_params"]["api_key"] == "os.environ/A_KEY_OF_MINE"


def test_the_list_of_deployments(upstream):
    aliases = {"al": "a", "hid": {"model": "b", "hidden": True}}
    router = Router([entry(upstream, "a", "x", rpm=10), entry(upstream, "b", "y")], model_group_alias=aliases)
    first = router.model_list[0]
    assert (first["litellm_params"]["rpm"], first["litellm_params"]["use_litellm_proxy"]) == (10, False)
    assert first["model_info"] == {"id": "x", "db_model": False, "member_auto_router": False}
    assert router.get_model_names() == ["al", "a", "b"]
    assert [one["model_name"] for one in router.get_model_list()] == ["al", "a", "b"]
    assert router.get_model_ids() == ["x", "y"]
    assert router.get_model_list("nobody") is None
    assert router.get_deployment("x").litellm_params.model == "openai/gpt-4o"
    assert router.get_available_deployment("al")["model_info"]["id"] == "x"
    assert text(router.completion("hid", MESSAGES)) == "y"
    made = Deployment(
        model_name="c", litellm_params=LiteLLM_Params(**entry(upstream, "c", "z")["litellm_params"])
    )
    assert router.add_deployment(made) is made
    assert router.add_deployment(made) is None
    assert text(router.completion("c", MESSAGES)) == "z"
    assert router.delete_deployment(made.model_info.id).model_name == "c"
    with pytest.raises(ferrolite.BadRequestError, match="no healthy deployments for this model"):
        router.completion("c", MESSAGES)
    router.set_model_list([entry(upstream, "only", "new")])
    assert router.get_model_names() == ["al", "only"]


def test_wildcards_catch_names(upstream):
    router = Router(
        [
            entry(upstream, "my-*", "good", model="openai/*"),
            entry(upstream, "openai/*", "own", model="openai/*"),
        ]
    )
    router.completion("my-gpt-9", MESSAGES)
    router.completion("openai/gpt-9", MESSAGES)
    assert [json.loads(request.body)["model"] for request in upstream.requests] == ["gpt-9", "gpt-9"]
    assert asked(upstream) == ["good", "own"]
    assert router.get_model_list("my-x")[0]["model_name"] == "my-x"


def test_deployments_cool_down_and_say_so(upstream):
    router = Router([entry(upstream, "a", "500")], num_retries=0, allowed_fails=0, cooldown_time=30)
    with pytest.raises(ferrolite.InternalServerError):
        router.completion("a", MESSAGES)
    with pytest.raises(ferrolite.exceptions.RouterRateLimitError, match="No deployments available") as raised:
        router.completion("a", MESSAGES)
    assert raised.value.cooldown_list == ["500"]
    assert raised.value.cooldown_time == 30
    assert isinstance(raised.value, ValueError)
    router.flush_cache()
    with pytest.raises(ferrolite.InternalServerError):
        router.completion("a", MESSAGES)


def test_policies_and_settings_may_be_objects_and_be_changed(upstream):
    router = Router(
        [entry(upstream, "a", "400")],
        num_retries=0,
        retry_policy=RetryPolicy(BadRequestErrorRetries=1),
        allowed_fails_policy=AllowedFailsPolicy(RateLimitErrorAllowedFails=3),
    )
    with pytest.raises(ferrolite.BadRequestError) as raised:
        router.completion("a", MESSAGES)
    assert (raised.value.num_retries, len(upstream.requests)) == (1, 2)
    router.retry_policy = None
    with pytest.raises(ferrolite.BadRequestError):
        router.completion("a", MESSAGES)
    assert len(upstream.requests) == 3
    router.update_settings(num_retries=4, nonsense=1)
    assert router.get_settings()["num_retries"] == 4


def test_a_wrong_deployment_or_setting_is_named():
    with pytest.raises(ferrolite.BadRequestError) as raised:
        Router([{"model_name": "a", "litellm_params": {"api_key": "k"}}])
    assert raised.value.param == "model_list.litellm_params.model"
    assert (
        Router([{"model_name": "a", "litellm_params": {}}], ignore_invalid_deployments=True).model_list == []
    )
    with pytest.raises(ferrolite.BadRequestError, match="simple-shuffle"):
        Router([], routing_strategy="nonsense")


class Always(CustomRoutingStrategyBase):
    """Takes the deployment with an id."""

    def __init__(self, router, wanted):
        self.router = router
        self.wanted = wanted

    def get_available_deployment(
        self, model, messages=None, input=None, specific_deployment=False, request_kwargs=None
    ):
        return next(one for one in self.router.model_list if one["model_info"]["id"] == self.wanted)

    async def async_get_available_deployment(self, *args, **kwargs):
        return self.get_available_deployment(*args, **kwargs)


def test_a_strategy_of_ones_own(upstream):
    router = Router([entry(upstream, "a", place) for place in ("x", "y", "z")])
    router.set_custom_routing_strategy(Always(router, "y"))
    assert {text(router.completion("a", MESSAGES)) for _ in range(5)} == {"y"}
    response = asyncio.run(router.acompletion("a", MESSAGES))
    assert (text(response), response._hidden_params["model_id"]) == ("y", "y")


class Echo(ferrolite.CustomLLM):
    """Fails as often as it is told, then answers."""

    failures = 0

    def completion(self, *args, **kwargs):
        if self.failures:
            self.failures -= 1
            from ferrolite.llms.custom_llm import CustomLLMError

            raise CustomLLMError(status_code=503, message="not now")
        return ferrolite.mock_completion("openai/x", MESSAGES, mock_response="from Python")

    async def acompletion(self, *args, **kwargs):
        return self.completion()


def test_a_provider_written_in_python_is_a_deployment(upstream, monkeypatch):
    handler = Echo()
    monkeypatch.setattr(ferrolite, "custom_provider_map", [{"provider": "echo", "custom_handler": handler}])
    entries = [{"model_name": "a", "litellm_params": {"model": "echo/x"}}, entry(upstream, "b", "good")]
    router = Router(entries, fallbacks=[{"a": ["b"]}], num_retries=0)
    assert text(router.completion("a", MESSAGES)) == "from Python"
    handler.failures = 1
    response = router.completion("a", MESSAGES)
    assert (text(response), response._hidden_params["model_id"]) == ("good", "good")
    handler.failures = 1
    response = asyncio.run(router.acompletion("a", MESSAGES))
    assert response._hidden_params["additional_headers"]["x-litellm-attempted-fallbacks"] == 1


def test_a_mock_may_be_an_exception():
    broken = {
        "model": "openai/x",
        "api_key": "k",
        "mock_response": ferrolite.RateLimitError("slow", "openai", "x"),
    }
    good = {"model": "openai/x", "api_key": "k", "mock_response": "spare"}
    entries = [{"model_name": "a", "litellm_params": broken}, {"model_name": "b", "litellm_params": good}]
    assert text(Router(entries, fallbacks=[{"a": ["b"]}], num_retries=0).completion("a", MESSAGES)) == "spare"
    with pytest.raises(ferrolite.RateLimitError, match="slow"):
        Router(entries, num_retries=0).completion("a", MESSAGES)


def test_a_function_that_the_program_has_replaced_is_called(monkeypatch, upstream):
    seen = []

    def completion(**kwargs):
        seen.append(kwargs)
        return ferrolite.mock_completion("openai/x", MESSAGES, mock_response="replaced")

    monkeypatch.setattr(ferrolite, "completion", completion)
    router = Router([entry(upstream, "a", "good")])
    assert text(router.completion("a", MESSAGES, temperature=0)) == "replaced"
    assert (seen[0]["model"], seen[0]["temperature"], upstream.requests) == ("openai/gpt-4o", 0, [])


def test_calls_wait_for_their_turn_by_priority(upstream):
    router = Router([entry(upstream, "a", "good", max_parallel_requests=1)], polling_interval=0.01)

    async def run():
        done = []

        async def one(priority):
            await router.schedule_acompletion("a", MESSAGES, priority=priority)
            done.append(priority)

        await asyncio.gather(*(one(priority) for priority in (3, 2, 1, 0)))
        return done

    done = asyncio.run(run())
    # The first is on its way before the others wait.
    assert sorted(done) == [0, 1, 2, 3]
    assert done[1:] == sorted(done[1:])


def test_several_models_at_once(upstream):
    router = Router([entry(upstream, "a", "x"), entry(upstream, "b", "500")], num_retries=0)
    good, bad = asyncio.run(router.abatch_completion(["a", "b"], MESSAGES))
    assert text(good) == "x"
    assert isinstance(bad, ferrolite.InternalServerError)
    rows = asyncio.run(router.abatch_completion(["a"], [MESSAGES, MESSAGES]))
    assert [text(one) for row in rows for one in row] == ["x", "x"]
    assert text(asyncio.run(router.abatch_completion_fastest_response("a, b", MESSAGES))) == "x"


def test_a_router_may_be_subclassed(upstream):
    class Mine(Router):
        async def acompletion(self, model, messages, stream=False, **kwargs):
            kwargs["temperature"] = 0.25
            return await super().acompletion(model, messages, stream, **kwargs)

    asyncio.run(Mine([entry(upstream, "a", "good")]).acompletion("a", MESSAGES))
    assert json.loads(upstream.requests[0].body)["temperature"] == 0.25


def test_the_constructor_has_the_references_parameters():
    given = inspect.signature(Router).parameters
    assert list(given)[:5] == [
        "model_list",
        "assistants_config",
        "search_tools",
        "guardrail_list",
        "redis_url",
    ]
    assert (given["client_ttl"].default, given["retry_after"].default, len(given)) == (3600, 0, 61)
    assert given["routing_strategy"].default == "simple-shuffle"


def test_keys_are_not_shown(upstream):
    router = Router([entry(upstream, "a", "good", api_key="sk-canary-0123456789")])
    assert "sk-canary" not in repr(router.get_deployment("good"))
    assert "sk-canary" not in repr(router)


# Without a router


def test_a_call_may_have_fallbacks_of_its_own(upstream):
    base = f"{upstream.origin}/500/v1"
    arguments = {
        "model": "openai/x",
        "messages": MESSAGES,
        "api_base": base,
        "api_key": "k",
        "max_retries": 0,
    }
    good = {"model": "openai/y", "api_base": f"{upstream.origin}/good/v1"}
    assert text(ferrolite.completion(**arguments, fallbacks=[good])) == "good"
    assert text(asyncio.run(ferrolite.acompletion(**arguments, fallbacks=[good]))) == "good"
    with pytest.raises(ferrolite.InternalServerError, match="openai/y"):
        ferrolite.completion(**arguments, fallbacks=["openai/y"])


def test_redis_that_is_away_stops_nobody(upstream):
    router = Router(
        [entry(upstream, "a", "good")], redis_host="127.0.0.1", redis_port=9, redis_password="p@ss"
    )
    assert text(router.completion("a", MESSAGES)) == "good"
    with pytest.raises(ferrolite.BadRequestError, match="redis_url") as raised:
        Router([], redis_url="nonsense")
    assert raised.value.param == "redis_url"


class Watcher(ferrolite.CustomLogger):
    """Keeps what a call was made with, and what it cost."""

    def __init__(self):
        self.seen = []

    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.seen.append(kwargs)


@pytest.fixture
def watcher(monkeypatch):
    made = Watcher()
    monkeypatch.setattr(ferrolite, "callbacks", [made])
    return made


def told(watcher):
    """The keywords of the one call that a callback was told of."""
    give_up = time.monotonic() + 5
    while not watcher.seen and time.monotonic() < give_up:
        time.sleep(0.01)
    (seen,) = watcher.seen
    return seen


def test_providers_of_ones_own_that_no_deployment_has_hide_no_call(upstream, monkeypatch, watcher):
    monkeypatch.setattr(ferrolite, "custom_provider_map", [{"provider": "echo", "custom_handler": Echo()}])
    router = Router([entry(upstream, "a", "good")])
    router.completion("a", MESSAGES)
    assert told(watcher)["model"] == "gpt-4o"
    with pytest.raises(ferrolite.RateLimitError, match="slow"):
        router.completion(
            "a", MESSAGES, num_retries=0, mock_response=ferrolite.RateLimitError("slow", "openai", "x")
        )


def test_content_is_generated_where_callbacks_are_set(watcher):
    params = {"model": "openai/x", "api_key": "k", "mock_response": "one two"}
    router = Router([{"model_name": "a", "litellm_params": params}])
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]

    async def run():
        whole = await router.agenerate_content(model="a", contents=contents)
        stream = await router.agenerate_content_stream(model="a", contents=contents)
        return whole, b"".join([piece async for piece in stream])

    whole, streamed = asyncio.run(run())
    for answer in (whole, router.generate_content(model="a", contents=contents)):
        assert answer["candidates"][0]["content"]["parts"][0]["text"] == "one two"
    assert b'"text":"one"' in streamed


def test_time_limits_of_the_router_hold_where_callbacks_are_set(watcher):
    def slow(exchange):
        time.sleep(1)
        exchange.json(chat("late"))

    with Upstream(slow) as server:
        router = Router([entry(server, "a", "x")], timeout=0.2, num_retries=0)
        with pytest.raises(ferrolite.Timeout):
            router.completion("a", MESSAGES)


def test_an_error_keeps_its_cause_where_python_carries_the_plan_out(monkeypatch, upstream):
    def completion(**kwargs):
        try:
            raise KeyError("within")
        except KeyError as error:
            raise ferrolite.BadRequestError("wrong", "x", "openai") from error

    monkeypatch.setattr(ferrolite, "completion", completion)
    with pytest.raises(ferrolite.BadRequestError) as raised:
        Router([entry(upstream, "a", "good")], num_retries=0).completion("a", MESSAGES)
    assert isinstance(raised.value.__cause__, KeyError)
    # Nor is its context lost where there is no cause.

    def other(**kwargs):
        try:
            raise KeyError("within")
        except KeyError:
            raise ferrolite.BadRequestError("wrong", "x", "openai")  # noqa: B904 - without a cause

    monkeypatch.setattr(ferrolite, "completion", other)
    with pytest.raises(ferrolite.BadRequestError) as raised:
        Router([entry(upstream, "a", "good")], num_retries=0).completion("a", MESSAGES)
    assert isinstance(raised.value.__context__, KeyError)


@pytest.mark.parametrize("is_watched", [False, True])
def test_prices_of_a_deployments_own_info_count(upstream, request, is_watched):
    if is_watched:
        request.getfixturevalue("watcher")
    prices = {"input_cost_per_token": 1.0, "output_cost_per_token": 10.0}
    usage = chat("x")["usage"]
    own = usage["prompt_tokens"] + 10 * usage["completion_tokens"]
    router = Router([entry(upstream, "a", "good", info=prices), entry(upstream, "b", "other")])
    assert router.completion("a", MESSAGES)._hidden_params["response_cost"] == pytest.approx(own)
    assert router.completion("b", MESSAGES)._hidden_params["response_cost"] < 0.01
    # What a call says of prices goes before.
    cost = router.completion("a", MESSAGES, input_cost_per_token=0, output_cost_per_token=0)
    assert cost._hidden_params["response_cost"] == 0
    assert not any(b"model_info" in asked.body or b"cost" in asked.body for asked in upstream.requests)


def test_a_continued_stream_costs_what_both_attempts_do():
    """Each attempt is paid by the prices of its own deployment."""
    counts = {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22}

    def answer(exchange):
        if exchange.request.path.startswith("/broken"):
            exchange.begin_stream()
            for piece in text_events("Once upon ")[:2]:
                exchange.piece(piece)
            exchange.close()
            return
        *events, done = text_events("a time")
        exchange.stream([*events, chunk(usage=counts), done])

    def prices(one):
        return {"input_cost_per_token": one, "output_cost_per_token": one * 10}

    with Upstream(answer) as server:
        router = Router(
            [entry(server, "a", "broken", info=prices(1.0)), entry(server, "b", "good", info=prices(100.0))],
            fallbacks=[{"a": ["b"]}],
            num_retries=0,
            enable_mid_stream_fallback_continuation=True,
        )
        stream = router.completion("a", MESSAGES, stream=True, stream_options={"include_usage": True})
        chunks = list(stream)
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Once upon a time"
    assert len({one.id for one in chunks}) == 1
    assert [one.choices[0].finish_reason for one in chunks if one.choices].count("stop") == 1
    (usage,) = [one.usage for one in chunks if getattr(one, "usage", None)]
    first = (usage.prompt_tokens - 20, usage.completion_tokens - 2)
    assert min(first) > 0
    cost = first[0] + 10 * first[1] + 100 * (20 + 10 * 2)
    assert stream._hidden_params["response_cost"] == pytest.approx(cost)
    assert usage.cost == pytest.approx(cost)


class ByName(CustomRoutingStrategyBase):
    """Takes the first deployment of the group that it is asked for."""

    def __init__(self, router):
        self.router = router
        self.seen = []

    def get_available_deployment(self, model, *args, **kwargs):
        self.seen.append(model)
        return next(one for one in self.router.model_list if one["model_name"] == model)

    async def async_get_available_deployment(self, *args, **kwargs):
        return self.get_available_deployment(*args, **kwargs)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_strategy_is_asked_for_the_group_that_is_called(upstream, is_async):
    entries = [entry(upstream, "a", "500"), entry(upstream, "b", "good")]
    router = Router(entries, fallbacks=[{"a": ["b"]}], num_retries=1)
    strategy = ByName(router)
    router.set_custom_routing_strategy(strategy)
    answer = asyncio.run(router.acompletion("a", MESSAGES)) if is_async else router.completion("a", MESSAGES)
    assert (text(answer), asked(upstream)) == ("good", ["500", "500", "good"])
    # Not while it waits before a retry, for which there is nothing to choose.
    assert strategy.seen == ["a", "a", "b"]


@pytest.fixture
def streaming():
    """Answers streams and whole calls alike."""

    def answer(exchange):
        if exchange.request.json().get("stream"):
            *events, done = text_events("one ", "two")
            exchange.stream([*events, chunk(usage=chat("x")["usage"]), done])
        else:
            exchange.json(chat("good"))

    with Upstream(answer) as server:
        yield server


def state(router, name="x"):
    return router._core_router.state(name)


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_stream_takes_its_deployment_until_it_ends(streaming, request, is_watched):
    if is_watched:
        request.getfixturevalue("watcher")
    router = Router([entry(streaming, "a", "x", max_parallel_requests=1, timeout=0.3)], num_retries=0)
    for end in (list, lambda stream: stream.close()):
        stream = router.completion("a", MESSAGES, stream=True)
        next(stream)
        assert state(router)["in_flight"] == 1
        # Who waits for it has the time that the deployment gives.
        with pytest.raises(ferrolite.Timeout, match="free"):
            router.completion("a", MESSAGES)
        end(stream)
        assert state(router)["in_flight"] == 0
        assert text(router.completion("a", MESSAGES, timeout=30)) == "good"


@pytest.mark.parametrize("is_watched", [False, True])
def test_tokens_of_streams_and_of_every_format_count(streaming, request, is_watched):
    if is_watched:
        request.getfixturevalue("watcher")
    router = Router([entry(streaming, "a", "x", mock_response="one two")])

    async def run():
        return await router.anthropic_messages(model="a", messages=MESSAGES, max_tokens=9)

    while time.time() % 60 > 50:
        time.sleep(0.5)  # the counts are those of one minute
    usage = asyncio.run(run())["usage"]
    counted = usage["input_tokens"] + usage["output_tokens"]
    assert (counted > 0, state(router)["tokens"]) == (True, counted)
    router.flush_cache()
    stream = Router([entry(streaming, "a", "x")])
    list(stream.completion("a", MESSAGES, stream=True))
    assert state(stream)["tokens"] == chat("x")["usage"]["total_tokens"]


def test_a_response_is_continued_where_it_is_held_with_callbacks_too(upstream, watcher):
    router = Router([entry(upstream, "a", place) for place in ("x", "y", "z")])
    for _ in range(3):
        first = router.responses(model="a", input="hi")
        router.responses(model="a", input="go on", previous_response_id=first.id)
    places = asked(upstream)
    assert places[::2] == places[1::2]


def test_default_fallbacks_are_among_the_fallbacks() -> None:
    deployment = {"model_name": "a", "litellm_params": {"model": "openai/m", "api_key": "k"}}
    spare = {
        "model_name": "b",
        "litellm_params": {"model": "openai/m", "api_key": "k", "mock_response": "spare"},
    }
    router = Router(model_list=[deployment, spare], fallbacks=[{"c": ["a"]}], default_fallbacks=["b"])
    assert router.fallbacks == [{"c": ["a"]}, {"*": ["b"]}]
    assert Router(model_list=[deployment]).fallbacks in (None, [])


def test_a_deployment_has_what_its_stored_credential_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with Upstream(lambda exchange: exchange.json(chat("from the credential"))) as upstream:
        values = {"api_base": upstream.url, "api_key": "stored-0123456789"}
        stored = CredentialItem(credential_name="mine", credential_values=values, credential_info={})
        monkeypatch.setattr(ferrolite, "credential_list", [stored])
        params = {"model": "openai/m", "litellm_credential_name": "mine"}
        router = Router(model_list=[{"model_name": "a", "litellm_params": params}])
        made = router.completion("a", MESSAGES)
        assert made.choices[0].message.content == "from the credential"
        assert upstream.requests[0].headers["authorization"] == "Bearer stored-0123456789"
    assert "stored-0123456789" not in repr(stored) + repr(router.model_list)


def test_an_effort_of_the_call_stands_for_a_deployments_thinking() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    reply = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "c",
        "content": [{"type": "text", "text": "a"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    with Upstream(lambda exchange: exchange.json(reply)) as upstream:
        params = {"model": "anthropic/claude-sonnet-4-5", "api_key": "k", "api_base": upstream.url}
        router = Router(model_list=[{"model_name": "a", "litellm_params": {**params, "thinking": thinking}}])
        router.completion("a", MESSAGES)
        router.completion("a", MESSAGES, reasoning_effort="high")
        router.completion("a", MESSAGES, reasoning_effort=None)
        ferrolite.completion(messages=MESSAGES, thinking=True, **params)
        ferrolite.completion(messages=MESSAGES, thinking=False, **params)
        bodies = [request.json() for request in upstream.requests]
    budgets = [(body.get("thinking") or {}).get("budget_tokens") for body in bodies]
    assert budgets == [2000, 4096, 2000, 2048, None]
