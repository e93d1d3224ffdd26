"""The cache of answers, over loopback."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from _upstream import HELLO, KEY, PACKAGE, Exchange, Upstream, chat, text_events

import ferrolite
from ferrolite.caching.base_cache import BaseCache
from ferrolite.caching.caching import Cache


@pytest.fixture(autouse=True)
def no_cache():
    yield
    ferrolite.cache = None


def numbered(exchange: Exchange) -> None:
    """Answers that tell which request they answer."""
    count = len(exchange.server.requests)
    body = exchange.request.json()
    if "input" in body:
        inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [
            {"object": "embedding", "index": index, "embedding": [float(count), float(len(str(one)))]}
            for index, one in enumerate(inputs)
        ]
        usage = {"prompt_tokens": 5 * len(inputs), "total_tokens": 5 * len(inputs)}
        exchange.json({"object": "list", "model": body["model"], "data": data, "usage": usage})
    elif body.get("stream"):
        exchange.stream(text_events("Hel", "lo ", str(count)))
    else:
        exchange.json(chat(f"answer {count}"))


def ask(upstream: Upstream, **more: Any) -> Any:
    return ferrolite.completion(
        **{"model": "openai/gpt", "messages": HELLO, "api_base": upstream.url, "api_key": KEY, **more}
    )


def text(answer: Any) -> str:
    return answer.choices[0].message.content


def test_a_hit_is_the_same_answer_and_marked():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        first, second = ask(upstream, caching=True), ask(upstream, caching=True)
        assert text(first) == text(second) == "answer 1"
        assert "cache_hit" not in first._hidden_params
        marks = second._hidden_params
        assert marks["cache_hit"] is True
        assert marks["response_cost"] == 0.0
        assert marks["additional_headers"] == {}
        assert marks["cache_key"] == ferrolite.cache.get_cache_key(
            model="openai/gpt", messages=HELLO, api_base=upstream.url, api_key="another"
        )
        assert second.model_dump() == first.model_dump()
        assert second is not first
        assert text(ask(upstream, temperature=0.5)) == "answer 2"
        assert text(ask(upstream, extra_body={"a": 1})) == "answer 3"
        assert text(ask(upstream, extra_body={"a": 1}, metadata={"x": 1}, timeout=7)) == "answer 3"


def test_async_and_sync_share():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        assert text(ask(upstream)) == "answer 1"
        call = ferrolite.acompletion(model="openai/gpt", messages=HELLO, api_base=upstream.url, api_key=KEY)
        assert text(asyncio.run(call)) == "answer 1"


def test_the_words_of_a_call():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        assert text(ask(upstream)) == "answer 1"
        assert text(ask(upstream, cache={"no-cache": True})) == "answer 2"
        assert text(ask(upstream)) == "answer 2", "no-cache asks, and keeps"
        assert text(ask(upstream, caching=False)) == "answer 3"
        assert text(ask(upstream)) == "answer 2"
        other = [{"role": "user", "content": "other"}]
        assert text(ask(upstream, messages=other, cache={"no-store": True})) == "answer 4"
        assert text(ask(upstream, messages=other)) == "answer 5"
        assert text(ask(upstream, cache={"namespace": "mine"})) == "answer 6"
        again = ask(upstream, cache={"namespace": "mine"})
        assert text(again) == "answer 6"
        assert again._hidden_params["cache_key"].startswith("mine:")
        assert text(ask(upstream, metadata={"redis_namespace": "mine"})) == "answer 6"


def test_answers_age():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        assert text(ask(upstream, cache={"ttl": 0.3})) == "answer 1"
        assert text(ask(upstream)) == "answer 1"
        assert text(ask(upstream, cache={"s-maxage": 60})) == "answer 1"
        time.sleep(0.35)
        assert text(ask(upstream)) == "answer 2"
        time.sleep(0.06)
        assert text(ask(upstream, cache={"s-maxage": 0.05})) == "answer 3"
        ferrolite.cache.ttl = 0.1
        assert text(ask(upstream, cache={"no-cache": True})) == "answer 4"
        assert text(ask(upstream)) == "answer 4"
        time.sleep(0.15)
        assert text(ask(upstream)) == "answer 5"


def test_modes_and_call_types():
    with Upstream(numbered) as upstream:
        ferrolite.cache = Cache(mode="default_off")
        assert [text(ask(upstream, caching=on)) for on in (True, True)] == ["answer 1", "answer 2"]
        use = {"use-cache": True}
        assert [text(ask(upstream, cache=use)) for _ in range(2)] == ["answer 3", "answer 3"]
        ferrolite.cache = Cache(supported_call_types=["embedding"])
        assert [text(ask(upstream)) for _ in range(2)] == ["answer 4", "answer 5"]
        ferrolite.cache.supported_call_types = ["completion"]
        assert [text(ask(upstream)) for _ in range(2)] == ["answer 6", "answer 6"]


def test_failures_are_not_kept():
    ferrolite.cache = Cache()

    def answer(exchange: Exchange) -> None:
        if len(exchange.server.requests) == 1:
            exchange.json({"error": {"message": "no"}}, status=400)
        else:
            numbered(exchange)

    with Upstream(answer) as upstream:
        with pytest.raises(ferrolite.BadRequestError):
            ask(upstream)
        assert text(ask(upstream)) == "answer 2"
        assert text(ask(upstream)) == "answer 2"


def test_a_stream_is_replayed_as_a_stream():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        streams = [ask(upstream, stream=True) for _ in range(1)]
        chunks = [list(streams[0])]
        streams.append(ask(upstream, stream=True))
        chunks.append(list(streams[1]))
        assert len(upstream.requests) == 1
        wholes = [ferrolite.stream_chunk_builder(one) for one in chunks]
        assert wholes[0].model_dump() == wholes[1].model_dump()
        assert text(wholes[1]) == "Hello 1"
        assert "cache_hit" not in streams[0]._hidden_params
        assert streams[1]._hidden_params["cache_hit"] is True
        assert text(ask(upstream)) == "answer 2", "a whole answer is another question"

        async def read() -> list[Any]:
            stream = await ferrolite.acompletion(
                model="openai/gpt", messages=HELLO, api_base=upstream.url, api_key=KEY, stream=True
            )
            return [chunk async for chunk in stream]

        again = ferrolite.stream_chunk_builder(asyncio.run(read()))
        assert again.model_dump() == wholes[0].model_dump()
        assert len(upstream.requests) == 2


def test_str_14_a_stream_that_was_left_is_not_kept():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        stream = ask(upstream, stream=True)
        next(stream)
        stream.close()
        whole = ferrolite.stream_chunk_builder(list(ask(upstream, stream=True)))
        assert text(whole) == "Hello 2"


def test_a_stream_may_keep_its_counts():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        options = {"include_usage": True}
        for _ in range(2):
            chunks = list(ask(upstream, stream=True, stream_options=options))
        assert len(upstream.requests) == 1
        assert chunks


def embed(upstream: Upstream, input: Any, **more: Any) -> Any:
    return ferrolite.embedding(
        model="openai/e", input=input, api_base=upstream.url, api_key=KEY, caching=True, **more
    )


def vectors(answer: Any) -> list[tuple[int, list[float]]]:
    return [(item["index"], item["embedding"]) for item in answer.data]


def test_vectors_are_kept_one_by_one():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        assert vectors(embed(upstream, ["a", "bb"])) == [(0, [1.0, 1.0]), (1, [1.0, 2.0])]
        partial = embed(upstream, ["bb", "ccc", "a"])
        assert vectors(partial) == [(0, [1.0, 2.0]), (1, [2.0, 3.0]), (2, [1.0, 1.0])]
        assert upstream.requests[1].json()["input"] == ["ccc"]
        assert partial._hidden_params["cache_hit"] is True
        assert partial._hidden_params["response_cost"] is None
        assert partial.usage.prompt_tokens == 15
        whole = asyncio.run(
            ferrolite.aembedding(model="openai/e", input="ccc", api_base=upstream.url, api_key=KEY)
        )
        assert vectors(whole) == [(0, [2.0, 3.0])]
        assert whole._hidden_params["response_cost"] == 0.0
        assert whole.usage.prompt_tokens == 5
        assert len(upstream.requests) == 2
        assert vectors(embed(upstream, "ccc", user="u")) == [(0, [3.0, 3.0])], "other parameters"


def test_mock_answers_are_kept():
    ferrolite.cache = Cache()
    ask_mock = lambda said: ferrolite.completion(model="gpt-4o", messages=HELLO, mock_response=said)  # noqa: E731
    assert [text(ask_mock(said)) for said in ("one", "two")] == ["one", "one"]


def test_answers_are_reached_by_hand():
    cache = ferrolite.cache = Cache()
    asked = {"model": "openai/gpt", "messages": HELLO, "api_key": KEY}
    with Upstream(numbered) as upstream:
        answer = ask(upstream)
        kept = cache.get_cache(**asked, api_base=upstream.url)
        assert kept["choices"][0]["message"]["content"] == "answer 1"
        assert cache.get_cache(**asked, api_base=upstream.url, cache={"s-maxage": 0}) is None
        assert cache.get_cache(**asked, temperature=1, api_base=upstream.url) is None
        cache.add_cache(answer, **asked, temperature=1, api_base=upstream.url)
        again = ask(upstream, temperature=1)
        assert text(again) == "answer 1"
        assert again._hidden_params["cache_hit"] is True
        found = asyncio.run(cache.async_get_cache(**asked, temperature=1, api_base=upstream.url))
        assert found["id"] == answer.id
        key = cache.get_cache_key(**asked, api_base=upstream.url)
        asyncio.run(cache.delete_cache_keys([key]))
        assert cache.get_cache(**asked, api_base=upstream.url) is None
        assert text(ask(upstream)) == "answer 2"
        cache.cache.flush_cache()
        assert text(ask(upstream)) == "answer 3"


def test_a_key_needs_no_model():
    cache = Cache(namespace="mine")
    assert cache.get_cache_key(input="x") != cache.get_cache_key(input="y")
    assert cache.get_cache_key(input="x").startswith("mine:")
    assert len(Cache().get_cache_key()) == 64


class Memory(BaseCache):
    """A store of a program's own."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.kept: dict[str, Any] = {}
        self.fails = fails

    def set_cache(self, key: str, value: Any, **kwargs: Any) -> None:
        if self.fails:
            raise OSError("the disk is full")
        self.kept[key] = json.loads(json.dumps(value))

    def get_cache(self, key: str, **kwargs: Any) -> Any:
        if self.fails:
            raise OSError("there is no disk")
        return self.kept.get(key)


