//! The gateway's configuration: the YAML file as written, checked, and what it means.
//!
//! Four stages. `yaml` reads text into values that know their lines, `source` adds what a file includes and puts the
//! environment's values in, `schema` holds all of it against the known keys (`keys.toml`), and `build` makes the
//! [`Config`] that the running gateway is built from and that is swapped whole on reload. Each says what is wrong to
//! one report, so that [`check`] names every problem at once.

mod build;
mod cache;
mod command;
mod models;
mod problem;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod yaml;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

pub use command::ModelOptions;
pub use problem::{Problem, Severity};
pub use source::Variables;

use crate::auth::Secret;
use crate::cache::Spec;
use crate::config::Environment;
use crate::engine::Settings;
use crate::error::Result as CoreResult;
use crate::json::Map;
use crate::providers::{self, Provider};
use crate::router::{Deployment, RouterSettings};
use problem::Report;

/// What a gateway runs on.
#[derive(Default)]
pub struct Config {
    pub deployments: Vec<Deployment>,
    pub router: RouterSettings,
    /// Where usage, cooldowns and latencies are shared with other gateways.
    pub redis_url: Option<String>,
    /// `litellm_settings` that steer calls. The cache is not open yet: see [`Config::open_cache`].
    pub engine: Settings,
    /// The cache as it is described.
    pub cache: Option<Spec>,
    /// `environment_variables`, in front of those of the process.
    pub variables: Variables,
    /// `providers`: rows of one's own, which [`Config::register_providers`] puts in force.
    pub providers: Vec<Provider>,
    pub general: General,
    pub pass_through: Vec<PassThrough>,
    /// Python callbacks by their names or `module.object`, in the order of the file.
    pub hooks: Hooks,
    /// The files that were read: the one that was named, then those it includes. Watched for changes.
    pub files: Vec<PathBuf>,
    /// What is not acted on, or looks wrong, and does not keep a gateway from starting.
    pub warnings: Vec<Problem>,
}

impl fmt::Debug for Config {
    /// Without what may have a key in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deployments, general, hooks, files, warnings, .. } = self;
        f.debug_struct("Config")
            .field("deployments", deployments)
            .field("general", general)
            .field("hooks", hooks)
            .field("files", files)
            .field("warnings", warnings)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads a file. `os.environ/NAME` is resolved here, and nowhere else.
    ///
    /// # Errors
    /// Every problem, with the warnings among them, when one of them is an error.
    pub fn load(path: &Path, environment: &dyn Environment) -> Result<Self, Vec<Problem>> {
        let (config, problems) = read(path, environment);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        Ok(Self { warnings: problems, ..config })
    }

    /// Opens the cache, whose connections will live on the runtime `home`.
    ///
    /// # Errors
    /// `Config` for a cache that cannot be as it is described.
    pub fn open_cache(&mut self, home: tokio::runtime::Handle) -> CoreResult<()> {
        if let Some(spec) = &self.cache {
            self.engine.cache = Some(std::sync::Arc::new(spec.open(home, &self.variables)?));
        }
        Ok(())
    }

    /// Whether somebody is asked for a key or the like.
    pub fn is_guarded(&self) -> bool {
        self.general.master_key.is_some() || self.general.jwt.is_some() || self.hooks.custom_auth.is_some()
    }

    /// Puts the file's own providers in force, for the whole process.
    ///
    /// # Errors
    /// `Config` for a row that cannot be.
    pub fn register_providers(&self) -> CoreResult<()> {
        self.providers.iter().cloned().try_for_each(providers::register)
    }
}

/// Every problem of a file, in the order of its lines; none when all is well.
pub fn check(path: &Path, environment: &dyn Environment) -> Vec<Problem> {
    read(path, environment).1
}

/// The file that the environment names, for when the command line names none.
pub fn file_of_environment(environment: &dyn Environment) -> Option<PathBuf> {
    environment.get("CONFIG_FILE_PATH").map(PathBuf::from)
}

fn read(path: &Path, environment: &dyn Environment) -> (Config, Vec<Problem>) {
    let mut report = Report::default();
    let mut root = source::read(path, &mut report);
    let variables = source::variables(&mut root, environment, &mut report);
    let over = variables.over(environment);
    source::resolve(&mut root, &over, &mut report);
    schema::check(&mut root, &mut report);
    let config = build::build(&root, &over, &mut report);
    let files = report.files.clone();
    (Config { variables, files, ..config }, report.finish())
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
    /// How long a hook in Python may take.
    pub hook_timeout: Duration,
    /// The most hooks in Python that are waited for at once.
    pub max_parallel_hooks: usize,
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
            hook_timeout: Duration::from_secs(30),
            max_parallel_hooks: 1000,
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
#[derive(Clone, Default)]
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

impl fmt::Debug for Hooks {
    /// Without settings and guardrails, which may have keys in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { callbacks, success_callbacks, failure_callbacks, custom_auth, custom_providers, .. } =
            self;
        f.debug_struct("Hooks")
            .field("callbacks", callbacks)
            .field("success_callbacks", success_callbacks)
            .field("failure_callbacks", failure_callbacks)
            .field("custom_auth", custom_auth)
            .field("custom_providers", custom_providers)
            .finish_non_exhaustive()
    }
}
