//! Embeddings (`batchEmbedContents`).

use serde_json::{Value, json};

use super::ERRORS;
use super::calls_url;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::tokens;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static EMBEDDING: CallWire =
    CallWire { takes: |parameter, _| parameter != "user", encode, decode, next: None, errors: ERRORS };

/// Notes what was asked, to estimate its tokens: the answer does not say.
const ASKED: &str = "asked";

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut shared = request.params.clone();
    shared.shift_remove("input");
    // Floats it always answers with.
    shared.shift_remove("encoding_format");
    for (name, other) in [("dimensions", "outputDimensionality"), ("task_type", "taskType")] {
        if let Some(value) = shared.shift_remove(name) {
            shared.entry(other).or_insert(value);
        }
    }
    let inputs = calls::inputs(request);
    let asked: u64 = inputs.iter().filter_map(Value::as_str).map(tokens::count).sum();
    let requests: Vec<Value> = inputs
        .iter()
        .map(|input| {
            let mut one = Map::new();
            one.insert("model".to_owned(), format!("models/{}", target.model).into());
            one.insert("content".to_owned(), json!({ "parts": [part(input)] }));
            one.extend(shared.clone());
            Value::Object(one)
        })
        .collect();
    let mut body = Map::new();
    body.insert("requests".to_owned(), requests.into());
    let mut memo = Memo::default();
    memo.notes.insert(ASKED.to_owned(), asked.into());
    calls::json_call(calls_url(target, "batchEmbedContents"), body, request, memo)
}

fn part(input: &Value) -> Value {
    match input.as_str() {
        Some(text) => match text.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
            Some((kind, data)) => json!({ "inlineData": { "mimeType": kind, "data": data } }),
            None => json!({ "text": text }),
        },
        None => input.clone(),
    }
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(found)) = answer.get("embeddings") else { return Err(calls::unreadable(reply)) };
    let vectors = found.iter().map(|one| one.get("values").cloned().unwrap_or_default()).collect();
    let counted = answer.get("usageMetadata").and_then(|usage| usage.get("promptTokenCount"));
    let tokens = counted.or_else(|| memo.notes.get(ASKED)).and_then(Value::as_u64);
    Ok(calls::embeddings(vectors, target, tokens))
}
