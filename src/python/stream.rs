//! A stream's core: batches of chunks, blocking or awaitable.
//!
//! The reader asks for a batch; a task reads one and leaves it here. A reader that was cancelled meanwhile loses
//! nothing: the batch waits for the next one. When the object goes, so does the upstream connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::task::AbortHandle;

use super::objects::{CallMeta, ChunkMaker};
use super::queue::{LoopQueue, Outcome, Sender};
use super::{error, runtime};
use crate::engine::{ChatStream, Meta};
use crate::error::{Error, Kind};
use crate::wires::openai::Chunk;

#[pyclass(frozen, module = "ferrolite._core")]
pub struct CoreStream {
    slot: Arc<Mutex<Slot>>,
    maker: ChunkMaker,
    meta: Meta,
}

/// Where the stream is, and what has been read but not been fetched.
struct Slot {
    /// Absent while a task reads, and after the end.
    stream: Option<Box<ChatStream>>,
    ready: Option<Result<Vec<Chunk>, Error>>,
    waiting: Option<Waiter>,
    task: Option<AbortHandle>,
    closed: bool,
}

/// Who waits for a batch.
enum Waiter {
    Queue(Arc<Sender>, Py<PyAny>),
    Channel(tokio::sync::oneshot::Sender<()>),
}

impl Waiter {
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
    pub fn create(py: Python<'_>, stream: ChatStream) -> PyResult<Bound<'_, PyAny>> {
        let meta = stream.meta().clone();
        let slot =
            Slot { stream: Some(Box::new(stream)), ready: None, waiting: None, task: None, closed: false };
        let made = Self { slot: Arc::new(Mutex::new(slot)), maker: ChunkMaker::new(), meta };
        Ok(Bound::new(py, made)?.into_any())
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        lock(&self.slot)
    }

    /// The objects for what was read; an empty list means the end.
    fn objects<'py>(&self, py: Python<'py>, read: Result<Vec<Chunk>, Error>) -> PyResult<Bound<'py, PyList>> {
        match read {
            Ok(chunks) => {
                if !self.maker.is_ready(py) {
                    let slot = self.lock();
                    if let Some(stream) = &slot.stream {
                        self.maker.set_head(py, stream.head())?;
                    }
                }
                self.maker.chunks(py, chunks)
            }
            Err(failed) => {
                self.finish();
                Err(error::exception(py, failed))
            }
        }
    }

    fn begin(&self, waiter: Waiter) -> PyResult<()> {
        let mut slot = self.lock();
        if slot.ready.is_some() || slot.closed {
            drop(slot);
            waiter.wake();
            return Ok(());
        }
        slot.waiting = Some(waiter);
        let Some(mut stream) = slot.stream.take() else { return Ok(()) };
        let shared = runtime::shared()?;
        let place = self.slot.clone();
        let guard = Returned { place, read: None };
        let task = shared.runtime.spawn(async move {
            let mut guard = guard;
            let read = stream.next_batch().await;
            guard.read = Some((read, stream));
        });
        slot.task = Some(task.abort_handle());
        Ok(())
    }

    fn finish(&self) {
        let mut slot = self.lock();
        slot.closed = true;
        slot.ready = None;
        let stream = slot.stream.take();
        if let Some(task) = slot.task.take() {
            task.abort();
        }
        drop(slot);
        drop_in_runtime(stream);
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closing a connection needs the runtime's context.
fn drop_in_runtime(stream: Option<Box<ChatStream>>) {
    if let (Some(stream), Ok(shared)) = (stream, runtime::shared()) {
        let _context = shared.runtime.enter();
        drop(stream);
    }
}

#[pymethods]
impl CoreStream {
    /// Waits for the next batch. An empty one means the end.
    fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let (ready, stream) = {
            let mut slot = self.lock();
            (slot.ready.take(), slot.stream.take())
        };
        if let Some(read) = ready {
            self.lock().stream = stream;
            return self.objects(py, read);
        }
        let Some(mut stream) = stream else {
            if self.lock().task.is_some() {
                return Err(pyo3::exceptions::PyRuntimeError::new_err(
                    "the stream is being read by another task",
                ));
            }
            return Ok(PyList::empty(py));
        };
        let read = runtime::block_on(py, stream.next_batch());
        self.lock().stream = Some(stream);
        self.objects(py, read?)
    }

    /// What has been read already, without waiting: a list, or None when nothing is there.
    fn take_ready<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let ready = {
            let mut slot = self.lock();
            if slot.ready.is_none() && slot.closed { Some(Ok(Vec::new())) } else { slot.ready.take() }
        };
        ready.map(|read| self.objects(py, read)).transpose()
    }

    /// Begins to read the next batch unless that is under way; `future` is resolved when `take_ready` has something.
    fn request(&self, queue: &Bound<'_, LoopQueue>, future: Py<PyAny>) -> PyResult<()> {
        self.begin(Waiter::Queue(queue.get().sender.clone(), future))
    }

    /// An awaitable that is done when `take_ready` has something, for loops that cannot watch a descriptor.
    fn ready_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.begin(Waiter::Channel(tell))?;
        pyo3_async_runtimes::tokio::future_into_py(py, async move {
            let _ = told.await;
            Ok(())
        })
    }

    /// Ends the stream: the upstream connection is closed.
    fn close(&self) {
        self.finish();
    }

    /// What is known of the call.
    #[getter]
    fn meta(&self) -> CallMeta {
        CallMeta::new(self.meta.clone())
    }
}

impl Drop for CoreStream {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What was read, and the stream to read on from.
type Read = (Result<Vec<Chunk>, Error>, Box<ChatStream>);

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
                slot.stream = Some(stream);
            }
            Some(_) => {}
            None => {
                if !slot.closed {
                    slot.ready =
                        Some(Err(Error::new(Kind::InternalServer, "the stream failed inside ferrolite")));
                }
            }
        }
        if let Some(waiter) = slot.waiting.take() {
            drop(slot);
            waiter.wake();
        }
    }
}
