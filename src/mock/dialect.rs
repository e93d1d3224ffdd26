//! What the three providers say differently around an answer: errors, keys, headers. The answers themselves are in
//! [`super::openai`], [`super::responses`], [`super::anthropic`] and [`super::gemini`].

use axum::body::Body;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::text::write_json;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
}

/// A request that is not answered, and why.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), headers: Vec::new() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Dialect {
    /// The key a request came with, at the places this provider's clients put it.
    pub(super) fn key<'a>(self, headers: &'a HeaderMap, query: &'a str) -> Option<&'a str> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        match self {
            Self::OpenAi => bearer().or_else(|| header("api-key")),
            Self::Anthropic => header("x-api-key").or_else(bearer),
            Self::Gemini => header("x-goog-api-key")
                .or_else(|| query.split('&').find_map(|pair| pair.strip_prefix("key=")))
                .or_else(bearer),
        }
    }

    pub(super) fn error_body(self, status: StatusCode, message: &str, id: &str) -> Value {
        let code = status.as_u16();
        match self {
            Self::OpenAi => {
                let (kind, name) = openai_error(code);
                json!({"error": {"message": message, "type": kind, "param": null, "code": name}})
            }
            Self::Anthropic => json!({
                "type": "error",
                "error": {"type": anthropic_error(code), "message": message},
                "request_id": format!("req_{id}"),
            }),
            Self::Gemini => {
                json!({"error": {"code": code, "message": message, "status": gemini_error(code)}})
            }
        }
    }

    pub(super) fn fail(self, failure: Failure, id: &str) -> Response {
        let mut body = Vec::with_capacity(256);
        write_json(&self.error_body(failure.status, &failure.message, id), &mut body);
        let mut response = self.reply(JSON, body.into(), id);
        *response.status_mut() = failure.status;
        response.headers_mut().extend(failure.headers);
        response
    }

    /// A response of this provider's looks; `id` names the request.
    pub(super) fn reply(self, content_type: HeaderValue, body: Body, id: &str) -> Response {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.reserve(8);
        headers.insert(CONTENT_TYPE, content_type);
        let request_id = HeaderValue::try_from(format!("req_{id}"));
        match self {
            Self::OpenAi => {
                if let Ok(id) = request_id {
                    headers.insert(HeaderName::from_static("x-request-id"), id);
                }
                extend(headers, &OPENAI_HEADERS);
            }
            Self::Anthropic => {
                if let Ok(id) = request_id {
                    headers.insert(HeaderName::from_static("request-id"), id);
                }
                extend(headers, &ANTHROPIC_HEADERS);
            }
            Self::Gemini => extend(headers, &GEMINI_HEADERS),
        }
        response
    }
}

/// Limits never run low here: `x-mock-status: 429` is how to meet one.
const OPENAI_HEADERS: [(&str, &str); 5] = [
    ("openai-processing-ms", "1"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-limit-tokens", "1000000"),
    ("x-ratelimit-remaining-tokens", "999999"),
];
const ANTHROPIC_HEADERS: [(&str, &str); 5] = [
    ("anthropic-ratelimit-requests-limit", "1000"),
    ("anthropic-ratelimit-requests-remaining", "999"),
    ("anthropic-ratelimit-requests-reset", "2030-01-01T00:00:00Z"),
    ("anthropic-ratelimit-tokens-limit", "400000"),
    ("anthropic-ratelimit-tokens-remaining", "399000"),
];
const GEMINI_HEADERS: [(&str, &str); 1] = [("server-timing", "gfet4t7; dur=1")];

fn extend(headers: &mut HeaderMap, fixed: &[(&'static str, &'static str)]) {
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

fn openai_error(status: u16) -> (&'static str, Option<&'static str>) {
    match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("not_found")),
        408 => ("server_error", Some("timeout")),
        413 => ("invalid_request_error", Some("request_too_large")),
        422 => ("invalid_request_error", Some("unprocessable_entity")),
        429 => ("requests", Some("rate_limit_exceeded")),
        503 => ("server_error", Some("engine_overloaded")),
        529 => ("server_error", Some("overloaded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    }
}

fn anthropic_error(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn gemini_error(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        503 | 529 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

/// The sentence of an injected error.
pub(super) fn usual_message(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "The request is not valid (injected by the mock)",
        401 => "Incorrect API key provided (injected by the mock)",
        403 => "This key may not do that (injected by the mock)",
        404 => "The model does not exist (injected by the mock)",
        408 => "Request timed out in the queue (injected by the mock)",
        429 => "Rate limit reached: 60 requests a minute (injected by the mock)",
        503 | 529 => "Overloaded (injected by the mock)",
        _ => "The server had an error while processing your request (injected by the mock)",
    }
}
