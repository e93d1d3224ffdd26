//! The gateway's configuration: the YAML file as written, checked, and what it means.
//!
//! Three stages. `yaml` reads text into values that know their lines, `check` says every problem of a file with its line
//! and the nearest known key, and [`Config`] is what is left: typed, environment references resolved. The running
//! gateway is built from it and swapped whole on reload.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::auth::Secret;
use crate::engine::Settings;
use crate::json::Map;
use crate::router::{Deployment, RouterSettings};

/// What a gateway runs on.
#[derive(Debug, Default)]
pub struct Config {
    pub deployments: Vec<Deployment>,
    pub router: RouterSettings,
    /// Where usage, cooldowns and latencies are shared with other gateways.
    pub redis_url: Option<String>,
    /// `litellm_settings` that steer calls.
    pub engine: Settings,
    pub general: General,
    pub pass_through: Vec<PassThrough>,
    /// Python callbacks by their names or `module.object`, in the order of the file.
    pub hooks: Hooks,
    /// What the file says and the gateway does not do, or not quite.
    pub warnings: Vec<Problem>,
    /// The files that were read: the one that was named, then those it includes. Watched for changes.
    pub files: Vec<PathBuf>,
}

/// `general_settings`: who may come in, and how much.
#[derive(Debug)]
pub struct General {
    /// Without one, everybody may.
    pub master_key: Option<Secret>,
    pub jwt: Option<Jwt>,
    /// The largest body of a request, in bytes.
    pub max_request_bytes: usize,
    /// The most requests under way at once; further ones are answered 429 at once.
    pub max_parallel_requests: Option<usize>,
    /// Keywords that a client may send to say itself where its call goes and with which key; none by default (SSRF).
    pub client_credentials: Vec<String>,
    /// Headers of the client go upstream (`forward_client_headers_to_llm_api`): those that begin with `x-`.
    pub forward_client_headers: bool,
    /// Paths that need no key beside the health checks and the documentation.
    pub public_routes: Vec<String>,
    /// How long a stopping gateway waits for what is under way.
    pub drain: Duration,
}

impl Default for General {
    fn default() -> Self {
        Self {
            master_key: None,
            jwt: None,
            max_request_bytes: 100 * 1024 * 1024,
            max_parallel_requests: None,
            client_credentials: Vec::new(),
            forward_client_headers: false,
            public_routes: Vec::new(),
            drain: Duration::from_secs(30),
        }
    }
}

/// Tokens of somebody else's that let clients in.
#[derive(Debug, Clone, Default)]
pub struct Jwt {
    /// Where the public keys are.
    pub jwks_url: String,
    pub audience: Option<String>,
    pub issuer: Option<String>,
    /// The claim that names the user.
    pub user_claim: Option<String>,
}

/// An address of the gateway that stands for one elsewhere (`pass_through_endpoints`).
#[derive(Debug, Clone)]
pub struct PassThrough {
    pub path: String,
    pub target: String,
    pub headers: Vec<(String, Secret)>,
    pub include_subpath: bool,
    /// Whether a key of the gateway is needed.
    pub auth: bool,
    /// Whether the client's own headers go along.
    pub forward_headers: bool,
}

/// What is written in Python, by name.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    pub callbacks: Vec<String>,
    pub success_callbacks: Vec<String>,
    pub failure_callbacks: Vec<String>,
    pub custom_auth: Option<String>,
    /// `custom_provider_map`: (provider, handler).
    pub custom_providers: Vec<(String, String)>,
    /// `guardrails`, as written.
    pub guardrails: Vec<Value>,
    /// `callback_settings` and other settings of callbacks, as written.
    pub settings: Map,
}

// --- stand-ins until the reader is there ---
#[derive(Debug, Clone)]
pub struct Problem(String);
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
}
impl Problem { pub fn is_error(&self) -> bool { true } }
pub fn check(_file: &std::path::Path) -> Vec<Problem> { Vec::new() }
pub fn load(file: &std::path::Path) -> Result<Config, Vec<Problem>> {
    let text = std::fs::read_to_string(file).map_err(|e| vec![Problem(e.to_string())])?;
    let value: Value = serde_json::from_str(&text).map_err(|e| vec![Problem(e.to_string())])?;
    let mut config = Config { files: vec![file.to_owned()], ..Config::default() };
    for entry in value["model_list"].as_array().into_iter().flatten() {
        config.deployments.push(Deployment::read(entry).map_err(|e| vec![Problem(e.to_string())])?);
    }
    if let Some(router) = value["router_settings"].as_object() {
        config.router = RouterSettings::read(router).map_err(|e| vec![Problem(e.to_string())])?;
    }
    config.general.master_key = value["general_settings"]["master_key"].as_str().map(Secret::new);
    if let Some(url) = value["general_settings"]["jwt"]["jwks_url"].as_str() {
        let text = |name: &str| value["general_settings"]["jwt"][name].as_str().map(str::to_owned);
        config.general.jwt = Some(Jwt { jwks_url: url.to_owned(), audience: text("audience"), issuer: text("issuer"), user_claim: text("user_claim") });
    }
    for entry in value["general_settings"]["pass_through_endpoints"].as_array().into_iter().flatten() {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let switch = |name: &str| entry[name].as_bool().unwrap_or(false);
        let headers = entry["headers"].as_object().into_iter().flatten();
        config.pass_through.push(PassThrough {
            path: text("path"), target: text("target"), include_subpath: switch("include_subpath"),
            headers: headers.filter_map(|(name, value)| Some((name.clone(), Secret::new(value.as_str()?)))).collect(),
            auth: switch("auth"), forward_headers: switch("forward_headers"),
        });
    }
    Ok(config)
}
pub fn of_model(options: &Map) -> Result<Config, Vec<Problem>> {
    let model = options.get("model").cloned().unwrap_or_default();
    let mut params = options.clone();
    params.retain(|name, _| matches!(name.as_str(), "model" | "api_base" | "api_key"));
    let entry = serde_json::json!({ "model_name": model, "litellm_params": params });
    Ok(Config { deployments: vec![Deployment::read(&entry).map_err(|e| vec![Problem(e.to_string())])?], ..Config::default() })
}
