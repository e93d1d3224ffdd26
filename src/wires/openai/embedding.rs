//! Embeddings (`/embeddings`).

use serde_json::Value;

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static EMBEDDING: CallWire = CallWire { takes, encode, decode, next: None, errors: ERRORS };

const FORMAT: &str = "encoding_format";
/// Noted when the caller did not ask for base64 and gets numbers.
const PACKED: &str = "packed";

fn takes(parameter: &str, target: &Target) -> bool {
    match parameter {
        // The first models have one length each.
        "dimensions" => !target.accent.openai_models || target.model.contains("text-embedding-3"),
        _ => true,
    }
}

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = calls::named_body(request, target);
    let mut memo = Memo::default();
    if target.call_accent.packed && !body.contains_key(FORMAT) {
        body.insert(FORMAT.to_owned(), "base64".into());
        memo.notes.insert(PACKED.to_owned(), true.into());
    }
    calls::json_call(target.url("/embeddings"), body, request, memo)
}

/// Any server that speaks so: what it leaves out is filled in.
pub fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let mut answer = calls::json_object(reply)?;
    let Some(Value::Array(data)) = answer.get_mut("data") else { return Err(calls::unreadable(reply)) };
    for vector in data.iter_mut().filter_map(|item| item.get_mut("embedding")) {
        match vector {
            Value::String(text) if memo.notes.contains_key(PACKED) => *vector = unpacked(text, reply)?,
            // In a list of its own.
            Value::Array(lists) if lists.len() == 1 && lists[0].is_array() => *vector = lists[0].take(),
            _ => {}
        }
    }
    answer.entry("model").or_insert_with(|| target.model.as_str().into());
    Ok(CallResponse::Json(answer.into()))
}

/// The floats of four bytes that base64 holds, the lowest byte first.
fn unpacked(text: &str, reply: &HttpReply) -> Result<Value> {
    let bytes = calls::decoded(text, reply)?;
    let floats = bytes.chunks_exact(4).filter_map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes));
    Ok(floats.map(f64::from).map(Value::from).collect())
}
