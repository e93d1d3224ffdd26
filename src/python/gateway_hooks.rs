//! Hooks of the gateway that are written in Python.
//!
//! Requests and Python meet at two queues only. What the gateway asks goes over a channel to a thread of its own, which
//! is the one that waits for the interpreter; it hands the questions to an asyncio loop on a thread of Python's
//! (`ferrolite._gateway_hooks`), and answers come back over a channel each. The gateway's own threads never wait for
//! the interpreter, whatever a hook does with it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{error, value};
use crate::error::{Error, Kind, Result};
use crate::gateway::Config;
use crate::gateway::hooks::{Event, Given, Hooks, Maker, Step, error_of};
use crate::providers::Provider;

/// Events that wait to be told, at most.
const EVENTS: usize = 10_000;
/// Questions that are handed over in one go, at most.
const BATCH: usize = 64;

/// What goes to Python.
enum Job {
    Ask(Step, Given, HookReply),
    Tell(Event, Given, OwnedSemaphorePermit),
    Forget(u64),
}

/// Where an answer goes. Dropped without one, whoever waits is told so.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct HookReply(Mutex<Option<(oneshot::Sender<Result<Value>>, OwnedSemaphorePermit)>>);

impl HookReply {
    fn send(&self, answer: Result<Value>) {
        if let Some((sender, _place)) = self.0.lock().ok().and_then(|mut held| held.take()) {
            // Nobody waits any longer: the time is over, or the client has gone.
            let _ = sender.send(answer);
        }
    }
}

#[pymethods]
impl HookReply {
    /// The hook's answer: plain data.
    fn done(&self, answer: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = answer.py();
        let answer = value::to_json(answer, "hook").map_err(|failed| failed.into_python(py))?;
        self.send(Ok(answer));
        Ok(())
    }

    /// What the hook has raised: status, message, type, param, code.
    fn failed(&self, facts: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = facts.py();
        let facts = value::to_json(facts, "hook").map_err(|failed| failed.into_python(py))?;
        self.send(Err(error_of(&facts)));
        Ok(())
    }
}

/// Something that is held until it is dropped: the place of an event that is being told.
#[pyclass(frozen, module = "ferrolite._core")]
struct Held(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

struct PythonHooks {
    jobs: mpsc::Sender<Job>,
    asked: Arc<Semaphore>,
    told: Arc<Semaphore>,
    /// Names of steps and events that somebody overrides.
    has: HashSet<String>,
    limit: Duration,
    dropped: AtomicU64,
}

impl Hooks for PythonHooks {
    fn has(&self, step: Step) -> bool {
        self.has.contains(step.name())
    }

    fn listens(&self, event: Event) -> bool {
        self.has.contains(name_of(event))
    }

    fn ask(&self, step: Step, given: Given) -> BoxFuture<'_, Result<Value>> {
        async move {
            let busy = || {
                let mut error = Error::new(
                    Kind::ServiceUnavailable,
                    "The gateway's hooks have as many requests as they take (general_settings.max_parallel_hooks); \
                     come back in a second.",
                );
                error.facts_mut().retry_after = Some(Duration::from_secs(1));
                error
            };
            let place = match step {
                // Nothing is paid for yet: whoever comes is told at once.
                Step::Authorize | Step::PreCall => self.asked.clone().try_acquire_owned().map_err(|_| busy())?,
                _ => tokio::time::timeout(self.limit, self.asked.clone().acquire_owned())
                    .await
                    .ok()
                    .and_then(Result::ok)
                    .ok_or_else(busy)?,
            };
            let (sender, receiver) = oneshot::channel();
            let reply = HookReply(Mutex::new(Some((sender, place))));
            let gone = || Error::new(Kind::InternalServer, format!("The hooks at '{}' gave no answer.", step.name()));
            self.jobs.send(Job::Ask(step, given, reply)).map_err(|_| gone())?;
            match tokio::time::timeout(self.limit, receiver).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(gone()),
                Err(_) => Err(Error::new(
                    Kind::Timeout,
                    format!(
                        "The hooks at '{}' took over {} s (general_settings.hook_timeout).",
                        step.name(),
                        self.limit.as_secs_f64()
                    ),
                )
                .with_status(504)),
            }
        }
        .boxed()
    }

    fn tell(&self, event: Event, given: Given) {
        let told = self.told.clone().try_acquire_owned().ok();
        let sent = told.is_some_and(|place| self.jobs.send(Job::Tell(event, given, place)).is_ok());
        if !sent {
            let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped.is_power_of_two() {
                tracing::warn!(dropped, "callbacks are slower than requests come: events were dropped");
            }
        }
    }

    fn forget(&self, request: u64) {
        // Without the thread there is nothing that remembers.
        let _ = self.jobs.send(Job::Forget(request));
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn name_of(event: Event) -> &'static str {
    match event {
        Event::Success => "success_event",
        Event::Failure => "failure_event",
    }
}

/// Loads the hooks of configurations.
pub fn maker() -> Maker {
    Maker(Arc::new(|config: &mut Config| {
        let made = Python::try_attach(|py| load(py, config).map_err(|raised| unloadable(py, &raised)));
        made.unwrap_or_else(|| Err(Error::new(Kind::Config, "Python is ending.")))
    }))
}

fn unloadable(py: Python<'_>, raised: &PyErr) -> Error {
    let name = raised.get_type(py).to_string();
    Error::new(Kind::Config, format!("A hook cannot be loaded: {}", text_of(py, raised, &name)))
}

