//! Hugging Face's inference: features of texts, and rankings by text-embeddings-inference.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;

pub static EMBEDDING: CallWire =
    CallWire { takes: |_, _| false, encode, decode, next: None, errors: openai::ERRORS };

pub static RERANK: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "top_n" | "return_documents"),
    encode: encode_rerank,
    decode: decode_rerank,
    next: None,
    errors: openai::ERRORS,
};

/// Where a server of the caller's is asked: its whole address is the base.
fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut inputs = calls::inputs(request);
    let mut body = Map::new();
    let task = request.params.get("input_type").and_then(Value::as_str);
    let inputs = if task == Some("sentence-similarity") {
        if inputs.len() < 2 {
            return Err(Error::bad_request("A similarity needs a text and at least one other to compare.")
                .with_param("input"));
        }
        let first = inputs.remove(0);
        json!({ "source_sentence": first, "sentences": inputs })
    } else {
        inputs.into()
    };
    body.insert("inputs".to_owned(), inputs);
    let mut options = Map::new();
    let mut parameters = Map::new();
    for (name, value) in &request.params {
        match name.as_str() {
            "input" | "input_type" => {}
            "use_cache" | "wait_for_model" => {
                options.insert(name.clone(), value.clone());
            }
            _ => {
                parameters.insert(name.clone(), value.clone());
            }
        }
    }
    for (name, part) in [("options", options), ("parameters", parameters)] {
        if !part.is_empty() {
            body.insert(name.to_owned(), part.into());
        }
    }
    calls::json_call(target.url(""), body, request, Memo::default())
}

/// A list of vectors, of scores, or of vectors for every token (the first of them stands for the text).
fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let found = match calls::json_value(reply)? {
        Value::Array(items) => items,
        Value::Object(mut map) => match map.shift_remove("embeddings") {
            Some(Value::Array(items)) => items,
            _ => return Err(calls::unreadable(reply)),
        },
        _ => return Err(calls::unreadable(reply)),
    };
    let vectors = found
        .into_iter()
        .map(|vector| {
            let mut vector = vector;
            while vector.get(0).is_some_and(Value::is_array) {
                vector = vector[0].take();
            }
            vector
        })
        .collect();
    Ok(calls::embeddings(vectors, target, None))
}

fn encode_rerank(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = Map::new();
    body.insert("raw_scores".to_owned(), false.into());
    body.insert("truncation_direction".to_owned(), "Right".into());
    body.extend(request.params.clone());
    let returned = body.shift_remove("return_documents");
    body.shift_remove("documents");
    body.insert("texts".to_owned(), calls::documents(request).into());
    body.insert("return_text".to_owned(), returned.unwrap_or(Value::Bool(true)));
    calls::json_call(target.url("/rerank"), body, request, Memo::default())
}

fn decode_rerank(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let Value::Array(found) = calls::json_value(reply)? else { return Err(calls::unreadable(reply)) };
    let results = found
        .iter()
        .map(|one| {
            let mut result = json!({ "index": one.get("index"), "relevance_score": one.get("score") });
            if let Some(text) = one.get("text").filter(|text| text.is_string()) {
                result["document"] = json!({ "text": text });
            }
            result
        })
        .collect();
    Ok(calls::ranking(None, results, json!({ "billed_units": { "search_units": 1 }, "tokens": {} })))
}
