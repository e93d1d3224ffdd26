//! The cache of answers, for Python: a description that is opened in each process, and its store for direct use.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};

use super::runtime::{self, Home};
use super::{call, error, objects, value};
use crate::cache::{Cache, Entry, Kept, Spec};
use crate::config::ProcessEnvironment;
use crate::error::{Error, Kind, Result};
use crate::store::{Named, Store};

/// The longest that a direct use of the store takes.
const LIMIT: Duration = Duration::from_secs(30);

/// A cache as it is described. Connections do not survive a fork: a child opens its own.
#[pyclass(frozen, module = "ferrolite._core")]
pub struct CoreCache {
    spec: Mutex<Spec>,
    open: Mutex<Option<(u32, Arc<Cache>)>>,
}

impl CoreCache {
    /// The cache of this process.
    pub fn cache(&self) -> Result<Arc<Cache>> {
        let unusable = || Error::new(Kind::InternalServer, "the cache is not usable");
        let process = std::process::id();
        let mut open = self.open.lock().map_err(|_| unusable())?;
        if let Some((opened, cache)) = &*open
            && *opened == process
        {
            return Ok(cache.clone());
        }
        let home = runtime::place(Home::Workers).map_err(|_| unusable())?.runtime.handle().clone();
        let cache = Arc::new(self.spec.lock().map_err(|_| unusable())?.open(home, &ProcessEnvironment)?);
        *open = Some((process, cache.clone()));
        Ok(cache)
    }

    /// Waits for work of the store's, without the GIL.
    fn wait<T: Send + 'static, F>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> PyResult<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let cache = self.cache().map_err(|failed| error::exception(py, failed))?;
        let work = work(cache.store().clone());
        let done = runtime::block_on(py, Home::Workers, cache.at_home(LIMIT, work))?;
        done.map_err(|failed| error::exception(py, failed))
    }
}

#[pymethods]
impl CoreCache {
    /// Checks a description; nothing is opened or reached.
    #[new]
    fn new(py: Python<'_>, spec: &Bound<'_, PyDict>) -> PyResult<Self> {
        let made = Self { spec: Mutex::new(read(spec)?), open: Mutex::new(None) };
        made.cache().map_err(|failed| error::exception(py, failed))?;
        Ok(made)
    }

    /// Behaves from now on as another description of the same store says.
    fn configure(&self, py: Python<'_>, spec: &Bound<'_, PyDict>) -> PyResult<()> {
        let spec = read(spec)?;
        let settings = spec.settings().map_err(|failed| error::exception(py, failed))?;
        if let Ok(mut open) = self.open.lock() {
            let Ok(mut own) = self.spec.lock() else { return Ok(()) };
            if own.namespace != spec.namespace && own.is_redis() {
                // The store clears the names of the namespace that it was made with: another is made.
                *open = None;
            } else if let Some((_, cache)) = &mut *open {
                *cache = Arc::new(cache.with_settings(settings));
            }
            *own = spec;
        }
        Ok(())
    }

    /// The values of names, as bytes or None.
    fn get<'py>(&self, py: Python<'py>, names: Vec<String>) -> PyResult<Vec<Option<Bound<'py, PyBytes>>>> {
        let found: Vec<Option<Bytes>> = self.wait(py, |store| async move { store.get(&names).await })?;
        Ok(found.into_iter().map(|value| value.map(|value| PyBytes::new(py, &value))).collect())
    }

    /// Keeps values, for `ttl` seconds if that is said.
    #[pyo3(signature = (values, ttl = None))]
    fn set(&self, py: Python<'_>, values: Vec<(String, PyBackedBytes)>, ttl: Option<f64>) -> PyResult<()> {
        let values: Vec<Named> =
            values.into_iter().map(|(name, value)| (name, Bytes::from_owner(value))).collect();
        let ttl = duration(ttl)?;
        self.wait(py, |store| async move { store.set(&values, ttl).await })
    }

    fn delete(&self, py: Python<'_>, names: Vec<String>) -> PyResult<()> {
        self.wait(py, |store| async move { store.delete(&names).await })
    }

    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.wait(py, |store| async move { store.clear().await })
    }

    fn ping(&self, py: Python<'_>) -> PyResult<()> {
        self.wait(py, |store| async move { store.ping().await })
    }

    /// Waits until what was kept has been written, at most so many seconds. Says whether it has.
    fn flush(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        let Ok(cache) = self.cache() else { return Ok(false) };
        let limit = duration(Some(seconds))?.unwrap_or_default();
        runtime::block_on(py, Home::Workers, async move { cache.flush(limit).await })
    }

    /// The answer that is kept under a key, as an object of the package; None when it is not there or older than
    /// `max_age` seconds.
    #[pyo3(signature = (key, max_age = None))]
    fn find<'py>(
        &self,
        py: Python<'py>,
        key: String,
        max_age: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let cache = self.cache().map_err(|failed| error::exception(py, failed))?;
        let max_age = duration(max_age)?;
        let found = runtime::block_on(py, Home::Workers, async move { cache.read(&[key], max_age).await })?;
        let Some(entry) = found.into_iter().next().flatten() else { return Ok(None) };
        match entry.response {
            Kept::Chat(response) => objects::plain_response(py, *response).map(Some),
            Kept::Json(value) => value::to_python(py, &value).map(Some),
            Kept::Bytes { .. } | Kept::Embedding { .. } | Kept::Events(_) => Ok(None),
        }
    }

    /// Keeps an answer, given as a dict, under a key.
    #[pyo3(signature = (key, answer, is_chat, ttl = None))]
    fn keep(
        &self,
        py: Python<'_>,
        key: String,
        answer: &Bound<'_, PyAny>,
        is_chat: bool,
        ttl: Option<f64>,
    ) -> PyResult<()> {
        let cache = self.cache().map_err(|failed| error::exception(py, failed))?;
        let json = value::to_json(answer, "result").map_err(|failed| failed.into_python(py))?;
        let kept = if is_chat {
            let response = crate::wires::openai::response_of(json)
                .map_err(|failed| error::exception(py, Error::bad_request(failed.message())))?;
            Kept::Chat(Box::new(response))
        } else {
            Kept::Json(json)
        };
        cache.write(&[(key, Entry::new(kept))], duration(ttl)?);
        Ok(())
    }

    /// The key of a call with these keywords.
    #[pyo3(signature = (arguments, module, call_type = None))]
    fn key(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyDict>,
        module: &Bound<'_, PyDict>,
        call_type: Option<&str>,
    ) -> PyResult<Option<String>> {
        let cache = self.cache().map_err(|failed| error::exception(py, failed))?;
        call::cache_key(py, arguments, module, call_type, cache)
    }
}

fn read(spec: &Bound<'_, PyDict>) -> PyResult<Spec> {
    pythonize::depythonize(spec)
        .map_err(|failed| PyValueError::new_err(format!("the cache cannot be set up: {failed}")))
}

fn duration(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(seconds) = seconds else { return Ok(None) };
    Duration::try_from_secs_f64(seconds)
        .map(Some)
        .map_err(|_| PyValueError::new_err(format!("{seconds} is no number of seconds")))
}
