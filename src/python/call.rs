//! Calls: keywords in, a response or a stream out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyDict, PyList};
use tokio::task::AbortHandle;

use super::queue::{LoopQueue, Outcome, Sender};
use super::runtime::{self, Home};
use super::stream::{CoreStream, Source};
use super::value::Nulls;
use super::{error, meta, objects, results, settings, value};
use crate::cache::Cache;
use crate::config::ProcessEnvironment;
use crate::engine::{Call, ChatCall, Engine, Preview, Settings, Shown, is_ignored};
use crate::error::{Error, Kind};
use crate::hub::{CallType, Upload};
use crate::providers;
use crate::router::{self, Asked, Caller, Plan};

/// A call that is ready to be sent.
pub enum Ready {
    Chat(Box<ChatCall>),
    Other(Box<Call>),
    /// By a plan: of a router, or with fallbacks of its own.
    Planned(Box<Planned>),
}

/// A plan and what it is carried out with.
pub struct Planned {
    pub plan: Plan,
    pub settings: Settings,
    pub keep_reply: bool,
}

/// A file that goes with a call: the form's field, the file's name, its content type, and what is in it.
pub type File = (String, String, Option<String>, PyBackedBytes);

fn prepare(
    py: Python<'_>,
    arguments: &Bound<'_, PyDict>,
    module: &Bound<'_, PyDict>,
    call_type: Option<&str>,
    files: Option<Vec<File>>,
    keep_reply: bool,
) -> PyResult<Ready> {
    let keywords =
        value::keywords(arguments, is_ignored, Nulls::LeftOut).map_err(|failed| failed.into_python(py))?;
    let settings = settings::read(py, module)?;
    let call_type = named(call_type)?;
    let ready = if Asked::has_fallbacks(&keywords) {
        let asked = Asked::read_bare(call_type, keywords, uploads(files));
        asked
            .and_then(Plan::bare)
            .map(|plan| Ready::Planned(Box::new(Planned { plan, settings, keep_reply })))
    } else {
        match call_type {
            None => ChatCall::from_keywords(keywords, &settings, &ProcessEnvironment)
                .map(|call| Ready::Chat(Box::new(call))),
            Some(call_type) => {
                Call::from_keywords(call_type, keywords, uploads(files), &settings, &ProcessEnvironment)
                    .map(|call| Ready::Other(Box::new(call)))
            }
        }
    };
    let mut ready = ready.map_err(|failed| error::exception(py, failed))?;
    let envelope = match &mut ready {
        Ready::Chat(call) => &mut call.envelope,
        Ready::Other(call) => call.envelope_mut(),
        Ready::Planned(_) => return Ok(ready),
    };
    envelope.keep_reply = keep_reply;
    Ok(ready)
}

/// The key under which the answer of a call is kept in a cache; `None` when it has nothing to do with it.
pub fn cache_key(
    py: Python<'_>,
    arguments: &Bound<'_, PyDict>,
    module: &Bound<'_, PyDict>,
    call_type: Option<&str>,
    cache: Arc<Cache>,
) -> PyResult<Option<String>> {
    let keywords =
        value::keywords(arguments, is_ignored, Nulls::LeftOut).map_err(|failed| failed.into_python(py))?;
    let settings = Settings { cache: Some(cache), ..settings::read(py, module)? };
    let key = match call_type.map(CallType::from_name) {
        None => ChatCall::from_keywords(keywords, &settings, &ProcessEnvironment)
            .map(|call| call.cache_key().map(str::to_owned)),
        Some(None) => return Ok(None),
        Some(Some(call_type)) => {
            Call::from_keywords(call_type, keywords, Vec::new(), &settings, &ProcessEnvironment)
                .map(|call| call.cache_key().map(str::to_owned))
        }
    };
    key.map_err(|failed| error::exception(py, failed))
}

pub fn named(call_type: Option<&str>) -> PyResult<Option<CallType>> {
    let Some(name) = call_type else { return Ok(None) };
    match CallType::from_name(name) {
        Some(call_type) => Ok(Some(call_type)),
        None => Err(PyValueError::new_err(format!("there is no call type '{name}'"))),
    }
}

