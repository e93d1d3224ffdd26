"""What Bedrock is sent: signed as botocore signs it, in the shapes of its service model, read back by its parser."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from _requests import EVERY, INPUTS, PATIENCE, RANKING, TOOLS, USER, requested
from _upstream import Exchange, Request, Upstream

import ferrolite

pytest.importorskip("botocore")
from botocore import auth, awsrequest, credentials, parsers, serialize, session, validate

REGION = "eu-west-1"
SECRET = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret/+example"}
KEYS: dict[str, Any] = {**SECRET, "aws_region_name": REGION, "api_key": None}
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "eu.amazon.nova-pro-v1:0"
PROFILE = f"arn:aws:bedrock:{REGION}:123456789012:application-inference-profile/abc123"
SERVICE = session.Session().get_service_model("bedrock-runtime")
GUARDED: dict[str, Any] = {
    "messages": [{"role": "system", "content": "Be brief."}, USER],
    "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"},
}
CACHED: dict[str, Any] = {
    "messages": [
        {
            "role": "system",
            "content": [{"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}],
        },
        USER,
    ]
}
CHATS = {**EVERY, "guardrail": GUARDED, "cached": CACHED}


def check_signature(request: Request, service: str, token: str | None = None) -> None:
    """botocore signs the same request at the same time with the same result."""
    given = request.headers["authorization"]
    names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
    made = {"host", "x-amz-date", "x-amz-security-token"}
    again = awsrequest.AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.path}",
        headers={name: request.headers[name] for name in names if name not in made},
        data=request.body,
    )
    signer = auth.SigV4Auth(
        credentials.Credentials(SECRET["aws_access_key_id"], SECRET["aws_secret_access_key"], token),
        service,
        REGION,
    )
    now = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "get_current_datetime", lambda: now)
        signer.add_auth(again)
    assert again.headers["Authorization"] == given


def check_shape(request: Request, operation: str) -> None:
    """The body fits the operation, and botocore writes the same request of it."""
    model = SERVICE.operation_model(operation)
    path = urlsplit(request.path).path
    body = json.loads(request.body)
    params = {"modelId": unquote(path.split("/")[2]), **typed(body, model.input_shape)}
    report = validate.ParamValidator().validate(params, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    written = serialize.create_serializer("rest-json").serialize_to_request(params, model)
    assert json.loads(written["body"]) == body
    assert (written["method"], written["url_path"]) == (request.method, path)


def typed(value: Any, shape: Any) -> Any:
    """A JSON value as botocore takes it: bytes for base64. Words are those that the shape lists."""
    match shape.type_name:
        case "blob":
            return base64.b64decode(value, validate=True)
        case "structure" if not getattr(shape, "is_document_type", False):
            return {
                name: typed(item, shape.members[name]) if name in shape.members else item
                for name, item in value.items()
            }
        case "list":
            return [typed(item, shape.member) for item in value]
        case "string" if shape.enum:
            assert value in shape.enum
    return value


@pytest.mark.parametrize("model", [CLAUDE, NOVA, PROFILE])
@pytest.mark.parametrize("name", CHATS)
def test_converse(name: str, model: str) -> None:
    if name == "thinking" and model == NOVA:
        pytest.skip("this one does not think")
    more = {"model_id": model} if model == PROFILE else {}
    named = CLAUDE if model == PROFILE else model
    request = requested(
        ferrolite.completion, f"bedrock/{named}", **KEYS, **more, **CHATS[name], drop_params=True
    )
    check_signature(request, "bedrock")
    check_shape(request, "ConverseStream" if CHATS[name].get("stream") else "Converse")
    assert unquote(request.path.split("/")[2]) == model


def test_a_session_token_is_signed() -> None:
    request = requested(
        ferrolite.completion, f"bedrock/{CLAUDE}", **KEYS, aws_session_token="tok", messages=[USER]
    )
    assert request.headers["x-amz-security-token"] == "tok"
    check_signature(request, "bedrock", "tok")


@pytest.mark.parametrize("stream", [False, True])
def test_invoke(stream: bool) -> None:
    request = requested(
        ferrolite.completion, f"bedrock/invoke/{CLAUDE}", **KEYS, messages=[USER], stream=stream
    )
    check_signature(request, "bedrock")
    model = SERVICE.operation_model("InvokeModelWithResponseStream" if stream else "InvokeModel")
    params = {"modelId": CLAUDE, "body": request.body, "contentType": request.headers["content-type"]}
    written = serialize.create_serializer("rest-json").serialize_to_request(params, model)
    assert (written["url_path"], written["body"]) == (urlsplit(request.path).path, request.body)


@pytest.mark.parametrize(
    "model", ["amazon.titan-embed-text-v2:0", "cohere.embed-english-v3", "amazon.nova-canvas-v1:0"]
)
def test_other_calls_are_signed(model: str) -> None:
    call = ferrolite.image_generation if "canvas" in model else ferrolite.embedding
    more = {"prompt": "a cat"} if "canvas" in model else {"input": INPUTS[:1]}
    request = requested(call, f"bedrock/{model}", **KEYS, **more)
    check_signature(request, "bedrock")
    assert unquote(request.path) == f"/model/{model}/invoke"


def test_rankings() -> None:
    request = requested(ferrolite.rerank, "bedrock/cohere.rerank-v3-5:0", **KEYS, **RANKING)
    check_signature(request, "bedrock")
    model = session.Session().get_service_model("bedrock-agent-runtime").operation_model("Rerank")
    report = validate.ParamValidator().validate(request.json(), model.input_shape)
    assert not report.has_errors(), report.generate_report()


def test_an_answer_reads_as_botocore_reads_it() -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
        {"text": "It snows."},
        {"toolUse": {"toolUseId": "t1", "name": "get_weather", "input": {"city": "Oslo"}}},
    ]
    counts = {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18, "cacheReadInputTokens": 0}
    reply = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": counts,
        "metrics": {"latencyMs": 12},
    }
    with Upstream(lambda exchange: exchange.json(reply)) as server:
        keywords = {
            **KEYS,
            "api_base": server.origin,
            "timeout": PATIENCE,
            "tools": TOOLS,
            "messages": [USER],
        }
        answer = ferrolite.completion(f"bedrock/{CLAUDE}", **keywords)
    shape = SERVICE.operation_model("Converse").output_shape
    parser = parsers.create_parser("rest-json")
    there = parser.parse({"status_code": 200, "headers": {}, "body": json.dumps(reply).encode()}, shape)
    thought, text, use = there["output"]["message"]["content"]
    message = answer.choices[0].message
    assert message.content == text["text"]
    assert message.reasoning_content == thought["reasoningContent"]["reasoningText"]["text"]
    (call,) = message.tool_calls
    assert (call.id, call.function.name) == (use["toolUse"]["toolUseId"], use["toolUse"]["name"])
    assert json.loads(call.function.arguments) == use["toolUse"]["input"]
    assert answer.usage.prompt_tokens == there["usage"]["inputTokens"]
    assert answer.usage.completion_tokens == there["usage"]["outputTokens"]
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_stream_reads_as_botocore_reads_it() -> None:
    """The messages are written by hand in AWS's format and read by botocore, too."""
    from botocore.eventstream import EventStreamBuffer

    events = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "It "}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "snows."}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        (
            "metadata",
            {"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, "metrics": {"latencyMs": 1}},
        ),
    ]
    body = b"".join(message(kind, value) for kind, value in events)

    def answer(exchange: Exchange) -> None:
        exchange.reply(200, body, {"content-type": "application/vnd.amazon.eventstream"})

    with Upstream(answer) as server:
        keywords = {
            **KEYS,
            "api_base": server.origin,
            "timeout": PATIENCE,
            "messages": [USER],
            "stream": True,
        }
        chunks = list(ferrolite.completion(f"bedrock/{CLAUDE}", **keywords))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    shape = SERVICE.operation_model("ConverseStream").output_shape.members["stream"]
    parser = parsers.EventStreamJSONParser()
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    there = [parser.parse(event.to_response_dict(), shape) for event in buffer]
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in there if "contentBlockDelta" in event]
    assert text == "".join(deltas)
    assert chunks[-1].choices[0].finish_reason == "stop"


def message(kind: str, value: Any) -> bytes:
    import binascii
    import struct

    def header(name: str, text: str) -> bytes:
        return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(text)) + text.encode()

    head = header(":event-type", kind) + header(":message-type", "event")
    head += header(":content-type", "application/json")
    payload = json.dumps(value).encode()
    start = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    start += struct.pack(">I", binascii.crc32(start))
    whole = start + head + payload
    return whole + struct.pack(">I", binascii.crc32(whole))
