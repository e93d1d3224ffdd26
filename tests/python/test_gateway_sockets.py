"""WebSockets: realtime models are relayed, responses are made by any provider."""

from __future__ import annotations

import json
import socket as sockets
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ferrolite.gateway import Gateway
from ferrolite.testing import MockServer

websockets = pytest.importorskip("websockets")
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402
from websockets.sync.server import serve  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection
    from websockets.sync.server import ServerConnection

KEY = "sk-gateway-1234"
UPSTREAM_KEY = "sk-upstream-5678"


class Realtime:
    """A model that says what it hears."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.closed: list[int | None] = []
        self.server = serve(self.talk, "127.0.0.1", 0, compression=None, max_size=None)
        self.port = self.server.socket.getsockname()[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def talk(self, socket: ServerConnection) -> None:
        assert socket.request
        self.requests.append(socket.request)
        socket.send(json.dumps({"type": "session.created"}))
        try:
            for message in socket:
                if message == "end":
                    socket.close(4321, "enough")
                elif message == "flood":
                    for number in range(2000):
                        socket.send(f"{number:05}" + "x" * 10_000)
                else:
                    socket.send(message)
        except ConnectionClosed:
            pass
        self.closed.append(socket.protocol.close_code)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Realtime]:
    upstream = Realtime()
    yield upstream
    upstream.server.shutdown()


@pytest.fixture(scope="module")
def gateway(upstream: Realtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    base = f"http://127.0.0.1:{upstream.port}"
    with MockServer() as mock:

        def one(name: str, model: str, base: str, **params: Any) -> dict[str, Any]:
            return {
                "model_name": name,
                "litellm_params": {"model": model, "api_base": base, "api_key": UPSTREAM_KEY, **params},
            }

        models = [
            one("talk", "openai/gpt-realtime", base + "/v1"),
            one("azure-talk", "azure/my-deployment", base, api_version="2024-10-01-preview"),
            one("dead", "openai/gpt-realtime", "http://127.0.0.1:9/v1"),
            one("claude", "anthropic/claude-sonnet-4-5", mock.base_url),
            one("gpt", "openai/gpt-4o", mock.base_url + "/v1"),
        ]
        file = tmp_path_factory.mktemp("gateway") / "config.yaml"
        file.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
        with Gateway(config=str(file), port=0) as gateway:
            yield gateway


def opened(gateway: Gateway, path: str, **more: Any) -> ClientConnection:
    more.setdefault("additional_headers", {"authorization": f"Bearer {KEY}"})
    return connect(
        gateway.base_url.replace("http://", "ws://") + path, compression=None, max_size=None, **more
    )


def test_frames_go_both_ways(gateway: Gateway, upstream: Realtime) -> None:
    with opened(
        gateway,
        "/v1/realtime?model=talk&intent=x",
        additional_headers={"authorization": f"Bearer {KEY}", "openai-beta": "realtime=v1"},
    ) as socket:
        assert json.loads(socket.recv(5))["type"] == "session.created"
        for message in ("text", "\N{SNOWMAN}", b"\x00\x01bytes", "y" * 1_000_000):
            socket.send(message)
            assert socket.recv(5) == message
        assert socket.ping().wait(5), "the gateway answers itself"
    request = upstream.requests[-1]
    assert request.path == "/v1/realtime?model=gpt-realtime&intent=x"
    assert request.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert request.headers["openai-beta"] == "realtime=v1"
    assert KEY not in str(request.headers)


def test_azure(gateway: Gateway, upstream: Realtime) -> None:
    for path in ("/v1/realtime?model=azure-talk", "/openai/realtime?api-version=1&deployment=azure-talk"):
        with opened(gateway, path, additional_headers={"api-key": KEY}) as socket:
            socket.recv(5)
        request = upstream.requests[-1]
        assert request.path == "/openai/realtime?api-version=2024-10-01-preview&deployment=my-deployment"
        assert request.headers["api-key"] == UPSTREAM_KEY


def test_a_browser_says_its_key_as_a_protocol(gateway: Gateway, upstream: Realtime) -> None:
    protocols = ["realtime", f"openai-insecure-api-key.{KEY}", "openai-beta.realtime-v1"]
    with opened(gateway, "/v1/realtime?model=talk", additional_headers={}, subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"
        socket.recv(5)
    assert upstream.requests[-1].headers["openai-beta"] == "realtime=v1"
    assert KEY not in str(upstream.requests[-1].headers)


def test_the_end_is_passed_on(gateway: Gateway, upstream: Realtime) -> None:
    with opened(gateway, "/v1/realtime?model=talk") as socket:
        socket.recv(5)
        socket.send("end")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(5)
    assert closed.value.rcvd
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "enough")
    for code in (4000, 1001):
        with opened(gateway, "/v1/realtime?model=talk") as socket:
            socket.recv(5)
            if code == 1001:
                socket.socket.shutdown(sockets.SHUT_RDWR)  # gone without a word
            else:
                socket.close(code)
            until = time.monotonic() + 5
            while code not in upstream.closed and time.monotonic() < until:
                time.sleep(0.01)
            assert code in upstream.closed


def test_a_slow_reader_gets_everything(gateway: Gateway) -> None:
    with opened(gateway, "/v1/realtime?model=talk", max_queue=1) as socket:
        socket.recv(5)
        socket.send("flood")
        time.sleep(0.5)
        for number in range(2000):
            assert int(socket.recv(5)[:5]) == number


def test_what_cannot_be_opened_is_said(gateway: Gateway) -> None:
    for path in ("/v1/realtime", "/v1/realtime?model=nobody"):
        with pytest.raises(InvalidStatus) as refused:
            opened(gateway, path)
        assert refused.value.response.status_code == 400
    for model in ("dead", "claude"):
        with opened(gateway, f"/v1/realtime?model={model}") as socket:
            event = json.loads(socket.recv(10))
            assert event["type"] == "error"
            assert event["error"]["message"]
            assert UPSTREAM_KEY not in str(event)
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(5)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1011


def test_without_an_upgrade_there_is_nothing(gateway: Gateway) -> None:
    import http.client

    for path in ("/v1/realtime?model=talk", "/v1/responses"):
        connection = http.client.HTTPConnection(gateway.base_url.removeprefix("http://"), timeout=5)
        connection.request("GET", path, headers={"x-api-key": KEY})
        assert connection.getresponse().status == 426
        connection.close()


def response(socket: ClientConnection, **request: Any) -> list[dict[str, Any]]:
    socket.send(json.dumps({"type": "response.create", **request}))
    events = []
    while not events or events[-1]["type"] not in ("response.completed", "response.failed", "error"):
        events.append(json.loads(socket.recv(10)))
    return events


@pytest.mark.parametrize("model", ["gpt", "claude"])
def test_responses_over_a_socket(gateway: Gateway, model: str) -> None:
    with opened(gateway, "/v1/responses") as socket:
        for _ in range(2):
            events = response(socket, model=model, input="Hi", background=False)
            kinds = [event["type"] for event in events]
            assert kinds[0] == "response.created"
            assert "response.output_text.delta" in kinds
            assert kinds[-1] == "response.completed"
        # One after the other, in their order, though they come at once.
        for _ in range(3):
            socket.send(json.dumps({"type": "response.create", "model": model, "input": "Hi"}))
        ends = 0
        while ends < 3:
            ends += json.loads(socket.recv(10))["type"] == "response.completed"


def test_errors_of_responses_are_events(gateway: Gateway) -> None:
    with opened(gateway, "/v1/responses") as socket:
        for request in (
            {"model": "nobody", "input": "Hi"}, {"input": "Hi"}, {"model": "gpt", "input": "Hi", "api_base": "http://127.0.0.1:9"},
            {"model": "gpt", "input": "Hi", "background": True}, {"model": "gpt", "input": "Hi", "type": "response.steer"},
        ):  # fmt: skip
            socket.send(json.dumps({"type": "response.create", **request}))
            event = json.loads(socket.recv(10))
            assert (event["type"], event["status"]) == ("error", 400), event
        socket.send("no json")
        assert json.loads(socket.recv(10))["type"] == "error"
        assert response(socket, model="gpt", input="Hi")[-1]["type"] == "response.completed", "it goes on"
