//! Each rule by its id, in the order of the list. Rules that belong elsewhere are in `RULES-LATER.md`.

mod answers;
mod conversation;
mod failures;
mod hosted;
mod media;
mod streams;
mod structured;
mod thinking;
mod tools;

use std::sync::Arc;

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::hub::{Accent, Chat, ChatRequest, ChatResponse, Options, Target};
use crate::models;
use crate::wires::anthropic::Anthropic;
use crate::wires::{HttpCall, HttpReply, Memo, Prepared, Wire, WireId};

/// A model that thinks within a budget and takes JSON schemas.
const SONNET: &str = "claude-sonnet-4-5";
/// A model that thinks adaptively and takes late system messages.
const OPUS: &str = "claude-opus-5";
/// An unlisted model: thinks within a budget, takes no schema.
const OLD: &str = "claude-3-7-sonnet";

fn target(model: &str) -> Target {
    Target {
        provider: "anthropic".into(),
        error_prefix: "AnthropicException".into(),
        wire: WireId::Anthropic,
        model: model.into(),
        base: "https://api.anthropic.com".into(),
        path: None,
        stream_path: None,
        vars: std::collections::BTreeMap::default(),
        facts: models::facts("anthropic", model),
        accent: Arc::new(Accent::default()),
        call_type: crate::hub::CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

fn dropping(model: &str) -> Target {
    Target { options: Options { drop_params: true, ..Options::default() }, ..target(model) }
}

fn repairing(model: &str) -> Target {
    Target { options: Options { modify_params: true, ..Options::default() }, ..target(model) }
}

fn request(keywords: Value) -> ChatRequest {
    let Value::Object(keywords) = keywords else { panic!("keywords are an object") };
    ChatRequest::from_map(keywords).unwrap()
}

fn prepare(target: &Target, keywords: Value) -> Result<Prepared> {
    Wire::<Chat>::encode(&Anthropic, &request(keywords), target)
}

fn call(target: &Target, keywords: Value) -> HttpCall {
    prepare(target, keywords).unwrap().call
}

fn body(target: &Target, keywords: Value) -> Value {
    serde_json::from_slice(&call(target, keywords).body).unwrap()
}

/// The turns of a conversation for a model.
fn turns(target: &Target, messages: Value) -> Value {
    body(target, serde_json::json!({"messages": messages}))["messages"].clone()
}

fn refused(target: &Target, keywords: Value) -> Error {
    prepare(target, keywords).map(|_| ()).unwrap_err()
}

fn reply(body: &Value) -> HttpReply {
    HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.to_string().into() }
}

fn decode(body: &Value) -> ChatResponse {
    decode_with(body, &Memo::default())
}

fn decode_with(body: &Value, memo: &Memo) -> ChatResponse {
    Wire::<Chat>::decode(&Anthropic, &reply(body), memo, &target(SONNET)).unwrap()
}

/// A whole answer with these blocks.
fn answer(content: Value) -> Value {
    serde_json::json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": content, "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 11, "output_tokens": 5},
    })
}

/// The value with each of its parts in turn replaced by something else, or gone.
fn distortions(value: &Value) -> Vec<Value> {
    let others = [Value::Null, 5.into(), "x".into(), serde_json::json!([]), serde_json::json!({})];
    let mut all = others.to_vec();
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut without = map.clone();
                without.shift_remove(key);
                all.push(Value::Object(without));
                for other in distortions(inner) {
                    let mut changed = map.clone();
                    changed.insert(key.clone(), other);
                    all.push(Value::Object(changed));
                }
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                for other in distortions(inner) {
                    let mut changed = items.clone();
                    changed[at] = other;
                    all.push(changed.into());
                }
            }
        }
        _ => {}
    }
    all
}

fn user(content: impl Into<Value>) -> Value {
    serde_json::json!({"role": "user", "content": content.into()})
}

fn text(text: &str) -> Value {
    serde_json::json!({"type": "text", "text": text})
}

#[test]
fn gen_01_what_the_wire_takes() {
    let takes = |name: &str, model: &str| Wire::<Chat>::supports(&Anthropic, name, &target(model));
    for name in ["tools", "stop", "user", "response_format", "web_search_options", "stream_options"] {
        assert!(takes(name, SONNET), "{name}");
    }
    for name in ["n", "seed", "logit_bias", "functions", "frequency_penalty", "verbosity"] {
        assert!(!takes(name, SONNET), "{name}");
    }
    assert!(takes("reasoning_effort", SONNET) && takes("thinking", OLD));
    assert!(!takes("reasoning_effort", "claude-3-5-haiku-20241022"));
}

