//! The router's handle: a list of deployments and settings in, the same results out as of other calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::Value;

use super::call::{self, File, PendingCall, Planned, Ready};
use super::queue::LoopQueue;
use super::value::{self, Nulls, to_python};
use super::{error, meta, settings};
use crate::engine::is_ignored;
use crate::error::{Error, Kind};
use crate::json::Map;
use crate::router::{Asked, Attempt, Deployment, Lease, Moment, Place, Plan, Router, RouterSettings, Step};
use crate::store::together::RedisTogether;

/// Deployments behind names, and what is known of them.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct CoreRouter {
    router: Arc<Router>,
}

fn map_of(dict: &Bound<'_, PyDict>, path: &str) -> PyResult<Map> {
    match value::to_json(dict, path) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Ok(Map::new()),
        Err(failed) => Err(failed.into_python(dict.py())),
    }
}

fn deployments_of(entries: &Bound<'_, PyList>) -> PyResult<Vec<Deployment>> {
    entries.iter().map(|entry| deployment_of(&entry)).collect()
}

fn deployment_of(entry: &Bound<'_, PyAny>) -> PyResult<Deployment> {
    let py = entry.py();
    let entry = value::to_json(entry, "model_list").map_err(|failed| failed.into_python(py))?;
    Deployment::read(&entry).map_err(|failed| error::exception(py, failed))
}

fn settings_of(arguments: &Bound<'_, PyDict>) -> PyResult<RouterSettings> {
    let py = arguments.py();
    let arguments = map_of(arguments, "arguments")?;
    RouterSettings::read(&arguments).map_err(|failed| error::exception(py, failed))
}

impl CoreRouter {
    fn asked(
        py: Python<'_>,
        arguments: &Bound<'_, PyDict>,
        call_type: Option<&str>,
        files: Option<Vec<File>>,
    ) -> PyResult<Asked> {
        let keywords =
            value::keywords(arguments, is_ignored, Nulls::Kept).map_err(|failed| failed.into_python(py))?;
        Asked::read(call::named(call_type)?, keywords, call::uploads(files))
            .map_err(|failed| error::exception(py, failed))
    }

    fn planned(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyDict>,
        call_type: Option<&str>,
        files: Option<Vec<File>>,
    ) -> PyResult<Plan> {
        let asked = Self::asked(py, arguments, call_type, files)?;
        Plan::new(self.router.clone(), asked).map_err(|failed| error::exception(py, failed))
    }

    fn ready(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyDict>,
        module: &Bound<'_, PyDict>,
        call_type: Option<&str>,
        files: Option<Vec<File>>,
        keep_reply: bool,
    ) -> PyResult<Ready> {
        let plan = self.planned(py, arguments, call_type, files)?;
        let settings = settings::read(py, module)?;
        Ok(Ready::Planned(Box::new(Planned { plan, settings, keep_reply })))
    }
}

#[pymethods]
impl CoreRouter {
    /// `entries` are those of a model list; `arguments` those of the public constructor.
    #[new]
    fn new(entries: &Bound<'_, PyList>, arguments: &Bound<'_, PyDict>) -> PyResult<Self> {
        let deployments = deployments_of(entries)?.into_iter().map(Arc::new).collect();
        let settings = settings_of(arguments)?;
        let mut router = Router::new(deployments, settings);
        let url = arguments.get_item("redis_url")?.filter(|url| !url.is_none());
        if let Some(url) = url {
            let store = RedisTogether::new(&url.extract::<String>()?, "ferrolite:router");
            router =
                router.sharing(Arc::new(store.map_err(|failed| error::exception(arguments.py(), failed))?));
        }
        Ok(Self { router: Arc::new(router) })
    }

    fn set_deployments(&self, entries: &Bound<'_, PyList>) -> PyResult<()> {
        self.router.set_deployments(deployments_of(entries)?);
        Ok(())
    }

    fn set_settings(&self, arguments: &Bound<'_, PyDict>) -> PyResult<()> {
        self.router.set_settings(settings_of(arguments)?);
        Ok(())
    }

    fn upsert(&self, entry: &Bound<'_, PyAny>) -> PyResult<String> {
        let deployment = deployment_of(entry)?;
        let id = deployment.id.to_string();
        self.router.upsert(deployment);
        Ok(id)
    }

    fn remove(&self, id: &str) -> bool {
        self.router.remove(id).is_some()
    }

