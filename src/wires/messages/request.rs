//! A request as the keywords of a chat completion (AMI-01, AMI-07, AMI-18 … AMI-20).

use serde_json::{Value, json};

use super::{input, tools};
use crate::error::{Error, Result};
use crate::json::{Map, kind_of, object, str_at};
use crate::wires::{Destination, Inbound};

/// What means something to Anthropic alone.
const SET_ASIDE: [&str; 5] = ["anthropic_beta", "betas", "container", "inference_geo", "mcp_servers"];

/// Sent where the provider takes it, left out where not.
const OPTIONAL: [&str; 5] =
    ["context_management", "parallel_tool_calls", "service_tier", "stream_options", "web_search_options"];

pub fn decode(mut request: Map, destination: &Destination<'_>) -> Result<Inbound> {
    request.retain(|_, value| !value.is_null());
    let Some(said) = request.shift_remove("messages") else {
        return Err(Error::bad_request("'messages' is missing.").with_param("messages"));
    };
    let mut messages = Vec::new();
    if let Some(system) = request.shift_remove("system") {
        messages.extend(input::system(system, "system", destination)?);
    }
    input::messages(said, destination, &mut messages)?;
    let mut chat = request;
    if !destination.is_claude() {
        for name in SET_ASIDE {
            if chat.shift_remove(name).is_some() {
                tracing::warn!(name, "left out: this provider has nothing like it");
            }
        }
    }
    let mut asked = Map::new();
    let mut names = Map::new();
    tools::translate(&mut chat, &mut names, destination)?;
    asked.insert("names".into(), names.into());
    if let Some(stop) = chat.shift_remove("stop_sequences") {
        asked.insert("stop".into(), stop.clone());
        chat.insert("stop".into(), stop);
    }
    match chat.get("metadata") {
        None => {}
        Some(Value::Object(metadata)) => {
            if let Some(user) = metadata.get("user_id").cloned().filter(|user| !user.is_null()) {
                chat.insert("user".into(), user);
            }
        }
        Some(other) => return Err(wrong("metadata", "an object", other)),
    }
    think(&mut chat, destination)?;
    output_format(&mut chat)?;
    if chat.get("stream") == Some(&Value::Bool(true)) {
        // The last event has the counts (STR-20).
        chat.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    chat.insert("messages".into(), messages.into());
    Ok(Inbound { chat, asked, optional: &OPTIONAL })
}

/// Claude thinks as it is told; other models by a level of effort (AMI-07).
fn think(chat: &mut Map, destination: &Destination<'_>) -> Result<()> {
    if destination.is_claude() {
        return Ok(());
    }
    let config = match chat.shift_remove("output_config") {
        None => Map::new(),
        Some(Value::Object(config)) => config,
        Some(other) => return Err(wrong("output_config", "an object", &other)),
    };
    if let Some(format) = config.get("format") {
        chat.entry("output_format").or_insert_with(|| format.clone());
    }
    let thinking = match chat.shift_remove("thinking") {
        None => return Ok(()),
        Some(Value::Object(thinking)) => thinking,
        Some(other) => return Err(wrong("thinking", "an object", &other)),
    };
    let effort = match str_at(&thinking, "type") {
        Some("disabled") => "none",
        Some("adaptive") => str_at(&config, "effort").unwrap_or("medium"),
        Some("enabled") => match thinking.get("budget_tokens").map(Value::as_u64) {
            Some(Some(budget)) => destination.budgets.level_of(budget),
            Some(None) if !destination.drop_params => {
                let path = "thinking.budget_tokens";
                return Err(
                    Error::bad_request(format!("Invalid '{path}': expected a number.")).with_param(path)
                );
            }
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    chat.entry("reasoning_effort").or_insert_with(|| effort.into());
    Ok(())
}

/// The schema of the answer. It is not made strict: that would change what it means (AMI-18, AMI-19).
fn output_format(chat: &mut Map) -> Result<()> {
    let format = match chat.shift_remove("output_format") {
        None => return Ok(()),
        Some(Value::Object(format)) => format,
        Some(other) => return Err(wrong("output_format", "an object", &other)),
    };
    if str_at(&format, "type") == Some("json_schema")
        && let Some(schema) = format.get("schema")
    {
        let named = object([("name", "structured_output".into()), ("schema", schema.clone())]);
        chat.entry("response_format")
            .or_insert_with(|| object([("type", "json_schema".into()), ("json_schema", named)]));
    }
    Ok(())
}

pub(super) fn wrong(path: &str, expected: &str, found: &Value) -> Error {
    Error::bad_request(format!("Invalid '{path}': expected {expected}, got {}.", kind_of(found)))
        .with_param(path)
}
