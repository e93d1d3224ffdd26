"""Who gets in where: every path with every kind of key; and nobody says where a call goes but the configuration."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ferrolite.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-gateway-1234"
WRONG = "sk-gateway-1235"
UPSTREAM_KEY = "sk-upstream-5678"

# The only ones that answer without a key.
OPEN = {"/", "/openapi.json", "/health/liveliness", "/health/liveness", "/health/readiness"}

PLACES = {
    "authorization": lambda key: ({"authorization": f"Bearer {key}"}, ""),
    "bare authorization": lambda key: ({"authorization": key}, ""),
    "x-api-key": lambda key: ({"x-api-key": key}, ""),
    "api-key": lambda key: ({"api-key": key}, ""),
    "x-goog-api-key": lambda key: ({"x-goog-api-key": key}, ""),
    "x-litellm-api-key": lambda key: ({"x-litellm-api-key": key}, ""),
    "bearer x-litellm-api-key": lambda key: ({"x-litellm-api-key": f"Bearer {key}"}, ""),
    "query": lambda key: ({}, f"?key={key}"),
}


class Upstream:
    """Answers everything with nothing much, and counts. Also whom addresses of clients' would reach."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.documents: dict[str, Any] = {}
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                upstream.seen.append((self.path, headers))
                text = json.dumps(upstream.documents.get(self.path, {})).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.stop()


def deployments(base: str) -> list[dict[str, Any]]:
    def one(model: str, **params: Any) -> dict[str, Any]:
        params = {
            "model": model,
            "api_base": base,
            "api_key": UPSTREAM_KEY,
            "use_in_pass_through": True,
            **params,
        }
        return {"model_name": model.split("/", 1)[1], "litellm_params": params}

    return [
        one("openai/gpt-4o"),
        one("anthropic/claude-sonnet-4-5"),
        one("gemini/gemini-2.5-flash"),
        one("cohere/command-r"),
        one("azure/gpt-4o-mini", api_version="2025-01-01"),
        one("bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0"),
        one("vertex_ai/gemini-2.5-pro", api_key="ya29.token", vertex_project="p"),
        one("mistral/mistral-small-latest"),
        one("groq/llama-3.1-8b-instant"),
    ]


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = {
        "model_list": deployments(upstream.url),
        "general_settings": {
            "master_key": KEY,
            "pass_through_endpoints": [
                {"path": "/own", "target": upstream.url, "auth": True, "include_subpath": True}
            ],
        },
    }
    file = tmp_path_factory.mktemp("gateway") / "config.yaml"
    file.write_text(json.dumps(config))
    with Gateway(config=str(file), port=0) as gateway:
        yield gateway