    /// A call, waited for: a response, or a stream.
    #[pyo3(signature = (arguments, module, call_type = None, files = None, keep_reply = false))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyDict>,
        module: &Bound<'py, PyDict>,
        call_type: Option<&str>,
        files: Option<Vec<File>>,
        keep_reply: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        call::run(py, self.ready(py, arguments, module, call_type, files, keep_reply)?)
    }

    /// Begins a call whose result goes to `future` through the loop's queue.
    #[pyo3(signature = (arguments, module, queue, future, call_type = None, files = None, keep_reply = false))]
    #[expect(clippy::too_many_arguments, reason = "those of `call_async`, and the router")]
    fn call_async(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyDict>,
        module: &Bound<'_, PyDict>,
        queue: &Bound<'_, LoopQueue>,
        future: Py<PyAny>,
        call_type: Option<&str>,
        files: Option<Vec<File>>,
        keep_reply: bool,
    ) -> PyResult<PendingCall> {
        call::begin(self.ready(py, arguments, module, call_type, files, keep_reply)?, queue, future)
    }

    /// The same for loops that cannot watch a descriptor.
    #[pyo3(signature = (arguments, module, call_type = None, files = None, keep_reply = false))]
    fn call_future<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyDict>,
        module: &Bound<'py, PyDict>,
        call_type: Option<&str>,
        files: Option<Vec<File>>,
        keep_reply: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        call::await_(py, self.ready(py, arguments, module, call_type, files, keep_reply)?)
    }

    /// The id of a deployment for a call, which is not made.
    #[pyo3(signature = (arguments, call_type = None))]
    fn choose(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyDict>,
        call_type: Option<&str>,
    ) -> PyResult<String> {
        let asked = Self::asked(py, arguments, call_type, None)?;
        match self.router.choose(asked) {
            Ok(deployment) => Ok(deployment.id.to_string()),
            Err(failed) => Err(error::exception(py, failed)),
        }
    }

    /// The plan of a call that Python carries out itself.
    #[pyo3(signature = (arguments, call_type = None))]
    fn plan(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyDict>,
        call_type: Option<&str>,
    ) -> PyResult<CorePlan> {
        let plan = self.planned(py, arguments, call_type, None)?;
        Ok(CorePlan(Mutex::new(Running::new(plan))))
    }

    /// The name of the group that a name leads to, and the ids of its deployments.
    fn find(&self, name: &str) -> Option<(String, Vec<String>)> {
        let found = self.router.view().table.find(name)?;
        let ids = found.group.members().map(|one| one.id.to_string()).collect();
        Some((found.group.name.to_string(), ids))
    }

    /// Names of the groups, in the order of the list.
    fn names(&self) -> Vec<String> {
        self.router.view().table.names().into_iter().map(str::to_owned).collect()
    }

    fn ids(&self) -> Vec<String> {
        self.router.view().table.deployments.iter().map(|one| one.id.to_string()).collect()
    }

    /// What a deployment is doing: calls under way, counts of this minute, seconds of cooldown, mean latency.
    fn state<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let view = self.router.view();
        let Some(one) = view.table.by_id(id) else { return Ok(None) };
        let now = self.router.clock.now();
        let (live, minute) = (&one.live, now.minute());
        let out = PyDict::new(py);
        out.set_item("in_flight", live.in_flight())?;
        out.set_item("requests", live.requests.get(minute))?;
        out.set_item("tokens", live.tokens.get(minute))?;
        out.set_item("successes", live.successes.get(minute))?;
        out.set_item("failures", live.failures.get(minute))?;
        out.set_item("cooldown", live.cooldown(now).map(|left| left.as_secs_f64()))?;
        out.set_item("latency", live.average())?;
        Ok(Some(out))
    }

    /// Forgets latencies, counts, cooldowns and sticky calls.
    fn forget(&self) {
        self.router.forget();
    }
}

/// A plan that Python carries out: for providers and strategies that are written there.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct CorePlan(Mutex<Running>);

struct Running {
    plan: Plan,
    attempt: Option<Attempt>,
    /// Of the deployment that a stream comes from.
    lease: Option<Lease>,
    /// Where it waits for a deployment to be free, and how long it may.
    place: Option<(Place, Moment)>,
}

impl Running {
    fn new(plan: Plan) -> Self {
        Self { plan, attempt: None, lease: None, place: None }
    }

    /// What to do next, which is to call, to wait or to fail.
    fn next(&mut self, id: Option<&str>) -> Step {
        let now = self.plan.now();
        if let Some((place, until)) = &self.place {
            if now > *until {
                self.place = None;
                return Step::Fail(self.plan.waited_too_long());
            }
            if !place.is_first() {
                return Step::Wait(self.plan.polling());
            }
        }
        let step = match id.and_then(|id| self.plan.take(id, now)) {
            Some(attempt) => Step::Call(attempt),
            None => self.plan.next(now),
        };
        match step {
            Step::Queue => self.queue(now).map_or_else(Step::Fail, Step::Wait),
            Step::Wait(wait) => Step::Wait(wait),
            step @ (Step::Call(_) | Step::Fail(_)) => {
                self.place = None;
                step
            }
        }
    }

