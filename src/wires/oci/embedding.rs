//! Embeddings (`embedText`).

use serde_json::{Value, json};

use super::request::{compartment, serving_mode};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared, openai};

pub static EMBEDDING: CallWire = CallWire {
    takes: |parameter, _| parameter == "dimensions",
    encode,
    decode,
    next: None,
    errors: openai::ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = Map::new();
    body.insert("compartmentId".to_owned(), compartment(target)?.into());
    body.insert("servingMode".to_owned(), serving_mode(target));
    body.insert("inputs".to_owned(), json!(calls::inputs(request)));
    for (name, value) in &request.params {
        let name = match name.as_str() {
            "input" => continue,
            "dimensions" => "outputDimensions",
            "input_type" => "inputType",
            other => other,
        };
        body.insert(name.to_owned(), value.clone());
    }
    calls::json_call(target.url("/20231130/actions/embedText"), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let mut answer = calls::json_object(reply)?;
    let tokens = answer.get("usage").and_then(|usage| usage.get("promptTokens")).and_then(Value::as_u64);
    match answer.shift_remove("embeddings") {
        Some(Value::Array(vectors)) => Ok(calls::embeddings(vectors, target, tokens)),
        _ => Err(calls::unreadable(reply)),
    }
}
