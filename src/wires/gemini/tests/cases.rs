//! The recorded cases, at the level of the wire: what is sent, and what the replies mean.

use serde_json::{Value, json};

use super::super::Gemini;
use super::super::generation::camel;
use super::streams::{collect, sse};
use super::{map, target};
use crate::error::Error;
use crate::hub::{ChatRequest, ChatResponse};
use crate::json::Map;
use crate::wires::{HttpReply, Memo, Wire};

/// Keywords that never reach a wire.
const CONTROL: &[&str] =
    &["model", "api_base", "api_key", "drop_params", "extra_headers", "metadata", "timeout", "max_retries"];

/// Cases whose golden result we mean to differ from.
const DIFFERENT: &[&str] = &[
    // STR-14: an end without a finish reason is an error.
    "gemini/stream/no-terminator",
];

fn cases() -> Vec<Map> {
    let text = include_str!("../../../../tests/parity/cases/gemini.json");
    let file: Value = serde_json::from_str(text).unwrap();
    file["cases"].as_array().unwrap().iter().map(|case| map(case.clone())).collect()
}

/// Names of fields by Google's first spelling, without nulls.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (camel(key), normal(value)))
            .collect::<Map>()
            .into(),
        Value::Array(items) => items.iter().map(normal).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

#[test]
fn requests_are_as_recorded() {
    let mut seen = 0;
    for case in cases() {
        let id = case["id"].as_str().unwrap();
        let calls = case["calls"].as_array().unwrap();
        let kwargs = map(calls[0]["kwargs"].clone());
        let simple = calls.len() == 1 && calls[0]["function"] == "completion";
        let Some(golden) = case["golden"].get("requests").and_then(|requests| requests.get(0)) else {
            continue;
        };
        if !simple || kwargs.values().any(|value| value.to_string().contains("$pydantic")) {
            continue;
        }
        let target = target(kwargs["model"].as_str().unwrap().trim_start_matches("gemini/"));
        let kept = kwargs.into_iter().filter(|(key, _)| !CONTROL.contains(&key.as_str()));
        let request = ChatRequest::from_map(kept.collect()).unwrap();
        let call = Gemini.encode(&request, &target).unwrap().call;
        let sent: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(normal(&sent), normal(&golden["body"]), "{id}");
        let path = format!("https://example.com/v1beta{}", golden["path"].as_str().unwrap());
        let query = if request.stream { "?alt=sse" } else { "" };
        assert_eq!(call.url, path + query, "{id}");
        seen += 1;
    }
    assert!(seen > 70, "{seen}");
}

fn result(id: &str, reply: &Value) -> Result<ChatResponse, Error> {
    if let Some(events) = reply["sse"].as_array() {
        return collect(&sse(events), Memo::default());
    }
    let body = reply.get("json").map_or_else(
        || reply["text"].as_str().unwrap_or_default().as_bytes().to_vec(),
        |json| json.to_string().into_bytes(),
    );
    let status = reply["status"].as_u64().map_or(200, |status| u16::try_from(status).unwrap());
    let target = target("gemini-2.5-flash");
    if status >= 400 {
        let facts = Gemini.error_facts(status, &body);
        let kind = Gemini.classify(&facts, &target);
        return Err(facts.into_error(kind));
    }
    let reply = HttpReply { status, headers: http::HeaderMap::new(), body: body.into() };
    let decoded = Gemini.decode(&reply, &Memo::default(), &target);
    assert!(decoded.is_ok() || id.contains("/error/"), "{id}: {decoded:?}");
    decoded
}

#[test]
fn replies_are_understood_as_recorded() {
    let mut seen = 0;
    for case in cases() {
        let id = case["id"].as_str().unwrap();
        let kind = case["kind"].as_str().unwrap();
        let calls = case["calls"].as_array().unwrap();
        let golden = &case["golden"]["result"];
        let scripted = &case["server"].as_array().unwrap()[0];
        let ours = matches!(kind, "chat" | "stream" | "params" | "error") && calls.len() == 1;
        let refused = case["golden"]["requests"].as_array().is_none_or(Vec::is_empty);
        if !ours || refused || calls[0]["function"] != "completion" || scripted["end"] == "cut" {
            continue;
        }
        seen += 1;
        if DIFFERENT.contains(&id) {
            continue;
        }
        match (result(id, scripted), golden["error"].as_object()) {
            (Ok(response), None) if golden["kind"] == "stream" => stream_is(id, &response, &golden["chunks"]),
            (Ok(response), None) => response_is(id, &response, &golden["value"]),
            (Err(error), Some(golden)) => error_is(id, &error, golden, case.get("allow")),
            (got, golden) => panic!("{id}: {got:?}, wanted {golden:?}"),
        }
    }
    assert!(seen > 75, "{seen}");
}

