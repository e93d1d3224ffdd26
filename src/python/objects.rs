//! Answers as the package's response objects: instances are made without their constructors and filled in place.
//!
//! An attribute that is not set here has its class's default, or does not exist; see `ferrolite/types/_base.py`.

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};
use pyo3::{ffi, intern, prelude::*};
use serde_json::Value;

use super::error;
use super::meta::CallMeta;
use super::value::to_python;
use crate::engine::Answer;
use crate::error::Error;
use crate::hub::{AssistantMessage, ChatResponse, Choice, ToolCall, Usage};
use crate::json::Map;

/// The classes that are filled here.
pub struct Classes {
    model_response: Py<PyType>,
    pub model_response_stream: Py<PyType>,
    choices: Py<PyType>,
    pub streaming_choices: Py<PyType>,
    message: Py<PyType>,
    pub delta: Py<PyType>,
    tool_call: Py<PyType>,
    pub delta_tool_call: Py<PyType>,
    pub function: Py<PyType>,
    usage: Py<PyType>,
    prompt_details: Py<PyType>,
    completion_details: Py<PyType>,
    /// Made through their constructors, being rare.
    audio: Py<PyAny>,
    pub function_call: Py<PyAny>,
    logprobs: Py<PyAny>,
    message_tool_call: Py<PyAny>,
    new: ffi::newfunc,
    no_arguments: Py<PyTuple>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

impl Classes {
    pub fn get(py: Python<'_>) -> PyResult<&Self> {
        CLASSES.get_or_try_init(py, || Self::import(py))
    }

    fn import(py: Python<'_>) -> PyResult<Self> {
        let types = py.import("ferrolite.types.utils")?;
        let class =
            |name: &str| -> PyResult<Py<PyType>> { Ok(types.getattr(name)?.cast_into::<PyType>()?.unbind()) };
        let callable = |name: &str| -> PyResult<Py<PyAny>> { Ok(types.getattr(name)?.unbind()) };
        let calls = py.import("ferrolite.types.tool_calls")?;
        // SAFETY: `object` is a static type of the interpreter, and its tp_new slot is a newfunc; the stable ABI
        // allows reading slots of static types since Python 3.10.
        let new = unsafe {
            let slot = ffi::PyType_GetSlot(&raw mut ffi::PyBaseObject_Type, ffi::Py_tp_new);
            if slot.is_null() {
                return Err(PyRuntimeError::new_err("object has no __new__"));
            }
            std::mem::transmute::<*mut std::ffi::c_void, ffi::newfunc>(slot)
        };
        Ok(Self {
            model_response: class("ModelResponse")?,
            model_response_stream: class("ModelResponseStream")?,
            choices: class("Choices")?,
            streaming_choices: class("StreamingChoices")?,
            message: class("Message")?,
            delta: class("Delta")?,
            tool_call: class("ChatCompletionMessageToolCall")?,
            delta_tool_call: class("ChatCompletionDeltaToolCall")?,
            function: class("Function")?,
            usage: class("Usage")?,
            prompt_details: class("PromptTokensDetailsWrapper")?,
            completion_details: class("CompletionTokensDetailsWrapper")?,
            audio: callable("ChatCompletionAudioResponse")?,
            function_call: callable("FunctionCall")?,
            logprobs: callable("ChoiceLogprobs")?,
            message_tool_call: calls.getattr("message_tool_call")?.unbind(),
            new,
            no_arguments: PyTuple::empty(py).unbind(),
        })
    }

    /// A bare instance: `object.__new__(class)`.
    pub fn blank<'py>(&self, py: Python<'py>, class: &Py<PyType>) -> PyResult<Object<'py>> {
        // SAFETY: the class is a live heap type without a `__new__` of its own, the argument tuple is empty, and a
        // null keyword dict means none; the result is a new reference or null with an exception set.
        let made = unsafe {
            let made = (self.new)(class.as_ptr().cast(), self.no_arguments.as_ptr(), std::ptr::null_mut());
            Bound::from_owned_ptr_or_err(py, made)?
        };
        Ok(Object(made))
    }
}

/// An instance that is being filled.
pub struct Object<'py>(pub Bound<'py, PyAny>);

