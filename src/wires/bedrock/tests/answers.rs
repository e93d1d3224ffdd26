//! Whole replies.

use serde_json::json;

use super::*;
use crate::error::Kind;
use crate::hub::FinishReason;

fn of(content: Value) -> crate::hub::Choice {
    let answer = answer(&target(SONNET), json!({}), &said(content)).unwrap();
    answer.choices.into_iter().next().unwrap()
}

#[test]
fn bed_15_thinking_of_an_answer() {
    let choice = of(json!([
        {"reasoningContent": {"reasoningText": {"text": "r", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "eHh4"}},
        {"text": "q"},
    ]));
    let message = choice.message;
    assert_eq!(message.reasoning_content.as_deref(), Some("r"));
    assert_eq!(
        message.thinking_blocks,
        [
            json!({"type": "thinking", "thinking": "r", "signature": "s"}),
            json!({"type": "redacted_thinking", "data": "eHh4"}),
        ]
    );
    assert_eq!(message.provider_fields["reasoningContentBlocks"].as_array().unwrap().len(), 2);
}

#[test]
fn bed_16_counts() {
    let mut reply = said(json!([{"text": "x"}]));
    reply["usage"] = json!({
        "inputTokens": 11, "outputTokens": 50, "totalTokens": 77, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 9,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 5}],
    });
    let usage = answer(&target(SONNET), json!({}), &reply).unwrap().usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (27, 50, 77));
    let details = usage.prompt_tokens_details.unwrap();
    assert_eq!((details["cached_tokens"].as_u64(), details["text_tokens"].as_u64()), (Some(7), Some(11)));
    assert_eq!(details["cache_creation_tokens"], 9);
    assert_eq!(details["cache_creation_token_details"]["ephemeral_1h_input_tokens"], 4);
    assert_eq!(usage.extra["cache_read_input_tokens"], 7);
    let mut counted = said(json!([{"reasoningContent": {"reasoningText": {"text": "r"}}}, {"text": "x"}]));
    let details = |reply: &Value| {
        answer(&target(SONNET), json!({}), reply).unwrap().usage.unwrap().completion_tokens_details.unwrap()
    };
    assert_eq!(details(&counted)["reasoning_tokens"], Value::Null, "to be estimated (USG-08)");
    counted["additionalModelResponseFields"] =
        json!({"usage": {"output_tokens_details": {"thinking_tokens": 33}}});
    assert_eq!(
        (&details(&counted)["reasoning_tokens"], &details(&counted)["text_tokens"]),
        (&json!(33), &json!(17))
    );
}

#[test]
fn bed_17_why_it_stopped() {
    let finish = |native: &str| {
        let mut reply = said(json!([{"text": "x"}]));
        reply["stopReason"] = native.into();
        let choice = answer(&target(SONNET), json!({}), &reply).unwrap().choices.remove(0);
        (choice.finish_reason, choice.native_finish_reason)
    };
    for (native, reason) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("content_filtered", FinishReason::ContentFilter),
        ("zq", FinishReason::Stop),
    ] {
        assert_eq!(finish(native), (reason, None), "{native}");
    }
    assert_eq!(
        finish("malformed_tool_use"),
        (FinishReason::Stop, Some("malformed_tool_use".into())),
        "GEN-37"
    );
    let mut reply = said(json!([{"text": "x"}]));
    reply["trace"] = json!({"guardrail": {"a": 1}});
    reply["serviceTier"] = json!({"type": "flex"});
    let answer = answer(&target(SONNET), json!({}), &reply).unwrap();
    assert_eq!(answer.extra["trace"], json!({"guardrail": {"a": 1}}));
    assert_eq!(answer.extra["service_tier"], "flex");
}

#[test]
fn bed_18_a_wrapped_answer_is_unwrapped() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let keywords = json!({"response_format": format, "tools": [tool("f")]});
    let json_call =
        |input: Value| json!({"toolUse": {"toolUseId": "t", "name": "json_tool_call", "input": input}});
    let of = |content: Value| {
        let mut reply = said(content);
        reply["stopReason"] = "tool_use".into();
        answer(&target(SONNET_4), keywords.clone(), &reply).unwrap().choices.remove(0)
    };
    for (input, expected) in [
        (json!({"properties": {"a": "x"}}), "{\"a\": \"x\"}"),
        (json!({"a": "x"}), "{\"a\": \"x\"}"),
        (json!({"properties": {"a": "x"}, "b": 1}), "{\"properties\": {\"a\": \"x\"}, \"b\": 1}"),
    ] {
        let choice = of(json!([{"text": "pre"}, json_call(input)]));
        assert_eq!(choice.message.content.as_deref(), Some(expected));
        assert!(choice.message.tool_calls.is_empty());
        assert_eq!(choice.finish_reason, FinishReason::Stop, "GEN-30");
    }
    let other = json!({"toolUse": {"toolUseId": "u", "name": "f", "input": {}}});
    let both = of(json!([json_call(json!({"a": "x"})), other]));
    assert_eq!(both.message.content.as_deref(), Some("{\"a\": \"x\"}"));
    assert_eq!(both.message.tool_calls.len(), 1, "GEN-31");
    assert_eq!(both.finish_reason, FinishReason::ToolCalls);
}

#[test]
fn calls_have_the_callers_names() {
    let keywords = json!({"tools": [tool("a b")]});
    let reply = said(json!([
        {"text": "x"},
        {"toolUse": {"toolUseId": "t", "name": "a_b", "input": {"\u{e9}": 1}}},
        {"toolUse": {"toolUseId": "u", "name": "other"}},
    ]));
    let choice = answer(&target(SONNET), keywords, &reply).unwrap().choices.remove(0);
    let calls = choice.message.tool_calls;
    assert_eq!(calls[0].function.name.as_deref(), Some("a b"));
    assert_eq!(calls[0].function.arguments, "{\"\u{e9}\": 1}");
    assert_eq!(calls[1].function.arguments, "{}");
    assert_eq!(choice.finish_reason, FinishReason::ToolCalls, "GEN-36");
}

#[test]
fn what_is_cited_is_said() {
    let citations = json!({"content": [{"text": "cited"}], "citations": [{"title": "t"}]});
    let message = of(json!([{"text": "a "}, {"citationsContent": citations}, {"zq": 1}])).message;
    assert_eq!(message.content.as_deref(), Some("a cited"));
    assert_eq!(message.provider_fields["citationsContent"], json!([citations]));
}

#[test]
fn images_are_data_addresses() {
    let message = of(json!([{"image": {"format": "png", "source": {"bytes": "AAAA"}}}])).message;
    assert_eq!(message.images.unwrap()[0]["image_url"]["url"], "data:image/png;base64,AAAA");
}

#[test]
fn answers_that_are_none_are_errors() {
    for wrong in [json!({}), json!([]), json!({"message": "zq"}), json!({"output": {"message": {}}})] {
        let error = answer(&target(SONNET), json!({}), &wrong).unwrap_err();
        assert_eq!(error.kind(), Kind::InternalServer, "{wrong}");
    }
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: "<html>".into() };
    assert!(Wire::<Chat>::decode(&Converse, &reply, &Memo::default(), &target(SONNET)).is_err());
}
