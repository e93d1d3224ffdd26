//! Streams: lines in, deltas out.

use serde_json::{Value, json};

use super::{chat_reply, decode, encode, generate_reply, memo_with_tools, target, wire};
use crate::error::{Error, Kind};
use crate::hub::{ChatResponse, Delta, FinishReason};
use crate::wires::{Memo, driven};

fn said(message: Value) -> Value {
    json!({"model": "m", "created_at": "x", "message": message, "done": false})
}

fn text(text: &str) -> Value {
    said(json!({"role": "assistant", "content": text}))
}

fn end(done_reason: &str) -> Value {
    chat_reply(json!({"role": "assistant", "content": ""}), done_reason)
}

fn generated(text: &str) -> Value {
    json!({"model": "m", "response": text, "done": false})
}

fn lines(events: &[Value]) -> Vec<u8> {
    events.iter().map(|event| event.to_string() + "\n").collect::<String>().into_bytes()
}

fn deltas(provider: &str, memo: &Memo, pieces: &[&[u8]]) -> Result<Vec<Delta>, Error> {
    driven::deltas(wire(provider), &target(provider), memo.clone(), pieces)
}

fn collect(provider: &str, memo: &Memo, events: &[Value]) -> Result<ChatResponse, Error> {
    deltas(provider, memo, &[&lines(events)]).map(driven::collect)
}

fn chat(events: &[Value]) -> Result<ChatResponse, Error> {
    collect("ollama_chat", &Memo::default(), events)
}

/// What a stream may differ in from the whole reply: no model's name of its own, an empty text that was never sent,
/// and the share of thinking, which is estimated in streams only, as the reference does.
fn comparable(mut response: ChatResponse) -> ChatResponse {
    response.model.clear();
    if let Some(usage) = &mut response.usage {
        usage.completion_tokens_details = None;
    }
    let message = &mut response.choices[0].message;
    message.content = message.content.take().filter(|text| !text.is_empty());
    response
}

/// Streams, and the whole replies they stand for.
fn twins() -> Vec<(&'static str, Memo, Vec<Value>, Value)> {
    let calls = json!([{"function": {"name": "f", "arguments": {"a": "ü"}}}, {"function": {"name": "g"}}]);
    vec![
        (
            "ollama_chat",
            Memo::default(),
            vec![text("Hi "), text("W\u{f6}lkchen \u{1f680}"), end("length")],
            chat_reply(json!({"content": "Hi W\u{f6}lkchen \u{1f680}"}), "length"),
        ),
        (
            "ollama_chat",
            Memo::default(),
            vec![
                said(json!({"content": "", "thinking": "h"})),
                said(json!({"thinking": "m", "content": ""})),
                text("<think>Hi"),
                end("stop"),
            ],
            chat_reply(json!({"content": "<think>Hi", "thinking": "hm"}), "stop"),
        ),
        (
            "ollama_chat",
            Memo::default(),
            vec![
                text("Both."),
                said(json!({"content": "", "tool_calls": [calls[0]]})),
                said(json!({"content": "", "tool_calls": [calls[1]]})),
                end("stop"),
            ],
            chat_reply(json!({"content": "Both.", "tool_calls": calls}), "stop"),
        ),
        (
            "ollama_chat",
            Memo::default(),
            vec![text(" <th"), text("ink>a </"), text("thin"), text("k>b <"), end("stop")],
            chat_reply(json!({"content": " <think>a </think>b <"}), "stop"),
        ),
        (
            "ollama",
            Memo::default(),
            vec![generated("<think>a"), generated("</think>"), generated("b"), generate_reply("", "stop")],
            generate_reply("<think>a</think>b", "stop"),
        ),
        (
            "ollama",
            memo_with_tools(),
            vec![
                generated(" {\"name\":"),
                generated("\"f\",\"argum"),
                generated("ents\":{\"a\":1}}"),
                generate_reply("", "stop"),
            ],
            generate_reply(" {\"name\":\"f\",\"arguments\":{\"a\":1}}", "stop"),
        ),
        (
            "ollama",
            memo_with_tools(),
            vec![generated("{\"na"), generated("me\":1}"), generate_reply(" ", "length")],
            generate_reply("{\"name\":1} ", "length"),
        ),
        (
            "ollama",
            memo_with_tools(),
            vec![generated(" "), generated("Hi"), generate_reply("!", "stop")],
            generate_reply(" Hi!", "stop"),
        ),
    ]
}

#[test]
fn str_28_a_collected_stream_is_the_whole_reply() {
    for (provider, memo, events, whole) in twins() {
        let streamed = collect(provider, &memo, &events).unwrap();
        let decoded = decode(provider, &memo, whole.clone()).unwrap();
        assert_eq!(comparable(streamed), comparable(decoded), "{whole}");
    }
}

#[test]
fn str_11_any_split_is_the_same_stream() {
    for (provider, memo, events, _) in twins() {
        let stream = lines(&events);
        let whole = deltas(provider, &memo, &[&stream]).unwrap();
        let bytewise: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(deltas(provider, &memo, &bytewise).unwrap(), whole);
        for at in 0..=stream.len() {
            assert_eq!(
                deltas(provider, &memo, &[&stream[..at], &stream[at..]]).unwrap(),
                whole,
                "cut at {at}"
            );
        }
    }
}

