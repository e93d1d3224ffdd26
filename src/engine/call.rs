//! From keywords and settings to a call that is checked and ready to send. No network.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::mock::Mock;
use super::retry::RetryPolicy;
use super::{cache_marks, drop_params};
use crate::auth::{Secret, aws, azure};
use crate::config::{self, Environment};
use crate::error::{Error, Inner, Kind, Result};
use crate::hub::{ChatRequest, Options, Target, ThinkingBudgets, check_messages};
use crate::json::{Map, kind_of};
use crate::providers::{self, Route, Wanted};
use crate::transport::{Connection, Limits, Reach, Verify};

/// What a caller passes, by name. Keywords that are neither ours nor OpenAI's go to the provider.
pub type Keywords = Map;

const TIMEOUT: Duration = Duration::from_secs(600);
/// The longest time limit; longer ones, and none at all, are this long.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
/// The reference's default of the setting `request_timeout`, in seconds. There, too, calls end after `TIMEOUT`.
const UNSET_TIMEOUT: f64 = 6000.0;

/// Settings that hold for all calls of a face, as they stand when a call begins.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub api_key: Option<Secret>,
    pub api_base: Option<String>,
    /// Keys by provider, for providers whose key is set apart.
    pub keys: HashMap<String, Secret>,
    pub organization: Option<String>,
    /// The version of an interface that is dated.
    pub api_version: Option<String>,
    /// Azure's machines may be asked for a token of their identity.
    pub azure_machine_identity: bool,
    pub headers: Vec<(String, String)>,
    pub drop_params: bool,
    pub modify_params: bool,
    pub num_retries: Option<u32>,
    /// Seconds.
    pub request_timeout: Option<f64>,
    pub verify: Option<Verify>,
    /// Names that stand for other models.
    pub model_aliases: HashMap<String, String>,
    /// How often one chunk may repeat before the stream is cut (STR-23).
    pub repeated_chunk_limit: Option<u32>,
}

/// A chat completion that is ready to be sent.
#[derive(Debug)]
pub struct ChatCall {
    pub request: ChatRequest,
    pub route: Route,
    pub limits: Limits,
    pub connection: Connection,
    pub retry: RetryPolicy,
    pub headers: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    /// The caller wants a usage chunk (STR-20).
    pub include_usage: bool,
    pub repeated_chunk_limit: u32,
    pub mock: Option<Mock>,
}

/// What an error of a call says of its target.
#[derive(Debug, Clone)]
pub struct ErrorContext {
    pub provider: std::sync::Arc<str>,
    pub prefix: std::sync::Arc<str>,
    pub model: String,
    pub key: Option<Secret>,
}

impl ErrorContext {
    /// Names the target in an error, and puts the provider's name in front of its words.
    /// An upstream that repeats the key in its words is not quoted there (ERR-07).
    pub fn name(&self, mut error: Error) -> Error {
        if let Some(key) = &self.key {
            hide(key, error.facts_mut());
        }
        if error.facts().provider.is_none() {
            let prefix = self.prefix_of(&error);
            let facts = error.facts_mut();
            facts.message = format!("{prefix} - {}", facts.message);
        }
        error.at(&self.provider, &self.model)
    }

    /// The provider's name in errors, with their class where its row says so; a plain bad request has none.
    fn prefix_of(&self, error: &Error) -> Cow<'_, str> {
        let Some(name) = self.prefix.strip_suffix(" {class}") else { return Cow::Borrowed(&self.prefix) };
        if error.kind() == Kind::BadRequest && error.status() == 400 {
            return Cow::Borrowed(name);
        }
        Cow::Owned(format!("{name} {}", error.kind().class_name()))
    }
}

fn hide(key: &Secret, facts: &mut Inner) {
    let texts = [&mut facts.code, &mut facts.error_type, &mut facts.param, &mut facts.request_id];
    let headers = facts.headers.iter_mut().map(|(_, value)| value);
    for text in texts.into_iter().flatten().chain(headers).chain([&mut facts.message]) {
        if let Some(clean) = key.hidden_in(text) {
            *text = clean;
        }
    }
    if let Some(body) = &facts.body
        && let Some(clean) = key.hidden_in(&body.to_string())
    {
        facts.body = serde_json::from_str(&clean).ok();
    }
}

impl ChatCall {
    pub fn target(&self) -> &Target {
        &self.route.target
    }

