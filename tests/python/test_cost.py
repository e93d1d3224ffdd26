"""What calls cost: of answers, by a program's own prices, and what programs do with the table of models."""

import asyncio
import inspect
import json
import subprocess
import sys

import pytest
from _upstream import HELLO, Upstream

import ferrolite
from ferrolite import cost_calculator
from ferrolite.exceptions import BadRequestError, ModelNotMappedError
from ferrolite.litellm_core_utils.llm_cost_calc.tool_call_cost_tracking import StandardBuiltInToolCostTracking
from ferrolite.types.utils import Choices, Message, ModelResponse, PromptTokensDetailsWrapper, Usage

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
GPT_4O = 1000 * 2.5e-6 + 100 * 1e-5


def answer(exchange):
    body = exchange.request.json()
    usage = (
        {**USAGE, "prompt_tokens_details": {"cached_tokens": 400}} if body.get("user") == "cached" else USAGE
    )
    if exchange.request.path.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
        exchange.json({"object": "list", "model": body["model"], "data": data, "usage": USAGE})
        return
    if exchange.request.path.endswith("/images/generations"):
        exchange.json({"created": 1, "data": [{"url": "u"}, {"url": "v"}]})
        return
    message = {"role": "assistant", "content": "hi"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        exchange.json({**whole, "choices": [choice], "usage": usage})
        return
    whole["object"] = "chat.completion.chunk"
    piece = {"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = [
        {**whole, "choices": [piece]},
        {**whole, "choices": [last]},
        {**whole, "choices": [], "usage": usage},
    ]
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    exchange.reply(200, f"{text}data: [DONE]\n\n".encode(), {"content-type": "text/event-stream"})


@pytest.fixture(scope="module")
def upstream():
    with Upstream(answer) as server:
        yield server


@pytest.fixture
def call(upstream):
    def run(model="openai/gpt-4o", **more):
        return ferrolite.completion(
            model, HELLO, api_base=upstream.origin, api_key="k", max_retries=0, timeout=5, **more
        )

    return run


@pytest.fixture
def untouched():
    """The table as it was, for tests that change it."""
    kept = ferrolite.__dict__.pop("model_cost", None)
    yield
    ferrolite.__dict__.pop("model_cost", None)
    if kept is not None:
        ferrolite.model_cost = kept


def cost(response):
    return response._hidden_params["response_cost"]


def test_an_answer_knows_its_cost(call):
    assert cost(call()) == pytest.approx(GPT_4O)
    assert cost(call(user="cached")) == pytest.approx(600 * 2.5e-6 + 400 * 1.25e-6 + 100 * 1e-5)
    assert cost(call("openai/no-such-model")) is None


def test_the_cost_outlives_copies_and_is_there_for_asyncio(call, upstream):
    import copy
    import pickle

    response = call()
    assert cost(pickle.loads(pickle.dumps(response))) == cost(copy.copy(response)) == pytest.approx(GPT_4O)
    base = {"api_base": upstream.origin, "api_key": "k", "max_retries": 0, "timeout": 5}
    response = asyncio.run(ferrolite.acompletion("openai/gpt-4o", HELLO, **base))
    assert cost(response) == pytest.approx(GPT_4O)


def test_prices_of_a_call_are_for_that_call(call):
    own = {"input_cost_per_token": 1.0, "output_cost_per_token": 10.0}
    assert cost(call("openai/my-deployment", **own)) == 2000.0
    assert cost(call(**own)) == 2000.0
    assert cost(call(model_info=own)) == 2000.0
    assert cost(call()) == pytest.approx(GPT_4O), "the next one has the listed prices"
    assert cost(call(input_cost_per_token=1.0)) == pytest.approx(1000 + 100 * 1e-5)
    by_time = call("openai/my-deployment", input_cost_per_second=2.0)
    assert cost(by_time) == pytest.approx(by_time._response_ms / 1000 * 2.0)


def test_a_deployment_costs_what_its_model_does(call):
    assert cost(call("openai/my-deployment", base_model="gpt-4o")) == pytest.approx(GPT_4O)
    assert cost(call("openai/my-deployment", model_info={"base_model": "openai/gpt-4o"})) == pytest.approx(
        GPT_4O
    )


def test_a_stream_tells_its_cost_where_it_tells_its_usage(call):
    stream = call(stream=True, stream_options={"include_usage": True})
    assert cost(stream) is None
    chunks = list(stream)
    assert cost(stream) == pytest.approx(GPT_4O)
    assert chunks[-1].usage.cost == pytest.approx(GPT_4O)
    assert cost(chunks[-1]) == pytest.approx(GPT_4O)
    assert cost(ferrolite.stream_chunk_builder(chunks)) == pytest.approx(GPT_4O)
    assert all(getattr(chunk, "usage", None) is None for chunk in call(stream=True))


def test_other_calls_know_their_cost(upstream):
    base = {"api_base": upstream.origin, "api_key": "k", "max_retries": 0, "timeout": 5}
    embedded = ferrolite.embedding("openai/text-embedding-3-small", ["a"], **base)
    assert cost(embedded) == pytest.approx(1000 * 2e-8)
    drawn = ferrolite.image_generation("a cat", model="openai/low/1024-x-1024/gpt-image-1-mini", **base)
    assert cost(drawn) == pytest.approx(
        2 * ferrolite.model_cost["low/1024-x-1024/gpt-image-1-mini"]["input_cost_per_image"]
    )


def test_completion_cost_of_answers_made_by_hand():
    response = ModelResponse(model="gpt-4o", choices=[Choices(message=Message(content="hi"))], usage=USAGE)
    assert ferrolite.completion_cost(response) == pytest.approx(GPT_4O)
    assert ferrolite.completion_cost(completion_response=response, model="openai/gpt-4o") == pytest.approx(
        GPT_4O
    )
    own = {"input_cost_per_token": 1.0, "output_cost_per_token": 10.0}
    assert ferrolite.completion_cost(response, custom_cost_per_token=own) == 2000.0
    response.usage.cost = 0.25
    assert ferrolite.completion_cost(response) == 0.25, "what the provider says"


def test_what_is_not_listed_is_an_error():
    response = ModelResponse(model="no-such-model", usage=USAGE)
    with pytest.raises(BadRequestError):
        ferrolite.completion_cost(response)
    with pytest.raises(ModelNotMappedError, match="no-such-model"):
        ferrolite.completion_cost(response, model="openai/no-such-model")
    with pytest.raises(ModelNotMappedError):
        ferrolite.get_model_info("openai/no-such-model")
    with pytest.raises(Exception, match="isn't mapped"):
        ferrolite.get_max_tokens("openai/no-such-model")
    with pytest.raises(ValueError, match="no model"):
        ferrolite.completion_cost()


def test_cost_per_token_of_counts_and_of_usage():
    assert ferrolite.cost_per_token("gpt-4o", 1000, 100) == pytest.approx((0.0025, 0.001))
    usage = Usage(**USAGE, prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=400))
    by_usage = ferrolite.cost_per_token("openai/gpt-4o", usage_object=usage)
    by_counts = ferrolite.cost_per_token("openai/gpt-4o", 1000, 100, cache_read_input_tokens=400)
    assert by_usage == by_counts == pytest.approx((0.002, 0.001))
    priority = ferrolite.cost_per_token("gpt-4o", 1000, 100, service_tier="priority")
    assert priority == pytest.approx((0.00425, 0.0017))