impl<'py> Object<'py> {
    /// Sets an attribute as `object.__setattr__` does, past the class's own `__setattr__`.
    pub fn set(&self, name: &Bound<'py, PyString>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        // SAFETY: all three are live objects of this interpreter; the function takes references of its own.
        let done = unsafe { ffi::PyObject_GenericSetAttr(self.0.as_ptr(), name.as_ptr(), value.as_ptr()) };
        if done == 0 { Ok(()) } else { Err(PyErr::fetch(self.0.py())) }
    }

    pub fn set_text(&self, name: &Bound<'py, PyString>, text: &str) -> PyResult<()> {
        self.set(name, PyString::new(self.0.py(), text).as_any())
    }

    pub fn set_optional_text(&self, name: &Bound<'py, PyString>, text: Option<&str>) -> PyResult<()> {
        match text {
            Some(text) => self.set_text(name, text),
            None => self.set_none(name),
        }
    }

    pub fn set_count(&self, name: &Bound<'py, PyString>, count: u64) -> PyResult<()> {
        self.set(name, count.into_pyobject(self.0.py())?.as_any())
    }

    pub fn set_json(&self, name: &Bound<'py, PyString>, value: &Value) -> PyResult<()> {
        self.set(name, &to_python(self.0.py(), value)?)
    }

    pub fn set_none(&self, name: &Bound<'py, PyString>) -> PyResult<()> {
        self.set(name, self.0.py().None().bind(self.0.py()))
    }

    /// Sets fields under the names that the provider gave them, but for those that are the class's own machinery.
    pub fn set_fields(&self, fields: &Map) -> PyResult<()> {
        let py = self.0.py();
        for (name, value) in fields {
            let name = PyString::intern(py, name);
            if !self.is_machinery(&name)? {
                self.set_json(&name, value)?;
            }
        }
        Ok(())
    }

    /// A private name, a method or a property.
    fn is_machinery(&self, name: &Bound<'py, PyString>) -> PyResult<bool> {
        if name.to_str()?.starts_with('_') {
            return Ok(true);
        }
        let Ok(found) = self.0.get_type().getattr(name) else { return Ok(false) };
        Ok(found.is_callable() || found.get_type().hasattr(intern!(name.py(), "__set__"))?)
    }
}

/// An answer as a `ModelResponse` that knows its call.
pub fn response(py: Python<'_>, answer: Answer) -> PyResult<Bound<'_, PyAny>> {
    let made = plain_response(py, answer.response)
        .map_err(|failed| unreadable(py, &failed, &answer.meta.provider, &answer.meta.model))?;
    let meta = Bound::new(py, CallMeta(answer.meta))?;
    Object(made.clone()).set(intern!(py, "_meta"), meta.as_any())?;
    Ok(made)
}

/// An answer with values that the package's classes do not take; what is no such failure (Ctrl-C) passes as it is.
pub fn unreadable(py: Python<'_>, failed: &PyErr, provider: &str, model: &str) -> PyErr {
    if !failed.is_instance_of::<PyException>(py) {
        return failed.clone_ref(py);
    }
    let error = Error::unreadable(format!("the provider's answer cannot be read: {failed}"));
    error::exception(py, error.at(provider, model))
}

/// A response without a call behind it.
pub fn plain_response(py: Python<'_>, response: ChatResponse) -> PyResult<Bound<'_, PyAny>> {
    let classes = Classes::get(py)?;
    let made = classes.blank(py, &classes.model_response)?;
    made.set_text(intern!(py, "id"), &response.id)?;
    made.set_count(intern!(py, "created"), response.created)?;
    let model = (!response.model.is_empty()).then_some(response.model.as_str());
    made.set_optional_text(intern!(py, "model"), model)?;
    made.set(intern!(py, "object"), intern!(py, "chat.completion").as_any())?;
    made.set_optional_text(intern!(py, "system_fingerprint"), response.system_fingerprint.as_deref())?;
    let choices = PyList::empty(py);
    for choice in response.choices {
        choices.append(self::choice(py, classes, choice)?)?;
    }
    made.set(intern!(py, "choices"), choices.as_any())?;
    if let Some(usage) = &response.usage {
        made.set(intern!(py, "usage"), &self::usage(py, classes, usage)?)?;
    }
    made.set_fields(&response.extra)?;
    Ok(made.0)
}

fn choice<'py>(py: Python<'py>, classes: &Classes, choice: Choice) -> PyResult<Bound<'py, PyAny>> {
    let made = classes.blank(py, &classes.choices)?;
    made.set(intern!(py, "finish_reason"), PyString::intern(py, choice.finish_reason.as_str()).as_any())?;
    made.set_count(intern!(py, "index"), choice.index)?;
    made.set(intern!(py, "message"), &message(py, classes, choice.message)?)?;
    if let Some(logprobs) = &choice.logprobs {
        made.set(intern!(py, "logprobs"), &self::logprobs(py, classes, logprobs)?)?;
    }
    let mut fields = choice.extra;
    if let Some(native) = choice.native_finish_reason {
        fields.insert("native_finish_reason".to_owned(), native.into());
    }
    made.set_json(intern!(py, "provider_specific_fields"), &Value::Object(fields))?;
    Ok(made.0)
}

