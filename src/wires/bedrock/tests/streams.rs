//! Streamed answers.

use serde_json::json;

use super::*;
use crate::error::Kind;
use crate::hub::{Delta, FinishReason};
use crate::wires::event_stream::tests::{event, exception};

fn start() -> Vec<u8> {
    event("messageStart", &json!({"role": "assistant"}))
}

fn delta(index: u64, delta: Value) -> Vec<u8> {
    event("contentBlockDelta", &json!({"delta": delta, "contentBlockIndex": index}))
}

fn begin(index: u64, start: Value) -> Vec<u8> {
    event("contentBlockStart", &json!({"start": start, "contentBlockIndex": index}))
}

fn end(index: u64) -> Vec<u8> {
    event("contentBlockStop", &json!({"contentBlockIndex": index}))
}

fn stop(reason: &str) -> Vec<u8> {
    event("messageStop", &json!({"stopReason": reason}))
}

fn metadata() -> Vec<u8> {
    let usage = json!({"inputTokens": 11, "outputTokens": 50, "totalTokens": 61});
    event("metadata", &json!({"usage": usage, "metrics": {"latencyMs": 1}}))
}

/// Thinking, words and two calls, as Converse sends them.
fn sample() -> Vec<u8> {
    [
        start(),
        delta(0, json!({"reasoningContent": {"text": "th"}})),
        delta(0, json!({"reasoningContent": {"text": "ink"}})),
        delta(0, json!({"reasoningContent": {"signature": "sig"}})),
        end(0),
        delta(1, json!({"reasoningContent": {"redactedContent": "eHh4"}})),
        end(1),
        delta(2, json!({"text": "Let me "})),
        delta(2, json!({"text": "look, \u{6f22}."})),
        end(2),
        begin(3, json!({"toolUse": {"toolUseId": "c1", "name": "a_b"}})),
        delta(3, json!({"toolUse": {"input": "{\"a\":"}})),
        delta(3, json!({"toolUse": {"input": " 1}"}})),
        end(3),
        begin(4, json!({"toolUse": {"toolUseId": "c2", "name": "f"}})),
        end(4),
        stop("tool_use"),
        metadata(),
    ]
    .concat()
}

fn memo() -> Memo {
    prepare(&target(SONNET), json!({"tools": [tool("a b"), tool("f")]})).unwrap().memo
}

