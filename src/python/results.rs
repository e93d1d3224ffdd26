//! Answers of calls other than chat, as the package's response objects.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::meta::CallMeta;
use super::objects::unreadable;
use super::value::to_python;
use crate::engine::CallAnswer;
use crate::hub::{CallResponse, CallType};
use crate::wires::Event;

/// The class of the call type, made by `ferrolite._results`.
pub fn result(py: Python<'_>, answer: CallAnswer) -> PyResult<Bound<'_, PyAny>> {
    let CallAnswer { call_type, response, meta } = answer;
    let (payload, content_type) = match response {
        CallResponse::Json(value) => (to_python(py, &value)?, None),
        CallResponse::Bytes { content_type, data } => {
            (PyBytes::new(py, &data).into_any(), Some(content_type))
        }
    };
    let (provider, model) = (meta.provider.clone(), meta.model.clone());
    let meta = Bound::new(py, CallMeta(meta))?;
    py.import(intern!(py, "ferrolite._results"))?
        .call_method1(intern!(py, "build"), (call_type.name(), payload, content_type, meta))
        .map_err(|failed| unreadable(py, &failed, &provider, &model))
}

/// A batch of events, as `ferrolite._results` makes them: of dicts, or of server-sent events as bytes.
pub fn events(py: Python<'_>, call_type: CallType, events: Vec<Event>) -> PyResult<Bound<'_, PyList>> {
    let made = PyList::empty(py);
    for event in events {
        match call_type {
            CallType::GenerateContent | CallType::Messages => {
                made.append(PyBytes::new(py, &event.to_sse()))?;
            }
            _ => made.append(to_python(py, &event.data)?)?,
        }
    }
    if made.is_empty() || matches!(call_type, CallType::GenerateContent | CallType::Messages) {
        return Ok(made);
    }
    let built = py
        .import(intern!(py, "ferrolite._results"))?
        .call_method1(intern!(py, "events"), (call_type.name(), made))?;
    Ok(built.cast_into()?)
}
