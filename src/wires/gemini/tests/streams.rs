//! Streams: each chunk's meaning, any split of the bytes, and what is collected from them.

use serde_json::{Value, json};

use super::super::Gemini;
use super::target;
use crate::error::{Error, Kind};
use crate::hub::{ChatResponse, Delta, FinishReason};
use crate::wires::{HttpReply, Memo, Wire, driven};

/// The bytes of a stream of server-sent events; an event is its payload, or an object with `data`.
pub fn sse(events: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        let data = event.get("data").unwrap_or(event);
        let text = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
        out.extend_from_slice(format!("data: {text}\r\n\r\n").as_bytes());
    }
    out
}

fn deltas(pieces: &[&[u8]], memo: Memo) -> Result<Vec<Delta>, Error> {
    driven::deltas(&Gemini, &target("gemini-2.5-flash"), memo, pieces)
}

pub fn collect(bytes: &[u8], memo: Memo) -> Result<ChatResponse, Error> {
    deltas(&[bytes], memo).map(driven::collect)
}

fn stream(events: Value) -> Result<ChatResponse, Error> {
    collect(&sse(events.as_array().unwrap()), Memo::default())
}

fn chunk(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
        "modelVersion": "gemini-2.5-flash", "responseId": "r1"})
}

fn last(parts: Value, reason: &str) -> Value {
    let mut chunk = chunk(parts);
    chunk["candidates"][0]["finishReason"] = json!(reason);
    chunk["usageMetadata"] = json!({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}]});
    chunk
}

/// Thoughts, text, two calls of which one is signed, in chunks as the service sends them.
fn rich() -> Vec<Value> {
    let mut grounded = chunk(json!([{"text": "Wölkchen 👩‍👧 "}]));
    grounded["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["q"],
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 3}, "groundingChunkIndices": [0]}]});
    vec![
        chunk(json!([{"text": "Let me ", "thought": true}])),
        chunk(json!([{"text": "think.", "thought": true, "thoughtSignature": "S0"}])),
        chunk(json!([{"text": "Über den "}])),
        grounded,
        chunk(json!([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}])),
        chunk(json!([{"toolCall": {"toolType": "X", "id": "t", "args": {}}, "thoughtSignature": "S2"}])),
        chunk(json!([{"toolResponse": {"toolType": "X", "id": "t", "response": {"r": 1}}}])),
        chunk(json!([{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "S1"}])),
        chunk(json!([{"functionCall": {"name": "g", "args": {}, "id": "own"}}])),
        last(json!([{"text": ""}]), "STOP"),
    ]
}

/// The same answer in one piece.
fn rich_whole() -> Value {
    let mut whole = last(json!([]), "STOP");
    let mut parts = Vec::new();
    for chunk in rich() {
        parts.extend(chunk["candidates"][0]["content"]["parts"].as_array().unwrap().clone());
        if let Some(grounding) = chunk["candidates"][0].get("groundingMetadata") {
            whole["candidates"][0]["groundingMetadata"] = grounding.clone();
        }
    }
    parts[1]["text"] = json!("Let me think.");
    parts.remove(0);
    whole["candidates"][0]["content"]["parts"] = Value::Array(parts);
    whole
}

#[test]
fn str_11_any_split_gives_the_same_deltas() {
    let array = serde_json::to_vec_pretty(&rich()).unwrap();
    for bytes in [sse(&rich()), array] {
        let whole = deltas(&[&bytes], Memo::default()).unwrap();
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(deltas(&single, Memo::default()).unwrap(), whole);
        for size in [2, 3, 7, 64, 1000] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(deltas(&pieces, Memo::default()).unwrap(), whole, "pieces of {size}");
        }
        for at in (0..bytes.len()).step_by(5) {
            assert_eq!(deltas(&[&bytes[..at], &bytes[at..]], Memo::default()).unwrap(), whole, "cut at {at}");
        }
    }
}

#[test]
fn str_28_collected_streams_equal_whole_replies() {
    let collected = collect(&sse(&rich()), Memo::default()).unwrap();
    let body = rich_whole().to_string().into_bytes().into();
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body };
    let mut decoded = Gemini.decode(&reply, &Memo::default(), &target("gemini-2.5-flash")).unwrap();
    for call in &mut decoded.choices[0].message.tool_calls {
        // Collected calls are numbered by their place alone.
        call.extra.clear();
    }
    assert_eq!(collected.id, decoded.id);
    assert_eq!(collected.usage, decoded.usage);
    assert_eq!(collected.choices[0].message, decoded.choices[0].message);
    assert_eq!(collected.choices[0].finish_reason, decoded.choices[0].finish_reason);
    assert_eq!(
        collected.extra["vertex_ai_grounding_metadata"],
        decoded.extra["vertex_ai_grounding_metadata"]
    );
}

