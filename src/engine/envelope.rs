//! From keywords and settings to where a call goes and how it is carried. No network.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::billing::Billing;
use super::control::{Control, Keywords, pairs, time_limit, wrong};
use super::error_context::ErrorContext;
use super::retry::RetryPolicy;
use crate::auth::{Secret, aws, azure, google};
use crate::cache::Cache;
use crate::config::{self, Environment};
use crate::error::{Error, Result};
use crate::hub::{CallType, Options, PromptTemplate, Target, ThinkingBudgets};
use crate::json::Map;
use crate::providers::{self, Route, Wanted};
use crate::transport::{Connection, Limits, Reach, Verify};

const TIMEOUT: Duration = Duration::from_secs(600);
/// The reference's default of the setting `request_timeout`, in seconds. There, too, calls end after `TIMEOUT`.
const UNSET_TIMEOUT: f64 = 6000.0;

/// Settings that hold for all calls of a face, as they stand when a call begins.
#[allow(clippy::struct_excessive_bools, reason = "they are switches of the caller's")]
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub api_key: Option<Secret>,
    pub api_base: Option<String>,
    pub keys: Keys,
    pub organization: Option<String>,
    pub project: Option<String>,
    pub vertex_project: Option<String>,
    pub vertex_location: Option<String>,
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
    /// Ways of making one text of a conversation, by model.
    pub prompt_templates: HashMap<String, Arc<PromptTemplate>>,
    /// How often one chunk may repeat before the stream is cut (STR-23).
    pub repeated_chunk_limit: Option<u32>,
    /// Chat with OpenAI's models is asked for over Responses.
    pub chat_over_responses: bool,
    /// Where answers are kept.
    pub cache: Option<Arc<Cache>>,
    /// Deployments of one group do not share what is kept.
    pub caching_with_models: bool,
}

/// Where the keys are that a face has set apart for single providers. Asked once a call, for its provider.
#[derive(Clone, Default)]
pub struct Keys(Option<Arc<FindKey>>);

type FindKey = dyn Fn(&str) -> Option<Secret> + Send + Sync;

impl Keys {
    pub fn new(find: impl Fn(&str) -> Option<Secret> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(find)))
    }

    fn of(&self, provider: &str) -> Option<Secret> {
        self.0.as_ref().and_then(|find| find(provider))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

/// How a call is carried: where to, with what proof, within which limits.
#[derive(Debug)]
pub struct Envelope {
    pub route: Route,
    pub limits: Limits,
    pub connection: Connection,
    pub retry: RetryPolicy,
    pub headers: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    pub billing: Option<Box<Billing>>,
    /// Keep the upstream's reply as it came, for whoever logs the call.
    pub keep_reply: bool,
}

/// What decides how keywords are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    pub call_type: CallType,
    pub stream: bool,
    /// Nothing is sent: no key is needed, and no address.
    pub mocked: bool,
}

impl Envelope {
    pub(super) fn new(
        wanted: Wanted,
        control: &Control,
        purpose: Purpose,
        options: Options,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        let route = if purpose.mocked {
            providers::resolve_without_key(wanted, purpose.call_type, options)?
        } else {
            providers::resolve(wanted, purpose.call_type, options, environment)?
        };
        let named = |error: Error| error.at(&route.target.provider, &route.target.model);
        let mut headers = settings.headers.clone();
        for keyword in ["headers", "extra_headers"] {
            headers.extend(pairs(control.get(keyword), keyword).map_err(named)?);
        }
        let (limits, connect_timeout) = limits(control, purpose.stream, settings).map_err(named)?;
        Ok(Self {
            limits,
            connection: Connection {
                verify: verify(control, settings, environment),
                connect_timeout,
                reach: Reach::Anywhere,
            },
            retry: retry(control, &route, settings).map_err(named)?,
            headers,
            billing: Billing::of(control),
            query: pairs(control.get("extra_query"), "extra_query").map_err(named)?,
            keep_reply: false,
            route,
        })
    }

    pub fn target(&self) -> &Target {
        &self.route.target
    }

    pub fn error_context(&self) -> ErrorContext {
        let target = self.target();
        ErrorContext {
            provider: target.provider.clone(),
            prefix: target.error_prefix.clone(),
            model: target.model.clone(),
            secrets: self.secrets(),
            attempts: 0,
            attempts_allowed: self.retry.retries,
        }
    }

    /// What the call proves itself with, as far as that is known before keys are fetched.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut secrets: Vec<Secret> = self.route.key.iter().cloned().collect();
        if let Some(signing) = &self.route.signing {
            signing.source.secrets(&mut secrets);
        }
        secrets
    }
}

/// The switches of a call that translation needs.
pub(super) fn options(
    control: &Control,
    keywords: &Keywords,
    settings: &Settings,
    environment: &dyn Environment,
) -> Result<Options> {
    let drop_params = control.switch("drop_params")?.unwrap_or(settings.drop_params)
        || config::switch(environment, "LITELLM_DROP_PARAMS");
    let modify_params = control.switch("modify_params")?.unwrap_or(settings.modify_params)
        || config::switch(environment, "LITELLM_MODIFY_PARAMS");
    let thinks = ["reasoning_effort", "thinking"].iter().any(|name| keywords.contains_key(*name));
    let thinking_budgets = if thinks { thinking_budgets(environment) } else { ThinkingBudgets::default() };
    Ok(Options { drop_params, modify_params, thinking_budgets, prompt_template: None })
}

