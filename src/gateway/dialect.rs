//! In whose format a client speaks, as far as errors and streams go: requests and answers are the core's to translate.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::wires::messages;

/// A client's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Dialect {
    /// A failed request's answer.
    pub fn error_response(self, error: &Error) -> Response {
        let mut response = Response::new(Body::from(self.error_body(error).to_string()));
        *response.status_mut() =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = error.facts().retry_after {
            // Rounded up: whoever comes back a little late is let in.
            headers
                .insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
        }
        response
    }

    /// The body of a failed request's answer.
    pub fn error_body(self, error: &Error) -> Value {
        match self {
            Self::OpenAi => {
                let facts = error.facts();
                let code = facts.code.clone().unwrap_or_else(|| error.status().to_string());
                json!({ "error": {
                    "message": error.message(),
                    "type": facts.error_type.as_deref().unwrap_or_else(|| openai_type(error)),
                    "param": facts.param,
                    "code": code,
                } })
            }
            Self::Anthropic => messages::error_body(error),
            Self::Gemini => json!({ "error": {
                "code": error.status(), "message": error.message(), "status": gemini_status(error.status()),
            } }),
        }
    }
}

/// OpenAI's word for a kind of failure.
fn openai_type(error: &Error) -> &'static str {
    match error.kind() {
        Kind::Authentication => "authentication_error",
        Kind::PermissionDenied => "permission_error",
        Kind::RateLimit | Kind::NoDeployment => "rate_limit_error",
        Kind::BudgetExceeded => "budget_exceeded",
        Kind::Timeout => "timeout_error",
        _ if error.status() < 500 => "invalid_request_error",
        _ => "api_error",
    }
}

/// Google's word for a status (google.rpc.Code).
fn gemini_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        400..=498 => "INVALID_ARGUMENT",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}