#[test]
fn gem_11_signatures_of_thoughts_are_captured_in_streams() {
    let message = stream(json!([
        chunk(json!([{"text": "a", "thought": true}])),
        chunk(json!([{"text": "b", "thought": true, "thoughtSignature": "S0"}])),
        last(json!([{"text": "c", "thoughtSignature": "S1"}]), "STOP")
    ]))
    .unwrap()
    .choices
    .remove(0)
    .message;
    assert_eq!(message.reasoning_content.as_deref(), Some("ab"));
    assert_eq!(message.thinking_blocks, [json!({"type": "thinking", "thinking": "ab", "signature": "S0"})]);
    assert_eq!(message.provider_fields["thought_signatures"], json!(["S0", "S1"]));
}

#[test]
fn gem_24_a_call_is_the_reason_to_end() {
    for native in ["STOP", "MAX_TOKENS", "MALFORMED_FUNCTION_CALL"] {
        let response = stream(json!([
            chunk(json!([{"functionCall": {"name": "f", "args": {}}}])),
            last(json!([]), native)
        ]));
        assert_eq!(response.unwrap().choices[0].finish_reason, FinishReason::ToolCalls, "{native}");
    }
}

#[test]
fn gem_25_a_refused_prompt_ends_the_stream() {
    let refused = json!({"promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8}});
    let response = stream(json!([refused])).unwrap();
    assert_eq!(response.choices[0].finish_reason, FinishReason::ContentFilter);
    assert_eq!(response.choices[0].message.content, None);
    assert_eq!(response.usage.unwrap().prompt_tokens, 8);
    let late = stream(json!([chunk(json!([{"text": "x"}])), refused])).unwrap();
    assert_eq!(late.choices[0].finish_reason, FinishReason::ContentFilter);
}

#[test]
fn gem_26_an_error_chunk_raises() {
    let error = stream(json!([
        chunk(json!([{"text": "x"}])),
        {"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED",
            "details": [{"retryDelay": "3s"}]}}
    ]))
    .unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::RateLimit, 429));
    assert_eq!(error.facts().code.as_deref(), Some("429"));
    assert_eq!(error.facts().retry_after.unwrap().as_secs(), 3);
}

#[test]
fn gem_27_a_chunk_may_be_split_over_events() {
    let whole = last(json!([{"text": "b"}]), "STOP").to_string();
    let (first, second) = whole.split_at(40);
    let response = stream(json!([chunk(json!([{"text": "a"}])), first, second])).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("ab"));
    let spaced = last(json!([{"text": "two words"}]), "STOP").to_string();
    let (before, after) = spaced.split_at(spaced.find(" words").unwrap());
    let (space, after) = after.split_at(1);
    let response = stream(json!([format!("{before}{space}"), after])).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("two words"));
    assert_eq!(stream(json!([first])).unwrap_err().kind(), Kind::InternalServer);
}

/// Parsed anew for each piece, these would take minutes.
#[test]
fn str_12_a_chunk_in_many_events_is_parsed_once() {
    let whole = last(json!([{"text": "\"}]\\".repeat(100_000)}]), "STOP").to_string();
    let pieces: Vec<Value> =
        whole.as_bytes().chunks(10).map(|piece| String::from_utf8_lossy(piece).into()).collect();
    let began = std::time::Instant::now();
    let response = stream(pieces.into()).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref().map(str::len), Some(400_000));
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn gem_27_a_reply_may_be_a_list_of_chunks() {
    let decode = |body: Value| {
        let reply = HttpReply {
            status: 200,
            headers: http::HeaderMap::new(),
            body: body.to_string().into_bytes().into(),
        };
        Gemini.decode(&reply, &Memo::default(), &target("gemini-2.5-flash"))
    };
    let response =
        decode(json!([chunk(json!([{"text": "a"}])), last(json!([{"text": "b"}]), "STOP")])).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("ab"));
    assert_eq!((response.id.as_str(), response.model.as_str()), ("r1", "gemini-2.5-flash"));
    for odd in [json!([]), json!(null), json!("x"), json!([7])] {
        assert!(decode(odd).is_err());
    }
}

