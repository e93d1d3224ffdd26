//! From what a client asks to an answer of the router.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use axum::response::Response;
use serde_json::Value;

use super::answer;
use super::dialect::Dialect;
use super::hooks::Step;
use super::record::Call;
use super::state::{Gateway, Running};
use crate::engine::{Keywords, is_ignored, is_steering};
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
pub async fn answer(
    gateway: &Arc<Gateway>,
    running: &Arc<Running>,
    call: &Call,
    ask: Ask,
) -> Result<Response> {
    let Ask { call_type, dialect, mut keywords, files, headers } = ask;
    if call_type.resource().is_some() {
        // The model has said whose it is.
        keywords.shift_remove("custom_llm_provider");
    }
    check(call_type, &keywords, &running.config.general.client_credentials)?;
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
    call.asks(call_type, &model);
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
    answer::write(call, shown, outcome).await
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
    let asked =
        Asked::read(Some(call_type).filter(|call_type| *call_type != CallType::Chat), keywords, files)?;
    let model = asked.model.clone();
    let plan = Plan::new(running.router.clone(), asked);
    let plan =
        plan.map_err(|error| if is_known(running, &model) { error } else { unknown_model(running, &model) })?;
    // On the heap, or every future around it would be as wide and be moved as a whole.
    Box::pin(router::run(gateway.caller(running), plan)).await
}

fn is_known(running: &Running, model: &str) -> bool {
    running.router.view().table.find(model).is_some()
}

/// The error of a model that is not served, with the one whose name is nearest.
pub fn unknown_model(running: &Running, model: &str) -> Error {
    let view = running.router.view();
    let near = strsim_nearest(model, view.table.listed().into_iter());
    let hint = near.map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
    let mut error = Error::bad_request(format!(
        "Invalid model name passed in model={model}.{hint} Call `/v1/models` to see the models that are served."
    ));
    error.facts_mut().param = Some("model".to_owned());
    error.facts_mut().code = Some("model_not_found".to_owned());
    error
}

fn strsim_nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near =
        known.map(|other| (strsim::jaro_winkler(name, other), other)).filter(|(score, _)| *score > 0.75);
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

/// Keywords that steer a call and that any client may use: none says where it goes.
const FREE: [&str; 21] = [
    "additional_drop_params",
    "allowed_openai_params",
    "cache_control_injection_points",
    "drop_params",
    "extra_headers",
    "extra_query",
    "final_prompt_value",
    "headers",
    "initial_prompt_value",
    "max_retries",
    "mock_delay",
    "mock_response",
    "mock_timeout",
    "mock_tool_calls",
    "model",
    "modify_params",
    "num_retries",
    "request_timeout",
    "roles",
    "stream_timeout",
    "timeout",
];

/// Keywords of the reference's that reach past the router.
const REACHING: [&str; 9] = [
    "azure_endpoint",
    "endpoint",
    "litellm_credential_name",
    "litellm_params",
    "model_config",
    "model_info",
    "model_list",
    "specific_deployment",
    "user_config",
];

/// How keywords begin that are a provider's, or a callback's, addresses and credentials.
const REACHING_FAMILIES: [&str; 5] = ["aws_", "azure_", "langfuse_", "langsmith_", "vertex_"];

/// Keywords that are a place to go on at, with keywords of its own.
const HOPS: [&str; 4] =
    ["fallbacks", "context_window_fallback_dict", "context_window_fallbacks", "content_policy_fallbacks"];

/// Headers that say whose the request is, or how it is framed.
const PROOFS: [&str; 20] = [
    "api-key",
    "api_key",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "ocp-apim-subscription-key",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-amz-security-token",
    "x-api-key",
    "x-forwarded-host",
    "x-goog-api-key",
    "x-key",
    "xi-api-key",
];

/// Keywords that the rows of providers read: parts of addresses, files with keys.
static OF_ROWS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let rows = crate::providers::embedded_rows().filter_map(|(_, row)| row.ok());
    rows.flat_map(|row| row.keywords().map(str::to_owned).collect::<Vec<_>>()).collect()
});

fn reaches(name: &str) -> bool {
    let is_price = || name.contains("_cost_per_") || name.contains("_token_cost");
    REACHING.contains(&name)
        || REACHING_FAMILIES.iter().any(|start| name.starts_with(start))
        || is_price()
        || OF_ROWS.contains(name)
        || (is_steering(name) && !is_ignored(name) && !FREE.contains(&name))
}

