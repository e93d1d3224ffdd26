//! Embeddings (`/api/embed`).

use serde_json::Value;

use super::errors;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire, Errors};
use crate::wires::{ErrorFacts, HttpReply, Memo, Prepared};

pub const ERRORS: Errors =
    Errors { facts: ErrorFacts::whole_body, classify: |facts, _| errors::classify(facts) };

pub static EMBEDDING: CallWire =
    CallWire { takes: |parameter, _| parameter == "dimensions", encode, decode, next: None, errors: ERRORS };

/// What is no option of the model.
const OUTSIDE: [&str; 4] = ["dimensions", "keep_alive", "options", "truncate"];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.as_str().into());
    body.insert("input".to_owned(), calls::inputs(request).into());
    let mut options = Map::new();
    for (name, value) in &request.params {
        if name != "input" {
            let place = if OUTSIDE.contains(&name.as_str()) { &mut body } else { &mut options };
            place.insert(name.clone(), value.clone());
        }
    }
    if !options.is_empty() {
        match body.get_mut("options") {
            Some(Value::Object(given)) => given.extend(options),
            _ => {
                body.insert("options".to_owned(), options.into());
            }
        }
    }
    calls::json_call(target.url("/api/embed"), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let mut answer = calls::json_object(reply)?;
    let Some(Value::Array(vectors)) = answer.shift_remove("embeddings") else {
        return Err(calls::unreadable(reply));
    };
    let tokens = answer.get("prompt_eval_count").and_then(Value::as_u64);
    let named = Target { model: format!("{}/{}", target.provider, target.model), ..target.clone() };
    Ok(calls::embeddings(vectors, &named, tokens))
}
