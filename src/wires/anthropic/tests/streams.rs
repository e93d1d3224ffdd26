//! Streams, read from fixtures.

use serde_json::{Value, json};

use super::{SONNET, decode_with, distortions, target};
use crate::error::{Error, Kind};
use crate::hub::{Delta, Deltas, FinishReason};
use crate::wires::anthropic::Anthropic;
use crate::wires::driven::{self, collect};
use crate::wires::framing::Frame;
use crate::wires::{Memo, Seen, StreamDecoder, StreamWire};

const TEXT: &str = include_str!("../../../../tests/fixtures/anthropic/text.sse");
const THINKING: &str = include_str!("../../../../tests/fixtures/anthropic/thinking-and-tools.sse");
const INTERLEAVED: &str = include_str!("../../../../tests/fixtures/anthropic/interleaved-calls.sse");
const SEARCH: &str = include_str!("../../../../tests/fixtures/anthropic/web-search.sse");
const CODE: &str = include_str!("../../../../tests/fixtures/anthropic/code-execution.sse");
const REFUSAL: &str = include_str!("../../../../tests/fixtures/anthropic/refusal.sse");
const JSON_TOOL: &str = include_str!("../../../../tests/fixtures/anthropic/json-tool.sse");
const ERROR: &str = include_str!("../../../../tests/fixtures/anthropic/error.sse");
const CUT: &str = include_str!("../../../../tests/fixtures/anthropic/cut.sse");

const ALL: [&str; 9] = [TEXT, THINKING, INTERLEAVED, SEARCH, CODE, REFUSAL, JSON_TOOL, ERROR, CUT];

fn decoder(memo: Memo) -> Box<dyn StreamDecoder> {
    Anthropic.decoder(memo, &target(SONNET))
}

/// Deltas of a stream that comes in these pieces, and its error.
fn read(memo: Memo, pieces: &[&[u8]]) -> (Vec<Delta>, Option<String>) {
    let (deltas, error) = run(memo, pieces);
    (deltas, error.map(|error| error.to_string()))
}

fn run(memo: Memo, pieces: &[&[u8]]) -> (Vec<Delta>, Option<Error>) {
    driven::read(&Anthropic, &target(SONNET), memo, pieces)
}

fn deltas(text: &str) -> Vec<Delta> {
    let (deltas, error) = run(Memo::default(), &[text.as_bytes()]);
    assert!(error.is_none(), "{error:?}");
    deltas
}

/// Events by hand.
fn events(events: &[Value]) -> (Vec<Delta>, Option<Error>) {
    let text: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let pieces: Vec<&[u8]> = text.iter().map(String::as_bytes).collect();
    run(Memo::default(), &pieces)
}

fn emulated() -> Memo {
    Memo { json_tool: Some("json_tool_call".into()), ..Memo::default() }
}

#[test]
fn str_11_any_split_is_the_same_stream() {
    for stream in ALL {
        let bytes = stream.as_bytes();
        let whole = read(Memo::default(), &[bytes]);
        let pieces = |size: usize| bytes.chunks(size).collect::<Vec<_>>();
        for size in [1, 2, 3, 7, 10, 64, 501] {
            assert_eq!(read(Memo::default(), &pieces(size)), whole, "pieces of {size}");
        }
        for at in (0..bytes.len()).step_by(13) {
            assert_eq!(read(Memo::default(), &[&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
        }
    }
}

#[test]
fn str_28_a_collected_stream_is_the_whole_answer() {
    let usage = json!({
        "input_tokens": 1376, "output_tokens": 60, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1024,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
        "output_tokens_details": {"thinking_tokens": 21},
    });
    let whole = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "",
        "content": [
            {"type": "thinking", "thinking": "Two cities, two calls.", "signature": "EqQBCgIYAg=="},
            {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}},
            {"type": "tool_use", "id": "toolu_2", "name": "ping_now", "input": {}},
        ],
        "stop_reason": "tool_use", "usage": usage,
    });
    let mut whole = decode_with(&whole, &Memo::default());
    // Where a call stood among the blocks is told of whole answers only.
    for call in &mut whole.choices[0].message.tool_calls {
        call.extra.clear();
    }
    assert_eq!(collect(deltas(THINKING)), whole);
}

#[test]
fn str_28_text_usage_and_reason() {
    let response = collect(deltas(TEXT));
    assert_eq!(response.id, "msg_1");
    let choice = &response.choices[0];
    assert_eq!(choice.message.content.as_deref(), Some("Über den Wölkchen ✓ 漢字 🚀"));
    assert_eq!(choice.finish_reason, FinishReason::Stop);
}