#[test]
fn str_28_a_stream_makes_the_same_response_as_a_whole_reply() {
    let (_, mut collected) = streamed(memo(), &[&sample()]).unwrap();
    let mut reply = said(json!([
        {"reasoningContent": {"reasoningText": {"text": "think", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "eHh4"}},
        {"text": "Let me look, \u{6f22}."},
        {"toolUse": {"toolUseId": "c1", "name": "a_b", "input": {"a": 1}}},
        {"toolUse": {"toolUseId": "c2", "name": "f", "input": {}}},
    ]));
    reply["stopReason"] = "tool_use".into();
    let mut whole = answer(&target(SONNET), json!({"tools": [tool("a b"), tool("f")]}), &reply).unwrap();
    // Chunks and answers carry the provider's own form of thinking under different names; chunks name no model.
    whole.model.clear();
    for response in [&mut whole, &mut collected] {
        let message = &mut response.choices[0].message;
        message.provider_fields.clear();
        message.tool_calls.iter_mut().for_each(|call| call.extra.clear());
    }
    assert_eq!(collected, whole);
}

#[test]
fn str_11_any_split_gives_the_same_deltas() {
    let bytes = sample();
    let (whole, _) = streamed(memo(), &[&bytes]).unwrap();
    for size in [1, 2, 3, 7, 13, 64] {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(streamed(memo(), &pieces).unwrap().0, whole, "pieces of {size}");
    }
}

#[test]
fn str_04_calls_are_counted_not_blocks() {
    let (deltas, response) = streamed(memo(), &[&sample()]).unwrap();
    let starts: Vec<(u64, &str)> = deltas
        .iter()
        .filter_map(|delta| match delta {
            Delta::ToolStart { index, name, .. } => Some((*index, name.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(starts, [(0, "a b"), (1, "f")]);
    assert_eq!(response.choices[0].message.tool_calls[1].function.arguments, "{}", "STR-10");
    assert_eq!(response.choices[0].finish_reason, FinishReason::ToolCalls);
}

#[test]
fn bed_15_thinking_of_a_stream_keeps_its_blocks_apart() {
    let (_, response) = streamed(memo(), &[&sample()]).unwrap();
    let message = &response.choices[0].message;
    assert_eq!(message.reasoning_content.as_deref(), Some("think"));
    assert_eq!(
        message.thinking_blocks,
        [
            json!({"type": "thinking", "thinking": "think", "signature": "sig"}),
            json!({"type": "redacted_thinking", "data": "eHh4"}),
        ]
    );
}

#[test]
fn bed_16_counts_in_either_order() {
    let counted = event(
        "messageStop",
        &json!({
            "stopReason": "end_turn",
            "additionalModelResponseFields": {"usage": {"output_tokens_details": {"thinking_tokens": 3}}},
        }),
    );
    let text = delta(0, json!({"text": "x"}));
    for order in [[start(), text.clone(), counted.clone(), metadata()], [start(), text, metadata(), counted]]
    {
        let (_, response) = streamed(Memo::default(), &[&order.concat()]).unwrap();
        let usage = response.usage.unwrap();
        assert_eq!(usage.total_tokens, 61);
        assert_eq!(usage.completion_tokens_details.unwrap()["reasoning_tokens"], 3);
    }
}

#[test]
fn bed_17_the_trace_of_a_stream() {
    let trace = event("metadata", &json!({"usage": {"inputTokens": 1}, "trace": {"guardrail": {"a": 1}}}));
    let bytes = [start(), delta(0, json!({"text": "No."})), stop("guardrail_intervened"), trace].concat();
    let (_, response) = streamed(Memo::default(), &[&bytes]).unwrap();
    assert_eq!(response.choices[0].finish_reason, FinishReason::ContentFilter);
    assert_eq!(response.extra["trace"], json!({"guardrail": {"a": 1}}));
}

#[test]
fn bed_18_a_wrapped_answer_in_a_stream() {
    let memo = Memo { json_tool: Some("json_tool_call".into()), ..Memo::default() };
    let call = |text: &str| {
        [
            begin(1, json!({"toolUse": {"toolUseId": "t", "name": "json_tool_call"}})),
            delta(1, json!({"toolUse": {"input": text}})),
            end(1),
        ]
        .concat()
    };
    let wrapped = "{\"properties\": {\"a\": 1}}";
    let bytes = [start(), delta(0, json!({"text": "pre"})), call(wrapped), stop("tool_use")].concat();
    let choice = streamed(memo.clone(), &[&bytes]).unwrap().1.choices.remove(0);
    assert_eq!(choice.message.content.as_deref(), Some("{\"a\": 1}"));
    assert_eq!(choice.finish_reason, FinishReason::Stop);
    assert!(choice.message.tool_calls.is_empty());
    let without = [start(), delta(0, json!({"text": "only text"})), stop("end_turn")].concat();
    let choice = streamed(memo, &[&without]).unwrap().1.choices.remove(0);
    assert_eq!(choice.message.content.as_deref(), Some("only text"));
}

#[test]
fn bed_19_an_exception_in_the_stream_is_its_error() {
    let bytes = [
        start(),
        delta(0, json!({"text": "x"})),
        exception("throttlingException", &json!({"message": "Overloaded"})),
    ]
    .concat();
    let error = streamed(Memo::default(), &[&bytes]).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::RateLimit, 429));
    assert_eq!(error.message(), "throttlingException {\"message\":\"Overloaded\"}");
}

#[test]
fn str_14_a_stream_without_its_stop_is_no_success() {
    let bytes = [start(), delta(0, json!({"text": "x"}))].concat();
    assert_eq!(streamed(Memo::default(), &[&bytes]).unwrap_err().kind(), Kind::Connection);
    assert!(streamed(Memo::default(), &[b""]).is_err());
}

#[test]
fn unknown_events_are_passed_over_and_broken_ones_are_errors() {
    let bytes = [
        start(),
        event("zqEvent", &json!({"a": 1})),
        delta(0, json!({"zq": 1})),
        delta(9, json!({"toolUse": {"input": "lost"}})),
        delta(0, json!({"text": "x"})),
        stop("end_turn"),
        stop("end_turn"),
    ]
    .concat();
    let (deltas, response) = streamed(Memo::default(), &[&bytes]).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("x"));
    assert_eq!(deltas.iter().filter(|delta| matches!(delta, Delta::Finish { .. })).count(), 1);
    let broken = crate::wires::event_stream::tests::message(
        &[(":event-type", "contentBlockDelta"), (":message-type", "event")],
        b"{bad",
    );
    assert!(streamed(Memo::default(), &[&broken]).is_err());
}
