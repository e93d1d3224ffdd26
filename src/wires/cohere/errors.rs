//! What a failed reply says and means.

use serde_json::Value;

use crate::error::Kind;
use crate::wires::ErrorFacts;

/// Cohere gives no codes: besides the status there are only its words (ERR-05).
pub fn classify(facts: &ErrorFacts) -> Kind {
    // Its own sentence, not what it echoes of the request.
    let own = facts.body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    let words = own.unwrap_or(&facts.message).to_lowercase();
    let has = |text: &str| words.contains(text);
    if has("invalid api token") || has("no api key provided") {
        return Kind::Authentication;
    }
    if has("too many tokens") {
        return Kind::ContextWindowExceeded;
    }
    if has("request timed out") {
        return Kind::Timeout;
    }
    if has("internal server error") {
        return Kind::InternalServer;
    }
    if has("invalid type: parameter") {
        return Kind::BadRequest;
    }
    Kind::of_status(facts.status)
}
