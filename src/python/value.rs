//! Python values to JSON values. Anything that can be sent is read; anything else is an error that names its place.

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple, PyType};
use serde_json::{Number, Value};

use super::error;
use crate::error::Error;
use crate::json::Map;

/// Nested deeper than this is a mistake, or an attack.
const DEPTH: usize = 128;
/// The longest path that an error spells out.
const PATH_STEPS: usize = 16;

/// Why a value was not read.
pub enum Unread {
    Refused(Error),
    /// Its own code raised what is no failure of the value, such as Ctrl-C.
    Raised(PyErr),
}

pub type Result<T> = std::result::Result<T, Unread>;

impl Unread {
    pub fn into_python(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Refused(failed) => error::exception(py, failed),
            Self::Raised(raised) => raised,
        }
    }
}

impl From<Error> for Unread {
    fn from(failed: Error) -> Self {
        Self::Refused(failed)
    }
}

/// What a value's own code gave; nothing if it failed.
fn given<T>(py: Python<'_>, result: PyResult<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(failed) if failed.is_instance_of::<PyException>(py) => Ok(None),
        Err(raised) => Err(Unread::Raised(raised)),
    }
}

/// Reads a value. `path` says where it stands, for errors.
pub fn to_json(value: &Bound<'_, PyAny>, path: &str) -> Result<Value> {
    Reader { path: vec![path.to_owned()] }.read(value)
}

struct Reader {
    path: Vec<String>,
}

impl Reader {
    fn read(&mut self, value: &Bound<'_, PyAny>) -> Result<Value> {
        if let Ok(text) = value.cast_exact::<PyString>() {
            return self.text(text);
        }
        if let Ok(map) = value.cast_exact::<PyDict>() {
            return self.dict(map);
        }
        if let Ok(list) = value.cast_exact::<PyList>() {
            return self.sequence(list.iter(), list.len());
        }
        if value.is_none() {
            return Ok(Value::Null);
        }
        if let Ok(flag) = value.cast_exact::<PyBool>() {
            return Ok(Value::Bool(flag.is_true()));
        }
        if value.cast_exact::<PyInt>().is_ok() {
            return self.integer(value);
        }
        if let Ok(number) = value.cast_exact::<PyFloat>() {
            return self.float(number.value());
        }
        self.other(value)
    }

    fn text(&self, text: &Bound<'_, PyString>) -> Result<Value> {
        match text.to_str() {
            Ok(text) => Ok(Value::String(text.to_owned())),
            Err(_) => Err(self.refused("a text with a lone surrogate, which is no valid Unicode")),
        }
    }

    fn dict(&mut self, map: &Bound<'_, PyDict>) -> Result<Value> {
        let count = map.len();
        let mut out = Map::with_capacity(count);
        for (key, item) in map.iter().take(count) {
            let name = self.key(&key)?;
            let item = self.inside(&name, |reader| reader.read(&item))?;
            out.insert(name, item);
            if map.len() != count {
                // Reading an item may run its own code, and other threads.
                return Err(self.refused("a dict that changes while it is read"));
            }
        }
        Ok(Value::Object(out))
    }

    fn key(&self, key: &Bound<'_, PyAny>) -> Result<String> {
        if let Ok(text) = key.cast::<PyString>() {
            return match text.to_str() {
                Ok(text) => Ok(text.to_owned()),
                Err(_) => Err(self.refused("a key that is no valid Unicode")),
            };
        }
        // JSON has text keys only; numbers become their text, as Python's json module does.
        if key.cast::<PyInt>().is_ok() || key.cast::<PyFloat>().is_ok() {
            let text = given(key.py(), key.str())?;
            return text.map(|text| text.to_string()).ok_or_else(|| self.refused("a key that is no text"));
        }
        Err(self.refused("a key that is no text"))
    }

