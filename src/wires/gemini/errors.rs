//! What a failed reply says and means (GEM-26, GEM-30, ERR-05).

use std::time::Duration;

use serde_json::Value;

use crate::error::{BODY_LIMIT, Error, Kind};
use crate::json::{Map, count_of, cut, str_at};
use crate::wires::ErrorFacts;

/// Reads any body. The message is the whole text, as the caller knows it from this provider.
pub fn facts(status: u16, body: &[u8]) -> ErrorFacts {
    let bounded = body.get(..BODY_LIMIT).unwrap_or(body);
    let text = String::from_utf8_lossy(bounded).trim().to_owned();
    let value = serde_json::from_slice::<Value>(body).ok();
    let Some(error) = value.as_ref().and_then(error_object) else {
        return ErrorFacts {
            status,
            body: (!text.is_empty()).then(|| Value::String(text.clone())),
            message: text,
            ..ErrorFacts::default()
        };
    };
    ErrorFacts { message: text, ..of_object(status, error) }
}

/// `{"error": {…}}`, also inside a list.
fn error_object(value: &Value) -> Option<&Map> {
    let object = match value {
        Value::Array(items) => items.first()?.as_object()?,
        other => other.as_object()?,
    };
    object.get("error").map_or(Some(object), Value::as_object)
}

fn of_object(status: u16, error: &Map) -> ErrorFacts {
    let code = error.get("code").filter(|code| !code.is_null());
    // A server error may carry what really happened (GEM-26), and a wrong key comes as a bad request.
    let inner = code.map_or(0, count_of);
    let status = match u16::try_from(inner) {
        Ok(inner) if status >= 500 && matches!(inner, 403 | 429) => inner,
        _ if status == 400 && is_wrong_key(error) => 401,
        _ => status,
    };
    ErrorFacts {
        status,
        message: str_at(error, "message").unwrap_or_default().to_owned(),
        code: code.map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned)),
        error_type: str_at(error, "status").map(str::to_owned),
        param: None,
        retry_after: retry_delay(error),
        body: Some(Value::Object(error.clone())),
    }
}

/// The `error` inside a stream or a good reply (GEM-26).
pub fn of_stream(error: &Value) -> Error {
    let facts = match error {
        Value::Object(error) => {
            let status = u16::try_from(error.get("code").map_or(0, count_of)).unwrap_or(0);
            let status = if (400..600).contains(&status) { status } else { 500 };
            let mut facts = of_object(status, error);
            facts.message = match &facts.error_type {
                Some(name) => format!("{name} - {}", facts.message),
                None => facts.message,
            };
            facts
        }
        other => {
            let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            ErrorFacts {
                status: 500,
                message: cut(&text, BODY_LIMIT).to_owned(),
                body: Some(other.clone()),
                ..ErrorFacts::default()
            }
        }
    };
    let kind = classify(&facts);
    facts.into_error(kind)
}

/// Structured fields first, the provider's words last (ERR-05).
pub fn classify(facts: &ErrorFacts) -> Kind {
    let error = facts.body.as_ref().and_then(Value::as_object);
    // Only the provider's own sentence, not what it echoes of the request.
    let words = error.and_then(|error| str_at(error, "message")).unwrap_or(&facts.message).to_lowercase();
    let has = |text: &str| words.contains(text);
    if facts.status == 429
        || facts.error_type.as_deref() == Some("RESOURCE_EXHAUSTED")
        || has("quota exceeded")
        || has("resource exhausted")
    {
        return Kind::RateLimit;
    }
    if facts.status == 400 && (has("exceeds the maximum number of tokens") || has("payload size exceeds")) {
        return Kind::ContextWindowExceeded;
    }
    if facts.status == 400 && has("the response was blocked") {
        return Kind::ContentPolicy;
    }
    if facts.status >= 500 && (has("model is overloaded") || has("content has no parts")) {
        return Kind::InternalServer;
    }
    match facts.status {
        502 => Kind::Connection,
        other => Kind::of_status(other),
    }
}

fn is_wrong_key(error: &Map) -> bool {
    details(error).any(|detail| str_at(detail, "reason") == Some("API_KEY_INVALID"))
        || str_at(error, "message")
            .is_some_and(|message| message.to_lowercase().contains("api key not valid"))
}

