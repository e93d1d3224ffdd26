//! Results for an asyncio loop: one queue a loop, one wake for many results.
//!
//! A worker puts a result into the queue and, if the loop has not been woken yet, writes one byte to a pipe that the
//! loop watches (`loop.add_reader`). The loop then takes all results in one callback. That is several times cheaper
//! than `call_soon_threadsafe` for each result. A worker that has more to do first does that, and wakes the loop for
//! all of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::intern;
use pyo3::prelude::*;

use super::runtime::{self, Home};
use super::stream::{CoreStream, Source};
use super::{error, objects, results};
use crate::engine::{Answer, CallAnswer};
use crate::error::Error;

/// The longest a callback may hold the loop before it lets others run.
const TURN: Duration = Duration::from_micros(150);

/// The most results that wait for a worker to have nothing else to do.
const BURST: usize = 16;

/// What a worker found out.
pub enum Outcome {
    Answer(Box<Answer>),
    /// Of a call other than chat.
    Result(Box<CallAnswer>),
    Stream(Source),
    /// A stream has something for its reader, who waits on the future.
    Wake,
    Failed(Error),
}

impl Outcome {
    /// What the caller gets for it.
    pub fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Answer(answer) => objects::response(py, *answer),
            Self::Result(answer) => results::result(py, *answer),
            Self::Stream(stream) => CoreStream::create(py, stream, Home::Workers),
            Self::Wake => Ok(py.None().into_bound(py)),
            Self::Failed(failed) => Err(error::exception(py, failed)),
        }
    }
}

struct Completion {
    future: Py<PyAny>,
    outcome: Outcome,
}

/// The sending half, for workers.
pub struct Sender {
    results: Mutex<Results>,
    wake: Wake,
}

#[derive(Default)]
struct Results {
    waiting: VecDeque<Completion>,
    /// Whether the loop is gone: nobody takes what comes from then on.
    closed: bool,
}

/// Whether a loop is to look for results, and the pipe that tells it so.
struct Wake {
    state: AtomicU8,
    pipe: PipeWriter,
}

/// The loop has nothing to look for.
const IDLE: u8 = 0;
/// A thread owes the loop a wake: it has the sender among its [`SLEEPY`].
const OWED: u8 = 1;
/// The loop has been woken.
const WOKEN: u8 = 2;

thread_local! {
    /// Loops that this thread has results for and wakes before it sleeps; none on threads that do not say so.
    static SLEEPY: RefCell<Option<Vec<Arc<Sender>>>> = const { RefCell::new(None) };
}

/// Wakes the loops that the current thread has results for. A worker calls it before it sleeps.
pub fn before_sleep() {
    SLEEPY.with_borrow_mut(|sleepy| pay_all(sleepy.get_or_insert_default()));
}

/// The same, for a thread that may be about to stop being a worker: it wakes loops without delay from here on.
pub fn before_leaving() {
    if let Some(mut senders) = SLEEPY.take() {
        pay_all(&mut senders);
    }
}

/// The same before what may take long, for a thread that goes on as it is.
pub fn before_delay() {
    SLEEPY.with_borrow_mut(|sleepy| sleepy.iter_mut().for_each(pay_all));
}

fn pay_all(senders: &mut Vec<Arc<Sender>>) {
    senders.drain(..).for_each(|sender| sender.wake.pay());
}