def test_texts_are_counted_where_there_is_no_answer():
    found = ferrolite.completion_cost(model="gpt-4o", prompt="hello world", completion="hi there")
    assert found == pytest.approx(2 * 2.5e-6 + 2 * 1e-5)


def test_unlisted_models_of_fireworks_and_together_cost_what_their_size_does():
    from ferrolite.llms.fireworks_ai.cost_calculator import cost_per_token

    assert cost_per_token("foo-17b", Usage(**USAGE))[0] == pytest.approx(9e-4)
    assert cost_calculator.fireworks_ai_cost_per_token("foo-8b", Usage(**USAGE))[0] == pytest.approx(2e-4)
    response = ModelResponse(model="together_ai/foo/bar-8b", usage=USAGE)
    assert ferrolite.completion_cost(response) == pytest.approx(2.2e-4)


def test_model_cost_is_made_when_it_is_looked_at_and_may_be_changed(call, untouched):
    assert "model_cost" not in ferrolite.__dict__
    assert isinstance(ferrolite.model_cost, dict)
    assert ferrolite.model_cost is ferrolite.model_cost
    ferrolite.model_cost["gpt-4o"]["input_cost_per_token"] = 1.0
    assert cost(call()) == pytest.approx(1000 + 100 * 1e-5)
    assert ferrolite.get_model_info("gpt-4o")["input_cost_per_token"] == 1.0
    ferrolite.model_cost["openai/my-own"] = {"litellm_provider": "openai", "input_cost_per_token": 2.0}
    assert cost(call("openai/my-own")) == 2000.0