    pub fn error_context(&self) -> ErrorContext {
        let target = self.target();
        ErrorContext {
            provider: target.provider.clone(),
            prefix: target.error_prefix.clone(),
            model: target.model.clone(),
            key: self.route.key.clone(),
        }
    }

    /// Reads and checks the keywords. `model` and `messages` are among them.
    pub fn from_keywords(
        mut keywords: Keywords,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        let mut control = Control::take(&mut keywords);
        let wanted = control.wanted(settings)?;
        let drop_params = control.switch("drop_params")?.unwrap_or(settings.drop_params)
            || config::switch(environment, "LITELLM_DROP_PARAMS");
        let modify_params = control.switch("modify_params")?.unwrap_or(settings.modify_params)
            || config::switch(environment, "LITELLM_MODIFY_PARAMS");
        let thinks = ["reasoning_effort", "thinking"].iter().any(|name| keywords.contains_key(*name));
        let thinking_budgets =
            if thinks { thinking_budgets(environment) } else { ThinkingBudgets::default() };
        let options = Options { drop_params, modify_params, thinking_budgets };
        check_types(&keywords).map_err(|error| name_wanted(error, &wanted))?;
        let mut request = ChatRequest::from_map(keywords).map_err(|error| name_wanted(error, &wanted))?;
        check_messages(&request.messages).map_err(|error| name_wanted(error, &wanted))?;
        let mock = Mock::take(&mut control)?;
        let route = match &mock {
            // A mock needs no key and no address.
            Some(_) => providers::resolve_without_key(wanted, options)?,
            None => providers::resolve(wanted, options, environment)?,
        };
        let target = &route.target;
        let named = |error: Error| error.at(&target.provider, &target.model);
        cache_marks::inject(&mut request, control.get("cache_control_injection_points")).map_err(named)?;
        drop_params::additional(&mut request, control.get("additional_drop_params")).map_err(named)?;
        let allowed =
            strings(control.get("allowed_openai_params"), "allowed_openai_params").map_err(named)?;
        if mock.is_none() {
            drop_params::check(&mut request, target, &allowed)?;
        }
        let include_usage = wants_usage(&request);
        let asks_itself =
            route.row.accent.always_stream_usage && route.row.base.as_deref() == Some(&target.base);
        if request.stream && asks_itself && !request.params.has("stream_options") {
            request.params.0.insert("stream_options".into(), serde_json::json!({ "include_usage": true }));
        }
        let mut headers = settings.headers.clone();
        for keyword in ["headers", "extra_headers"] {
            headers.extend(pairs(control.get(keyword), keyword).map_err(named)?);
        }
        for (header, keyword) in &route.row.keywords_from_headers {
            add_to_keyword(&mut request, keyword, header, &headers);
        }
        let (limits, connect_timeout) = control.limits(request.stream, settings).map_err(named)?;
        Ok(Self {
            limits,
            connection: Connection {
                verify: control.verify(settings, environment),
                connect_timeout,
                reach: Reach::Anywhere,
            },
            retry: control.retry(&route, settings).map_err(named)?,
            headers,
            query: pairs(control.get("extra_query"), "extra_query").map_err(named)?,
            include_usage,
            repeated_chunk_limit: settings.repeated_chunk_limit.unwrap_or(100),
            mock,
            request,
            route,
        })
    }
}

/// Keywords whose type decides what becomes of the call.
fn check_types(keywords: &Keywords) -> Result<()> {
    match keywords.get("stream") {
        None | Some(Value::Bool(_) | Value::Null) => {}
        Some(other) => return Err(wrong("stream", "a boolean", other)),
    }
    match keywords.get("extra_body") {
        None | Some(Value::Object(_) | Value::Null) => Ok(()),
        Some(other) => Err(wrong("extra_body", "an object", other)),
    }
}

/// What the caller put into a header, where the provider reads it: behind what the keyword holds already.
fn add_to_keyword(request: &mut ChatRequest, keyword: &str, header: &str, headers: &[(String, String)]) {
    let given = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
    let items: Vec<Value> = given
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(Value::from)
        .collect();
    if items.is_empty() {
        return;
    }
    match request.extra.get_mut(keyword) {
        Some(Value::Array(list)) => list.extend(items),
        Some(Value::String(text)) => {
            let mut list = vec![Value::from(std::mem::take(text))];
            list.extend(items);
            request.extra.insert(keyword.to_owned(), list.into());
        }
        _ => {
            request.extra.insert(keyword.to_owned(), items.into());
        }
    }
}