#[test]
fn ant_28_headers_and_address() {
    let call = call(&target(SONNET), serde_json::json!({"messages": [user("q")]}));
    assert_eq!(call.url, "https://api.anthropic.com/v1/messages");
    assert_eq!(call.headers["anthropic-version"], "2023-06-01");
    assert_eq!(call.headers["content-type"], "application/json");
    assert!(!call.headers.contains_key("anthropic-beta"));
    assert!(!call.headers.contains_key("x-api-key"));
    let whole = Target { base: "https://proxy.example/v1/messages".into(), ..target(SONNET) };
    let call = super::tests::call(&whole, serde_json::json!({"messages": [user("q")]}));
    assert_eq!(call.url, "https://proxy.example/v1/messages");
}

#[test]
fn ant_28_each_feature_asks_for_its_beta() {
    let beta = |keywords: Value| {
        let mut all = serde_json::json!({"messages": [user("q")]});
        all.as_object_mut().unwrap().extend(keywords.as_object().unwrap().clone());
        let call = call(&target(SONNET), all);
        call.headers.get("anthropic-beta").map(|value| value.to_str().unwrap().to_owned())
    };
    let tool = |kind: &str| serde_json::json!({"tools": [{"type": kind, "name": "x"}]});
    assert_eq!(beta(tool("bash_20250124")), None);
    assert_eq!(beta(tool("computer_20251124")).as_deref(), Some("computer-use-2025-11-24"));
    assert_eq!(beta(tool("computer_")), None);
    assert_eq!(beta(tool("memory_20250818")).as_deref(), Some("context-management-2025-06-27"));
    assert_eq!(beta(tool("web_fetch_20250910")).as_deref(), Some("web-fetch-2025-09-10"));
    assert_eq!(beta(tool("code_execution_20250825")).as_deref(), Some("code-execution-2025-08-25"));
    let edits = serde_json::json!({"context_management": {"edits": [
        {"type": "clear_tool_uses_20250919"}, {"type": "compact_20260112"}]}});
    assert_eq!(beta(edits).as_deref(), Some("compact-2026-01-12,context-management-2025-06-27"));
    let effort = serde_json::json!({"output_config": {"effort": "low"}});
    assert_eq!(beta(effort).as_deref(), Some("effort-2025-11-24"));
    assert_eq!(beta(serde_json::json!({"betas": ["mine-1"]})).as_deref(), Some("mine-1"));
}

#[test]
fn gen_06_extra_body_has_the_last_word() {
    let body = body(
        &target(SONNET),
        serde_json::json!({"messages": [user("q")], "max_tokens": 5, "custom": 1, "extra_body": {"max_tokens": 7, "custom": 2}}),
    );
    assert_eq!((&body["max_tokens"], &body["custom"]), (&7.into(), &2.into()));
}

#[test]
fn ant_01_a_limit_is_always_sent() {
    let limit = |keywords: Value| body(&target(SONNET), keywords)["max_tokens"].clone();
    let ask = |key: &str, value: Value| serde_json::json!({"messages": [user("q")], key: value});
    assert_eq!(limit(serde_json::json!({"messages": [user("q")]})), 64000);
    assert_eq!(
        body(&target("unheard-of"), serde_json::json!({"messages": [user("q")]}))["max_tokens"],
        128_000
    );
    assert_eq!(limit(ask("max_tokens", 3.into())), 3);
    assert_eq!(limit(ask("max_tokens", 10.6.into())), 11);
    assert_eq!(limit(ask("max_tokens", 0.4.into())), 1);
    assert_eq!(refused(&target(SONNET), ask("max_tokens", "12".into())).kind(), Kind::BadRequest);
}

#[test]
fn gen_03_max_completion_tokens_wins() {
    let keywords = serde_json::json!({"messages": [user("q")], "max_tokens": 5, "max_completion_tokens": 7});
    assert_eq!(body(&target(SONNET), keywords)["max_tokens"], 7);
}

