//! Vertex AI's predictions: embeddings of texts.

use serde_json::Value;

use super::calls::{self, CallWire};
use super::{HttpReply, Memo, Prepared, gemini};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;

pub static EMBEDDING: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "dimensions" | "encoding_format"),
    encode,
    decode,
    next: None,
    errors: gemini::ERRORS,
};

/// What is said of each text; everything else is said once.
const OF_INSTANCES: [&str; 2] = ["task_type", "title"];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut parameters = request.params.clone();
    parameters.shift_remove("input");
    // Floats it always answers with.
    parameters.shift_remove("encoding_format");
    if let Some(length) = parameters.shift_remove("dimensions") {
        parameters.entry("outputDimensionality").or_insert(length);
    }
    if let Some(kind) = parameters.shift_remove("input_type") {
        parameters.entry("task_type").or_insert(kind);
    }
    let said: Vec<(String, Value)> = OF_INSTANCES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), parameters.shift_remove(name)?)))
        .collect();
    let instances: Vec<Value> = calls::inputs(request)
        .into_iter()
        .map(|input| {
            let mut instance = match input {
                Value::Object(instance) => instance,
                text => Map::from_iter([("content".to_owned(), text)]),
            };
            instance.extend(said.iter().cloned());
            Value::Object(instance)
        })
        .collect();
    let mut body = Map::new();
    body.insert("instances".to_owned(), instances.into());
    body.insert("parameters".to_owned(), parameters.into());
    calls::json_call(target.url(""), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(found)) = answer.get("predictions") else { return Err(calls::unreadable(reply)) };
    let mut tokens = 0;
    let vectors = found
        .iter()
        .map(|one| {
            let count = one.pointer("/embeddings/statistics/token_count").and_then(Value::as_f64);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let count = count.unwrap_or_default().max(0.0) as u64;
            tokens += count;
            // Of an image, or of a text among images.
            let many = ["textEmbedding", "imageEmbedding"].into_iter().find_map(|name| one.get(name));
            one.pointer("/embeddings/values").or(many).cloned().unwrap_or_default()
        })
        .collect();
    Ok(calls::embeddings(vectors, target, Some(tokens)))
}
