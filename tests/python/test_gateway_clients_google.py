"""Google's Python client, unmodified, against the gateway, with models of any maker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from _gateway import KEY, gateway, model

from ferrolite.testing import MockServer

pytest.importorskip("google.genai")
pydantic = pytest.importorskip("pydantic")

from google import genai  # noqa: E402
from google.genai import errors, types  # noqa: E402

MODELS = ["gemini-2.5-flash", "claude", "gpt-4o"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Event(pydantic.BaseModel):
    name: str
    guests: list[str]


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"12 degrees in {city}"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with MockServer() as mock:
        url = f"{mock.base_url}/v1"
        models = [
            model("gemini-2.5-flash", "gemini/gemini-2.5-flash", mock.base_url),
            model("claude", "anthropic/claude-sonnet-4-5", mock.base_url),
            model("gpt-4o", "openai/gpt-4o", url),
            model("gemini-embedding-001", "gemini/gemini-embedding-001", mock.base_url),
            model("text-embedding-3-small", "openai/text-embedding-3-small", url),
            *(
                model(f"failing-{status}", f"gemini/gemini-2.5-error-{status}", mock.base_url, max_retries=0)
                for status in (400, 403, 404, 429, 500, 503)
            ),
        ]
        with gateway(tmp_path_factory.mktemp("gateway"), models, router_settings={"num_retries": 0}) as url:
            yield url


def connected(base: str, key: str = KEY) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base))


@pytest.fixture(scope="module")
def client(base: str) -> Iterator[genai.Client]:
    client = connected(base)
    yield client
    client.close()


@pytest.mark.parametrize("name", MODELS)
def test_generate_content(client: genai.Client, name: str) -> None:
    config = types.GenerateContentConfig(system_instruction="Be brief", temperature=0.5)
    reply = client.models.generate_content(model=name, contents="Hi", config=config)
    assert reply.text == 'Hello from ferrolite mock: you said "Hi"'
    assert reply.candidates
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    assert reply.usage_metadata
    assert (reply.usage_metadata.total_token_count or 0) > 0


@pytest.mark.parametrize("name", MODELS)
def test_stream(client: genai.Client, name: str) -> None:
    pieces = list(client.models.generate_content_stream(model=name, contents="Hi"))
    assert "".join(piece.text or "" for piece in pieces) == 'Hello from ferrolite mock: you said "Hi"'
    assert len(pieces) > 1
    assert pieces[-1].candidates
    assert pieces[-1].candidates[0].finish_reason == types.FinishReason.STOP


@pytest.mark.parametrize("name", MODELS)
def test_tools(client: genai.Client, name: str) -> None:
    """The client calls the function itself and sends what it returned."""
    config = types.GenerateContentConfig(tools=[get_weather])
    reply = client.models.generate_content(model=name, contents="What is the weather in Oslo?", config=config)
    assert "12 degrees in Oslo" in (reply.text or "")


@pytest.mark.parametrize("name", MODELS)
def test_structured_output(client: genai.Client, name: str) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Event)
    reply = client.models.generate_content(model=name, contents="Make an event", config=config)
    assert isinstance(reply.parsed, Event)


@pytest.mark.parametrize("name", MODELS)
def test_count_tokens(client: genai.Client, name: str) -> None:
    short = client.models.count_tokens(model=name, contents="Hi").total_tokens or 0
    assert 0 < short < (client.models.count_tokens(model=name, contents="Hi " * 500).total_tokens or 0)


@pytest.mark.parametrize("name", ["gemini-embedding-001", "text-embedding-3-small"])
def test_embed_content(client: genai.Client, name: str) -> None:
    reply = client.models.embed_content(model=name, contents=["one", "two"])
    assert reply.embeddings
    assert [len(one.values or []) > 8 for one in reply.embeddings] == [True, True]
    assert client.models.embed_content(model=name, contents="one").embeddings


def test_chat(client: genai.Client) -> None:
    chat = client.chats.create(model="claude")
    assert "Hi" in (chat.send_message("Hi").text or "")
    assert "again" in (chat.send_message("again").text or "")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "INVALID_ARGUMENT"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
    ],
)
def test_an_upstream_error_has_its_status(client: genai.Client, status: int, said: str) -> None:
    kind = errors.ClientError if status < 500 else errors.ServerError
    with pytest.raises(kind) as raised:
        client.models.generate_content(model=f"failing-{status}", contents="Hi")
    assert (raised.value.code, raised.value.status) == (status, said)


def test_errors_of_the_gateway(client: genai.Client, base: str) -> None:
    with pytest.raises(errors.ClientError, match=r"gemini-2\.5-flash") as unknown:
        client.models.generate_content(model="gemini-2-flash", contents="Hi")
    assert unknown.value.status == "INVALID_ARGUMENT"
    stranger = connected(base, "wrong-key")
    with pytest.raises(errors.ClientError) as refused:
        stranger.models.generate_content(model="claude", contents="Hi")
    stranger.close()
    assert (refused.value.code, refused.value.status) == (401, "UNAUTHENTICATED")
    assert "wrong-key" not in str(refused.value)


def test_models(client: genai.Client) -> None:
    names = {entry.name for entry in client.models.list()}
    assert {"models/claude", "models/gpt-4o"} <= names
    assert client.models.get(model="claude").display_name == "claude"


@pytest.mark.parametrize("version", ["v1", "v1alpha", "v1beta"])
def test_every_version_of_the_interface(base: str, version: str) -> None:
    options = types.HttpOptions(base_url=base, api_version=version)
    client = genai.Client(api_key=KEY, http_options=options)
    assert client.models.generate_content(model="gpt-4o", contents="Hi").text
    client.close()


def test_async_client(base: str) -> None:
    async def use() -> tuple[list[Any], str]:
        client = connected(base)
        try:
            replies = await asyncio.gather(
                *(client.aio.models.generate_content(model=name, contents="Hi") for name in MODELS * 3)
            )
            stream = await client.aio.models.generate_content_stream(model="claude", contents="Hi")
            text = "".join([piece.text or "" async for piece in stream])
        finally:
            await client.aio.aclose()
            client.close()
        return [reply.text for reply in replies], text

    said, text = asyncio.run(use())
    assert set(said) == {text} == {'Hello from ferrolite mock: you said "Hi"'}