def ask(
    gateway: Gateway, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(gateway.base_url.removeprefix("http://"), timeout=10)
    headers = {"authorization": f"Bearer {KEY}"} if headers is None else headers
    if body is not None and not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {**headers, "content-type": "application/json"}
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    out = reply.status, reply.read()
    connection.close()
    return out


def endpoints(gateway: Gateway) -> list[tuple[str, str]]:
    status, document = ask(gateway, "GET", "/openapi.json", headers={})
    assert status == 200
    found = []
    for path, methods in json.loads(document)["paths"].items():
        for filled in {path, "/" + path.removeprefix("/v1/")} if path.startswith("/v1/") else {path}:
            concrete = filled.replace("{call}", "gpt-4o/chat/completions").replace("{", "").replace("}", "")
            found += [(method.upper(), concrete) for method in methods]
    found += [("POST", "/own"), ("GET", "/own/below"), ("PUT", "/own")]
    return found


def test_every_endpoint_with_every_key(gateway: Gateway, upstream: Upstream) -> None:
    table = endpoints(gateway)
    assert len(table) > 100
    assert {path for _, path in table} > OPEN
    for method, path in table:
        body = b"{}" if method == "POST" else None
        is_open = path in OPEN
        for query in ("", "?key=", "?alt=sse"):
            before = len(upstream.seen)
            status, text = ask(gateway, method, path + query, body, {})
            assert status == (200 if is_open else 401), (method, path + query, text)
            assert len(upstream.seen) == before, (method, path)
        for place, put in PLACES.items():
            headers, query = put(WRONG)
            before = len(upstream.seen)
            status, text = ask(gateway, method, path + query, body, headers)
            assert status == (200 if is_open else 401), (method, path, place, text)
            assert KEY.encode() not in text
            assert WRONG.encode() not in text
            assert len(upstream.seen) == before, (method, path, place)
        # A body without anything in it: what is wrong with it is said to those only who have come in.
        for put in (
            PLACES.values()
            if path in ("/v1/models", "/anthropic/path", "/own")
            else [PLACES["authorization"]]
        ):
            headers, query = put(KEY)
            status, text = ask(gateway, method, path + query, body, headers)
            assert status not in (401, 403), (method, path, text)
    for path, headers in upstream.seen:
        assert KEY not in path + json.dumps(headers), "the gateway's key goes to nobody"


def test_sockets_need_a_key(gateway: Gateway) -> None:
    socket = {
        "connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    for path in (
        "/v1/realtime?model=gpt-4o",
        "/realtime?model=gpt-4o",
        "/openai/realtime?deployment=gpt-4o",
        "/v1/responses",
    ):
        for more in (
            {}, {"authorization": f"Bearer {WRONG}"}, {"sec-websocket-protocol": f"realtime, openai-insecure-api-key.{WRONG}"},
            {"sec-websocket-protocol": "realtime, openai-insecure-api-key."},
        ):  # fmt: skip
            status, _ = ask(gateway, "GET", path, headers={**socket, **more})
            assert status == 401, (path, more)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/",
        "//v1/models",
        "/v1/../v1/models",
        "/V1/models",
        "/v1/models%2f",
        "/health/readiness/../../v1/models",
        "/openapi.json/../v1/models",
    ],
)
def test_a_path_written_otherwise_lets_nobody_in(gateway: Gateway, path: str) -> None:
    status, _ = ask(gateway, "GET", path, headers={})
    assert status in (401, 404)


MESSAGES = [{"role": "user", "content": "Hi"}]
REACHES: dict[str, Any] = {
    "api_base": "{url}", "base_url": "{url}", "api_key": "sk-x", "custom_llm_provider": "ollama", "azure_endpoint": "{url}",
    "aws_bedrock_runtime_endpoint": "{url}", "aws_sts_endpoint": "{url}", "aws_profile_name": "x", "aws_web_identity_token": "/etc/passwd",
    "vertex_credentials": "/etc/passwd", "vertex_ai_credentials": "/etc/passwd", "ssl_verify": "/etc/passwd", "organization": "x",
    "model_list": [{"model_name": "a", "litellm_params": {"model": "openai/a", "api_base": "{url}"}}],
    "user_config": {"model_list": []}, "model_config": {}, "litellm_credential_name": "x", "model_alias_map": {"gpt-4o": "ollama/x"},
    "deployment_id": "x", "model_id": "x", "litellm_params": {"api_base": "{url}"}, "oci_key_file": "/etc/passwd",
    "aicore_auth_url": "{url}", "deployment_url": "{url}", "langfuse_host": "{url}", "azure_ad_token": "x", "tenant_id": "x",
    "fallbacks": [{"model": "gpt-4o", "api_base": "{url}"}], "context_window_fallbacks": [{"gpt-4o": [{"model": "gpt-4o", "base_url": "{url}"}]}],
    "content_policy_fallbacks": [{"gpt-4o": ["command-r", {"model": "gpt-4o", "fallbacks": [{"api_base": "{url}"}]}]}],
    "extra_headers": {"Authorization": "Bearer x"}, "headers": {"host": "x"}, "extra_body": {"model": "other"},
}  # fmt: skip
BODIES = {
    "/v1/chat/completions": {"model": "gpt-4o", "messages": MESSAGES},
    "/v1/messages": {"model": "claude-sonnet-4-5", "messages": MESSAGES, "max_tokens": 5},
    "/v1/responses": {"model": "gpt-4o", "input": "Hi"},
    "/v1beta/models/gemini-2.5-flash:generateContent": {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]
    },
    "/v1/embeddings": {"model": "gpt-4o", "input": "Hi"},
    "/v1/audio/speech": {"model": "gpt-4o", "input": "Hi", "voice": "alloy"},
    "/engines/gpt-4o/chat/completions": {"messages": MESSAGES},
    "/openai/deployments/gpt-4o/chat/completions": {"messages": MESSAGES},
    "/v1/batches": {
        "input_file_id": "file-1",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    },
}
# Where what it is about has a provider of its own, it may be named.
NAMES_PROVIDERS = {"/v1/batches"}


