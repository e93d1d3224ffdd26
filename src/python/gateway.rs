//! The gateway for the command and for Python programs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;
use tokio::sync::oneshot;

use super::value;
use crate::auth::Secret;
use crate::config::ProcessEnvironment;
use crate::error::Error;
use crate::gateway::config::{self, Config, ModelOptions, Severity};
use crate::gateway::explain::explain;
use crate::gateway::observe::logs::{self, Logs};
use crate::gateway::start::{self, Listening, Start};
use crate::json::Map;

/// Options as Python passes them.
fn read(options: &Bound<'_, PyDict>) -> PyResult<(Start, Config, Vec<String>)> {
    let py = options.py();
    let options = match value::to_json(options, "options") {
        Ok(Value::Object(options)) => options,
        Ok(_) => Map::new(),
        Err(failed) => return Err(failed.into_python(py)),
    };
    let text = |name: &str| options.get(name).and_then(Value::as_str).map(str::to_owned);
    let count = |name: &str| options.get(name).and_then(Value::as_u64);
    let start = Start {
        file: text("config").map(PathBuf::from),
        host: text("host"),
        port: count("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(4000),
        hooks: Some(super::gateway_hooks::maker()),
        workers: count("num_workers").and_then(|count| usize::try_from(count).ok()),
    };
    let read = match (&start.file, text("model")) {
        (Some(file), _) => Config::load(file, &ProcessEnvironment),
        (None, Some(model)) => Config::of_model(&model, &model_options(&options), &ProcessEnvironment),
        (None, None) => return Err(PyValueError::new_err("a gateway needs a configuration or a model")),
    };
    match read {
        Ok(mut config) => {
            for name in ["json_logs", "log_level"] {
                if let Some(value) = options.get(name) {
                    config.hooks.settings.insert(name.to_owned(), value.clone());
                }
            }
            let warnings = config.warnings.iter().map(ToString::to_string).collect();
            Ok((start, config, warnings))
        }
        Err(problems) => Err(unreadable(&problems)),
    }
}

/// What goes with `model`.
fn model_options(options: &Map) -> ModelOptions {
    let text = |name: &str| options.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| options.get(name).and_then(Value::as_f64);
    let is_on = |name: &str| options.get(name) == Some(&Value::Bool(true));
    ModelOptions {
        alias: text("alias"),
        api_base: text("api_base"),
        api_version: text("api_version"),
        api_key: text("api_key").map(Secret::new),
        headers: options.get("headers").and_then(Value::as_object).cloned(),
        temperature: number("temperature"),
        max_tokens: options.get("max_tokens").and_then(Value::as_u64),
        request_timeout: number("request_timeout"),
        drop_params: is_on("drop_params"),
        add_function_to_prompt: is_on("add_function_to_prompt"),
        max_budget: number("max_budget"),
    }
}

fn unreadable(problems: &[config::Problem]) -> PyErr {
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    PyValueError::new_err(said.join("\n"))
}

fn refused(error: &Error) -> PyErr {
    PyOSError::new_err(error.message().to_owned())
}

fn told<'py>(py: Python<'py>, listening: &Listening, warnings: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("base_url", &listening.base_url)?;
    out.set_item("is_open", listening.is_open)?;
    out.set_item("has_key", listening.has_key)?;
    out.set_item("models", listening.models.clone())?;
    out.set_item("warnings", warnings)?;
    Ok(out)
}

/// Serves until a signal asks for the end; `ready` is called with what is served where.
#[pyfunction]
pub fn serve_gateway(py: Python<'_>, options: &Bound<'_, PyDict>, ready: &Bound<'_, PyAny>) -> PyResult<()> {
    let ready = ready.clone().unbind();
    let (start, config, warnings) = read(options)?;
    logs::install(Logs::read(&config, &ProcessEnvironment));
    py.detach(|| {
        let runtime = start::runtime(start.workers).map_err(|error| refused(&error))?;
        let mut raised = None;
        let told = |listening: Listening| {
            let called = Python::attach(|py| ready.call1(py, (told(py, &listening, warnings)?,)).map(drop));
            raised = called.err();
        };
        let served = runtime.block_on(start::serve(start, config, told, std::future::pending()));
        // What still waits for a client is not waited for.
        runtime.shutdown_timeout(Duration::from_secs(1));
        match raised {
            Some(raised) => Err(raised),
            None => served.map_err(|error| refused(&error)),
        }
    })
}

/// A gateway in the background of this process, until it is stopped.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct CoreGateway {
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    facts: Py<PyDict>,
}

#[pymethods]
impl CoreGateway {
    /// Starts it on threads of its own.
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let (start, config, warnings) = read(options)?;
        let (stop, stopping) = oneshot::channel();
        let (send, receive) = std::sync::mpsc::channel();
        let sender = Arc::new(Mutex::new(Some(send)));
        let tell = sender.clone();
        let thread = std::thread::spawn(move || {
            let send = move |outcome: Result<Listening, Error>| {
                if let Ok(mut sender) = tell.lock()
                    && let Some(sender) = sender.take()
                {
                    // Nobody listens any more: nobody wants it.
                    let _ = sender.send(outcome);
                }
            };
            let runtime = match start::runtime(start.workers) {
                Ok(runtime) => runtime,
                Err(error) => return send(Err(error)),
            };
            let told = |listening| send(Ok(listening));
            let until = async {
                // An error is a dropped handle.
                let _ = stopping.await;
            };
            let served = runtime.block_on(start::serve(start, config, told, until));
            runtime.shutdown_timeout(Duration::from_secs(1));
            if let Err(error) = served {
                send(Err(error));
            }
        });
        let listening = py
            .detach(move || receive.recv())
            .map_err(|_| PyRuntimeError::new_err("the gateway failed to start"))?
            .map_err(|error| refused(&error))?;
        Ok(Self {
            stop: Mutex::new(Some(stop)),
            thread: Mutex::new(Some(thread)),
            facts: told(py, &listening, warnings)?.unbind(),
        })
    }

    /// What is served where: base_url, models, has_key, is_open, warnings.
    #[getter]
    fn facts(&self, py: Python<'_>) -> Py<PyDict> {
        self.facts.clone_ref(py)
    }

    /// Stops it, and waits until it has.
    fn stop(&self, py: Python<'_>) {
        let stop = self.stop.lock().ok().and_then(|mut stop| stop.take());
        drop(stop);
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // A panic of the thread's has been reported by it.
            let _ = py.detach(|| thread.join());
        }
    }
}

/// Every problem of a configuration's file, as lines of text, and whether it would start.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "made of a Python path")]
pub fn check_gateway(file: PathBuf) -> (Vec<String>, bool) {
    let problems = config::check(&file, &ProcessEnvironment);
    let is_good = !problems.iter().any(|problem| problem.severity == Severity::Error);
    (problems.iter().map(ToString::to_string).collect(), is_good)
}

/// Where a request for a model would go, in words.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "made of a Python path")]
pub fn explain_gateway(py: Python<'_>, file: PathBuf, model: &str) -> PyResult<String> {
    let config = Config::load(&file, &ProcessEnvironment).map_err(|problems| unreadable(&problems))?;
    let runtime = start::runtime(Some(1)).map_err(|error| refused(&error))?;
    let said = py.detach(|| {
        let _context = runtime.enter();
        explain(config, model)
    });
    said.map_err(|error| PyValueError::new_err(error.message().to_owned()))
}
