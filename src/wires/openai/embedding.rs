//! Embeddings (`/embeddings`).

use serde_json::Value;

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static EMBEDDING: CallWire = CallWire { takes, encode, decode, follow_up: None, errors: ERRORS };

fn takes(parameter: &str, target: &Target) -> bool {
    match parameter {
        // The first models have one length each.
        "dimensions" => !target.accent.openai_models || target.model.contains("text-embedding-3"),
        _ => true,
    }
}

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let body = calls::named_body(request, target);
    calls::json_call(target.url("/embeddings"), body, request, Memo::default())
}

/// Any server that speaks so: what it leaves out is filled in.
pub fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let mut answer = calls::json_object(reply)?;
    if !answer.get("data").is_some_and(Value::is_array) {
        return Err(calls::unreadable(reply));
    }
    answer.entry("model").or_insert_with(|| target.model.as_str().into());
    Ok(CallResponse::Json(answer.into()))
}
