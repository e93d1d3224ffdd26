//! The tokio runtime and the engine of this process: made when first needed, and anew in a forked child.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::config::{Environment, ProcessEnvironment};
use crate::engine::Engine;

/// How long a waiting call may ignore a signal such as Ctrl-C.
const SIGNAL_CHECK: Duration = Duration::from_millis(50);

/// What a process has one of.
pub struct Shared {
    process: u32,
    pub runtime: Runtime,
    pub engine: Engine,
}

static SHARED: AtomicPtr<Shared> = AtomicPtr::new(std::ptr::null_mut());

/// The runtime and engine of this process. A forked child cannot use its parent's threads and sockets: it gets its
/// own, and the parent's stay behind untouched.
pub fn shared() -> PyResult<&'static Shared> {
    let process = std::process::id();
    let current = SHARED.load(Ordering::Acquire);
    // SAFETY: the pointer is null or came from `Box::into_raw` below and is never freed.
    if let Some(found) = unsafe { current.as_ref() }
        && found.process == process
    {
        return Ok(found);
    }
    let made = Box::into_raw(Box::new(make(process)?));
    match SHARED.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: `made` came from `Box::into_raw` just now and is never freed from here on.
        Ok(_) => Ok(unsafe { &*made }),
        Err(other) => {
            // SAFETY: nobody else has seen `made`.
            drop(unsafe { Box::from_raw(made) });
            // SAFETY: another thread stored it, as above.
            Ok(unsafe { &*other })
        }
    }
}

fn make(process: u32) -> PyResult<Shared> {
    let threads = ProcessEnvironment.get("FERROLITE_WORKER_THREADS").and_then(|text| text.parse().ok());
    let threads = threads.filter(|count| *count > 0).unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2).clamp(1, 4))
    });
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("ferrolite")
        .enable_all()
        .build()
        .map_err(|error| PyRuntimeError::new_err(format!("the tokio runtime cannot be started: {error}")))?;
    Ok(Shared { process, runtime, engine: Engine::new() })
}

/// Waits for a future without the GIL. A signal handler that raises (Ctrl-C) ends the wait and drops the future.
pub fn block_on<F>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let shared = shared()?;
    // A future that is given up closes its connection when it is dropped, which needs the runtime's context.
    let _context = shared.runtime.enter();
    let mut future = pin!(future);
    loop {
        let wait = async { tokio::time::timeout(SIGNAL_CHECK, future.as_mut()).await };
        // In place: a log handler, which runs inside of the runtime, may make a call too.
        let waited = py.detach(|| tokio::task::block_in_place(|| shared.runtime.block_on(wait)));
        match waited {
            Ok(output) => return Ok(output),
            Err(_) => py.check_signals()?,
        }
    }
}
