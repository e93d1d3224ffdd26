"""What the reference's documentation of its Router shows, as a program: load balancing, fallbacks, aliases, tags.

python -m ferrolite.dropin tests/clients/router_docs.py
python tests/clients/router_docs.py        with the original
"""

import asyncio
import os

from _provider import Fail, Provider, done, raised
from litellm import Router
from litellm.exceptions import BadRequestError, RateLimitError
from litellm.router import AllowedFailsPolicy, RetryPolicy
from litellm.types.router import CustomRoutingStrategyBase

MESSAGES = [{"role": "user", "content": "Hey, how's it going?"}]
FAILURES = {
    "down": Fail(500, "the server is down"),
    "limited": Fail(429, "too many requests"),
    "short": Fail(400, "This model's maximum context length is 5 tokens. However, you requested 50 tokens."),
    "wrong": Fail(400, "this request is wrong"),
}


def answer(body):
    """Each model says its name, or fails as that says."""
    return FAILURES.get(body["model"], f"from {body['model']}")


def deployment(group, model, **params):
    return {
        "model_name": group,
        "litellm_params": {"model": f"openai/{model}", "api_key": os.getenv("OPENAI_API_KEY"), **params},
    }


def text(response):
    return response.choices[0].message.content


with Provider(always=answer) as provider:
    os.environ |= {
        "AZURE_API_KEY": "azure-key",
        "AZURE_API_BASE": provider.origin,
        "AZURE_API_VERSION": "2024-10-21",
    }

    def asked():
        """The models that were asked since the last time."""
        models = [body["model"] for body in provider.chats]
        provider.requests.clear()
        return models

    # Load balancing over places and providers

    azure = {
        "api_key": os.getenv("AZURE_API_KEY"),
        "api_version": os.getenv("AZURE_API_VERSION"),
        "api_base": os.getenv("AZURE_API_BASE"),
    }
    model_list = [
        {"model_name": "chat", "litellm_params": {"model": "azure/chat-one", **azure}},
        {"model_name": "chat", "litellm_params": {"model": "azure/chat-two", **azure}},
        deployment("chat", "chat-three"),
        {
            "model_name": "big",
            "litellm_params": {
                "model": "azure/big-one",
                "api_key": "os.environ/AZURE_API_KEY",
                "api_base": "os.environ/AZURE_API_BASE",
                "api_version": "os.environ/AZURE_API_VERSION",
            },
        },
    ]
    router = Router(model_list=model_list)

    async def several():
        return await asyncio.gather(*(router.acompletion(model="chat", messages=MESSAGES) for _ in range(40)))

    answers = [text(one) for one in asyncio.run(several())]
    assert set(answers) == {"from chat-one", "from chat-two", "from chat-three"}
    assert sorted(answers) == sorted(f"from {model}" for model in asked())
    assert text(router.completion(model="big", messages=MESSAGES)) == "from big-one"
    path, _, headers = provider.requests[-1]
    assert (path, headers["api-key"]) == ("/openai/deployments/big-one/chat/completions", "azure-key")
    stream = router.completion(model="big", messages=MESSAGES, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "from big-one"

    async def streamed():
        stream = await router.acompletion(model="big", messages=MESSAGES, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(streamed()) == "from big-one"
    assert set(router.get_model_names()) == {"chat", "big"}
    assert [one["model_name"] for one in router.get_model_list()] == ["chat", "chat", "chat", "big"]
    asked()

    # By weight, and by requests a minute

    shares = [{"weight": 9}, {"weight": 1}], [{"rpm": 900}, {"rpm": 10}]
    for often, rarely in shares:
        router = Router([deployment("chat", "often", **often), deployment("chat", "rarely", **rarely)])
        for _ in range(60):
            router.completion(model="chat", messages=MESSAGES)
        models = asked()
        assert models.count("often") > models.count("rarely")

    # Strategies by name

    pair = [deployment("chat", "one"), deployment("chat", "two")]
    for strategy, arguments in [
        ("simple-shuffle", {}),
        ("least-busy", {}),
        ("latency-based-routing", {"ttl": 10, "lowest_latency_buffer": 0.5}),
        ("usage-based-routing-v2", {}),
    ]:
        router = Router(
            pair,
            routing_strategy=strategy,
            routing_strategy_args=arguments,
            enable_pre_call_checks=True,
            set_verbose=False,
        )

        async def call(router=router):
            return await router.acompletion(model="chat", messages=MESSAGES)

        assert text(asyncio.run(call())) in {"from one", "from two"}
    priced = [
        deployment("chat", "dear", input_cost_per_token=0.03, output_cost_per_token=0.03),
        deployment("chat", "cheap", input_cost_per_token=0.001, output_cost_per_token=0.001),
    ]
    router = Router(priced, routing_strategy="cost-based-routing")
    asked()

    async def cheapest():
        return [await router.acompletion(model="chat", messages=MESSAGES) for _ in range(5)]

    asyncio.run(cheapest())
    assert asked() == ["cheap"] * 5

    # A strategy of one's own

    class Second(CustomRoutingStrategyBase):
        async def async_get_available_deployment(
            self, model, messages=None, input=None, specific_deployment=False, request_kwargs=None
        ):
            return next(one for one in router.model_list if one["litellm_params"]["model"] == "openai/two")

        def get_available_deployment(
            self, model, messages=None, input=None, specific_deployment=False, request_kwargs=None
        ):
            raise NotImplementedError

    router = Router(pair)
    router.set_custom_routing_strategy(Second())
    asyncio.run(cheapest())
    assert asked() == ["two"] * 5

    # Fallbacks: of a group, for prompts that are too long, for content policies, for all

    groups = [deployment(name, name) for name in ("down", "short", "strict", "spare", "long", "open", "last")]
    router = Router(
        groups,
        fallbacks=[{"down": ["spare"]}],
        context_window_fallbacks=[{"short": ["long"]}],
        content_policy_fallbacks=[{"strict": ["open"]}],
        default_fallbacks=["last"],
        num_retries=0,
    )
    for model, by in [("down", "spare"), ("short", "long"), ("nobody", "last")]:
        assert text(router.completion(model=model, messages=MESSAGES)) == f"from {by}", model
    for switch, model, by in [
        ("mock_testing_fallbacks", "spare", "last"),
        ("mock_testing_content_policy_fallbacks", "strict", "open"),
    ]:
        response = router.completion(model=model, messages=MESSAGES, **{switch: True})
        assert text(response) == f"from {by}", switch
    router = Router(groups, num_retries=0)
    assert text(router.completion(model="down", messages=MESSAGES, fallbacks=["spare"])) == "from spare"
    asked()

    # Retries, for each kind of failure as many as one likes

    router = Router(
        [deployment("limited", "limited"), deployment("wrong", "wrong")],
        retry_policy=RetryPolicy(RateLimitErrorRetries=2, BadRequestErrorRetries=0),
        allowed_fails_policy=AllowedFailsPolicy(RateLimitErrorAllowedFails=100),
        num_retries=1,
    )
    for model, failure, attempts in [("limited", RateLimitError, 3), ("wrong", BadRequestError, 1)]:
        error = raised(failure, router.completion, model=model, messages=MESSAGES)
        assert error.status_code == FAILURES[model].status
        assert asked() == [model] * attempts

    # A deployment that fails is left alone

    router = Router(
        [deployment("chat", "down"), deployment("chat", "good")],
        allowed_fails=0,
        cooldown_time=60,
        num_retries=3,
    )
    for _ in range(20):
        assert text(router.completion(model="chat", messages=MESSAGES)) == "from good"
    assert asked().count("down") < 5

    # Other names

    router = Router(
        [deployment("big", "one")],
        model_group_alias={"large": "big", "secret": {"model": "big", "hidden": True}},
    )
    for name in ("big", "large", "secret"):
        assert text(router.completion(model=name, messages=MESSAGES)) == "from one"
    assert {"large"} == {one for one in router.get_model_names() if one != "big"}
    router = Router([deployment("openai/*", "*"), deployment("exact", "one")])
    assert text(router.completion(model="openai/anything", messages=MESSAGES)) == "from anything"
    asked()

    # Tags

    router = Router(
        [
            deployment("chat", "free", tags=["free"]),
            deployment("chat", "paid", tags=["paid"]),
            deployment("chat", "other", tags=["default"]),
        ],
        enable_tag_filtering=True,
    )

    async def tagged(**more):
        return text(await router.acompletion(model="chat", messages=MESSAGES, **more))

    for tag in ("free", "paid"):
        assert asyncio.run(tagged(metadata={"tags": [tag]})) == f"from {tag}"
    assert asyncio.run(tagged()) == "from other"

    # Several at once, and the other kinds of calls

    router = Router([deployment("a", "one"), deployment("b", "two")])
    both = asyncio.run(router.abatch_completion(models=["a", "b"], messages=MESSAGES))
    assert [text(one) for one in both] == ["from one", "from two"]
    fastest = asyncio.run(router.abatch_completion_fastest_response(model="a, b", messages=MESSAGES))
    assert text(fastest) in {"from one", "from two"}
    embedded = asyncio.run(router.aembedding(model="a", input=["good morning"]))
    assert len(embedded.data) == 1
    assert provider.embeddings[-1]["model"] == "one"

done(program="router-docs")
