//! From what a client asks to an answer of the router.

use std::sync::Arc;

use axum::response::Response;
use serde_json::Value;

use super::answer;
use super::dialect::Dialect;
use super::hooks::Step;
use super::record::Call;
use super::state::{Gateway, Running};
use crate::engine::{Keywords, is_steering};
use crate::error::{Error, Result};
use crate::hub::{CallType, Upload};
use crate::json::Map;
use crate::router::{self, Asked, Outcome, Plan};

/// What a client asks.
pub struct Ask {
    pub call_type: CallType,
    pub dialect: Dialect,
    pub keywords: Keywords,
    pub files: Vec<Upload>,
    /// Headers of the client that go upstream.
    pub headers: Map,
}

/// Makes a call and writes its answer.
pub async fn answer(gateway: &Arc<Gateway>, running: &Arc<Running>, call: &Call, ask: Ask) -> Result<Response> {
    let Ask { call_type, dialect, mut keywords, files, headers } = ask;
    check(&keywords, &running.config.general.client_credentials)?;
    keywords.retain(|_, value| !value.is_null());
    if let Some(hooked) = &call.hooked {
        keywords = hooked.pre_call(call_type, keywords).await?;
        keywords.retain(|_, value| !value.is_null());
    }
    add_headers(&mut keywords, headers);
    let model = match keywords.get("model") {
        Some(Value::String(model)) => model.clone(),
        None => default_model(running, call_type)?,
        Some(_) => return Err(Error::invalid("model", "expected a string")),
    };
    let shown = Shown { model, dialect, call_type, usage_asked: asks_for_usage(&keywords) };
    keywords.insert("model".to_owned(), shown.model.clone().into());
    if shown.call_type == CallType::Chat && keywords.get("stream") == Some(&Value::Bool(true)) {
        // The gateway counts every stream; the client sees the counts only where it asked for them.
        let options = keywords.entry("stream_options").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(options) = options {
            options.insert("include_usage".to_owned(), true.into());
        }
    }
    let running = run(gateway, running, call_type, keywords, files);
    let outcome = match call.hooked.as_ref().filter(|hooked| hooked.has(Step::Moderate)) {
        // What moderation refuses is answered at once; the call is given up.
        Some(hooked) => futures_util::future::try_join(running, hooked.moderate()).await?.0,
        None => running.await?,
    };
    answer::write(gateway, call, shown, outcome).await
}

/// How an answer is shown to its client.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The name that the client has asked for.
    pub model: String,
    pub dialect: Dialect,
    pub call_type: CallType,
    /// Whether the client wants the chunk with the counts.
    pub usage_asked: bool,
}

fn asks_for_usage(keywords: &Keywords) -> bool {
    let options = keywords.get("stream_options").and_then(Value::as_object);
    options.and_then(|options| options.get("include_usage")) == Some(&Value::Bool(true))
}

/// Carries a call out.
pub async fn run(
    gateway: &Arc<Gateway>,
    running: &Arc<Running>,
    call_type: CallType,
    keywords: Keywords,
    files: Vec<Upload>,
) -> Result<Outcome> {
    let asked = Asked::read(Some(call_type).filter(|call_type| *call_type != CallType::Chat), keywords, files)?;
    let model = asked.model.clone();
    let plan = Plan::new(running.router.clone(), asked);
    let plan = plan.map_err(|error| if is_known(running, &model) { error } else { unknown_model(running, &model) })?;
    router::run(gateway.caller(running), plan).await
}

fn is_known(running: &Running, model: &str) -> bool {
    running.router.view().table.find(model).is_some()
}

/// The error of a model that is not served, with the one whose name is nearest.
pub fn unknown_model(running: &Running, model: &str) -> Error {
    let view = running.router.view();
    let near = strsim_nearest(model, view.table.names().into_iter());
    let hint = near.map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
    let mut error = Error::bad_request(format!(
        "Invalid model name passed in model={model}.{hint} Call `/v1/models` to see the models that are served."
    ));
    error.facts_mut().param = Some("model".to_owned());
    error.facts_mut().code = Some("model_not_found".to_owned());
    error
}

fn strsim_nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near = known.map(|other| (strsim::jaro_winkler(name, other), other)).filter(|(score, _)| *score > 0.75);
    near.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, name)| name)
}

/// The model of a call that names none: calls about an account's things need none, a gateway with one model means it.
fn default_model(running: &Running, call_type: CallType) -> Result<String> {
    let view = running.router.view();
    let names = view.table.names();
    match names.as_slice() {
        [one] if call_type == CallType::Moderation => Ok((*one).to_owned()),
        _ => Err(Error::bad_request("'model' is missing.").with_param("model")),
    }
}

/// Keywords that steer a call and that any client may use.
const FREE: [&str; 26] = [
    "additional_drop_params",
    "allowed_openai_params",
    "cache_control_injection_points",
    "content_policy_fallbacks",
    "context_window_fallbacks",
    "custom_llm_provider",
    "disable_fallbacks",
    "drop_params",
    "extra_headers",
    "extra_query",
    "fallbacks",
    "guardrails",
    "headers",
    "litellm_metadata",
    "max_retries",
    "metadata",
    "mock_delay",
    "mock_response",
    "mock_timeout",
    "mock_tool_calls",
    "model",
    "num_retries",
    "request_timeout",
    "stream_timeout",
    "tags",
    "timeout",
];

/// Keywords of the reference's that reach past the router.
const REACHING: [&str; 5] = ["litellm_credential_name", "model_config", "model_info", "model_list", "user_config"];

/// Headers that say whose the request is.
const PROOFS: [&str; 8] = [
    "api-key",
    "authorization",
    "cookie",
    "host",
    "proxy-authorization",
    "x-amz-security-token",
    "x-api-key",
    "x-goog-api-key",
];

/// Refuses what would let a client say where its call goes, or with whose key: an address given by a client is one
/// that it may not reach itself (SSRF).
pub fn check(keywords: &Keywords, allowed: &[String]) -> Result<()> {
    for (name, value) in keywords {
        let reaches = REACHING.contains(&name.as_str()) || (is_steering(name) && !FREE.contains(&name.as_str()));
        if reaches && !value.is_null() && !allowed.iter().any(|allowed| allowed == name) {
            return Err(Error::bad_request(format!(
                "'{name}' is not taken from clients: it says where a call goes or with whose key. To allow addresses and keys of clients, set \
                 general_settings.allow_client_side_credentials."
            ))
            .with_param(name));
        }
        if matches!(name.as_str(), "headers" | "extra_headers")
            && let Some(headers) = value.as_object()
            && let Some(proof) = headers.keys().find(|name| PROOFS.iter().any(|proof| name.eq_ignore_ascii_case(proof)))
        {
            return Err(Error::bad_request(format!("The header '{proof}' is not taken from clients.")).with_param(name));
        }
        // A fallback has keywords of its own.
        if matches!(name.as_str(), "fallbacks" | "context_window_fallbacks" | "content_policy_fallbacks") {
            for hop in value.as_array().into_iter().flatten().filter_map(Value::as_object) {
                check(hop, allowed)?;
            }
        }
    }
    Ok(())
}

/// Headers of the client join those that the request has as a keyword, which win.
fn add_headers(keywords: &mut Keywords, headers: Map) {
    if headers.is_empty() {
        return;
    }
    let own = keywords.entry("extra_headers").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(own) = own {
        for (name, value) in headers {
            own.entry(name).or_insert(value);
        }
    }
}