fn name_wanted(error: Error, wanted: &Wanted) -> Error {
    match providers::split_model(&wanted.model, wanted.provider.as_deref()) {
        Ok((provider, model)) => error.at(&provider, &model),
        Err(_) => error,
    }
}

fn wants_usage(request: &ChatRequest) -> bool {
    let options = request.params.get("stream_options").and_then(Value::as_object);
    options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool).unwrap_or(false)
}

/// Budgets that the environment overrides (ANT-14).
fn thinking_budgets(environment: &dyn Environment) -> ThinkingBudgets {
    let mut budgets = ThinkingBudgets::default();
    let read = |level: &str| -> Option<u64> {
        environment.get(&format!("DEFAULT_REASONING_EFFORT_{level}_THINKING_BUDGET"))?.parse().ok()
    };
    budgets.minimal = read("MINIMAL");
    for (level, slot) in [
        ("LOW", &mut budgets.low),
        ("MEDIUM", &mut budgets.medium),
        ("HIGH", &mut budgets.high),
        ("XHIGH", &mut budgets.xhigh),
        ("MAX", &mut budgets.max),
    ] {
        if let Some(value) = read(level) {
            *slot = value;
        }
    }
    budgets
}

/// Keywords that steer the call and are never sent.
const CONTROL: &[&str] = &[
    "acompletion",
    "additional_drop_params",
    "allowed_model_region",
    "allowed_openai_params",
    "api_base",
    "api_key",
    "api_type",
    "api_version",
    "assistant_continue_message",
    "async_call",
    "base_model",
    "base_url",
    "bos_token",
    "budget_duration",
    "cache",
    "cache_control_injection_points",
    "cache_key",
    "caching",
    "caching_groups",
    "client",
    "client_id",
    "client_secret",
    "complete_response",
    "completion_call_id",
    "content_policy_fallbacks",
    "context_window_fallback_dict",
    "context_window_fallbacks",
    "cooldown_time",
    "custom_llm_provider",
    "custom_prompt_dict",
    "data_residency",
    "deployment_id",
    "disable_fallbacks",
    "drop_params",
    "enable_json_schema_validation",
    "ensure_alternating_roles",
    "eos_token",
    "extra_headers",
    "extra_query",
    "fallback_depth",
    "fallbacks",
    "final_prompt_value",
    "force_timeout",
    "guardrails",
    "headers",
    "hf_model_name",
    "id",
    "initial_prompt_value",
    "litellm_call_id",
    "litellm_credential_name",
    "litellm_disabled_callbacks",
    "litellm_logging_obj",
    "litellm_metadata",
    "litellm_request_debug",
    "litellm_session_id",
    "litellm_trace_id",
    "logger_fn",
    "max_budget",
    "max_fallbacks",
    "max_parallel_requests",
    "max_retries",
    "merge_reasoning_content_in_choices",
    "mock_delay",
    "mock_response",
    "mock_timeout",
    "mock_tool_calls",
    "model",
    "model_alias_map",
    "model_config",
    "model_id",
    "model_info",
    "model_list",
    "modify_params",
    "no-log",
    "num_retries",
    "order",
    "organization",
    "preset_cache_key",
    "project",
    "prompt_id",
    "prompt_label",
    "prompt_variables",
    "prompt_version",
    "provider_specific_header",
    "proxy_server_request",
    "region_name",
    "request_timeout",
    "retry_policy",
    "retry_strategy",
    "roles",
    "routing_strategy",
    "rpm",
    "secret_fields",
    "shared_session",
    "ssl_verify",
    "stream_chunk_size",
    "stream_response",
    "stream_timeout",
    "supports_system_message",
    "tags",
    "tenant_id",
    "text_completion",
    "timeout",
    "tpm",
    "ttl",
    "turn_off_message_logging",
    "use_chat_completions_api",
    "use_client",
    "use_in_pass_through",
    "use_litellm_proxy",
    "user_continue_message",
    "verbose",
    "weight",
];

/// Those of them that act here. The others are accepted, whatever they hold.
const READ: &[&str] = &[
    "additional_drop_params",
    "allowed_openai_params",
    "api_base",
    "api_key",
    "api_version",
    "azure_ad_token",
    "azure_password",
    "azure_scope",
    "azure_username",
    "base_model",
    "base_url",
    "cache_control_injection_points",
    "client_id",
    "client_secret",
    "custom_llm_provider",
    "deployment_id",
    "drop_params",
    "extra_headers",
    "extra_query",
    "headers",
    "max_retries",
    "mock_delay",
    "mock_response",
    "mock_timeout",
    "mock_tool_calls",
    "model",
    "model_alias_map",
    "modify_params",
    "num_retries",
    "organization",
    "project",
    "request_timeout",
    "ssl_verify",
    "stream_timeout",
    "tenant_id",
    "timeout",
];

