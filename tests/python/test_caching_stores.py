"""Caches in stores of other processes: Redis where it is installed, S3 and Qdrant as stand-ins on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from _upstream import HELLO, KEY, PACKAGE, Exchange, Upstream, chat, shut, text_events

import ferrolite
from ferrolite.caching.caching import Cache

REDIS = shutil.which("redis-server") or shutil.which("valkey-server")
needs_redis = pytest.mark.skipif(REDIS is None, reason="no redis-server is installed")


@pytest.fixture(autouse=True)
def no_cache():
    yield
    ferrolite.cache = None


def numbered(exchange: Exchange) -> None:
    if exchange.request.json().get("stream"):
        exchange.stream(text_events("Hel", f"lo {exchange.number}"))
    else:
        exchange.json(chat(f"answer {exchange.number}"))


def ask(upstream: Upstream, **more: Any) -> Any:
    return ferrolite.completion(
        **{"model": "openai/gpt", "messages": HELLO, "api_base": upstream.url, "api_key": KEY, **more}
    )


def text(answer: Any) -> str:
    return answer.choices[0].message.content


# Redis


class Server:
    """A Redis server of the test's own."""

    def __init__(self, *options: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.options = options
        self.start()

    def start(self) -> None:
        port = [] if "--tls-port" in self.options else ["--port", str(self.port)]
        options = [option.replace("PORT", str(self.port)) for option in self.options]
        self.process = subprocess.Popen(
            [str(REDIS), *port, "--bind", "127.0.0.1", "--save", "", *options], stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.01)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server("--requirepass", "secret-of-redis")
    yield made
    made.stop()


@needs_redis
def test_redis_keeps_answers_and_streams(server: Server):
    def cache(**more: Any) -> Cache:
        return Cache(
            type="redis", host="127.0.0.1", port=str(server.port), password="secret-of-redis", **more
        )

    ferrolite.cache = cache(namespace="app", ttl=60)
    with Upstream(numbered) as upstream:
        answers = [ask(upstream) for _ in range(2)]
        assert [text(answer) for answer in answers] == ["answer 1", "answer 1"]
        key = answers[1]._hidden_params["cache_key"]
        assert key.startswith("app:")
        wholes = [ferrolite.stream_chunk_builder(list(ask(upstream, stream=True))) for _ in range(2)]
        assert wholes[0].model_dump() == wholes[1].model_dump()
        assert text(wholes[1]) == "Hello 2"
        asyncio.run(ferrolite.cache.disconnect())
        ferrolite.cache = cache(namespace="app")
        assert text(ask(upstream)) == "answer 1", "another connection, another process"
        assert asyncio.run(ferrolite.cache.ping()) is True
        assert ferrolite.cache.cache.get_cache(key)["response"]["chat"]["choices"]
        asyncio.run(ferrolite.cache.delete_cache_keys([key]))
        assert text(ask(upstream)) == "answer 3"

        others = cache().cache
        others.set_cache("of others", 1)
        ferrolite.cache.cache.flush_cache()
        assert others.get_cache("of others") == 1, "a namespace is cleared by itself"
        assert text(ask(upstream)) == "answer 4"

        async def many() -> list[str]:
            call = {"model": "openai/gpt", "messages": HELLO, "api_base": upstream.url, "api_key": KEY}
            answers = await asyncio.gather(*(ferrolite.acompletion(**call) for _ in range(50)))
            return [text(answer) for answer in answers]

        assert set(asyncio.run(many())) == {"answer 4"}

        later = cache()
        asyncio.run(later.ping())  # opened before it has its namespace
        later.namespace = "app"
        later.cache.flush_cache()
        assert others.get_cache("of others") == 1, "a namespace that was set later, too"
        assert text(ask(upstream)) == "answer 5"


@needs_redis
def test_redis_that_dies_and_comes_back_fails_nobody(server: Server):
    ferrolite.cache = Cache(
        type="redis", url=f"redis://:secret-of-redis@127.0.0.1:{server.port}/0", socket_timeout=0.5
    )
    with Upstream(numbered) as upstream:
        assert [text(ask(upstream)) for _ in range(2)] == ["answer 1", "answer 1"]
        asyncio.run(ferrolite.cache.disconnect())
        server.stop()
        started = time.monotonic()
        assert [text(ask(upstream)) for _ in range(3)] == ["answer 2", "answer 3", "answer 4"]
        assert time.monotonic() - started < 3
        server.start()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            ask(upstream)
            if ask(upstream)._hidden_params.get("cache_hit"):
                break
            time.sleep(0.2)
        assert ask(upstream)._hidden_params.get("cache_hit") is True


@needs_redis
def test_redis_with_a_wrong_password_says_so_and_no_more(server: Server, caplog: pytest.LogCaptureFixture):
    cache = ferrolite.cache = Cache(
        type="redis", host="127.0.0.1", port=str(server.port), password="wrong-secret-of-redis"
    )
    with Upstream(numbered) as upstream:
        assert text(ask(upstream)) == "answer 1"
    with pytest.raises(ferrolite.APIConnectionError) as raised:
        asyncio.run(cache.ping())
    assert "Redis" in str(raised.value)
    assert "wrong-secret" not in str(raised.value)


@needs_redis
def test_redis_by_the_environment_and_after_a_fork(server: Server):
    script = f"""
import os, sys; sys.path.insert(0, {PACKAGE!r})
import ferrolite
ferrolite.cache = ferrolite.Cache(type="redis")
def ask(): return ferrolite.completion(model="openai/gpt", messages=[{{"role": "user", "content": "x"}}],
    api_base=sys.argv[1], api_key="k-of-the-test").choices[0].message.content
print(ask(), flush=True)
child = os.fork()
if not child:
    print(ask(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    import sys

    variables = {**os.environ, "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port)}
    variables |= {"REDIS_PASSWORD": "secret-of-redis"}
    variables.pop("REDIS_URL", None)
    with Upstream(numbered) as upstream:
        done = subprocess.run(
            [sys.executable, "-c", script, upstream.url],
            capture_output=True,
            text=True,
            env=variables,
            check=True,
        )
        assert done.stdout == "answer 1\nanswer 1\n", done


@needs_redis
def test_redis_over_tls(tmp_path: Any):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl is installed")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        ],
        check=True,
        capture_output=True,
    )
    files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate]
    server = Server("--port", "0", "--tls-port", "PORT", "--tls-auth-clients", "no", *files)
    if server.process.poll() is not None:
        pytest.skip("this redis-server has no TLS")
    try:
        with Upstream(numbered) as upstream:
            for more in ({"ssl_ca_certs": certificate}, {"ssl_cert_reqs": "none"}):
                cache = ferrolite.cache = Cache(
                    type="redis", host="localhost", port=str(server.port), ssl=True, **more
                )
                assert asyncio.run(cache.ping()) is True
            ferrolite.cache.cache.set_cache("a", {"b": 1})
            assert ferrolite.cache.cache.get_cache("a") == {"b": 1}
            refused = Cache(type="redis", host="localhost", port=str(server.port), ssl=True)
            with pytest.raises(ferrolite.APIConnectionError):
                asyncio.run(refused.ping())
            assert text(ask(upstream)) == "answer 1"
    finally:
        server.stop()


def test_a_redis_that_hangs_holds_nobody_up():
    with socket.create_server(("127.0.0.1", 0)) as silent, Upstream(numbered) as upstream:
        ferrolite.cache = Cache(
            type="redis", host="127.0.0.1", port=str(silent.getsockname()[1]), time_limit=0.2
        )
        started = time.monotonic()
        assert [text(ask(upstream)) for _ in range(5)] == [f"answer {count}" for count in range(1, 6)]
        assert time.monotonic() - started < 2


# S3


class Bucket:
    """A bucket that checks signatures as AWS describes them."""

    def __init__(self, secret: str = "s3-secret-key") -> None:
        self.secret = secret
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.wrong: list[str] = []

    def answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if not self._is_signed(request):
            self.wrong.append(request.path)
            exchange.reply(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif request.method == "PUT":
            kept = {name: value for name, value in request.headers.items() if name.startswith("x-amz-meta-")}
            self.objects[request.path] = (request.body, kept)
            exchange.reply(200, b"")
        elif request.method == "DELETE":
            self.objects.pop(request.path, None)
            exchange.reply(204, b"")
        elif request.path in self.objects:
            exchange.reply(200, *self.objects[request.path])
        else:
            exchange.reply(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _is_signed(self, request: Any) -> bool:
        said = request.headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ")
        parts = dict(part.strip().split("=", 1) for part in said.split(","))
        _, day, region, service, _ = parts["Credential"].split("/")
        names = parts["SignedHeaders"].split(";")
        if hashlib.sha256(request.body).hexdigest() != request.headers["x-amz-content-sha256"]:
            return False
        headers = "".join(f"{name}:{request.headers[name]}\n" for name in names)
        canonical = [request.method, request.path, "", headers, ";".join(names)]
        canonical.append(request.headers["x-amz-content-sha256"])
        digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        scope = f"{day}/{region}/{service}/aws4_request"
        sealed = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest])
        key = f"AWS4{self.secret}".encode()
        for part in (day, region, service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, sealed.encode(), hashlib.sha256).hexdigest() == parts["Signature"]


def s3_cache(bucket: Upstream, **more: Any) -> Cache:
    given: dict[str, Any] = {
        "s3_bucket_name": "answers",
        "s3_region_name": "eu-west-1",
        "s3_endpoint_url": bucket.origin,
        "s3_aws_access_key_id": "AKIA-OF-THE-TEST",
        "s3_aws_secret_access_key": "s3-secret-key",
        "s3_path": "some/folder",
    }
    return Cache(type="s3", **{**given, **more})


def test_s3_keeps_answers():
    bucket = Bucket()
    with Upstream(bucket.answer) as s3, Upstream(numbered) as upstream:
        ferrolite.cache = s3_cache(s3, namespace="team a")
        assert text(ask(upstream)) == "answer 1"
        asyncio.run(ferrolite.cache.disconnect())
        [path] = bucket.objects
        assert path.startswith("/answers/some/folder/team_20a/")
        ferrolite.cache = s3_cache(s3, namespace="team a")
        assert text(ask(upstream)) == "answer 1"
        assert text(ask(upstream, cache={"ttl": 0.05}, top_p=1)) == "answer 2"
        asyncio.run(ferrolite.cache.disconnect())
        time.sleep(0.06)
        assert text(ask(upstream, top_p=1)) == "answer 3", "an object that has aged"
        assert bucket.wrong == []


def test_s3_with_a_wrong_key_fails_nobody():
    bucket = Bucket()
    with Upstream(bucket.answer) as s3, Upstream(numbered) as upstream:
        ferrolite.cache = s3_cache(s3, s3_aws_secret_access_key="another-secret-key")
        assert text(ask(upstream)) == "answer 1"
        assert bucket.wrong
        assert not bucket.objects


# Questions that mean the same


class Qdrant:
    """The part of Qdrant's interface that is used."""

    def __init__(self) -> None:
        self.collections: dict[str, Any] = {}
        self.points: dict[str, Any] = {}
        self.keys: set[str | None] = set()

    def answer(self, exchange: Exchange) -> None:
        request = exchange.request
        self.keys.add(request.headers.get("api-key"))
        _, _, name, *rest = request.path.split("/")
        if not rest and request.method == "GET":
            status = 200 if name in self.collections else 404
            exchange.json({"result": {}, "status": "ok"}, status=status)
        elif not rest:
            self.collections[name] = request.json()
            exchange.json({"result": True})
        elif rest == ["index"]:
            exchange.json({"result": {}})
        elif rest == ["points"]:
            for point in request.json()["points"]:
                self.points[point["id"]] = point
            exchange.json({"result": {"status": "acknowledged"}})
        else:
            asked = request.json()
            scope = asked["filter"]["must"][0]["match"]["value"]
            near = [
                {
                    "id": point["id"],
                    "payload": point["payload"],
                    "score": sum(a * b for a, b in zip(point["vector"], asked["vector"], strict=True)),
                }
                for point in self.points.values()
                if point["payload"]["scope"] == scope
            ]
            near.sort(key=lambda point: -point["score"])
            exchange.json({"result": near[: asked["limit"]]})


def test_qdrant_answers_questions_that_mean_the_same(monkeypatch: pytest.MonkeyPatch):
    qdrant = Qdrant()
    directions = {"hello": [1.0, 0.0], "hallo": [0.96, 0.28], "bye": [0.0, 1.0]}
    asked: list[str] = []

    def answer(exchange: Exchange) -> None:
        body = exchange.request.json()
        if "input" in body:
            said = body["input"]
            exchange.json(
                {"data": [{"index": 0, "embedding": directions[said]}], "usage": {"prompt_tokens": 1}}
            )
        else:
            asked.append(body["messages"][0]["content"])
            exchange.json(chat(f"answer {len(asked)}"))

    with Upstream(qdrant.answer) as store, Upstream(answer) as upstream:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_API_BASE", upstream.url)
        cache = ferrolite.cache = Cache(
            type="qdrant-semantic",
            qdrant_api_base=store.origin,
            qdrant_api_key="key-of-qdrant",
            qdrant_collection_name="answers",
            qdrant_quantization_config="binary",
            qdrant_semantic_cache_embedding_model="text-embedding-3-small",
            similarity_threshold=0.9,
        )

        def question(said: str, **more: Any) -> Any:
            done = ask(upstream, messages=[{"role": "user", "content": said}], **more)
            asyncio.run(cache.disconnect())
            return done

        assert text(question("hello")) == "answer 1"
        near = question("hallo")
        assert text(near) == "answer 1"
        assert near._hidden_params["cache_hit"] is True
        assert near._hidden_params["semantic_similarity"] == pytest.approx(0.96)
        assert text(question("bye")) == "answer 2"
        assert text(question("hello", temperature=1)) == "answer 3", "asked under other conditions"
        stream = question("hello", stream=True)
        assert "".join(piece.choices[0].delta.content or "" for piece in stream if piece.choices) != ""
        assert qdrant.keys == {"key-of-qdrant"}
        assert qdrant.collections["answers"]["vectors"] == {"size": 2, "distance": "Cosine"}
        payload = next(iter(qdrant.points.values()))["payload"]
        assert payload["text"] == "hello"
        assert json.loads(payload["entry"])["response"]


def test_qdrant_that_is_away_fails_nobody(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Upstream(numbered) as upstream:
        monkeypatch.setenv("OPENAI_API_BASE", upstream.url)
        ferrolite.cache = Cache(
            type="qdrant-semantic",
            qdrant_api_base=f"http://127.0.0.1:{port}",
            qdrant_collection_name="answers",
            similarity_threshold=0.9,
        )
        assert text(ask(upstream)).startswith("answer")


class Search:
    """A stand-in for Redis with its search module: the few commands that are used, over a socket."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.hashes: dict[bytes, dict[bytes, bytes]] = {}
        self.index: list[bytes] = []
        self.times: list[bytes] = []
        self.open: list[socket.socket] = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Search:
        return self

    def __exit__(self, *exc: object) -> None:
        for each in self.open:
            shut(each)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as reader:
            self._read(connection, reader)

    def _read(self, connection: socket.socket, reader: Any) -> None:
        while line := reader.readline():
            command: list[bytes] = []
            for _ in range(int(line[1:])):
                size = int(reader.readline()[1:])
                command.append(reader.read(size + 2)[:-2])
            connection.sendall(self.answer(command))

    def answer(self, command: list[bytes]) -> bytes:
        name, *rest = command
        if name == b"FT.CREATE":
            if self.index:
                return b"-Index already exists\r\n"
            self.index = rest
        elif name == b"HSET":
            self.hashes[rest[0]] = dict(zip(rest[1::2], rest[2::2], strict=True))
        elif name == b"PEXPIRE":
            self.times.append(rest[1])
        elif name == b"FT.SEARCH":
            return self.found(rest)
        return b"+OK\r\n"

    def found(self, rest: list[bytes]) -> bytes:
        scope = rest[1].split(b"{")[1].split(b"}")[0]
        wanted = struct.unpack("<2f", rest[rest.index(b"vector") + 1])
        near = [
            (1 - sum(a * b for a, b in zip(wanted, struct.unpack("<2f", kept[b"vector"]), strict=True)), name)
            for name, kept in self.hashes.items()
            if kept[b"scope"] == scope
        ]
        if not near:
            return b"*1\r\n:0\r\n"
        distance, name = min(near)

        def text(value: bytes) -> bytes:
            return b"$%d\r\n%s\r\n" % (len(value), value)

        fields = [b"distance", repr(distance).encode(), b"entry", self.hashes[name][b"entry"]]
        return b"*3\r\n:1\r\n" + text(name) + b"*4\r\n" + b"".join(text(field) for field in fields)


def test_redis_answers_questions_that_mean_the_same(monkeypatch: pytest.MonkeyPatch):
    directions = {"hello": [1.0, 0.0], "hallo": [0.96, 0.28], "bye": [0.0, 1.0]}

    def answer(exchange: Exchange) -> None:
        body = exchange.request.json()
        if "input" in body:
            exchange.json({"data": [{"index": 0, "embedding": directions[body["input"]]}]})
        else:
            exchange.json(chat(f"on {body['messages'][0]['content']}"))

    with Search() as search, Upstream(answer) as upstream:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_API_BASE", upstream.url)
        for _ in range(2):
            cache = ferrolite.cache = Cache(
                type="redis-semantic",
                host="127.0.0.1",
                port=str(search.port),
                similarity_threshold=0.9,
                ttl=60,
                redis_semantic_cache_index_name="questions",
            )
            said = []
            for question in ("hello", "hallo", "bye"):
                said.append(text(ask(upstream, messages=[{"role": "user", "content": question}])))
                asyncio.run(cache.disconnect())
            assert said == ["on hello", "on hello", "on bye"]
    assert len(search.hashes) == 2
    assert search.times == [b"60000", b"60000"]
    assert search.index[0] == b"questions"
    assert search.index[search.index.index(b"DIM") + 1] == b"2"
