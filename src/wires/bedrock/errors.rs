//! What a failed reply, or an exception in a stream, says and means (BED-19, BED-20, ERR-05).

use serde_json::Value;

use crate::error::{BODY_LIMIT, Error, Kind};
use crate::json::{cut, str_at};
use crate::wires::ErrorFacts;

/// What AWS says when the keys are wrong.
const WRONG_KEYS: [&str; 6] = [
    "security token included in the request is invalid",
    "security token included in the request is expired",
    "request signature we calculated does not match",
    "unrecognizedclientexception",
    "expiredtokenexception",
    "unable to locate credentials",
];

const TOO_LONG: [&str; 6] = [
    "input is too long",
    "prompt is too long",
    "prompt: length: 1..",
    "expected maxlength",
    "too many input tokens",
    "too many tokens",
];

/// Reads any body. The message is the whole text, as the caller knows it from this provider.
pub fn facts(status: u16, body: &[u8]) -> ErrorFacts {
    let text = String::from_utf8_lossy(body.get(..BODY_LIMIT).unwrap_or(body)).trim().to_owned();
    let parsed = serde_json::from_slice::<Value>(body).ok();
    let object = parsed.as_ref().and_then(Value::as_object);
    let code = object.and_then(|object| str_at(object, "__type").or_else(|| str_at(object, "code")));
    let mut facts = ErrorFacts {
        status,
        code: code.map(|code| code.rsplit('#').next().unwrap_or(code).to_owned()),
        body: parsed.or_else(|| (!text.is_empty()).then(|| Value::String(text.clone()))),
        message: text,
        ..ErrorFacts::default()
    };
    if matches!(status, 400 | 403) && says(&facts, &WRONG_KEYS) {
        facts.status = 401;
    }
    facts
}

/// An exception of a stream, by the name of its shape.
pub fn exception(name: &str, payload: &[u8]) -> Error {
    let text = String::from_utf8_lossy(payload);
    let facts = ErrorFacts {
        message: format!("{name} {}", cut(&text, BODY_LIMIT)).trim_end().to_owned(),
        code: Some(name.to_owned()),
        ..facts(status_of(name), payload)
    };
    let kind = classify(&facts);
    facts.into_error(kind)
}

fn status_of(name: &str) -> u16 {
    match name {
        "throttlingException" | "serviceQuotaExceededException" => 429,
        "internalServerException" | "InternalFailure" | "InternalError" => 500,
        "modelStreamErrorException" | "modelErrorException" => 424,
        "serviceUnavailableException" | "modelNotReadyException" => 503,
        "modelTimeoutException" => 408,
        "accessDeniedException" => 403,
        "resourceNotFoundException" => 404,
        _ => 400,
    }
}

/// Codes first, then the provider's words where the status says no more than "invalid request".
pub fn classify(facts: &ErrorFacts) -> Kind {
    match facts.code.as_deref() {
        Some("ThrottlingException" | "throttlingException") => return Kind::RateLimit,
        Some("AccessDeniedException") => return Kind::PermissionDenied,
        _ => {}
    }
    if matches!(facts.status, 400 | 413 | 422) && says(facts, &TOO_LONG) {
        return Kind::ContextWindowExceeded;
    }
    match facts.status {
        // Retried like an overload, which it mostly is.
        500 => Kind::ServiceUnavailable,
        status => Kind::of_status(status),
    }
}

/// Whether the provider's own sentence holds one of the phrases.
fn says(facts: &ErrorFacts, phrases: &[&str]) -> bool {
    let object = facts.body.as_ref().and_then(Value::as_object);
    let words = object.and_then(|object| str_at(object, "message").or_else(|| str_at(object, "Message")));
    let words = words.unwrap_or(&facts.message).to_lowercase();
    let code = facts.code.as_deref().unwrap_or_default().to_lowercase();
    phrases.iter().any(|phrase| words.contains(phrase) || code == *phrase)
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

    #[test]
    fn bed_20_errors_by_code_words_and_status() {
        let said = |text: &str| json!({"message": text});
        for (status, body, expected) in [
            (400, said("Input is too long for requested model."), (Kind::ContextWindowExceeded, 400)),
            (400, said("prompt is too long: 20 tokens > 10 maximum"), (Kind::ContextWindowExceeded, 400)),
            (400, said("zq"), (Kind::BadRequest, 400)),
            (400, json!({"__type": "ThrottlingException", "message": "zq"}), (Kind::RateLimit, 429)),
            (
                403,
                json!({"__type": "a.b#AccessDeniedException", "message": "zq"}),
                (Kind::PermissionDenied, 403),
            ),
            (
                403,
                said("The security token included in the request is invalid."),
                (Kind::Authentication, 401),
            ),
            (403, said("zq"), (Kind::PermissionDenied, 403)),
            (404, said("zq"), (Kind::NotFound, 404)),
            (408, said("zq"), (Kind::Timeout, 408)),
            (413, said("zq"), (Kind::BadRequest, 413)),
            (424, said("zq"), (Kind::BadRequest, 424)),
            (429, said("Too many tokens per day"), (Kind::RateLimit, 429)),
            (500, said("zq"), (Kind::ServiceUnavailable, 503)),
            (502, json!("<html>"), (Kind::BadGateway, 502)),
            (529, said("zq"), (Kind::Api, 529)),
        ] {
            assert_eq!(kind(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn bed_19_exceptions_have_the_status_of_their_shape() {
        for (name, expected) in [
            ("throttlingException", (Kind::RateLimit, 429)),
            ("validationException", (Kind::BadRequest, 400)),
            ("internalServerException", (Kind::ServiceUnavailable, 503)),
            ("modelStreamErrorException", (Kind::BadRequest, 424)),
            ("serviceUnavailableException", (Kind::ServiceUnavailable, 503)),
            ("modelTimeoutException", (Kind::Timeout, 408)),
            ("accessDeniedException", (Kind::PermissionDenied, 403)),
            ("zqException", (Kind::BadRequest, 400)),
        ] {
            let error = exception(name, br#"{"message":"m"}"#);
            assert_eq!((error.kind(), error.status()), expected, "{name}");
            assert_eq!(error.message(), format!("{name} {{\"message\":\"m\"}}"));
        }
        let error = exception("validationException", br#"{"message":"Input is too long"}"#);
        assert_eq!(error.kind(), Kind::ContextWindowExceeded);
    }
}