/// Whether a keyword may hold anything: it steers nothing here, or is a caller's own notes.
pub fn is_ignored(name: &str) -> bool {
    name == "metadata" || is_control(name) && READ.binary_search(&name).is_err()
}

/// Prices of a caller's own are keywords too: `input_cost_per_token` and its many relatives.
fn is_control(name: &str) -> bool {
    CONTROL.binary_search(&name).is_ok()
        // Among them are secrets: they never reach a body (BED-23, AZ-10).
        || name.starts_with("aws_")
        || name.starts_with("azure_")
        || name.contains("_cost_per_")
        || name.contains("_token_cost")
        || name.starts_with("langfuse_")
        || name.starts_with("langsmith_")
}

/// The steering keywords of one call: a handful that many look for, so a list.
#[derive(Debug)]
pub(super) struct Control(Vec<(String, Value)>);

impl Control {
    fn take(keywords: &mut Keywords) -> Self {
        let mut taken = Vec::new();
        if keywords.keys().any(|name| is_control(name)) {
            for (name, value) in std::mem::take(keywords) {
                if is_control(&name) {
                    taken.push((name, value));
                } else {
                    keywords.insert(name, value);
                }
            }
        }
        Self(taken)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    pub(super) fn take_value(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a string", other)),
        }
    }

    /// A switch, also written as a text (GEN-02); an unreadable one counts as off.
    pub(super) fn switch(&self, name: &str) -> Result<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(*on)),
            Some(Value::String(text)) => Ok(Some(config::parse_switch(text).unwrap_or(false))),
            Some(other) => Err(wrong(name, "a boolean", other)),
        }
    }

    fn count(&self, name: &str) -> Result<Option<u32>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
                Some(count) => Ok(Some(count)),
                None => Err(wrong(name, "a whole number from 0", value)),
            },
        }
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.get(name).map_or(Ok(None), |value| time_limit(name, value))
    }

    fn wanted(&self, settings: &Settings) -> Result<Wanted> {
        let mut model = match self.get("model") {
            Some(Value::String(model)) => model.clone(),
            Some(other) => return Err(wrong("model", "a string", other)),
            None => String::new(),
        };
        if let Some(Value::Object(own)) = self.get("model_alias_map")
            && let Some(Value::String(other)) = own.get(&model)
        {
            model.clone_from(other);
        } else if let Some(other) = settings.model_aliases.get(&model) {
            model.clone_from(other);
        }
        let mut provider = self.text("custom_llm_provider")?.map(str::to_owned);
        if let Some(deployment) = self.text("deployment_id")? {
            // Only Azure has deployments.
            deployment.clone_into(&mut model);
            provider = Some("azure".to_owned());
        }
        let api_base = match self.text("api_base")? {
            Some(base) => Some(base),
            None => self.text("base_url")?,
        };
        let api_key = self.text("api_key")?.map(Secret::new).or_else(|| {
            let provider = providers::split_model(&model, provider.as_deref()).ok()?.0;
            settings.keys.get(&provider).cloned().or_else(|| settings.api_key.clone())
        });
        let mut header_values = Vec::new();
        for keyword in ["api_version", "organization", "project"] {
            if let Some(value) = self.text(keyword)? {
                header_values.push((keyword.to_owned(), value.to_owned()));
            }
        }
        for (keyword, setting) in
            [("api_version", &settings.api_version), ("organization", &settings.organization)]
        {
            if let Some(value) = setting {
                header_values.push((keyword.to_owned(), value.clone()));
            }
        }
        Ok(Wanted {
            model,
            provider,
            api_base: api_base.map(str::to_owned).or_else(|| settings.api_base.clone()),
            api_key,
            header_values,
            aws: aws::Keywords::read(|name| Ok(self.text(name)?.map(str::to_owned)))?,
            azure: azure::Keywords::read(
                |name| Ok(self.text(name)?.map(str::to_owned)),
                settings.azure_machine_identity,
            )?,
            model_id: self.text("model_id")?.map(str::to_owned),
            base_model: self.text("base_model")?.map(str::to_owned),
        })
    }

    /// Time limits: `timeout` in seconds, or an object with `connect` and `read` as httpx has them. Zero counts as not
    /// given, as in the reference.
    fn limits(&self, stream: bool, settings: &Settings) -> Result<(Limits, Option<Duration>)> {
        let names: &[&str] = if stream {
            &["stream_timeout", "timeout", "request_timeout"]
        } else {
            &["timeout", "request_timeout"]
        };
        let given = names.iter().find_map(|name| self.get(name).map(|value| (*name, value)));
        let mut connect = None;
        let total = match given {
            None => match settings.request_timeout {
                Some(seconds) if seconds != UNSET_TIMEOUT => time_limit("request_timeout", &seconds.into())?,
                _ => None,
            },
            Some((name, Value::Object(limits))) => {
                let limit = |part| limits.get(part).map_or(Ok(None), |value| time_limit(name, value));
                connect = limit("connect")?;
                limit("read")?
            }
            Some((name, value)) => time_limit(name, value)?,
        };
        let total = total.unwrap_or(TIMEOUT);
        Ok((Limits { total, idle: total }, connect))
    }

    /// `num_retries` counts for every provider; `max_retries` and a default of its own only for those whose client
    /// repeats by itself. One budget: they do not multiply (ERR-14).
    fn retry(&self, route: &Route, settings: &Settings) -> Result<RetryPolicy> {
        let max_retries = self.count("max_retries")?;
        let own = route.row.client_retries.map_or(0, |default| max_retries.unwrap_or(default));
        let retries = match (self.count("num_retries")?, max_retries) {
            (Some(count), _) => count,
            (None, None) => settings.num_retries.unwrap_or(own),
            (None, Some(_)) => own,
        };
        Ok(RetryPolicy { retries })
    }

    fn verify(&self, settings: &Settings, environment: &dyn Environment) -> Verify {
        match self.get("ssl_verify") {
            Some(Value::Bool(false)) => return Verify::Off,
            Some(Value::String(text)) => {
                return match config::parse_switch(text) {
                    Some(true) => Verify::System,
                    Some(false) => Verify::Off,
                    None => Verify::File(PathBuf::from(text)),
                };
            }
            _ => {}
        }
        if let Some(verify) = &settings.verify {
            return verify.clone();
        }
        if environment.get("SSL_VERIFY").as_deref().and_then(config::parse_switch) == Some(false) {
            return Verify::Off;
        }
        environment.get("SSL_CERT_FILE").map_or(Verify::System, |path| Verify::File(PathBuf::from(path)))
    }
}

