//! A stream's core: batches of chunks, of events in a caller's own format or of pieces of a file, blocking or awaitable.
//!
//! The reader asks for a batch; a task reads one and leaves it here. A reader that was cancelled meanwhile loses
//! nothing: the batch waits for the next one. When the object goes, so does the upstream connection.
//!
//! Both ways of reading work for every stream, whichever kind of call it came from.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use super::chunks::ChunkMaker;
use super::meta::CallMeta;
use super::queue::{LoopQueue, Outcome, Sender};
use super::runtime::{self, Home};
use super::{call, error, objects, results};
use crate::engine::{ByteStream, ChatStream, EventStream, Meta, Part};
use crate::error::Error;
use crate::hub::{CallType, StreamHead};
use crate::transport::Rest;
use crate::wires::Event;
use crate::wires::openai::Chunk;

/// What is read in batches.
pub enum Source {
    Chat(Box<ChatStream>),
    Events(Box<EventStream>),
    Bytes(Box<ByteStream>),
}

/// What has been read at once; an empty one means the end.
enum Batch {
    Chunks(Vec<Chunk>),
    Events(Vec<Event>),
    Bytes(Vec<Bytes>),
}

impl Source {
    async fn next_batch(&mut self) -> Result<Batch, Error> {
        match self {
            Self::Chat(stream) => stream.next_batch().await.map(Batch::Chunks),
            Self::Events(stream) => stream.next_batch().await.map(Batch::Events),
            Self::Bytes(stream) => {
                stream.next_piece().await.map(|piece| Batch::Bytes(piece.into_iter().collect()))
            }
        }
    }

    fn take_rest(&mut self) -> Option<Rest> {
        match self {
            Self::Chat(stream) => stream.take_rest(),
            Self::Events(stream) => stream.take_rest(),
            Self::Bytes(_) => None,
        }
    }

    fn meta(&self) -> &Meta {
        match self {
            Self::Chat(stream) => stream.meta(),
            Self::Events(stream) => stream.meta(),
            Self::Bytes(stream) => stream.meta(),
        }
    }

    /// What chunks share; events have it in themselves.
    fn head(&self) -> Option<&StreamHead> {
        match self {
            Self::Chat(stream) => Some(stream.head()),
            Self::Events(_) | Self::Bytes(_) => None,
        }
    }
}

#[pyclass(frozen, module = "ferrolite._core")]
pub struct CoreStream {
    slot: Arc<Mutex<Slot>>,
    maker: ChunkMaker,
    meta: Meta,
    call_type: CallType,
    bridged: bool,
    home: Home,
    /// The process whose runtime drives the stream.
    process: u32,
}

/// Where the stream is, and what has been read but not been fetched.
struct Slot {
    /// Absent while somebody reads, and once the stream is finished with.
    stream: Option<Source>,
    ready: Option<Result<Batch, Error>>,
    /// Known once the first batch has been read.
    head: Option<StreamHead>,
    /// The attempts that it is made of, when it has been continued.
    parts: Vec<Part>,
    waiting: Vec<Waiter>,
    task: Option<AbortHandle>,
    /// Ends the wait of a blocking reader.
    closing: Arc<Notify>,
    closed: bool,
}

/// Who waits for a batch.
enum Waiter {
    Queue(Arc<Sender>, Py<PyAny>),
    Channel(oneshot::Sender<()>),
}

/// What a blocking reader is to do next.
enum Step {
    Take(Result<Batch, Error>),
    Read(Source, Arc<Notify>),
    /// Somebody else reads: wait for that.
    Wait(oneshot::Receiver<()>),
    End,
}

impl Slot {
    /// Takes a stream back from its reader.
    fn put(&mut self, stream: Source) {
        if self.head.is_none() {
            self.head = stream.head().cloned();
        }
        if let Source::Chat(stream) = &stream {
            self.parts = stream.parts();
        }
        self.stream = Some(stream);
    }
}

/// Unlocks the slot and wakes its readers, in that order: a future that is let go of may run Python's code, which
/// may want the slot.
fn wake(mut slot: MutexGuard<'_, Slot>) {
    let waiting = std::mem::take(&mut slot.waiting);
    drop(slot);
    waiting.into_iter().for_each(Waiter::wake);
}

impl Waiter {
    /// Whether its reader has given up.
    fn is_gone(&self, py: Python<'_>) -> bool {
        match self {
            Self::Queue(_, future) => {
                let done = future.bind(py).call_method0(intern!(py, "done"));
                done.is_ok_and(|done| done.is_truthy().unwrap_or(true))
            }
            Self::Channel(tell) => tell.is_closed(),
        }
    }