pub fn logprobs<'py>(py: Python<'py>, classes: &Classes, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    let value = to_python(py, value)?;
    match value.cast::<PyDict>() {
        Ok(fields) => classes.logprobs.bind(py).call((), Some(fields)),
        Err(_) => Ok(value),
    }
}

fn message<'py>(
    py: Python<'py>,
    classes: &Classes,
    message: AssistantMessage,
) -> PyResult<Bound<'py, PyAny>> {
    let made = classes.blank(py, &classes.message)?;
    made.set_optional_text(intern!(py, "content"), message.content.as_deref())?;
    made.set(intern!(py, "role"), intern!(py, "assistant").as_any())?;
    if message.tool_calls.is_empty() {
        made.set_none(intern!(py, "tool_calls"))?;
    } else {
        let calls = PyList::empty(py);
        for call in message.tool_calls {
            calls.append(tool_call(py, classes, call)?)?;
        }
        made.set(intern!(py, "tool_calls"), calls.as_any())?;
    }
    match &message.function_call {
        Some(value) => {
            let made_call = construct(py, &classes.function_call, value)?;
            made.set(intern!(py, "function_call"), &made_call)?;
        }
        None => made.set_none(intern!(py, "function_call"))?,
    }
    if let Some(refusal) = &message.refusal {
        made.set_json(intern!(py, "refusal"), refusal)?;
    }
    if let Some(text) = &message.reasoning_content {
        made.set_text(intern!(py, "reasoning_content"), text)?;
    }
    if !message.thinking_blocks.is_empty() {
        made.set_json(intern!(py, "thinking_blocks"), &Value::Array(message.thinking_blocks))?;
    }
    match &message.annotations {
        None => {}
        Some(Value::Null) => made.set(intern!(py, "annotations"), PyList::empty(py).as_any())?,
        Some(annotations) => made.set_json(intern!(py, "annotations"), annotations)?,
    }
    if let Some(audio) = &message.audio {
        made.set(intern!(py, "audio"), &construct(py, &classes.audio, audio)?)?;
    }
    if let Some(images) = &message.images {
        made.set_json(intern!(py, "images"), images)?;
    }
    if !message.provider_fields.is_empty() {
        made.set_json(intern!(py, "provider_specific_fields"), &Value::Object(message.provider_fields))?;
    }
    made.set_fields(&message.extra)?;
    Ok(made.0)
}

/// An instance by its constructor, from an object's fields; values that it does not take pass as they are.
pub fn construct<'py>(py: Python<'py>, class: &Py<PyAny>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    let value = to_python(py, value)?;
    match value.cast::<PyDict>() {
        Ok(fields) => match class.bind(py).call((), Some(fields)) {
            Err(failed) if failed.is_instance_of::<PyException>(py) => Ok(value.clone()),
            made => made,
        },
        Err(_) => Ok(value),
    }
}