def test_registered_models_are_listed_routed_and_priced(call, untouched):
    given = {
        "registered-by-test": {
            "litellm_provider": "openai",
            "mode": "chat",
            "input_cost_per_token": 1.0,
            "output_cost_per_token": 0.0,
            "max_tokens": 77,
            "supports_vision": True,
        }
    }
    assert ferrolite.register_model(given) is given
    assert "registered-by-test" in ferrolite.model_cost
    assert "registered-by-test" in ferrolite.open_ai_chat_completion_models
    assert ferrolite.get_llm_provider("registered-by-test")[:2] == ("registered-by-test", "openai")
    assert cost(call("registered-by-test")) == 1000.0
    assert ferrolite.get_max_tokens("registered-by-test") == 77
    assert ferrolite.supports_vision("registered-by-test")
    assert not ferrolite.supports_reasoning("registered-by-test")
    # Of a model that no other test pays for: what is registered stays with the process.
    ferrolite.register_model({"gpt-4o-2024-05-13": {"input_cost_per_token": 3.0}})
    assert ferrolite.model_cost["gpt-4o-2024-05-13"]["output_cost_per_token"] == 1.5e-5, "the rest stays"


def test_get_model_info_has_its_fields_and_can_be_told_to_forget():
    info = ferrolite.get_model_info("claude-sonnet-4-5")
    assert info["key"] == "claude-sonnet-4-5"
    assert info["max_tokens"] == info["max_output_tokens"] == 64000
    assert info["supports_vision"] is True
    assert "temperature" in info["supported_openai_params"]
    ferrolite.get_model_info.cache_clear()
    info["input_cost_per_token"] = 1
    assert ferrolite.get_model_info("claude-sonnet-4-5")["input_cost_per_token"] == 3e-6
    assert ferrolite.get_max_tokens("gpt-4o") == 16384
    assert ferrolite.get_model_info("huggingface/a/b")["input_cost_per_token"] == 0


def test_lists_derive_from_the_models():
    assert "gpt-4o" in ferrolite.model_list
    assert "claude-sonnet-4-5" in ferrolite.models_by_provider["anthropic"]
    assert "claude-sonnet-4-5" in ferrolite.anthropic_models
    assert all(ferrolite.models_by_provider["vertex_ai"])
    assert len(ferrolite.get_model_cost_map(url="")) > 4000
    with pytest.raises(AttributeError):
        _ = ferrolite.no_such_provider_models


