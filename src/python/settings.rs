//! The package's module-level settings, read as they stand when a call begins.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::auth::Secret;
use crate::config;
use crate::engine::Settings;
use crate::transport::Verify;

/// Settings that hold one provider's key: (attribute, provider).
const KEYS: &[(&str, &str)] = &[
    ("anthropic_key", "anthropic"),
    ("azure_key", "azure"),
    ("gemini_key", "gemini"),
    ("openai_key", "openai"),
];

/// A setting that is there and not None.
fn find<'py>(module: &Bound<'py, PyDict>, name: &Bound<'py, PyString>) -> Option<Bound<'py, PyAny>> {
    module.get_item(name).ok().flatten().filter(|value| !value.is_none())
}

/// Reads the settings from the module's own dict. A name that was never set has its default.
pub fn read<'py>(module: &Bound<'py, PyDict>) -> Settings {
    let py = module.py();
    let get = |name: &Bound<'py, PyString>| find(module, name);
    let text = |name: &Bound<'py, PyString>| get(name).and_then(|value| value.extract::<String>().ok());
    let switch = |name: &Bound<'py, PyString>| {
        get(name).is_some_and(|value| match value.extract::<String>() {
            Ok(text) => config::parse_switch(&text).unwrap_or(false),
            Err(_) => value.is_truthy().unwrap_or(false),
        })
    };
    let mut settings = Settings {
        api_key: text(intern!(py, "api_key")).map(Secret::new),
        api_base: text(intern!(py, "api_base")),
        organization: text(intern!(py, "organization")),
        vertex_project: text(intern!(py, "vertex_project")),
        vertex_location: text(intern!(py, "vertex_location")),
        api_version: text(intern!(py, "api_version")),
        azure_machine_identity: switch(intern!(py, "enable_azure_ad_token_refresh")),
        drop_params: switch(intern!(py, "drop_params")),
        modify_params: switch(intern!(py, "modify_params")),
        num_retries: get(intern!(py, "num_retries")).and_then(|value| value.extract().ok()),
        request_timeout: get(intern!(py, "request_timeout")).and_then(|value| value.extract().ok()),
        repeated_chunk_limit: get(intern!(py, "REPEATED_STREAMING_CHUNK_LIMIT"))
            .and_then(|value| value.extract().ok()),
        ..Settings::default()
    };
    for (attribute, provider) in KEYS {
        if let Some(key) =
            module.get_item(attribute).ok().flatten().and_then(|value| value.extract::<String>().ok())
        {
            settings.keys.insert((*provider).to_owned(), Secret::new(key));
        }
    }
    if let Some(headers) = get(intern!(py, "headers"))
        && let Ok(headers) = headers.cast::<PyDict>()
    {
        settings.headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.extract().ok()?, value.str().ok()?.to_string())))
            .collect();
    }
    if let Some(aliases) = get(intern!(py, "model_alias_map"))
        && let Ok(aliases) = aliases.cast::<PyDict>()
    {
        settings.model_aliases = aliases
            .iter()
            .filter_map(|(name, model)| Some((name.extract().ok()?, model.extract().ok()?)))
            .collect();
    }
    settings.verify = get(intern!(py, "ssl_verify")).and_then(|value| match value.extract::<bool>() {
        // The default: the environment may say otherwise.
        Ok(true) => None,
        Ok(false) => Some(Verify::Off),
        Err(_) => value.extract::<String>().ok().map(|text| Verify::of_text(&text)),
    });
    settings
}
