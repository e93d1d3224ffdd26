//! What is known of a call besides its answer.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::{Meta, new_uuid};

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
        out.set_item("model_id", py.None())?;
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

    /// The upstream's headers as they came.
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        for (name, value) in self.0.public_headers() {
            out.set_item(name, value)?;
        }
        Ok(out)
    }

    /// Milliseconds from the call to its answer.
    #[getter]
    fn response_ms(&self) -> f64 {
        self.0.elapsed_ms
    }
}
