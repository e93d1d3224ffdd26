//! What a failed reply says and means (ERR-02 … ERR-05).

use serde_json::Value;

use super::accent;
use crate::error::{BODY_LIMIT, Error, Kind};
use crate::hub::{Accent, ErrorTable};
use crate::json::{Map, cut, str_at};
use crate::wires::ErrorFacts;

/// Reads any body: OpenAI's `{"error": {…}}`, an error that is a bare string, `{"message": …}`, `{"detail": …}`,
/// or a text.
pub fn facts(status: u16, body: &[u8]) -> ErrorFacts {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(&body[..body.len().min(BODY_LIMIT)]).trim().to_owned();
        let message = if text.is_empty() {
            format!("Error code: {status}")
        } else {
            format!("Error code: {status} - {text}")
        };
        return ErrorFacts {
            status,
            message,
            body: (!text.is_empty()).then_some(Value::String(text)),
            ..ErrorFacts::default()
        };
    };
    facts_of(status, &value)
}

/// The same for a body that is parsed already, or an error object inside a stream.
pub fn facts_of(status: u16, value: &Value) -> ErrorFacts {
    let object = match value {
        Value::Object(map) => map,
        // Some servers wrap the object into a list.
        Value::Array(items) => match items.first() {
            Some(Value::Object(map)) => map,
            _ => return text_facts(status, value),
        },
        _ => return text_facts(status, value),
    };
    match object.get("error") {
        Some(Value::Object(error)) => object_facts(status, error),
        Some(Value::String(text)) => {
            ErrorFacts { status, message: text.clone(), body: Some(value.clone()), ..ErrorFacts::default() }
        }
        // Others give a list of them.
        _ => match object.get("errors").and_then(|errors| errors.get(0)) {
            Some(Value::Object(error)) => object_facts(status, error),
            _ => object_facts(status, object),
        },
    }
}

fn text_facts(status: u16, value: &Value) -> ErrorFacts {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let message = format!("Error code: {status} - {}", cut(&text, BODY_LIMIT));
    ErrorFacts { status, message, body: Some(value.clone()), ..ErrorFacts::default() }
}

fn object_facts(status: u16, error: &Map) -> ErrorFacts {
    let message = ["message", "detail", "error_msg", "msg"].into_iter().find_map(|key| str_at(error, key));
    let code = match error.get("code") {
        Some(Value::String(code)) => Some(code.clone()),
        Some(Value::Number(code)) => Some(code.to_string()),
        _ => None,
    };
    ErrorFacts {
        retry_after: None,
        status,
        message: message.map_or_else(
            || {
                format!(
                    "Error code: {status} - {}",
                    cut(&Value::Object(error.clone()).to_string(), BODY_LIMIT)
                )
            },
            str::to_owned,
        ),
        code,
        error_type: str_at(error, "type").map(str::to_owned),
        param: str_at(error, "param").map(str::to_owned),
        body: Some(Value::Object(error.clone())),
    }
}

/// The code of an error object as the status it may stand for.
pub fn status_of(error: &Value) -> Option<u16> {
    let code = match error.get("code")? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    u16::try_from(code).ok().filter(|status| (400..600).contains(status))
}

/// The error of an answer that failed half-way, whose finish reason is all that says so (ORT-05, RSN-09).
pub fn failed_finish(native: &str) -> Option<Error> {
    let kind = match native {
        "error" | "abort" | "network_error" => Kind::Connection,
        "insufficient_system_resource" => Kind::ServiceUnavailable,
        _ => return None,
    };
    Some(Error::new(kind, format!("the provider ended its answer with finish_reason '{native}'")))
}