    fn wake(self) {
        match self {
            Self::Queue(sender, future) => sender.send(future, Outcome::Wake),
            Self::Channel(tell) => {
                let _ = tell.send(());
            }
        }
    }
}

impl CoreStream {
    pub fn create(py: Python<'_>, stream: Source, home: Home) -> PyResult<Bound<'_, PyAny>> {
        let meta = stream.meta().clone();
        let (call_type, bridged) = match &stream {
            Source::Chat(_) => (CallType::Chat, false),
            Source::Events(stream) => (stream.call_type(), stream.is_bridged()),
            Source::Bytes(_) => (CallType::FileContent, false),
        };
        let slot = Slot {
            stream: Some(stream),
            ready: None,
            head: None,
            parts: Vec::new(),
            waiting: Vec::new(),
            task: None,
            closing: Arc::default(),
            closed: false,
        };
        let process = std::process::id();
        let slot = Arc::new(Mutex::new(slot));
        let made = Self { slot, maker: ChunkMaker::new(), meta, call_type, bridged, home, process };
        Ok(Bound::new(py, made)?.into_any())
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        lock(&self.slot)
    }

    /// The objects for what was read; an empty list means the end.
    fn objects<'py>(&self, py: Python<'py>, read: Result<Batch, Error>) -> PyResult<Bound<'py, PyList>> {
        let unreadable =
            |failed: PyErr| objects::unreadable(py, &failed, &self.meta.provider, &self.meta.model);
        let made = match read {
            Ok(Batch::Bytes(pieces)) => PyList::new(py, pieces.iter().map(|piece| PyBytes::new(py, piece))),
            Ok(Batch::Events(events)) => results::events(py, self.call_type, events).map_err(unreadable),
            Ok(Batch::Chunks(chunks)) => {
                if !self.maker.is_ready(py)
                    && let Some(head) = &self.lock().head
                {
                    self.maker.set_head(py, head)?;
                }
                let parts = self.lock().parts.clone();
                self.maker.chunks(py, chunks, &self.meta, &parts).map_err(unreadable)
            }
            Err(failed) => Err(error::exception(py, failed)),
        };
        if made.is_err() {
            self.finish();
        }
        made
    }

    fn begin(&self, py: Python<'_>, waiter: Waiter) -> PyResult<()> {
        self.forget_gone(py);
        let mut slot = self.lock();
        slot.waiting.push(waiter);
        if slot.ready.is_some() || slot.closed {
            wake(slot);
            return Ok(());
        }
        let Some(mut stream) = slot.stream.take() else { return Ok(()) };
        let place = self.slot.clone();
        let guard = Returned { place, read: None };
        let home = self.home;
        let task = runtime::spawn(home, async move {
            let mut guard = guard;
            let read = stream.next_batch().await;
            runtime::see_off(home, stream.take_rest());
            guard.read = Some((read, stream));
        })?;
        slot.task = Some(task);
        Ok(())
    }

    /// Drops waiters whose readers have given up. They are asked without the lock: that is Python's code.
    fn forget_gone(&self, py: Python<'_>) {
        let mut waiting = std::mem::take(&mut self.lock().waiting);
        if !waiting.is_empty() {
            waiting.retain(|waiter| !waiter.is_gone(py));
            self.lock().waiting.append(&mut waiting);
        }
    }

    fn next_step(&self) -> Step {
        let mut slot = self.lock();
        if let Some(read) = slot.ready.take() {
            return Step::Take(read);
        }
        if slot.closed {
            return Step::End;
        }
        if let Some(stream) = slot.stream.take() {
            return Step::Read(stream, slot.closing.clone());
        }
        let (tell, told) = oneshot::channel();
        slot.waiting.push(Waiter::Channel(tell));
        Step::Wait(told)
    }

    fn finish(&self) {
        if self.process != std::process::id() {
            self.forget();
            return;
        }
        let mut slot = self.lock();
        slot.closed = true;
        slot.ready = None;
        let stream = slot.stream.take();
        if let Some(task) = slot.task.take() {
            task.abort();
        }
        slot.closing.notify_one();
        wake(slot);
        self.let_go(stream);
    }

    fn let_go(&self, stream: Option<Source>) {
        if stream.is_some() {
            runtime::drop_at(self.home, stream);
        }
    }

    /// In a forked child, the parent's stream is left as it is: its runtime and its socket are not the child's.
    fn forget(&self) {
        if let Ok(mut slot) = self.slot.try_lock() {
            slot.closed = true;
            std::mem::forget((slot.stream.take(), slot.task.take(), std::mem::take(&mut slot.waiting)));
        }
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl CoreStream {
    /// Waits for the next batch. An empty one means the end.
    fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        loop {
            match self.next_step() {
                Step::Take(read) => return self.objects(py, read),
                Step::End => return Ok(PyList::empty(py)),
                Step::Wait(told) => {
                    let _ = runtime::block_on(py, runtime::home(), told)?;
                }
                Step::Read(mut stream, closing) => {
                    let read = call::caught(py, || {
                        runtime::block_on(py, self.home, async {
                            tokio::select! {
                                biased;
                                read = stream.next_batch() => Some(read),
                                () = closing.notified() => None,
                            }
                        })
                    });
                    let read = match read {
                        Ok(read) => read,
                        Err(failed) => {
                            self.let_go(Some(stream));
                            self.finish();
                            return Err(failed);
                        }
                    };
                    runtime::see_off(self.home, stream.take_rest());
                    let mut slot = self.lock();
                    if slot.closed {
                        drop(slot);
                        self.let_go(Some(stream));
                        return Ok(PyList::empty(py));
                    }
                    slot.put(stream);
                    wake(slot);
                    if let Some(read) = read {
                        return self.objects(py, read);
                    }
                }
            }
        }
    }

    /// What has been read already, without waiting: a list, or None when nothing is there.
    fn take_ready<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let ready = {
            let mut slot = self.lock();
            if slot.ready.is_none() && slot.closed {
                Some(Ok(Batch::Chunks(Vec::new())))
            } else {
                slot.ready.take()
            }
        };
        ready.map(|read| self.objects(py, read)).transpose()
    }

    /// Begins to read the next batch unless that is under way; `future` is resolved when `take_ready` has something.
    fn request(&self, py: Python<'_>, queue: &Bound<'_, LoopQueue>, future: Py<PyAny>) -> PyResult<()> {
        self.begin(py, Waiter::Queue(queue.get().sender.clone(), future))
    }

    /// An awaitable that is done when `take_ready` has something, for loops that cannot watch a descriptor.
    fn ready_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (tell, told) = oneshot::channel();
        self.begin(py, Waiter::Channel(tell))?;
        pyo3_async_runtimes::tokio::future_into_py(py, async move {
            let _ = told.await;
            Ok(())
        })
    }

    /// The counts that the upstream has told so far, also when the caller did not ask for them; None while it is read.
    fn usage<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let usage = match &self.lock().stream {
            Some(Source::Chat(stream)) => stream.usage().map(Cow::into_owned),
            Some(Source::Events(stream)) => stream.usage().map(Cow::into_owned),
            Some(Source::Bytes(_)) | None => None,
        };
        usage.map(|usage| objects::usage(py, objects::Classes::get(py)?, &usage)).transpose()
    }

    /// Ends the stream: the upstream connection is closed.
    fn close(&self) {
        self.finish();
    }

    #[getter]
    fn provider(&self) -> &str {
        &self.meta.provider
    }

    #[getter]
    fn model(&self) -> &str {
        &self.meta.model
    }

    /// The core's name of the call type.
    #[getter]
    fn call_type(&self) -> &'static str {
        self.call_type.name()
    }

    /// Whether the provider was asked for a chat completion instead.
    #[getter]
    fn bridged(&self) -> bool {
        self.bridged
    }

    /// What the stream cost, once its usage was read.
    #[getter]
    fn cost(&self, py: Python<'_>) -> Option<f64> {
        self.maker.cost.get(py).copied()
    }

    /// What is known of the call.
    #[getter]
    fn meta(&self) -> CallMeta {
        CallMeta(self.meta.clone())
    }
}

impl Drop for CoreStream {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What was read, and the stream to read on from.
type Read = (Result<Batch, Error>, Source);

/// Puts a read back where its reader finds it, however the task ends; a panic becomes an error.
struct Returned {
    place: Arc<Mutex<Slot>>,
    read: Option<Read>,
}

impl Drop for Returned {
    fn drop(&mut self) {
        let mut slot = lock(&self.place);
        slot.task = None;
        match self.read.take() {
            Some((read, stream)) if !slot.closed => {
                slot.ready = Some(read);
                slot.put(stream);
            }
            None if !slot.closed => slot.ready = Some(Err(call::panicked())),
            _ => {}
        }
        wake(slot);
    }
}
