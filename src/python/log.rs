//! The core's log records go to Python's `logging`, under the package's logger.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Once, OnceLock};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::queue;
use crate::gateway::observe::logs;

/// Python's levels divided by ten; records below are not even made.
static LEVEL: AtomicU8 = AtomicU8::new(3);
static INSTALL: Once = Once::new();
static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Sets the level (Python's numbers: 10 debug, 20 info, 30 warning) and connects the core's records on first use.
#[pyfunction]
pub fn set_log_level(level: u8) {
    LEVEL.store(level / 10, Ordering::Relaxed);
    connect();
    tracing::callsite::rebuild_interest_cache();
}

/// Connects the core's records; Python's logging is not touched before there is one.
pub fn connect() {
    INSTALL.call_once(|| {
        // Fails only when an embedding program has a subscriber of its own, which then gets the records.
        let _ = tracing::subscriber::set_global_default(ToPython);
    });
}

fn python_level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}

/// The name of the gateway's threads.
const GATEWAY: &str = "ferrolite-gateway";
/// Records of the gateway that wait for the interpreter, at most; further ones are dropped.
const WAITING: usize = 1000;

/// Hands a record of the gateway to a thread that may wait.
fn from_gateway(level: u8, text: String) {
    static RECORDS: OnceLock<Option<SyncSender<(u8, String)>>> = OnceLock::new();
    let records = RECORDS.get_or_init(|| {
        let (sender, records) = sync_channel::<(u8, String)>(WAITING);
        let told = move || {
            for (level, text) in records {
                let _ = Python::try_attach(|py| {
                    if let Err(failed) = emit(py, level, &text) {
                        settle(py, failed);
                    }
                });
            }
        };
        std::thread::Builder::new().name("ferrolite-log".to_owned()).spawn(told).ok().map(|_| sender)
    });
    if let Some(records) = records {
        // A log that cannot keep up holds nobody up.
        let _ = records.try_send((level, text));
    }
}

struct ToPython;

impl Subscriber for ToPython {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if let Some(gateway) = logs::installed() {
            return gateway.enabled(metadata);
        }
        metadata.target().starts_with("ferrolite")
            && python_level(*metadata.level()) / 10 >= LEVEL.load(Ordering::Relaxed)
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // The process of a gateway does not wait for Python.
        if let Some(gateway) = logs::installed() {
            return gateway.event(event);
        }
        let mut line = Line::default();
        event.record(&mut line);
        let level = python_level(*event.metadata().level());
        let text = format!("{}{}", line.message, line.fields);
        if std::thread::current().name() == Some(GATEWAY) {
            // Its threads never wait for the interpreter.
            from_gateway(level, text);
            return;
        }
        // A handler may take its time: no loop is to wait for it.
        queue::before_delay();
        // During shutdown there may be no interpreter left to tell.
        let _ = Python::try_attach(|py| {
            if let Err(failed) = emit(py, level, &text) {
                settle(py, failed);
            }
        });
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

fn emit(py: Python<'_>, level: u8, text: &str) -> PyResult<()> {
    let logger = LOGGER.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("ferrolite._logging")?.getattr("verbose_logger")?.unbind())
    })?;
    logger.bind(py).call_method1("log", (level, "%s", text))?;
    Ok(())
}

/// What a handler raised: a record has no caller who could be told.
fn settle(py: Python<'_>, failed: PyErr) {
    let interrupted = failed.is_instance_of::<PyKeyboardInterrupt>(py);
    // It holds frames whose objects may run code when they go, which would be interrupted in place of the call.
    drop(failed);
    if interrupted {
        // A handler ran just when Ctrl-C came: what waits for the call looks for signals, and finds it again.
        // SAFETY: it may be called by any thread that is attached to the interpreter, as this one is.
        unsafe { ffi::PyErr_SetInterrupt() };
    }
}

/// An event as `message key=value …`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }
}
