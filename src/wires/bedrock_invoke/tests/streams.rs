//! Streamed answers: each maker's events in AWS's messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::error::Kind;
use crate::hub::FinishReason;
use crate::wires::event_stream::tests::{event, exception, message};

/// Messages with one event each.
pub fn chunks(events: &[Value]) -> Vec<u8> {
    events
        .iter()
        .flat_map(|inner| event("chunk", &json!({"bytes": STANDARD.encode(inner.to_string())})))
        .collect()
}

fn claude() -> Vec<u8> {
    chunks(&[
        json!({"type": "message_start", "message": {
            "id": "m1", "model": "claude", "role": "assistant", "usage": {"input_tokens": 3, "output_tokens": 1},
        }}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "th"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "\u{6f22} x"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2,
               "content_block": {"type": "tool_use", "id": "c1", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2,
               "delta": {"type": "input_json_delta", "partial_json": "{\"a\": 1}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}}),
        json!({"type": "message_stop"}),
    ])
}

fn nova() -> Vec<u8> {
    chunks(&[
        json!({"messageStart": {"role": "assistant"}}),
        json!({"contentBlockDelta": {"delta": {"text": "x"}, "contentBlockIndex": 0}}),
        json!({"contentBlockStop": {"contentBlockIndex": 0}}),
        json!({"messageStop": {"stopReason": "max_tokens"}}),
        json!({"metadata": {"usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}}}),
    ])
}

fn deepseek(pieces: &[&str]) -> Vec<u8> {
    let mut events: Vec<Value> =
        pieces.iter().map(|text| json!({"generation": text, "stop_reason": null})).collect();
    events.push(json!({
        "generation": "", "stop_reason": "stop",
        "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 4},
    }));
    chunks(&events)
}

#[test]
fn str_28_a_stream_makes_the_same_response_as_a_whole_reply() {
    let whole = json!({
        "id": "m1", "type": "message", "role": "assistant", "model": "claude",
        "content": [
            {"type": "thinking", "thinking": "th", "signature": "s"},
            {"type": "text", "text": "\u{6f22} x"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 4},
    });
    let converse = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "x"}]}}, "stopReason": "max_tokens",
        "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
    });
    let text = json!({
        "generation": "why</think>so", "stop_reason": "stop", "prompt_token_count": 3, "generation_token_count": 4,
    });
    for (model, stream, reply) in [
        (SONNET, claude(), whole),
        (NOVA, nova(), converse),
        (DEEPSEEK, deepseek(&["wh", "y</th", "ink>s", "o"]), text),
    ] {
        let (_, collected) = streamed(model, Memo::default(), &[&stream]).unwrap();
        let whole = answer(model, &Memo::default(), &reply);
        let (collected_choice, choice) = (&collected.choices[0], &whole.choices[0]);
        assert_eq!(collected_choice.finish_reason, choice.finish_reason, "{model}");
        let (one, other) = (&collected_choice.message, &choice.message);
        assert_eq!(one.content, other.content, "{model}");
        assert_eq!(one.reasoning_content, other.reasoning_content, "{model}");
        assert_eq!(one.thinking_blocks, other.thinking_blocks, "{model}");
        assert_eq!(one.tool_calls.len(), other.tool_calls.len(), "{model}");
        for (one, other) in one.tool_calls.iter().zip(&other.tool_calls) {
            assert_eq!((&one.id, &one.function.name), (&other.id, &other.function.name));
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(read(&one.function.arguments), read(&other.function.arguments));
        }
        assert_eq!(collected.usage.unwrap().total_tokens, whole.usage.unwrap().total_tokens, "{model}");
    }
}

#[test]
fn str_11_any_split_gives_the_same_deltas() {
    for (model, bytes) in [(SONNET, claude()), (NOVA, nova()), (DEEPSEEK, deepseek(&["a</think", ">b"]))] {
        let (whole, _) = streamed(model, Memo::default(), &[&bytes]).unwrap();
        for size in [1, 2, 3, 7, 13, 64] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(
                streamed(model, Memo::default(), &pieces).unwrap().0,
                whole,
                "{model}: pieces of {size}"
            );
        }
    }
}