/// Refuses what would let a client say where its call goes, with whose key, or at what price: an address given by a
/// client is one that it may not reach itself (SSRF).
pub fn check(call_type: CallType, keywords: &Keywords, allowed: &[String]) -> Result<()> {
    // A batch has an `endpoint` of its own.
    let own = call_type.parameters();
    for (name, value) in keywords {
        if reaches(name)
            && !own.contains(&name.as_str())
            && !value.is_null()
            && !allowed.iter().any(|allowed| allowed == name)
        {
            return Err(Error::bad_request(format!(
                "'{name}' is not taken from clients: it says where a call goes or with whose key. To allow addresses and keys of clients, set \
                 general_settings.allow_client_side_credentials."
            ))
            .with_param(name));
        }
        match name.as_str() {
            "headers" | "extra_headers" => check_headers(name, value)?,
            // It would replace the model behind the router's back.
            "extra_body" if value.get("model").is_some() => {
                return Err(Error::bad_request("'model' is not taken from clients within extra_body.")
                    .with_param(name));
            }
            hops if HOPS.contains(&hops) => check_within(call_type, value, allowed)?,
            _ => {}
        }
    }
    Ok(())
}

/// Every object in a list of places to go on at, however deep.
fn check_within(call_type: CallType, value: &Value, allowed: &[String]) -> Result<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_within(call_type, item, allowed)),
        Value::Object(keywords) => {
            // A table has the names of models as keys, whatever they are.
            if !keywords.values().all(|value| value.is_array() || value.is_string())
                || keywords.contains_key("model")
            {
                return check(call_type, keywords, allowed);
            }
            check(call_type, keywords, allowed)?;
            keywords.values().try_for_each(|value| check_within(call_type, value, allowed))
        }
        _ => Ok(()),
    }
}

fn check_headers(name: &str, value: &Value) -> Result<()> {
    let proof = value
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|header| PROOFS.iter().any(|proof| header.trim().eq_ignore_ascii_case(proof)));
    match proof {
        Some(proof) => {
            Err(Error::bad_request(format!("The header '{proof}' is not taken from clients."))
                .with_param(name))
        }
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(keywords: &Value) -> bool {
        check(CallType::Chat, keywords.as_object().unwrap(), &[]).is_err()
    }

    #[test]
    fn what_says_where_a_call_goes_is_refused() {
        for keywords in [
            json!({ "api_base": "http://x" }),
            json!({ "base_url": "http://x" }),
            json!({ "custom_llm_provider": "ollama" }),
            json!({ "vertex_credentials": "/etc/passwd" }),
            json!({ "oci_key_file": "/etc/passwd" }),
            json!({ "aicore_auth_url": "http://x" }),
            json!({ "deployment_url": "http://x" }),
            json!({ "ssl_verify": "/etc/passwd" }),
            json!({ "aws_anything": "x" }),
            json!({ "langfuse_host": "http://x" }),
            json!({ "input_cost_per_token": 0 }),
            json!({ "litellm_params": { "api_base": "http://x" } }),
            json!({ "extra_body": { "model": "other" } }),
            json!({ "fallbacks": [{ "model": "a", "api_base": "http://x" }] }),
            json!({ "fallbacks": [{ "a": ["b", { "model": "c", "base_url": "http://x" }] }] }),
            json!({ "fallbacks": [{ "a": [{ "model": "c", "fallbacks": [{ "api_key": "k" }] }] }] }),
            json!({ "context_window_fallbacks": [{ "api_base": "http://x" }] }),
            json!({ "extra_headers": { "Authorization": "Bearer x" } }),
            json!({ "headers": { "Host": "x" } }),
            json!({ "extra_headers": { "transfer-encoding": "chunked" } }),
        ] {
            assert!(refused(&keywords), "{keywords}");
        }
    }

    #[test]
    fn what_is_a_clients_own_is_taken() {
        for keywords in [
            json!({ "metadata": { "user_id": "u", "api_base": "noted" }, "user": "u", "tags": ["a"] }),
            json!({ "litellm_metadata": {}, "cache": { "no-cache": true }, "guardrails": ["a"] }),
            json!({ "timeout": 3, "num_retries": 1, "extra_headers": { "x-mine": "1" }, "extra_body": { "top_k": 1 } }),
            json!({ "fallbacks": ["a", { "model": "b", "temperature": 0 }, { "a": ["b"] }] }),
            json!({ "api_base": null }),
        ] {
            assert!(!refused(&keywords), "{keywords}");
        }
        let allowed = ["api_key".to_owned()];
        assert!(check(CallType::Chat, json!({ "api_key": "k" }).as_object().unwrap(), &allowed).is_ok());
    }
}