def test_a_newer_list_is_taken_on_request(tmp_path):
    theirs = {
        "sample_spec": {"litellm_provider": "x"},
        "brand-new": {
            "litellm_provider": "openai",
            "mode": "chat",
            "max_output_tokens": 9,
            "input_cost_per_token": 0.5,
            "supports_vision": True,
        },
    }
    ours = {
        "brand-new": {
            "provider": "openai",
            "mode": "chat",
            "max_out": 9,
            "price": {"in": 0.5},
            "caps": ["vision"],
        }
    }
    show = (
        "import ferrolite; i = ferrolite.get_model_info('brand-new');"
        "print(i['max_tokens'], i['input_cost_per_token'], i['supports_vision'], len(ferrolite.model_cost),"
        "ferrolite.get_llm_provider('brand-new')[1], ferrolite.supports_vision('brand-new'))"
    )
    for number, models in enumerate((theirs, ours)):
        source, table = tmp_path / f"{number}.json", tmp_path / f"{number}" / "models.jsonl"
        source.write_text(json.dumps(models))
        environment = {"FERROLITE_MODELS": str(table), "PATH": "/usr/bin:/bin"}
        run = [sys.executable, "-m", "ferrolite", "models", "update", "--from", str(source)]
        done = subprocess.run(run, env=_env(environment), capture_output=True, text=True, check=True)
        assert done.stdout.startswith("1 models")
        run = [sys.executable, "-c", show]
        shown = subprocess.run(run, env=_env(environment), capture_output=True, text=True, check=True)
        assert shown.stdout.split() == ["9", "0.5", "True", "1", "openai", "True"]


def _env(more):
    import os

    return {**os.environ, **more}


