//! A chat request as the body and the address of `Converse`.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::cache::Caching;
use super::content::Blocks;
use super::messages::{self, Rules, Turn};
use super::model::Family;
use super::thinking::{self, Plan};
use super::tools::{self, ToolSet};
use super::{metadata, schema};
use crate::error::{Error, Result};
use crate::hub::{CHAT_PARAMS, ChatRequest, Params, ResponseFormat, Target};
use crate::json::{Map, kind_of, object, spaced, str_at};
use crate::wires::tool_names::JSON_TOOL;
use crate::wires::{HttpCall, Memo, Prepared};

/// Keywords with a place of their own in the body. All others are the model's own (BED-01).
const TOP: [&str; 6] = [
    "guardrailConfig",
    "performanceConfig",
    "serviceTier",
    "requestMetadata",
    "promptVariables",
    "additionalModelResponseFieldPaths",
];

/// Converse's own names of what all models share.
const INFERENCE: [&str; 3] = ["maxTokens", "stopSequences", "topP"];

/// Asks for what Converse does not count by itself.
const COUNTS: &str = "/usage/output_tokens_details";

const EFFORT_BETA: &str = "effort-2025-11-24";
const COMPACTION_BETA: &str = "compact-2026-01-12";

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let (body, memo, whole) = body(request, target)?;
    let bytes = serde_json::to_vec(&body)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let path = target.path.as_deref().unwrap_or_default();
    let verb = if request.stream && !whole { "converse-stream" } else { "converse" };
    let url = format!("{}{path}/{verb}", target.base);
    Ok(Prepared {
        call: HttpCall { rest: Vec::new(), method: Method::POST, url, headers, body: Bytes::from(bytes) },
        memo,
    })
}

/// The body, what decoding must remember, and whether the answer has to come as a whole.
pub fn body(request: &ChatRequest, target: &Target) -> Result<(Map, Memo, bool)> {
    let params = request.asked_params();
    let options = &target.options;
    let family = Family::of(&target.model);
    let caching = Caching::of(target);
    let mut tools = ToolSet::encode(&params, target, family, caching)?;
    let thinking = thinking::plan(request, target, family)?;
    let mut choice = tools::choice(&params, &tools.names, options.drop_params)?;
    if thinking.is_on && choice.as_ref().is_some_and(tools::is_forced) {
        choice = Some(json!({"auto": {}}));
    }
    let output = structure(&params, target, family, &thinking, &mut tools, &mut choice)?;
    let json_tool = output == Output::Tool;
    let rules = Rules {
        family,
        modify_params: options.modify_params,
        has_tools: !tools.tools.is_empty() || !tools.own.is_empty(),
        guarded: request.extra.contains_key("guardrailConfig"),
    };
    let mut blocks = Blocks::new(request, caching, options.drop_params);
    let conversation = messages::encode(&request.messages, &tools.names, rules, &mut blocks)?;

    let mut body = Map::new();
    body.insert("messages".to_owned(), conversation.turns.into_iter().map(turn).collect());
    body.insert("inferenceConfig".to_owned(), inference(&params, &request.extra, target, &thinking)?.into());
    if !conversation.system.is_empty() {
        body.insert("system".to_owned(), conversation.system.into());
    }
    let fields = fields(request, &params, target, family, &thinking, &mut tools, choice.is_some())?;
    if !fields.is_empty() {
        body.insert("additionalModelRequestFields".to_owned(), fields.into());
    }
    if thinking.counted {
        body.insert("additionalModelResponseFieldPaths".to_owned(), json!([COUNTS]));
    }
    // Llama does not stream its calls, and what is wrapped has to be seen whole (BED-18).
    let whole = json_tool || (family == Family::Meta && !tools.tools.is_empty());
    if !tools.tools.is_empty() {
        let mut config = Map::from_iter([("tools".to_owned(), Value::Array(tools.tools))]);
        if let Some(choice) = choice {
            config.insert("toolChoice".to_owned(), choice);
        }
        body.insert("toolConfig".to_owned(), config.into());
    }
    if let Output::Native(format) = output {
        body.insert("outputConfig".to_owned(), format);
    }
    if let Some(tier) = service_tier(&params) {
        body.insert("serviceTier".to_owned(), tier);
    }
    for key in TOP {
        if let Some(value) = request.extra.get(key) {
            metadata::check(key, value)?;
            body.insert(key.to_owned(), value.clone());
        }
    }
    merge(&mut body, &request.extra_body);
    let memo = Memo {
        tool_names: tools.names.into_pairs(),
        json_tool: json_tool.then(|| JSON_TOOL.to_owned()),
        ..Memo::default()
    };
    Ok((body, memo, whole))
}

