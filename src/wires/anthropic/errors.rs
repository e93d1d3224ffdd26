//! What a failed reply says, and what it means (ANT-39, ANT-40).

use serde_json::Value;

use crate::error::{BODY_LIMIT, Kind};
use crate::json::{cut, str_at};
use crate::wires::ErrorFacts;

/// Reads a failed reply, or an error object in a good one or in a stream.
pub fn facts(status: u16, body: &[u8]) -> ErrorFacts {
    let head = body.get(..BODY_LIMIT).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let error = parsed.as_ref().and_then(|body| body.get("error"));
    let field = |name: &str| match error {
        Some(Value::Object(error)) => str_at(error, name).map(str::to_owned),
        _ => None,
    };
    let error_type = field("type");
    let bad_key = field("message").is_some_and(|words| words.eq_ignore_ascii_case("invalid api key"));
    ErrorFacts {
        status: match exception_status(status, error_type.as_deref()) {
            400 | 403 if bad_key => 401,
            status => status,
        },
        message: cut(&text, BODY_LIMIT).to_owned(),
        code: field("code"),
        error_type,
        param: None,
        body: Some(match (error, &parsed) {
            (Some(error), _) => error.clone(),
            (None, Some(body)) => body.clone(),
            (None, None) => Value::String(text.into_owned()),
        }),
        retry_after: None,
    }
}

/// An error event of a stream: in the words of its message.
pub fn stream_facts(event: &Value) -> ErrorFacts {
    let mut facts = facts(0, event.to_string().as_bytes());
    let words = event.get("error").and_then(|error| error.get("message").unwrap_or(error).as_str());
    if let Some(words) = words {
        words.clone_into(&mut facts.message);
    }
    facts
}

/// The status of an error that came without one of its own (ANT-39); callers see 413 as 400 (ANT-40).
fn exception_status(status: u16, error_type: Option<&str>) -> u16 {
    match status {
        413 => 400,
        300.. => status,
        _ => match error_type {
            Some("invalid_request_error" | "request_too_large") => 400,
            Some("authentication_error") => 401,
            Some("billing_error") => 402,
            Some("permission_error") => 403,
            Some("not_found_error") => 404,
            Some("rate_limit_error") => 429,
            Some("timeout_error") => 504,
            Some("overloaded_error") => 529,
            _ => 500,
        },
    }
}

/// Type and status first; the provider's words where those say no more than "invalid request" (ERR-05).
pub fn classify(facts: &ErrorFacts) -> Kind {
    if facts.error_type.as_deref() == Some("overloaded_error") {
        return Kind::InternalServer;
    }
    if facts.status == 400 {
        let words = words(facts).to_ascii_lowercase();
        let says = |text: &str| words.contains(text);
        if says("prompt is too long") || says("prompt: length") || says("exceed context limit") {
            return Kind::ContextWindowExceeded;
        }
        if says("content filtering policy") {
            return Kind::ContentPolicy;
        }
    }
    match facts.status {
        529 => Kind::InternalServer,
        status => Kind::of_status(status),
    }
}

/// The provider's own message, without what else its reply repeats.
fn words(facts: &ErrorFacts) -> &str {
    match &facts.body {
        Some(Value::Object(error)) => str_at(error, "message").unwrap_or_default(),
        Some(Value::String(text)) => text,
        _ => &facts.message,
    }
}
/// A thinking block that was changed, or that another model signed (ANT-20).
pub fn is_refused_signature(facts: &ErrorFacts) -> bool {
    let words = facts.message.to_lowercase();
    facts.status == 400 && words.contains("signature") && words.contains("thinking")
}