#[test]
fn ant_35_a_call_begins_with_its_name_and_appends_arguments() {
    let deltas = deltas(THINKING);
    let start = deltas.iter().position(|delta| matches!(delta, Delta::ToolStart { .. })).unwrap();
    assert_eq!(
        deltas[start],
        Delta::ToolStart {
            choice: 0,
            index: 0,
            id: Some("toolu_1".into()),
            name: "get_weather".into(),
            provider_fields: None,
        }
    );
    let arguments: String = deltas
        .iter()
        .filter_map(|delta| match delta {
            Delta::ToolArguments { index: 0, json, .. } => Some(json.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(arguments, "{\"city\": \"Oslo\"}");
}

#[test]
fn str_10_a_call_without_arguments_is_an_empty_object() {
    assert!(deltas(THINKING).contains(&Delta::ToolArguments { choice: 0, index: 1, json: "{}".into() }));
}

#[test]
fn str_08_input_that_comes_whole_is_kept() {
    let (deltas, _) = events(&[
        json!({"type": "message_start", "message": {"id": "m"}}),
        json!({"type": "content_block_start", "index": 0, "content_block":
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}),
        json!({"type": "message_stop"}),
    ]);
    assert_eq!(collect(deltas).choices[0].message.tool_calls[0].function.arguments, "{\"a\": 1}");
}

#[test]
fn str_04_interleaved_calls_keep_their_own_arguments() {
    let calls = collect(deltas(INTERLEAVED)).choices.remove(0).message.tool_calls;
    let arguments: Vec<_> = calls.iter().map(|call| call.function.arguments.as_str()).collect();
    assert_eq!(arguments, ["{\"x\": 1}", "{\"y\": 2}"]);
}

#[test]
fn ant_36_signatures_complete_their_block() {
    let message = collect(deltas(THINKING)).choices.remove(0).message;
    let blocks = json!([
        {"type": "thinking", "thinking": "Two cities, two calls.", "signature": "EqQBCgIYAg=="},
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/"},
    ]);
    assert_eq!(Value::from(message.thinking_blocks), blocks);
    assert_eq!(message.provider_fields["thinking_blocks"], blocks);
    let pieces: Vec<_> = deltas(THINKING)
        .into_iter()
        .filter_map(|delta| match delta {
            Delta::ThinkingBlock { block, .. } => Some(block["index"].clone()),
            _ => None,
        })
        .collect();
    assert_eq!(pieces, [0, 0, 0, 0, 1]);
}

#[test]
fn str_27_thinking_is_not_text() {
    let message = collect(deltas(THINKING)).choices.remove(0).message;
    assert_eq!(message.content.as_deref(), Some("Let me look."));
    assert_eq!(message.reasoning_content.as_deref(), Some("Two cities, two calls."));
}

#[test]
fn ant_37_counts_are_merged() {
    let usage = collect(deltas(TEXT)).usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (2500, 8));
    let (deltas, _) = events(&[
        json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 11, "cache_read_input_tokens": 9, "output_tokens": 1}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage":
            {"input_tokens": null, "cache_read_input_tokens": 4, "output_tokens": 6}}),
        json!({"type": "message_stop"}),
    ]);
    let usage = collect(deltas).usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.cached_tokens(), usage.completion_tokens), (15, 4, 6));
}

#[test]
fn ant_38_a_ping_says_nothing() {
    let mut out = Deltas::default();
    let frame = Frame { event: Some("ping"), data: br#"{"type": "ping"}"# };
    assert_eq!(decoder(Memo::default()).frame(frame, &mut out).unwrap(), Seen::Known);
    assert!(out.is_empty());
}

#[test]
fn unknown_events_are_passed_over() {
    for data in [
        r#"{"type": "weird"}"#,
        r#"{"type": "content_block_delta", "index": 0, "delta": {"type": "weird_delta"}}"#,
        r#"{"type": "content_block_start", "index": 0, "content_block": {"type": "weird"}}"#,
        r#"{"type": "content_block_start"}"#,
        "[]",
        "5",
        "{}",
    ] {
        let mut out = Deltas::default();
        let frame = Frame { event: None, data: data.as_bytes() };
        assert_eq!(decoder(Memo::default()).frame(frame, &mut out).unwrap(), Seen::Unknown, "{data}");
        assert!(out.is_empty());
    }
}

#[test]
fn no_shape_of_an_event_stops_the_decoder_dead() {
    for (stream, memo) in [
        (THINKING, Memo::default()),
        (CODE, Memo::default()),
        (REFUSAL, Memo::default()),
        (JSON_TOOL, emulated()),
    ] {
        let data: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        for at in 0..data.len() {
            for strange in distortions(&serde_json::from_str(data[at]).unwrap()) {
                let mut decoder = decoder(memo.clone());
                let mut out = Deltas::default();
                let strange = strange.to_string();
                for (index, event) in data.iter().enumerate() {
                    let event = if index == at { &strange } else { *event };
                    let _ = decoder.frame(Frame { event: None, data: event.as_bytes() }, &mut out);
                }
                collect(out.0);
            }
        }
    }
}

#[test]
fn an_event_that_is_not_json_is_an_error() {
    for data in [&b"{bad"[..], b"\xff\xfe", b""] {
        let frame = Frame { event: None, data };
        let error = decoder(Memo::default()).frame(frame, &mut Deltas::default()).unwrap_err();
        assert!(error.message().contains("not JSON"), "{error}");
    }
}

#[test]
fn ant_39_an_error_event_is_an_error() {
    let (deltas, error) = run(Memo::default(), &[ERROR.as_bytes()]);
    assert!(deltas.contains(&Delta::Text { choice: 0, text: "Hel".into() }));
    let error = error.unwrap();
    assert_eq!((error.kind(), error.status(), error.message()), (Kind::RateLimit, 429, "Too many requests"));
    assert_eq!(error.facts().error_type.as_deref(), Some("rate_limit_error"));
    let (_, error) =
        events(&[json!({"type": "error", "error": {"type": "overloaded_error", "message": "o"}})]);
    assert_eq!(error.map(|error| error.kind()), Some(Kind::InternalServer));
    let (_, error) = events(&[json!({"type": "error", "error": "boom"})]);
    assert_eq!(error.unwrap().message(), "boom");
}

#[test]
fn str_14_an_end_without_a_reason_is_a_failure() {
    let (_, error) = run(Memo::default(), &[CUT.as_bytes()]);
    assert_eq!(error.unwrap().kind(), Kind::Connection);
    let stopped = format!("{CUT}data: {{\"type\": \"message_stop\"}}\n\n");
    assert!(run(Memo::default(), &[stopped.as_bytes()]).1.is_some());
    assert!(run(Memo::default(), &[b""]).1.is_some());
}

#[test]
fn pieces_of_thinking_without_an_index_are_one_block() {
    let piece = |text: &str| json!({"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": text}});
    let (deltas, error) = events(&[
        json!({"type": "content_block_start", "content_block": {"type": "text", "text": ""}}),
        piece("a"),
        piece("b"),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
    ]);
    assert!(error.is_none(), "{error:?}");
    let ordinals: Vec<u64> = deltas
        .iter()
        .filter_map(|delta| match delta {
            Delta::ThinkingBlock { block, .. } => block["index"].as_u64(),
            _ => None,
        })
        .collect();
    assert_eq!(ordinals, [0, 0]);
}

