//! Failed replies, and what each becomes.

use std::collections::BTreeMap;

use ferrolite::engine::{ChatCall, Settings};
use ferrolite::error::Error;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::facts::{self, compare};
use crate::support::{answer, keywords, variables};

#[derive(Debug, Deserialize)]
struct Row {
    provider: String,
    case: String,
    /// A number, or the name of a failure below HTTP.
    status: Value,
    body: Value,
    raises: Option<String>,
    as_status: Option<u16>,
}

/// What a reply with a status raises.
fn failure(model: &str, status: u16, body: &Value) -> Error {
    failed(keywords(model, json!({})), status, body)
}

/// The same for a call with these keywords.
pub fn failed(keywords: Value, status: u16, body: &Value) -> Error {
    let Value::Object(map) = keywords else { panic!("keywords") };
    let call = ChatCall::from_keywords(map, &Settings::default(), &variables()).expect("a call");
    let target = call.target();
    let wire = target.wire.chat().expect("a language with chat");
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let facts = wire.error_facts(status, text.as_bytes());
    let kind = wire.classify(&facts, target);
    call.envelope.error_context().name(facts.into_error(kind))
}

#[test]
fn failed_replies_raise_as_known() {
    let rows: Vec<Row> =
        serde_json::from_str(include_str!("../../facts/errors.json")).expect("facts of errors");
    let models: BTreeMap<&str, &str> =
        facts::providers().map(|(name, facts)| (name, facts.chat().model.as_str())).collect();
    let mut found = Vec::new();
    for row in &rows {
        let Some(model) = models.get(row.provider.as_str()) else { continue };
        let model = format!("{}/{model}", row.provider);
        // Failures below HTTP are the transport's, and tested there.
        let Some(status) = row.status.as_u64().and_then(|status| u16::try_from(status).ok()) else {
            continue;
        };
        let (class, got_status) = if status < 300 {
            match answer(&model, json!({}), &row.body) {
                Ok(_) => ("", None),
                Err(error) => (error.kind().class_name(), Some(error.status())),
            }
        } else {
            let error = failure(&model, status, &row.body);
            (error.kind().class_name(), Some(error.status()))
        };
        let known = row.raises.as_deref().unwrap_or_default();
        if class != known {
            found.push(format!("{}: {class} for {} instead of {known}", row.case, row.provider));
        } else if row.as_status.is_some() && got_status != row.as_status {
            found.push(format!(
                "{}: {got_status:?} for {} instead of {:?}",
                row.case, row.provider, row.as_status
            ));
        }
    }
    compare(&found, DIFFERENCES);
}

#[test]
fn messages_name_the_provider() {
    let body = json!({ "error": { "message": "no" } });
    for (provider, prefix) in [
        ("groq", "GroqException - no"),
        ("together_ai", "Together_aiException - no"),
        ("nano-gpt", "Nano-gptException - no"),
        ("ai21", "Ai21_chatException - no"),
        ("bedrock_mantle", "BedrockException - no"),
    ] {
        assert_eq!(failure(&format!("{provider}/m"), 400, &body).message(), prefix);
    }
}

const SUBCLASS: &str = "a subclass of BadRequestError, by the code of the error";
const NO_CHOICES: &str = "unreadable answers are one class here, and one class for each provider there";
const LISTED: &str = "an error in the words of the reference's own gateway";

/// (case, what it raises here and for whom, why)
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("content_policy", "ContentPolicyViolationError", SUBCLASS),
    ("context_window", "ContextWindowExceededError", SUBCLASS),
    ("empty_200", "InternalServerError", NO_CHOICES),
    ("error_body_200", "APIError", "an error in a good answer is an API error everywhere (OAI-10)"),
    ("error_body_200", "InternalServerError for cloudflare", NO_CHOICES),
    ("error_body_200", "InternalServerError for databricks", NO_CHOICES),
    ("error_body_200", "InternalServerError for snowflake", NO_CHOICES),
    ("failed_dependency", "Some(424) for databricks", "the exception says the provider's status"),
    ("forbidden", "PermissionDeniedError", "403 has a class of its own everywhere"),
    ("object_200", "InternalServerError", NO_CHOICES),
    ("text_200", "InternalServerError", NO_CHOICES),
    ("unprocessable", "Some(422) for databricks", "the exception says the provider's status"),
    (
        "word:authorization denied for",
        "BadRequestError for databricks",
        "the status says what is wrong, not the words (ERR-05)",
    ),
    ("word:litellm.ContextWindowExceededError", "BadRequestError for litellm_proxy", LISTED),
    ("word:litellm.RateLimitError", "InternalServerError for litellm_proxy", LISTED),
    ("word:rate limit", "RateLimitError for openrouter", "the words mean the same wherever they are said"),
    ("word:string too long", "ContextWindowExceededError for openrouter", SUBCLASS),
    ("word:string too long", "ContextWindowExceededError for veniceai", SUBCLASS),
];