def filled(value: Any, url: str) -> Any:
    return json.loads(json.dumps(value).replace("{url}", url))


@pytest.mark.parametrize("path", BODIES)
def test_a_client_does_not_say_where_its_call_goes(gateway: Gateway, path: str) -> None:
    trap = Upstream()
    try:
        for name, value in REACHES.items():
            if name == "custom_llm_provider" and path in NAMES_PROVIDERS:
                continue
            status, text = ask(gateway, "POST", path, {**BODIES[path], name: filled(value, trap.url)})
            assert status == 400, (path, name, text)
        assert not trap.seen
    finally:
        trap.stop()


def test_nor_in_a_form_or_a_query(gateway: Gateway, upstream: Upstream) -> None:
    trap = Upstream()
    try:
        for field, value in [
            ("api_base", trap.url), ("base_url", trap.url), ("fallbacks", json.dumps([{"model": "gpt-4o", "api_base": trap.url}])),
            ("fallbacks[]", "x"), ("extra_headers[authorization]", "x"), ("custom_llm_provider", "ollama"), ("oci_key_file", "/etc/passwd"),
        ]:  # fmt: skip
            if field == "fallbacks[]":
                continue
            parts = [("model", "gpt-4o"), (field, value)]
            body = "".join(
                f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
                for name, text in parts
            )
            body += '--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n'
            headers = {"authorization": f"Bearer {KEY}", "content-type": "multipart/form-data; boundary=b"}
            status, text = ask(gateway, "POST", "/v1/audio/transcriptions", body.encode(), headers)
            assert status == 400, (field, text)
        for name in ("api_base", "base_url", "vertex_credentials", "api_key"):
            for path in ("/v1/files", "/v1/batches", "/v1/responses/resp_1"):
                status, text = ask(gateway, "GET", f"{path}?{name}={trap.url}")
                assert status == 400, (path, name, text)
        # A query of a call is nothing that is read.
        before = len(upstream.seen)
        ask(gateway, "POST", f"/v1/chat/completions?api_base={trap.url}", BODIES["/v1/chat/completions"])
        assert len(upstream.seen) > before
        assert not trap.seen
    finally:
        trap.stop()


def test_providers_that_are_not_served_keep_nothing(gateway: Gateway) -> None:
    for provider in ("ollama", "lm_studio", "litellm_proxy", "nobody"):
        status, text = ask(gateway, "GET", f"/v1/files?custom_llm_provider={provider}")
        assert status == 400, (provider, text)
        status, text = ask(
            gateway,
            "GET",
            "/v1/files",
            headers={"authorization": f"Bearer {KEY}", "custom-llm-provider": provider},
        )
        assert status == 400, (provider, text)
        packed = base64.b64encode(
            f"litellm:custom_llm_provider:{provider};model_id:x;response_id:resp_1".encode()
        ).decode()
        status, text = ask(gateway, "GET", f"/v1/responses/resp_{packed}")
        assert status == 400, (provider, text)


def test_what_is_a_clients_own_is_taken(gateway: Gateway, upstream: Upstream) -> None:
    before = len(upstream.seen)
    more = {
        "metadata": {"user_id": "u"},
        "user": "u",
        "tags": ["a"],
        "timeout": 5,
        "extra_headers": {"x-mine": "1"},
    }
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses"):
        ask(gateway, "POST", path, {**BODIES[path], **more})
    assert len(upstream.seen) >= before + 3
    assert all(headers.get("x-mine") == "1" for _, headers in upstream.seen[before:])


def test_images_are_not_fetched_from_a_private_network(gateway: Gateway) -> None:
    trap = Upstream()
    try:
        content = [
            {"type": "text", "text": "?"},
            {"type": "image_url", "image_url": {"url": trap.url + "/a.png"}},
        ]
        for model in ("gemini-2.5-flash", "claude-sonnet-4-5", "anthropic.claude-3-5-sonnet-20240620-v1:0"):
            ask(
                gateway,
                "POST",
                "/v1/chat/completions",
                {"model": model, "messages": [{"role": "user", "content": content}]},
            )
        assert not trap.seen
    finally:
        trap.stop()


