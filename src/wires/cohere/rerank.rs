//! Rankings: Cohere's `/v2/rerank`, and those that others modelled on it.

use serde_json::{Value, json};

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, RankingTokens, Target};
use crate::json::{Map, str_at};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static RERANK: CallWire = CallWire {
    takes: |_, _| true,
    encode,
    decode: |reply, _, target| decode(reply, target),
    next: None,
    errors: ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let url = url(target);
    let mut body = calls::named_body(request, target);
    // Each version of the interface measures documents in its own way.
    let others = if url.ends_with("/v1/rerank") { "max_tokens_per_doc" } else { "max_chunks_per_doc" };
    body.shift_remove(others);
    calls::json_call(url, body, request, Memo::default())
}

/// Some callers' bases end with the version.
fn url(target: &Target) -> String {
    let path = target.path.as_deref().unwrap_or("/v2/rerank");
    let base = &target.base;
    if base.ends_with("/rerank") {
        base.clone()
    } else if path.ends_with("/rerank") && (base.ends_with("/v1") || base.ends_with("/v2")) {
        format!("{base}/rerank")
    } else {
        format!("{base}{path}")
    }
}

fn decode(reply: &HttpReply, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let found = answer.get("results").or_else(|| answer.get("data"));
    let Some(Value::Array(found)) = found else { return Err(calls::unreadable(reply)) };
    let results = found.iter().filter_map(Value::as_object).map(result).collect();
    let meta = match answer.get("meta") {
        Some(meta @ Value::Object(_)) => meta.clone(),
        _ => meta(&answer, target.call_accent.ranking_tokens),
    };
    Ok(calls::ranking(str_at(&answer, "id"), results, meta))
}

fn result(found: &Map) -> Value {
    let score = found.get("relevance_score").or_else(|| found.get("score")).cloned().unwrap_or_default();
    let mut result = json!({ "index": found.get("index"), "relevance_score": score });
    match found.get("document") {
        None | Some(Value::Null) => {}
        Some(text @ Value::String(_)) => result["document"] = json!({ "text": text }),
        Some(document) => result["document"] = document.clone(),
    }
    result
}

fn meta(answer: &Map, tokens: RankingTokens) -> Value {
    let total = answer.get("usage").and_then(|usage| usage.get("total_tokens")).and_then(Value::as_u64);
    let total = total.unwrap_or_default();
    let tokens = match tokens {
        RankingTokens::None => json!({}),
        RankingTokens::Input => json!({ "input_tokens": total }),
        RankingTokens::Both => json!({ "input_tokens": total, "output_tokens": 0 }),
    };
    json!({ "billed_units": { "total_tokens": total }, "tokens": tokens })
}
