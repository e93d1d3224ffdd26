//! Tools and the choice among them (AMI-12 … AMI-17).

use serde_json::{Value, json};

use super::ids::sent_name;
use super::request::wrong;
use crate::error::{Error, Result};
use crate::json::{Map, object, str_at};
use crate::wires::Destination;

/// Rewrites `tools` and `tool_choice` in place; the names that were cut go into `names`: sent, original.
pub fn translate(chat: &mut Map, names: &mut Map, destination: &Destination<'_>) -> Result<()> {
    let mut functions = Vec::new();
    match chat.shift_remove("tools") {
        None => {}
        Some(Value::Array(tools)) => {
            for (index, tool) in tools.into_iter().enumerate() {
                let Value::Object(tool) = tool else {
                    return Err(wrong(&format!("tools[{index}]"), "an object", &tool));
                };
                functions.extend(translated(tool, index, chat, names, destination)?);
            }
        }
        Some(other) => return Err(wrong("tools", "a list", &other)),
    }
    let choice = chat.shift_remove("tool_choice");
    if !functions.is_empty() {
        chat.insert("tools".into(), functions.into());
    }
    match choice {
        None => Ok(()),
        Some(Value::Object(choice)) => put_choice(&choice, chat),
        Some(other) => Err(wrong("tool_choice", "an object", &other)),
    }
}

fn translated(
    mut tool: Map,
    index: usize,
    chat: &mut Map,
    names: &mut Map,
    destination: &Destination<'_>,
) -> Result<Option<Value>> {
    let kind = str_at(&tool, "type").unwrap_or_default().to_owned();
    if kind.starts_with("web_search") || str_at(&tool, "name") == Some("web_search") && !kind.is_empty() {
        chat.entry("web_search_options").or_insert_with(|| json!({}));
        return Ok(None);
    }
    let is_of_chat = kind == "function" && tool.contains_key("function");
    // One key alone is how some providers write their own tools: `{"googleSearch": {}}`.
    let is_of_provider = tool.len() == 1 && !tool.contains_key("name") && !tool.contains_key("input_schema");
    let is_hosted = !tool.contains_key("input_schema") && !matches!(kind.as_str(), "" | "custom");
    if is_of_chat || is_of_provider {
        return Ok(Some(Value::Object(tool)));
    }
    if is_hosted && !destination.is_claude() {
        let path = format!("tools[{index}]");
        if destination.drop_params {
            tracing::warn!(kind, "a tool that this provider cannot run is left out");
            return Ok(None);
        }
        return Err(Error::unsupported(format!(
            "'{path}' is of type '{kind}', which only Anthropic's own models know. To leave it out, set \
             drop_params=True."
        ))
        .with_param(path));
    }
    if is_hosted {
        return Ok(Some(Value::Object(tool)));
    }
    let mut take = |name: &str| tool.shift_remove(name).filter(|value| !value.is_null());
    let name = match take("name") {
        Some(Value::String(name)) => name,
        None => format!("tool_{index}"),
        Some(other) => return Err(wrong(&format!("tools[{index}].name"), "a string", &other)),
    };
    let sent = sent_name(&name);
    if sent != name {
        names.insert(sent.clone(), name.into());
    }
    let parameters = take("input_schema").unwrap_or_else(|| json!({ "type": "object" }));
    let mut function = Map::new();
    function.insert("name".into(), sent.into());
    function.insert("parameters".into(), parameters);
    for key in ["description", "strict"] {
        if let Some(value) = take(key) {
            function.insert(key.into(), value);
        }
    }
    let mut made = Map::new();
    made.insert("type".into(), "function".into());
    made.insert("function".into(), function.into());
    if let Some(mark) = take("cache_control") {
        made.insert("cache_control".into(), mark);
    }
    Ok(Some(made.into()))
}

fn put_choice(choice: &Map, chat: &mut Map) -> Result<()> {
    let word = match str_at(choice, "type") {
        Some("any") => "required".into(),
        Some("tool") => {
            let Some(name) = str_at(choice, "name") else {
                let path = "tool_choice.name";
                return Err(Error::bad_request(format!("'{path}' is missing.")).with_param(path));
            };
            let function = object([("name", sent_name(name).into())]);
            object([("type", "function".into()), ("function", function)])
        }
        Some(word @ ("auto" | "none")) => word.into(),
        _ => {
            return Err(Error::bad_request(
                "Invalid 'tool_choice.type': expected 'auto', 'any', 'tool' or 'none'.",
            )
            .with_param("tool_choice"));
        }
    };
    // Without tools there is nothing to choose from.
    if chat.contains_key("tools") {
        chat.insert("tool_choice".into(), word);
        if choice.get("disable_parallel_tool_use") == Some(&Value::Bool(true)) {
            chat.insert("parallel_tool_calls".into(), false.into());
        }
    }
    Ok(())
}