pub fn uploads(files: Option<Vec<File>>) -> Vec<Upload> {
    files.unwrap_or_default().into_iter().map(upload).collect()
}

fn upload((field, name, content_type, data): File) -> Upload {
    Upload { field, name, content_type, data: Bytes::from_owner(data) }
}

/// A call, waited for: a response, or a `CoreStream` when it streams.
#[pyfunction]
#[pyo3(signature = (arguments, module, call_type = None, files = None, keep_reply = false))]
pub fn call<'py>(
    py: Python<'py>,
    arguments: &Bound<'py, PyDict>,
    module: &Bound<'py, PyDict>,
    call_type: Option<&str>,
    files: Option<Vec<File>>,
    keep_reply: bool,
) -> PyResult<Bound<'py, PyAny>> {
    run(py, prepare(py, arguments, module, call_type, files, keep_reply)?)
}

/// Waits for a call.
pub fn run(py: Python<'_>, ready: Ready) -> PyResult<Bound<'_, PyAny>> {
    let home = runtime::home();
    let engine = &runtime::place(home)?.engine;
    let failed = |failed| {
        runtime::settle(home);
        error::exception(py, failed)
    };
    let outcome = match ready {
        Ready::Chat(call) if call.request.stream => {
            let stream =
                caught(py, || runtime::block_on(py, home, engine.chat_stream(*call)))?.map_err(failed)?;
            router::Outcome::Stream(Box::new(stream))
        }
        Ready::Chat(call) => {
            let answer = caught(py, || runtime::block_on(py, home, engine.chat(*call)))?.map_err(failed)?;
            return objects::response(py, answer);
        }
        Ready::Other(call) if call.piece_size().is_some() => {
            let size = call.piece_size().unwrap_or_default();
            let stream = caught(py, || runtime::block_on(py, home, engine.call_bytes(*call, size)))?;
            return CoreStream::create(py, Source::Bytes(Box::new(stream.map_err(failed)?)), home);
        }
        Ready::Other(call) if call.is_stream() => {
            let stream =
                caught(py, || runtime::block_on(py, home, engine.call_stream(*call)))?.map_err(failed)?;
            router::Outcome::Events(Box::new(stream))
        }
        Ready::Other(call) => {
            let answer = caught(py, || runtime::block_on(py, home, engine.call(*call)))?.map_err(failed)?;
            return results::result(py, answer);
        }
        Ready::Planned(planned) => {
            let planned = carried_out(engine, *planned);
            caught(py, || runtime::block_on(py, home, planned))?.map_err(failed)?
        }
    };
    match outcome {
        router::Outcome::Chat(answer) => objects::response(py, *answer),
        router::Outcome::Call(answer) => results::result(py, *answer),
        router::Outcome::Stream(stream) => CoreStream::create(py, Source::Chat(stream), home),
        router::Outcome::Events(stream) => CoreStream::create(py, Source::Events(stream), home),
    }
}

async fn carried_out(engine: &'static Engine, planned: Planned) -> Result<router::Outcome, Error> {
    let Planned { plan, settings, keep_reply } = planned;
    let caller =
        Caller { engine, settings: Arc::new(settings), environment: &ProcessEnvironment, keep_reply };
    router::run(caller, plan).await
}

/// What a call would send: a dict with secrets masked, but for the body when it is wanted whole. Nothing is sent.
#[pyfunction]
#[pyo3(signature = (arguments, module, call_type = None, files = None, whole = false))]
pub fn preview<'py>(
    py: Python<'py>,
    arguments: &Bound<'py, PyDict>,
    module: &Bound<'py, PyDict>,
    call_type: Option<&str>,
    files: Option<Vec<File>>,
    whole: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let shown = if whole { Shown::Whole } else { Shown::Masked };
    let made = match prepare(py, arguments, module, call_type, files, false)? {
        Ready::Chat(call) => call.preview(shown),
        Ready::Other(call) => call.preview(shown),
        Ready::Planned(planned) => {
            router::preview(planned.plan, &planned.settings, &ProcessEnvironment, shown)
        }
    };
    let Preview { provider, model, api_base, url, headers, body, query, billing } =
        made.map_err(|failed| error::exception(py, failed))?;
    let out = PyDict::new(py);
    out.set_item(intern!(py, "provider"), &*provider)?;
    if whole {
        let call_type = named(call_type)?.unwrap_or(CallType::Chat);
        let facts = meta::cost_facts(py, &provider, &model, Some(call_type), billing.as_deref())?;
        out.set_item(intern!(py, "cost_facts"), facts)?;
        let pairs = PyDict::new(py);
        for (name, value) in query {
            pairs.set_item(name, value)?;
        }
        out.set_item(intern!(py, "query"), pairs)?;
    }
    out.set_item(intern!(py, "model"), model)?;
    out.set_item(intern!(py, "api_base"), api_base)?;
    out.set_item(intern!(py, "url"), url)?;
    let masked = PyDict::new(py);
    for (name, value) in headers {
        masked.set_item(name, value)?;
    }
    out.set_item(intern!(py, "headers"), masked)?;
    // A form with files in it is no JSON, and is not shown.
    let body = serde_json::from_slice(&body).map(|body: serde_json::Value| value::to_python(py, &body));
    out.set_item(intern!(py, "body"), body.ok().transpose()?)?;
    Ok(out)
}

