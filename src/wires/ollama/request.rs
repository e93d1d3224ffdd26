//! A chat request as the body of either endpoint.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::settings::{self, Settings};
use super::{Endpoint, chat, generate};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Target};
use crate::json::Map;
use crate::wires::{HttpCall, Memo, Prepared};

/// Set when the tools are told of in the prompt: a call then comes as the answer's text.
pub const TOOLS_IN_PROMPT: &str = "tools_in_prompt";

pub fn encode(endpoint: Endpoint, request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let Settings { options, mut fields, tools } = settings::read(endpoint, request, target)?;
    let mut memo = Memo::default();
    let written = match endpoint {
        Endpoint::Chat => {
            let messages = chat::encode(request, target)?;
            if !tools.is_empty() {
                fields.insert("tools".to_owned(), tools.into());
            }
            body(request, target, "messages", &messages, &options, &fields)
        }
        Endpoint::Generate => {
            let prompt = generate::encode(request, &tools, target)?;
            if !tools.is_empty() {
                memo.notes.insert(TOOLS_IN_PROMPT.to_owned(), true.into());
                fields.entry("format").or_insert_with(|| "json".into());
            }
            fields.insert("images".to_owned(), prompt.images.into());
            body(request, target, "prompt", &prompt.text, &options, &fields)
        }
    };
    let body = written
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let body = Bytes::from(body);
    // A prompt that the server has in its cache is not counted by it.
    memo.sent = Some(body.clone());
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let call = HttpCall { rest: Vec::new(), method: Method::POST, url: url(endpoint, target), headers, body };
    Ok(Prepared { call, memo })
}

/// The address may name the endpoint already.
fn url(endpoint: Endpoint, target: &Target) -> String {
    let path = endpoint.path();
    if target.base.ends_with(path) { target.base.clone() } else { format!("{}{path}", target.base) }
}

/// Writes the body in one pass; a key of `extra_body` replaces the same key (GEN-06).
fn body<T: Serialize + ?Sized>(
    request: &ChatRequest,
    target: &Target,
    name: &str,
    conversation: &T,
    options: &Map,
    fields: &Map,
) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::new(&mut out);
    let mut map = serializer.serialize_map(None)?;
    let free = |key: &str| !request.extra_body.contains_key(key);
    if free("model") {
        map.serialize_entry("model", &target.model)?;
    }
    if free(name) {
        map.serialize_entry(name, conversation)?;
    }
    if free("options") {
        map.serialize_entry("options", options)?;
    }
    // Said also when it is off: the server's own default is to stream.
    if free("stream") {
        map.serialize_entry("stream", &Value::Bool(request.stream))?;
    }
    for (name, value) in fields {
        if free(name) {
            map.serialize_entry(name, value)?;
        }
    }
    for (name, value) in &request.extra_body {
        map.serialize_entry(name, value)?;
    }
    map.end()?;
    Ok(out)
}
