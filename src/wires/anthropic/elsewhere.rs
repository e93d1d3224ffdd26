//! What other doors to Claude have in common with this one.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde_json::Value;

use super::abilities::{self, Abilities};
use super::betas::{self, Betas, COMPACTION, CONTEXT_MANAGEMENT, FAST_MODE, STRUCTURED_OUTPUTS};
use super::schema::{self, NOTES, Open};
use super::thinking::{self, Thinking};
use crate::error::Result;
use crate::hub::{ChatRequest, Content, Hosted, InlineMedia, Part, Target};
use crate::json::{Map, str_at};
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

/// The body where the model is in the address, and the names of the features that it needs to be turned on.
pub fn hosted_body(
    request: &ChatRequest,
    target: &Target,
    version: &str,
    memo: &mut Memo,
) -> Result<(Map, betas::Betas)> {
    let request = inlined(request);
    let (mut body, betas) = super::request::body(&request, target, Abilities::of(target), memo)?;
    for key in ["model", "betas", "anthropic_beta"] {
        body.shift_remove(key);
    }
    if let Some(mut format) = body.shift_remove("output_format") {
        keep_references(&mut format, &request)?;
        match body.get_mut("output_config") {
            Some(Value::Object(config)) => {
                config.insert("format".to_owned(), format);
            }
            _ => {
                body.insert(
                    "output_config".to_owned(),
                    Map::from_iter([("format".to_owned(), format)]).into(),
                );
            }
        }
    }
    body.insert("anthropic_version".to_owned(), version.into());
    Ok((body, betas))
}

/// The body and the header that turns features on, at a host that knows only some of them.
pub fn hosted(
    request: &ChatRequest,
    target: &Target,
    hosted: &Hosted,
    memo: &mut Memo,
) -> Result<(Map, Option<HeaderValue>)> {
    let (mut body, betas) = hosted_body(request, target, &hosted.version, memo)?;
    let known = |name| match hosted.betas.get(name) {
        Some(here) => Some(here.as_str()),
        None => is_given(name, request).then_some(name),
    };
    let names = betas.names().filter_map(known).collect();
    let header = turn_on(names, &mut body, hosted);
    for (key, value) in &request.extra_body {
        body.insert(key.clone(), value.clone());
    }
    Ok((body, header))
}

/// Whether the caller asks for a feature by its name: such a name is sent whatever it is.
pub fn is_given(name: &str, request: &ChatRequest) -> bool {
    ["betas", "anthropic_beta"].iter().any(|key| match request.extra.get(*key) {
        Some(Value::Array(names)) => names.iter().any(|given| given == name),
        Some(Value::String(names)) => names.split(',').any(|given| given.trim() == name),
        _ => false,
    })
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

/// A body in the provider's own format: what has to be said besides where the model is in the address, and the
/// header that turns features on.
pub fn native(body: &mut Map, target: &Target) -> Option<HeaderValue> {
    let (betas, given) = features(body);
    let Some(hosted) = &target.accent.hosted else { return betas.header() };
    body.shift_remove("model");
    body.insert("anthropic_version".to_owned(), hosted.version.as_str().into());
    let known = |name| match hosted.betas.get(name) {
        Some(here) => Some(here.as_str()),
        None => given.iter().any(|given| given == name).then_some(name),
    };
    let names = betas.names().filter_map(known).collect();
    turn_on(names, body, hosted)
}

/// The features that a body of a caller's needs, and those that it names itself: the names are taken out of it.
pub fn features(body: &mut Map) -> (Betas, Vec<String>) {
    let given = given_betas(body);
    let mut betas = Betas::default();
    for name in &given {
        betas.need(name);
    }
    need_for_body(body, &mut betas);
    (betas, given)
}

/// Names the features in the body and for the header, with those that hosted tools need.
fn turn_on<'a>(mut names: Vec<&'a str>, body: &mut Map, hosted: &'a Hosted) -> Option<HeaderValue> {
    if !names.is_empty() {
        body.insert("anthropic_beta".to_owned(), names.clone().into());
    }
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    for kind in tools.filter_map(|tool| tool.get("type")?.as_str()) {
        let needed = hosted.tools.iter().find(|(start, _)| kind.starts_with(start.as_str()));
        if let Some((_, name)) = needed
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    HeaderValue::try_from(names.join(",")).ok().filter(|_| !names.is_empty())
}

/// The features that a caller names.
fn given_betas(body: &mut Map) -> Vec<String> {
    let mut names = Vec::new();
    for key in ["betas", "anthropic_beta"] {
        match body.shift_remove(key) {
            Some(Value::Array(list)) => {
                names.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Some(Value::String(list)) => names.extend(list.split(',').map(|name| name.trim().to_owned())),
            _ => {}
        }
    }
    names
}

/// What a body needs a name in the header for, where its caller may not know.
fn need_for_body(body: &Map, betas: &mut Betas) {
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

/// The schema as the caller wrote it, closed: references in it are understood here.
fn keep_references(format: &mut Value, request: &ChatRequest) -> Result<()> {
    let given = request.params.response_format()?.and_then(|format| format.schema());
    if let (Some(schema), Value::Object(format), false) =
        (given, format, request.extra.contains_key("output_format"))
    {
        format.insert("schema".to_owned(), close_schema(schema, true));
    }
    Ok(())
}

/// Media that were fetched, in their place: here nothing is taken by its address (ANT-25).
fn inlined(request: &ChatRequest) -> Cow<'_, ChatRequest> {
    if request.media.is_empty() {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    for message in &mut request.messages {
        let Some(Content::Parts(parts)) = &mut message.content else { continue };
        for part in parts {
            match part {
                Part::ImageUrl { url, .. } => {
                    if let Some(data) = data_url(&request.media, url) {
                        *url = data;
                    }
                }
                Part::File { file, .. } => {
                    for key in ["file_data", "file_id"] {
                        let data = str_at(file, key).and_then(|url| data_url(&request.media, url));
                        if let Some(data) = data {
                            file.shift_remove(key);
                            file.insert("file_data".to_owned(), data.into());
                        }
                    }
                }
                _ => {}
            }
        }
    }
    Cow::Owned(request)
}

fn data_url(media: &HashMap<String, InlineMedia>, url: &str) -> Option<String> {
    let media = media.get(url)?;
    Some(format!("data:{};base64,{}", media.mime, STANDARD.encode(&media.data)))
}
