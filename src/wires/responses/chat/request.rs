//! A conversation as input items (OAR-01 … OAR-07).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::super::native::LEAST_LIMIT;
use super::{ENCRYPTED, REASONING_ITEMS};
use crate::error::Result;
use crate::hub::{CallRequest, ChatRequest, Content, Flatten, Message, Params, Part, Role, Target, ToolCall};
use crate::json::{Map, object, str_at};
use crate::wires::{Memo, Prepared, calls};

/// Parameters under the same name in both.
const SAME: [&str; 11] = [
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "top_logprobs",
    "top_p",
    "user",
];

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let accent = &target.accent;
    let mut kept = Cow::Borrowed(&request.params);
    if !accent.ignore.is_empty() {
        kept.to_mut().0.retain(|name, _| !accent.leaves_out(name, &target.facts));
    }
    let params = kept.as_ref();
    let mut body = Map::new();
    if !accent.nameless {
        body.insert("model".into(), target.model.as_str().into());
    }
    // Leading instructions have a place of their own (OAR-01), but with those who read nothing but messages.
    let is_flat = accent.flatten == Flatten::Text;
    let is_leading = |message: &&Message| message.role == Role::System && !is_flat;
    let leading = request.messages.iter().take_while(is_leading).count();
    let (system, rest) = request.messages.split_at(leading);
    let instructions: Vec<_> =
        system.iter().map(|message| message.text()).filter(|text| !text.is_empty()).collect();
    if !instructions.is_empty() {
        body.insert("instructions".into(), instructions.join(" ").into());
    }
    let mut input = Vec::new();
    let is_kept = params.get("store") != Some(&Value::Bool(false));
    for message in rest {
        add(message, is_kept, &mut input);
    }
    if is_flat {
        input.iter_mut().for_each(flatten);
    }
    body.insert("input".into(), input.into());
    // Reasoning goes back with the next turn: nothing of it is kept for us (OAR-11). Other models refuse to be asked.
    if target.facts.can("reasoning") && !accent.nameless {
        body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    if let Some(limit) = params.output_limit() {
        let is_small = !accent.nameless
            && !target.call_accent.small_limits
            && limit.as_u64().is_some_and(|limit| limit < LEAST_LIMIT);
        body.insert("max_output_tokens".into(), if is_small { LEAST_LIMIT.into() } else { limit.clone() });
    }
    for name in SAME {
        if let Some(value) = params.get(name) {
            body.insert(name.into(), value.clone());
        }
    }
    if let Some(effort) = params.get("reasoning_effort") {
        let reasoning = if effort.is_object() { effort.clone() } else { json!({ "effort": effort }) };
        body.insert("reasoning".into(), reasoning);
    }
    if let Some(text) = text(params)? {
        body.insert("text".into(), text);
    }
    let tools = tools(params);
    if !tools.is_empty() {
        body.insert("tools".into(), tools.into());
        if let Some(choice) = params.get("tool_choice") {
            body.insert("tool_choice".into(), tool_choice(choice));
        }
    }
    if request.stream {
        body.insert("stream".into(), true.into());
    }
    body.extend(request.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    for (name, value) in accent.defaults.iter().chain(&target.call_accent.defaults) {
        body.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    let sent = CallRequest { extra_body: request.extra_body.clone(), ..CallRequest::default() };
    calls::json_call(target.url("/responses"), body, &sent, Memo::default())
}

/// A message of texts as a role and one text, for those who read no parts.
fn flatten(item: &mut Value) {
    let texts = |parts: &Value| -> Option<String> {
        parts
            .as_array()?
            .iter()
            .map(|part| part["text"].as_str())
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat())
    };
    if item["type"] == "message"
        && let Some(text) = texts(&item["content"])
    {
        *item = json!({ "role": item["role"], "content": text });
    }
}

fn add(message: &Message, is_kept: bool, input: &mut Vec<Value>) {
    match &message.role {
        Role::Assistant => assistant(message, is_kept, input),
        Role::Tool | Role::Function => {
            let content = message.content.as_ref();
            let output = match content.and_then(Content::parts) {
                Some(parts) if parts.iter().any(|part| part.text().is_none()) => {
                    Value::Array(parts.iter().filter_map(|part| said(part, "input_text")).collect())
                }
                _ => message.text().into(),
            };
            let id = message.tool_call_id.as_deref().or(message.name.as_deref()).unwrap_or_default();
            input.push(object([
                ("type", "function_call_output".into()),
                ("call_id", id.into()),
                ("output", output),
            ]));
        }
        role => input.push(spoken(role.as_str(), message, "input_text")),
    }
}

fn spoken(role: &str, message: &Message, kind: &str) -> Value {
    let content: Vec<Value> = match &message.content {
        None => Vec::new(),
        Some(Content::Text(text)) => vec![json!({ "type": kind, "text": text })],
        Some(Content::Parts(parts)) => parts.iter().filter_map(|part| said(part, kind)).collect(),
    };
    object([("type", "message".into()), ("role", role.into()), ("content", content.into())])
}

/// Reasoning, then text, then calls (OAR-03).
fn assistant(message: &Message, is_kept: bool, input: &mut Vec<Value>) {
    let before = input.len();
    if let Some(Value::Array(items)) = message.extra.get(REASONING_ITEMS) {
        input.extend(items.iter().filter_map(|item| reasoning(item.as_object()?, is_kept)));
    }
    // The same thoughts stand in the blocks, without their ids.
    let blocks = if input.len() > before { &[] } else { message.thinking_blocks.as_slice() };
    for block in blocks {
        let sealed = str_at(block, "signature").and_then(|signature| signature.strip_prefix(ENCRYPTED));
        // What another provider signed, OpenAI cannot read.
        let Some(sealed) = sealed else { continue };
        let summary: Vec<Value> = str_at(block, "thinking")
            .filter(|text| !text.is_empty())
            .map(|text| json!({ "type": "summary_text", "text": text }))
            .into_iter()
            .collect();
        input.push(json!({ "type": "reasoning", "summary": summary, "encrypted_content": sealed }));
    }
    if !message.text().is_empty() {
        input.push(spoken("assistant", message, "output_text"));
    }
    input.extend(message.tool_calls.iter().map(call));
}

/// A reasoning item as it was; an id alone says something only where responses are kept.
fn reasoning(item: &Map, is_kept: bool) -> Option<Value> {
    let field = |name| str_at(item, name).filter(|text| !text.is_empty());
    let (id, sealed) = (field("id"), field("encrypted_content"));
    if sealed.is_none() && !(is_kept && id.is_some()) {
        return None;
    }
    let summary = item.get("summary").filter(|summary| summary.is_array()).cloned();
    let mut made = Map::new();
    made.insert("type".into(), "reasoning".into());
    made.extend(id.map(|id| ("id".to_owned(), id.into())));
    made.insert("summary".into(), summary.unwrap_or_else(|| json!([])));
    made.extend(sealed.map(|sealed| ("encrypted_content".to_owned(), sealed.into())));
    Some(made.into())
}

fn call(call: &ToolCall) -> Value {
    let arguments = if call.function.arguments.is_empty() { "{}" } else { &call.function.arguments };
    object([
        ("type", "function_call".into()),
        ("call_id", call.id.as_deref().unwrap_or_default().into()),
        ("name", call.function.name.as_deref().unwrap_or_default().into()),
        ("arguments", arguments.into()),
    ])
}

/// One part (OAR-04); nothing for what has no counterpart.
fn said(part: &Part, kind: &str) -> Option<Value> {
    Some(match part {
        Part::Text { text, .. } => json!({ "type": kind, "text": text }),
        Part::ImageUrl { url, detail, .. } => {
            let detail = detail.as_deref().unwrap_or("auto");
            json!({ "type": "input_image", "image_url": url, "detail": detail })
        }
        Part::File { file, .. } => {
            let mut made = Map::new();
            made.insert("type".into(), "input_file".into());
            for name in ["file_id", "file_data", "filename"] {
                if let Some(value) = file.get(name) {
                    made.insert(name.into(), value.clone());
                }
            }
            made.into()
        }
        Part::InputAudio { .. } => {
            tracing::warn!("sound is left out: Responses do not take it");
            return None;
        }
        Part::Other(other) => Value::Object(other.clone()),
    })
}

/// The form of the answer: a schema's name and rules are one level higher here (OAR-05).
fn text(params: &Params) -> Result<Option<Value>> {
    let mut text = Map::new();
    if params.response_format()?.is_some()
        && let Some(Value::Object(format)) = params.get("response_format")
    {
        let mut flat = Map::new();
        flat.insert("type".into(), format.get("type").cloned().unwrap_or_default());
        if let Some(Value::Object(schema)) = format.get("json_schema") {
            flat.extend(schema.clone());
            flat.entry("strict").or_insert(false.into());
        }
        text.insert("format".into(), flat.into());
    }
    if let Some(verbosity) = params.get("verbosity") {
        text.insert("verbosity".into(), verbosity.clone());
    }
    Ok((!text.is_empty()).then(|| text.into()))
}

/// Flat functions (OAR-06), and a web search as the tool that it is here.
fn tools(params: &Params) -> Vec<Value> {
    let given = params.get("tools").and_then(Value::as_array);
    let mut tools: Vec<Value> = given.into_iter().flatten().map(tool).collect();
    if let Some(options) = params.get("web_search_options") {
        let mut search = Map::new();
        search.insert("type".into(), "web_search_preview".into());
        search.extend(options.as_object().cloned().unwrap_or_default());
        tools.push(search.into());
    }
    tools
}

fn tool(tool: &Value) -> Value {
    let Some(Value::Object(function)) = tool.get("function") else { return tool.clone() };
    let mut flat = Map::new();
    flat.insert("type".into(), "function".into());
    flat.extend(function.clone());
    flat.entry("parameters").or_insert_with(|| json!({ "type": "object", "properties": {} }));
    flat.entry("strict").or_insert(false.into());
    flat.into()
}

fn tool_choice(choice: &Value) -> Value {
    match &choice["function"]["name"] {
        Value::String(name) => json!({ "type": "function", "name": name }),
        _ => choice.clone(),
    }
}
