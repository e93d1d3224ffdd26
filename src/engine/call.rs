//! From keywords and settings to a call that is checked and ready to send. No network.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::control::{Control, Keywords, pairs, strings, time_limit, wrong};
use super::error_context::ErrorContext;
use super::mock::Mock;
use super::retry::RetryPolicy;
use super::{cache_marks, drop_params};
use crate::auth::{Secret, aws};
use crate::config::{self, Environment};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Options, Target, ThinkingBudgets, check_messages};
use crate::providers::{self, Route, Wanted};
use crate::transport::{Connection, Limits, Reach, Verify};

const TIMEOUT: Duration = Duration::from_secs(600);
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
        let mut wanted = wanted(&control, settings)?;
        take_values(&mut wanted, &mut keywords, &control).map_err(|error| name_wanted(error, &wanted))?;
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
        let (limits, connect_timeout) = limits(&control, request.stream, settings).map_err(named)?;
        Ok(Self {
            limits,
            connection: Connection {
                verify: verify(&control, settings, environment),
                connect_timeout,
                reach: Reach::Anywhere,
            },
            retry: retry(&control, &route, settings).map_err(named)?,
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

fn wanted(control: &Control, settings: &Settings) -> Result<Wanted> {
    let mut model = match control.get("model") {
        Some(Value::String(model)) => model.clone(),
        Some(other) => return Err(wrong("model", "a string", other)),
        None => String::new(),
    };
    if let Some(Value::Object(own)) = control.get("model_alias_map")
        && let Some(Value::String(other)) = own.get(&model)
    {
        model.clone_from(other);
    } else if let Some(other) = settings.model_aliases.get(&model) {
        model.clone_from(other);
    }
    let provider = control.text("custom_llm_provider")?.map(str::to_owned);
    let api_base = match control.text("api_base")? {
        Some(base) => Some(base),
        None => control.text("base_url")?,
    };
    let api_key = control.text("api_key")?.map(Secret::new).or_else(|| {
        let provider = providers::split_model(&model, provider.as_deref()).ok()?.0;
        settings.keys.get(&provider).cloned().or_else(|| settings.api_key.clone())
    });
    let mut header_values = Vec::new();
    for keyword in ["organization", "project"] {
        if let Some(value) = control.text(keyword)? {
            header_values.push((keyword.to_owned(), value.to_owned()));
        }
    }
    if let Some(organization) = &settings.organization {
        header_values.push(("organization".to_owned(), organization.clone()));
    }
    Ok(Wanted {
        model,
        provider,
        api_base: api_base.map(str::to_owned).or_else(|| settings.api_base.clone()),
        api_key,
        header_values,
        aws: aws::Keywords::read(|name| Ok(control.text(name)?.map(str::to_owned)))?,
        model_id: control.text("model_id")?.map(str::to_owned),
    })
}

/// Keywords that the provider's row has a place for: they are not sent.
fn take_values(wanted: &mut Wanted, keywords: &mut Keywords, control: &Control) -> Result<()> {
    let Ok((provider, _)) = providers::split_model(&wanted.model, wanted.provider.as_deref()) else {
        return Ok(());
    };
    let Some(row) = providers::row(&provider) else { return Ok(()) };
    for keyword in row.vars.values().filter_map(|variable| variable.keyword.as_deref()) {
        let value = match keywords.shift_remove(keyword) {
            None | Some(Value::Null) => control.text(keyword)?.map(str::to_owned),
            Some(Value::String(text)) => Some(text),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(other) => return Err(wrong(keyword, "a string", &other)),
        };
        wanted.header_values.extend(value.map(|value| (keyword.to_owned(), value)));
    }
    Ok(())
}

/// Time limits: `timeout` in seconds, or an object with `connect` and `read` as httpx has them. Zero counts as not
/// given, as in the reference.
fn limits(control: &Control, stream: bool, settings: &Settings) -> Result<(Limits, Option<Duration>)> {
    let names: &[&str] = if stream {
        &["stream_timeout", "timeout", "request_timeout"]
    } else {
        &["timeout", "request_timeout"]
    };
    let given = names.iter().find_map(|name| control.get(name).map(|value| (*name, value)));
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
fn retry(control: &Control, route: &Route, settings: &Settings) -> Result<RetryPolicy> {
    let max_retries = control.count("max_retries")?;
    let own = route.row.client_retries.map_or(0, |default| max_retries.unwrap_or(default));
    let retries = match (control.count("num_retries")?, max_retries) {
        (Some(count), _) => count,
        (None, None) => settings.num_retries.unwrap_or(own),
        (None, Some(_)) => own,
    };
    Ok(RetryPolicy { retries })
}

fn verify(control: &Control, settings: &Settings, environment: &dyn Environment) -> Verify {
    match control.get("ssl_verify") {
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