/// The caller's way of making one text of a conversation: of this call, or registered for its model.
pub(super) fn prompt_template(
    control: &Control,
    wanted: &Wanted,
    settings: &Settings,
) -> Result<Option<Arc<PromptTemplate>>> {
    let own: Map = ["roles", "initial_prompt_value", "final_prompt_value"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), control.get(name)?.clone())))
        .collect();
    if let Some(template) = PromptTemplate::read(&own)? {
        return Ok(Some(Arc::new(template)));
    }
    let registered = &settings.prompt_templates;
    if registered.is_empty() {
        return Ok(None);
    }
    let name = wanted.model.split_once('/').map_or(wanted.model.as_str(), |(_, name)| name);
    Ok(registered.get(&wanted.model).or_else(|| registered.get(name)).cloned())
}

pub(super) fn name_wanted(error: Error, wanted: &Wanted) -> Error {
    match (providers::split_model(&wanted.model, wanted.provider.as_deref()), &wanted.provider) {
        (Ok((provider, model)), _) => error.at(&provider, &model),
        (Err(_), Some(provider)) => error.at(provider, &wanted.model),
        (Err(_), None) => error,
    }
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

/// Where the caller wants the call to go.
pub(super) fn wanted(
    call_type: CallType,
    control: &Control,
    keywords: &mut Keywords,
    settings: &Settings,
) -> Result<Wanted> {
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
    let mut provider = control.text("custom_llm_provider")?.map(str::to_owned);
    if let Some(deployment) = control.text("deployment_id")? {
        // Only Azure has deployments.
        deployment.clone_into(&mut model);
        provider = Some("azure".to_owned());
    }
    // Both names mean the same; when both are given, LiteLLM's calls differ in which one counts.
    let (first, second) = match call_type {
        CallType::Chat | CallType::TextCompletion => ("base_url", "api_base"),
        _ => ("api_base", "base_url"),
    };
    let api_base = match control.text(first)? {
        Some(base) => Some(base),
        None => control.text(second)?,
    };
    if provider.is_none() {
        provider = api_base.and_then(|base| providers::of_address(&model, base)).map(str::to_owned);
    }
    // The maker of a bare name is looked for once: what follows finds it in front of the name.
    if let Ok((found, rest)) = providers::split_model(&model, provider.as_deref()) {
        model = format!("{found}/{rest}");
        provider = Some(found);
    }
    if settings.chat_over_responses
        && call_type == CallType::Chat
        && provider.as_deref() == Some("openai")
        && let Some(rest) = model.strip_prefix("openai/")
        && !["responses/", "chat_completions/"].iter().any(|way| rest.starts_with(way))
    {
        model = format!("openai/responses/{rest}");
    }
    let of_settings = || {
        let own = provider.as_deref().and_then(|provider| settings.keys.of(provider));
        own.or_else(|| settings.api_key.clone())
    };
    let api_key = control.text("api_key")?.map(Secret::new).or_else(of_settings);
    let row = provider.as_deref().and_then(providers::row);
    let named = row.iter().flat_map(|row| row.keywords());
    let mut values = Vec::new();
    for name in named.chain(["organization", "project"]) {
        // Those that are no keywords of ours would go into the body.
        let value = match keywords.shift_remove(name) {
            Some(Value::Null) | None => control.text(name)?.map(str::to_owned),
            Some(Value::String(text)) => Some(text),
            Some(other) => return Err(wrong(name, "a string", &other)),
        };
        values.extend(value.map(|value| (name.to_owned(), value)));
    }
    let ours = [
        ("api_version", &settings.api_version),
        ("organization", &settings.organization),
        ("project", &settings.project),
    ];
    for (name, setting) in ours {
        values.extend(setting.clone().map(|value| (name.to_owned(), value)));
    }
    let mut google =
        google::Keywords::read(|name| control.get(name), |name| Ok(control.text(name)?.map(str::to_owned)))?;
    google.project = google.project.or_else(|| settings.vertex_project.clone());
    google.location = google.location.or_else(|| settings.vertex_location.clone());
    Ok(Wanted {
        model,
        provider,
        api_base: api_base.map(str::to_owned).or_else(|| settings.api_base.clone()),
        api_key,
        values,
        google,
        aws: aws::Keywords::read(|name| Ok(control.text(name)?.map(str::to_owned)))?,
        azure: azure::Keywords::read(
            |name| Ok(control.text(name)?.map(str::to_owned)),
            settings.azure_machine_identity,
        )?,
        model_id: control.text("model_id")?.map(str::to_owned),
        base_model: control.text("base_model")?.map(str::to_owned),
        unproven: false,
    })
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

/// The call's word, else the setting's, else the environment's. A call that turns the check on has it, whatever the
/// others say; which roots it is done with stays theirs to say.
fn verify(control: &Control, settings: &Settings, environment: &dyn Environment) -> Verify {
    let given = match control.get("ssl_verify") {
        Some(Value::Bool(on)) => Some(Verify::of_switch(*on)),
        Some(Value::String(text)) => Some(Verify::of_text(text)),
        _ => None,
    };
    let is_on = match given {
        Some(Verify::System) => true,
        Some(other) => return other,
        None => false,
    };
    if let Some(verify) = settings.verify.as_ref().filter(|verify| !is_on || **verify != Verify::Off) {
        return verify.clone();
    }
    if !is_on && environment.get("SSL_VERIFY").as_deref().and_then(config::parse_switch) == Some(false) {
        return Verify::Off;
    }
    environment.get("SSL_CERT_FILE").map_or(Verify::System, |path| Verify::File(PathBuf::from(path)))
}
