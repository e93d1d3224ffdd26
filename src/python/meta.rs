//! What is known of a call besides its answer.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::Value;

use super::value::to_python;
use crate::engine::{AttemptRecord, Billing, Meta, new_uuid};
use crate::hub::CallType;
use crate::json::Map;

/// One attempt of a router, for those who report it.
pub fn attempt_dict<'py>(py: Python<'py>, attempt: &AttemptRecord) -> PyResult<Bound<'py, PyDict>> {
    #[expect(clippy::cast_precision_loss, reason = "microseconds since the epoch fit")]
    let seconds = |micros: u64| micros as f64 / 1e6;
    let out = PyDict::new(py);
    out.set_item("deployment", &*attempt.deployment)?;
    out.set_item("group", &*attempt.group)?;
    out.set_item("model", &attempt.model)?;
    out.set_item("began", seconds(attempt.began))?;
    out.set_item("ended", seconds(attempt.ended))?;
    out.set_item("hedge", attempt.is_hedge)?;
    out.set_item("abandoned", attempt.is_abandoned)?;
    let failure = attempt.failure.as_ref();
    out.set_item("error", failure.map(|failure| failure.kind.class_name()))?;
    out.set_item("status", failure.map(|failure| failure.status))?;
    out.set_item("message", failure.map(|failure| failure.message.as_str()))?;
    Ok(out)
}

/// What is known of a call besides its answer, turned into dicts when somebody looks.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct CallMeta(pub Meta);

#[pymethods]
impl CallMeta {
    /// The reference's `_hidden_params`.
    fn hidden_params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let meta = &self.0;
        let out = PyDict::new(py);
        out.set_item("custom_llm_provider", &*meta.provider)?;
        out.set_item("model_id", meta.routing.as_ref().map(|routing| &*routing.deployment))?;
        out.set_item("api_base", &meta.api_base)?;
        out.set_item("response_cost", py.None())?;
        out.set_item("litellm_call_id", new_uuid())?;
        out.set_item("litellm_model_name", format!("{}/{}", meta.provider, meta.model))?;
        out.set_item("_response_ms", meta.elapsed_ms)?;
        out.set_item("litellm_overhead_time_ms", (meta.elapsed_ms - meta.upstream_ms).max(0.0))?;
        out.set_item("callback_duration_ms", 0.0)?;
        out.set_item("region_name", py.None())?;
        out.set_item("provider_response_model", &meta.response_model)?;
        let headers = PyDict::new(py);
        for (name, value) in meta.public_headers() {
            if name.starts_with("x-ratelimit-") {
                headers.set_item(name, &value)?;
            }
            headers.set_item(format!("llm_provider-{name}"), value)?;
        }
        if let Some(routing) = &meta.routing {
            headers.set_item("x-litellm-model-group", &*routing.group)?;
            headers.set_item("x-litellm-attempted-retries", routing.retries)?;
            if routing.retries > 0 {
                headers.set_item("x-litellm-max-retries", routing.retries_allowed)?;
            }
            headers.set_item("x-litellm-attempted-fallbacks", routing.fallbacks)?;
        }
        out.set_item("additional_headers", headers)?;
        if let Some(cached) = &meta.cached {
            out.set_item("cache_hit", true)?;
            out.set_item("cache_key", &cached.key)?;
            if cached.asked == 0 {
                out.set_item("response_cost", 0.0)?;
            }
            if let Some(similarity) = cached.similarity {
                out.set_item("semantic_similarity", similarity)?;
            }
        }
        Ok(out)
    }

    /// What the cost of the answer depends on beside the answer.
    fn cost_facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let meta = &self.0;
        let out = cost_facts(py, &meta.provider, &meta.model, meta.call_type, meta.billing.as_deref())?;
        if let Some(cached) = &meta.cached {
            out.set_item("paid_tokens", cached.asked_tokens)?;
        }
        Ok(out)
    }

    /// The upstream's headers as they came.
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        for (name, value) in self.0.public_headers() {
            out.set_item(name, value)?;
        }
        Ok(out)
    }

    /// The attempts that a router has made: dicts of deployment, group, model, began and ended (seconds since the
    /// epoch), hedge, abandoned, error, status, message.
    fn attempts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let out = PyList::empty(py);
        for attempt in self.0.routing.iter().flat_map(|routing| &routing.attempts) {
            out.append(attempt_dict(py, attempt)?)?;
        }
        Ok(out)
    }

    /// The upstream's reply as it came, where the call was told to keep it: its text, or None.
    #[getter]
    fn reply(&self) -> Option<&str> {
        self.0.reply.as_ref().and_then(|reply| std::str::from_utf8(reply).ok())
    }

    /// Milliseconds that were spent waiting for the upstream.
    #[getter]
    fn upstream_ms(&self) -> f64 {
        self.0.upstream_ms
    }

    /// Milliseconds from the call to its answer.
    #[getter]
    fn response_ms(&self) -> f64 {
        self.0.elapsed_ms
    }
}

/// What the cost of an answer depends on beside the answer.
pub fn cost_facts<'py>(
    py: Python<'py>,
    provider: &str,
    model: &str,
    call_type: Option<CallType>,
    billing: Option<&Billing>,
) -> PyResult<Bound<'py, PyDict>> {
    let map = |map: Option<&Map>| to_python(py, &Value::Object(map.cloned().unwrap_or_default()));
    let out = PyDict::new(py);
    out.set_item("provider", provider)?;
    out.set_item("model", model)?;
    out.set_item("call_type", call_type.map_or("completion", public_name))?;
    out.set_item("base_model", billing.and_then(|billing| billing.base_model.as_deref()))?;
    out.set_item("prices", map(billing.map(|billing| &billing.prices))?)?;
    out.set_item("asked", map(billing.map(|billing| &billing.asked))?)?;
    Ok(out)
}

/// A call type by the name that programs know.
fn public_name(call_type: CallType) -> &'static str {
    match call_type {
        CallType::Chat => "completion",
        other => other.name(),
    }
}
