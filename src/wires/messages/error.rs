//! Errors in Anthropic's form (AMI-08).

use serde_json::{Value, json};

use crate::error::Error;

/// The body of a failed reply, and the data of an `error` event.
pub fn error_body(error: &Error) -> Value {
    let mut body = json!({
        "type": "error",
        "error": { "type": error_type(error.status()), "message": error.message() },
    });
    if let Some(id) = &error.facts().request_id {
        body["request_id"] = id.as_str().into();
    }
    body
}

fn error_type(status: u16) -> &'static str {
    match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}
