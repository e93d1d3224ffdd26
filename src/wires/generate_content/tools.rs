//! Tools and the choice among them, and Google's schemas as JSON schemas.

use serde_json::{Value, json};

use super::request::{field, wrong};
use crate::error::{Error, Result};
use crate::json::{Map, object, str_at};
use crate::wires::Destination;

/// Puts functions and a web search where chat completions have them.
pub fn translate(tools: Value, chat: &mut Map, destination: &Destination<'_>) -> Result<()> {
    let tools = match tools {
        Value::Array(tools) => tools,
        tool @ Value::Object(_) => vec![tool],
        other => return Err(wrong("tools", "a list", &other)),
    };
    let mut functions = Vec::new();
    for (index, tool) in tools.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        let Value::Object(mut tool) = tool else { return Err(wrong(&path, "an object", &tool)) };
        match field(&mut tool, "functionDeclarations") {
            None => {}
            Some(Value::Array(declared)) => functions.extend(declared.into_iter().filter_map(function)),
            Some(other) => return Err(wrong(&format!("{path}.functionDeclarations"), "a list", &other)),
        }
        for name in ["googleSearch", "googleSearchRetrieval"] {
            if field(&mut tool, name).is_some() {
                chat.entry("web_search_options").or_insert_with(|| json!({}));
            }
        }
        tool.retain(|_, value| !value.is_null());
        if let Some(name) = tool.keys().next() {
            if !destination.drop_params {
                let what = format!(
                    "'{path}.{name}' is a tool that only Google runs. To leave it out, set drop_params=True."
                );
                return Err(Error::unsupported(what).with_param(path));
            }
            tracing::warn!(name, "a tool that this provider cannot run is left out");
        }
    }
    if !functions.is_empty() {
        chat.insert("tools".into(), functions.into());
    }
    Ok(())
}

fn function(declared: Value) -> Option<Value> {
    let Value::Object(mut declared) = declared else { return None };
    let mut function = Map::new();
    for name in ["name", "description"] {
        if let Some(value) = declared.shift_remove(name).filter(|value| !value.is_null()) {
            function.insert(name.to_owned(), value);
        }
    }
    let schema = field(&mut declared, "parametersJsonSchema")
        .or_else(|| field(&mut declared, "parameters").map(json_schema))
        .unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    function.insert("parameters".into(), schema);
    Some(object([("type", "function".into()), ("function", function.into())]))
}

/// `functionCallingConfig`: a mode, and functions that are allowed.
pub fn choose(config: Value, chat: &mut Map) {
    let Value::Object(mut config) = config else { return };
    let Some(Value::Object(mut calling)) = field(&mut config, "functionCallingConfig") else { return };
    let Some(Value::Array(functions)) = chat.get_mut("tools") else { return };
    if let Some(Value::Array(allowed)) = field(&mut calling, "allowedFunctionNames")
        && !allowed.is_empty()
    {
        functions.retain(|function| allowed.contains(&function["function"]["name"]));
    }
    let only = match functions.as_slice() {
        [only] => Some(only["function"]["name"].clone()),
        _ => None,
    };
    let choice = match (str_at(&calling, "mode"), only) {
        (Some("ANY" | "VALIDATED"), _) => "required".into(),
        (Some("NONE"), _) => "none".into(),
        (Some("AUTO"), _) => "auto".into(),
        _ => return,
    };
    chat.insert("tool_choice".into(), choice);
}

/// Google's schema: types in capitals, and null as a flag.
pub fn json_schema(schema: Value) -> Value {
    let Value::Object(schema) = schema else { return schema };
    let mut out = Map::with_capacity(schema.len());
    let mut nullable = false;
    for (name, value) in schema {
        if value.is_null() {
            continue;
        }
        match (name.as_str(), value) {
            ("type", Value::String(kind)) => {
                out.insert(name, kind.to_ascii_lowercase().into());
            }
            ("nullable", value) => nullable = value == Value::Bool(true),
            ("propertyOrdering" | "property_ordering", _) => {}
            ("items" | "not", value) => {
                out.insert(name, json_schema(value));
            }
            ("anyOf" | "any_of", Value::Array(options)) => {
                out.insert("anyOf".into(), options.into_iter().map(json_schema).collect::<Vec<_>>().into());
            }
            ("properties" | "$defs" | "defs", Value::Object(properties)) => {
                let properties: Map =
                    properties.into_iter().map(|(name, schema)| (name, json_schema(schema))).collect();
                out.insert(name, properties.into());
            }
            // Google writes whole numbers as texts.
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                Value::String(count),
            ) => {
                let count = count.parse::<u64>().map_or(Value::String(count), Value::from);
                out.insert(name, count);
            }
            (_, value) => {
                out.insert(name, value);
            }
        }
    }
    if nullable && let Some(kind) = out.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    out.into()
}
