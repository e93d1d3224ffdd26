//! A gateway for one model, as the command line describes it.

use serde_json::{Value, json};

use super::problem::Severity;
use super::{Config, General, Problem};
use crate::auth::Secret;
use crate::config::Environment;
use crate::json::Map;
use crate::router::Deployment;

/// What may be said besides the model.
#[derive(Debug, Clone, Default)]
pub struct ModelOptions {
    pub alias: Option<String>,
    pub api_base: Option<String>,
    pub api_version: Option<String>,
    pub api_key: Option<Secret>,
    pub headers: Option<Map>,
    pub temperature: Option<f64>,
    pub max_tokens: Option<u64>,
    /// Seconds.
    pub request_timeout: Option<f64>,
    pub drop_params: bool,
    pub add_function_to_prompt: bool,
    pub max_budget: Option<f64>,
}

impl Config {
    /// One model, by its name or alias, that any other name leads to as well: what clients ask for does not matter.
    ///
    /// # Errors
    /// The one problem that keeps it from starting.
    pub fn of_model(
        model: &str,
        options: &ModelOptions,
        environment: &dyn Environment,
    ) -> Result<Self, Vec<Problem>> {
        let mut params = Map::new();
        params.insert("model".to_owned(), model.into());
        let said: [(&str, Option<Value>); 6] = [
            ("api_base", options.api_base.clone().map(Value::from)),
            ("api_version", options.api_version.clone().map(Value::from)),
            ("api_key", options.api_key.as_ref().map(|key| key.expose().into())),
            ("extra_headers", options.headers.clone().map(Value::Object)),
            ("temperature", options.temperature.map(Value::from)),
            ("max_tokens", options.max_tokens.map(Value::from)),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                params.insert(name.to_owned(), value);
            }
        }
        let problem = |severity, flag: &str, message: String| Problem {
            file: "command line".into(),
            line: 0,
            column: 0,
            path: flag.to_owned(),
            severity,
            message,
            nearest: None,
        };
        let own = options.alias.as_deref().unwrap_or(model);
        let read = |group: &str| {
            Deployment::read(&json!({ "model_name": group, "litellm_params": params }))
                .map_err(|failed| vec![problem(Severity::Error, "--model", super::build::said(&failed))])
        };
        crate::providers::split_model(model, None)
            .map_err(|failed| vec![problem(Severity::Error, "--model", super::build::said(&failed))])?;
        let mut config = Self { deployments: vec![read(own)?, read("*")?], ..Self::default() };
        config.engine.drop_params = options.drop_params;
        config.engine.request_timeout = options.request_timeout;
        if let Some(limit) = options.request_timeout {
            config.router.defaults.insert("timeout".to_owned(), limit.into());
        }
        config.general = General { master_key: super::build::master_key(environment), ..General::default() };
        let not_yet = [
            ("--add_function_to_prompt", options.add_function_to_prompt),
            ("--max_budget", options.max_budget.is_some()),
        ];
        for (flag, _) in not_yet.iter().filter(|(_, is_said)| *is_said) {
            config.warnings.push(problem(Severity::Warning, flag, format!("{flag} is not acted on yet")));
        }
        Ok(config)
    }
}