#[test]
fn ant_22_sampling_parameters_pass_a_gate() {
    let ask = |key: &str, value: Value| serde_json::json!({"messages": [user("q")], key: value});
    assert_eq!(body(&target(SONNET), ask("temperature", 0.5.into()))["temperature"], 0.5);
    assert_eq!(body(&target(OPUS), ask("temperature", 1.into()))["temperature"], 1);
    for (key, value) in [("temperature", 0.5), ("top_p", 0.9), ("top_k", 5.0)] {
        let error = refused(&target(OPUS), ask(key, value.into()));
        assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::UnsupportedParams, Some(key)));
        assert!(body(&dropping(OPUS), ask(key, value.into())).get(key).is_none(), "{key}");
    }
}

#[test]
fn ant_23_stop_sequences() {
    let ask = |stop: Value| serde_json::json!({"messages": [user("q")], "stop": stop});
    assert_eq!(body(&target(SONNET), ask("X".into()))["stop_sequences"], serde_json::json!(["X"]));
    let blanks = serde_json::json!(["X", " ", ""]);
    assert_eq!(body(&target(SONNET), ask(blanks.clone()))["stop_sequences"], blanks);
    assert_eq!(body(&dropping(SONNET), ask(blanks))["stop_sequences"], serde_json::json!(["X"]));
    assert!(body(&dropping(SONNET), ask(" ".into())).get("stop_sequences").is_none());
    assert_eq!(refused(&target(SONNET), ask(5.into())).facts().param.as_deref(), Some("stop"));
}

#[test]
fn ant_20_a_refused_signature_leaves_replayed_thinking_out_once() {
    use crate::wires::Wire as _;
    let thinking = serde_json::json!([{"type": "thinking", "thinking": "t", "signature": "s"}]);
    let map = serde_json::json!({"messages": [user("q"),
        {"role": "assistant", "content": "a", "thinking_blocks": thinking}, user("and?")]});
    let Value::Object(map) = map else { unreachable!() };
    let request = crate::hub::ChatRequest::from_map(map).unwrap();
    let facts = |status: u16, words: &str| {
        let body = serde_json::json!({"type": "error", "error": {"type": "invalid_request_error", "message": words}});
        super::Anthropic.error_facts(status, body.to_string().as_bytes())
    };
    let refused = facts(400, "messages.1.content.0: Invalid `signature` in `thinking` block");
    let repaired = super::Anthropic.repaired(&request, &refused).expect("another request is offered");
    assert!(repaired.messages.iter().all(|message| message.thinking_blocks.is_empty()));
    assert!(super::Anthropic.repaired(&repaired, &refused).is_none(), "never twice");
    assert!(super::Anthropic.repaired(&request, &facts(400, "something else")).is_none());
    assert!(
        super::Anthropic.repaired(&request, &facts(529, "Invalid signature in thinking block")).is_none()
    );
}

#[test]
fn ant_24_a_user_id_is_no_address_and_no_phone_number() {
    let metadata = |user_id: &str| {
        body(&target(SONNET), serde_json::json!({"messages": [user("q")], "user": user_id}))
            .get("metadata")
            .cloned()
    };
    for private in ["ada@example.com", "+1 (555) 123-4567", "5551234567"] {
        assert_eq!(metadata(private), None, "{private}");
    }
    for id in ["u-1", "12345", "user_5551234567", "a@b.c", "550e8400-e29b-41d4-a716-446655440000"] {
        assert_eq!(metadata(id), Some(serde_json::json!({"user_id": id})), "{id}");
    }
    let keywords = serde_json::json!({"messages": [user("q")], "metadata": {"user_id": "u", "trace": "t"}});
    assert_eq!(body(&target(SONNET), keywords)["metadata"], serde_json::json!({"user_id": "u"}));
}

#[test]
fn ant_30_context_management_in_both_shapes() {
    let ask = |value: Value| {
        body(&target(SONNET), serde_json::json!({"messages": [user("q")], "context_management": value}))
            .get("context_management")
            .cloned()
    };
    let own = serde_json::json!({"edits": [{"type": "clear_thinking_20251015"}]});
    assert_eq!(ask(own.clone()), Some(own));
    assert_eq!(
        ask(serde_json::json!([{"type": "compaction", "compact_threshold": 200_000}])),
        Some(serde_json::json!({"edits": [
            {"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 200_000}}]}))
    );
    assert_eq!(ask(serde_json::json!([{"type": "other"}])), None);
}