fn text_of(py: Python<'_>, raised: &PyErr, otherwise: &str) -> String {
    raised.value(py).str().map_or_else(|_| otherwise.to_owned(), |text| text.to_string())
}

fn load(py: Python<'_>, config: &mut Config) -> PyResult<Option<Arc<dyn Hooks>>> {
    let hooks = &config.hooks;
    let limit = config.general.hook_timeout;
    let folder = config.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("."));
    let named = json!({
        "callbacks": hooks.callbacks,
        "success_callback": hooks.success_callbacks,
        "failure_callback": hooks.failure_callbacks,
        "custom_auth": hooks.custom_auth,
        "custom_provider_map": hooks.custom_providers,
        "guardrails": hooks.guardrails,
        "settings": hooks.settings,
        "folder": folder,
        "timeout": limit.as_secs_f64(),
        "most": config.general.max_parallel_hooks,
    });
    let module = py.import("ferrolite._gateway_hooks")?;
    let runner = module.call_method1("load", (value::to_python(py, &named)?,))?;
    let has = runner.getattr("has")?.extract::<HashSet<String>>()?;
    let served: Option<(String, String)> = runner.getattr("served")?.extract()?;
    if let Some((address, secret)) = served {
        serve_providers(config, &address, &secret).map_err(|failed| error::exception(py, failed))?;
    }
    let (jobs, queue) = mpsc::channel();
    let runner = runner.unbind();
    std::thread::Builder::new().name("ferrolite-hooks".to_owned()).spawn(move || carry(&queue, runner))?;
    Ok(Some(Arc::new(PythonHooks {
        jobs,
        asked: Arc::new(Semaphore::new(config.general.max_parallel_hooks)),
        told: Arc::new(Semaphore::new(EVENTS)),
        has,
        limit,
        dropped: AtomicU64::new(0),
    })))
}

/// Deployments of providers in Python are called where Python serves them, which only this process can.
fn serve_providers(config: &mut Config, address: &str, secret: &str) -> Result<()> {
    for (name, _) in &config.hooks.custom_providers {
        let row = json!({
            "name": name,
            "base": address,
            "auth": "bearer",
            "key_required": false,
            "wires": { "chat": "openai" },
            "calls": { "embedding": { "wire": "openai" }, "image_generation": { "wire": "openai" } },
        });
        let row: Provider = serde_json::from_value(row)
            .map_err(|failed| Error::new(Kind::Config, format!("custom_provider_map: '{name}': {failed}")))?;
        config.providers.push(row);
    }
    let own: Vec<String> = config.hooks.custom_providers.iter().map(|(name, _)| name.clone()).collect();
    for deployment in &mut config.deployments {
        let named = deployment.params.get("custom_llm_provider").and_then(Value::as_str);
        let prefix = named.or_else(|| Some(deployment.model.split_once('/')?.0)).map(str::to_owned);
        let Some(provider) = prefix.filter(|prefix| own.contains(prefix)) else { continue };
        let headers = deployment.params.entry("extra_headers").or_insert_with(|| json!({}));
        if let Value::Object(headers) = headers {
            headers.insert("x-ferrolite-secret".to_owned(), secret.into());
            headers.insert("x-ferrolite-provider".to_owned(), provider.into());
        }
        // The handler's business.
        let base = ["api_base", "base_url"].iter().find_map(|name| deployment.params.shift_remove(*name));
        if let (Some(Value::String(base)), Some(Value::Object(headers))) =
            (base, deployment.params.get_mut("extra_headers"))
        {
            headers.insert("x-ferrolite-api-base".to_owned(), base.into());
        }
    }
    Ok(())
}

/// Hands what comes to Python, until nobody can send any more.
fn carry(queue: &mpsc::Receiver<Job>, runner: Py<PyAny>) {
    while let Ok(first) = queue.recv() {
        let mut jobs = vec![first];
        jobs.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(BATCH - 1));
        let handed = Python::try_attach(|py| {
            for job in jobs {
                if let Err(raised) = hand(py, runner.bind(py), job) {
                    tracing::error!(error = text_of(py, &raised, "?"), "a hook could not be called");
                }
            }
        });
        if handed.is_none() {
            // The interpreter ends, and with it what it owns.
            std::mem::forget(runner);
            return;
        }
    }
    let closed = Python::try_attach(|py| {
        let closed = runner.bind(py).call_method0("close").map(drop);
        drop(runner);
        closed
    });
    if let Some(Err(raised)) = closed {
        tracing::debug!(error = %raised, "hooks could not be closed");
    }
}

fn hand(py: Python<'_>, runner: &Bound<'_, PyAny>, job: Job) -> PyResult<()> {
    let raised = |error: Option<Error>| match error {
        Some(failed) => error::object(py, failed).map(Some),
        None => Ok(None),
    };
    match job {
        Job::Ask(step, given, reply) => {
            let body = given.body.as_ref().map(|body| PyBytes::new(py, body));
            let facts = value::to_python(py, &given.facts)?;
            let arguments = (step.name(), given.request, facts, body, raised(given.error)?, reply);
            runner.call_method1("ask", arguments)?;
        }
        Job::Tell(event, given, place) => {
            let facts = value::to_python(py, &given.facts)?;
            let arguments =
                (name_of(event), given.request, facts, raised(given.error)?, Bound::new(py, Held(place))?);
            runner.call_method1("tell", arguments)?;
        }
        Job::Forget(request) => {
            runner.call_method1("forget", (request,))?;
        }
    }
    Ok(())
}
