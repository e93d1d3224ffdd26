//! Replicate: a prediction is made, and asked for until it is there.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::Value;

use super::request::is_plain;
use super::{COMMON, Format, Streams, Text};
use crate::error::{Error, Kind, Result};
use crate::hub::{FinishReason, Target};
use crate::json::str_at;
use crate::wires::{ErrorFacts, HttpCall, HttpReply, Memo, Next};

/// How long a prediction is left alone between two looks at it.
const WAIT: Duration = Duration::from_millis(500);
const VERSION_LENGTH: usize = 64;

pub const REPLICATE: Text = Text(&Format {
    url,
    prompt_in_params: true,
    params_in: Some("input"),
    params: &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop_sequences"),
        ("max_tokens", "max_new_tokens"),
        ("seed", "seed"),
        // Taken, as the reference takes them: a prompt has no place for them.
        ("function_call", ""),
        ("functions", ""),
        ("tool_choice", ""),
        ("tools", ""),
    ],
    stop_is_list: false,
    finish: |parts, _, target| {
        if let Some(version) = version(&target.model) {
            parts.top.insert("version".to_owned(), version.into());
        }
    },
    streams: Streams::No,
    text: &["/output"],
    reason: &["/status"],
    read_reason: |_| FinishReason::Stop,
    input_tokens: &["/metrics/input_token_count"],
    output_tokens: &["/metrics/output_token_count"],
    failure,
    classify,
    next,
    ..COMMON
});

/// A model, a deployment, or one version of a model, which is told by its 64 hexadecimal digits.
fn url(target: &Target, _stream: bool) -> String {
    let (base, model) = (&target.base, &target.model);
    if version(model).is_some() {
        return format!("{base}/v1/predictions");
    }
    match model.strip_prefix("deployments/") {
        Some(name) => format!("{base}/v1/deployments/{name}/predictions"),
        None => format!("{base}/v1/models/{model}/predictions"),
    }
}

fn version(model: &str) -> Option<&str> {
    let version = model.rsplit_once(':').map_or(model, |(_, version)| version);
    let is_hash = version.len() == VERSION_LENGTH && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(version)
}

/// Asks for the prediction until it has ended.
fn next(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<Option<Next>> {
    let Ok(Value::Object(prediction)) = serde_json::from_slice::<Value>(&reply.body) else { return Ok(None) };
    if !matches!(str_at(&prediction, "status"), Some("starting" | "processing" | "queued")) {
        return Ok(None);
    }
    // By its id, not by an address from the reply: the key stays with the host it is meant for.
    let Some(id) = str_at(&prediction, "id").filter(|id| is_plain(id)) else {
        return Err(Error::unreadable("the prediction that was made has no id to ask for it"));
    };
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let url = format!("{}/v1/predictions/{id}", target.base);
    let call = HttpCall { rest: Vec::new(), method: Method::GET, url, headers, body: Bytes::new() };
    Ok(Some(Next::after(WAIT, call)))
}

/// A prediction that ended without an answer.
fn failure(prediction: &Value) -> Option<String> {
    let status = prediction.get("status").and_then(Value::as_str);
    if status == Some("succeeded") {
        return None;
    }
    let why = ["error", "detail"].iter().find_map(|key| prediction.get(key)?.as_str());
    match (status, why) {
        (Some(status), Some(why)) => Some(format!("the prediction is {status}: {why}")),
        (Some(status), None) => Some(format!("the prediction is {status}")),
        (None, why) => why.map(str::to_owned),
    }
}

/// Replicate gives no codes: besides the status there are only its words (ERR-05).
fn classify(facts: &ErrorFacts) -> Kind {
    let field = |key: &str| facts.body.as_ref()?.get(key)?.as_str();
    let words = field("detail").or_else(|| field("error")).unwrap_or(&facts.message).to_lowercase();
    let has = |text: &str| words.contains(text);
    if has("incorrect authentication token") {
        return Kind::Authentication;
    }
    if has("input is too long") {
        return Kind::ContextWindowExceeded;
    }
    if has("request was throttled") {
        return Kind::RateLimit;
    }
    if matches!(field("status"), Some("failed" | "canceled" | "aborted")) {
        return Kind::Unprocessable;
    }
    match facts.status {
        422 => Kind::Unprocessable,
        500 => Kind::ServiceUnavailable,
        status => Kind::of_status(status),
    }
}
