//! Answers: from what a provider says to OpenAI's form (for rankings Cohere's), or to bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{CallResponse, Target};
use crate::json::{Map, cut};
use crate::wires::HttpReply;

/// A reply that has to be JSON.
pub fn json_value(reply: &HttpReply) -> Result<Value> {
    serde_json::from_slice(&reply.body).map_err(|error| unreadable(reply).with_source(error))
}

/// A reply that has to be a JSON object.
pub fn json_object(reply: &HttpReply) -> Result<Map> {
    match json_value(reply)? {
        Value::Object(map) => Ok(map),
        _ => Err(unreadable(reply)),
    }
}

/// A reply that is not what the call answers with.
pub fn unreadable(reply: &HttpReply) -> Error {
    let text = String::from_utf8_lossy(&reply.body);
    Error::unreadable(format!("the reply cannot be read: {}", cut(&text, 500)))
}

/// A reply that is handed on as it came.
pub fn bytes(reply: &HttpReply) -> CallResponse {
    let content_type = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    sound(reply.body.clone(), content_type.unwrap_or("application/octet-stream"))
}

/// Bytes of a type.
pub fn sound(data: impl Into<Bytes>, content_type: &str) -> CallResponse {
    CallResponse::Bytes { content_type: content_type.to_owned(), data: data.into() }
}

/// Vectors in the order of their inputs, and the tokens that these were.
pub fn embeddings(vectors: Vec<Value>, target: &Target, tokens: Option<u64>) -> CallResponse {
    let data: Vec<Value> = vectors
        .into_iter()
        .enumerate()
        .map(|(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector }))
        .collect();
    let mut answer = json!({ "object": "list", "model": target.model, "data": data });
    answer["usage"] = usage(tokens.unwrap_or_default());
    CallResponse::Json(answer)
}

fn usage(tokens: u64) -> Value {
    json!({ "prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens })
}

/// Images: each an object with `url` or `b64_json`.
pub fn images(data: Vec<Value>, usage: Option<Value>) -> CallResponse {
    let usage = usage.map(|usage| ("usage".to_owned(), usage));
    let answer: Map = [("data".to_owned(), Value::Array(data))].into_iter().chain(usage).collect();
    CallResponse::Json(answer.into())
}

/// A ranking; `id` is made up where the provider gives none.
pub fn ranking(id: Option<&str>, results: Vec<Value>, meta: Value) -> CallResponse {
    let id = id.map(|id| ("id".to_owned(), id.into()));
    let said = [("results".to_owned(), Value::Array(results)), ("meta".to_owned(), meta)];
    CallResponse::Json(said.into_iter().chain(id).collect::<Map>().into())
}

/// A transcript: JSON with a `text`, or the text itself.
pub fn transcript(reply: &HttpReply) -> Result<CallResponse> {
    match serde_json::from_slice(&reply.body) {
        Ok(Value::Object(mut map)) if map.contains_key("text") => {
            // A server's own bookkeeping.
            map.retain(|name, _| !name.starts_with("x_"));
            Ok(CallResponse::Json(map.into()))
        }
        Ok(Value::Object(_)) => Err(unreadable(reply)),
        Ok(Value::String(text)) => Ok(CallResponse::Json(json!({ "text": text }))),
        _ => Ok(bytes(reply)),
    }
}

/// Decodes a provider's base64.
pub fn decoded(text: &str, reply: &HttpReply) -> Result<Bytes> {
    STANDARD.decode(text).map(Bytes::from).map_err(|error| unreadable(reply).with_source(error))
}
