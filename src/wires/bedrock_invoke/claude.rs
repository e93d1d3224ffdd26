//! Anthropic Messages as Bedrock takes them: the model is in the address, versions and features are in the body.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::error::Result;
use crate::hub::{ChatRequest, Target};
use crate::json::{Map, str_at};
use crate::wires::{Memo, anthropic};

pub const VERSION: &str = "bedrock-2023-05-31";
pub const BETA_HEADER: HeaderName = HeaderName::from_static("anthropic-beta");

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
    let (mut body, betas) = anthropic::hosted_body(request, target, VERSION, memo)?;
    for key in ["stream", "guardrailConfig"] {
        body.shift_remove(key);
    }
    if let Some(Value::Array(tools)) = body.get_mut("tools") {
        tools.iter_mut().for_each(rename_search_tool);
    }
    let names: Vec<&str> =
        betas.names().filter_map(|name| known_here(name, anthropic::is_given(name, request))).collect();
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

/// The name of a feature here; the caller's own word for it is kept.
pub fn known_here(name: &str, is_given: bool) -> Option<&str> {
    match BETAS.iter().find(|(known, _)| *known == name) {
        Some((_, here)) if !is_given => *here,
        _ => Some(name),
    }
}

/// The search over tools has no date here.
pub fn rename_search_tool(tool: &mut Value) {
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
