//! What is known of models and providers, for Python's helpers.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::config::ProcessEnvironment;
use crate::hub::CallType;
use crate::{engine, providers};

/// The parameters that a call of the model takes; `None` where there is no such call.
#[pyfunction]
#[pyo3(signature = (model, provider = None, call_type = "chat"))]
pub fn supported_params(
    model: &str,
    provider: Option<&str>,
    call_type: &str,
) -> PyResult<Option<Vec<&'static str>>> {
    let call_type = CallType::from_name(call_type)
        .ok_or_else(|| PyValueError::new_err(format!("there is no call type '{call_type}'")))?;
    Ok(engine::supported_params(model, provider, call_type))
}

/// Whether a listed model has an ability.
#[pyfunction]
pub fn model_can(model: &str, provider: Option<&str>, ability: &str) -> bool {
    engine::can(model, provider, ability)
}

/// The facts of a listed model.
#[pyfunction]
#[pyo3(signature = (model, provider = None))]
pub fn model_facts<'py>(
    py: Python<'py>,
    model: &str,
    provider: Option<&str>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some((provider, facts)) = engine::facts(model, provider) else { return Ok(None) };
    let out = PyDict::new(py);
    out.set_item("key", &facts.key)?;
    out.set_item("provider", provider)?;
    out.set_item("mode", &facts.mode)?;
    out.set_item("max_input_tokens", facts.max_input_tokens)?;
    out.set_item("max_output_tokens", facts.max_output_tokens)?;
    out.set_item("abilities", &facts.abilities)?;
    out.set_item("lacks", &facts.lacks)?;
    Ok(Some(out))
}

/// Names of the listed models of a provider.
#[pyfunction]
pub fn model_names(provider: &str) -> Vec<&'static str> {
    engine::model_names(provider)
}

/// Names of the built-in providers.
#[pyfunction]
pub fn provider_names() -> Vec<&'static str> {
    providers::names().collect()
}

/// Names of the built-in providers whose key is in the environment.
#[pyfunction]
pub fn providers_with_keys() -> Vec<&'static str> {
    engine::providers_with_keys(&ProcessEnvironment)
}

/// What a provider's row says, as far as a caller may want to know it; `None` for an unknown one.
#[pyfunction]
pub fn provider_facts<'py>(py: Python<'py>, provider: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(row) = providers::row(provider) else { return Ok(None) };
    let calls: Vec<_> = row.calls.keys().map(|call_type| call_type.name()).collect();
    let out = PyDict::new(py);
    out.set_item("name", &row.name)?;
    out.set_item("base", &row.base)?;
    out.set_item("base_env", &row.base_env)?;
    out.set_item("key_env", &row.key_env)?;
    out.set_item("auth", format!("{:?}", row.auth))?;
    out.set_item("wire", row.wires.chat.map(|wire| format!("{wire:?}")))?;
    out.set_item("calls", calls)?;
    Ok(Some(out))
}

/// Variables that a provider still needs; `None` for an unknown one.
#[pyfunction]
pub fn missing_environment(provider: &str, has_key: bool, has_base: bool) -> Option<Vec<String>> {
    let row = providers::row(provider)?;
    Some(engine::missing_environment(&row, has_key, has_base, &ProcessEnvironment))
}

/// Whether a keyword steers a call, and is never sent to a provider.
#[pyfunction]
pub fn is_steering(name: &str) -> bool {
    engine::is_steering(name)
}
