"""A router: load balancing, fallbacks, aliases, tags, and a stream that is continued elsewhere.

Runs against the mock provider; with keys of your own, leave out `api_base`.
"""

import asyncio

from ferrolite import Router
from ferrolite.testing import MockServer

MESSAGES = [{"role": "user", "content": "Tell me about the fjords"}]


def deployment(mock, group, name, **more):
    params = {"model": "openai/gpt-4o", "api_base": f"{mock.base_url}/v1", "api_key": "any", **more}
    return {"model_name": group, "litellm_params": params, "model_info": {"id": name}}


def balanced(mock):
    router = Router([deployment(mock, "chat", "most", weight=9), deployment(mock, "chat", "few", weight=1)])
    served = [router.completion("chat", MESSAGES)._hidden_params["model_id"] for _ in range(100)]
    print(f"most of the calls: {served.count('most') > served.count('few')}")


def fallen_back(mock):
    broken = {"extra_headers": {"x-mock-status": "500"}}
    router = Router(
        [deployment(mock, "chat", "broken", **broken), deployment(mock, "spare", "spare")],
        fallbacks=[{"chat": ["spare"]}],
        num_retries=0,
        model_group_alias={"gpt-4": "chat"},
    )
    response = router.completion("gpt-4", MESSAGES)
    headers = response._hidden_params["additional_headers"]
    print(f"answered by {headers['x-litellm-model-group']}: {response.choices[0].message.content}")


async def tagged(mock):
    router = Router(
        [deployment(mock, "chat", "free", tags=["free"]), deployment(mock, "chat", "paid", tags=["paid"])],
        enable_tag_filtering=True,
    )
    response = await router.acompletion("chat", MESSAGES, metadata={"tags": ["paid"]})
    print(f"tagged: {response._hidden_params['model_id']}")


def main():
    with MockServer() as mock:
        balanced(mock)
        fallen_back(mock)
        asyncio.run(tagged(mock))


if __name__ == "__main__":
    main()
