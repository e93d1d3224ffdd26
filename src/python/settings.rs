//! The package's module-level settings, read as they stand when a call begins.

use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::Value;

use super::cache::CoreCache;
use super::{error, value};
use crate::auth::Secret;
use crate::config;
use crate::engine::{Keys, Settings};
use crate::hub::PromptTemplate;
use crate::transport::Verify;

/// Settings that hold one provider's key: (provider, attribute).
const KEYS: &[(&str, &str)] = &[
    ("ai21", "ai21_key"),
    ("amazon_nova", "amazon_nova_api_key"),
    ("anthropic", "anthropic_key"),
    ("azure", "azure_key"),
    ("baseten", "baseten_key"),
    ("bytez", "bytez_key"),
    ("clarifai", "clarifai_key"),
    ("cloudflare", "cloudflare_api_key"),
    ("cohere", "cohere_key"),
    ("cohere_chat", "cohere_key"),
    ("cometapi", "cometapi_key"),
    ("databricks", "databricks_key"),
    ("datarobot", "datarobot_key"),
    ("gdc", "gdc_key"),
    ("gemini", "gemini_key"),
    ("gigachat", "gigachat_key"),
    ("gradient_ai", "gradient_ai_api_key"),
    ("groq", "groq_key"),
    ("heroku", "heroku_key"),
    ("huggingface", "huggingface_key"),
    ("inception", "inception_key"),
    ("infinity", "infinity_key"),
    ("lemonade", "lemonade_key"),
    ("maritalk", "maritalk_key"),
    ("meta_llama", "llama_api_key"),
    ("nebius", "nebius_key"),
    ("nlp_cloud", "nlp_cloud_key"),
    ("novita", "novita_api_key"),
    ("ollama", "ollama_key"),
    ("ollama_chat", "ollama_key"),
    ("openai", "openai_key"),
    ("openai_like", "openai_like_key"),
    ("openrouter", "openrouter_key"),
    ("ovhcloud", "ovhcloud_key"),
    ("predibase", "predibase_key"),
    ("replicate", "replicate_key"),
    ("sap", "sap_service_key"),
    ("snowflake", "snowflake_key"),
    ("together_ai", "togetherai_api_key"),
    ("vercel_ai_gateway", "vercel_ai_gateway_key"),
    ("wandb", "wandb_key"),
    ("xai", "xai_key"),
];

/// A setting that is there and not None.
fn find<'py>(module: &Bound<'py, PyDict>, name: &Bound<'py, PyString>) -> Option<Bound<'py, PyAny>> {
    module.get_item(name).ok().flatten().filter(|value| !value.is_none())
}

/// The keys of single providers, each looked up when a call goes to its provider.
fn keys(module: &Bound<'_, PyDict>) -> Keys {
    let module = module.clone().unbind();
    Keys::new(move |provider| {
        let (_, attribute) = KEYS.iter().find(|(known, _)| *known == provider)?;
        Python::attach(|py| {
            let value = module.bind(py).get_item(attribute).ok().flatten()?;
            value.extract::<String>().ok().map(Secret::new)
        })
    })
}

/// One entry of `custom_prompt_dict`; none for what is no template, which `register_prompt_template` refuses.
fn template(model: &Bound<'_, PyAny>, form: &Bound<'_, PyAny>) -> Option<(String, Arc<PromptTemplate>)> {
    let Ok(Value::Object(form)) = value::to_json(form, "custom_prompt_dict") else { return None };
    Some((model.extract().ok()?, Arc::new(PromptTemplate::read(&form).ok()??)))
}

/// Reads the settings from the module's own dict. A name that was never set has its default.
pub fn read<'py>(py: Python<'py>, module: &Bound<'py, PyDict>) -> PyResult<Settings> {
    let get = |name: &Bound<'py, PyString>| find(module, name);
    let text = |name: &Bound<'py, PyString>| get(name).and_then(|value| value.extract::<String>().ok());
    let switch = |name: &Bound<'py, PyString>| {
        get(name).is_some_and(|value| match value.cast::<PyString>() {
            Ok(text) => text.to_str().ok().and_then(config::parse_switch).unwrap_or(false),
            Err(_) => value.is_truthy().unwrap_or(false),
        })
    };
    let mut settings = Settings {
        api_key: text(intern!(py, "api_key")).map(Secret::new),
        api_base: text(intern!(py, "api_base")),
        organization: text(intern!(py, "organization")),
        project: text(intern!(py, "project")),
        vertex_project: text(intern!(py, "vertex_project")),
        vertex_location: text(intern!(py, "vertex_location")),
        api_version: text(intern!(py, "api_version")),
        azure_machine_identity: switch(intern!(py, "enable_azure_ad_token_refresh")),
        drop_params: switch(intern!(py, "drop_params")),
        modify_params: switch(intern!(py, "modify_params")),
        chat_over_responses: switch(intern!(py, "route_all_chat_openai_to_responses")),
        num_retries: get(intern!(py, "num_retries")).and_then(|value| value.extract().ok()),
        request_timeout: get(intern!(py, "request_timeout")).and_then(|value| value.extract().ok()),
        repeated_chunk_limit: get(intern!(py, "REPEATED_STREAMING_CHUNK_LIMIT"))
            .and_then(|value| value.extract().ok()),
        keys: keys(module),
        ..Settings::default()
    };
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
    if let Some(templates) = get(intern!(py, "custom_prompt_dict"))
        && let Ok(templates) = templates.cast::<PyDict>()
    {
        settings.prompt_templates =
            templates.iter().filter_map(|(model, form)| template(&model, &form)).collect();
    }
    settings.verify = get(intern!(py, "ssl_verify")).and_then(|value| match value.extract::<bool>() {
        // The default: the environment may say otherwise.
        Ok(true) => None,
        Ok(false) => Some(Verify::Off),
        Err(_) => value.extract::<String>().ok().map(|text| Verify::of_text(&text)),
    });
    // A cache that is not all ours is asked in Python.
    if let Some(cache) = get(intern!(py, "cache"))
        && let Ok(core) = cache.getattr(intern!(py, "_core"))
        && let Ok(core) = core.cast::<CoreCache>()
    {
        settings.cache = Some(core.get().cache().map_err(|failed| error::exception(py, failed))?);
        settings.caching_with_models = switch(intern!(py, "caching_with_models"));
    }
    Ok(settings)
}
