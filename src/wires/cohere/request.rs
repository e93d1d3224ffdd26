//! A chat request as the body of `/v2/chat`.

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::messages::{self, Sent};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Message, Target, ToolChoice, tools_without_cache_control};
use crate::json::Map;
use crate::wires::{HttpCall, Memo, Prepared};

const PATH: &str = "/v2/chat";

/// OpenAI's parameters that have a field here, and those that lose nothing by being left out.
pub const SUPPORTED: &[&str] = &[
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "presence_penalty",
    "seed",
    "stop",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    messages::check(&request.messages, target)?;
    let fields = fields(request, target)?;
    let body = body(request, target, &fields)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if request.stream {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    }
    let call = HttpCall {
        rest: Vec::new(),
        method: Method::POST,
        url: url(target),
        headers,
        body: Bytes::from(body),
    };
    Ok(Prepared { call, memo: Memo::default() })
}

/// An address with a path is the whole address, as the reference has it; a bare host gets the usual path.
fn url(target: &Target) -> String {
    let host_at = target.base.find("://").map_or(0, |at| at + 3);
    let has_path = target.base.get(host_at..).is_some_and(|rest| rest.contains('/'));
    if has_path { target.base.clone() } else { format!("{}{PATH}", target.base) }
}

/// Everything but model and messages, under Cohere's names (COH-01, COH-02, GEN-03, GEN-04).
fn fields(request: &ChatRequest, target: &Target) -> Result<Map> {
    let params = &request.params;
    let mut fields = Map::new();
    for (name, value) in &params.0 {
        let (name, value) = match name.as_str() {
            "top_p" => ("p", value.clone()),
            "n" => ("num_generations", value.clone()),
            "max_tokens" if params.has("max_completion_tokens") => continue,
            "max_completion_tokens" => ("max_tokens", value.clone()),
            "stop" => ("stop_sequences", params.stop().unwrap_or_default().into()),
            "tools" => ("tools", tools_without_cache_control(value).into_owned()),
            "tool_choice" => match tool_choice(request, target)? {
                Some(choice) => ("tool_choice", choice.into()),
                None => continue,
            },
            // Counts come with every stream.
            "stream_options" => continue,
            name => (name, value.clone()),
        };
        fields.insert(name.to_owned(), value);
    }
    for (name, value) in &request.extra {
        let name = if name == "top_k" { "k" } else { name };
        fields.insert(name.to_owned(), value.clone());
    }
    Ok(fields)
}

/// There is no way to ask for one function by name (COH-02), and nothing to choose from without tools.
fn tool_choice(request: &ChatRequest, target: &Target) -> Result<Option<&'static str>> {
    if !matches!(request.params.get("tools"), Some(Value::Array(tools)) if !tools.is_empty()) {
        return Ok(None);
    }
    match request.params.tool_choice()? {
        Some(ToolChoice::Required) => Ok(Some("REQUIRED")),
        Some(ToolChoice::None) => Ok(Some("NONE")),
        Some(ToolChoice::Function(_) | ToolChoice::Other(_)) if !target.options.drop_params => {
            Err(Error::unsupported(format!(
                "{} does not support a `tool_choice` that names a function, for model={}; it knows 'auto', 'none' and \
                 'required'. To drop it, set drop_params=True.",
                target.provider, target.model
            ))
            .with_param("tool_choice"))
        }
        Some(ToolChoice::Auto | ToolChoice::Function(_) | ToolChoice::Other(_)) | None => Ok(None),
    }
}

/// Writes the body in one pass; a key of `extra_body` replaces the same key (GEN-06).
fn body(request: &ChatRequest, target: &Target, fields: &Map) -> serde_json::Result<Vec<u8>> {
    let size = request.messages.iter().map(Message::size_hint).sum::<usize>();
    let mut out = Vec::with_capacity(512 + size);
    let mut serializer = serde_json::Serializer::new(&mut out);
    let mut map = serializer.serialize_map(None)?;
    let free = |key: &str| !request.extra_body.contains_key(key);
    if free("model") {
        map.serialize_entry("model", &target.model)?;
    }
    if free("messages") {
        let messages: Vec<Sent<'_>> = request.messages.iter().map(Sent).collect();
        map.serialize_entry("messages", &messages)?;
    }
    for (name, value) in fields {
        if free(name) {
            map.serialize_entry(name, value)?;
        }
    }
    if request.stream && free("stream") {
        map.serialize_entry("stream", &true)?;
    }
    for (name, value) in &request.extra_body {
        map.serialize_entry(name, value)?;
    }
    map.end()?;
    Ok(out)
}
