//! Streams: events in, deltas out.

use serde_json::{Value, json};

use super::super::Cohere;
use super::{decode, reply, target};
use crate::error::{Error, Kind};
use crate::hub::{ChatResponse, Delta, FinishReason};
use crate::wires::{Memo, driven};

fn start() -> Value {
    json!({"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant", "content": [],
        "tool_plan": "", "tool_calls": [], "citations": []}}})
}

fn content(key: &str, text: &str) -> Value {
    json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {key: text}}}})
}

fn call_start(index: u64, id: &str, name: &str) -> Value {
    json!({"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls":
        {"id": id, "type": "function", "function": {"name": name, "arguments": ""}}}}})
}

fn call_delta(index: u64, json: &str) -> Value {
    json!({"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls":
        {"function": {"arguments": json}}}}})
}

fn end(finish_reason: &str) -> Value {
    json!({"type": "message-end", "delta": {"finish_reason": finish_reason, "usage":
        {"billed_units": {"input_tokens": 8, "output_tokens": 5}, "tokens": {"input_tokens": 11, "output_tokens": 6}}}})
}

fn sse(events: &[Value]) -> Vec<u8> {
    let event =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("message"));
    events.iter().map(event).collect::<String>().into_bytes()
}

fn lines(events: &[Value]) -> Vec<u8> {
    events.iter().map(|event| event.to_string() + "\n").collect::<String>().into_bytes()
}

fn deltas(pieces: &[&[u8]]) -> Result<Vec<Delta>, Error> {
    driven::deltas(&Cohere, &target(), Memo::default(), pieces)
}

fn collect(events: &[Value]) -> Result<ChatResponse, Error> {
    let mut response = driven::collect(deltas(&[&sse(events)])?);
    response.model.clone_from(&target().model);
    Ok(response)
}

/// A stream with everything in it, and the whole reply it stands for.
fn twins() -> (Vec<Value>, Value) {
    let citation = json!({"start": 0, "end": 2, "text": "Hi", "sources": [
        {"type": "document", "id": "doc:0", "document": {"id": "doc:0", "title": "T"}}]});
    let events = vec![
        start(),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        content("text", "Hi "),
        content("text", "W\u{f6}lkchen \u{1f680}"),
        json!({"type": "citation-start", "index": 0, "delta": {"message": {"citations": citation}}}),
        json!({"type": "citation-end", "index": 0}),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I look "}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "it up."}}}),
        call_start(0, "t1", "f"),
        call_delta(0, "{\"a\":"),
        call_delta(0, "1}"),
        json!({"type": "tool-call-end", "index": 0}),
        call_start(1, "t2", "g"),
        json!({"type": "tool-call-end", "index": 1}),
        end("TOOL_CALL"),
    ];
    let message = json!({"content": [{"type": "text", "text": "Hi W\u{f6}lkchen \u{1f680}"}], "citations": [citation],
        "tool_plan": "I look it up.", "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"id": "t2", "type": "function", "function": {"name": "g", "arguments": ""}}]});
    (events, reply(message, "TOOL_CALL"))
}

#[test]
fn coh_07_events_to_deltas() {
    let (events, _) = twins();
    let response = collect(&events).unwrap();
    let message = &response.choices[0].message;
    assert_eq!(message.content.as_deref(), Some("Hi W\u{f6}lkchen \u{1f680}"));
    assert_eq!(message.reasoning_content.as_deref(), Some("I look it up."));
    assert_eq!(message.tool_calls.len(), 2);
    assert_eq!(message.tool_calls[1].function.arguments, "{}", "STR-10");
    assert_eq!(response.choices[0].finish_reason, FinishReason::ToolCalls);
    assert_eq!(response.usage.as_ref().map(|usage| usage.total_tokens), Some(17));
}

#[test]
fn str_28_a_collected_stream_is_the_whole_reply() {
    let (events, whole) = twins();
    assert_eq!(collect(&events).unwrap(), decode(whole).unwrap());
}

#[test]
fn str_11_any_split_is_the_same_stream() {
    let (events, _) = twins();
    for stream in [sse(&events), lines(&events)] {
        let whole = deltas(&[&stream]).unwrap();
        let bytewise: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(deltas(&bytewise).unwrap(), whole);
        for at in 0..=stream.len() {
            assert_eq!(deltas(&[&stream[..at], &stream[at..]]).unwrap(), whole, "cut at {at}");
        }
    }
    assert_eq!(
        driven::collect(deltas(&[&lines(&events)]).unwrap()),
        driven::collect(deltas(&[&sse(&events)]).unwrap())
    );
}

#[test]
fn str_04_calls_count_from_zero_whatever_cohere_counts() {
    let events =
        [start(), call_start(3, "a", "f"), call_start(7, "b", "g"), call_delta(7, "{}"), end("TOOL_CALL")];
    let found = deltas(&[&sse(&events)]).unwrap();
    assert!(found.contains(&Delta::ToolArguments { choice: 0, index: 1, json: "{}".into() }), "{found:?}");
}

#[test]
fn coh_03_thinking_is_streamed_apart() {
    let response = collect(&[
        start(),
        content("thinking", "h"),
        content("thinking", "m"),
        content("text", "Hi"),
        end("COMPLETE"),
    ])
    .unwrap();
    let message = &response.choices[0].message;
    assert_eq!((message.reasoning_content.as_deref(), message.content.as_deref()), (Some("hm"), Some("Hi")));
    let details = response.usage.unwrap().completion_tokens_details.unwrap();
    assert_eq!(details["reasoning_tokens"], Value::Null, "USG-08: to be estimated");
}

#[test]
fn str_14_a_stream_without_its_end_is_an_error() {
    for events in [vec![], vec![start()], vec![start(), content("text", "Hi")]] {
        let error = collect(&events).unwrap_err();
        assert_eq!(error.kind(), Kind::Connection);
    }
}

#[test]
fn coh_08_a_generation_that_fails_in_mid_stream_is_an_error() {
    let error = collect(&[start(), content("text", "Hi"), end("ERROR")]).unwrap_err();
    assert_eq!(error.kind(), Kind::InternalServer);
    let error = collect(&[start(), json!({"id": "x", "message": "too many tokens: zq"})]).unwrap_err();
    assert_eq!(error.kind(), Kind::ContextWindowExceeded);
    let limited = collect(&[start(), content("text", "Hi"), end("MAX_TOKENS")]).unwrap();
    assert_eq!(limited.choices[0].finish_reason, FinishReason::Length);
}

#[test]
fn unknown_and_odd_events_do_no_harm() {
    let odd = [
        start(),
        json!({"type": "debug", "x": 1}),
        json!({"foo": 1}),
        json!({"type": "content-delta", "delta": 7}),
        json!({"type": "content-delta", "delta": {"message": {"content": [7]}}}),
        json!({"type": "tool-call-start", "delta": {"message": {"tool_calls": []}}}),
        call_delta(4, "lost"),
        content("text", "x"),
        end("COMPLETE"),
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "after"}}}}),
    ];
    let response = collect(&odd).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("x"));
    assert_eq!(response.choices[0].message.tool_calls, []);
    let broken = deltas(&[b"data: {nope\n\n"]).unwrap_err();
    assert_eq!(broken.kind(), Kind::Connection);
    assert!(deltas(&[b"data: 7\n\ndata: null\n\n"]).is_err(), "no end");
}