fn details(error: &Map) -> impl Iterator<Item = &Map> {
    error.get("details").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// `RetryInfo.retryDelay` of the error, like `17s` (ERR-12).
fn retry_delay(error: &Map) -> Option<Duration> {
    let delay = details(error).find_map(|detail| str_at(detail, "retryDelay"))?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(status: u16, body: &Value) -> (Kind, u16) {
        let facts = facts(status, body.to_string().as_bytes());
        let kind = classify(&facts);
        (kind, facts.into_error(kind).status())
    }

    fn google(code: u16, message: &str, status: &str) -> Value {
        json!({"error": {"code": code, "message": message, "status": status}})
    }

    #[test]
    fn gem_30_errors_by_their_words_and_status() {
        for (status, message, name, expected) in [
            (400, "zq", "INVALID_ARGUMENT", (Kind::BadRequest, 400)),
            (
                400,
                "API key not valid. Please pass a valid API key.",
                "INVALID_ARGUMENT",
                (Kind::Authentication, 401),
            ),
            (
                400,
                "The input token count (20) exceeds the maximum number of tokens allowed (10).",
                "INVALID_ARGUMENT",
                (Kind::ContextWindowExceeded, 400),
            ),
            (
                400,
                "Request payload size exceeds the limit: 20971520 bytes.",
                "INVALID_ARGUMENT",
                (Kind::ContextWindowExceeded, 400),
            ),
            (401, "zq", "UNAUTHENTICATED", (Kind::Authentication, 401)),
            (402, "zq", "UNKNOWN", (Kind::PaymentRequired, 402)),
            (403, "zq", "PERMISSION_DENIED", (Kind::PermissionDenied, 403)),
            (404, "zq", "NOT_FOUND", (Kind::NotFound, 404)),
            (408, "zq", "UNKNOWN", (Kind::Timeout, 408)),
            (409, "zq", "ABORTED", (Kind::BadRequest, 409)),
            (413, "zq", "UNKNOWN", (Kind::BadRequest, 413)),
            (422, "zq", "UNKNOWN", (Kind::BadRequest, 422)),
            (429, "zq", "RESOURCE_EXHAUSTED", (Kind::RateLimit, 429)),
            (499, "zq", "CANCELLED", (Kind::BadRequest, 499)),
            (500, "zq", "INTERNAL", (Kind::InternalServer, 500)),
            (501, "zq", "UNIMPLEMENTED", (Kind::Api, 501)),
            (502, "zq", "UNKNOWN", (Kind::Connection, 500)),
            (503, "zq", "UNAVAILABLE", (Kind::ServiceUnavailable, 503)),
            (503, "The model is overloaded. zq", "UNAVAILABLE", (Kind::InternalServer, 500)),
            (503, "Resource exhausted zq", "UNAVAILABLE", (Kind::RateLimit, 429)),
            (500, "Quota exceeded for x", "INTERNAL", (Kind::RateLimit, 429)),
            (500, "Content has no parts.", "INTERNAL", (Kind::InternalServer, 500)),
            (504, "zq", "DEADLINE_EXCEEDED", (Kind::Timeout, 504)),
            (529, "Overloaded", "UNAVAILABLE", (Kind::Api, 529)),
            (529, "The model is overloaded.", "UNKNOWN", (Kind::InternalServer, 500)),
        ] {
            assert_eq!(kind(status, &google(status, message, name)), expected, "{status} {message}");
        }
    }

    #[test]
    fn gem_26_a_server_error_that_says_429_is_a_rate_limit() {
        assert_eq!(kind(503, &google(429, "zq", "RESOURCE_EXHAUSTED")), (Kind::RateLimit, 429));
        assert_eq!(kind(500, &google(403, "zq", "PERMISSION_DENIED")), (Kind::PermissionDenied, 403));
        assert_eq!(kind(500, &google(504, "zq", "DEADLINE_EXCEEDED")), (Kind::InternalServer, 500));
    }

    #[test]
    fn gem_26_an_error_inside_a_stream() {
        let error = of_stream(
            &json!({"code": 503, "message": "Overloaded while streaming", "status": "UNAVAILABLE"}),
        );
        assert_eq!((error.kind(), error.status()), (Kind::ServiceUnavailable, 503));
        assert_eq!(error.message(), "UNAVAILABLE - Overloaded while streaming");
        let error = of_stream(&json!("boom"));
        assert_eq!((error.kind(), error.message()), (Kind::InternalServer, "boom"));
        assert_eq!(of_stream(&json!({"code": -4})).kind(), Kind::InternalServer);
    }

    #[test]
    fn err_05_echoed_words_do_not_decide() {
        let echo = json!({"error": {"code": 400, "message": "bad value", "status": "INVALID_ARGUMENT",
            "details": [{"field": "Quota exceeded"}]}});
        assert_eq!(kind(400, &echo).0, Kind::BadRequest);
        let expired = json!({"error": {"code": 400, "message": "API key expired.", "status": "INVALID_ARGUMENT",
            "details": [{"reason": "API_KEY_INVALID"}]}});
        assert_eq!(kind(400, &expired).0, Kind::Authentication);
    }

    #[test]
    fn err_12_the_body_may_say_when_to_come_back() {
        let body = json!({"error": {"code": 429, "message": "m", "details": [{"retryDelay": "17.5s"}]}});
        let facts = facts(429, body.to_string().as_bytes());
        assert_eq!(facts.retry_after, Some(Duration::from_millis(17_500)));
    }

    #[test]
    fn any_body_can_be_read() {
        for body in [&b""[..], b"<html>zq</html>", b"[]", b"null", b"[1]", b"\xff\xfe", b"{\"error\": null}"]
        {
            let facts = facts(500, body);
            assert_eq!(classify(&facts), Kind::InternalServer);
        }
        let wrapped = json!([google(400, "API key not valid.", "INVALID_ARGUMENT")]);
        assert_eq!(kind(400, &wrapped).0, Kind::Authentication);
        let long = vec![b'x'; BODY_LIMIT * 2];
        assert_eq!(facts(500, &long).message.len(), BODY_LIMIT);
    }
}
