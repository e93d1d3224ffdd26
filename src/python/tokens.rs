//! Tokens for Python: counting and encoding, with the vocabularies of the core or with a function of the caller's.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use serde_json::Value;

use super::value;
use crate::tokens::{Conversation, Encoding, ImageCount};

/// From this length on other threads may go on while a text is read.
const LONG: usize = 16 * 1024;

fn encoding(name: &str) -> PyResult<Encoding> {
    Encoding::from_name(name).ok_or_else(|| PyValueError::new_err(format!("there is no encoding '{name}'")))
}

fn apart<T: Send>(py: Python<'_>, text: &str, run: impl FnOnce(&str) -> T + Send) -> T {
    if text.len() < LONG { run(text) } else { py.detach(|| run(text)) }
}

/// The name of the encoding that a model's texts are counted with.
#[pyfunction]
pub fn encoding_of_model(model: &str) -> &'static str {
    Encoding::of_model(model).name()
}

/// Tokens of a text.
#[pyfunction]
pub fn count_text(py: Python<'_>, model: &str, text: &str) -> u64 {
    let encoding = Encoding::of_model(model);
    apart(py, text, |text| encoding.count(text))
}

/// Tokens of a conversation. `count` counts a text in place of the model's own vocabulary.
#[pyfunction]
#[pyo3(signature = (model, messages, tools, tool_choice, is_answer, images_alike, unreadable, count))]
#[allow(clippy::too_many_arguments, reason = "they are Python's keywords")]
pub fn count_messages(
    py: Python<'_>,
    model: &str,
    messages: &Bound<'_, PyAny>,
    tools: Option<&Bound<'_, PyAny>>,
    tool_choice: Option<&Bound<'_, PyAny>>,
    is_answer: bool,
    images_alike: bool,
    unreadable: Option<u64>,
    count: Option<&Bound<'_, PyAny>>,
) -> PyResult<u64> {
    let read = |value: &Bound<'_, PyAny>, name: &str| {
        value::to_json(value, name).map_err(|failed| failed.into_python(py))
    };
    let list = |value: &Bound<'_, PyAny>, name: &str| match read(value, name)? {
        Value::Array(items) => Ok(items),
        _ => Err(PyValueError::new_err(format!("{name} is not a list"))),
    };
    let messages = list(messages, "messages")?;
    let tools = tools.map(|tools| list(tools, "tools")).transpose()?;
    let tool_choice = tool_choice.map(|choice| read(choice, "tool_choice")).transpose()?;
    let conversation = Conversation {
        messages: &messages,
        tools: tools.as_deref(),
        tool_choice: tool_choice.as_ref(),
        is_answer,
        images: if images_alike { ImageCount::Alike } else { ImageCount::BySize },
        unreadable,
    };
    let mut raised = None;
    let counted = match count {
        None => {
            let encoding = Encoding::of_model(model);
            py.detach(|| conversation.count(&mut |text| encoding.count(text)))
        }
        Some(count) => conversation.count(&mut |text| {
            if raised.is_some() {
                return 0;
            }
            let counted = count.call1((text,)).and_then(|tokens| tokens.extract());
            counted.unwrap_or_else(|failed| {
                raised = Some(failed);
                0
            })
        }),
    };
    match raised {
        Some(failed) => Err(failed),
        None => counted.map_err(PyValueError::new_err),
    }
}

/// The numbers of a text's tokens.
#[pyfunction]
pub fn encode_text<'py>(py: Python<'py>, name: &str, text: &str) -> PyResult<Bound<'py, PyList>> {
    let encoding = encoding(name)?;
    PyList::new(py, apart(py, text, |text| encoding.encode(text)))
}

/// The bytes that tokens stand for.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "made of a Python list")]
pub fn decode_tokens<'py>(py: Python<'py>, name: &str, tokens: Vec<u32>) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = encoding(name)?.decode(&tokens);
    let bytes =
        bytes.map_err(|token| PyValueError::new_err(format!("there is no token {token} in {name}")))?;
    Ok(PyBytes::new(py, &bytes))
}