#[test]
fn gem_29_chunks_without_content_yield_none() {
    let events = [
        json!({"usageMetadata": {"promptTokenCount": 3}, "modelVersion": "m"}),
        chunk(json!([{"text": "x"}])),
        last(json!([{"text": ""}]), "STOP"),
        json!({"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}}),
    ];
    let deltas = deltas(&[&sse(&events)], Memo::default()).unwrap();
    let content: Vec<&Delta> = deltas.iter().filter(|delta| delta.is_content()).collect();
    assert_eq!(
        content,
        [
            &Delta::Text { choice: 0, text: "x".into() },
            &Delta::Finish { choice: 0, reason: FinishReason::Stop, native: Some("STOP".into()) }
        ]
    );
}

#[test]
fn str_05_calls_are_counted_over_chunks() {
    let calls: Vec<u64> = deltas(&[&sse(&rich())], Memo::default())
        .unwrap()
        .iter()
        .filter_map(|delta| match delta {
            Delta::ToolStart { index, .. } => Some(*index),
            _ => None,
        })
        .collect();
    assert_eq!(calls, [0, 1]);
}

#[test]
fn str_14_an_end_without_a_finish_reason_is_an_error() {
    for events in [json!([]), json!([chunk(json!([{"text": "x"}]))])] {
        assert_eq!(stream(events).unwrap_err().kind(), Kind::Connection);
    }
}

#[test]
fn str_14_a_list_that_is_cut_is_an_error() {
    let whole = json!([chunk(json!([{"text": "a"}])), last(json!([{"text": "b"}]), "STOP")]).to_string();
    let read = |text: &str| deltas(&[text.as_bytes()], Memo::default());
    assert!(read(&whole).is_ok());
    let second_begins = whole.len() - 2;
    for cut in [second_begins, whole.len() - 1] {
        let error = read(&whole[..cut]).unwrap_err();
        assert_eq!(error.kind(), Kind::Connection, "cut at {cut}");
    }
    // More was to come after an element with a finish reason.
    let more = format!("[{},{{", last(json!([{"text": "b"}]), "STOP"));
    assert!(read(&more).is_err());
}

#[test]
fn a_finish_reason_in_every_chunk_ends_once() {
    let deltas = deltas(
        &[&sse(&[last(json!([{"text": "a"}]), "STOP"), last(json!([{"text": "b"}]), "STOP")])],
        Memo::default(),
    )
    .unwrap();
    let finishes = deltas.iter().filter(|delta| matches!(delta, Delta::Finish { .. })).count();
    assert_eq!(finishes, 1);
    assert!(matches!(deltas.last(), Some(Delta::Finish { .. })));
}

#[test]
fn str_03_candidates_keep_their_index() {
    let two = |first: &str, second: &str, reason: Value| {
        json!({"candidates": [
            {"index": 0, "content": {"parts": [{"text": first}]}, "finishReason": reason},
            {"index": 1, "content": {"parts": [{"text": second}]}, "finishReason": reason}]})
    };
    let response = stream(json!([two("a", "b", Value::Null), two("c", "d", json!("STOP"))])).unwrap();
    let texts: Vec<_> = response.choices.iter().map(|choice| choice.message.content.as_deref()).collect();
    assert_eq!(texts, [Some("ac"), Some("bd")]);
}

#[test]
fn usg_19_the_last_counts_stand_and_grounding_may_come_later() {
    let mut grounded = chunk(json!([]));
    grounded["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["a", "b"]});
    let mut early = chunk(json!([{"text": "x"}]));
    early["usageMetadata"] =
        json!({"promptTokenCount": 99, "candidatesTokenCount": 99, "totalTokenCount": 198});
    let usage = stream(json!([early, last(json!([]), "STOP"), grounded])).unwrap().usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10, 5));
    assert_eq!(usage.prompt_tokens_details.unwrap()["web_search_requests"], 2);
}

#[test]
fn usg_08_uncounted_thoughts_are_left_to_an_estimate() {
    let details = |parts: Value| {
        let usage =
            stream(json!([chunk(parts), last(json!([{"text": "x"}]), "STOP")])).unwrap().usage.unwrap();
        Value::Object(usage.completion_tokens_details.unwrap())
    };
    assert_eq!(details(json!([])), json!({"text_tokens": 5, "reasoning_tokens": 0}));
    assert_eq!(
        details(json!([{"text": "hm", "thought": true}])),
        json!({"text_tokens": 5, "reasoning_tokens": null})
    );
    assert_eq!(details(json!([{"functionCall": {"name": "f", "args": {}}}])), json!({"text_tokens": 5}));
}

#[test]
fn unknown_and_odd_frames_do_no_harm() {
    let response = stream(json!([
        {"foo": 1},
        "null",
        "7",
        {"candidates": [7, {"index": 0, "content": 7}, {"index": 0, "content": {"parts": [7, {"zq": 1}, {"text": 7}, null]}}]},
        {"candidates": null, "usageMetadata": 7, "promptFeedback": 7},
        last(json!([{"text": "x"}]), "ZQ_NEW"),
        "[DONE]",
        "{nonsense"
    ]));
    let response = response.unwrap();
    assert_eq!(response.choices[0].finish_reason, FinishReason::Stop);
    let error = stream(json!([chunk(json!([{"text": "x"}])), "{nope"])).unwrap_err();
    assert!(error.message().contains("no JSON"), "{error}");
}

#[test]
fn oai_12_old_functions_are_answered_in_the_old_form() {
    let memo = Memo { legacy_functions: true, ..Memo::default() };
    let events = [last(json!([{"functionCall": {"name": "f", "args": {"a": 1}}}]), "STOP")];
    let response = collect(&sse(&events), memo.clone()).unwrap();
    let body = events[0].to_string().into_bytes().into();
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body };
    let decoded = Gemini.decode(&reply, &memo, &target("gemini-2.5-flash")).unwrap();
    for response in [response, decoded] {
        assert_eq!(response.choices[0].finish_reason, FinishReason::FunctionCall);
        assert_eq!(
            response.choices[0].message.function_call,
            Some(json!({"name": "f", "arguments": "{\"a\":1}"}))
        );
    }
}