/// A panic fails the call, and not the program.
pub fn caught<T>(py: Python<'_>, run: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(error::exception(py, panicked())))
}

/// A call under way. Letting go of it does not end it; `abort` does.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct PendingCall {
    task: Mutex<Option<AbortHandle>>,
    process: u32,
}

#[pymethods]
impl PendingCall {
    /// Ends the call: the request is dropped, its connection closed.
    fn abort(&self) {
        if self.process == std::process::id()
            && let Ok(mut task) = self.task.lock()
            && let Some(task) = task.take()
        {
            task.abort();
        }
    }
}

/// Begins a call whose result goes to `future` through the loop's queue.
#[pyfunction]
#[pyo3(signature = (arguments, module, queue, future, call_type = None, files = None, keep_reply = false))]
#[expect(clippy::too_many_arguments, reason = "they are the keywords of a Python function")]
pub fn call_async(
    py: Python<'_>,
    arguments: &Bound<'_, PyDict>,
    module: &Bound<'_, PyDict>,
    queue: &Bound<'_, LoopQueue>,
    future: Py<PyAny>,
    call_type: Option<&str>,
    files: Option<Vec<File>>,
    keep_reply: bool,
) -> PyResult<PendingCall> {
    begin(prepare(py, arguments, module, call_type, files, keep_reply)?, queue, future)
}

/// Begins a call whose result goes to `future`.
pub fn begin(ready: Ready, queue: &Bound<'_, LoopQueue>, future: Py<PyAny>) -> PyResult<PendingCall> {
    let place = runtime::place(Home::Workers)?;
    let sender = queue.get().sender.clone();
    let mut owed = Owed { sender, future: Some(future) };
    let task = place.runtime.spawn(async move {
        let outcome = outcome(&place.engine, ready).await;
        owed.pay(outcome);
    });
    Ok(PendingCall { task: Mutex::new(Some(task.abort_handle())), process: std::process::id() })
}

/// A result that a future waits for; a panic is one, too. A call that is aborted owes nothing.
struct Owed {
    sender: Arc<Sender>,
    future: Option<Py<PyAny>>,
}

impl Owed {
    fn pay(&mut self, outcome: Outcome) {
        if let Some(future) = self.future.take() {
            self.sender.send(future, outcome);
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.pay(Outcome::Failed(panicked()));
        }
    }
}

