//! A request as the keywords of a chat completion.

use serde_json::{Value, json};

use super::{contents, tools};
use crate::error::{Error, Result};
use crate::json::{Map, kind_of, object};
use crate::wires::{Destination, Inbound};

/// What is a field of the request, and not of its `generationConfig`; Google's own client has both in one `config`.
pub const TOP: [&str; 6] =
    ["cachedContent", "labels", "safetySettings", "systemInstruction", "toolConfig", "tools"];

/// What Google's client has in `config` for itself.
pub const OF_CLIENT: [&str; 4] =
    ["automaticFunctionCalling", "httpOptions", "shouldReturnHttpResponse", "modelSelectionConfig"];

/// Settings that mean the same under another name.
const RENAMED: [(&str, &str); 8] = [
    ("temperature", "temperature"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("maxOutputTokens", "max_tokens"),
    ("stopSequences", "stop"),
    ("seed", "seed"),
    ("presencePenalty", "presence_penalty"),
    ("frequencyPenalty", "frequency_penalty"),
];

const OPTIONAL: [&str; 2] = ["stream_options", "web_search_options"];

/// A request in two: its own fields, and its settings. Names are in Google's spelling.
pub fn split(mut request: Map) -> Result<(Map, Map)> {
    let mut config = Map::new();
    for name in ["generationConfig", "generation_config", "config"] {
        match request.shift_remove(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(more)) => {
                config.extend(more.into_iter().map(|(name, value)| (camel(&name), value)))
            }
            Some(other) => return Err(wrong("config", "an object", &other)),
        }
    }
    config.retain(|name, value| !value.is_null() && !OF_CLIENT.contains(&name.as_str()));
    let mut top = Map::new();
    for name in TOP {
        let in_config = config.shift_remove(name);
        let given = field(&mut request, name).or(in_config);
        top.extend(given.map(|value| (name.to_owned(), value)));
    }
    top.extend(request);
    Ok((top, config))
}

pub fn decode(request: Map, destination: &Destination<'_>) -> Result<Inbound> {
    let (mut chat, mut config) = split(request)?;
    chat.retain(|_, value| !value.is_null());
    let Some(said) = chat.shift_remove("contents") else {
        return Err(Error::bad_request("'contents' is missing.").with_param("contents"));
    };
    for name in ["cachedContent", "labels", "safetySettings"] {
        if chat.shift_remove(name).is_some() {
            tracing::debug!(name, "left out: only Google has it");
        }
    }
    let mut messages = Vec::new();
    if let Some(text) = chat.shift_remove("systemInstruction").as_ref().and_then(contents::instruction) {
        messages.push(json!({ "role": "system", "content": text }));
    }
    contents::messages(contents::settled(said)?, destination, &mut messages)?;
    chat.insert("messages".into(), messages.into());
    for (theirs, ours) in RENAMED {
        if let Some(value) = config.shift_remove(theirs) {
            chat.entry(ours).or_insert(value);
        }
    }
    if let Some(count) = config.shift_remove("candidateCount").filter(|count| *count != 1) {
        chat.insert("n".into(), count);
    }
    if config.shift_remove("responseLogprobs") == Some(Value::Bool(true)) {
        chat.insert("logprobs".into(), true.into());
        if let Some(count) = config.shift_remove("logprobs") {
            chat.insert("top_logprobs".into(), count);
        }
    }
    if let Some(format) = response_format(&mut config) {
        chat.insert("response_format".into(), format);
    }
    let mut asked = Map::new();
    if let Some(Value::Object(mut thinking)) = config.shift_remove("thinkingConfig") {
        let shows = field(&mut thinking, "includeThoughts").unwrap_or_default();
        asked.insert("thoughts".into(), shows);
        if let Some(effort) = effort(&mut thinking, destination) {
            chat.entry("reasoning_effort").or_insert(effort);
        }
    }
    if let Some(given) = chat.shift_remove("tools") {
        tools::translate(given, &mut chat, destination)?;
    }
    if let Some(choice) = chat.shift_remove("toolConfig") {
        tools::choose(choice, &mut chat);
    }
    for (name, _) in &config {
        tracing::debug!(name, "left out: a setting that only Google has");
    }
    if chat.get("stream") == Some(&Value::Bool(true)) {
        // The last chunk has the counts (STR-20).
        chat.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    Ok(Inbound { chat, asked, optional: &OPTIONAL })
}

/// A level is one here, too; a budget stands for a level; a negative one leaves it to the model.
fn effort(thinking: &mut Map, destination: &Destination<'_>) -> Option<Value> {
    if let Some(Value::String(level)) = field(thinking, "thinkingLevel") {
        let level = level.to_ascii_lowercase();
        return (level != "thinking_level_unspecified").then(|| level.into());
    }
    match field(thinking, "thinkingBudget")?.as_i64()? {
        0 => Some("none".into()),
        budget => u64::try_from(budget).ok().map(|budget| destination.budgets.level_of(budget).into()),
    }
}

fn response_format(config: &mut Map) -> Option<Value> {
    let mime = config.shift_remove("responseMimeType");
    let schema = config
        .shift_remove("responseJsonSchema")
        .or_else(|| config.shift_remove("responseSchema").map(tools::json_schema));
    if let Some(schema) = schema.filter(Value::is_object) {
        let named = object([("name", "response".into()), ("schema", schema)]);
        return Some(object([("type", "json_schema".into()), ("json_schema", named)]));
    }
    (mime.as_ref().and_then(Value::as_str) == Some("application/json"))
        .then(|| json!({ "type": "json_object" }))
}

/// Takes a field out, in Google's spelling or in Python's.
pub fn field(map: &mut Map, name: &str) -> Option<Value> {
    let found = map.shift_remove(name).or_else(|| map.shift_remove(&snake(name)));
    found.filter(|value| !value.is_null())
}

fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

pub fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        if letter == '_' {
            raise = true;
        } else {
            out.push(if raise { letter.to_ascii_uppercase() } else { letter });
            raise = false;
        }
    }
    out
}

pub fn wrong(path: &str, expected: &str, found: &Value) -> Error {
    Error::bad_request(format!("Invalid '{path}': expected {expected}, got {}.", kind_of(found)))
        .with_param(path)
}
