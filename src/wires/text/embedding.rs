//! Embeddings of servers that otherwise take a prompt: Triton's tensors, and SageMaker's endpoints.

use serde_json::{Value, json};

use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared, bedrock, openai};

pub static TRITON: CallWire = CallWire {
    takes: |_, _| false,
    encode: tensors,
    decode: |reply, _, target| rows(reply, target),
    next: None,
    errors: openai::ERRORS,
};

pub static SAGEMAKER: CallWire = CallWire {
    takes: |_, _| false,
    encode: inputs,
    decode: |reply, _, target| vectors(reply, target),
    next: None,
    errors: bedrock::rerank::ERRORS,
};

/// The address is the whole one.
fn tensors(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let inputs = calls::inputs(request);
    let tensor =
        json!({ "name": "input_text", "shape": [inputs.len()], "datatype": "BYTES", "data": inputs });
    let mut body = Map::new();
    body.insert("inputs".to_owned(), json!([tensor]));
    calls::json_call(target.base.clone(), body, request, Memo::default())
}

/// One tensor of as many rows as there were inputs.
fn rows(reply: &HttpReply, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_value(reply)?;
    let output = answer.pointer("/outputs/0").ok_or_else(|| calls::unreadable(reply))?;
    let data = output.get("data").and_then(Value::as_array).ok_or_else(|| calls::unreadable(reply))?;
    let width = output.get("shape").and_then(Value::as_array).and_then(|shape| shape.last()?.as_u64());
    let width = width.and_then(|width| usize::try_from(width).ok()).filter(|width| *width > 0);
    let width = width.ok_or_else(|| calls::unreadable(reply))?;
    Ok(calls::embeddings(data.chunks(width).map(|row| row.to_vec().into()).collect(), target, None))
}

fn inputs(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = request.params.clone();
    body.shift_remove("input");
    body.insert("inputs".to_owned(), calls::inputs(request).into());
    calls::json_call(target.url(""), body, request, Memo::default())
}

fn vectors(reply: &HttpReply, target: &Target) -> Result<CallResponse> {
    let found = match calls::json_value(reply)? {
        Value::Object(mut map) => map.shift_remove("embedding").or_else(|| map.shift_remove("embeddings")),
        list => Some(list),
    };
    match found {
        Some(Value::Array(vectors)) if vectors.iter().all(Value::is_array) => {
            Ok(calls::embeddings(vectors, target, None))
        }
        _ => Err(calls::unreadable(reply)),
    }
}
