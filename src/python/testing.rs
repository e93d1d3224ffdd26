//! The mock provider server for Python programs.

use std::sync::Mutex;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;

use super::runtime::{self, Home};
use crate::mock::{MockHandle, MockOptions, MockServer as Server};

/// Options as Python passes them; times in milliseconds.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Options {
    host: String,
    port: u16,
    latency_ms: f64,
    chunk_delay_ms: f64,
    chunks: Option<usize>,
    words: Option<usize>,
    reply: Option<String>,
    error_status: Option<u16>,
    error_rate: Option<f64>,
    require_key: Option<String>,
    seed: u64,
    record: bool,
}

impl Options {
    fn into_core(self) -> PyResult<MockOptions> {
        let time = |milliseconds: f64| {
            Duration::try_from_secs_f64(milliseconds / 1000.0).map_err(|_| {
                pyo3::exceptions::PyValueError::new_err("a time must be a positive number of milliseconds")
            })
        };
        Ok(MockOptions {
            host: self.host,
            port: self.port,
            latency: time(self.latency_ms)?,
            chunk_delay: time(self.chunk_delay_ms)?,
            chunks: self.chunks,
            words: self.words,
            reply: self.reply,
            error_status: self.error_status,
            error_rate: self.error_rate,
            require_key: self.require_key,
            seed: self.seed,
            record: self.record,
        })
    }
}

/// A mock server in the background of this process.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct MockServer {
    handle: Mutex<Option<MockHandle>>,
    base_url: String,
}

#[pymethods]
impl MockServer {
    #[new]
    fn new(py: Python<'_>, options: Options) -> PyResult<Self> {
        let options = options.into_core()?;
        let workers = &runtime::place(Home::Workers)?.runtime;
        let handle = py
            .detach(|| MockHandle::start(options, workers.handle()))
            .map_err(|failed| PyOSError::new_err(failed.to_string()))?;
        let base_url = handle.base_url().to_owned();
        Ok(Self { handle: Mutex::new(Some(handle)), base_url })
    }

    /// The address, for example `http://127.0.0.1:4010`.
    #[getter]
    fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Stops the server.
    fn stop(&self, py: Python<'_>) {
        let handle = self.handle.lock().ok().and_then(|mut handle| handle.take());
        if let Some(handle) = handle {
            py.detach(|| handle.stop());
        }
    }
}

/// Tasks alive in this process's runtime, to find leaks with.
#[pyfunction]
pub fn alive_tasks() -> PyResult<usize> {
    runtime::settle(Home::Caller);
    let alive = |home| runtime::place(home).map(|place| place.runtime.metrics().num_alive_tasks());
    Ok(alive(Home::Workers)? + alive(Home::Caller)?)
}

/// Serves until a signal arrives; `ready` is called with the address once the server listens.
#[pyfunction]
pub fn serve_mock(py: Python<'_>, options: Options, ready: &Bound<'_, PyAny>) -> PyResult<()> {
    let options = options.into_core()?;
    let server = {
        let _context = runtime::place(Home::Workers)?.runtime.enter();
        Server::bind(options).map_err(|failed| PyOSError::new_err(failed.to_string()))?
    };
    ready.call1((server.base_url(),))?;
    runtime::block_on(py, Home::Workers, server.serve(std::future::pending()))?
        .map_err(|failed| PyRuntimeError::new_err(failed.to_string()))
}
