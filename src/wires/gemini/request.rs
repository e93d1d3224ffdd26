//! A chat request as the body and the address of `generateContent`.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::generation::{self, camel};
use super::messages::{self, Conversation};
use super::parts::{Part, Turn};
use super::tools;
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Target};
use crate::json::Map;
use crate::wires::{HttpCall, Memo, Prepared};

/// Keys of `extra_body` that are meant for us, not for the provider (GEN-06).
const INTERNAL: &[&str] = &["cache", "tags"];

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let mut conversation = messages::encode(request, target)?;
    let mut params = request.asked_params();
    // A class's own schema says more than OpenAI's strict form of it.
    if let Some(plain) = &request.plain_schema
        && let Some(Value::Object(format)) = params.to_mut().0.get_mut("response_format")
        && let Some(Value::Object(inner)) = format.get_mut("json_schema")
    {
        inner.insert("schema".into(), plain.clone());
    }
    let mut settings = generation::encode(&params, &request.extra, target, conversation.resolution)?;
    if target.accent.labels
        && let Some(labels) = labels(request)
    {
        settings.top.insert("labels".into(), labels);
    }
    let tools = tools::encode(&params, target)?;
    if let Some(instruction) = settings.instruction {
        say(&mut conversation, instruction);
    }
    let mut rest = Map::new();
    if let Some(tools) = tools.tools {
        rest.insert("tools".into(), tools);
    }
    if let Some(config) = tools.config {
        rest.insert("toolConfig".into(), Value::Object(config));
    }
    if !settings.config.is_empty() {
        rest.insert("generationConfig".into(), Value::Object(settings.config));
    }
    rest.extend(settings.top);
    merge(&mut rest, &request.extra_body);
    let body = body(&conversation, &rest)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let url = url(target, request.stream);
    let call = HttpCall { rest: Vec::new(), method: Method::POST, url, headers, body: Bytes::from(body) };
    let memo = Memo { legacy_functions: params.has("functions"), ..Memo::default() };
    Ok(Prepared { call, memo })
}

/// The caller's labels, or else the texts of what a proxy noted of who asks.
fn labels(request: &ChatRequest) -> Option<Value> {
    if let Some(labels) = request.extra.get("labels") {
        return Some(labels.clone());
    }
    let noted = request.metadata.as_ref()?.get("requester_metadata")?.as_object()?;
    let labels: Map = noted
        .iter()
        .filter(|(_, value)| value.is_string())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!labels.is_empty()).then_some(Value::Object(labels))
}

/// Where the target says, or else where AI Studio answers. Tuned models are on the alpha interface only.
pub fn url(target: &Target, stream: bool) -> String {
    if let Some(path) = target.path(stream) {
        return format!("{}{path}", target.base);
    }
    let model = target.model.strip_prefix("models/").unwrap_or(&target.model);
    let alpha = target.base.strip_suffix("/v1beta").filter(|_| model.starts_with("tunedModels/"));
    let mut url = match alpha {
        Some(base) => format!("{base}/v1alpha"),
        None => target.base.clone(),
    };
    url.push_str("/models/");
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.push_str(if stream { ":streamGenerateContent?alt=sse" } else { ":generateContent" });
    url
}

/// Adds to what the user says last.
fn say(conversation: &mut Conversation<'_>, text: String) {
    let is_result =
        |part: &Part<'_>| matches!(part.payload, Some(super::parts::Payload::FunctionResponse(_)));
    match conversation.turns.last_mut() {
        Some(turn) if turn.role == "user" && !turn.parts.iter().any(is_result) => {
            turn.parts.push(Part::text(text));
        }
        _ => conversation.turns.push(Turn { role: "user", parts: vec![Part::text(text)] }),
    }
}

/// `extra_body` comes last; objects that both sides have are merged key by key (GEN-06).
fn merge(body: &mut Map, extra: &Map) {
    for (name, value) in extra {
        if INTERNAL.contains(&name.as_str()) {
            continue;
        }
        // Google takes both spellings, but not both at once.
        let known = camel(name);
        let name = if body.contains_key(&known) || is_ours(&known) { &known } else { name };
        match (body.get_mut(name), value) {
            (Some(Value::Object(ours)), Value::Object(more)) => {
                ours.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
}

fn is_ours(name: &str) -> bool {
    matches!(
        name,
        "generationConfig" | "systemInstruction" | "toolConfig" | "safetySettings" | "cachedContent"
    )
}

/// Writes the body in one pass; the conversation straight from the request.
fn body(conversation: &Conversation<'_>, rest: &Map) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct System<'a> {
        parts: &'a [Part<'a>],
    }
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts).chain(&conversation.system);
    let mut out = Vec::with_capacity(512 + parts.map(Part::size_hint).sum::<usize>());
    let mut serializer = serde_json::Serializer::new(&mut out);
    let mut map = serializer.serialize_map(None)?;
    if !rest.contains_key("contents") {
        map.serialize_entry("contents", &conversation.turns)?;
    }
    if !conversation.system.is_empty() && !rest.contains_key("systemInstruction") {
        map.serialize_entry("systemInstruction", &System { parts: &conversation.system })?;
    }
    for (name, value) in rest {
        map.serialize_entry(name, value)?;
    }
    map.end()?;
    Ok(out)
}
