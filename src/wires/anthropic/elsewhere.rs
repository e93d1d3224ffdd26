//! What other doors to Claude have in common with this one.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde_json::Value;

use super::abilities::{self, Abilities};
use super::betas;
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
    let mut names: Vec<&str> = betas.names().filter_map(known).collect();
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
    let header = HeaderValue::try_from(names.join(",")).ok().filter(|_| !names.is_empty());
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