async fn outcome(engine: &'static Engine, ready: Ready) -> Outcome {
    let done = match ready {
        Ready::Chat(call) if call.request.stream => {
            engine.chat_stream(*call).await.map(|stream| Outcome::Stream(Source::Chat(Box::new(stream))))
        }
        Ready::Chat(call) => engine.chat(*call).await.map(|answer| Outcome::Answer(Box::new(answer))),
        Ready::Other(call) if call.piece_size().is_some() => {
            let size = call.piece_size().unwrap_or_default();
            let stream = Box::pin(engine.call_bytes(*call, size)).await;
            stream.map(|stream| Outcome::Stream(Source::Bytes(Box::new(stream))))
        }
        Ready::Other(call) if call.is_stream() => {
            let stream = Box::pin(engine.call_stream(*call)).await;
            stream.map(|stream| Outcome::Stream(Source::Events(Box::new(stream))))
        }
        Ready::Other(call) => {
            Box::pin(engine.call(*call)).await.map(|answer| Outcome::Result(Box::new(answer)))
        }
        Ready::Planned(planned) => {
            let planned = Box::pin(carried_out(engine, *planned)).await;
            planned.map(|outcome| match outcome {
                router::Outcome::Chat(answer) => Outcome::Answer(answer),
                router::Outcome::Call(answer) => Outcome::Result(answer),
                router::Outcome::Stream(stream) => Outcome::Stream(Source::Chat(stream)),
                router::Outcome::Events(stream) => Outcome::Stream(Source::Events(stream)),
            })
        }
    };
    done.unwrap_or_else(Outcome::Failed)
}

/// The same for loops that cannot watch a descriptor: an awaitable of its own.
#[pyfunction]
#[pyo3(signature = (arguments, module, call_type = None, files = None, keep_reply = false))]
pub fn call_future<'py>(
    py: Python<'py>,
    arguments: &Bound<'py, PyDict>,
    module: &Bound<'py, PyDict>,
    call_type: Option<&str>,
    files: Option<Vec<File>>,
    keep_reply: bool,
) -> PyResult<Bound<'py, PyAny>> {
    await_(py, prepare(py, arguments, module, call_type, files, keep_reply)?)
}

/// An awaitable for a call.
pub fn await_(py: Python<'_>, ready: Ready) -> PyResult<Bound<'_, PyAny>> {
    let place = runtime::place(Home::Workers)?;
    pyo3_async_runtimes::tokio::future_into_py(py, async move {
        let task = place.runtime.spawn(outcome(&place.engine, ready));
        let guard = AbortOnDrop(task.abort_handle());
        let outcome = task.await.unwrap_or_else(|failed| Outcome::Failed(lost(&failed)));
        drop(guard);
        Python::attach(|py| outcome.into_python(py).map(Bound::unbind))
    })
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A task that did not end as it should: a panic stays in its task.
fn lost(failed: &tokio::task::JoinError) -> Error {
    if failed.is_panic() { panicked() } else { Error::new(Kind::InternalServer, "the call was cancelled") }
}

/// What a call that panics fails with.
pub fn panicked() -> Error {
    Error::new(Kind::InternalServer, "the call failed inside ferrolite (a panic, please report it)")
}

/// Folds chunk dicts into one response (`stream_chunk_builder`).
#[pyfunction]
pub fn collect_chunks<'py>(py: Python<'py>, chunks: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyAny>> {
    let mut values = Vec::with_capacity(chunks.len());
    for (index, chunk) in chunks.iter().enumerate() {
        let value =
            value::to_json(&chunk, &format!("chunks[{index}]")).map_err(|failed| failed.into_python(py))?;
        values.push(value);
    }
    let response = crate::wires::openai::collect_chunks(values)
        .map_err(|failed| error::exception(py, Error::bad_request(failed.message())))?;
    objects::plain_response(py, response)
}

/// Adds a provider: a dict with the fields of a row.
#[pyfunction]
pub fn register_provider(py: Python<'_>, row: &Bound<'_, PyDict>) -> PyResult<()> {
    let row: providers::Provider = pythonize::depythonize(row).map_err(|failed| {
        error::exception(py, Error::new(Kind::Config, format!("a provider row cannot be read: {failed}")))
    })?;
    providers::register(row).map_err(|failed| error::exception(py, failed))
}

/// The provider and the provider's own name of a model.
#[pyfunction]
#[pyo3(signature = (model, provider = None, api_base = None))]
pub fn split_model(
    py: Python<'_>,
    model: &str,
    provider: Option<&str>,
    api_base: Option<&str>,
) -> PyResult<(String, String)> {
    let of_address = || api_base.and_then(|base| providers::of_address(model, base));
    let provider = provider.filter(|name| !name.is_empty()).or_else(of_address);
    providers::split_model(model, provider).map_err(|failed| error::exception(py, failed))
}