#[test]
fn bed_15_the_mark_may_come_in_pieces() {
    for pieces in [
        &["why</think>so"][..],
        &["why", "</think>", "so"],
        &["why<", "/", "think", ">so"],
        &["w", "h", "y", "<", "/", "t", "h", "i", "n", "k", ">", "s", "o"],
    ] {
        let message =
            streamed(DEEPSEEK, Memo::default(), &[&deepseek(pieces)]).unwrap().1.choices.remove(0).message;
        assert_eq!(
            (message.reasoning_content.as_deref(), message.content.as_deref()),
            (Some("why"), Some("so"))
        );
    }
    let message = streamed(DEEPSEEK, Memo::default(), &[&deepseek(&["a < b", " </thin", "k"])])
        .unwrap()
        .1
        .choices
        .remove(0)
        .message;
    assert_eq!(message.reasoning_content.as_deref(), Some("a < b </think"), "nothing is lost");
}

#[test]
fn a_prompts_stream() {
    for (model, events, reason) in [
        (
            LLAMA,
            vec![json!({"generation": "x"}), json!({"generation": "", "stop_reason": "length"})],
            FinishReason::Length,
        ),
        (
            TITAN,
            vec![json!({"outputText": "x", "completionReason": "FINISH", "index": 0})],
            FinishReason::Stop,
        ),
        (
            MISTRAL,
            vec![
                json!({"outputs": [{"text": "x", "stop_reason": null}]}),
                json!({"outputs": [{"text": "", "stop_reason": "stop"}]}),
            ],
            FinishReason::Stop,
        ),
        (
            COMMAND,
            vec![
                json!({"text": "x", "is_finished": false}),
                json!({"is_finished": true, "finish_reason": "MAX_TOKENS"}),
            ],
            FinishReason::Length,
        ),
    ] {
        let choice = streamed(model, Memo::default(), &[&chunks(&events)]).unwrap().1.choices.remove(0);
        assert_eq!((choice.message.content.as_deref(), choice.finish_reason), (Some("x"), reason), "{model}");
    }
}

#[test]
fn bed_19_failures_inside_and_outside_of_the_wrapping() {
    let begun = chunks(&[json!({"type": "message_start", "message": {"id": "m", "usage": {}}})]);
    let outside = [begun.clone(), exception("modelTimeoutException", &json!({"message": "slow"}))].concat();
    assert!(streamed(SONNET, Memo::default(), &[&outside]).is_err());
    let throttled =
        [begun.clone(), exception("throttlingException", &json!({"message": "Overloaded"}))].concat();
    let error = streamed(SONNET, Memo::default(), &[&throttled]).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::RateLimit, 429));
    let failed = json!({"type": "error", "error": {"type": "api_error", "message": "broken"}});
    let inside = [begun, chunks(&[failed])].concat();
    let error = streamed(SONNET, Memo::default(), &[&inside]).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::ServiceUnavailable, 503));
}

#[test]
fn str_14_a_stream_without_its_end_is_no_success() {
    let begun = chunks(&[json!({"generation": "x"})]);
    for model in [SONNET, NOVA, LLAMA] {
        assert_eq!(streamed(model, Memo::default(), &[]).unwrap_err().kind(), Kind::Connection, "{model}");
    }
    assert_eq!(streamed(LLAMA, Memo::default(), &[&begun]).unwrap_err().kind(), Kind::Connection);
}

#[test]
fn unknown_events_are_passed_over_and_broken_ones_are_errors() {
    for (model, stream) in [(SONNET, claude()), (NOVA, nova()), (DEEPSEEK, deepseek(&["a</think>b"]))] {
        let unknown =
            [event("zqEvent", &json!({"a": 1})), chunks(&[json!({"zq": 1}), json!({"zq": {"a": 1}})])]
                .concat();
        let expected = streamed(model, Memo::default(), &[&stream]).unwrap().1;
        assert_eq!(streamed(model, Memo::default(), &[&unknown, &stream]).unwrap().1, expected, "{model}");
        let chunk =
            |payload: &[u8]| message(&[(":event-type", "chunk"), (":message-type", "event")], payload);
        for broken in [&b"{bad"[..], br#"{"bytes": "!!"}"#, br#"{"bytes": "e2JhZA=="}"#] {
            assert!(streamed(model, Memo::default(), &[&chunk(broken)]).is_err(), "{model}");
        }
    }
}
