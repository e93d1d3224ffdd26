//! What other doors to Claude (Bedrock) have in common with this one.

use serde_json::Value;

use super::abilities::{self, Abilities};
use super::betas::{self, Betas, COMPACTION, CONTEXT_MANAGEMENT, FAST_MODE, STRUCTURED_OUTPUTS};
use super::schema::{self, NOTES, Open};
use super::thinking::{self, Thinking};
use crate::error::Result;
use crate::hub::{ChatRequest, Target};
use crate::json::Map;
use crate::wires::Memo;

/// The version in a name like `claude-opus-4-5`; `None` for names that do not say, or say it the old way.
pub fn claude_version(name: &str) -> Option<(u32, u32)> {
    abilities::version(name)
}

/// What a request says of thinking.
pub fn plan_thinking(request: &ChatRequest, target: &Target, max_tokens: Option<i64>) -> Result<Thinking> {
    thinking::plan(request, target, Abilities::of(target), max_tokens)
}

/// The caller's `output_config`, with the effort that thinking asks for.
pub fn output_config(request: &ChatRequest, target: &Target, thinking: &Thinking) -> Result<Option<Map>> {
    let own = request.extra.get("output_config");
    thinking::output_config(own, thinking.effort, target, Abilities::of(target))
}

/// The whole body of a request, and the names of the features that it needs to be turned on.
pub fn request_body(request: &ChatRequest, target: &Target, memo: &mut Memo) -> Result<(Map, betas::Betas)> {
    super::request::body(request, target, Abilities::of(target), memo)
}

/// Whether a schema can be kept to without a tool (ANT-29).
pub fn native_schema_fits(schema: &Value) -> Result<bool> {
    schema::native(schema, Open::Refuse).map(|fitting| fitting.is_some())
}

/// A schema whose objects take no property that is not named. `notes`: what would not be checked is told in words.
pub fn close_schema(schema: &Value, notes: bool) -> Value {
    let close = |value: &Value| close_schema(value, notes);
    let Value::Object(map) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in map {
        let is_noted = notes && NOTES.iter().any(|(name, _)| name == key);
        match key.as_str() {
            "properties" | "$defs" | "definitions" => {
                let closed =
                    value.as_object().map(|map| map.iter().map(|(name, value)| (name.clone(), close(value))));
                out.insert(
                    key.clone(),
                    closed.map_or_else(|| value.clone(), |map| Value::Object(map.collect())),
                );
            }
            "anyOf" | "oneOf" | "allOf" => {
                // Claude has one kind of union.
                let name = if notes && key == "oneOf" { "anyOf" } else { key };
                let closed = value.as_array().map(|items| items.iter().map(close).collect());
                out.insert(name.to_owned(), closed.map_or_else(|| value.clone(), Value::Array));
            }
            "items" => {
                let closed = match value {
                    Value::Array(items) => items.iter().map(close).collect(),
                    item => close(item),
                };
                out.insert(key.clone(), closed);
            }
            "minItems" if value.as_u64().is_some_and(|count| count <= 1) => {
                out.insert(key.clone(), value.clone());
            }
            _ if is_noted => {}
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    if notes {
        schema::describe(map, &mut out);
    }
    if schema::is_object(&out) {
        out.entry("additionalProperties").or_insert(false.into());
    }
    Value::Object(out)
}

/// What a body in the provider's own format needs a name in the header for, where its caller may not know.
pub fn native_betas(body: &Map, betas: &mut Betas) {
    let tools = body.get("tools").and_then(Value::as_array);
    for tool in tools.into_iter().flatten().filter_map(|tool| tool.get("type")?.as_str()) {
        if tool.starts_with("tool_search_tool_") {
            betas.need_for_tool(tool);
        }
    }
    let config = body.get("output_config").and_then(Value::as_object);
    if body.contains_key("output_format") || config.is_some_and(|config| config.contains_key("format")) {
        betas.need(STRUCTURED_OUTPUTS);
    }
    if body.get("speed").and_then(Value::as_str) == Some("fast") {
        betas.need(FAST_MODE);
    }
    let edits = body.get("context_management").and_then(|management| management.get("edits"));
    for edit in edits.and_then(Value::as_array).into_iter().flatten() {
        betas.need(match edit.get("type").and_then(Value::as_str) {
            Some("compact_20260112") => COMPACTION,
            _ => CONTEXT_MANAGEMENT,
        });
    }
}
