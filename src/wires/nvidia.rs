//! NVIDIA's rankings: passages by their logits.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};

pub static RERANK: CallWire =
    CallWire { takes: |_, _| true, encode, decode, next: None, errors: openai::ERRORS };

/// Models under `ranking/` are those of a server of one's own.
fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let query = calls::text(request, "query")?;
    let documents = calls::documents(request);
    let (model, url) = match target.model.strip_prefix("ranking/") {
        Some(model) => (model, format!("{}/v1/ranking", target.base)),
        None if target.base.ends_with("/reranking") => (target.model.as_str(), target.base.clone()),
        None => (target.model.as_str(), format!("{}/v1/retrieval/{}/reranking", target.base, target.model)),
    };
    let mut body = request.params.clone();
    for name in ["documents", "return_documents", "rank_fields", "max_chunks_per_doc", "max_tokens_per_doc"] {
        body.shift_remove(name);
    }
    if let Some(count) = body.shift_remove("top_n") {
        body.entry("top_k").or_insert(count);
    }
    let passages: Vec<Value> = documents.iter().map(|text| json!({ "text": text })).collect();
    body.insert("model".to_owned(), model.into());
    body.insert("query".to_owned(), json!({ "text": query }));
    body.insert("passages".to_owned(), passages.into());
    let mut memo = Memo::default();
    memo.notes.insert("documents".to_owned(), documents.into());
    calls::json_call(url, body, request, memo)
}

fn decode(reply: &HttpReply, memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(rankings)) = answer.get("rankings") else { return Err(calls::unreadable(reply)) };
    let results = rankings
        .iter()
        .map(|ranking| {
            let score = ranking.get("logit").or_else(|| ranking.get("score"));
            let mut result = json!({ "index": ranking.get("index"), "relevance_score": score });
            let index =
                ranking.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let documents = memo.notes.get("documents");
            if let Some(text) = index.and_then(|index| documents.and_then(|documents| documents.get(index))) {
                result["document"] = json!({ "text": text });
            }
            result
        })
        .collect();
    let tokens = answer.get("usage").and_then(|usage| usage.get("total_tokens")).and_then(Value::as_u64);
    Ok(calls::ranking(
        None,
        results,
        json!({ "billed_units": { "total_tokens": tokens.unwrap_or_default() } }),
    ))
}
