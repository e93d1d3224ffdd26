//! Tests of the wire as a whole: the rules by number, streams at any split.
#![expect(clippy::needless_pass_by_value, reason = "tests pass `json!` values")]

mod prompts;
mod replies;
mod requests;
mod streams;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{OllamaChat, OllamaGenerate};
use crate::error::Error;
use crate::hub::{Accent, ChatRequest, ChatResponse, ModelFacts, Options, Target};
use crate::json::Map;
use crate::wires::{HttpReply, Memo, Prepared, StreamWire, WireId};

/// The two doors, by what they are called as providers.
pub fn wire(provider: &str) -> &'static dyn StreamWire {
    if provider == "ollama" { &OllamaGenerate } else { &OllamaChat }
}

pub fn target(provider: &str) -> Target {
    Target {
        provider: provider.into(),
        error_prefix: "OllamaException".into(),
        wire: if provider == "ollama" { WireId::OllamaGenerate } else { WireId::OllamaChat },
        model: "llama3.1".to_owned(),
        base: "http://localhost:11434".into(),
        path: None,
        stream_path: None,
        vars: std::collections::BTreeMap::default(),
        facts: Arc::new(ModelFacts::default()),
        accent: Arc::new(Accent::default()),
        call_type: crate::hub::CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

pub fn request(value: Value) -> ChatRequest {
    let Value::Object(mut map) = value else { panic!("not an object: {value}") };
    map.entry("messages").or_insert_with(|| json!([{"role": "user", "content": "hi"}]));
    ChatRequest::from_map(map).unwrap()
}

pub fn encode(provider: &str, value: Value) -> Result<Prepared, Error> {
    wire(provider).encode(&request(value), &target(provider))
}

/// The body that is sent.
pub fn sent(provider: &str, value: Value) -> Map {
    let call = encode(provider, value).unwrap().call;
    match serde_json::from_slice(&call.body).unwrap() {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

pub fn decode(provider: &str, memo: &Memo, body: Value) -> Result<ChatResponse, Error> {
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.to_string().into() };
    wire(provider).decode(&reply, memo, &target(provider))
}

/// A whole reply of `/api/chat`.
pub fn chat_reply(message: Value, done_reason: &str) -> Value {
    json!({"model": "m", "message": message, "done": true, "done_reason": done_reason,
        "prompt_eval_count": 11, "eval_count": 6})
}

/// A whole reply of `/api/generate`.
pub fn generate_reply(response: &str, done_reason: &str) -> Value {
    json!({"model": "m", "response": response, "done": true, "done_reason": done_reason,
        "prompt_eval_count": 11, "eval_count": 6})
}

pub fn tool() -> Value {
    json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}})
}

/// What was remembered of a request with a tool.
pub fn memo_with_tools() -> Memo {
    encode("ollama", json!({"tools": [tool()]})).unwrap().memo
}
