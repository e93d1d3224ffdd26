//! Voyage's embeddings: of texts, of chunks that know their document, and of texts with images.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};

pub static EMBEDDING: CallWire = CallWire { takes, encode, decode, next: None, errors: openai::ERRORS };

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Contextual,
    Multimodal,
}

impl Kind {
    fn of(target: &Target) -> Self {
        if target.model.contains("-context") {
            Self::Contextual
        } else if target.model.contains("multimodal") {
            Self::Multimodal
        } else {
            Self::Text
        }
    }
}

fn takes(parameter: &str, target: &Target) -> bool {
    match parameter {
        "user" => false,
        "encoding_format" => Kind::of(target) != Kind::Multimodal,
        _ => true,
    }
}

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = calls::named_body(request, target);
    if let Some(length) = body.shift_remove("dimensions") {
        body.entry("output_dimension").or_insert(length);
    }
    let path = match Kind::of(target) {
        Kind::Text => "/embeddings",
        Kind::Contextual => {
            body.shift_remove("input");
            body.insert("inputs".to_owned(), calls::inputs(request).into());
            "/contextualizedembeddings"
        }
        Kind::Multimodal => {
            body.shift_remove("input");
            body.insert("inputs".to_owned(), calls::inputs(request).into_iter().map(content).collect());
            "/multimodalembeddings"
        }
    };
    calls::json_call(target.url(path), body, request, Memo::default())
}

/// A text or an image as content; content stays what it is.
fn content(input: Value) -> Value {
    match input {
        Value::String(text) if text.starts_with("data:") => {
            json!({ "content": [{ "type": "image_base64", "image_base64": text }] })
        }
        Value::String(text) => json!({ "content": [{ "type": "text", "text": text }] }),
        other => other,
    }
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let made = (openai::embedding::EMBEDDING.decode)(reply, memo, target)?;
    let CallResponse::Json(mut answer) = made else { return Err(calls::unreadable(reply)) };
    if let Some(Value::Array(data)) = answer.get_mut("data") {
        // Of documents in chunks: a list in a list.
        *data = std::mem::take(data)
            .into_iter()
            .flat_map(|mut item| match item.get_mut("data").map(Value::take) {
                Some(Value::Array(chunks)) => chunks,
                _ => vec![item],
            })
            .collect();
    }
    if let Some(usage) = answer.get_mut("usage").and_then(Value::as_object_mut)
        && let Some(total) = usage.get("total_tokens").cloned()
    {
        usage.entry("prompt_tokens").or_insert(total);
    }
    Ok(CallResponse::Json(answer))
}
