//! The tokio runtimes and engines of this process: made when first needed, and anew in a forked child.
//!
//! There are two. Worker threads carry out what nobody waits for: async calls, servers. A call that is waited for
//! runs on the thread that waits ([`Home::Caller`]), sockets included: waking another thread, and being woken by it,
//! costs more than the rest of the call. When several threads wait at once, one of them serves all.

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::task::AbortHandle;

use super::queue;
use crate::config::{Environment, ProcessEnvironment};
use crate::engine::Engine;
use crate::transport::Rest;

/// How long a waiting call may ignore a signal such as Ctrl-C.
const SIGNAL_CHECK: Duration = Duration::from_millis(50);

/// After so long without a call, connections are looked at before one is used.
const UNATTENDED: Duration = Duration::from_millis(1);

/// Where the connections of a call are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// On threads of their own, all the time.
    Workers,
    /// On the thread that waits for the call, while it waits.
    Caller,
}

/// A runtime, and the engine whose connections live on it.
pub struct Place {
    pub runtime: Runtime,
    pub engine: Engine,
}

/// What a process has one of.
struct Shared {
    process: u32,
    workers: OnceLock<Place>,
    caller: OnceLock<Place>,
    begun: Instant,
    /// When `caller` last ran, in microseconds since `begun`.
    attended: AtomicU64,
}

static SHARED: AtomicPtr<Shared> = AtomicPtr::new(std::ptr::null_mut());

/// A runtime and engine of this process. A forked child cannot use its parent's threads and sockets: it gets its
/// own, and the parent's stay behind untouched.
pub fn place(home: Home) -> PyResult<&'static Place> {
    shared().place(home)
}

fn shared() -> &'static Shared {
    let process = std::process::id();
    let current = SHARED.load(Ordering::Acquire);
    // SAFETY: the pointer is null or came from `Box::into_raw` below and is never freed.
    if let Some(found) = unsafe { current.as_ref() }
        && found.process == process
    {
        return found;
    }
    let made = Box::into_raw(Box::new(Shared {
        process,
        workers: OnceLock::new(),
        caller: OnceLock::new(),
        begun: Instant::now(),
        attended: AtomicU64::new(0),
    }));
    match SHARED.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: `made` came from `Box::into_raw` just now and is never freed from here on.
        Ok(_) => unsafe { &*made },
        Err(other) => {
            // SAFETY: nobody else has seen `made`.
            drop(unsafe { Box::from_raw(made) });
            // SAFETY: another thread stored it, as above.
            unsafe { &*other }
        }
    }
}

impl Shared {
    fn place(&self, home: Home) -> PyResult<&Place> {
        let (slot, build): (_, fn() -> std::io::Result<Runtime>) = match home {
            Home::Workers => (&self.workers, workers),
            Home::Caller => (&self.caller, caller),
        };
        if let Some(place) = slot.get() {
            return Ok(place);
        }
        let runtime = build().map_err(|error| {
            PyRuntimeError::new_err(format!("the tokio runtime cannot be started: {error}"))
        })?;
        Ok(slot.get_or_init(|| Place { runtime, engine: Engine::new() }))
    }

    fn is_unattended(&self) -> bool {
        let attended = Duration::from_micros(self.attended.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(attended) > UNATTENDED
    }

    fn attend(&self) {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.attended.store(now, Ordering::Relaxed);
    }
}

fn workers() -> std::io::Result<Runtime> {
    let threads = ProcessEnvironment.get("FERROLITE_WORKER_THREADS").and_then(|text| text.parse().ok());
    let threads = threads.filter(|count| *count > 0).unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2).clamp(1, 4))
    });
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("ferrolite")
        .on_thread_park(queue::before_sleep)
        .enable_all()
        .build()
}

fn caller() -> std::io::Result<Runtime> {
    Builder::new_current_thread().thread_name("ferrolite").enable_all().build()
}

