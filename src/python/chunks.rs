//! Chunks of a stream as the package's objects, made and filled as `objects` does it.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString};
use serde_json::Value;

use super::meta::CallMeta;
use super::objects::{self, Classes, construct};
use crate::engine::{Meta, Part};
use crate::hub::StreamHead;
use crate::wires::openai::{Chunk, ChunkChoice, ToolCallChunk};

/// Makes the chunk objects of one stream; what all of them share is made once.
pub struct ChunkMaker {
    head: PyOnceLock<Head>,
    /// What the stream cost, once its usage is known.
    pub cost: PyOnceLock<f64>,
}

struct Head {
    id: Py<PyAny>,
    created: Py<PyAny>,
    model: Py<PyAny>,
    system_fingerprint: Option<Py<PyAny>>,
}

impl ChunkMaker {
    pub fn new() -> Self {
        Self { head: PyOnceLock::new(), cost: PyOnceLock::new() }
    }

    pub fn is_ready(&self, py: Python<'_>) -> bool {
        self.head.get(py).is_some()
    }

    pub fn set_head(&self, py: Python<'_>, head: &StreamHead) -> PyResult<()> {
        let text = |text: &str| PyString::new(py, text).into_any().unbind();
        let made = Head {
            id: text(&head.id),
            created: head.created.into_pyobject(py)?.into_any().unbind(),
            model: text(&head.model),
            system_fingerprint: head.system_fingerprint.as_deref().map(text),
        };
        let _ = self.head.set(py, made);
        Ok(())
    }

    pub fn chunks<'py>(
        &self,
        py: Python<'py>,
        chunks: Vec<Chunk>,
        meta: &Meta,
        parts: &[Part],
    ) -> PyResult<Bound<'py, PyList>> {
        let out = PyList::empty(py);
        let Some(head) = self.head.get(py) else { return Ok(out) };
        let classes = Classes::get(py)?;
        for chunk in chunks {
            let reports_usage = chunk.usage.is_some();
            let made = chunk_object(py, classes, head, chunk)?;
            if reports_usage {
                // The caller asked for it, once a stream: its cost goes with it.
                let told = PyList::empty(py);
                for part in parts {
                    let usage = objects::usage(py, classes, &part.usage)?;
                    told.append((&part.model, usage, CallMeta(part.meta.clone())))?;
                }
                let cost = py
                    .import(intern!(py, "ferrolite.cost_calculator"))?
                    .call_method1(intern!(py, "add_to_usage"), (&made, CallMeta(meta.clone()), told))?;
                if let Some(cost) = cost.extract::<Option<f64>>()? {
                    let _ = self.cost.set(py, cost);
                }
            }
            out.append(made)?;
        }
        Ok(out)
    }
}

fn chunk_object<'py>(
    py: Python<'py>,
    classes: &Classes,
    head: &Head,
    chunk: Chunk,
) -> PyResult<Bound<'py, PyAny>> {
    let made = classes.blank(py, &classes.model_response_stream)?;
    made.set(intern!(py, "id"), head.id.bind(py))?;
    made.set(intern!(py, "created"), head.created.bind(py))?;
    made.set(intern!(py, "model"), head.model.bind(py))?;
    made.set(intern!(py, "object"), intern!(py, "chat.completion.chunk").as_any())?;
    if let Some(fingerprint) = &head.system_fingerprint {
        made.set(intern!(py, "system_fingerprint"), fingerprint.bind(py))?;
    }
    let choices = PyList::empty(py);
    for choice in chunk.choices {
        choices.append(streaming_choice(py, classes, choice)?)?;
    }
    made.set(intern!(py, "choices"), choices.as_any())?;
    if let Some(usage) = &chunk.usage {
        made.set(intern!(py, "usage"), &objects::usage(py, classes, usage)?)?;
    }
    made.set_fields(&chunk.fields)?;
    Ok(made.0)
}

