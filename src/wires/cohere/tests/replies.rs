//! What whole replies mean.

use serde_json::{Value, json};

use super::super::Cohere;
use super::{decode, decode_text, reply, target};
use crate::error::Kind;
use crate::hub::FinishReason;
use crate::wires::Wire;

#[test]
fn coh_03_blocks_are_joined_and_thinking_stands_apart() {
    let content = json!([{"type": "thinking", "thinking": "hm "}, {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": "so"}, {"type": "text", "text": "b"}, {"type": "zq"}, 7]);
    let response = decode(reply(json!({"role": "assistant", "content": content}), "COMPLETE")).unwrap();
    let message = &response.choices[0].message;
    assert_eq!(message.content.as_deref(), Some("ab"));
    assert_eq!(message.reasoning_content.as_deref(), Some("hm so"));
    assert_eq!((response.id.as_str(), response.model.as_str()), ("c1", "command-a"));
}

#[test]
fn coh_04_text_and_plan_stay_beside_tool_calls() {
    let message = json!({"content": [{"type": "text", "text": "Let me see."}], "tool_plan": "I look it up.",
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"function": {"name": "g", "arguments": ""}}]});
    let response = decode(reply(message, "TOOL_CALL")).unwrap();
    let choice = &response.choices[0];
    assert_eq!(choice.finish_reason, FinishReason::ToolCalls);
    assert_eq!(choice.message.content.as_deref(), Some("Let me see."));
    assert_eq!(choice.message.reasoning_content.as_deref(), Some("I look it up."));
    let calls = &choice.message.tool_calls;
    assert_eq!((calls[0].id.as_deref(), calls[0].function.arguments.as_str()), (Some("t1"), "{\"a\":1}"));
    assert_eq!((calls[1].id.as_deref(), calls[1].function.arguments.as_str()), (None, "{}"));
}

#[test]
fn coh_05_one_annotation_a_source() {
    let citations = json!([
        {"start": 0, "end": 2, "text": "Hi", "sources": [
            {"type": "document", "id": "doc:0", "document": {"id": "doc:0", "title": "T", "url": "https://u"}},
            {"type": "tool", "id": "t:1", "tool_output": {"a": 1}}]},
        {"start": 3, "end": 4, "text": "y", "sources": []},
        {"start": 5, "end": 6, "text": "z"}]);
    let message = json!({"content": [{"type": "text", "text": "Hi y z"}], "citations": citations});
    let response = decode(reply(message, "COMPLETE")).unwrap();
    let annotation = |title: &str, url: &str| json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2, "title": title, "url": url}});
    assert_eq!(
        response.choices[0].message.annotations,
        Some(json!([annotation("T", "https://u"), annotation("", "source:t:1")]))
    );
}

#[test]
fn coh_06_usage_is_what_was_read_and_written() {
    let mut body = reply(json!({"content": "a"}), "COMPLETE");
    let counts = |body: &Value| {
        let usage = decode(body.clone()).unwrap().usage.unwrap();
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    };
    assert_eq!(counts(&body), (11, 6, 17));
    body["usage"] = json!({"billed_units": {"input_tokens": 8.0, "output_tokens": 5}});
    assert_eq!(counts(&body), (8, 5, 13));
    body["usage"] = Value::Null;
    assert_eq!(counts(&body), (0, 0, 0));
}

#[test]
fn coh_08_reasons_to_end() {
    for (native, reason, kept) in [
        ("COMPLETE", FinishReason::Stop, None),
        ("STOP_SEQUENCE", FinishReason::Stop, None),
        ("MAX_TOKENS", FinishReason::Length, None),
        ("TOOL_CALL", FinishReason::ToolCalls, None),
        ("ERROR_TOXIC", FinishReason::ContentFilter, Some("ERROR_TOXIC")),
        ("ZQ_NEW", FinishReason::Stop, Some("ZQ_NEW")),
    ] {
        let response = decode(reply(json!({"content": "a"}), native)).unwrap();
        let choice = &response.choices[0];
        assert_eq!(
            (choice.finish_reason, choice.native_finish_reason.as_deref()),
            (reason, kept),
            "{native}"
        );
    }
}