def test_a_store_of_a_programs_own():
    store = Memory()
    ferrolite.cache = Cache(_backend=store)
    with Upstream(numbered) as upstream:
        assert [text(ask(upstream)) for _ in range(2)] == ["answer 1", "answer 1"]
        assert set(next(iter(store.kept.values()))) == {"timestamp", "response"}
        hit = ask(upstream)
        assert hit._hidden_params["cache_hit"] is True
        assert hit._hidden_params["cache_key"] in store.kept
        folded = [ferrolite.stream_chunk_builder(list(ask(upstream, stream=True))) for _ in range(2)]
        assert [text(one) for one in folded] == ["Hello 2", "Hello 2"]
        assert [vectors(embed(upstream, ["a"])) for _ in range(2)] == [[(0, [3.0, 1.0])]] * 2

        async def twice() -> list[str]:
            call = {"model": "openai/gpt", "api_base": upstream.url, "api_key": KEY, "top_p": 0.5}
            return [text(await ferrolite.acompletion(messages=HELLO, **call)) for _ in range(2)]

        assert asyncio.run(twice()) == ["answer 4", "answer 4"]
        assert len(upstream.requests) == 4


def test_a_programs_own_store_keeps_complete_answers_only():
    ferrolite.cache = Cache(_backend=Memory())
    told: dict[str, Any] = {}

    def respond(exchange: Exchange) -> None:
        head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt", "output": []}
        exchange.json({**head, **told})

    with Upstream(respond) as upstream:

        def ask_response() -> int:
            for _ in range(2):
                ferrolite.responses(input="hi", model="openai/gpt", api_base=upstream.url, api_key=KEY)
            return len(upstream.requests)

        for count, status in enumerate(("queued", "in_progress", "failed", "incomplete"), 1):
            told["status"] = status
            assert ask_response() == 2 * count, status
        told["status"] = "completed"
        assert ask_response() == 9