fn turn(turn: Turn) -> Value {
    object([("role", turn.role.into()), ("content", turn.content.into())])
}

/// What all models share (BED-01).
fn inference(params: &Params, own: &Map, target: &Target, thinking: &Plan) -> Result<Map> {
    let mut out = Map::new();
    for (name, key) in [("temperature", "temperature"), ("top_p", "topP")] {
        if let Some(value) = sampling(name, params.get(name), target)? {
            out.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(mut stop) = params.stop() {
        if let Some(wrong) = stop.iter().find(|entry| !entry.is_string()) {
            let what =
                format!("Invalid 'stop': expected a string or a list of strings, got {}.", kind_of(wrong));
            return Err(Error::bad_request(what).with_param("stop"));
        }
        // Empty ones are refused (GEN-04).
        stop.retain(|entry| entry.as_str().is_some_and(|text| !text.is_empty()));
        if !stop.is_empty() {
            out.insert("stopSequences".to_owned(), stop.into());
        }
    }
    for key in INFERENCE {
        if let Some(value) = own.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    let limit = params.output_limit().cloned().or_else(|| thinking.max_tokens.map(Value::from));
    if let Some(limit) = limit {
        out.insert("maxTokens".to_owned(), limit);
    }
    Ok(out)
}

/// A sampling parameter, where the model takes it (ANT-22).
fn sampling<'a>(name: &str, value: Option<&'a Value>, target: &Target) -> Result<Option<&'a Value>> {
    let Some(value) = value else { return Ok(None) };
    let is_default = name == "temperature" && value.as_f64() == Some(1.0);
    if !target.facts.lacks("sampling_params") || is_default {
        return Ok(Some(value));
    }
    if target.options.drop_params {
        tracing::debug!(model = %target.model, parameter = name, "parameter dropped");
        return Ok(None);
    }
    let only = if name == "temperature" { " Only temperature=1 is supported." } else { "" };
    Err(Error::unsupported(format!(
        "{} does not support {name}={value}.{only} To drop unsupported params, set drop_params=True.",
        target.model
    ))
    .with_param(name))
}

/// What is the model's own: `additionalModelRequestFields` (BED-01, BED-02, BED-06).
fn fields(
    request: &ChatRequest,
    params: &Params,
    target: &Target,
    family: Family,
    thinking: &Plan,
    tools: &mut ToolSet,
    has_choice: bool,
) -> Result<Map> {
    let is_claude = family == Family::Anthropic;
    let mut out = Map::new();
    if let Some(Value::Object(given)) = request.extra.get("additionalModelRequestFields") {
        out.extend(given.clone());
    }
    for (name, value) in &request.extra {
        let placed = TOP.contains(&name.as_str())
            || INFERENCE.contains(&name.as_str())
            || CHAT_PARAMS.contains(&name.as_str())
            || matches!(
                name.as_str(),
                "additionalModelRequestFields" | "anthropic_beta" | "output_config" | "top_k"
            );
        if !placed {
            out.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in &thinking.fields {
        out.insert(name.clone(), value.clone());
    }
    if let Some(top_k) = sampling("top_k", request.extra.get("top_k"), target)? {
        match family {
            Family::Anthropic => {
                out.insert("top_k".to_owned(), top_k.clone());
            }
            Family::Nova | Family::Nova2 => match out.get_mut("inferenceConfig") {
                Some(Value::Object(config)) => {
                    config.insert("topK".to_owned(), top_k.clone());
                }
                _ => {
                    out.insert("inferenceConfig".to_owned(), json!({"topK": top_k}));
                }
            },
            _ => tracing::debug!(model = %target.model, parameter = "top_k", "parameter dropped"),
        }
    }
    if let Some(choice) = tools::parallel(params, target, has_choice) {
        match (out.get_mut("tool_choice"), choice) {
            (Some(Value::Object(given)), Value::Object(choice)) => given.extend(choice),
            (_, choice) => {
                out.insert("tool_choice".to_owned(), choice);
            }
        }
    }
    let mut betas = Vec::new();
    if is_claude {
        betas.extend(given_betas(request));
        if let Some(mark) = params.get("cache_control") {
            out.insert("cache_control".to_owned(), mark.clone());
        }
        if let Some(edits) = compaction(params) {
            out.insert("context_management".to_owned(), edits);
            betas.push(COMPACTION_BETA.to_owned());
        }
        let own_effort = request.extra.get("output_config").and_then(|config| config.get("effort"));
        if own_effort.is_some() && !target.facts.can("adaptive_thinking") {
            betas.push(EFFORT_BETA.to_owned());
        }
        if !tools.own.is_empty() {
            out.insert("tools".to_owned(), std::mem::take(&mut tools.own).into());
            betas.append(&mut tools.betas);
        }
    }
    let mut names: Vec<Value> = Vec::new();
    for beta in betas {
        if !names.iter().any(|name| name == &beta) {
            names.push(beta.into());
        }
    }
    if !names.is_empty() {
        out.insert("anthropic_beta".to_owned(), names.into());
    }
    Ok(out)
}

fn given_betas(request: &ChatRequest) -> Vec<String> {
    match request.extra.get("anthropic_beta") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(names)) => names.split(',').map(|name| name.trim().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// Of `context_management`, Converse takes compaction alone; OpenAI's list or Anthropic's object (ANT-30).
fn compaction(params: &Params) -> Option<Value> {
    let edits: Vec<Value> = match params.get("context_management")? {
        Value::Object(own) => own
            .get("edits")?
            .as_array()?
            .iter()
            .filter(|edit| {
                edit.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("compact_"))
            })
            .cloned()
            .collect(),
        Value::Array(items) => items
            .iter()
            .filter(|item| item.get("type").and_then(Value::as_str) == Some("compaction"))
            .map(|item| match item.get("compact_threshold").filter(|threshold| !threshold.is_null()) {
                Some(threshold) => json!({
                    "type": "compact_20260112",
                    "trigger": {"type": "input_tokens", "value": threshold},
                }),
                None => json!({"type": "compact_20260112"}),
            })
            .collect(),
        _ => return None,
    };
    (!edits.is_empty()).then(|| json!({"edits": edits}))
}

/// OpenAI's word for it, where it has one.
fn service_tier(params: &Params) -> Option<Value> {
    let tier = match params.str("service_tier")? {
        "auto" => "default",
        // OpenAI's own contract.
        "scale" => return None,
        other => other,
    };
    Some(json!({"type": tier}))
}

/// How the answer is kept to a schema.
#[derive(Debug, PartialEq)]
enum Output {
    Free,
    Native(Value),
    Tool,
}

/// A schema goes to the provider, or becomes a tool that has to be called (GEN-29).
fn structure(
    params: &Params,
    target: &Target,
    family: Family,
    thinking: &Plan,
    tools: &mut ToolSet,
    choice: &mut Option<Value>,
) -> Result<Output> {
    let format = params.response_format()?;
    // Plain JSON without a schema: the prompt has to ask for it.
    let Some((format, given)) = format.as_ref().and_then(|format| Some((format, format.schema()?))) else {
        return Ok(Output::Free);
    };
    let facts = &target.facts;
    let is_native = facts.can("native_structured_output")
        || facts.can("bedrock_native_structured_output") && thinking.is_on;
    if is_native && let Some(schema) = schema::native(given, family == Family::Anthropic)? {
        let mut json_schema = Map::from_iter([("schema".to_owned(), spaced(&schema).into())]);
        if let ResponseFormat::JsonSchema { name: Some(name), .. } = format {
            json_schema.insert("name".to_owned(), (*name).into());
        }
        let description = params.get("response_format").and_then(|format| {
            format.get("json_schema")?.as_object().and_then(|inner| str_at(inner, "description"))
        });
        if let Some(description) = description {
            json_schema.insert("description".to_owned(), description.into());
        }
        return Ok(Output::Native(json!({
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": json_schema}},
        })));
    }
    tools.put_json_tool(given)?;
    let can_force = facts.can("tool_choice") && !facts.lacks("forced_tool_use");
    if choice.is_none() && !thinking.is_on && can_force {
        *choice = Some(json!({"tool": {"name": JSON_TOOL}}));
    }
    Ok(Output::Tool)
}

/// `extra_body` comes last; objects that both sides have are merged key by key (GEN-06).
fn merge(body: &mut Map, extra: &Map) {
    for (name, value) in extra {
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
