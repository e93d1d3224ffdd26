//! Embeddings, rankings and transcriptions of watsonx.

use serde_json::{Value, json};

use super::errors;
use super::request::{VERSION, place, url};
use crate::error::Result;
use crate::hub::{Call, CallRequest, CallResponse, CallType, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire, Errors};
use crate::wires::{HttpReply, Memo, Prepared, Wire};

const ERRORS: Errors = Errors { facts: errors::facts, classify: |facts, _| errors::classify(facts) };

static EMBEDDING: CallWire =
    CallWire { takes: |_, _| false, encode: embedding, decode: vectors, next: None, errors: ERRORS };

static RERANK: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "max_tokens_per_doc" | "return_documents" | "top_n"),
    encode: rerank,
    decode: |reply, _, _| ranking(reply),
    next: None,
    errors: ERRORS,
};

static TRANSCRIPTION: CallWire = CallWire {
    takes: |_, _| true,
    encode: transcription,
    decode: |reply, _, _| calls::transcript(reply),
    next: None,
    errors: ERRORS,
};

pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&EMBEDDING),
        CallType::Rerank => Some(&RERANK),
        CallType::Transcription => Some(&TRANSCRIPTION),
        _ => None,
    }
}

/// The caller's own parameters beside those that have a place.
fn parameters(request: &CallRequest, placed: &[&str]) -> Map {
    let rest = request.params.iter().filter(|(name, _)| !placed.contains(&name.as_str()));
    rest.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn embedding(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = place(target);
    body.insert("inputs".to_owned(), calls::inputs(request).into());
    body.insert("parameters".to_owned(), parameters(request, &["input"]).into());
    calls::json_call(url(target, "embeddings"), body, request, Memo::default())
}

fn vectors(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(results)) = answer.get("results") else { return Err(calls::unreadable(reply)) };
    let vectors = results.iter().map(|one| one.get("embedding").cloned().unwrap_or_default()).collect();
    let made = calls::embeddings(vectors, target, answer.get("input_token_count").and_then(Value::as_u64));
    // As callers of the reference know it: the answer names no model.
    let CallResponse::Json(Value::Object(mut made)) = made else { return Err(calls::unreadable(reply)) };
    made.shift_remove("model");
    Ok(CallResponse::Json(made.into()))
}

fn rerank(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = place(target);
    let inputs: Vec<Value> = calls::documents(request).iter().map(|text| json!({ "text": text })).collect();
    body.insert("query".to_owned(), calls::text(request, "query")?.into());
    body.insert("inputs".to_owned(), inputs.into());
    let given = |name: &str| request.params.get(name).cloned();
    let mut wanted = Map::new();
    wanted.extend(given("top_n").map(|count| ("top_n".to_owned(), count)));
    wanted.extend(given("return_documents").map(|returned| ("inputs".to_owned(), returned)));
    let placed = ["query", "documents", "top_n", "return_documents", "max_tokens_per_doc"];
    let mut parameters = parameters(request, &placed);
    parameters.extend(given("max_tokens_per_doc").map(|limit| ("truncate_input_tokens".to_owned(), limit)));
    parameters.insert("return_options".to_owned(), wanted.into());
    body.insert("parameters".to_owned(), parameters.into());
    calls::json_call(url(target, "rerank"), body, request, Memo::default())
}

fn ranking(reply: &HttpReply) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(found)) = answer.get("results") else { return Err(calls::unreadable(reply)) };
    let results = found
        .iter()
        .map(|one| {
            let mut result = json!({ "index": one.get("index"), "relevance_score": one.get("score") });
            if let Some(document) = one.get("input").filter(|document| document.is_object()) {
                result["document"] = document.clone();
            }
            result
        })
        .collect();
    let tokens = answer.get("input_token_count").and_then(Value::as_u64).unwrap_or_default();
    let meta = json!({ "billed_units": { "total_tokens": tokens }, "tokens": { "input_tokens": tokens } });
    Ok(calls::ranking(None, results, meta))
}

fn transcription(request: &CallRequest, target: &Target) -> Result<Prepared> {
    calls::file(request)?;
    let mut fields = calls::form_fields(request, target);
    fields.extend(place(target).into_iter().filter(|(name, _)| name != "model_id"));
    let url = format!("{}/ml/v1/audio/transcriptions?version={VERSION}", target.base);
    Ok(calls::form_call(url, &fields, &request.files, Memo::default()))
}
