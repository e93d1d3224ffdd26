"""OpenAI's Python client, unmodified, against the gateway: what it asks, whatever provider is behind."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _gateway import HI, KEY, ask, gateway, model
from _upstream import Exchange, Upstream

from ferrolite.testing import MockServer

openai = pytest.importorskip("openai")
pydantic = pytest.importorskip("pydantic")

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de")
MODELS = ["gpt-4o", "claude", "gemini"]


class Event(pydantic.BaseModel):
    name: str
    day: str
    guests: list[str]


def media(exchange: Exchange) -> None:
    """Images, audio and moderations, which the mock does not serve."""
    path = exchange.request.path
    if path.endswith("/images/generations"):
        exchange.json({"created": 1, "data": [{"b64_json": "aGk=", "revised_prompt": "a cat"}]})
    elif path.endswith("/images/edits"):
        assert PNG in exchange.request.body
        assert b'name="prompt"' in exchange.request.body
        exchange.json({"created": 1, "data": [{"url": "https://example.com/edited.png"}]})
    elif path.endswith("/audio/speech"):
        exchange.reply(200, b"ID3sound", {"content-type": "audio/mpeg"})
    elif path.endswith("/audio/transcriptions"):
        assert b"RIFFsound" in exchange.request.body
        exchange.json({"text": "hello world"})
    elif path.endswith("/moderations"):
        result = {"flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.9}}
        exchange.json({"id": "modr-1", "model": "omni-moderation-latest", "results": [result]})
    else:
        exchange.json({"error": {"message": f"no such path: {path}", "type": "test"}}, 404)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(media) as server:
        yield server


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[str]:
    with MockServer() as mock:
        url = f"{mock.base_url}/v1"
        models = [
            model("gpt-4o", "openai/gpt-4o", url),
            model("claude", "anthropic/claude-sonnet-4-5", mock.base_url),
            model("gemini", "gemini/gemini-2.5-flash", mock.base_url),
            model("failing", "openai/*", url, num_retries=0, max_retries=0),
            *(
                model(f"gpt-4o-error-{status}", f"openai/gpt-4o-error-{status}", url, max_retries=0)
                for status in (400, 401, 403, 404, 422, 429, 500, 503)
            ),
            model("embed", "openai/text-embedding-3-small", url),
            model("gemini-embed", "gemini/gemini-embedding-001", mock.base_url),
            model("image", "openai/gpt-image-1", upstream.url),
            model("tts", "openai/tts-1", upstream.url),
            model("whisper", "openai/whisper-1", upstream.url),
            model("omni-moderation-latest", "openai/omni-moderation-latest", upstream.url),
        ]
        with gateway(
            tmp_path_factory.mktemp("gateway"), models, router_settings={"num_retries": 0}
        ) as address:
            yield address


@pytest.fixture(scope="module")
def client(base: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{base}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("name", MODELS)
def test_chat(client: openai.OpenAI, name: str) -> None:
    reply = client.chat.completions.create(model=name, messages=HI, temperature=0.5)
    assert reply.choices[0].message.content == 'Hello from ferrolite mock: you said "Hi"'
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == name
    assert reply.object == "chat.completion"
    assert reply.usage
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0


@pytest.mark.parametrize("name", MODELS)
def test_stream(client: openai.OpenAI, name: str) -> None:
    stream = client.chat.completions.create(model=name, messages=HI, stream=True)
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == 'Hello from ferrolite mock: you said "Hi"'
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks), "usage that was not asked for"
    stream = client.chat.completions.create(
        model=name, messages=HI, stream=True, stream_options={"include_usage": True}
    )
    *_, last = stream
    assert last.choices == []
    assert last.usage
    assert last.usage.total_tokens > 0


@pytest.mark.parametrize("name", MODELS)
def test_tools_there_and_back(client: openai.OpenAI, name: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    reply = client.chat.completions.create(
        model=name, messages=messages, tools=[WEATHER], tool_choice="required"
    )
    message = reply.choices[0].message
    assert reply.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    (call,) = message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"}]
    reply = client.chat.completions.create(model=name, messages=messages, tools=[WEATHER])
    assert "12 degrees" in (reply.choices[0].message.content or "")


@pytest.mark.parametrize("name", MODELS)
def test_tools_in_a_stream(client: openai.OpenAI, name: str) -> None:
    ask: Any = {"model": name, "messages": [{"role": "user", "content": "The weather, please"}]}
    with client.chat.completions.stream(**ask, tools=[WEATHER], tool_choice="required") as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    (call,) = final.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == {"city": "Oslo"}


@pytest.mark.parametrize("name", MODELS)
def test_structured_output(client: openai.OpenAI, name: str) -> None:
    reply = client.chat.completions.parse(model=name, messages=HI, response_format=Event)
    parsed = reply.choices[0].message.parsed
    assert isinstance(parsed, Event)
    assert parsed.guests


@pytest.mark.parametrize("name", ["embed", "gemini-embed"])
def test_embeddings(client: openai.OpenAI, name: str) -> None:
    reply = client.embeddings.create(model=name, input=["one", "two"])
    assert [item.index for item in reply.data] == [0, 1]
    assert all(len(item.embedding) > 8 for item in reply.data)
    assert all(isinstance(number, float) for number in reply.data[0].embedding)


def test_completions(client: openai.OpenAI) -> None:
    reply = client.completions.create(model="gpt-4o", prompt="Hi")
    assert reply.choices[0].text
    text = "".join(
        chunk.choices[0].text
        for chunk in client.completions.create(model="gpt-4o", prompt="Hi", stream=True)
        if chunk.choices
    )
    assert text == reply.choices[0].text


def test_images(client: openai.OpenAI) -> None:
    reply = client.images.generate(model="image", prompt="a cat", size="1024x1024", n=1)
    assert reply.data
    assert (reply.data[0].b64_json, reply.data[0].revised_prompt) == ("aGk=", "a cat")
    image = ("cat.png", PNG, "image/png")
    edited = client.images.edit(model="image", image=image, prompt="a hat on it")
    assert edited.data
    assert edited.data[0].url == "https://example.com/edited.png"


def test_audio(client: openai.OpenAI) -> None:
    speech = client.audio.speech.create(model="tts", voice="alloy", input="Hello")
    assert speech.content == b"ID3sound"
    assert speech.response.headers["content-type"] == "audio/mpeg"
    with client.audio.speech.with_streaming_response.create(
        model="tts", voice="alloy", input="Hello"
    ) as streamed:
        assert b"".join(streamed.iter_bytes()) == b"ID3sound"
    recording = io.BytesIO(b"RIFFsound")
    recording.name = "a.wav"
    assert client.audio.transcriptions.create(model="whisper", file=recording).text == "hello world"


def test_moderations(client: openai.OpenAI, upstream: Upstream) -> None:
    reply = client.moderations.create(model="omni-moderation-latest", input="kill them")
    assert reply.results[0].flagged
    assert reply.results[0].category_scores.violence == 0.9
    assert upstream.requests[-1].json()["input"] == "kill them"


@pytest.mark.parametrize("name", MODELS)
def test_responses(client: openai.OpenAI, name: str) -> None:
    reply = client.responses.create(model=name, input="Hi")
    assert reply.output_text == 'Hello from ferrolite mock: you said "Hi"'
    assert reply.status == "completed"
    events = list(client.responses.create(model=name, input="Hi", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == reply.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    with client.responses.stream(model=name, input="Hi") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == text


def test_response_with_a_schema(client: openai.OpenAI) -> None:
    reply = client.responses.parse(model="gpt-4o", input="Make an event", text_format=Event)
    assert isinstance(reply.output_parsed, Event)


def test_models(client: openai.OpenAI) -> None:
    names = [entry.id for entry in client.models.list()]
    assert {"gpt-4o", "claude", "gemini", "embed"} <= set(names)
    assert client.models.retrieve("claude").id == "claude"
    with pytest.raises(openai.NotFoundError, match="claude"):
        client.models.retrieve("cluade")


def test_files_and_batches(client: openai.OpenAI) -> None:
    lines = json.dumps({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {}})
    uploaded = client.files.create(file=("batch.jsonl", lines.encode()), purpose="batch")
    assert uploaded.purpose == "batch"
    assert uploaded.bytes == len(lines)
    assert client.files.retrieve(uploaded.id).filename == "batch.jsonl"
    assert uploaded.id in [file.id for file in client.files.list()]
    assert client.files.content(uploaded.id).read() == lines.encode()
    batch = client.batches.create(
        input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert client.batches.retrieve(batch.id).id == batch.id
    assert batch.id in [entry.id for entry in client.batches.list(limit=10)]
    assert client.batches.cancel(batch.id).id == batch.id
    assert client.files.delete(uploaded.id).deleted


def test_fine_tuning(client: openai.OpenAI) -> None:
    uploaded = client.files.create(file=("train.jsonl", b"{}"), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini-2024-07-18", training_file=uploaded.id)
    assert client.fine_tuning.jobs.retrieve(job.id).id == job.id
    assert job.id in [entry.id for entry in client.fine_tuning.jobs.list()]
    assert client.fine_tuning.jobs.cancel(job.id).id == job.id


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
    ],
)
def test_an_upstream_error_is_the_exception_of_its_status(
    client: openai.OpenAI, status: int, kind: str
) -> None:
    with pytest.raises(getattr(openai, kind)) as raised:
        client.chat.completions.create(model=f"gpt-4o-error-{status}", messages=HI)
    assert raised.value.status_code == status
    assert raised.value.body["message"]
    assert {"message", "type", "param", "code"} <= set(raised.value.body)


def test_errors_of_the_gateway(client: openai.OpenAI, base: str) -> None:
    with pytest.raises(openai.BadRequestError, match="Did you mean 'gpt-4o'") as unknown:
        client.chat.completions.create(model="gpt4o", messages=HI)
    assert (unknown.value.param, unknown.value.code) == ("model", "model_not_found")
    assert unknown.value.request_id, "an answer has an id to ask for"
    with (
        openai.OpenAI(base_url=f"{base}/v1", api_key="sk-wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        stranger.chat.completions.create(model="gpt-4o", messages=HI)
    assert "sk-wrong" not in str(refused.value)


def test_headers_say_what_happened(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HI)
    assert raw.headers["x-litellm-model-group"] == "gpt-4o"
    assert raw.headers["x-litellm-attempted-retries"] == "0"
    assert float(raw.headers["x-litellm-response-cost"]) > 0
    assert raw.headers["x-litellm-call-id"]
    assert raw.parse().choices


def test_a_clients_own_notes_are_taken(tmp_path: Path) -> None:
    """They say nothing of where a call goes; an address does, and is refused."""
    with MockServer(record=True) as mock:
        models = [model("gpt-4o", "openai/gpt-4o", f"{mock.base_url}/v1")]
        with (
            gateway(tmp_path, models) as own,
            openai.OpenAI(base_url=f"{own}/v1", api_key=KEY, max_retries=0) as client,
        ):
            client.chat.completions.create(
                model="gpt-4o",
                messages=HI,
                user="ada",
                metadata={"team": "a"},
                extra_body={"tags": ["x"], "cache": {"no-cache": True}, "litellm_metadata": {"b": 1}},
                extra_headers={"x-litellm-timeout": "20", "x-litellm-num-retries": "1"},
            )
            (sent,) = ask(mock.base_url, "/_mock/requests").json()["requests"]
            assert sent["body"]["user"] == "ada"
            assert not {"tags", "cache", "litellm_metadata", "timeout"} & set(sent["body"])
            with pytest.raises(openai.BadRequestError, match="api_base"):
                client.chat.completions.create(
                    model="gpt-4o", messages=HI, extra_body={"api_base": "http://127.0.0.1:1"}
                )
            with pytest.raises(openai.BadRequestError, match="x-litellm-timeout"):
                client.chat.completions.create(
                    model="gpt-4o", messages=HI, extra_headers={"x-litellm-timeout": "soon"}
                )


def test_azure_client(base: str) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=base, api_key=KEY, api_version="2024-10-21", max_retries=0
    ) as client:
        reply = client.chat.completions.create(model="claude", messages=HI)
        assert "ferrolite mock" in (reply.choices[0].message.content or "")
        stream = client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert client.embeddings.create(model="embed", input="one").data
        recording = ("a.wav", b"RIFFsound")
        assert client.audio.transcriptions.create(model="whisper", file=recording).text == "hello world"
        with pytest.raises(openai.BadRequestError, match="gpt-4o"):
            client.chat.completions.create(model="gpt4o", messages=HI)
    with (
        openai.AzureOpenAI(azure_endpoint=base, api_key="no", api_version="2024-10-21") as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model="claude", messages=HI)


def test_async_client(base: str) -> None:
    async def use() -> tuple[list[str], str, list[Any]]:
        async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=KEY, max_retries=0) as client:
            replies = await asyncio.gather(
                *(
                    client.chat.completions.create(
                        model=MODELS[number % 3], messages=[{"role": "user", "content": f"n{number}"}]
                    )
                    for number in range(30)
                )
            )
            stream = await client.chat.completions.create(model="claude", messages=HI, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
            parsed = await client.chat.completions.parse(model="gpt-4o", messages=HI, response_format=Event)
            embedded = await client.embeddings.create(model="embed", input="x")
            azure = openai.AsyncAzureOpenAI(azure_endpoint=base, api_key=KEY, api_version="2024-10-21")
            async with azure:
                other = await azure.chat.completions.create(model="gemini", messages=HI)
            said = [reply.choices[0].message.content or "" for reply in replies]
            return said, text, [parsed.choices[0].message.parsed, embedded.data[0].embedding, other.model]

    said, text, others = asyncio.run(use())
    assert said == [f'Hello from ferrolite mock: you said "n{number}"' for number in range(30)]
    assert text == 'Hello from ferrolite mock: you said "Hi"'
    assert isinstance(others[0], Event)
    assert others[2] == "gemini"