fn tool_call<'py>(py: Python<'py>, classes: &Classes, call: ToolCall) -> PyResult<Bound<'py, PyAny>> {
    if call.extra.contains_key("custom") {
        let mut fields = call.extra;
        fields.insert("id".to_owned(), call.id.into());
        return classes.message_tool_call.bind(py).call1((to_python(py, &Value::Object(fields))?,));
    }
    let made = classes.blank(py, &classes.tool_call)?;
    let function = classes.blank(py, &classes.function)?;
    function.set_text(intern!(py, "arguments"), &call.function.arguments)?;
    function.set_optional_text(intern!(py, "name"), call.function.name.as_deref())?;
    made.set(intern!(py, "function"), &function.0)?;
    made.set_optional_text(intern!(py, "id"), call.id.as_deref())?;
    made.set(intern!(py, "type"), intern!(py, "function").as_any())?;
    if let Some(fields) = call.provider_specific_fields {
        made.set_json(intern!(py, "provider_specific_fields"), &Value::Object(fields))?;
    }
    made.set_fields(&call.extra)?;
    Ok(made.0)
}

/// Whether all counts are where the class keeps them: there is nothing left for its constructor to move or convert.
fn is_in_place(usage: &Usage) -> bool {
    let details = usage.prompt_tokens_details.as_ref();
    let detail = |name: &str| details.and_then(|details| details.get(name));
    let extra = |name: &str| usage.extra.get(name);
    let read = extra("cache_read_input_tokens").or_else(|| extra("prompt_cache_hit_tokens"));
    let written = extra("cache_creation_input_tokens").or_else(|| detail("cache_write_tokens"));
    extra("server_tool_use").is_none()
        && extra("reasoning_tokens").is_none()
        && details.into_iter().flatten().all(|(_, value)| !value.is_object())
        && (read.is_none() || detail("cached_tokens") == read)
        && detail("cache_write_tokens") == written
        && detail("cache_creation_tokens") == written
}

pub fn usage<'py>(py: Python<'py>, classes: &Classes, usage: &Usage) -> PyResult<Bound<'py, PyAny>> {
    if !is_in_place(usage) {
        let fields = PyDict::new(py);
        fields.set_item(intern!(py, "prompt_tokens"), usage.prompt_tokens)?;
        fields.set_item(intern!(py, "completion_tokens"), usage.completion_tokens)?;
        fields.set_item(intern!(py, "total_tokens"), usage.total_tokens)?;
        for (name, details) in [
            (intern!(py, "prompt_tokens_details"), &usage.prompt_tokens_details),
            (intern!(py, "completion_tokens_details"), &usage.completion_tokens_details),
        ] {
            if let Some(details) = details {
                fields.set_item(name, to_python(py, &Value::Object(details.clone()))?)?;
            }
        }
        for (name, value) in &usage.extra {
            fields.set_item(name, to_python(py, value)?)?;
        }
        return classes.usage.bind(py).call((), Some(&fields));
    }
    let made = classes.blank(py, &classes.usage)?;
    made.set_count(intern!(py, "completion_tokens"), usage.completion_tokens)?;
    made.set_count(intern!(py, "prompt_tokens"), usage.prompt_tokens)?;
    made.set_count(intern!(py, "total_tokens"), usage.total_tokens)?;
    for (name, class, details) in [
        (
            intern!(py, "completion_tokens_details"),
            &classes.completion_details,
            &usage.completion_tokens_details,
        ),
        (intern!(py, "prompt_tokens_details"), &classes.prompt_details, &usage.prompt_tokens_details),
    ] {
        let Some(details) = details else {
            made.set_none(name)?;
            continue;
        };
        let inner = classes.blank(py, class)?;
        for (key, value) in details.iter().filter(|(_, value)| !value.is_null()) {
            inner.set_json(&PyString::intern(py, key), value)?;
        }
        made.set(name, &inner.0)?;
    }
    for (name, counts) in [
        (
            intern!(py, "_cache_read_input_tokens"),
            ["cache_read_input_tokens", "prompt_cache_hit_tokens"].as_slice(),
        ),
        (intern!(py, "_cache_creation_input_tokens"), &["cache_creation_input_tokens"]),
    ] {
        let count = counts.iter().find_map(|name| usage.extra.get(*name)).and_then(Value::as_u64);
        if let Some(count) = count.filter(|count| *count > 0) {
            made.set_count(name, count)?;
        }
    }
    made.set_fields(&usage.extra)?;
    Ok(made.0)
}
