//! Rankings by Bedrock's agent runtime (`/rerank`).

use serde_json::{Value, json};

use super::errors;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire, Errors};
use crate::wires::{HttpReply, Memo, Prepared};

pub const ERRORS: Errors = Errors { facts: errors::facts, classify: |facts, _| errors::classify(facts) };

pub static RERANK: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "top_n" | "return_documents"),
    encode,
    decode,
    next: None,
    errors: ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let query = calls::text(request, "query")?;
    let documents = request.params.get("documents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let sources: Vec<Value> = documents.iter().map(source).collect();
    let count = request.params.get("top_n").cloned().unwrap_or_else(|| sources.len().into());
    let mut body = Map::new();
    body.insert("queries".to_owned(), json!([{ "type": "TEXT", "textQuery": { "text": query } }]));
    body.insert("sources".to_owned(), sources.into());
    body.insert(
        "rerankingConfiguration".to_owned(),
        json!({
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {
                "modelConfiguration": { "modelArn": arn(target) },
                "numberOfResults": count,
            },
        }),
    );
    calls::json_call(target.url("/rerank"), body, request, Memo::default())
}

fn source(document: &Value) -> Value {
    let inline = match document {
        Value::String(text) => json!({ "type": "TEXT", "textDocument": { "text": text } }),
        Value::Object(map) if map.len() == 1 && map.get("text").is_some_and(Value::is_string) => {
            json!({ "type": "TEXT", "textDocument": map })
        }
        other => json!({ "type": "JSON", "jsonDocument": other }),
    };
    json!({ "type": "INLINE", "inlineDocumentSource": inline })
}

/// The interface knows models by their ARN only; an id is one of the region that is asked.
fn arn(target: &Target) -> String {
    let region =
        target.base.strip_prefix("https://bedrock-agent-runtime.").and_then(|rest| rest.split('.').next());
    match region {
        Some(region) if !target.model.starts_with("arn:") => {
            format!("arn:aws:bedrock:{region}::foundation-model/{}", target.model)
        }
        _ => target.model.clone(),
    }
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(found)) = answer.get("results") else { return Err(calls::unreadable(reply)) };
    let results = found
        .iter()
        .map(|one| {
            let mut result =
                json!({ "index": one.get("index"), "relevance_score": one.get("relevanceScore") });
            let document = one.get("document");
            let text = document.and_then(|document| document.get("textDocument"));
            if let Some(document) =
                text.or_else(|| document.and_then(|document| document.get("jsonDocument")))
            {
                result["document"] = document.clone();
            }
            result
        })
        .collect();
    Ok(calls::ranking(None, results, json!({ "billed_units": { "search_units": 1 }, "tokens": {} })))
}