#[test]
fn coh_08_a_failed_generation_is_an_error() {
    let error = decode(reply(json!({"content": "I can"}), "ERROR")).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::InternalServer, 500));
    assert!(error.message().contains("ERROR"), "{error}");
    assert_eq!(decode(reply(json!({"content": "I"}), "TIMEOUT")).unwrap_err().kind(), Kind::Timeout);
}

#[test]
fn coh_09_a_good_status_without_an_answer() {
    for body in ["{\"id\": \"x\", \"choices\": [", "", "<html>", "[1]", "{}", "{\"message\": \"zq\"}", "null"]
    {
        let error = decode_text(body).unwrap_err();
        assert_eq!((error.kind(), error.status(), error.message()), (Kind::Unprocessable, 422, body));
    }
}

#[test]
fn odd_messages_do_no_harm() {
    for message in [
        json!({}),
        json!({"content": null, "tool_calls": null, "citations": null}),
        json!({"content": 7, "tool_calls": 7, "citations": 7, "tool_plan": 7}),
        json!({"content": [null, {"text": 7}], "tool_calls": [null, {"function": 7}], "citations": [null, {"sources": [7]}]}),
    ] {
        assert!(decode(reply(message, "COMPLETE")).is_ok());
    }
}

#[test]
fn err_05_what_failures_mean() {
    let kind = |status: u16, body: &str| {
        let facts = Cohere.error_facts(status, body.as_bytes());
        let kind = Cohere.classify(&facts, &target());
        let error = facts.into_error(kind);
        (error.kind(), error.status())
    };
    let said = |text: &str| json!({"id": "i", "message": text}).to_string();
    for (status, message, expected) in [
        (400, "zq", (Kind::BadRequest, 400)),
        (401, "zq", (Kind::Authentication, 401)),
        (402, "zq", (Kind::PaymentRequired, 402)),
        (403, "zq", (Kind::PermissionDenied, 403)),
        (404, "zq", (Kind::NotFound, 404)),
        (408, "zq", (Kind::Timeout, 408)),
        (409, "zq", (Kind::BadRequest, 409)),
        (422, "zq", (Kind::BadRequest, 422)),
        (429, "zq", (Kind::RateLimit, 429)),
        (498, "zq", (Kind::BadRequest, 498)),
        (500, "zq", (Kind::InternalServer, 500)),
        (501, "zq", (Kind::Api, 501)),
        (502, "zq", (Kind::BadGateway, 502)),
        (503, "zq", (Kind::ServiceUnavailable, 503)),
        (504, "zq", (Kind::Timeout, 504)),
        (529, "zq", (Kind::Api, 529)),
        (400, "invalid api token", (Kind::Authentication, 400)),
        (403, "No API key provided.", (Kind::Authentication, 403)),
        (400, "too many tokens: 4500", (Kind::ContextWindowExceeded, 400)),
        (503, "Internal Server Error", (Kind::InternalServer, 500)),
        (500, "Request timed out in the queue", (Kind::Timeout, 408)),
        (500, "invalid type: parameter x", (Kind::BadRequest, 500)),
        (400, "Your request was rejected as a result of our safety system.", (Kind::BadRequest, 400)),
    ] {
        assert_eq!(kind(status, &said(message)), expected, "{status} {message}");
    }
    for body in ["", "<html>", "[]", "null", "{\"message\": null}", "{\"message\": {\"a\": 1}}"] {
        assert_eq!(kind(500, body).0, Kind::InternalServer, "{body}");
    }
    let echo = json!({"message": "bad value", "input": "too many tokens"}).to_string();
    assert_eq!(kind(400, &echo).0, Kind::BadRequest, "echoed words do not decide");
}