#[test]
fn one_finish_a_stream() {
    let delta = |reason: Value| json!({"type": "message_delta", "delta": {"stop_reason": reason}});
    let stop = json!({"type": "message_stop"});
    let finishes = |list: &[Value]| {
        let (deltas, error) = events(list);
        assert!(error.is_none());
        deltas
            .into_iter()
            .filter_map(|delta| match delta {
                Delta::Finish { reason, .. } => Some(reason),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        finishes(&[delta("end_turn".into()), delta("max_tokens".into()), stop.clone()]),
        [FinishReason::Stop]
    );
    assert_eq!(finishes(&[delta("max_tokens".into())]), [FinishReason::Length]);
    assert_eq!(finishes(&[delta(Value::Null), stop]), [FinishReason::Stop]);
}

#[test]
fn ant_32_a_refusal_in_a_stream() {
    let choice = collect(deltas(REFUSAL)).choices.remove(0);
    assert_eq!(choice.finish_reason, FinishReason::ContentFilter);
    assert_eq!(choice.message.refusal, Some("That would do harm.".into()));
    assert_eq!(choice.message.provider_fields["stop_reason"], "refusal");
}

#[test]
fn ant_34_server_tools_in_a_stream() {
    let message = collect(deltas(SEARCH)).choices.remove(0).message;
    assert_eq!(message.tool_calls[0].id.as_deref(), Some("srvtoolu_1"));
    assert_eq!(message.provider_fields["web_search_results"].as_array().unwrap().len(), 1);
    let call = &message.provider_fields["web_search_calls"]["srvtoolu_1"];
    assert_eq!((&call["status"], &call["action"]["query"]), (&"completed".into(), &"oslo rain".into()));
    assert_eq!(message.provider_fields["citations"][0][0]["cited_text"], "Rain all day");
    let message = collect(deltas(CODE)).choices.remove(0).message;
    let results = &message.provider_fields["code_interpreter_results"];
    assert_eq!(results.as_array().unwrap().len(), 1);
    assert_eq!((&results[0]["code"], &results[0]["container_id"]), (&"ls".into(), &"container_1".into()));
}

#[test]
fn gen_30_an_emulated_answer_in_a_stream() {
    let (deltas, error) = run(emulated(), &[JSON_TOOL.as_bytes()]);
    assert!(error.is_none());
    let choice = collect(deltas).choices.remove(0);
    assert_eq!(choice.message.content.as_deref(), Some("{\"name\": \"Ada\"}"), "without the words before it");
    assert!(choice.message.tool_calls.is_empty());
    assert_eq!(choice.finish_reason, FinishReason::Stop);
    // The model may answer in plain words after all.
    let (deltas, _) = run(emulated(), &[TEXT.as_bytes()]);
    assert_eq!(collect(deltas), collect(super::streams::deltas(TEXT)));
}

#[test]
fn gen_19_streamed_names_come_back() {
    let memo = Memo { tool_names: vec![("get_weather".into(), "get.weather".into())], ..Memo::default() };
    let (deltas, _) = run(memo, &[THINKING.as_bytes()]);
    assert_eq!(
        collect(deltas).choices[0].message.tool_calls[0].function.name.as_deref(),
        Some("get.weather")
    );
}