    /// Waits for a deployment of the current group.
    fn queue(&mut self, now: Moment) -> Result<Duration, Error> {
        let place = match self.place.take() {
            Some((place, until)) if self.plan.queues_at(&place) => (place, until),
            Some((_, until)) => (self.plan.queue()?, until),
            None => (self.plan.queue()?, now.plus(self.plan.longest_queue())),
        };
        self.place = Some(place);
        Ok(self.plan.polling())
    }

    fn count(&self, lease: &Lease, tokens: u64) {
        if let Some(router) = self.plan.router().filter(|_| tokens > 0) {
            router.count_tokens(&lease.deployment, tokens, self.plan.now());
        }
    }
}

/// An exception as the core has errors.
fn error_of(class_name: &str, status: Option<u16>, message: String) -> Error {
    let kind = Kind::of_class(class_name).or_else(|| status.map(Kind::of_status));
    let mut failed = Error::new(kind.unwrap_or(Kind::Connection), message);
    failed.facts_mut().status = status;
    failed
}

impl CorePlan {
    fn with<T>(&self, act: impl FnOnce(&mut Running) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl CorePlan {
    /// The group that a deployment is wanted from, for those who choose by themselves; None when none is now.
    fn wants(&self) -> Option<String> {
        self.with(|running| running.plan.wants().map(str::to_owned))
    }

    /// What to do next: the deployment's id, its group and keywords that replace its and the caller's, or seconds to
    /// wait.
    ///
    /// `id` names the deployment to take, for those who choose by themselves.
    #[pyo3(signature = (id = None))]
    fn next<'py>(&self, py: Python<'py>, id: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        enum Next {
            Call(String, String, Map),
            Wait(f64),
            Fail(Error),
        }
        let next = self.with(|running| match running.next(id) {
            Step::Call(attempt) => {
                let keywords = running.plan.replaced(&attempt);
                let id = attempt.deployment().id.to_string();
                running.attempt = Some(attempt);
                Next::Call(id, running.plan.group().to_owned(), keywords)
            }
            Step::Wait(wait) => Next::Wait(wait.as_secs_f64()),
            Step::Queue => Next::Wait(running.plan.polling().as_secs_f64()),
            Step::Fail(failed) => Next::Fail(failed),
        });
        match next {
            Next::Wait(seconds) => Ok(seconds.into_pyobject(py)?.into_any()),
            Next::Fail(failed) => Err(error::exception(py, failed)),
            Next::Call(id, group, keywords) => {
                let keywords = to_python(py, &Value::Object(keywords))?;
                Ok((id, group, keywords).into_pyobject(py)?.into_any())
            }
        }
    }

    /// The attempt has brought its answer: what is known of the call, for the answer's hidden parameters.
    ///
    /// A stream's deployment stays taken until `ended` or `broke_off`, or until this object goes. `response_id` is that of
    /// a response that only its deployment holds.
    #[pyo3(signature = (tokens = 0, response_id = None, is_stream = false))]
    fn succeeded(&self, tokens: u64, response_id: Option<&str>, is_stream: bool) -> Option<meta::CallMeta> {
        self.with(|running| {
            let attempt = running.attempt.take()?;
            let now = running.plan.now();
            let (lease, routing) = running.plan.succeeded(attempt, now);
            running.count(&lease, tokens);
            if let Some(id) = response_id {
                running.plan.holds_response(id, &lease.deployment, now);
            }
            running.lease = is_stream.then_some(lease);
            let meta = crate::engine::Meta { routing: Some(Arc::new(routing)), ..Default::default() };
            Some(meta::CallMeta(meta))
        })
    }

    /// The stream has ended well, or was closed.
    fn ended(&self, tokens: u64) {
        self.with(|running| {
            if let Some(lease) = running.lease.take() {
                running.count(&lease, tokens);
            }
        });
    }

    /// The stream has failed with an exception of a class, a status and a text.
    fn broke_off(&self, class_name: &str, status: Option<u16>, message: String, tokens: u64) {
        let error = error_of(class_name, status, message);
        self.with(|running| {
            if let Some(lease) = running.lease.take() {
                running.count(&lease, tokens);
                let now = running.plan.now();
                running.plan.broke_off(&lease.deployment, &error, false, now);
            }
        });
    }

    /// The attempt has failed with an exception of a class, a status and a text. Says whether it was one of the
    /// group that was asked for.
    #[pyo3(signature = (class_name, status, message, retry_after = None))]
    fn failed(
        &self,
        class_name: &str,
        status: Option<u16>,
        message: String,
        retry_after: Option<f64>,
    ) -> bool {
        let mut failed = error_of(class_name, status, message);
        let wait = retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        failed.facts_mut().retry_after = wait;
        self.with(|planned| {
            let is_first = planned.plan.is_in_first_group();
            if let Some(attempt) = planned.attempt.take() {
                let now = planned.plan.now();
                planned.plan.failed(attempt, failed, now, 0);
            }
            is_first
        })
    }
}
