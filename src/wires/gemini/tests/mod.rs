//! Tests of the wire as a whole: the rules by number, streams at any split, the recorded cases.
#![expect(clippy::needless_pass_by_value, reason = "tests pass `json!` values")]

mod cases;
mod elsewhere;
mod replies;
mod requests;
mod streams;

use std::sync::Arc;

use serde_json::Value;

use crate::hub::{ChatRequest, Options, Params, Target};
use crate::json::Map;
use crate::models;
use crate::wires::WireId;

pub fn target(model: &str) -> Target {
    Target {
        provider: "gemini".into(),
        error_prefix: "GeminiException".into(),
        wire: WireId::Gemini,
        model: model.to_owned(),
        base: "https://example.com/v1beta".into(),
        path: None,
        stream_path: None,
        vars: std::collections::BTreeMap::default(),
        facts: models::facts("gemini", model),
        accent: Arc::default(),
        call_type: crate::hub::CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

fn map(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

pub fn request(value: Value) -> ChatRequest {
    let mut map = map(value);
    map.entry("messages").or_insert_with(|| serde_json::json!([{"role": "user", "content": "hi"}]));
    ChatRequest::from_map(map).unwrap()
}

pub fn params(value: Value) -> Params {
    request(value).params
}