# Tokens (JWT)


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signer:
    """An RSA key, from scratch: the tests need no library of cryptography."""

    def __init__(self, name: str) -> None:
        import random

        def prime(bits: int) -> int:
            while True:
                p = random.getrandbits(bits) | 1 | 3 << bits - 2
                if all(p % q for q in (3, 5, 7, 11, 13, 17, 19, 23)) and all(
                    pow(a, p - 1, p) == 1 for a in (2, 3, 5, 7, 11, 13)
                ):
                    return p

        p, q = prime(1024), prime(1024)
        self.name, self.n, self.e = name, p * q, 65537
        self.d = pow(self.e, -1, (p - 1) * (q - 1))

    @property
    def public(self) -> dict[str, str]:
        return {"kty": "RSA", "kid": self.name, "alg": "RS256", "use": "sig",
                "n": encoded(self.n.to_bytes(256, "big")), "e": encoded(b"\x01\x00\x01")}  # fmt: skip

    def token(self, claims: dict[str, Any] | None = None, **header: Any) -> str:
        import hashlib

        claims = {"sub": "ann", "iss": "they", "aud": "us", "exp": int(time.time()) + 60, **(claims or {})}
        signed = encoded({"alg": "RS256", "kid": self.name, **header}) + "." + encoded(claims)
        digest = (
            bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(signed.encode()).digest()
        )
        padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
        signature = pow(int.from_bytes(padded, "big"), self.d, self.n).to_bytes(256, "big")
        return signed + "." + encoded(signature)


def jwt_gateway(upstream: Upstream, folder: Any, **general: Any) -> Gateway:
    names = {"JWT_PUBLIC_KEY_URL": upstream.url + "/jwks", "JWT_AUDIENCE": "us", "JWT_ISSUER": "they"}
    config = {
        "model_list": deployments(upstream.url),
        "environment_variables": names,
        "general_settings": {"enable_jwt_auth": True, **general},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    return Gateway(config=str(folder / "config.yaml"), port=0)


def test_tokens_let_in_and_nothing_else_does(upstream: Upstream, tmp_path: Any) -> None:
    one, other = Signer("one"), Signer("two")
    upstream.documents["/jwks"] = {"keys": [one.public]}
    asked = lambda: sum(path == "/jwks" for path, _ in upstream.seen)  # noqa: E731
    before = asked()
    with jwt_gateway(upstream, tmp_path) as gateway:

        def status(token: str) -> int:
            return ask(gateway, "GET", "/v1/models", headers={"authorization": f"Bearer {token}"})[0]

        assert ask(gateway, "GET", "/v1/models", headers={})[0] == 401, (
            "there is no master key, and still it is closed"
        )
        assert status("sk-anything") == 401
        assert status(one.token()) == 200
        assert status(one.token()) == 200
        assert asked() == before + 1, "the keys are kept"
        for bad in (
            one.token({"exp": int(time.time()) - 300}), one.token({"aud": "them"}), one.token({"iss": "x"}), one.token({"nbf": int(time.time()) + 300}),
            one.token(alg="none"), one.token(alg="HS256"), one.token()[:-8] + "AAAAAAAA", one.token().rsplit(".", 1)[0] + ".", "a.b.c", "..",
        ):  # fmt: skip
            assert status(bad) == 401, bad
        upstream.documents["/jwks"] = {"keys": [one.public, other.public]}
        for _ in range(5):
            assert status(other.token()) == 401, "keys are looked at once a minute at most"
        assert asked() == before + 1
        assert ask(gateway, "POST", "/model/new", {}, {"authorization": f"Bearer {one.token()}"})[0] == 403
    with jwt_gateway(upstream, tmp_path, master_key=KEY) as gateway:
        for token in (other.token(), KEY):
            assert ask(gateway, "GET", "/v1/models", headers={"authorization": f"Bearer {token}"})[0] == 200
        assert ask(gateway, "POST", "/model/new", {}, {"authorization": f"Bearer {other.token()}"})[0] == 403


def test_without_the_issuers_keys_nobody_gets_in(upstream: Upstream, tmp_path: Any) -> None:
    signer = Signer("one")
    upstream.documents["/jwks"] = "no keys"
    with jwt_gateway(upstream, tmp_path, master_key=KEY) as gateway:
        assert (
            ask(gateway, "GET", "/v1/models", headers={"authorization": f"Bearer {signer.token()}"})[0] == 503
        )
        assert ask(gateway, "GET", "/v1/models")[0] == 200
