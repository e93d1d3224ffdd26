//! AMI: Anthropic's Messages: what is answered, as a whole and as events.

use ferrolite::error::{Error, Kind};
use ferrolite::hub::{CallType, FinishReason};
use ferrolite::wires::openai::{Chunk, ChunkChoice};
use serde_json::{Value, json};

use super::dialects::{finish, of, text, thought, tool};
use super::messages::{MESSAGES, VLLM, answered, with_limit};

fn streamed(chunks: Vec<Chunk>) -> Vec<Value> {
    let events = MESSAGES.streamed(VLLM, with_limit(json!({})), chunks);
    for event in &events {
        assert_eq!(event.name.as_deref(), event.data["type"].as_str(), "every event has its name");
    }
    events.into_iter().map(|event| event.data).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// The blocks that a client puts together, as each of their deltas says it.
fn blocks(events: &[Value]) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut open = false;
    for event in events {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert!(!open, "blocks follow each other");
                assert_eq!(event["index"], out.len(), "indices are contiguous");
                open = true;
                out.push(event["content_block"].clone());
                out.last_mut().unwrap()["json"] = "".into();
            }
            "content_block_delta" => {
                assert!(open && event["index"] == out.len() - 1, "a delta is of the open block");
                let block = out.last_mut().unwrap();
                for (from, to) in [
                    ("text", "text"),
                    ("thinking", "thinking"),
                    ("signature", "signature"),
                    ("partial_json", "json"),
                ] {
                    if let Some(more) = event["delta"][from].as_str() {
                        block[to] = format!("{}{more}", block[to].as_str().unwrap()).into();
                    }
                }
            }
            "content_block_stop" => {
                assert!(open && event["index"] == out.len() - 1);
                open = false;
            }
            _ => {}
        }
    }
    assert!(!open, "every block ends");
    out
}

fn thinking_piece(piece: Value) -> Chunk {
    of(ChunkChoice { thinking_blocks: vec![piece], ..ChunkChoice::default() })
}