    fn sequence<'py>(
        &mut self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        count: usize,
    ) -> Result<Value> {
        let mut out = Vec::with_capacity(count);
        for (index, item) in items.enumerate() {
            if let Ok(text) = item.cast_exact::<PyString>() {
                out.push(
                    self.text(text)
                        .or_else(|_| self.inside(&index.to_string(), |reader| reader.text(text)))?,
                );
            } else {
                out.push(self.inside(&index.to_string(), |reader| reader.read(&item))?);
            }
        }
        Ok(Value::Array(out))
    }

    fn integer(&self, value: &Bound<'_, PyAny>) -> Result<Value> {
        if let Ok(number) = value.extract::<i64>() {
            return Ok(Value::Number(number.into()));
        }
        value
            .extract::<u64>()
            .map(|number| Value::Number(number.into()))
            .map_err(|_| self.refused("an integer beyond 64 bits"))
    }

    fn float(&self, number: f64) -> Result<Value> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| self.refused("a number that is not finite"))
    }

    /// Subclasses, models, mappings and what else stands for JSON.
    fn other(&mut self, value: &Bound<'_, PyAny>) -> Result<Value> {
        let py = value.py();
        if let Some(dump) = given(py, value.getattr(intern!(py, "model_dump")))?
            && dump.is_callable()
            && !value.is_instance_of::<PyType>()
        {
            return match dump_of(&dump) {
                Ok(fields) => self.deeper(|reader| reader.read(&fields)),
                Err(failed) if failed.is_instance_of::<PyException>(py) => {
                    Err(self.refused(&format!("a model that cannot be dumped ({failed})")))
                }
                Err(raised) => Err(Unread::Raised(raised)),
            };
        }
        // An enum member stands for its value, also one that is a text by itself.
        if let Some(inner) = given(py, value.getattr(intern!(py, "value")))?
            && given(py, value.getattr(intern!(py, "_name_")))?.is_some()
        {
            return self.deeper(|reader| reader.read(&inner));
        }
        if let Ok(text) = value.cast::<PyString>() {
            return self.text(text);
        }
        if let Ok(map) = value.cast::<PyDict>() {
            return self.dict(map);
        }
        if let Ok(list) = value.cast::<PyList>() {
            return self.sequence(list.iter(), list.len());
        }
        if let Ok(tuple) = value.cast::<PyTuple>() {
            return self.sequence(tuple.iter(), tuple.len());
        }
        if value.cast::<PyInt>().is_ok() {
            return self.integer(value);
        }
        if let Ok(number) = value.cast::<PyFloat>() {
            return self.float(number.value());
        }
        if value.cast::<PyBytes>().is_err()
            && let Ok(mapping) = value.cast::<PyMapping>()
            && let Some(items) = given(py, mapping.items())?
        {
            let pairs = PyDict::new(py);
            for item in items.iter() {
                if let Ok((key, value)) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() {
                    given(py, pairs.set_item(key, value))?;
                }
            }
            return self.dict(&pairs);
        }
        let kind = value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        Err(self.refused(&format!("a value of type '{kind}'")))
    }

    fn inside<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.path.push(step.to_owned());
        let result = if self.path.len() > DEPTH {
            Err(self.refused("a value that is nested too deeply"))
        } else {
            read(self)
        };
        self.path.pop();
        result
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.inside("", read)
    }

    fn refused(&self, what: &str) -> Unread {
        let mut path = String::new();
        for (depth, step) in self.path.iter().enumerate() {
            if depth == PATH_STEPS && self.path.len() > PATH_STEPS {
                path.push('…');
                break;
            }
            if step.bytes().all(|byte| byte.is_ascii_digit()) && !step.is_empty() {
                path.extend(["[", step, "]"]);
            } else if path.is_empty() || step.is_empty() {
                path.push_str(step);
            } else {
                path.push('.');
                path.push_str(step);
            }
        }
        let message = format!("Invalid '{path}': {what} cannot be sent as JSON.");
        Unread::Refused(Error::bad_request(message).with_param(path))
    }
}

/// A model's fields, by pydantic's switches if it has them.
fn dump_of<'py>(dump: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = dump.py();
    let switches = PyDict::new(py);
    switches.set_item(intern!(py, "exclude_none"), true)?;
    switches.set_item(intern!(py, "mode"), "json")?;
    match dump.call((), Some(&switches)) {
        // It may know no switches, or hold what no switch makes JSON of.
        Err(failed) if failed.is_instance_of::<PyException>(py) => dump.call0(),
        dumped => dumped,
    }
}