def test_a_programs_own_store_keeps_streams_with_an_end_only(monkeypatch: pytest.MonkeyPatch):
    from ferrolite import _cached
    from ferrolite.types.utils import ModelResponseStream

    def chunk(said: str, end: str | None = None, index: int = 0) -> Any:
        choice = {"index": index, "delta": {"content": said}, "finish_reason": end}
        return ModelResponseStream(id="a", created=1, model="m", choices=[choice])

    def whole(*chunks: Any) -> Any:
        seen = _cached.Seen()
        for one in chunks:
            seen.add(one)
        return seen.whole()

    assert text(whole(chunk("Hel"), chunk("lo", "stop"))) == "Hello"
    assert whole() is None
    assert whole(chunk("Hel"), chunk("lo")) is None
    assert whole(chunk("a", "stop"), chunk("b", None, 1)) is None
    monkeypatch.setattr(_cached, "_LARGEST", 1000)
    assert whole(*[chunk("x" * 100)] * 20, chunk("", "stop")) is None
    seen = _cached.Seen()
    for _ in range(1000):
        seen.add(chunk("x" * 100))
    assert seen.chunks == []


def test_a_call_type_is_meant_for_both_kinds_of_call():
    for types in (["completion"], ["acompletion"]):
        ferrolite.cache = Cache(_backend=Memory(), supported_call_types=types)
        with Upstream(numbered) as upstream:

            async def aask(base: str) -> str:
                call = {"model": "openai/gpt", "api_base": base, "api_key": KEY}
                return text(await ferrolite.acompletion(messages=HELLO, **call))

            assert text(ask(upstream)) == "answer 1"
            assert asyncio.run(aask(upstream.url)) == "answer 1"
            assert len(vectors(embed(upstream, ["a"]))) == len(vectors(embed(upstream, ["a"]))) == 1
            assert len(upstream.requests) == 3