#[test]
fn ami_02_finish_reasons_have_their_words() {
    let said = json!({ "role": "assistant", "content": "a" });
    for (finish, reason) in [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("zq_unknown", "end_turn"),
    ] {
        assert_eq!(answered(said.clone(), finish)["stop_reason"], reason, "{finish}");
    }
    let call = json!({ "role": "assistant", "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    assert_eq!(answered(call, "tool_calls")["stop_reason"], "tool_use");
    let refusal = json!({ "role": "assistant", "content": null, "refusal": "no" });
    let answer = answered(refusal.clone(), "stop");
    assert_eq!(
        (&answer["stop_reason"], &answer["stop_details"]["explanation"]),
        (&json!("refusal"), &json!("no"))
    );
    assert_eq!(answered(refusal, "length")["stop_reason"], "max_tokens");
}

#[test]
fn ami_03_events_come_in_anthropics_order() {
    let events = streamed(vec![text("a"), text("b"), finish(FinishReason::Stop)]);
    assert_eq!(
        kinds(&events),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(events[5]["delta"]["stop_reason"], "end_turn");
    assert_eq!(events[5]["usage"], json!({ "input_tokens": 11, "output_tokens": 5 }));
    let all = streamed(vec![
        thought("hm"),
        text("a"),
        tool(0, Some(("c1", "f")), ""),
        tool(0, None, "{}"),
        finish(FinishReason::ToolCalls),
    ]);
    let kinds: Vec<_> = blocks(&all).iter().map(|block| block["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use"]);
}

#[test]
fn ami_04_nothing_is_sent_before_the_backend_has_begun() {
    let mut stream = MESSAGES.stream(VLLM, with_limit(json!({})));
    assert!(stream.out.is_empty());
    stream.add(text("a"));
    assert_eq!(stream.out[0].data["type"], "message_start");
    assert_eq!(stream.out[0].data["message"]["id"], "chatcmpl-1");
}

#[test]
fn ami_26_the_stop_sequence_that_was_met_is_told() {
    let more = with_limit(json!({ "stop_sequences": ["END"] }));
    let target = MESSAGES.call(VLLM, more.clone()).unwrap().target().clone();
    let reply = |stop: Value| {
        let choice = json!({ "index": 0, "message": { "role": "assistant", "content": "a" },
                             "finish_reason": "stop", "stop_reason": stop });
        MESSAGES.encoded(&target, more.clone(), json!({ "id": "x", "model": "m", "choices": [choice] }))
    };
    let hit = reply(json!("END"));
    assert_eq!((&hit["stop_reason"], &hit["stop_sequence"]), (&json!("stop_sequence"), &json!("END")));
    for other in [json!(null), json!(151_643), json!("else")] {
        assert_eq!(reply(other)["stop_reason"], "end_turn");
    }
}

#[test]
fn ami_27_blocks_of_an_answer_in_order() {
    let said = json!({ "role": "assistant", "content": "a", "refusal": "no",
        "thinking_blocks": [{ "type": "redacted_thinking", "data": "D" },
                            { "type": "thinking", "thinking": "hm", "signature": "S" }],
        "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    let answer = answered(said, "tool_calls");
    let kinds: Vec<_> = answer["content"].as_array().unwrap().iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "redacted_thinking", "text", "text", "tool_use"]);
    let bare = answered(json!({ "role": "assistant", "content": "a", "reasoning_content": "hm" }), "stop");
    assert_eq!(bare["content"][0], json!({ "type": "thinking", "thinking": "hm" }));
}

#[test]
fn ami_28_ids_of_calls_are_clean_and_differ() {
    let call = |id: &str| json!({ "id": id, "function": { "name": "f", "arguments": "{}" } });
    let said =
        json!({ "role": "assistant", "tool_calls": [call("a/1"), call("a.1"), call("functions.f:0")] });
    let answer = answered(said, "tool_calls");
    let ids: Vec<_> =
        answer["content"].as_array().unwrap().iter().map(|block| block["id"].as_str().unwrap()).collect();
    assert_eq!((ids[0], ids[2]), ("a_1", "functions_f_0"));
    assert!(ids[1].starts_with("a_1_"), "{}", ids[1]);
    let fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    assert!(ids.iter().all(|id| id.chars().all(fine)));
}

#[test]
fn ami_29_arguments_that_are_no_object() {
    let block = |arguments: &str, finish: &str| {
        let call = json!({ "id": "c", "function": { "name": "f", "arguments": arguments } });
        let answer = answered(json!({ "role": "assistant", "tool_calls": [call] }), finish);
        (answer["stop_reason"].clone(), answer["content"][0].clone())
    };
    assert_eq!(block("", "tool_calls").1["input"], json!({}));
    let (_, bad) = block("{bad", "tool_calls");
    assert_eq!((&bad["input"], &bad["provider_specific_fields"]["arguments"]), (&json!({}), &json!("{bad")));
    let (reason, cut) = block(r#"{"a": [1, {"b": "te"#, "length");
    assert_eq!((reason, &cut["input"]), (json!("max_tokens"), &json!({ "a": [1, { "b": "te" }] })));
    assert_eq!(block(r#"{"a": 1, "b":"#, "length").1["input"], json!({ "a": 1, "b": null }));
    assert_eq!(block(r#"{"a": 1, "#, "length").1["input"], json!({ "a": 1 }));
}

#[test]
fn ami_30_what_came_from_a_cache_is_no_input() {
    let usage =
        |usage: Value| MESSAGES.answer_with_usage(VLLM, with_limit(json!({})), usage)["usage"].clone();
    assert_eq!(
        usage(json!({ "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16 })),
        json!({ "input_tokens": 11, "output_tokens": 5 })
    );
    assert_eq!(
        usage(json!({ "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16,
                      "prompt_tokens_details": { "cached_tokens": 4, "cache_creation_tokens": 3 } })),
        json!({ "input_tokens": 4, "output_tokens": 5,
                "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4 })
    );
    let more = usage(json!({ "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8,
                             "prompt_tokens_details": { "cached_tokens": 9 } }));
    assert_eq!(more["input_tokens"], 0);
}

#[test]
fn ami_31_blank_beginnings_open_no_block_and_no_token_is_lost() {
    let events = streamed(vec![text(""), thought(""), thought("h"), text("a"), finish(FinishReason::Stop)]);
    let blocks = blocks(&events);
    assert_eq!(blocks.len(), 2);
    assert_eq!((&blocks[0]["thinking"], &blocks[1]["text"]), (&json!("h"), &json!("a")));
}

#[test]
fn ami_32_a_chunk_with_several_things_is_taken_apart() {
    let all = of(ChunkChoice {
        content: Some("a".into()),
        reasoning_content: Some("hm".into()),
        tool_calls: tool(0, Some(("c", "f")), "{}").choices.remove(0).tool_calls,
        finish_reason: Some(FinishReason::ToolCalls),
        ..ChunkChoice::default()
    });
    let events = streamed(vec![all]);
    let blocks = blocks(&events);
    let kinds: Vec<_> = blocks.iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use"]);
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn ami_33_calls_that_interleave_are_written_one_after_the_other() {
    let events = streamed(vec![
        tool(0, Some(("c0", "f")), ""),
        tool(0, None, "{\"a\":"),
        tool(1, Some(("c1", "g")), "{"),
        tool(0, None, "1}"),
        tool(1, None, "}"),
        finish(FinishReason::ToolCalls),
    ]);
    let blocks = blocks(&events);
    assert_eq!((&blocks[0]["id"], &blocks[0]["json"]), (&json!("c0"), &json!("{\"a\":1}")));
    assert_eq!((&blocks[1]["id"], &blocks[1]["json"]), (&json!("c1"), &json!("{}")));
}

#[test]
fn ami_34_more_arguments_do_not_close_their_call() {
    let events = streamed(vec![
        tool(0, Some(("c0", "f")), ""),
        tool(0, None, "{"),
        tool(0, None, "}"),
        finish(FinishReason::ToolCalls),
    ]);
    assert_eq!(blocks(&events).len(), 1);
    assert_eq!(kinds(&events).iter().filter(|kind| **kind == "content_block_stop").count(), 1);
}

#[test]
fn ami_35_signatures_end_their_block_and_text_comes_once() {
    let piece = |text: &str| {
        of(ChunkChoice {
            reasoning_content: Some(text.to_owned()),
            thinking_blocks: vec![json!({ "type": "thinking", "thinking": text })],
            ..ChunkChoice::default()
        })
    };
    let events = streamed(vec![
        piece("h"),
        piece("m"),
        thinking_piece(json!({ "type": "thinking", "thinking": "hm", "signature": "S1" })),
        piece("again"),
        thinking_piece(json!({ "type": "thinking", "thinking": "", "signature": "S2" })),
        thinking_piece(json!({ "type": "redacted_thinking", "data": "D" })),
        text("a"),
        finish(FinishReason::Stop),
    ]);
    let blocks = blocks(&events);
    assert_eq!((&blocks[0]["thinking"], &blocks[0]["signature"]), (&json!("hm"), &json!("S1")));
    assert_eq!((&blocks[1]["thinking"], &blocks[1]["signature"]), (&json!("again"), &json!("S2")));
    assert_eq!((&blocks[2]["data"], &blocks[3]["text"]), (&json!("D"), &json!("a")));
}

#[test]
fn ami_36_reason_and_usage_are_one_event() {
    let events = streamed(vec![text("a"), finish(FinishReason::Length)]);
    let deltas: Vec<_> = events.iter().filter(|event| event["type"] == "message_delta").collect();
    assert_eq!(deltas.len(), 1);
    assert_eq!(
        (&deltas[0]["delta"]["stop_reason"], &deltas[0]["usage"]["output_tokens"]),
        (&json!("max_tokens"), &json!(5))
    );
}

#[test]
fn ami_37_a_failure_in_the_middle_is_one_event() {
    let mut stream = MESSAGES.stream(VLLM, with_limit(json!({})));
    stream.add(text("a"));
    let before = stream.out.len();
    stream.fail(&Error::new(Kind::RateLimit, "slow down"));
    assert_eq!(stream.out.len(), before + 1);
    let last = &stream.out[before];
    assert_eq!(
        (last.name.as_deref(), &last.data["error"]["type"]),
        (Some("error"), &json!("rate_limit_error"))
    );
}

#[test]
fn ami_38_streams_do_not_mix() {
    let mut one = MESSAGES.stream(VLLM, with_limit(json!({})));
    let mut other = MESSAGES.stream(VLLM, with_limit(json!({})));
    one.add(text("a"));
    other.add(thought("b"));
    assert_eq!(one.out[1].data["content_block"]["type"], "text");
    assert_eq!(other.out[1].data["content_block"]["type"], "thinking");
    assert_eq!(other.out[1].data["index"], 0);
}

#[test]
fn events_of_a_provider_are_handed_on_to_their_end() {
    let start = json!({ "type": "message_start", "message": { "id": "m" } });
    let stop = json!({ "type": "message_stop" });
    let (events, ended) =
        MESSAGES.passed_through("anthropic/claude-sonnet-4-5", with_limit(json!({})), &[start.clone(), stop]);
    assert!(ended.is_ok());
    assert_eq!(events[0].data, start);
    assert_eq!(events[0].to_sse(), format!("event: message_start\ndata: {start}\n\n"));
    let error = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "busy" } });
    let (events, ended) = MESSAGES.passed_through(
        "anthropic/claude-sonnet-4-5",
        with_limit(json!({})),
        &[start.clone(), error],
    );
    assert_eq!((events.len(), ended.unwrap_err().kind()), (1, Kind::InternalServer));
    let (_, ended) = MESSAGES.passed_through("anthropic/claude-sonnet-4-5", with_limit(json!({})), &[start]);
    assert_eq!(ended.unwrap_err().kind(), Kind::Connection, "STR-14");
}

#[test]
fn str_30_a_whole_message_becomes_its_events() {
    let message = json!({ "id": "m", "type": "message", "role": "assistant", "content": [
        { "type": "thinking", "thinking": "hm", "signature": "S" }, { "type": "text", "text": "a" },
        { "type": "tool_use", "id": "t", "name": "f", "input": { "a": 1 } }],
        "stop_reason": "tool_use", "stop_sequence": null, "usage": { "input_tokens": 1, "output_tokens": 2 } });
    let call = MESSAGES.call("anthropic/claude-sonnet-4-5", with_limit(json!({}))).unwrap();
    let events = call.target().wire.events(CallType::Messages).unwrap().replay(message);
    let events: Vec<_> = events.into_iter().map(|event| event.data).collect();
    let blocks = blocks(&events);
    assert_eq!((&blocks[0]["thinking"], &blocks[0]["signature"]), (&json!("hm"), &json!("S")));
    assert_eq!((&blocks[1]["text"], &blocks[2]["json"]), (&json!("a"), &json!("{\"a\":1}")));
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}
