//! Anthropic Messages as Bedrock takes them: the model is in the address, versions and features are in the body.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::error::Result;
use crate::hub::{ChatRequest, Content, Part, Target};
use crate::json::{Map, str_at};
use crate::wires::{Memo, anthropic};

const VERSION: &str = "bedrock-2023-05-31";
const BETA_HEADER: HeaderName = HeaderName::from_static("anthropic-beta");

/// Features under another name here, or not there at all (ANT-28): what the caller names itself is sent as it is.
const BETAS: [(&str, Option<&str>); 7] = [
    ("advanced-tool-use-2025-11-20", Some("tool-search-tool-2025-10-19")),
    ("advisor-tool-2026-03-01", None),
    ("code-execution-2025-08-25", None),
    ("fast-mode-2026-02-01", None),
    ("files-api-2025-04-14", None),
    ("mcp-client-2025-04-04", None),
    ("web-fetch-2025-09-10", None),
];

pub fn body(request: &ChatRequest, target: &Target, memo: &mut Memo, headers: &mut HeaderMap) -> Result<Map> {
    let request = inlined(request);
    let (mut body, betas) = anthropic::request_body(&request, target, memo)?;
    for key in ["model", "stream", "betas", "anthropic_beta", "guardrailConfig"] {
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
    if let Some(Value::Array(tools)) = body.get_mut("tools") {
        tools.iter_mut().for_each(rename_search_tool);
    }
    body.insert("anthropic_version".to_owned(), VERSION.into());
    let given = request.extra.get("anthropic_beta");
    let names: Vec<&str> = betas.names().filter_map(|name| known_here(name, given)).collect();
    if !names.is_empty() {
        body.insert("anthropic_beta".to_owned(), names.clone().into());
        if let Ok(value) = HeaderValue::try_from(names.join(",")) {
            headers.insert(BETA_HEADER, value);
        }
    }
    for (key, value) in &request.extra_body {
        body.insert(key.clone(), value.clone());
    }
    Ok(body)
}

/// The schema as the caller wrote it, closed: references in it are understood here.
fn keep_references(format: &mut Value, request: &ChatRequest) -> Result<()> {
    let given = request.params.response_format()?.and_then(|format| format.schema());
    if let (Some(schema), Value::Object(format), false) =
        (given, format, request.extra.contains_key("output_format"))
    {
        format.insert("schema".to_owned(), anthropic::close_schema(schema, true));
    }
    Ok(())
}

fn known_here<'a>(name: &'a str, given: Option<&Value>) -> Option<&'a str> {
    let is_given = match given {
        Some(Value::Array(names)) => names.iter().any(|given| given == name),
        Some(Value::String(names)) => names.split(',').any(|given| given.trim() == name),
        _ => false,
    };
    match BETAS.iter().find(|(known, _)| *known == name) {
        Some((_, here)) if !is_given => *here,
        _ => Some(name),
    }
}

/// The search over tools has no date here.
fn rename_search_tool(tool: &mut Value) {
    let Value::Object(tool) = tool else { return };
    let Some(kind) = str_at(tool, "type").filter(|kind| kind.starts_with("tool_search_tool_")) else {
        return;
    };
    let plain =
        ["tool_search_tool_regex", "tool_search_tool_bm25"].into_iter().find(|name| kind.starts_with(name));
    if let Some(plain) = plain {
        tool.insert("type".to_owned(), plain.into());
    }
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

fn data_url(media: &std::collections::HashMap<String, crate::hub::InlineMedia>, url: &str) -> Option<String> {
    let media = media.get(url)?;
    Some(format!("data:{};base64,{}", media.mime, STANDARD.encode(&media.data)))
}
