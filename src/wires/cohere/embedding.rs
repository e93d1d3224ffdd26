//! Embeddings (`/v2/embed`), and the same format at other providers.

use serde_json::{Value, json};

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static EMBEDDING: CallWire = CallWire {
    takes: |parameter, _| parameter != "user",
    encode,
    decode: |reply, _, target| decode(reply, target),
    next: None,
    errors: ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.as_str().into());
    body.extend(self::body(request));
    calls::json_call(target.url("/v2/embed"), body, request, Memo::default())
}

/// The body without the model's name. Images are inputs that are data addresses.
pub fn body(request: &CallRequest) -> Map {
    let mut body = request.params.clone();
    body.shift_remove("input");
    let inputs = calls::inputs(request);
    let are_images = inputs.first().and_then(Value::as_str).is_some_and(|text| text.starts_with("data:"));
    let kind = if are_images { "image" } else { "search_document" };
    body.insert(if are_images { "images" } else { "texts" }.to_owned(), inputs.into());
    body.entry("input_type").or_insert_with(|| kind.into());
    if let Some(length) = body.shift_remove("dimensions") {
        body.entry("output_dimension").or_insert(length);
    }
    if let Some(format) = body.shift_remove("encoding_format") {
        let formats = if format.is_array() { format } else { json!([format]) };
        body.entry("embedding_types").or_insert(formats);
    }
    body
}

pub fn decode(reply: &HttpReply, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let vectors: Vec<Value> = match answer.get("embeddings") {
        Some(Value::Array(vectors)) => vectors.clone(),
        // By type, one after the other.
        Some(Value::Object(types)) => types.values().filter_map(Value::as_array).flatten().cloned().collect(),
        _ => return Err(calls::unreadable(reply)),
    };
    let units = answer.get("meta").and_then(|meta| meta.get("billed_units"));
    let count = |name: &str| units.and_then(|units| units.get(name)).and_then(Value::as_u64);
    let (texts, images) = (count("input_tokens"), count("images"));
    let tokens = texts.unwrap_or_default() + images.unwrap_or_default();
    let CallResponse::Json(mut made) = calls::embeddings(vectors, target, Some(tokens)) else {
        return Err(calls::unreadable(reply));
    };
    let mut details = Map::new();
    for (name, count) in [("text_tokens", texts), ("image_tokens", images)] {
        if let Some(count) = count {
            details.insert(name.to_owned(), count.into());
        }
    }
    if !details.is_empty() {
        made["usage"]["prompt_tokens_details"] = details.into();
    }
    Ok(CallResponse::Json(made))
}
