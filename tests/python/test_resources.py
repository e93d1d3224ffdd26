"""Files, batches and fine-tuning jobs, from the public function to the wire and back."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import pickle
from pathlib import Path
from typing import Any, cast

import pytest
from _provider import Provider, both, run
from _upstream import Exchange, Upstream

import ferrolite
from ferrolite.exceptions import (
    BadRequestError,
    MidStreamFallbackError,
    NotFoundError,
)
from ferrolite.types.resources import AsyncCursorPage, SyncCursorPage
from ferrolite.types.utils import LiteLLMBatch, LiteLLMFineTuningJob, OpenAIFileObject

LINES = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{}}\n'
FILE: dict[str, Any] = {
    "id": "file-1",
    "object": "file",
    "bytes": 9,
    "created_at": 1700000000,
    "filename": "a.jsonl",
    "purpose": "batch",
    "status": "processed",
}
BATCH: dict[str, Any] = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "errors": {"object": "list", "data": [{"code": "c", "message": "m", "line": 3}]},
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "validating",
    "created_at": 1714508499,
    "request_counts": {"total": 3, "completed": 1, "failed": 0},
    "metadata": {"a": "b"},
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
JOB: dict[str, Any] = {
    "id": "ftjob-1",
    "object": "fine_tuning.job",
    "created_at": 1721764800,
    "hyperparameters": {"n_epochs": "auto"},
    "model": "gpt-4o-mini-2024-07-18",
    "organization_id": "org-1",
    "result_files": [],
    "status": "queued",
    "training_file": "file-1",
    "seed": 3,
    "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
}
UPLOAD: dict[str, Any] = {"file": ("a.jsonl", LINES), "purpose": "batch"}
BEGIN: dict[str, Any] = {
    "completion_window": "24h",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-1",
}
GOOGLE = {"api_key": "ya29.token", "vertex_project": "p", "vertex_location": "us-central1"}


def listing(*items: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(items), "has_more": more}


@both
def test_openai_keeps_files(asynchronous: bool) -> None:
    deleted = {"id": "file-1", "object": "file", "deleted": True}
    with Provider(FILE, FILE, listing(FILE), b"content", deleted) as provider:
        made = run(
            asynchronous,
            "create_file",
            provider,
            **UPLOAD,
            expires_after={"anchor": "created_at", "seconds": 3600},
            extra_body={"zz": "1"},
            extra_headers={"x-a": "1"},
        )
        found = run(asynchronous, "file_retrieve", provider, file_id="file-1")
        page = run(asynchronous, "file_list", provider, purpose="batch")
        content = run(asynchronous, "file_content", provider, file_id="file/1")
        gone = run(asynchronous, "file_delete", provider, file_id="file-1")
    assert provider.asked == [
        "POST /files",
        "GET /files/file-1",
        "GET /files?purpose=batch",
        "GET /files/file%2F1/content",
        "DELETE /files/file-1",
    ]
    sent = provider.requests[0]
    for name, value in [
        ("purpose", "batch"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
        ("zz", "1"),
    ]:
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in sent.body
    assert b'name="file"; filename="a.jsonl"\r\nContent-Type: ' in sent.body
    assert b"\r\n\r\n" + LINES + b"\r\n--" in sent.body
    assert sent.headers["x-a"] == "1"
    assert sent.headers["content-length"] == str(len(sent.body))
    assert sent.headers["authorization"] == "Bearer key-0123456789"
    assert type(made) is OpenAIFileObject
    assert made.model_dump() == found.model_dump()
    assert (made.id, made["bytes"], made.get("status"), made.expires_at) == ("file-1", 9, "processed", None)
    assert made._hidden_params["custom_llm_provider"] == "openai"
    assert type(page) is (AsyncCursorPage if asynchronous else SyncCursorPage)
    assert (page.data[0].id, page[0].id, len(page), page["has_more"]) == ("file-1", "file-1", 1, False)
    assert (content.content, content.text) == (b"content", "content")
    assert (gone.id, gone.deleted) == ("file-1", True)


@both
def test_openai_works_off_batches(asynchronous: bool) -> None:
    with Provider(BATCH, BATCH, listing(BATCH), BATCH) as provider:
        more = {"anchor": "created_at", "seconds": 3600}
        made = run(
            asynchronous, "create_batch", provider, **BEGIN, metadata={"a": "b"}, output_expires_after=more
        )
        run(asynchronous, "retrieve_batch", provider, batch_id="batch_1", metadata={"mine": "1"})
        page = run(asynchronous, "list_batches", provider, after="batch_0", limit=3)
        run(asynchronous, "cancel_batch", provider, batch_id="batch_1")
    assert provider.asked == [
        "POST /batches",
        "GET /batches/batch_1",
        "GET /batches?after=batch_0&limit=3",
        "POST /batches/batch_1/cancel",
    ]
    assert provider.requests[0].json() == {**BEGIN, "metadata": {"a": "b"}, "output_expires_after": more}
    assert type(made) is type(page.data[0]) is LiteLLMBatch
    assert (made.status, made["id"], made.output_file_id) == ("validating", "batch_1", None)
    assert (made.request_counts.total, made.errors.data[0].line, made.usage.total_tokens) == (3, 3, 3)
    assert made.model_dump()["metadata"] == {"a": "b"}


@both
def test_openai_tunes_models(asynchronous: bool) -> None:
    with Provider(JOB, JOB, JOB, listing(JOB), JOB) as provider:
        asked: dict[str, Any] = {"model": "openai/gpt-4o-mini", "training_file": "file-1"}
        made = run(asynchronous, "create_fine_tuning_job", provider, **asked)
        run(
            asynchronous,
            "create_fine_tuning_job",
            provider,
            **asked,
            hyperparameters={"n_epochs": 3},
            suffix="suf",
            seed=5,
            method={"type": "dpo"},
        )
        run(asynchronous, "retrieve_fine_tuning_job", provider, fine_tuning_job_id="ftjob-1")
        page = run(asynchronous, "list_fine_tuning_jobs", provider, after="ftjob-0", limit=2)
        run(asynchronous, "cancel_fine_tuning_job", provider, fine_tuning_job_id="ftjob-1")
    assert provider.asked == [
        "POST /fine_tuning/jobs",
        "POST /fine_tuning/jobs",
        "GET /fine_tuning/jobs/ftjob-1",
        "GET /fine_tuning/jobs?after=ftjob-0&limit=2",
        "POST /fine_tuning/jobs/ftjob-1/cancel",
    ]
    sent = {"model": "gpt-4o-mini", "training_file": "file-1", "hyperparameters": {}}
    assert provider.requests[0].json() == sent
    assert provider.requests[1].json() == {
        **sent,
        "hyperparameters": {"n_epochs": 3},
        "suffix": "suf",
        "seed": 5,
        "method": {"type": "dpo"},
    }
    assert type(made) is type(page[0]) is LiteLLMFineTuningJob
    assert (made.hyperparameters.n_epochs, made.method.type, made.seed) == ("auto", "supervised", 3)
    assert made.method.supervised.hyperparameters.n_epochs == 2


@both
def test_azure_keeps_them_beside_its_deployments(asynchronous: bool) -> None:
    with Provider(FILE, FILE, BATCH, listing(BATCH), JOB, JOB, FILE) as provider:
        azure: dict[str, Any] = {"custom_llm_provider": "azure", "api_version": "2024-10-21"}
        run(asynchronous, "create_file", provider, **UPLOAD, **azure)
        run(asynchronous, "file_retrieve", provider, file_id="file-1", **azure)
        run(asynchronous, "create_batch", provider, **BEGIN, **azure)
        run(asynchronous, "list_batches", provider, limit=3, **azure)
        job: dict[str, Any] = {"model": "m", "training_file": "f", **azure}
        run(asynchronous, "create_fine_tuning_job", provider, **job)
        run(asynchronous, "create_fine_tuning_job", provider, **job, trainingType=2)
        run(asynchronous, "file_retrieve", provider, file_id="file-1", **{**azure, "api_version": "preview"})
    dated = "?api-version=2024-10-21"
    assert provider.asked == [
        f"POST /openai/files{dated}",
        f"GET /openai/files/file-1{dated}",
        f"POST /openai/batches{dated}",
        f"GET /openai/batches?limit=3&{dated[1:]}",
        f"POST /openai/fine_tuning/jobs{dated}",
        f"POST /openai/fine_tuning/jobs{dated}",
        "GET /openai/v1/files/file-1",
    ]
    assert provider.requests[0].headers["api-key"] == "key-0123456789"
    assert [provider.requests[at].json()["trainingType"] for at in (4, 5)] == [1, 2]


@both
def test_anthropic_keeps_files_and_message_batches(asynchronous: bool) -> None:
    file = {
        "id": "file_011",
        "type": "file",
        "filename": "a.txt",
        "size_bytes": 1234,
        "created_at": "2025-01-02T03:04:05Z",
    }
    counts = {"processing": 1, "succeeded": 2, "errored": 3, "canceled": 4, "expired": 5}
    batch = {
        "id": "msgbatch_1",
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": counts,
        "created_at": "2024-08-20T18:37:24.100435Z",
        "expires_at": "2024-08-21T18:37:24.100435Z",
        "ended_at": None,
        "cancel_initiated_at": None,
    }
    over = {**batch, "processing_status": "ended", "ended_at": "2024-08-20T18:38:00.1Z"}
    with Provider(
        file, {"data": [file], "has_more": False}, {"id": "file_011", "type": "file_deleted"}, b"x", b"{}",
        batch, over, batch,
    ) as provider:  # fmt: skip
        of: dict[str, Any] = {"custom_llm_provider": "anthropic"}
        made = run(asynchronous, "create_file", provider, file=("a.txt", b"hello"), purpose="user_data", **of)
        page = run(asynchronous, "file_list", provider, purpose="messages", **of)
        gone = run(asynchronous, "file_delete", provider, file_id="file_011", **of)
        run(asynchronous, "file_content", provider, file_id="file_011", **of)
        results = run(asynchronous, "file_content", provider, file_id="msgbatch_1", **of)
        requests = [{"custom_id": "c", "params": {"model": "claude", "max_tokens": 1, "messages": []}}]
        begun = run(asynchronous, "create_batch", provider, **BEGIN, requests=requests, **of)
        done = run(asynchronous, "retrieve_batch", provider, batch_id="msgbatch_1", **of)
        run(asynchronous, "cancel_batch", provider, batch_id="msgbatch_1", **of)
    assert provider.asked == [
        "POST /v1/files",
        "GET /v1/files",
        "DELETE /v1/files/file_011",
        "GET /v1/files/file_011/content",
        "GET /v1/messages/batches/msgbatch_1/results",
        "POST /v1/messages/batches",
        "GET /v1/messages/batches/msgbatch_1",
        "POST /v1/messages/batches/msgbatch_1/cancel",
    ]
    headers = [request.headers for request in provider.requests]
    assert headers[0]["anthropic-beta"] == "files-api-2025-04-14"
    assert headers[5]["anthropic-beta"] == "message-batches-2024-09-24"
    assert all(one["anthropic-version"] == "2023-06-01" for one in headers)
    assert all(one["x-api-key"] == "key-0123456789" for one in headers)
    assert (made.id, made.bytes, made.created_at, made.purpose) == ("file_011", 1234, 1735787045, "messages")
    assert (page[0].id, gone.deleted, results.content) == (made.id, True, b"{}")
    assert provider.requests[5].json() == {"requests": requests}
    assert (begun.status, begun.output_file_id, begun.in_progress_at) == ("in_progress", None, 1724179044)
    assert begun.request_counts.model_dump() == {"completed": 2, "failed": 3, "total": 15}
    assert (done.status, done.output_file_id, done.completed_at) == ("completed", "msgbatch_1", 1724179080)
    with Provider() as provider, pytest.raises(BadRequestError, match="`requests`"):
        run(asynchronous, "create_batch", provider, **BEGIN, custom_llm_provider="anthropic")


@both
def test_gemini_takes_a_file_in_two_steps(asynchronous: bool) -> None:
    file = {
        "name": "files/abc",
        "displayName": "a.txt",
        "sizeBytes": "10",
        "createTime": "2025-01-02T03:04:05.123456Z",
        "uri": "https://host.invalid/v1beta/files/abc",
        "state": "ACTIVE",
    }

    def answer(exchange: Exchange) -> None:
        if exchange.request.method == "DELETE":
            exchange.json({})
        elif exchange.request.path == "/upload/v1beta/files":
            exchange.json({}, headers={"x-goog-upload-url": f"{upstream.origin}/up?upload_id=1"})
        else:
            exchange.json({"file": file} if exchange.request.method == "POST" else file)

    with Upstream(answer) as upstream:
        of: dict[str, Any] = {"custom_llm_provider": "gemini", "api_base": f"{upstream.origin}/v1beta"}
        provider = cast("Any", upstream)
        made = run(
            asynchronous,
            "create_file",
            provider,
            file=("a.txt", b"hello", "text/plain"),
            purpose="user_data",
            **of,
        )
        for name in ("abc", "files/abc", "https://host.invalid/v1beta/files/abc"):
            found = run(asynchronous, "file_retrieve", provider, file_id=name, **of)
            assert found.model_dump() == made.model_dump()
        gone = run(asynchronous, "file_delete", provider, file_id="abc", **of)
        with pytest.raises(BadRequestError, match="hand out"):
            run(asynchronous, "file_content", provider, file_id="abc", **of)
    asked = [f"{request.method} {request.path}" for request in upstream.requests]
    assert asked == [
        "POST /upload/v1beta/files",
        "POST /up?upload_id=1",
        *["GET /v1beta/files/abc"] * 3,
        "DELETE /v1beta/files/abc",
    ]
    begun, sent = upstream.requests[:2]
    assert begun.json() == {"file": {"display_name": "a.txt"}}
    assert begun.headers["x-goog-upload-command"] == "start"
    assert begun.headers["x-goog-upload-header-content-length"] == "5"
    assert begun.headers["x-goog-upload-header-content-type"] == "text/plain"
    assert (sent.body, sent.headers["x-goog-upload-command"]) == (b"hello", "upload, finalize")
    assert (made.id, made.bytes, made.status) == (file["uri"], 10, "processed")
    assert (gone.id, gone.deleted) == ("files/abc", True)


def line(custom_id: str, **body: Any) -> str:
    whole = {"model": "gemini-2.0-flash", "messages": [{"role": "user", "content": "hi"}], **body}
    return json.dumps(
        {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": whole}
    )


OBJECT: dict[str, Any] = {
    "name": "x/publishers/google/models/g/abc",
    "bucket": "b",
    "size": "321",
    "timeCreated": "2024-12-04T21:53:12.120Z",
}


@both
def test_vertex_writes_a_batch_in_the_format_of_its_model(asynchronous: bool) -> None:
    lines = [line("UPPER.1", temperature=0.5, max_tokens=10, stream=True), "", line("2")]
    with Provider(OBJECT) as provider:
        made = run(
            asynchronous,
            "create_file",
            provider,
            file=io.BytesIO("\n".join(lines).encode()),
            purpose="batch",
            custom_llm_provider="vertex_ai",
            gcs_bucket_name="b/folder",
            **GOOGLE,
        )
    sent = provider.requests[0]
    start = "/upload/storage/v1/b/b/o?uploadType=media&name=folder%2Flitellm-vertex-files%2F"
    assert sent.path.startswith(f"{start}publishers%2Fgoogle%2Fmodels%2Fgemini-2.0-flash%2F")
    assert sent.headers["authorization"] == "Bearer ya29.token"
    first, second = map(json.loads, sent.body.splitlines())
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]
    assert first["request"]["contents"] == second["request"]["contents"] == contents
    assert first["request"]["generationConfig"] == {"temperature": 0.5, "maxOutputTokens": 10}
    assert first["request"]["labels"] == {
        "litellm_custom_id": "upper_1",
        "litellm_custom_id_raw": "b32_kvifarksfyyq",
    }
    assert (made.id, made.bytes, made.purpose) == ("gs://b/x/publishers/google/models/g/abc", 321, "batch")
    assert (made.status, made.created_at) == ("uploaded", 1733349192)


def test_vertex_writes_claudes_batch_too_and_other_files_as_they_are() -> None:
    with Provider(OBJECT, OBJECT) as provider:
        of: dict[str, Any] = {"custom_llm_provider": "vertex_ai", "gcs_bucket_name": "b", **GOOGLE}
        claude = line("1", model="vertex_ai/claude-3-5-sonnet@20240620", max_tokens=5)
        run(False, "create_file", provider, file=claude.encode(), purpose="batch", **of)
        run(False, "create_file", provider, file=("x/a.txt", b"hello"), purpose="user_data", **of)
    first, second = provider.requests
    assert "publishers%2Fanthropic%2Fmodels%2Fclaude-3-5-sonnet%4020240620%2F" in first.path
    written = first.json()
    assert written["custom_id"] == "1"
    assert written["request"]["anthropic_version"] == "vertex-2023-10-16"
    assert written["request"]["max_tokens"] == 5
    assert "model" not in written["request"]
    assert "name=litellm-vertex-files%2Fuploads%2F" in second.path
    assert second.path.endswith("-a.txt")
    assert second.body == b"hello"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no lines"),
        ("{bad", "Line 1 .* not valid JSON"),
        ('{"a": 1}', "Line 1 .*`body`"),
        (line("1", model=""), "Line 1 .*`body.model`"),
        (line("1") + "\n\n" + line("2", model="gemini-2.5-pro"), "Line 3 .* one model"),
        (line("1").replace("chat/completions", "embeddings"), "Line 1 .* chat completions only"),
        (line("1", messages=7), "Line 1 .*messages"),
        (line("1", model="mistral-large-2411"), "no batches of"),
    ],
)
def test_vertex_refuses_a_batch_that_it_cannot_write(content: str, message: str) -> None:
    with Provider() as provider, pytest.raises(BadRequestError, match=f"(?s){message}"):
        run(
            False,
            "create_file",
            provider,
            file=content.encode(),
            purpose="batch",
            custom_llm_provider="vertex_ai",
            gcs_bucket_name="b",
            **GOOGLE,
        )
    assert provider.requests == []


def test_vertex_wants_to_know_the_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GCS_BUCKET_NAME", raising=False)
    of: dict[str, Any] = {"custom_llm_provider": "vertex_ai", **GOOGLE}
    with Provider() as provider, pytest.raises(BadRequestError, match="GCS_BUCKET_NAME"):
        run(False, "create_file", provider, file=b"x", purpose="user_data", **of)
    with Provider() as provider, pytest.raises(BadRequestError, match="gs://bucket/object"):
        run(False, "file_retrieve", provider, file_id="abc", **of)


@both
def test_vertex_hands_out_predictions_as_the_output_of_a_batch(asynchronous: bool) -> None:
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "yo"}]}, "finishReason": "STOP"}],
        "modelVersion": "gemini-2.0-flash-001",
        "responseId": "r1",
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
    }
    labels = {"litellm_custom_id": "upper_1", "litellm_custom_id_raw": "b32_kvifarksfyyq"}
    lines = [
        {"status": "", "request": {"labels": labels}, "response": answer},
        {"status": "Bad Request: x", "request": {"labels": {"litellm_custom_id": "2"}}, "response": {}},
        {"something": "else"},
    ]
    claude = {
        "custom_id": "3",
        "status": "",
        "request": {},
        "response": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": "Hello"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 4},
        },
    }
    written = "\n".join(map(json.dumps, [*lines, claude])).encode()
    with Provider(written, b"plain", written) as provider:
        of: dict[str, Any] = {"custom_llm_provider": "vertex_ai", **GOOGLE}
        name = "gs://b/x y/predictions.jsonl"
        output = run(asynchronous, "file_content", provider, file_id=name, **of)
        plain = run(asynchronous, "file_content", provider, file_id="gs%3A%2F%2Fb%2Fa%2Bb", **of)
        pieces = run(asynchronous, "file_content", provider, file_id=name, stream=True, chunk_size=7, **of)
        streamed = collected(pieces.stream_iterator, asynchronous)
    assert provider.asked == [
        "GET /storage/v1/b/b/o/x%20y%2Fpredictions.jsonl?alt=media",
        "GET /storage/v1/b/b/o/a%2Bb?alt=media",
        "GET /storage/v1/b/b/o/x%20y%2Fpredictions.jsonl?alt=media",
    ]
    good, bad, other, of_claude = map(json.loads, output.content.splitlines())
    assert (good["custom_id"], good["error"], good["response"]["status_code"]) == ("UPPER.1", None, 200)
    body = good["response"]["body"]
    assert (body["object"], body["model"]) == ("chat.completion", "gemini-2.0-flash-001")
    assert body["choices"][0]["message"]["content"] == "yo"
    assert (body["choices"][0]["finish_reason"], body["usage"]["total_tokens"]) == ("stop", 3)
    assert (bad["custom_id"], bad["response"]) == ("2", None)
    assert bad["error"] == {"code": "vertex_ai_error", "message": "Bad Request: x"}
    assert other == {"something": "else"}
    assert of_claude["response"]["body"]["choices"][0]["message"]["content"] == "Hello"
    assert plain.content == b"plain"
    assert b"".join(streamed) == output.content
    assert {len(piece) for piece in streamed[:-1]} == {7}


def job(state: str = "JOB_STATE_PENDING", **more: Any) -> dict[str, Any]:
    return {
        "name": "projects/1/locations/us-central1/batchPredictionJobs/38",
        "inputConfig": {"gcsSource": {"uris": ["gs://b/in.jsonl"]}},
        "state": state,
        "createTime": "2024-12-04T21:53:12.120184Z",
        **more,
    }


@both
def test_vertex_predicts_in_batches(asynchronous: bool) -> None:
    done = job(
        "JOB_STATE_SUCCEEDED",
        outputInfo={"gcsOutputDirectory": "gs://b/out/prediction-1"},
        completionStats={"successfulCount": "2", "failedCount": "1"},
        endTime="2024-12-04T21:55:12.120184Z",
    )
    failed = job("JOB_STATE_FAILED", error={"code": 3, "message": "boom"})
    with Provider(
        job(), done, {"batchPredictionJobs": [job()], "nextPageToken": "t"}, {}, job("JOB_STATE_CANCELLING"),
        {"deployedModels": [{"model": "projects/1/models/tuned"}]}, job(), failed,
    ) as provider:  # fmt: skip
        of: dict[str, Any] = {"custom_llm_provider": "vertex_ai", **GOOGLE}
        name = "gs://b/f/publishers/google/models/gemini-2.0-flash/in.jsonl"
        begun = run(asynchronous, "create_batch", provider, **{**BEGIN, "input_file_id": name}, **of)
        over = run(asynchronous, "retrieve_batch", provider, batch_id="38", **of)
        page = run(asynchronous, "list_batches", provider, after="t0", limit=3, **of)
        stopped = run(asynchronous, "cancel_batch", provider, batch_id=job()["name"], **of)
        tuned = {**BEGIN, "input_file_id": "gs://b/endpoints/12/in.jsonl"}
        run(asynchronous, "create_batch", provider, **tuned, **of)
        broken = run(asynchronous, "retrieve_batch", provider, batch_id="38", **of)
    place = "/v1/projects/p/locations/us-central1"
    jobs = f"{place}/batchPredictionJobs"
    assert provider.asked == [
        f"POST {jobs}",
        f"GET {jobs}/38",
        f"GET {jobs}?pageToken=t0&pageSize=3",
        f"POST {jobs}/38:cancel",
        f"GET {jobs}/38",
        f"GET {place}/endpoints/12",
        f"POST {jobs}",
        f"GET {jobs}/38",
    ]
    sent = provider.requests[0].json()
    assert sent.pop("displayName").startswith("ferrolite-batch-")
    folder = "gs://b/f/publishers/google/models/gemini-2.0-flash"
    assert sent == {
        "inputConfig": {"gcsSource": {"uris": [name]}, "instancesFormat": "jsonl"},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": folder}},
        "model": "publishers/google/models/gemini-2.0-flash",
    }
    assert provider.requests[6].json()["model"] == "projects/1/models/tuned"
    assert (begun.id, begun.status, begun.created_at) == ("38", "validating", 1733349192)
    assert (begun.input_file_id, begun.output_file_id) == ("gs://b/in.jsonl", None)
    assert (over.status, over.output_file_id) == ("completed", "gs://b/out/prediction-1/predictions.jsonl")
    assert over.request_counts.model_dump() == {"completed": 2, "failed": 1, "total": 3}
    assert (stopped.status, page.next_page_info()) == ("cancelling", {"after": "t"})
    assert (broken.status, broken.errors.data[0].message) == ("failed", "boom")
    with Provider() as provider, pytest.raises(BadRequestError, match="which model the batch is for"):
        run(asynchronous, "create_batch", provider, **BEGIN, **of)


@both
def test_vertex_tunes_models(asynchronous: bool) -> None:
    tuning = {
        "name": "projects/1/locations/us-central1/tuningJobs/99",
        "tunedModelDisplayName": "dn",
        "baseModel": "gemini-2.0-flash",
        "supervisedTuningSpec": {"trainingDatasetUri": "gs://x/y.jsonl"},
        "state": "JOB_STATE_PENDING",
        "createTime": "2024-12-04T21:53:12.120184Z",
    }
    with Provider(tuning, {**tuning, "state": "JOB_STATE_RUNNING"}) as provider:
        of: dict[str, Any] = {"custom_llm_provider": "vertex_ai", **GOOGLE}
        made = run(
            asynchronous,
            "create_fine_tuning_job",
            provider,
            model="gemini-2.0-flash",
            training_file="gs://x/y.jsonl",
            validation_file="gs://x/v.jsonl",
            hyperparameters={"n_epochs": 3, "learning_rate_multiplier": 0.1},
            suffix="suf",
            **of,
        )
        found = run(asynchronous, "retrieve_fine_tuning_job", provider, fine_tuning_job_id=made.id, **of)
    jobs = "/v1/projects/p/locations/us-central1/tuningJobs"
    assert provider.asked == [f"POST {jobs}", f"GET {jobs}/99"]
    assert provider.requests[0].json() == {
        "baseModel": "gemini-2.0-flash",
        "supervisedTuningSpec": {
            "trainingDatasetUri": "gs://x/y.jsonl",
            "validationDatasetUri": "gs://x/v.jsonl",
            "hyperParameters": {"epochCount": 3, "learningRateMultiplier": 0.1},
        },
        "tunedModelDisplayName": "suf",
    }
    assert (made.id, made.status, made.training_file) == (tuning["name"], "queued", "gs://x/y.jsonl")
    assert found.status == "running"


@both
def test_mistral_calls_batches_jobs(asynchronous: bool) -> None:
    batch = {
        "id": "job1",
        "object": "batch",
        "input_files": ["file-1"],
        "endpoint": "/v1/chat/completions",
        "output_file": "out1",
        "errors": [{"message": "m", "count": 2}],
        "status": "SUCCESS",
        "created_at": 1700000000,
        "total_requests": 5,
        "succeeded_requests": 4,
        "failed_requests": 1,
        "completed_at": 1700000009,
    }
    bare = {name: value for name, value in FILE.items() if name != "status"}
    with Provider(bare, batch, batch, {"data": [batch], "total": 1}, batch) as provider:
        of: dict[str, Any] = {"custom_llm_provider": "mistral"}
        file = run(asynchronous, "create_file", provider, **UPLOAD, **of)
        asked: dict[str, Any] = {**BEGIN, "model": "mistral/mistral-small", "metadata": {"a": "b"}}
        made = run(asynchronous, "create_batch", provider, **asked, **of)
        run(asynchronous, "retrieve_batch", provider, batch_id="job1", **of)
        page = run(asynchronous, "list_batches", provider, limit=3, **of)
        run(asynchronous, "cancel_batch", provider, batch_id="job1", **of)
    assert [one.split(" /", 1)[1].removeprefix("v1/") for one in provider.asked] == [
        "files",
        "batch/jobs",
        "batch/jobs/job1",
        "batch/jobs?page_size=3",
        "batch/jobs/job1/cancel",
    ]
    assert provider.requests[1].json() == {
        "input_files": ["file-1"],
        "endpoint": "/v1/chat/completions",
        "model": "mistral-small",
        "metadata": {"a": "b"},
    }
    assert file.status == "uploaded"
    assert (made.status, made.output_file_id, made.completed_at) == ("completed", "out1", 1700000009)
    assert made.errors.data[0].message == "m (x2)"
    assert page[0].model_dump() == made.model_dump()
    with Provider() as provider, pytest.raises(BadRequestError, match="'after'"):
        run(asynchronous, "list_batches", provider, after="x", **of)


@both
def test_xai_has_batches_of_its_own(asynchronous: bool) -> None:
    state = {"num_requests": 5, "num_pending": 1, "num_success": 2, "num_error": 1, "num_cancelled": 1}
    batch = {
        "batch_id": "batch_x",
        "name": "n",
        "create_time": "2025-01-02T03:04:05Z",
        "input_file_id": "file-1",
        "state": state,
    }
    good = {
        "batch_request_id": "c1",
        "batch_result": {"response": {"chat_get_completion": {"id": "x", "choices": []}}},
    }
    bad = {"batch_request_id": "c2", "batch_result": {"error": {"code": 3, "message": "bad"}}}
    over = {**batch, "state": {"num_requests": 2, "num_pending": 0, "num_success": 2}}
    with Provider(
        batch, over, {"batches": [batch], "pagination_token": "t2"}, batch,
        {"results": [good], "pagination_token": "p 2"}, {"results": [bad]},
        {"data": [FILE, {**FILE, "id": "file-2", "purpose": "other"}]},
    ) as provider:  # fmt: skip
        of: dict[str, Any] = {"custom_llm_provider": "xai"}
        made = run(asynchronous, "create_batch", provider, **BEGIN, metadata={"name": "mine"}, **of)
        done = run(asynchronous, "retrieve_batch", provider, batch_id="batch_x", **of)
        page = run(asynchronous, "list_batches", provider, after="t1", limit=3, **of)
        run(asynchronous, "cancel_batch", provider, batch_id="batch_x", **of)
        output = run(asynchronous, "file_content", provider, file_id="batch_x", **of)
        files = run(asynchronous, "file_list", provider, purpose="batch", **of)
    assert provider.asked == [
        "POST /batches",
        "GET /batches/batch_x",
        "GET /batches?pagination_token=t1&limit=3",
        "POST /batches/batch_x:cancel",
        "GET /batches/batch_x/results?limit=1000",
        "GET /batches/batch_x/results?limit=1000&pagination_token=p+2",
        "GET /files",
    ]
    assert provider.requests[0].json() == {"name": "mine", "input_file_id": "file-1"}
    assert (made.id, made.status, made.output_file_id) == ("batch_x", "in_progress", None)
    assert made.request_counts.model_dump() == {"completed": 2, "failed": 2, "total": 5}
    assert (done.status, done.output_file_id) == ("completed", "batch_x")
    assert page.next_page_info() == {"after": "t2"}
    first, second = map(json.loads, output.content.splitlines())
    assert first["response"] == {"status_code": 200, "request_id": "x", "body": {"id": "x", "choices": []}}
    assert (second["custom_id"], second["error"]) == ("c2", {"code": "3", "message": "bad"})
    assert [file.id for file in files.data] == ["file-1"]


@both
def test_a_server_of_ones_own_gets_ones_own_key(asynchronous: bool) -> None:
    with Provider(FILE, BATCH) as provider:
        of: dict[str, Any] = {"custom_llm_provider": "hosted_vllm"}
        run(asynchronous, "create_file", provider, **UPLOAD, **of)
        run(asynchronous, "create_batch", provider, **BEGIN, **of)
    assert provider.asked == ["POST /files", "POST /batches"]
    assert provider.requests[0].headers["authorization"] == "Bearer key-0123456789"


def collected(pieces: Any, asynchronous: bool) -> list[bytes]:
    if not asynchronous:
        return list(pieces)

    async def collect() -> list[bytes]:
        return [piece async for piece in pieces]

    return asyncio.run(collect())


@both
def test_a_file_comes_in_pieces(asynchronous: bool) -> None:
    data = bytes(range(256)) * 40
    with Provider(data, data) as provider:
        of: dict[str, Any] = {"file_id": "file-1", "stream": True, "custom_llm_provider": "openai"}

        async def read() -> list[bytes]:
            got = await ferrolite.afile_content(
                **of, api_base=provider.origin, api_key="k" * 10, chunk_size=1000
            )
            assert got.headers["content-type"] == "audio/mpeg"
            return [piece async for piece in got.stream_iterator]

        if asynchronous:
            pieces = asyncio.run(read())
        else:
            result = run(False, "file_content", provider, **of, chunk_size=1000)
            iterator, headers = result
            assert headers["content-type"] == "audio/mpeg"
            assert (iterator.file_id, iterator.custom_llm_provider) == ("file-1", "openai")
            pieces = list(iterator)
    assert b"".join(pieces) == data
    assert [len(piece) for piece in pieces] == [*[1000] * 10, 240]


def test_a_streamed_file_that_breaks_off_is_an_error_after_what_came() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"content-type": "application/octet-stream", "content-length": "100"})
        exchange.send(b"x" * 50)
        exchange.close()

    with Upstream(answer) as upstream:
        provider = cast("Any", upstream)
        result = run(False, "file_content", provider, file_id="f", stream=True, chunk_size=10)
        pieces: list[bytes] = []
        with pytest.raises(MidStreamFallbackError, match="Connection error"):
            pieces.extend(result.stream_iterator)
    assert b"".join(pieces) == b"x" * len(b"".join(pieces))


def test_pages_lead_to_pages() -> None:
    two, three = {**FILE, "id": "file-2"}, {**FILE, "id": "file-3"}
    replies = [listing(FILE, two, more=True), listing(three)]
    with Provider(*replies, *replies) as provider:
        page = run(False, "file_list", provider, purpose="batch")
        assert [file.id for file in page] == ["file-1", "file-2", "file-3"]

        async def read() -> list[str]:
            page = await ferrolite.afile_list(
                purpose="batch", api_base=provider.origin, api_key="key-0123456789"
            )
            assert [file.id for file in page] == ["file-1", "file-2"]
            return [file.id async for file in page]

        assert asyncio.run(read()) == ["file-1", "file-2", "file-3"]
    assert provider.asked == ["GET /files?purpose=batch", "GET /files?purpose=batch&after=file-2"] * 2


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    from ferrolite.types.resources import OpenAIFileObject, page_of, turned

    pages = {
        None: {"data": [FILE], "has_more": True, "next_page_token": "1"},
        "1": {"data": [], "has_more": True, "next_page_token": "2"},
        "2": {"data": [{**FILE, "id": "file-2"}], "has_more": False},
    }

    def fetch(info: dict[str, Any]) -> SyncCursorPage:
        page = page_of(OpenAIFileObject, cast("Any", pages[info.get("after")]))
        return cast("SyncCursorPage", turned(page, fetch, is_async=False))

    assert [file.id for file in fetch({})] == ["file-1", "file-2"]


def test_a_page_is_kept_without_the_key() -> None:
    with Provider(listing(FILE, more=True)) as provider:
        page = run(False, "file_list", provider)
    assert page.has_next_page()
    kept = pickle.loads(pickle.dumps(page))
    assert [file.id for file in kept.data] == ["file-1"]
    assert not kept.has_next_page()
    with pytest.raises(RuntimeError, match="has_next_page"):
        kept.get_next_page()
    assert "key-0123456789" not in repr(page) + str(page.model_dump())
    assert copy.copy(page).data == page.data


def test_a_file_may_be_held_in_many_ways(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_bytes(LINES)
    with Provider(*[FILE] * 4) as provider, path.open("rb") as opened:
        for file in (path, opened, LINES, ("c.txt", io.BytesIO(LINES), "text/plain")):
            run(False, "create_file", provider, file=file, purpose="batch")
    names = [request.body.split(b'filename="')[1].split(b'"')[0] for request in provider.requests]
    assert names == [b"b.jsonl", b"b.jsonl", b"upload", b"c.txt"]
    assert all(LINES in request.body for request in provider.requests)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("create_file", {"file": 7, "purpose": "batch"}, "Invalid 'file'"),
        ("create_file", {"file": b"x", "purpose": None}, "'purpose' is missing"),
        ("create_file", {"file": b"x", "purpose": 7}, "Invalid 'purpose'"),
        ("file_retrieve", {"file_id": ""}, "Invalid 'file_id'"),
        ("file_retrieve", {"file_id": 7}, "Invalid 'file_id'"),
        ("file_delete", {"file_id": None}, "'file_id' is missing"),
        ("create_batch", {**BEGIN, "input_file_id": None}, "'input_file_id' is missing"),
        ("retrieve_batch", {"batch_id": ""}, "Invalid 'batch_id'"),
        ("create_fine_tuning_job", {"model": None, "training_file": "f"}, "Invalid 'model'"),
        ("retrieve_fine_tuning_job", {"fine_tuning_job_id": ""}, "Invalid 'fine_tuning_job_id'"),
        ("create_file", {**UPLOAD, "custom_llm_provider": "groq"}, "has no files"),
        ("create_batch", {**BEGIN, "custom_llm_provider": "gemini"}, "has no batches"),
        ("list_fine_tuning_jobs", {"custom_llm_provider": "anthropic"}, "has no fine-tuning jobs"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    name: str, arguments: dict[str, Any], message: str
) -> None:
    with Provider() as provider, pytest.raises(BadRequestError, match=message):
        run(False, name, provider, **arguments)
    assert provider.requests == []


def test_a_failure_is_the_providers_own() -> None:
    error = {"error": {"message": "No such File object: file-1", "type": "invalid_request_error"}}
    for name, arguments in [
        ("file_retrieve", {"file_id": "file-1"}),
        ("file_content", {"file_id": "file-1", "stream": True}),
        ("retrieve_batch", {"batch_id": "b", "custom_llm_provider": "anthropic"}),
        ("file_retrieve", {"file_id": "gs://b/o", "custom_llm_provider": "vertex_ai", **GOOGLE}),
    ]:
        with (
            Provider((404, error)) as provider,
            pytest.raises(NotFoundError, match="No such File") as caught,
        ):
            run(False, name, provider, **arguments)
        assert caught.value.llm_provider == arguments.get("custom_llm_provider", "openai")


def test_a_model_says_whose_file_it_is() -> None:
    with Provider(b"x") as provider:
        run(
            False,
            "file_content",
            provider,
            file_id="f",
            model="azure/m",
            custom_llm_provider=None,
            api_version="2024-10-21",
        )
    assert provider.asked == ["GET /openai/files/f/content?api-version=2024-10-21"]


def test_the_modules_have_the_names_of_the_reference() -> None:
    from ferrolite.batches.main import create_batch
    from ferrolite.files.main import create_file
    from ferrolite.fine_tuning.main import create_fine_tuning_job
    from ferrolite.types.llms.openai import FileObject, OpenAIFileObject

    assert ferrolite.create_batch is create_batch
    assert ferrolite.create_file is create_file
    assert ferrolite.create_fine_tuning_job is create_fine_tuning_job
    assert FileObject is OpenAIFileObject is ferrolite.OpenAIFileObject