#[test]
fn oll_06_a_call_in_any_line_decides_the_reason() {
    for reason in ["stop", "length"] {
        let call = said(json!({"content": "", "tool_calls": [{"id": "own", "function": {"name": "f"}}]}));
        let response = chat(&[call, text("x"), end(reason)]).unwrap();
        assert_eq!(response.choices[0].finish_reason, FinishReason::ToolCalls);
        let calls = &response.choices[0].message.tool_calls;
        assert_eq!((calls[0].id.as_deref(), calls[0].function.arguments.as_str()), (Some("own"), "{}"));
    }
    let last = chat_reply(json!({"content": "end", "tool_calls": [{"function": {"name": "f"}}]}), "stop");
    let response = chat(&[text("x"), last]).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("xend"));
    assert_eq!(response.choices[0].message.tool_calls.len(), 1);
}

#[test]
fn str_04_calls_of_later_lines_count_on() {
    let call = |name: &str| said(json!({"tool_calls": [{"function": {"name": name}}]}));
    let found =
        deltas("ollama_chat", &Memo::default(), &[&lines(&[call("f"), call("g"), end("stop")])]).unwrap();
    let indices: Vec<u64> = found
        .iter()
        .filter_map(|delta| if let Delta::ToolStart { index, .. } = delta { Some(*index) } else { None })
        .collect();
    assert_eq!(indices, [0, 1]);
}

#[test]
fn oll_07_tags_cut_anywhere_split_the_same() {
    let whole = "<think>a < b </thi</think>c</think>";
    let expected = ("a < b </thi".to_owned(), "c</think>".to_owned());
    for at in 0..=whole.len() {
        for to in at..=whole.len() {
            let response =
                chat(&[text(&whole[..at]), text(&whole[at..to]), text(&whole[to..]), end("stop")]).unwrap();
            let message = &response.choices[0].message;
            let found = (message.reasoning_content.clone().unwrap(), message.content.clone().unwrap());
            assert_eq!(found, expected, "cut at {at} and {to}");
        }
    }
}

#[test]
fn oll_07_text_that_is_no_tag_is_not_held_back() {
    let out = deltas("ollama_chat", &Memo::default(), &[&lines(&[text("a <"), text("think"), end("stop")])])
        .unwrap();
    assert_eq!(out[0], Delta::Text { choice: 0, text: "a <".into() });
    assert_eq!(out[1], Delta::Text { choice: 0, text: "think".into() });
    let response = chat(&[text("<th"), end("stop")]).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("<th"));
}

#[test]
fn usg_08_thinking_is_left_to_be_estimated() {
    let response = chat(&[said(json!({"thinking": "hm"})), text("Hi"), end("stop")]).unwrap();
    let details = response.usage.unwrap().completion_tokens_details.unwrap();
    assert_eq!(details["reasoning_tokens"], Value::Null);
    let response = chat(&[text("Hi"), end("stop")]).unwrap();
    assert_eq!(response.usage.unwrap().completion_tokens_details, None);
}

#[test]
fn oll_08_a_stream_without_counts_is_estimated() {
    let memo = encode("ollama_chat", json!({"stream": true})).unwrap().memo;
    let last = json!({"message": {"content": " out there"}, "done": true});
    let response = collect("ollama_chat", &memo, &[text("Hello world"), last]).unwrap();
    let usage = response.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (8, 4));
}

#[test]
fn oll_10_an_error_line_is_an_error() {
    for events in [
        vec![json!({"error": "boom"})],
        vec![text("x"), json!({"error": "boom"})],
        vec![text("x"), json!({"error": {"message": "boom", "code": 500}})],
    ] {
        let error = chat(&events).unwrap_err();
        assert_eq!((error.kind(), error.status()), (Kind::InternalServer, 500));
        assert!(error.message().contains("boom"), "{error}");
    }
    let error =
        collect("ollama", &Memo::default(), &[json!({"error": "no such file or directory"})]).unwrap_err();
    assert_eq!(error.kind(), Kind::BadRequest);
}

#[test]
fn str_14_a_stream_without_its_end_is_an_error() {
    for provider in ["ollama_chat", "ollama"] {
        for events in [vec![], vec![text("x")], vec![generated("x")]] {
            let error = collect(provider, &Memo::default(), &events).unwrap_err();
            assert_eq!(error.kind(), Kind::Connection);
        }
    }
}

#[test]
fn unknown_and_odd_lines_do_no_harm() {
    let odd = [
        json!({"zq": 1}),
        json!(7),
        Value::Null,
        json!({"message": 7}),
        json!({"message": {"content": 7, "tool_calls": 7, "thinking": 7}}),
        json!({"message": {"tool_calls": [7, {"function": 7}]}, "error": null}),
        text("x"),
        end("stop"),
        text("after the end"),
    ];
    let response = chat(&odd).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("x"));
    let error = deltas("ollama_chat", &Memo::default(), &[b"{nope\n"]).unwrap_err();
    assert_eq!(error.kind(), Kind::Connection);
}
