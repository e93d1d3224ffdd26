//! What a failed reply says and means.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::json::{Map, cut};
use crate::wires::ErrorFacts;

/// An `error` in a good reply or inside a stream (OLL-10).
pub fn check(reply: &Map) -> Result<(), Error> {
    match reply.get("error") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => {
            let facts = ErrorFacts::whole_body(500, Value::Object(reply.clone()).to_string().as_bytes());
            let kind = classify(&facts);
            Err(facts.into_error(kind))
        }
    }
}

/// A line or a body that cannot be read.
pub fn no_json(what: &str, kind: Kind, data: &[u8], error: serde_json::Error) -> Error {
    let text = String::from_utf8_lossy(data);
    Error::new(kind, format!("{what} is no JSON ({error}): '{}'", cut(&text, 200))).with_source(error)
}

/// Ollama gives no codes: besides the status there are only its words (ERR-05).
pub fn classify(facts: &ErrorFacts) -> Kind {
    // Its own sentence, not what it echoes of the request.
    let own = facts.body.as_ref().and_then(|body| match body.get("error")? {
        Value::String(text) => Some(text.as_str()),
        error => error.get("message").and_then(Value::as_str),
    });
    let words = own.unwrap_or(&facts.message).to_lowercase();
    let has = |text: &str| words.contains(text);
    if has("no such file or directory") || has("invalid response object from api") {
        // The model is not there, or not loaded.
        return Kind::BadRequest;
    }
    if has("failed to establish a new connection") {
        return Kind::ServiceUnavailable;
    }
    if has("request timed out") {
        return Kind::Timeout;
    }
    if facts.status == 400 && has("context length") {
        return Kind::ContextWindowExceeded;
    }
    Kind::of_status(facts.status)
}
