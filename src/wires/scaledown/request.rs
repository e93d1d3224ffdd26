//! The text that a task is about, and what is to be done with it.

use serde_json::{Value, json};

use super::Task;
use crate::error::{Error, Result};
use crate::hub::{CallRequest, ChatRequest, Message, Role, Target};
use crate::json::Map;
use crate::wires::{Memo, Prepared, calls, prompt};

/// The names of what is extracted, for the answer.
pub const FIELDS: &str = "fields";
/// The model behind decisions.
const DECIDER: &str = "classify-1";

pub fn encode(task: Task, request: &ChatRequest, target: &Target) -> Result<Prepared> {
    prompt::check(&request.messages, target)?;
    let at = request.messages.iter().rposition(|message| message.role == Role::User);
    let (before, text) =
        match at.and_then(|at| Some((request.messages.get(..at)?, request.messages.get(at)?))) {
            Some((before, message)) if !message.text().is_empty() => (before, message.text()),
            _ => return Err(wrong("messages", "the last message of the user holds the text")),
        };
    let system: Vec<_> = request.messages.iter().filter(|message| message.role.is_instruction()).collect();
    if !system.is_empty() && matches!(task, Task::Classify | Task::Decide | Task::Extract) {
        return Err(wrong(
            "messages",
            "instructions stand with the fields or labels, not in a system message",
        ));
    }
    let mut memo = Memo::default();
    let mut body = Map::new();
    let path = match task {
        Task::Classify => {
            needed(request, "labels")?;
            body.insert("text".to_owned(), text.into());
            "/classify"
        }
        Task::Compress => {
            let context: Vec<_> = before.iter().map(Message::text).filter(|text| !text.is_empty()).collect();
            body.insert("context".to_owned(), context.join("\n\n").into());
            body.insert("prompt".to_owned(), text.into());
            body.insert("scaledown".to_owned(), json!({ "rate": "auto" }));
            "/compress/raw/"
        }
        Task::Decide => {
            needed(request, "questions")?;
            body.insert("model".to_owned(), DECIDER.into());
            body.insert("state".to_owned(), json!({ "text": text }));
            "/v1/scaledown"
        }
        Task::Extract => {
            let entities = entities(request)?;
            let fields: Vec<Value> = entities.keys().map(|name| name.as_str().into()).collect();
            memo.notes.insert(FIELDS.to_owned(), fields.into());
            body.insert("text".to_owned(), text.into());
            body.insert("entities".to_owned(), entities.into());
            "/extract"
        }
        Task::Summarize => {
            body.insert("text".to_owned(), text.into());
            if !system.is_empty() {
                let instructions: Vec<_> = system.iter().map(|message| message.text()).collect();
                body.insert("instructions".to_owned(), instructions.join("\n\n").into());
            }
            "/summarization/abstractive"
        }
    };
    body.extend(request.extra.clone());
    let base = target.base.strip_suffix("/v1").unwrap_or(&target.base);
    let sent = CallRequest { extra_body: request.extra_body.clone(), ..CallRequest::default() };
    calls::json_call(format!("{base}{path}"), body, &sent, memo)
}

fn wrong(parameter: &str, what: &str) -> Error {
    Error::bad_request(format!("Invalid '{parameter}': {what}.")).with_param(parameter)
}

/// A keyword that the task cannot do without.
fn needed(request: &ChatRequest, name: &str) -> Result<()> {
    let given = request.extra.get(name).or_else(|| request.extra_body.get(name));
    match given {
        Some(Value::Array(items)) if !items.is_empty() => Ok(()),
        Some(Value::Object(items)) if !items.is_empty() => Ok(()),
        _ => Err(wrong(name, "this model needs them")),
    }
}

/// The fields of a schema, each with what to look for: its description, or else its name.
fn entities(request: &ChatRequest) -> Result<Map> {
    let wanted = "a json_schema with properties says what is extracted";
    let Some(format) = request.params.get("response_format") else {
        return Err(wrong("response_format", wanted));
    };
    let is_strict = format.pointer("/json_schema/strict").and_then(Value::as_bool) == Some(true);
    // A schema that was made strict for the caller is the one of a class.
    let schema = match &request.plain_schema {
        Some(plain) => Some(plain),
        None if is_strict => {
            let what = "what is found may not fit the schema, which cannot be strict";
            return Err(wrong("response_format", what));
        }
        None => format.pointer("/json_schema/schema"),
    };
    let found = schema.map(described).unwrap_or_default();
    if found.is_empty() { Err(wrong("response_format", wanted)) } else { Ok(found) }
}

fn described(schema: &Value) -> Map {
    let properties = schema.get("properties").and_then(Value::as_object);
    let each = properties.into_iter().flatten().map(|(name, property)| {
        let inside = described(property);
        let hint = match property.get("description") {
            _ if !inside.is_empty() => inside.into(),
            Some(Value::String(hint)) => hint.as_str().into(),
            _ => name.as_str().into(),
        };
        (name.clone(), hint)
    });
    each.collect()
}