impl Wake {
    /// Whether the caller is the one to wake the loop, now or later.
    fn owe(&self) -> bool {
        self.state.compare_exchange(IDLE, OWED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Wakes the loop if some thread still owes it that.
    fn pay(&self) {
        if self.state.compare_exchange(OWED, WOKEN, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.write();
        }
    }

    /// Wakes the loop.
    fn signal(&self) {
        if self.state.swap(WOKEN, Ordering::AcqRel) != WOKEN {
            self.write();
        }
    }

    fn write(&self) {
        // The pipe holds at most a byte or two; when it cannot be written the loop is gone.
        let _ = (&self.pipe).write(&[1]);
    }
}

impl Sender {
    pub fn send(self: &Arc<Self>, future: Py<PyAny>, outcome: Outcome) {
        let completion = Completion { future, outcome };
        let waiting = {
            let mut results = self.lock();
            if results.closed {
                drop(results);
                runtime::drop_at(Home::Workers, completion);
                return;
            }
            results.waiting.push_back(completion);
            results.waiting.len()
        };
        if self.wake.owe() {
            SLEEPY.with_borrow_mut(|sleepy| match sleepy {
                // It is there already when another thread has paid for this one.
                Some(senders) if senders.iter().any(|known| Arc::ptr_eq(known, self)) => {}
                Some(senders) => senders.push(self.clone()),
                None => self.wake.pay(),
            });
        }
        if waiting >= BURST {
            // Whichever thread owes it: that one may be busy for long.
            self.wake.pay();
        }
    }

    /// What the loop had no time for comes first, in its next turn.
    fn put_back(&self, mut results: VecDeque<Completion>) {
        {
            let mut newer = self.lock();
            results.append(&mut newer.waiting);
            newer.waiting = results;
        }
        self.wake.signal();
    }

    fn lock(&self) -> MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The receiving half, which an event loop watches.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct LoopQueue {
    pub sender: Arc<Sender>,
    pipe: PipeReader,
    /// The process whose workers send.
    process: u32,
}

#[pymethods]
impl LoopQueue {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let (pipe, wake) = std::io::pipe()?;
        // A loop that runs inside of one of its own callbacks may ask for the results of one wake twice.
        py.import(intern!(py, "os"))?.call_method1(intern!(py, "set_blocking"), (pipe.as_raw_fd(), false))?;
        let wake = Wake { state: AtomicU8::new(IDLE), pipe: wake };
        let sender = Arc::new(Sender { results: Mutex::default(), wake });
        Ok(Self { sender, pipe, process: std::process::id() })
    }

    /// The descriptor to watch for reading.
    fn fileno(&self) -> i32 {
        self.pipe.as_raw_fd()
    }

    /// Hands results to their futures. Called by the loop when the descriptor is readable.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        let mut bytes = [0u8; 16];
        let _ = (&self.pipe).read(&mut bytes);
        // First the state, then the results: a result that comes in between wakes the loop again.
        self.sender.wake.state.store(IDLE, Ordering::Release);
        let mut results = std::mem::take(&mut self.sender.lock().waiting);
        let started = Instant::now();
        while let Some(completion) = results.pop_front() {
            let delivered = deliver(py, completion);
            if !results.is_empty() && (delivered.is_err() || started.elapsed() >= TURN) {
                self.sender.put_back(results);
                return delivered;
            }
            delivered?;
        }
        Ok(())
    }

    /// Lets go of all results, those to come as well: the loop is closed. A result knows its future, and that its
    /// loop, which would otherwise live on.
    fn close(&self) {
        if self.process != std::process::id() {
            // They are the parent's, and so may be the lock.
            std::mem::forget(self.sender.clone());
            return;
        }
        let results = {
            let mut results = self.sender.lock();
            results.closed = true;
            std::mem::take(&mut results.waiting)
        };
        runtime::drop_at(Home::Workers, results);
    }
}

fn deliver(py: Python<'_>, Completion { future, outcome }: Completion) -> PyResult<()> {
    let future = future.bind(py);
    if future.call_method0(intern!(py, "done"))?.is_truthy()? {
        // Cancelled meanwhile: nobody waits for it. Closing its connection needs the runtime's context.
        runtime::drop_at(Home::Workers, outcome);
        return Ok(());
    }
    match outcome.into_python(py) {
        Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
        Err(failed) => future.call_method1(intern!(py, "set_exception"), (failed.into_value(py),))?,
    };
    Ok(())
}
