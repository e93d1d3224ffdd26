//! Anthropic's format.

use serde_json::json;

use super::*;
use crate::error::Kind;
use crate::hub::{FinishReason, InlineMedia};

#[test]
fn ant_28_version_and_betas_are_in_the_body() {
    let call =
        call(SONNET, json!({"max_tokens": 5, "anthropic_beta": ["context-1m-2025-08-07"], "stream": true}));
    assert_eq!(call.url, "https://b.example/model/m/invoke-with-response-stream");
    assert_eq!(call.headers["anthropic-beta"], "context-1m-2025-08-07");
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(
        sent,
        json!({
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
            "max_tokens": 5,
            "anthropic_version": "bedrock-2023-05-31",
            "anthropic_beta": ["context-1m-2025-08-07"],
        })
    );
    assert!(body(SONNET, json!({})).get("anthropic_beta").is_none());
}

#[test]
fn ant_28_features_have_their_names_of_here() {
    let tools = json!([
        {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}},
    ]);
    let sent = body(SONNET, json!({"tools": tools}));
    assert_eq!(sent["tools"][0]["type"], "tool_search_tool_regex");
    assert_eq!(sent["anthropic_beta"], json!(["tool-search-tool-2025-10-19"]));
    let named = body(SONNET, json!({"anthropic_beta": ["files-api-2025-04-14"]}));
    assert_eq!(named["anthropic_beta"], json!(["files-api-2025-04-14"]), "as the caller says");
}

#[test]
fn ant_21_a_schema_is_closed_and_keeps_its_references() {
    let schema = json!({
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"type": "object", "properties": {"b": {"type": "string"}}}},
    });
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema}});
    let sent = body(SONNET, json!({"response_format": format}));
    assert!(sent.get("output_format").is_none());
    let format = &sent["output_config"]["format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["schema"]["additionalProperties"], false);
    assert_eq!(format["schema"]["properties"]["a"]["$ref"], "#/$defs/A");
    assert_eq!(format["schema"]["$defs"]["A"]["additionalProperties"], false);
}

#[test]
fn ant_25_media_are_sent_in_place() {
    let url = "https://example.com/a.png";
    let parts = json!([{"type": "text", "text": "q"}, {"type": "image_url", "image_url": {"url": url}}]);
    let mut request = request(json!({"messages": [{"role": "user", "content": parts}]}));
    let target = target(SONNET);
    assert_eq!(Wire::<Chat>::remote_media(&Invoke, &request, &target), [url]);
    request.media.insert(
        url.to_owned(),
        InlineMedia { mime: "image/png".into(), data: bytes::Bytes::from_static(b"png") },
    );
    let prepared = Wire::<Chat>::encode(&Invoke, &request, &target).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.call.body).unwrap();
    assert_eq!(
        sent["messages"][0]["content"][1]["source"],
        json!({"type": "base64", "media_type": "image/png", "data": "cG5n"})
    );
}

#[test]
fn bed_24_a_guardrail_is_named_in_headers() {
    let config = json!({"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"});
    for model in [SONNET, NOVA, LLAMA] {
        let call = call(model, json!({"guardrailConfig": config}));
        assert_eq!(call.headers["x-amzn-bedrock-guardrailidentifier"], "g", "{model}");
        assert_eq!(call.headers["x-amzn-bedrock-guardrailversion"], "1");
        assert_eq!(call.headers["x-amzn-bedrock-trace"], "ENABLED");
        assert!(!String::from_utf8_lossy(&call.body).contains("guard"), "{model}");
    }
    let error = refused(SONNET, json!({"guardrailConfig": "g"}));
    assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::BadRequest, Some("guardrailConfig")));
    let error = refused(SONNET, json!({"guardrailConfig": {"guardrailIdentifier": "g\nx: y"}}));
    assert_eq!(error.kind(), Kind::BadRequest, "no other headers");
}

#[test]
fn gen_06_extra_body_has_the_last_word() {
    let sent = body(SONNET, json!({"extra_body": {"anthropic_version": "x", "zq": 1}}));
    assert_eq!((&sent["anthropic_version"], &sent["zq"]), (&json!("x"), &json!(1)));
}

#[test]
fn an_answer_is_anthropics() {
    let reply = json!({
        "id": "m1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "text", "text": "x"}],
        "stop_reason": "max_tokens", "usage": {"input_tokens": 3, "output_tokens": 4},
    });
    let response = answer(SONNET, &Memo::default(), &reply);
    let choice = &response.choices[0];
    assert_eq!(choice.message.content.as_deref(), Some("x"));
    assert_eq!(choice.message.reasoning_content.as_deref(), Some("t"));
    assert_eq!(choice.finish_reason, FinishReason::Length);
    assert_eq!(response.usage.unwrap().total_tokens, 7);
}

#[test]
fn bed_20_errors_are_bedrocks() {
    let target = target(SONNET);
    let text = br#"{"message": "Too many requests", "__type": "ThrottlingException"}"#;
    let facts = Wire::<Chat>::error_facts(&Invoke, 400, text);
    assert_eq!(Wire::<Chat>::classify(&Invoke, &facts, &target), Kind::RateLimit);
}