fn streaming_choice<'py>(
    py: Python<'py>,
    classes: &Classes,
    choice: ChunkChoice,
) -> PyResult<Bound<'py, PyAny>> {
    let delta = classes.blank(py, &classes.delta)?;
    delta.set_optional_text(intern!(py, "content"), choice.content.as_deref())?;
    if choice.role {
        delta.set(intern!(py, "role"), intern!(py, "assistant").as_any())?;
    } else {
        delta.set_none(intern!(py, "role"))?;
    }
    match &choice.function_call {
        Some(value) => {
            delta.set(intern!(py, "function_call"), &construct(py, &classes.function_call, value)?)?;
        }
        None => delta.set_none(intern!(py, "function_call"))?,
    }
    if choice.tool_calls.is_empty() {
        delta.set_none(intern!(py, "tool_calls"))?;
    } else {
        let calls = PyList::empty(py);
        for call in choice.tool_calls {
            calls.append(delta_tool_call(py, classes, call)?)?;
        }
        delta.set(intern!(py, "tool_calls"), calls.as_any())?;
    }
    match &choice.audio {
        Some(audio) => delta.set_json(intern!(py, "audio"), audio)?,
        None => delta.set_none(intern!(py, "audio"))?,
    }
    if let Some(text) = &choice.reasoning_content {
        delta.set_text(intern!(py, "reasoning_content"), text)?;
    }
    if !choice.thinking_blocks.is_empty() {
        delta.set_json(intern!(py, "thinking_blocks"), &Value::Array(choice.thinking_blocks))?;
    }
    if let Some(text) = &choice.refusal {
        delta.set_text(intern!(py, "refusal"), text)?;
    }
    if let Some(annotations) = choice.annotations {
        delta.set_json(intern!(py, "annotations"), &Value::Array(annotations))?;
    }
    if let Some(images) = choice.images {
        delta.set_json(intern!(py, "images"), &Value::Array(images))?;
    }
    let mut fields = choice.provider_fields;
    if let Some(native) = choice.native_finish_reason {
        fields.insert("native_finish_reason".to_owned(), native.into());
    }
    if !fields.is_empty() {
        delta.set_json(intern!(py, "provider_specific_fields"), &Value::Object(fields))?;
    }
    delta.set_fields(&choice.fields)?;
    let made = classes.blank(py, &classes.streaming_choices)?;
    match choice.finish_reason {
        Some(reason) => {
            made.set(intern!(py, "finish_reason"), PyString::intern(py, reason.as_str()).as_any())?;
        }
        None => made.set_none(intern!(py, "finish_reason"))?,
    }
    made.set_count(intern!(py, "index"), choice.index)?;
    made.set(intern!(py, "delta"), &delta.0)?;
    match &choice.logprobs {
        Some(logprobs) => made.set(intern!(py, "logprobs"), &objects::logprobs(py, classes, logprobs)?)?,
        None => made.set_none(intern!(py, "logprobs"))?,
    }
    made.set_fields(&choice.extra)?;
    Ok(made.0)
}

fn delta_tool_call<'py>(
    py: Python<'py>,
    classes: &Classes,
    call: ToolCallChunk,
) -> PyResult<Bound<'py, PyAny>> {
    let function = classes.blank(py, &classes.function)?;
    function.set_text(intern!(py, "arguments"), &call.arguments)?;
    function.set_optional_text(intern!(py, "name"), call.name.as_deref())?;
    let made = classes.blank(py, &classes.delta_tool_call)?;
    made.set_optional_text(intern!(py, "id"), call.id.as_deref())?;
    made.set(intern!(py, "function"), &function.0)?;
    made.set(intern!(py, "type"), intern!(py, "function").as_any())?;
    made.set_count(intern!(py, "index"), call.index)?;
    if let Some(fields) = call.provider_fields {
        made.set_json(intern!(py, "provider_specific_fields"), &Value::Object(fields))?;
    }
    Ok(made.0)
}