/// What becomes of keywords that are None.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    LeftOut,
    /// They stand in the way of defaults.
    Kept,
}

/// An object of keyword arguments to one flat map: the dict under `kwargs` is laid flat.
/// Keywords that steer nothing may hold anything; what of it is no JSON is left out.
pub fn keywords(arguments: &Bound<'_, PyDict>, is_ignored: fn(&str) -> bool, nulls: Nulls) -> Result<Map> {
    let mut out = Map::with_capacity(8);
    let mut add = |name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| {
        if !value.is_none() {
            return add_keyword(name, value, is_ignored, &mut out);
        }
        if nulls == Nulls::Kept
            && let Ok(name) = name.extract()
        {
            out.insert(name, Value::Null);
        }
        Ok(())
    };
    for (name, value) in arguments.iter() {
        match value.cast::<PyDict>() {
            Ok(more) if name.eq("kwargs").unwrap_or(false) => {
                for (name, value) in more.iter() {
                    add(&name, &value)?;
                }
            }
            _ => add(&name, &value)?,
        }
    }
    Ok(out)
}

fn add_keyword(
    name: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    is_ignored: fn(&str) -> bool,
    out: &mut Map,
) -> Result<()> {
    let Ok(name) = name.cast::<PyString>() else { return Ok(()) };
    let Ok(name) = name.to_str() else { return Ok(()) };
    match to_json(value, name) {
        Ok(value) => {
            out.insert(name.to_owned(), value);
        }
        Err(Unread::Refused(failed)) => match name {
            "timeout" | "stream_timeout" | "request_timeout" => {
                out.insert(name.to_owned(), time_limit(value)?.ok_or(failed)?);
            }
            _ if is_ignored(name) => {
                out.insert(name.to_owned(), readable(value)?);
            }
            _ => return Err(failed.into()),
        },
        Err(raised) => return Err(raised),
    }
    Ok(())
}

/// What of a dict can be read; null for anything else.
pub fn readable(value: &Bound<'_, PyAny>) -> Result<Value> {
    let Ok(dict) = value.cast::<PyDict>() else { return Ok(Value::Null) };
    let mut out = Map::new();
    for item in dict.items().iter() {
        let Ok((name, value)) = item.extract::<(String, Bound<'_, PyAny>)>() else { continue };
        if let Some(value) = if_json(&value, "")? {
            out.insert(name, value);
        }
    }
    Ok(Value::Object(out))
}

fn if_json(value: &Bound<'_, PyAny>, path: &str) -> Result<Option<Value>> {
    match to_json(value, path) {
        Ok(value) => Ok(Some(value)),
        Err(Unread::Refused(_)) => Ok(None),
        Err(raised) => Err(raised),
    }
}

/// A time limit that is no JSON: a number that is not finite, as text, or `httpx.Timeout` and its like, objects with
/// `connect` and `read`.
fn time_limit(value: &Bound<'_, PyAny>) -> Result<Option<Value>> {
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(Some(Value::String(number.value().to_string())));
    }
    let mut out = Map::new();
    for name in ["connect", "read"] {
        let Some(limit) = given(value.py(), value.getattr(name))? else { return Ok(None) };
        if limit.is_none() {
            continue;
        }
        let read = match if_json(&limit, name)? {
            Some(read) => Some(read),
            None => time_limit(&limit)?,
        };
        let Some(read) = read else { return Ok(None) };
        out.insert(name.to_owned(), read);
    }
    Ok(Some(Value::Object(out)))
}

/// A JSON value as a Python object.
pub fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(flag) => Ok(PyBool::new(py, *flag).to_owned().into_any()),
        Value::String(text) => Ok(PyString::new(py, text).into_any()),
        Value::Number(number) if number.is_u64() => {
            Ok(number.as_u64().unwrap_or_default().into_pyobject(py)?.into_any())
        }
        Value::Array(items) if items.is_empty() => Ok(PyList::empty(py).into_any()),
        other => pythonize::pythonize(py, other).map_err(|error| PyTypeError::new_err(error.to_string())),
    }
}