def test_a_key_is_made_once_for_a_call(monkeypatch: pytest.MonkeyPatch):
    from ferrolite import _core
    from ferrolite.caching import caching

    made: list[str | None] = []

    class Maker:
        own = _core.CoreCache({"type": "local", "max_bytes": 0})

        def key(self, *arguments: Any) -> str | None:
            made.append(self.own.key(*arguments))
            return made[-1]

    monkeypatch.setattr(caching, "_maker", Maker())
    ferrolite.cache = Cache(_backend=Memory())
    with Upstream(numbered) as upstream:
        ask(upstream)
        assert len(made) == 1
        assert ask(upstream)._hidden_params["cache_key"] == made[0] == made[1]
        assert len(made) == 2


def test_a_store_that_fails_fails_nobody():
    ferrolite.cache = Cache(_backend=Memory(fails=True))
    with Upstream(numbered) as upstream:
        assert [text(ask(upstream)) for _ in range(2)] == ["answer 1", "answer 2"]


def test_keys_of_a_programs_own():
    cache = ferrolite.cache = Cache()
    cache.get_cache_key = lambda **kwargs: "one for all"
    with Upstream(numbered) as upstream:
        assert text(ask(upstream)) == "answer 1"
        assert text(ask(upstream, messages=[{"role": "user", "content": "other"}])) == "answer 1"
        del cache.get_cache_key
        assert text(ask(upstream)) == "answer 2"


