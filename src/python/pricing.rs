//! Prices and model facts, for Python's helpers.
//!
//! `model_cost` is the package's dict once a program has looked at it, since the program may have changed it; until
//! then it is None, and the core's own table is asked.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::Value;

use super::value::{readable, to_python};
use crate::json::{Map, str_at};
use crate::models;
use crate::pricing::{self, Catalog, Counts, Found, Listed, Work};

/// The package's own dict as a catalog.
struct Own<'a, 'py>(&'a Bound<'py, PyDict>);

impl Catalog for Own<'_, '_> {
    fn entry(&self, key: &str) -> Option<Arc<Map>> {
        let entry = self.0.get_item(key).ok()??;
        match readable(&entry).ok()? {
            Value::Object(map) => Some(Arc::new(map)),
            _ => None,
        }
    }

    fn same_letters(&self, key: &str) -> Option<String> {
        self.0.iter().find_map(|(name, _)| {
            let known = name.cast::<PyString>().ok()?.to_str().ok()?;
            known.eq_ignore_ascii_case(key).then(|| known.to_owned())
        })
    }
}

fn find(model: &str, provider: Option<&str>, model_cost: Option<&Bound<'_, PyDict>>) -> Option<Found> {
    match model_cost {
        Some(dict) => pricing::find(&Own(dict), model, provider),
        None => pricing::find(&Listed, model, provider),
    }
}

/// All listed models by their keys, each a dict under public names.
#[pyfunction]
pub fn public_models(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    for (key, entry) in models::public_entries() {
        let fields = PyDict::new(py);
        for (name, value) in &entry {
            // A name is one object for all models that have it.
            fields.set_item(PyString::intern(py, name), to_python(py, value)?)?;
        }
        out.set_item(key, fields)?;
    }
    Ok(out)
}

/// Makes a model known to routing, parameters and prices.
#[pyfunction]
pub fn register_model(key: &str, entry: &Bound<'_, PyDict>) -> PyResult<()> {
    if let Value::Object(entry) = readable(entry).map_err(|failed| failed.into_python(entry.py()))? {
        models::register(key, entry);
    }
    Ok(())
}

/// The key and the entry that a model's name means, or None.
#[pyfunction]
#[pyo3(signature = (model, provider, model_cost))]
pub fn find_model<'py>(
    py: Python<'py>,
    model: &str,
    provider: Option<&str>,
    model_cost: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<(String, Bound<'py, PyAny>)>> {
    let Some((key, entry)) = find(model, provider, model_cost) else { return Ok(None) };
    Ok(Some((key, to_python(py, &Value::Object(entry.as_ref().clone()))?)))
}

/// What work costs by an entry: prompt, completion, tools.
#[pyfunction]
pub fn price_work(entry: &Bound<'_, PyDict>, work: &Bound<'_, PyDict>) -> PyResult<(f64, f64, f64)> {
    let read = |dict: &Bound<'_, PyDict>| match readable(dict) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Ok(Map::new()),
        Err(failed) => Err(failed.into_python(entry.py())),
    };
    Ok(price("", &read(entry)?, &read(work)?))
}

/// The same with the look-up of the entry; None for an unlisted model.
#[pyfunction]
#[pyo3(signature = (model, provider, work, model_cost))]
pub fn price_model(
    py: Python<'_>,
    model: &str,
    provider: Option<&str>,
    work: &Bound<'_, PyDict>,
    model_cost: Option<&Bound<'_, PyDict>>,
) -> PyResult<Option<(f64, f64, f64)>> {
    let Some((_, entry)) = find(model, provider, model_cost) else { return Ok(None) };
    let work = readable(work).map_err(|failed| failed.into_python(py))?;
    Ok(work.as_object().map(|work| price(model, &entry, work)))
}

fn price(model: &str, entry: &Map, fields: &Map) -> (f64, f64, f64) {
    let number = |name: &str| fields.get(name).and_then(Value::as_f64);
    let count = |name: &str| number(name).unwrap_or_default();
    let text = |name: &str| str_at(fields, name);
    let counts = match fields.get("usage").and_then(Value::as_object) {
        Some(usage) => Counts::of_json(usage),
        None => Counts::default(),
    };
    let provider = text("provider").unwrap_or_default();
    let tools = pricing::web_search(
        entry,
        (provider, model),
        &counts,
        text("search_context_size"),
        fields.get("cited") == Some(&Value::Bool(true)),
    );
    let work = Work {
        call_type: text("call_type").unwrap_or("completion"),
        provider,
        counts,
        service_tier: text("service_tier"),
        data_residency: text("data_residency"),
        vertex_location: text("vertex_location"),
        seconds: count("seconds"),
        audio_seconds: count("audio_seconds"),
        video_seconds: count("video_seconds"),
        resolution: text("resolution"),
        prompt_characters: number("prompt_characters"),
        completion_characters: number("completion_characters"),
        queries: count("queries"),
        max_results: number("max_results"),
        search_units: count("search_units"),
        billed_tokens: count("billed_tokens"),
        images: count("images"),
        size: number("width").zip(number("height")),
        pages: count("pages"),
        annotated_pages: count("annotated_pages"),
        now: crate::engine::now(),
    };
    let cost = pricing::cost(entry, &work);
    (cost.prompt, cost.completion, tools)
}
