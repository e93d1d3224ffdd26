//! What a failed reply says and means: a list of errors, each with a code.

use serde_json::Value;

use crate::error::{Kind, Result};
use crate::wires::ErrorFacts;

/// Reads any body. The message is the whole text, as the caller knows it from this provider.
pub fn facts(status: u16, body: &[u8]) -> ErrorFacts {
    let mut facts = ErrorFacts::whole_body(status, body);
    facts.code = facts.body.as_ref().and_then(code);
    facts
}

fn code(body: &Value) -> Option<String> {
    body.pointer("/errors/0/code")?.as_str().map(str::to_owned)
}

/// A good status with errors in its body.
pub fn check(body: &[u8]) -> Result<()> {
    // A borrowed look first: answers have no such key.
    if memchr::memmem::find(body, b"\"errors\"").is_none() {
        return Ok(());
    }
    let is_failure = serde_json::from_slice::<Value>(body).is_ok_and(|body| failure(&body).is_some());
    if !is_failure {
        return Ok(());
    }
    let facts = facts(500, body);
    let kind = classify(&facts);
    Err(facts.into_error(kind))
}

/// The words of an error in a good reply.
pub fn failure(body: &Value) -> Option<String> {
    let message = body.pointer("/errors/0/message")?;
    Some(message.as_str().map_or_else(|| message.to_string(), str::to_owned))
}

/// Structured fields first, the provider's words last (ERR-05).
pub fn classify(facts: &ErrorFacts) -> Kind {
    match facts.code.as_deref() {
        Some("token_quota_reached") => return Kind::RateLimit,
        Some("model_no_support_for_function") => return Kind::BadRequest,
        _ => {}
    }
    let words = facts.message.to_lowercase();
    if words.contains("this model's maximum context length is") {
        return Kind::ContextWindowExceeded;
    }
    if words.contains("authorization denied for") {
        return Kind::Authentication;
    }
    Kind::of_status(facts.status)
}
