//! A request as the keywords of a chat completion.

use serde_json::{Value, json};

use super::{input, tools};
use crate::error::{Error, Result};
use crate::json::{Map, kind_of, object, str_at};
use crate::wires::Inbound;

/// What the answer repeats of its request.
const REPEATED: [&str; 13] = [
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "user",
];

/// What only a server that keeps responses can do something with.
const STATEFUL: [&str; 3] = ["conversation", "previous_response_id", "prompt"];

/// What asks for nothing that a chat completion could give, or is of no consequence for the answer.
const SET_ASIDE: [&str; 10] = [
    "background",
    "context_management",
    "include",
    "instructions",
    "max_tool_calls",
    "store",
    "stream_options",
    "text",
    "top_logprobs",
    "truncation",
];

/// Sent where the provider takes it, left out where not.
const OPTIONAL: [&str; 5] =
    ["prompt_cache_key", "safety_identifier", "service_tier", "stream_options", "web_search_options"];

pub fn decode(mut request: Map) -> Result<Inbound> {
    request.retain(|_, value| !value.is_null());
    if let Some(name) = STATEFUL.into_iter().find(|name| request.contains_key(*name)) {
        return Err(without_state(name));
    }
    let Some(said) = request.shift_remove("input") else {
        return Err(Error::bad_request("'input' is missing.").with_param("input"));
    };
    let asked: Map =
        REPEATED.iter().filter_map(|name| Some(((*name).to_owned(), request.get(*name)?.clone()))).collect();
    let text = object_at(&request, "text")?;
    let reasoning = object_at(&request, "reasoning")?;
    let format =
        text.as_ref().and_then(|text| text.get("format")).map(response_format).transpose()?.flatten();
    let verbosity = text.as_ref().and_then(|text| text.get("verbosity")).cloned();
    let mut messages = Vec::new();
    match request.get("instructions") {
        None => {}
        Some(Value::String(text)) => messages.push(json!({ "role": "system", "content": text })),
        Some(other) => return Err(wrong("instructions", "a string", other)),
    }
    input::messages(said, &mut messages)?;
    let mut chat = request;
    for name in SET_ASIDE {
        chat.shift_remove(name);
    }
    chat.shift_remove("reasoning");
    if chat.get("stream") == Some(&Value::Bool(true)) {
        // The last event has the counts (STR-20).
        chat.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    tools::translate(&mut chat)?;
    chat.insert("messages".into(), messages.into());
    if let Some(limit) = chat.shift_remove("max_output_tokens") {
        chat.insert("max_tokens".into(), limit);
    }
    if let Some(effort) = reasoning.as_ref().and_then(|reasoning| str_at(reasoning, "effort")) {
        chat.entry("reasoning_effort").or_insert_with(|| effort.into());
    }
    if let Some(format) = format {
        chat.entry("response_format").or_insert(format);
    }
    if let Some(verbosity) = verbosity {
        chat.entry("verbosity").or_insert(verbosity);
    }
    Ok(Inbound { chat, asked, optional: &OPTIONAL })
}

/// OAR-17: a conversation that nobody has is not taken for a new one.
fn without_state(name: &str) -> Error {
    Error::bad_request(format!(
        "'{name}' cannot be used: this provider answers with a chat completion and keeps nothing. Send the whole \
         conversation as 'input'."
    ))
    .with_param(name)
}

fn object_at(request: &Map, name: &str) -> Result<Option<Map>> {
    match request.get(name) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(other) => Err(wrong(name, "an object", other)),
    }
}

/// `text.format` as `response_format`: a schema's name and rules are one level deeper there (OAR-05).
fn response_format(format: &Value) -> Result<Option<Value>> {
    let Value::Object(format) = format else { return Err(wrong("text.format", "an object", format)) };
    Ok(match str_at(format, "type") {
        None | Some("text") => None,
        Some("json_schema") => {
            let mut schema = format.clone();
            schema.shift_remove("type");
            Some(object([("type", "json_schema".into()), ("json_schema", schema.into())]))
        }
        Some(_) => Some(Value::Object(format.clone())),
    })
}

pub(super) fn wrong(path: &str, expected: &str, found: &Value) -> Error {
    Error::bad_request(format!("Invalid '{path}': expected {expected}, got {}.", kind_of(found)))
        .with_param(path)
}
