//! Tools and the choice among them: flat here, nested in chat completions (OAR-06).

use serde_json::{Value, json};

use super::request::wrong;
use crate::error::Result;
use crate::json::{Map, object, str_at};

/// The one argument of a function that stands for a tool with free text.
pub const FREE_TEXT: &str = "content";

/// Names of the tools whose input is free text: they are called as functions with one argument.
pub fn custom_names(asked: &Map) -> Vec<String> {
    let tools = asked.get("tools").and_then(Value::as_array);
    tools
        .into_iter()
        .flatten()
        .filter(|tool| tool["type"] == "custom")
        .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
        .collect()
}

/// Rewrites `tools` and `tool_choice` in place.
pub fn translate(chat: &mut Map) -> Result<()> {
    let mut functions = match chat.shift_remove("tools") {
        None => Vec::new(),
        Some(Value::Array(tools)) => functions(tools, chat)?,
        Some(other) => return Err(wrong("tools", "a list", &other)),
    };
    let choice = chat.shift_remove("tool_choice");
    if functions.is_empty() {
        // Nothing that could be called (OAR-19).
        chat.shift_remove("parallel_tool_calls");
        return Ok(());
    }
    if let Some(choice) = choice.and_then(|choice| tool_choice(choice, &mut functions)) {
        chat.insert("tool_choice".into(), choice);
    }
    chat.insert("tools".into(), functions.into());
    Ok(())
}

/// The functions among the tools; a web search becomes the parameter that chat completions have for it, other tools
/// that a server runs are left out (OAR-19).
fn functions(tools: Vec<Value>, chat: &mut Map) -> Result<Vec<Value>> {
    let mut functions = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        let Value::Object(mut tool) = tool else {
            return Err(wrong(&format!("tools[{index}]"), "an object", &tool));
        };
        let kind = str_at(&tool, "type").unwrap_or_default();
        match kind {
            // A caller's tool in chat's own shape.
            "function" if tool.contains_key("function") => functions.push(Value::Object(tool)),
            "function" => functions.push(function(tool)),
            "custom" => functions.push(free_text(&tool)),
            kind if kind.starts_with("web_search") => {
                let mut options = Map::new();
                for name in ["search_context_size", "user_location"] {
                    if let Some(value) = tool.shift_remove(name).filter(|value| !value.is_null()) {
                        options.insert(name.to_owned(), value);
                    }
                }
                chat.entry("web_search_options").or_insert_with(|| options.into());
            }
            kind => tracing::warn!(kind, "a tool that this provider cannot run is left out"),
        }
    }
    Ok(functions)
}

fn function(mut tool: Map) -> Value {
    let mut take = |name: &str| tool.shift_remove(name).filter(|value| !value.is_null());
    let name = take("name").unwrap_or_else(|| "".into());
    let description = take("description").unwrap_or_else(|| "".into());
    let parameters = match take("parameters") {
        Some(Value::Object(mut parameters)) => {
            if !parameters.contains_key("type") {
                parameters.shift_insert(0, "type".into(), "object".into());
            }
            parameters.into()
        }
        _ => json!({ "type": "object" }),
    };
    let strict = take("strict").unwrap_or_else(|| false.into());
    let function = object([
        ("name", name),
        ("description", description),
        ("parameters", parameters),
        ("strict", strict),
    ]);
    let mut made = Map::new();
    made.insert("type".into(), "function".into());
    made.insert("function".into(), function);
    if let Some(marks) = take("cache_control") {
        made.insert("cache_control".into(), marks);
    }
    made.into()
}

fn free_text(tool: &Map) -> Value {
    let text = |name| tool.get(name).cloned().unwrap_or_else(|| "".into());
    json!({ "type": "function", "function": {
        "name": text("name"),
        "description": text("description"),
        "parameters": {
            "type": "object",
            "properties": { FREE_TEXT: { "type": "string", "description": "The tool's whole input, as plain text" } },
            "required": [FREE_TEXT],
        },
    } })
}

/// `None` for a choice that says nothing about functions.
fn tool_choice(choice: Value, functions: &mut Vec<Value>) -> Option<Value> {
    let Value::Object(map) = &choice else { return Some(choice) };
    match str_at(map, "type") {
        Some("function" | "custom") => match str_at(map, "name") {
            Some(name) => Some(json!({ "type": "function", "function": { "name": name } })),
            None => Some(choice),
        },
        Some("allowed_tools") => {
            let allowed = map.get("tools").and_then(Value::as_array);
            let is_allowed = |function: &Value| {
                let named = |tool: &Value| tool["name"] == function["function"]["name"];
                allowed.is_none_or(|allowed| allowed.iter().any(named))
            };
            functions.retain(is_allowed);
            map.get("mode").cloned()
        }
        // A tool that a server runs.
        _ => None,
    }
}
