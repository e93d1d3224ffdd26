//! Tests of the wire as a whole: the rules by number, streams at any split.
#![expect(clippy::needless_pass_by_value, reason = "tests pass `json!` values")]

mod replies;
mod requests;
mod streams;

use std::sync::Arc;

use serde_json::{Value, json};

use super::Cohere;
use crate::error::Error;
use crate::hub::{ChatRequest, ChatResponse, ModelFacts, Options, Target};
use crate::json::Map;
use crate::wires::{HttpReply, Memo, Wire, WireId};

pub fn target() -> Target {
    Target {
        provider: "cohere_chat".into(),
        error_prefix: "Cohere_chatException".into(),
        wire: WireId::Cohere,
        model: "command-a".to_owned(),
        base: "https://example.com".into(),
        path: None,
        stream_path: None,
        vars: std::collections::BTreeMap::default(),
        facts: Arc::new(ModelFacts::default()),
        accent: Arc::default(),
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

/// The body that is sent.
pub fn sent(value: Value) -> Map {
    let call = Cohere.encode(&request(value), &target()).unwrap().call;
    match serde_json::from_slice(&call.body).unwrap() {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

pub fn decode(body: Value) -> Result<ChatResponse, Error> {
    decode_text(&body.to_string())
}

pub fn decode_text(body: &str) -> Result<ChatResponse, Error> {
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.to_owned().into() };
    Cohere.decode(&reply, &Memo::default(), &target())
}

/// A reply with this message.
pub fn reply(message: Value, finish_reason: &str) -> Value {
    json!({"id": "c1", "finish_reason": finish_reason, "message": message,
        "usage": {"billed_units": {"input_tokens": 8, "output_tokens": 5},
                  "tokens": {"input_tokens": 11, "output_tokens": 6}}})
}