/// Structured fields first, the provider's words last (ERR-05); the order is ERR-02's.
pub fn classify(facts: &ErrorFacts, accent: &Accent) -> Kind {
    let text = facts.message.to_lowercase();
    if let Some(kind) = kind_named(&text) {
        return kind;
    }
    let words = !accent.status_first || facts.status == 400;
    if facts.status == 429 || !accent.status_first && is_rate_limit(facts, &text, accent) {
        return Kind::RateLimit;
    }
    if words && (facts.code.as_deref() == Some("context_length_exceeded") || is_context_window(&text)) {
        return Kind::ContextWindowExceeded;
    }
    if text.contains("request timed out") || text.contains("a timeout occurred") {
        return Kind::Timeout;
    }
    if is_content_policy(facts, &text) {
        return Kind::ContentPolicy;
    }
    if !accent.status_first && text.contains("request too large") {
        return Kind::RateLimit;
    }
    if facts.status == 500 && text.contains("internal server error") {
        return Kind::InternalServer;
    }
    accent::kind_of_status(facts.status, accent).unwrap_or_else(|| match accent.errors {
        ErrorTable::Typed if is_invalid_request(facts) => Kind::BadRequest,
        ErrorTable::Openai | ErrorTable::Typed => of_status(facts.status),
        ErrorTable::Status => Kind::of_status(facts.status),
    })
}

/// The class that a gateway of ours, or of the reference, names in front of its words.
fn kind_named(text: &str) -> Option<Kind> {
    let named = text.strip_prefix("ferrolite.").or_else(|| text.strip_prefix("litellm."))?;
    [
        ("contentpolicyviolationerror:", Kind::ContentPolicy),
        ("contextwindowexceedederror:", Kind::ContextWindowExceeded),
        ("ratelimiterror:", Kind::RateLimit),
    ]
    .into_iter()
    .find_map(|(name, kind)| named.starts_with(name).then_some(kind))
}

/// A client error without a class of its own that calls itself an invalid request (ERR-02).
fn is_invalid_request(facts: &ErrorFacts) -> bool {
    facts.error_type.as_deref() == Some("invalid_request_error")
        && (400..500).contains(&facts.status)
        && of_status(facts.status) == Kind::Api
}

/// The code, that of the error within (AZ-08), or words.
fn is_content_policy(facts: &ErrorFacts, text: &str) -> bool {
    let inner = facts.body.as_ref().and_then(|body| {
        let inner = body.get("innererror").or_else(|| body.get("inner_error"))?;
        inner.get("code").and_then(Value::as_str)
    });
    matches!(
        facts.code.as_deref(),
        Some("content_filter" | "content_policy_violation" | "cyber_policy" | "moderation_blocked")
    ) || inner == Some("ResponsibleAIPolicyViolation")
        || [
            "violating our usage policy",
            "as a result of our safety system",
            "azure openai's content management policy",
            "the model produced invalid content",
        ]
        .iter()
        .any(|words| text.contains(words))
}

/// Where the status tells the class, words do not.
fn is_rate_limit(facts: &ErrorFacts, text: &str, accent: &Accent) -> bool {
    facts.code.as_deref() == Some("token_quota_reached")
        || accent.errors != ErrorTable::Status
            && (text.contains("rate limit") || text.contains("service tier capacity exceeded"))
}

/// Words of several servers for one thing (OSS-03), in small letters, minus what only sounds like it (ERR-04).
pub fn is_context_window(text: &str) -> bool {
    if text.contains("string too long") && text.contains("'user'") {
        return false;
    }
    [
        "maximum context length is",
        "maximum input length is",
        "model's maximum context limit",
        "exceed model maximum",
        "longer than the model's context length",
        "exceeds the available context size",
        "inputs tokens + max_new_tokens must be",
        "`inputs` tokens + `max_new_tokens` must be",
        "string too long. expected a string with maximum length",
        "input tokens exceed the configured limit",
        "length limit exceeded",
    ]
    .iter()
    .any(|words| text.contains(words))
        || (text.contains("current length is") && text.contains("while limit is"))
}

/// The status table of OpenAI-shaped hosts: client errors without a class of their own are plain API errors,
/// except 400 and 422. 403 has a class of its own here.
fn of_status(status: u16) -> Kind {
    match status {
        400 | 422 => Kind::BadRequest,
        401 => Kind::Authentication,
        403 => Kind::PermissionDenied,
        404 => Kind::NotFound,
        408 | 504 => Kind::Timeout,
        429 => Kind::RateLimit,
        500 => Kind::InternalServer,
        502 => Kind::BadGateway,
        503 => Kind::ServiceUnavailable,
        _ => Kind::Api,
    }
}