/// Waits for a future without the GIL. A signal handler that raises (Ctrl-C) ends the wait and drops the future.
pub fn block_on<F>(py: Python<'_>, home: Home, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let shared = shared();
    let runtime = &shared.place(home)?.runtime;
    let inside = is_inside();
    if inside && home == Home::Caller {
        return Err(PyRuntimeError::new_err(
            "a stream cannot be read while a call of the same thread is under way",
        ));
    }
    let mut unattended = home == Home::Caller && shared.is_unattended();
    let outcome = {
        // A future that is given up closes its connection when it is dropped, which needs the runtime's context.
        let _context = runtime.enter();
        let mut future = pin!(future);
        loop {
            let wait = async {
                if std::mem::take(&mut unattended) {
                    look_around().await;
                }
                tokio::time::timeout(SIGNAL_CHECK, future.as_mut()).await
            };
            let waited = py.detach(|| {
                if inside {
                    elsewhere(|| runtime.block_on(wait))
                } else {
                    // In place: a log handler, which runs inside of the runtime, may make a call too. A worker that
                    // does so hands its work to another thread, and does not sleep as a worker again.
                    queue::before_leaving();
                    Ok(tokio::task::block_in_place(|| runtime.block_on(wait)))
                }
            })?;
            match waited {
                Ok(output) => break Ok(output),
                Err(_) => {
                    if let Err(raised) = py.check_signals() {
                        break Err(raised);
                    }
                }
            }
        }
    };
    if outcome.is_err() {
        settle(home);
    }
    if home == Home::Caller {
        shared.attend();
    }
    outcome
}

/// Where a call belongs that this thread waits for.
pub fn home() -> Home {
    if is_inside() { Home::Workers } else { Home::Caller }
}

/// Whether this thread serves [`Home::Caller`] just now: a log handler, say, called from a call.
fn is_inside() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread)
}

/// Runs on a thread of its own and waits for that: a thread that serves a runtime cannot enter another one.
fn elsewhere<T: Send>(run: impl FnOnce() -> T + Send) -> PyResult<T> {
    std::thread::scope(|scope| scope.spawn(run).join())
        .map_err(|_| PyRuntimeError::new_err("the call failed inside ferrolite (a panic, please report it)"))
}

/// Begins a task that nobody waits for.
pub fn spawn(home: Home, task: impl Future<Output = ()> + Send + 'static) -> PyResult<AbortHandle> {
    let task = place(home)?.runtime.spawn(task);
    let handle = task.abort_handle();
    if home == Home::Caller {
        // Somebody has to stand in for the thread that does not wait.
        let caller = &place(Home::Caller)?.runtime;
        place(Home::Workers)?.runtime.spawn_blocking(move || caller.block_on(task));
    }
    Ok(handle)
}

/// Drops what belongs to a runtime, which closes its connections.
pub fn drop_at<T>(home: Home, value: T) {
    let Ok(place) = place(home) else { return };
    let context = place.runtime.enter();
    drop(value);
    drop(context);
    settle(home);
}

/// Lets connections that a call has let go of be closed now, and not with the next call.
pub fn settle(home: Home) {
    if home == Home::Caller
        && Handle::try_current().is_err()
        && let Ok(place) = place(home)
    {
        place.runtime.block_on(look_around());
    }
}

/// Lets the end of a stream's connection be dealt with: at once if that is possible, else in the background.
pub fn see_off(home: Home, rest: Option<Rest>) {
    let Some(mut rest) = rest else { return };
    if home == Home::Caller
        && Handle::try_current().is_err()
        && let Ok(place) = place(home)
    {
        let done = async {
            tokio::select! {
                biased;
                () = rest.as_mut() => true,
                () = look_around() => false,
            }
        };
        if place.runtime.block_on(done) {
            return;
        }
    }
    // Without a runtime to spawn on there is none to close the connection on either.
    let _ = spawn(home, rest);
}

/// Lets a runtime see what has happened to its connections, such as their end, and lets their tasks act on it.
async fn look_around() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}
