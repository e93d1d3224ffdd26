"""Speech and transcriptions, from the public function to the wire and back."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from _provider import AWS, Provider, both, run

from ferrolite.exceptions import InternalServerError
from ferrolite.types.utils import TranscriptionResponse


def test_google_ranks_speaks_and_hears() -> None:
    google = {"api_key": "ya29.token", "vertex_project": "p", "vertex_location": "us-central1"}
    ranked = {"records": [{"id": "1", "score": 0.9, "content": "b"}]}
    spoken = {"audioContent": base64.b64encode(b"sound").decode()}
    heard = {"results": [{"alternatives": [{"transcript": "Hello."}], "languageCode": "en-us"}]}
    with Provider(ranked, spoken, heard, {"metadata": {}}) as provider:
        ranking = run(
            False,
            "rerank",
            provider,
            model="vertex_ai/semantic-ranker-default@latest",
            query="q",
            documents=["a", {"text": "b", "title": "t"}],
            **google,
        )
        speech = run(
            False,
            "speech",
            provider,
            model="vertex_ai/m",
            input="<speak>Hi</speak>",
            voice="de-DE-Chirp3-HD-Kore",
            response_format="mp3",
            **google,
        )
        hearing: dict[str, Any] = {"model": "vertex_ai/chirp_2", "file": ("a.wav", b"sound"), **google}
        text = run(False, "transcription", provider, **hearing, language="en-US")
        silence = run(False, "transcription", provider, **hearing)
    assert ranking.results == [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}]
    assert provider.requests[0].json()["records"][1] == {"id": "1", "content": "b", "title": "t"}
    assert (speech.content, speech.content_type) == (b"sound", "audio/mpeg")
    sent = provider.requests[1].json()
    assert sent["input"] == {"ssml": "<speak>Hi</speak>"}
    assert sent["voice"] == {"languageCode": "de-DE", "name": "de-DE-Chirp3-HD-Kore"}
    assert (text.text, silence.text) == ("Hello.", "")
    assert provider.requests[2].json()["config"]["languageCodes"] == ["en-US"]


@both
def test_a_transcription(asynchronous: bool) -> None:
    with Provider(
        {"text": "Hello.", "language": "english", "x_server": 1}, b"1\n00:00 --> 00:01\nHello.\n"
    ) as provider:
        arguments: dict[str, Any] = {"model": "openai/whisper-1", "file": ("a.mp3", b"sound")}
        response = run(
            asynchronous,
            "transcription",
            provider,
            **arguments,
            language="en",
            timestamp_granularities=["word"],
        )
        subtitles = run(asynchronous, "transcription", provider, **arguments, response_format="srt")
    assert type(response) is TranscriptionResponse
    assert (response.text, response.language, hasattr(response, "x_server")) == ("Hello.", "english", False)
    assert subtitles.text.startswith("1\n00:00")
    body = provider.requests[0].body
    for name, value in [
        ("model", "whisper-1"),
        ("language", "en"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
    ]:
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in body
    assert b'filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\nsound\r\n' in body


@pytest.mark.parametrize(
    ("model", "answer", "path", "sent"),
    [
        (
            "deepgram/nova-3",
            {"results": {"channels": [{"alternatives": [{"transcript": "Hello."}]}]}},
            "/listen?model=nova-3&language=en",
            b"sound",
        ),
        ("elevenlabs/scribe_v1", {"text": "Hello.", "words": []}, "/speech-to-text", b'name="model_id"'),
        (
            "gemini/gemini-2.5-flash",
            {"status": "completed", "steps": [{"content": [{"text": "Hello."}]}]},
            "/v1beta/interactions",
            b"en-US",
        ),
        ("groq/whisper-large-v3", {"text": "Hello."}, "/audio/transcriptions", b'name="language"'),
        ("xai/m", {"text": "Hello."}, "/stt", b'name="language"'),
    ],
)
def test_transcriptions_in_other_formats(model: str, answer: Any, path: str, sent: bytes) -> None:
    with Provider(answer) as provider:
        response = run(False, "transcription", provider, model=model, file=("a.wav", b"sound"), language="en")
    assert response.text == "Hello."
    assert provider.asked == [f"POST {path}"]
    assert sent in provider.requests[0].body


@both
@pytest.mark.parametrize("cleaned", [{}, (404, {"message": "gone"})], ids=["cleaned", "gone already"])
def test_soniox_is_uploaded_waited_for_and_deleted(asynchronous: bool, cleaned: Any) -> None:
    replies: list[Any] = [
        {"id": "f"},
        {"id": "t"},
        {"id": "t", "status": "processing"},
        {"id": "t", "status": "completed"},
        {"text": "Hello."},
        cleaned,
        cleaned,
    ]
    with Provider(*replies) as provider:
        response = run(
            asynchronous, "transcription", provider, model="soniox/m", file=("a.wav", b"sound"), language="en"
        )
    assert response.text == "Hello."
    assert provider.asked == [
        "POST /files",
        "POST /transcriptions",
        "GET /transcriptions/t",
        "GET /transcriptions/t",
        "GET /transcriptions/t/transcript",
        "DELETE /transcriptions/t",
        "DELETE /files/f",
    ]
    assert provider.requests[1].json() == {"model": "m", "language_hints": ["en"], "file_id": "f"}


@both
def test_speech(asynchronous: bool, tmp_path: Path) -> None:
    with Provider(b"ID3sound") as provider:
        response = run(
            asynchronous, "speech", provider, model="openai/tts-1", input="Hello.", voice="alloy", speed=2
        )
    assert (response.content, response.content_type) == (b"ID3sound", "audio/mpeg")
    assert response.logging_summary() == {"object": "binary", "content_type": "audio/mpeg", "num_bytes": 8}
    assert list(response.iter_bytes(3)) == [b"ID3", b"sou", b"nd"]
    assert response.hidden_params["custom_llm_provider"] == "openai"
    response.stream_to_file(tmp_path / "a.mp3")
    assert (tmp_path / "a.mp3").read_bytes() == b"ID3sound"
    assert provider.requests[0].json() == {"model": "tts-1", "input": "Hello.", "voice": "alloy", "speed": 2}


@pytest.mark.parametrize(
    ("model", "answer", "path", "voice"),
    [
        ("elevenlabs/eleven_v3", b"sound", "/text-to-speech/21m00Tcm4TlvDq8ikWAM", None),
        ("minimax/speech-2.6-hd", {"data": {"audio": b"sound".hex()}}, "/v1/t2a_v2", "male-qn-qingse"),
        ("mistral/voxtral-tts", {"audio_data": "c291bmQ="}, "/v1/audio/speech", "alloy"),
        ("groq/playai-tts", b"sound", "/audio/speech", "alloy"),
        ("aws_polly/neural", b"sound", "/v1/speech", "Joanna"),
    ],
)
def test_speech_in_other_formats(model: str, answer: Any, path: str, voice: str | None) -> None:
    with Provider(answer) as provider:
        more = {**AWS, "api_key": None} if model.startswith("aws") else {}
        response = run(False, "speech", provider, model=model, input="Hello.", voice="alloy", **more)
    assert response.content == b"sound"
    assert provider.asked == [f"POST {path}"]
    assert voice is None or voice in str(provider.requests[0].json())


@pytest.mark.parametrize(("wanted", "head"), [(None, b"RIFF"), ("wav", b"RIFF"), ("pcm", b"sa")])
def test_gemini_speaks_samples(wanted: str | None, head: bytes) -> None:
    sound = {"mimeType": "audio/L16;codec=pcm;rate=16000", "data": base64.b64encode(b"samples!").decode()}
    with Provider({"candidates": [{"content": {"parts": [{"inlineData": sound}]}}]}) as provider:
        response = run(
            False, "speech", provider, model="gemini/m-tts", input="Hi", voice="echo", response_format=wanted
        )
    assert response.content.startswith(head)
    assert response.content.endswith(b"samples!")
    assert head != b"RIFF" or int.from_bytes(response.content[24:28], "little") == 16000
    assert "Charon" in str(provider.requests[0].json())


@both
def test_runway_begins_a_task_and_fetches_its_output(asynchronous: bool) -> None:
    done = {"id": "t", "status": "SUCCEEDED", "output": ["{origin}/a.mp3"]}
    with Provider({"id": "t"}, {"id": "t", "status": "RUNNING"}, done, b"sound") as provider:
        response = run(asynchronous, "speech", provider, model="runwayml/m", input="Hi", voice="alloy")
    assert response.content == b"sound"
    assert provider.asked == ["POST /text_to_speech", "GET /tasks/t", "GET /tasks/t", "GET /a.mp3"]
    assert provider.requests[0].json()["voice"] == {"type": "runway-preset", "presetId": "Maya"}
    failed = {"id": "t", "status": "FAILED", "failure": "no", "failureCode": "INTERNAL"}
    with Provider({"id": "t"}, failed) as provider, pytest.raises(InternalServerError, match="no"):
        run(asynchronous, "image_generation", provider, model="runwayml/m", prompt="a")