def test_a_subclass_is_asked():
    seen: list[str] = []

    class Mine(Cache):
        def get_cache(self, *args: Any, **kwargs: Any) -> Any:
            seen.append("get")
            return super().get_cache(*args, **kwargs)

        def add_cache(self, result: Any, **kwargs: Any) -> None:
            seen.append("add")
            super().add_cache(result, **kwargs)

    ferrolite.cache = Mine()
    with Upstream(numbered) as upstream:
        assert [text(ask(upstream)) for _ in range(2)] == ["answer 1", "answer 1"]
    assert seen == ["get", "add", "get"]


def test_enable_update_disable():
    ferrolite.enable_cache()
    first = ferrolite.cache
    assert isinstance(first, Cache)
    ferrolite.enable_cache(type="local")
    assert ferrolite.cache is first
    ferrolite.update_cache(namespace="x")
    assert ferrolite.cache is not first
    assert ferrolite.cache.namespace == "x"
    ferrolite.disable_cache()
    assert ferrolite.cache is None


def test_a_cache_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="tape"):
        Cache(type="tape")
    with pytest.raises(ferrolite.BadRequestError, match="s3_bucket_name"):
        Cache(type="s3")


def test_disk_is_shared_and_lasts(tmp_path: Any):
    script = f"""
import sys; sys.path.insert(0, {PACKAGE!r}); sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
import ferrolite
from ferrolite.caching.caching import Cache
ferrolite.cache = Cache(type="disk", disk_cache_dir={str(tmp_path)!r})
answer = ferrolite.completion(model="openai/gpt", messages=[{{"role": "user", "content": "Hello"}}],
    api_base=sys.argv[1], api_key="k-of-the-test")
print(answer.choices[0].message.content)
"""
    with Upstream(numbered) as upstream:
        runs = [
            subprocess.run(
                [sys.executable, "-c", script, upstream.url], capture_output=True, text=True, check=True
            )
            for _ in range(2)
        ]
        assert [run.stdout for run in runs] == ["answer 1\n", "answer 1\n"], runs
        ferrolite.cache = Cache(type="disk", disk_cache_dir=str(tmp_path))
        assert text(ask(upstream)) == "answer 1"


def test_the_constructor_is_the_references():
    names = list(inspect.signature(Cache).parameters)
    assert names[:11] == [
        "type",
        "mode",
        "host",
        "port",
        "password",
        "namespace",
        "ttl",
        "default_in_memory_ttl",
        "default_in_redis_ttl",
        "similarity_threshold",
        "supported_call_types",
    ]
    assert names[-2:] == ["_backend", "kwargs"]
    assert len(names) == 48
    assert list(inspect.signature(ferrolite.enable_cache).parameters) == [
        "type",
        "host",
        "port",
        "password",
        "supported_call_types",
        "kwargs",
    ]


