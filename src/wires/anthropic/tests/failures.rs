//! Failed replies.

use serde_json::{Value, json};

use super::{SONNET, target};
use crate::error::Kind;
use crate::hub::Chat;
use crate::wires::anthropic::Anthropic;
use crate::wires::{ErrorFacts, Wire};

fn facts(status: u16, body: &[u8]) -> ErrorFacts {
    Wire::<Chat>::error_facts(&Anthropic, status, body)
}

fn meaning(status: u16, body: &Value) -> (Kind, u16) {
    let facts = facts(status, body.to_string().as_bytes());
    let kind = Wire::<Chat>::classify(&Anthropic, &facts, &target(SONNET));
    (kind, facts.into_error(kind).status())
}

fn failure(error_type: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": error_type, "message": message}, "request_id": "req_1"})
}

#[test]
fn ant_40_what_failures_mean() {
    let invalid = |message: &str| failure("invalid_request_error", message);
    let cases = [
        (400, invalid("prompt is too long: 20 tokens > 10 maximum"), Kind::ContextWindowExceeded, 400),
        (400, invalid("prompt: length: 1..10"), Kind::ContextWindowExceeded, 400),
        (
            400,
            invalid("input length and `max_tokens` exceed context limit: 9 + 2 > 10"),
            Kind::ContextWindowExceeded,
            400,
        ),
        (400, invalid("Output blocked by content filtering policy"), Kind::ContentPolicy, 400),
        (400, invalid("zq"), Kind::BadRequest, 400),
        (401, failure("authentication_error", "invalid x-api-key"), Kind::Authentication, 401),
        (402, failure("billing_error", "zq"), Kind::PaymentRequired, 402),
        (403, failure("permission_error", "zq"), Kind::PermissionDenied, 403),
        (403, failure("permission_error", "Invalid API Key"), Kind::Authentication, 401),
        (404, failure("not_found_error", "zq"), Kind::NotFound, 404),
        (408, failure("timeout_error", "zq"), Kind::Timeout, 408),
        (409, failure("api_error", "zq"), Kind::BadRequest, 409),
        (413, failure("request_too_large", "zq"), Kind::BadRequest, 400),
        (422, failure("api_error", "zq"), Kind::BadRequest, 422),
        (429, failure("rate_limit_error", "zq"), Kind::RateLimit, 429),
        (500, failure("api_error", "zq"), Kind::InternalServer, 500),
        (500, failure("overloaded_error", "Overloaded"), Kind::InternalServer, 500),
        (501, failure("api_error", "zq"), Kind::Api, 501),
        (502, failure("api_error", "zq"), Kind::BadGateway, 502),
        (503, failure("api_error", "zq"), Kind::ServiceUnavailable, 503),
        (504, failure("timeout_error", "zq"), Kind::Timeout, 504),
        (524, failure("api_error", "zq"), Kind::Api, 524),
        (529, failure("overloaded_error", "Overloaded"), Kind::InternalServer, 500),
    ];
    for (status, body, kind, seen) in cases {
        assert_eq!(meaning(status, &body), (kind, seen), "{status} {body}");
    }
}

#[test]
fn ant_39_a_type_stands_for_a_status() {
    let types = [
        ("overloaded_error", 529),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("timeout_error", 504),
    ];
    for (error_type, status) in types {
        assert_eq!(facts(0, failure(error_type, "zq").to_string().as_bytes()).status, status, "{error_type}");
    }
}

#[test]
fn err_05_the_status_outranks_the_words() {
    let kind = |status: u16, error_type: &str| meaning(status, &failure(error_type, "prompt is too long")).0;
    assert_eq!(kind(401, "authentication_error"), Kind::Authentication);
    assert_eq!(kind(500, "api_error"), Kind::InternalServer);
    let echoed = json!({"error": {"type": "api_error", "message": "zq", "input": "prompt is too long"}});
    assert_eq!(meaning(400, &echoed).0, Kind::BadRequest);
}

#[test]
fn any_body_is_read() {
    for body in [
        &b""[..],
        b"<html>zq</html>",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{\"error\": \"boom\"}",
        b"{\"error\": {\"type\": 5}}",
    ] {
        let facts = facts(502, body);
        assert_eq!(facts.status, 502);
        assert_eq!(Wire::<Chat>::classify(&Anthropic, &facts, &target(SONNET)), Kind::BadGateway);
    }
    assert_eq!(facts(502, b"<html>zq</html>").message, "<html>zq</html>");
    let long = facts(500, &vec![b'x'; 200_000]);
    assert_eq!(long.message.len(), crate::error::BODY_LIMIT);
    let whole = facts(400, failure("invalid_request_error", "zq").to_string().as_bytes());
    assert_eq!(whole.body, Some(json!({"type": "invalid_request_error", "message": "zq"})));
    assert!(whole.message.starts_with("{\"type\":\"error\""), "in the provider's own words, all of them");
}