def test_a_list_that_is_none_is_refused(tmp_path):
    source = tmp_path / "x.json"
    source.write_text('{"a": 1}')
    run = [sys.executable, "-m", "ferrolite", "models", "update", "--from", str(source)]
    environment = {"FERROLITE_MODELS": str(tmp_path / "models.jsonl")}
    done = subprocess.run(run, env=_env(environment), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "not that of a model" in done.stderr
    assert not (tmp_path / "models.jsonl").exists()


def test_costs_of_built_in_tools():
    tools = StandardBuiltInToolCostTracking
    info = {
        "search_context_cost_per_query": {"search_context_size_low": 1.0, "search_context_size_medium": 2.0}
    }
    assert tools.get_cost_for_web_search({"search_context_size": "low"}, info) == 1.0
    assert tools.get_default_cost_for_web_search(info) == 2.0
    assert tools.get_cost_for_code_interpreter(2, "openai") == pytest.approx(0.06)
    assert tools.get_cost_for_file_search({}, "azure", storage_gb=2, days=3) == pytest.approx(0.6)
    assert tools.get_cost_for_computer_use(1000, 2000, "azure") == 27.0
    cited = {
        "type": "url_citation",
        "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1},
    }
    response = ModelResponse(
        model="gpt-4o", choices=[Choices(message=Message(content="x", annotations=[cited]))]
    )
    assert tools.response_object_includes_web_search_call(response)
    assert tools.response_includes_annotation_type(response, "url_citation")


def test_a_proxy_s_cost_is_read_from_its_headers():
    read = cost_calculator.get_response_cost_from_hidden_params
    assert read({"additional_headers": {"llm_provider-x-litellm-response-cost": "0.5"}}) == 0.5
    assert read({"additional_headers": {}}) is None
    assert read({}) is None


def test_signatures_are_the_reference_s():
    names = list(inspect.signature(ferrolite.completion_cost).parameters)
    assert names[:7] == [
        "completion_response",
        "model",
        "prompt",
        "messages",
        "completion",
        "total_time",
        "call_type",
    ]
    assert names[-4:] == ["pricing_provider", "service_tier", "data_residency", "vertex_location"]
    assert list(inspect.signature(ferrolite.get_model_info).parameters) == [
        "model",
        "custom_llm_provider",
        "api_base",
        "api_key",
    ]


def test_an_answers_cost_is_found_without_a_copy_of_its_vectors():
    from unittest import mock

    from ferrolite import cost_calculator

    answer = ferrolite.EmbeddingResponse(model="m", data=[{"embedding": [0.0], "index": 0}])
    meta = mock.Mock()
    meta.cost_facts.return_value = {}
    with mock.patch.object(cost_calculator, "_cost_by_facts", return_value=1.0) as found:
        assert cost_calculator.cost_of_answer(answer, meta) == 1.0
    assert found.call_args.args[0]["data"] is answer.data
    assert found.call_args.args[0]["model"] == "m"


OWN = {"input_cost_per_token": 0.5, "output_cost_per_token": 2.0}
OWN_CACHED = {**OWN, "cache_read_input_token_cost": 0.1, "cache_creation_input_token_cost": 3.0}


@pytest.mark.parametrize(
    ("usage", "plain", "cached"),
    [
        ({}, 25.0, 25.0),
        ({"prompt_tokens_details": {"cached_tokens": 20}}, 25.0, 17.0),
        ({"prompt_tokens_details": {"cached_tokens": 20, "cache_creation_tokens": 10}}, 25.0, 42.0),
        ({"cache_read_input_tokens": 20, "cache_creation_input_tokens": 10}, 40.0, 57.0),
        ({"cache_read_input_tokens": 20}, 35.0, 27.0),
    ],
)
def test_own_prices_of_the_cache(usage, plain, cached):
    answer = {
        "model": "unlisted",
        "usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55, **usage},
    }
    for prices, wanted in ((OWN, plain), (OWN_CACHED, cached)):
        cost = ferrolite.completion_cost(answer, custom_cost_per_token=prices)
        assert cost == pytest.approx(wanted + 10.0)
        counted = ferrolite.cost_per_token(
            "x",
            50,
            5,
            cache_read_input_tokens=usage.get("cache_read_input_tokens"),
            cache_creation_input_tokens=usage.get("cache_creation_input_tokens"),
            usage_object=answer["usage"],
            custom_cost_per_token=prices,
        )
        assert counted == pytest.approx((wanted, 10.0))


def test_own_prices_without_an_answer():
    def cost(**prices):
        return ferrolite.completion_cost(model="own/x", prompt="hello world", completion="hi there", **prices)

    assert cost(custom_cost_per_token=OWN) == 5.0
    assert cost(custom_cost_per_second=2.0, total_time=1500) == 3.0
    assert ferrolite.cost_per_token("x", custom_cost_per_second=2.0, response_time_ms=500) == (0.0, 1.0)


def test_pictures_are_paid_as_asked_for():
    def cost(model, **asked):
        answer = ferrolite.ImageResponse(created=1, data=[{"url": "u"}, {"url": "u"}])
        return round(ferrolite.completion_cost(answer, model, call_type="image_generation", **asked), 6)

    one = cost("stability/sd3", n=1)
    assert (cost("stability/sd3"), cost("stability/sd3", n=3)) == (2 * one, round(3 * one, 6))
    assert cost("stability/sd3", optional_params={"n": 3}) == 2 * one
    of_count = [cost_calculator.default_image_cost_calculator("stability/sd3", n=n) for n in (None, 0, 2)]
    assert of_count == [one, 0.0, 2 * one]
    # Some are paid by what came.
    assert cost("recraft/recraftv3", n=1) == cost("recraft/recraftv3")


def test_sets_follow_what_is_registered(monkeypatch):
    monkeypatch.setattr(ferrolite, "model_cost", dict(ferrolite.model_cost))
    held, by_provider = ferrolite.anthropic_models, ferrolite.models_by_provider
    ferrolite.register_model({"a-new-claude": {"litellm_provider": "anthropic", "mode": "chat"}})
    assert "a-new-claude" in ferrolite.anthropic_models
    assert "a-new-claude" in held
    assert ferrolite.anthropic_models is held
    assert "a-new-claude" in by_provider["anthropic"]
    assert "a-new-claude" in ferrolite.models_by_provider["anthropic"]