def test_stores_by_hand(tmp_path: Any):
    from ferrolite.caching import DiskCache, DualCache, InMemoryCache

    now = [0.0]
    memory = InMemoryCache(max_size_in_memory=2, default_ttl=10, clock=lambda: now[0])
    for name in "abc":
        memory.set_cache(name, name, ttl=ord(name))
    assert [memory.get_cache(name) for name in "abc"] == [None, "b", "c"]
    memory.set_cache("b", 1)
    assert memory.increment_cache("b", 2) == 3
    now[0] = 11.0
    assert memory.get_cache("b") is None

    def meanwhile() -> float:
        """Another thread empties the cache while one looks at the clock."""
        thread = threading.Thread(target=memory.flush_cache)
        thread.start()
        thread.join(0.1)
        others.append(thread)
        return now[0]

    others: list[threading.Thread] = []
    memory.set_cache("d", "d")
    memory._clock = meanwhile
    assert memory.get_cache("d") == "d"
    memory._clock = lambda: now[0]
    for thread in others:
        thread.join()
    assert memory.get_cache("d") is None
    disk = DiskCache(str(tmp_path))
    disk.set_cache("a", {"x": [1, None]})
    assert disk.get_cache("a") == {"x": [1, None]}
    assert disk.get_cache("b") is None
    asyncio.run(disk.async_set_cache_pipeline([("b", 2), ("c", 3)], ttl=60))
    assert asyncio.run(disk.async_batch_get_cache(["a", "b", "c", "d"])) == [{"x": [1, None]}, 2, 3, None]
    disk.delete_cache("a")
    assert disk.get_cache("a") is None
    dual = DualCache(redis_cache=disk)  # pyright: ignore[reportArgumentType] - anything with its methods
    assert dual.get_cache("b") == 2
    disk.flush_cache()
    assert dual.get_cache("b") == 2
    assert dual.get_cache("c") is None
    local = Cache().cache
    assert isinstance(local, InMemoryCache)
    local.set_cache("n", 1)
    assert local.increment_cache("n", 1) == 2
    assert local.get_cache("n") == 2


def test_nothing_is_loaded_without_a_cache():
    script = f"""
import sys; sys.path.insert(0, {PACKAGE!r})
import ferrolite
ferrolite.completion(model="gpt-4o", messages=[{{"role": "user", "content": "x"}}], mock_response="y")
print([name for name in sys.modules if "cach" in name and name.startswith("ferrolite")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_callbacks_are_told_of_hits():
    told: list[tuple[Any, Any]] = []
    ferrolite.cache = Cache()
    ferrolite.success_callback = [
        lambda kwargs, response, start, end: told.append((kwargs["cache_hit"], kwargs["response_cost"]))
    ]
    try:
        with Upstream(numbered) as upstream:
            for stream in (False, True):
                for _ in range(2):
                    answer = ask(upstream, model="openai/gpt-4o", stream=stream)
                    if stream:
                        list(answer)
                until = time.monotonic() + 10
                while sum(hit is True for hit, _ in told) < (2 if stream else 1) and time.monotonic() < until:
                    time.sleep(0.01)
            assert len(upstream.requests) == 2
    finally:
        ferrolite.success_callback = []
    assert all(cost == 0.0 for hit, cost in told if hit)
    assert any(cost for hit, cost in told if not hit)


def test_a_provider_of_a_programs_own_is_asked_once():
    calls: list[str] = []

    class Own(ferrolite.CustomLLM):
        def completion(self, *args: Any, **kwargs: Any) -> Any:
            calls.append("completion")
            response = kwargs["model_response"]
            response.choices[0].message.content = f"own {len(calls)}"
            return response

    ferrolite.cache = Cache()
    ferrolite.custom_provider_map = [{"provider": "own", "custom_handler": Own()}]
    try:
        answers = [ferrolite.completion(model="own/m", messages=HELLO) for _ in range(2)]
    finally:
        ferrolite.custom_provider_map = []
    assert [text(answer) for answer in answers] == ["own 1", "own 1"]
    assert answers[1]._hidden_params["cache_hit"] is True


def test_partial_hits_cost_what_was_asked():
    ferrolite.cache = Cache()
    with Upstream(numbered) as upstream:
        call = {"model": "openai/text-embedding-3-small", "api_base": upstream.url, "api_key": KEY}
        costs = [
            ferrolite.embedding(input=input, **call)._hidden_params["response_cost"]
            for input in (["a", "b"], ["a", "b", "c"], ["a", "c"])
        ]
    assert costs[0] == pytest.approx(2e-7)
    assert costs[1] == pytest.approx(1e-7)
    assert costs[2] == 0.0