fn wrong(name: &str, expected: &str, found: &Value) -> Error {
    let found = match found {
        Value::Number(number) => number.to_string(),
        other => kind_of(other).to_owned(),
    };
    Error::bad_request(format!("Invalid '{name}': expected {expected}, got {found}.")).with_param(name)
}

/// A number of seconds, also as text; `None` for zero.
fn time_limit(name: &str, value: &Value) -> Result<Option<Duration>> {
    let seconds = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    match seconds {
        Some(seconds) if seconds > 0.0 => {
            Ok(Some(Duration::try_from_secs_f64(seconds).map_or(LONGEST, |limit| limit.min(LONGEST))))
        }
        Some(0.0) => Ok(None),
        Some(seconds) => Err(Error::bad_request(format!(
            "Invalid '{name}': expected a positive number of seconds, got {seconds}."
        ))
        .with_param(name)),
        None => Err(wrong(name, "a number of seconds", value)),
    }
}

/// An object of texts, as headers and queries are.
fn pairs(value: Option<&Value>, name: &str) -> Result<Vec<(String, String)>> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Object(map)) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key.clone(), text.clone())),
                Value::Number(_) | Value::Bool(_) => Ok((key.clone(), value.to_string())),
                other => Err(wrong(&format!("{name}.{key}"), "a string", other)),
            })
            .collect(),
        Some(other) => Err(wrong(name, "an object", other)),
    }
}

pub(super) fn strings(value: Option<&Value>, name: &str) -> Result<Vec<String>> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::String(text) => Ok(text.clone()),
                other => Err(wrong(&format!("{name}[{index}]"), "a string", other)),
            })
            .collect(),
        Some(other) => Err(wrong(name, "a list of names", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_names_are_sorted() {
        for names in [CONTROL, READ] {
            assert!(names.is_sorted());
        }
        assert!(READ.iter().all(|name| is_control(name)));
    }
}
