//! DeepInfra's rankings: a query for every document, a score for every query.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::str_at;

pub static RERANK: CallWire =
    CallWire { takes: |_, _| true, encode, decode, next: None, errors: openai::ERRORS };

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let query = calls::text(request, "query")?;
    let documents = calls::documents(request);
    let mut body = request.params.clone();
    for name in
        ["query", "top_n", "return_documents", "rank_fields", "max_chunks_per_doc", "max_tokens_per_doc"]
    {
        body.shift_remove(name);
    }
    body.insert("queries".to_owned(), vec![query; documents.len()].into());
    body.insert("documents".to_owned(), documents.into());
    // The base of its chat is beside this one.
    let base = target.base.strip_suffix("/openai").unwrap_or(&target.base);
    let base = base.strip_suffix("/inference").unwrap_or(base);
    calls::json_call(format!("{base}/inference/{}", target.model), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(scores)) = answer.get("scores") else { return Err(calls::unreadable(reply)) };
    let results = scores
        .iter()
        .enumerate()
        .map(|(index, score)| json!({ "index": index, "relevance_score": score }))
        .collect();
    let tokens = answer.get("input_tokens").and_then(Value::as_u64).unwrap_or_default();
    let meta = json!({
        "billed_units": { "total_tokens": tokens },
        "tokens": { "input_tokens": tokens, "output_tokens": 0 },
    });
    Ok(calls::ranking(str_at(&answer, "request_id"), results, meta))
}