fn error_is(id: &str, error: &Error, golden: &Map, allow: Option<&Value>) {
    let allowed = allow.map(Value::to_string).unwrap_or_default();
    let class = golden["class"].as_str().unwrap();
    let wrapped = class == "MidStreamFallbackError";
    if !allowed.contains("\"error.class\",\"why\"") && !wrapped {
        let ours = error.kind().class_name();
        assert!(ours == class || allowed.contains(ours), "{id}: {ours}, wanted {class}");
    }
    if !allowed.contains("error.status_code") {
        assert_eq!(json!(error.status()), golden["status_code"], "{id}");
    }
    for needle in golden.get("needles").and_then(Value::as_array).into_iter().flatten() {
        assert!(error.message().contains(needle.as_str().unwrap()), "{id}: {error}");
    }
}

fn response_is(id: &str, response: &ChatResponse, golden: &Value) {
    assert_eq!(json!(response.model), golden["model"], "{id}");
    if !golden["id"].as_str().unwrap().starts_with("$vol") {
        assert_eq!(json!(response.id), golden["id"], "{id}");
    }
    let choices = golden["choices"].as_array().unwrap();
    assert_eq!(response.choices.len(), choices.len(), "{id}");
    for (choice, golden) in response.choices.iter().zip(choices) {
        let message = &golden["message"];
        assert_eq!(json!(choice.finish_reason.as_str()), golden["finish_reason"], "{id}");
        assert_eq!(
            json!(choice.native_finish_reason),
            golden["provider_specific_fields"]["native_finish_reason"],
            "{id}"
        );
        assert_eq!(json!(choice.message.content), message["content"], "{id}");
        assert_eq!(json!(choice.message.reasoning_content), message["reasoning_content"], "{id}");
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        assert_eq!(choice.message.thinking_blocks, list(&message["thinking_blocks"]), "{id}");
        for (ours, name) in [(&choice.message.images, "images"), (&choice.message.annotations, "annotations")]
        {
            assert_eq!(list(ours.as_ref().unwrap_or(&Value::Null)), list(&message[name]), "{id} {name}");
        }
        let fields = message["provider_specific_fields"].as_object().cloned().unwrap_or_default();
        assert_eq!(choice.message.provider_fields, fields, "{id}");
        calls_are(id, response, &message["tool_calls"]);
    }
    let usage = response.usage.clone().unwrap();
    let mut ours = usage.extra;
    ours.insert("prompt_tokens".into(), usage.prompt_tokens.into());
    ours.insert("completion_tokens".into(), usage.completion_tokens.into());
    ours.insert("total_tokens".into(), usage.total_tokens.into());
    for (name, details) in [
        ("prompt_tokens_details", usage.prompt_tokens_details),
        ("completion_tokens_details", usage.completion_tokens_details),
    ] {
        if let Some(details) = details {
            ours.insert(name.into(), Value::Object(details));
        }
    }
    assert_eq!(Value::Object(ours), golden["usage"], "{id}");
    for (name, value) in &response.extra {
        assert_eq!(value, golden.get(name).unwrap_or(&json!([])), "{id} {name}");
    }
}

fn calls_are(id: &str, response: &ChatResponse, golden: &Value) {
    let golden = golden.as_array().map_or(&[][..], Vec::as_slice);
    let ours = &response.choices[0].message.tool_calls;
    assert_eq!(ours.len(), golden.len(), "{id}");
    for (ours, golden) in ours.iter().zip(golden) {
        let function = &golden["function"];
        assert_eq!(json!(ours.function.name), function["name"], "{id}");
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(parsed(&ours.function.arguments), parsed(function["arguments"].as_str().unwrap()), "{id}");
        if !golden["id"].as_str().unwrap().starts_with("$vol") {
            assert_eq!(json!(ours.id), golden["id"], "{id}");
        }
        assert_eq!(json!(ours.provider_specific_fields), golden["provider_specific_fields"], "{id}");
    }
}

fn stream_is(id: &str, response: &ChatResponse, chunks: &Value) {
    let choices = || chunks.as_array().unwrap().iter().filter_map(|chunk| chunk["choices"].get(0));
    let joined =
        |name: &str| -> String { choices().filter_map(|choice| choice["delta"][name].as_str()).collect() };
    let choice = &response.choices[0];
    assert_eq!(choice.message.content.clone().unwrap_or_default(), joined("content"), "{id}");
    assert_eq!(
        choice.message.reasoning_content.clone().unwrap_or_default(),
        joined("reasoning_content"),
        "{id}"
    );
    let finish = choices().find_map(|choice| choice["finish_reason"].as_str());
    assert_eq!(Some(choice.finish_reason.as_str()), finish, "{id}");
    let calls: Vec<Value> =
        choices().filter_map(|choice| choice["delta"]["tool_calls"].as_array()).flatten().cloned().collect();
    calls_are(id, response, &Value::Array(calls));
    let last = chunks.as_array().unwrap().iter().rev().find_map(|chunk| chunk["usage"].as_object());
    if let Some(golden) = last {
        let usage = response.usage.clone().unwrap();
        assert_eq!(json!(usage.prompt_tokens), golden["prompt_tokens"], "{id}");
        assert_eq!(json!(usage.completion_tokens), golden["completion_tokens"], "{id}");
        assert_eq!(json!(usage.prompt_tokens_details), golden["prompt_tokens_details"], "{id}");
    }
}
