//! Errors of the core as the package's exceptions.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

use super::value::to_python;
use crate::error::{Error, Inner, Kind};

static FROM_CORE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception for an error: `ferrolite.exceptions` decides class, attributes and text.
pub fn exception(py: Python<'_>, error: Error) -> PyErr {
    match object(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}

/// The exception object itself.
pub fn object(py: Python<'_>, error: Error) -> PyResult<Bound<'_, PyAny>> {
    let kind = error.kind();
    let class = kind.class_name();
    let status = error.status();
    let mut facts = error.into_facts();
    if kind == Kind::UnsupportedParams {
        // The reference's class carries neither; the message names both.
        (facts.provider, facts.model) = (None, None);
    }
    let facts = py_facts(py, facts, status)?;
    let make = FROM_CORE.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("ferrolite.exceptions")?.getattr("from_core")?.unbind())
    })?;
    make.bind(py).call1((class, facts))
}

fn py_facts(py: Python<'_>, facts: Inner, status: u16) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    // A failure in mid-stream is told in its cause's words.
    if facts.cause.is_none() {
        out.set_item(intern!(py, "message"), facts.message)?;
    }
    out.set_item(intern!(py, "status"), status)?;
    out.set_item(intern!(py, "provider"), facts.provider)?;
    out.set_item(intern!(py, "model"), facts.model)?;
    out.set_item(intern!(py, "deployment"), facts.deployment)?;
    out.set_item(intern!(py, "code"), facts.code)?;
    out.set_item(intern!(py, "param"), facts.param)?;
    out.set_item(intern!(py, "type"), facts.error_type)?;
    out.set_item(intern!(py, "request_id"), facts.request_id)?;
    out.set_item(intern!(py, "retry_after"), facts.retry_after.map(|wait| wait.as_secs_f64()))?;
    out.set_item(intern!(py, "headers"), PyList::new(py, facts.headers)?)?;
    if let Some(body) = &facts.body {
        out.set_item(intern!(py, "body"), to_python(py, body)?)?;
    }
    if facts.attempts > 0 {
        out.set_item(intern!(py, "num_retries"), facts.attempts)?;
        out.set_item(intern!(py, "max_retries"), facts.attempts_allowed)?;
    }
    if let Some(text) = facts.generated {
        out.set_item(intern!(py, "is_pre_first_chunk"), text.is_empty())?;
        out.set_item(intern!(py, "generated_content"), text)?;
    }
    if let Some(cause) = facts.cause {
        out.set_item(intern!(py, "original"), object(py, cause)?)?;
    }
    Ok(out)
}
