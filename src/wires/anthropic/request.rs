//! A chat request as the body of `/v1/messages`.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::abilities::Abilities;
use super::betas::{self, Betas};
use super::cache_marks;
use super::content::Blocks;
use super::elsewhere;
use super::messages::{self, Conversation, Rules};
use super::schema::{self, Open};
use super::thinking::{self, Thinking};
use super::tools::{self, ToolSet};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, ResponseFormat, Target};
use crate::json::{Map, kind_of, object, str_at};
use crate::wires::tool_names::JSON_TOOL;
use crate::wires::{HttpCall, Memo, Prepared};

const PATH: &str = "/v1/messages";
pub const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// The output limit of a model whose own is unknown; the provider wants one (ANT-01).
const DEFAULT_MAX_TOKENS: u64 = 128_000;

/// Keywords that are read here, or say nothing to this provider.
const READ_KEYWORDS: [&str; 6] =
    ["anthropic_beta", "betas", "metadata", "output_config", "output_format", "top_k"];

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let mut memo = Memo::default();
    let (body, features) = match &target.accent.hosted {
        Some(hosted) => elsewhere::hosted(request, target, hosted, &mut memo)?,
        None => {
            let (body, betas) = body(request, target, Abilities::of(target), &mut memo)?;
            (body, betas.header())
        }
    };
    let body = serde_json::to_vec(&body)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("anthropic-version"), VERSION);
    if let Some(value) = features {
        headers.insert(HeaderName::from_static(betas::HEADER), value);
    }
    let call = HttpCall {
        rest: Vec::new(),
        method: Method::POST,
        url: url(target, request.stream),
        headers,
        body: Bytes::from(body),
    };
    Ok(Prepared { call, memo })
}

/// A base that names the whole address is taken as it is.
pub fn url(target: &Target, stream: bool) -> String {
    let base = target.base.trim_end_matches('/');
    match target.path(stream) {
        None if base.ends_with(PATH) => base.to_owned(),
        path => format!("{base}{}", path.unwrap_or(PATH)),
    }
}

pub fn body(
    request: &ChatRequest,
    target: &Target,
    abilities: Abilities,
    memo: &mut Memo,
) -> Result<(Map, Betas)> {
    let params = &request.params;
    let options = &target.options;
    let mut blocks = Blocks::new(request, options.drop_params);
    let mut tools = ToolSet::encode(params, &mut blocks.betas)?;
    let rules = Rules { late_system: abilities.late_system, modify_params: options.modify_params };
    let conversation = messages::encode(&request.messages, &tools.names, rules, &mut blocks)?;
    let Blocks { mut betas, container_upload, .. } = blocks;

    let max_tokens = max_tokens(request)?;
    let thinking = thinking::plan(request, target, abilities, max_tokens)?;
    let mut choice = tools::choice(params, &tools.names)?;
    let structured = structure(request, abilities, &mut tools, &thinking, &mut choice)?;
    if structured == Structured::Emulated {
        memo.json_tool = Some(JSON_TOOL.to_owned());
    }
    refuse_forced_tools(&mut choice, target, abilities)?;
    if container_upload {
        tools.need_code_execution();
    }
    if conversation.has_tools {
        tools.need_any();
    }

    let mut body = Map::new();
    let mut put = |key: &str, value: Value| {
        body.insert(key.to_owned(), value);
    };
    let Conversation { system, messages, .. } = conversation;
    put("model", target.model.clone().into());
    put("messages", messages.into());
    if !system.is_empty() {
        put("system", system.into());
    }
    let limit = max_tokens.map(Value::from);
    put("max_tokens", limit.unwrap_or_else(|| default_limit(target, &thinking).into()));
    for (key, value) in sampling(request, target, abilities)? {
        put(&key, value);
    }
    if let Some(stop) = stop(request, options.drop_params)? {
        put("stop_sequences", stop);
    }
    if let Some(user) = user_id(request) {
        put("metadata", json!({"user_id": user}));
    }
    if params.has("tools") || !tools.tools.is_empty() {
        put("tools", tools.tools.into());
    }
    if !tools.mcp_servers.is_empty() {
        put("mcp_servers", tools.mcp_servers.into());
    }
    if let Some(choice) = choice {
        put("tool_choice", choice);
    }
    memo.tool_names = tools.names.into_pairs();
    let own_config = request.extra.get("output_config");
    if let Some(config) = thinking::output_config(own_config, thinking.effort, target, abilities)? {
        if config.contains_key("format") {
            betas.need(betas::STRUCTURED_OUTPUTS);
        }
        if own_config.is_some() && !abilities.adaptive && str_at(&config, "effort").is_some() {
            betas.need(betas::EFFORT);
        }
        put("output_config", config.into());
    }
    if let Some(param) = thinking.param {
        put("thinking", param);
    }
    let output_format = match (request.extra.get("output_format"), structured) {
        (Some(own), _) => Some(own.clone()),
        (None, Structured::Native(schema)) => {
            Some(object([("type", "json_schema".into()), ("schema", schema)]))
        }
        (None, _) => None,
    };
    if let Some(format) = output_format {
        betas.need(betas::STRUCTURED_OUTPUTS);
        put("output_format", format);
    }
    if let Some(speed) = speed(request, target, abilities)? {
        if speed == "fast" {
            betas.need(betas::FAST_MODE);
        }
        put("speed", speed.clone());
    }
    if let Some(edits) = context_management(request, &mut betas)? {
        put("context_management", edits);
    }
    for key in ["cache_control", "service_tier"] {
        if let Some(value) = params.get(key) {
            put(key, value.clone());
        }
    }
    if request.stream {
        put("stream", true.into());
    }
    add_keywords(&mut body, request, &mut betas);
    if options.drop_params {
        cache_marks::trim(&mut body);
    }
    Ok((body, betas))
}

/// The provider's own keywords; `extra_body` has the last word (GEN-06).
fn add_keywords(body: &mut Map, request: &ChatRequest, betas: &mut Betas) {
    for (key, value) in &request.extra {
        if !READ_KEYWORDS.contains(&key.as_str()) {
            body.insert(key.clone(), value.clone());
        }
    }
    if request.extra.contains_key("mcp_servers") {
        betas.need(betas::MCP_CLIENT);
    }
    for key in ["betas", "anthropic_beta"] {
        match request.extra.get(key) {
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).for_each(|name| betas.need(name));
            }
            Some(Value::String(names)) => names.split(',').for_each(|name| betas.need(name.trim())),
            _ => {}
        }
    }
    for (key, value) in &request.extra_body {
        body.insert(key.clone(), value.clone());
    }
}

/// The caller's limit: a whole number, at least 1 where it was not (ANT-01).
#[expect(clippy::cast_possible_truncation, reason = "the limit is far below the range of i64")]
fn max_tokens(request: &ChatRequest) -> Result<Option<i64>> {
    let Some(limit) = request.params.output_limit() else { return Ok(None) };
    let limit =
        limit.as_i64().or_else(|| limit.as_f64().map(|limit| (limit.round_ties_even() as i64).max(1)));
    limit.map(Some).ok_or_else(|| {
        Error::bad_request("Invalid 'max_tokens': expected a number.").with_param("max_tokens")
    })
}

fn default_limit(target: &Target, thinking: &Thinking) -> u64 {
    thinking.max_tokens.unwrap_or_else(|| target.facts.max_output_tokens.unwrap_or(DEFAULT_MAX_TOKENS))
}

/// Temperature and its like, where the model takes them (ANT-22).
fn sampling(request: &ChatRequest, target: &Target, abilities: Abilities) -> Result<Map> {
    let mut out = Map::new();
    let given = [
        ("temperature", request.params.get("temperature")),
        ("top_p", request.params.get("top_p")),
        ("top_k", request.extra.get("top_k")),
    ];
    for (key, value) in given {
        let Some(value) = value else { continue };
        let is_default = key == "temperature" && value.as_f64() == Some(1.0);
        if abilities.sampling || is_default {
            out.insert(key.to_owned(), value.clone());
        } else if target.options.drop_params {
            tracing::debug!(model = %target.model, parameter = key, "parameter dropped");
        } else {
            let only = if key == "temperature" { " Only temperature=1 is supported." } else { "" };
            return Err(Error::unsupported(format!(
                "{} does not support {key}={value}.{only} To drop unsupported params, set drop_params=True.",
                target.model
            ))
            .with_param(key));
        }
    }
    Ok(out)
}

/// `stop` as a list (ANT-23, GEN-04).
fn stop(request: &ChatRequest, drop_params: bool) -> Result<Option<Value>> {
    let Some(mut stop) = request.params.stop() else { return Ok(None) };
    if let Some(wrong) = stop.iter().find(|entry| !entry.is_string()) {
        let what = kind_of(wrong);
        return Err(Error::bad_request(format!(
            "Invalid 'stop': expected a string or a list of strings, got {what}."
        ))
        .with_param("stop"));
    }
    if drop_params {
        stop.retain(|entry| entry.as_str().is_some_and(|text| !text.trim().is_empty()));
    }
    Ok((!stop.is_empty()).then_some(Value::Array(stop)))
}

/// Whom the call is for: never an e-mail address or a phone number (ANT-24).
fn user_id(request: &ChatRequest) -> Option<String> {
    let own = request.metadata.as_ref().and_then(|metadata| metadata.get("user_id"));
    let user = own.or_else(|| request.params.get("user"))?.as_str()?;
    if is_email(user) || is_phone_number(user) {
        tracing::debug!("the user id is not sent: it looks like an e-mail address or a phone number");
        return None;
    }
    Some(user.to_owned())
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let all = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|symbol| symbol.is_ascii_alphanumeric() || more.contains(symbol))
    };
    all(local, "._%+-")
        && all(host, ".-")
        && top.len() >= 2
        && top.chars().all(|symbol| symbol.is_ascii_alphabetic())
}

fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.len() >= 7
        && digits
            .chars()
            .all(|symbol| symbol.is_ascii_digit() || symbol.is_whitespace() || "-()".contains(symbol))
}

fn speed<'a>(request: &'a ChatRequest, target: &Target, abilities: Abilities) -> Result<Option<&'a Value>> {
    let Some(speed) = request.params.get("speed") else { return Ok(None) };
    if abilities.speed {
        return Ok(Some(speed));
    }
    if target.options.drop_params {
        return Ok(None);
    }
    let shown = speed.as_str().map_or_else(|| speed.to_string(), |word| format!("'{word}'"));
    Err(Error::unsupported(format!(
        "{} does not support speed={shown}. To drop unsupported params, set drop_params=True.",
        target.model
    ))
    .with_param("speed"))
}

/// The provider's object as it is, or OpenAI's list as one (ANT-30).
fn context_management(request: &ChatRequest, betas: &mut Betas) -> Result<Option<Value>> {
    let wanted = match request.params.get("context_management") {
        None => return Ok(None),
        Some(Value::Object(own)) => own.clone(),
        Some(Value::Array(items)) => {
            let edits: Vec<Value> = items.iter().filter_map(compaction_edit).collect();
            if edits.is_empty() {
                return Ok(None);
            }
            Map::from_iter([("edits".to_owned(), edits.into())])
        }
        Some(other) => {
            return Err(Error::bad_request(format!(
                "Invalid 'context_management': expected an object with 'edits' or a list, got {}.",
                kind_of(other)
            ))
            .with_param("context_management"));
        }
    };
    for edit in wanted.get("edits").and_then(Value::as_array).into_iter().flatten() {
        let is_compaction =
            edit.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("compact_"));
        betas.need(if is_compaction { betas::COMPACTION } else { betas::CONTEXT_MANAGEMENT });
    }
    Ok(Some(Value::Object(wanted)))
}

fn compaction_edit(item: &Value) -> Option<Value> {
    if item.get("type").and_then(Value::as_str) != Some("compaction") {
        return None;
    }
    let mut edit = json!({"type": "compact_20260112"});
    if let (Value::Object(edit), Some(threshold)) =
        (&mut edit, item.get("compact_threshold").filter(|threshold| !threshold.is_null()))
    {
        edit.insert("trigger".to_owned(), json!({"type": "input_tokens", "value": threshold}));
    }
    Some(edit)
}

/// How the answer is kept to a schema.
#[derive(Debug, PartialEq)]
enum Structured {
    No,
    Native(Value),
    Emulated,
}

/// A schema goes to the provider, or becomes a tool that has to be called (GEN-29, ANT-29).
fn structure(
    request: &ChatRequest,
    abilities: Abilities,
    tools: &mut ToolSet,
    thinking: &Thinking,
    choice: &mut Option<Value>,
) -> Result<Structured> {
    let schema = match request.params.response_format()? {
        // Plain JSON without a schema: the prompt has to ask for it.
        None
        | Some(
            ResponseFormat::Text | ResponseFormat::JsonObject { schema: None } | ResponseFormat::Other(_),
        ) => {
            return Ok(Structured::No);
        }
        Some(format) => format.schema(),
    };
    let has_tools = !tools.tools.is_empty();
    if let (true, Some(schema)) = (abilities.native_schema, schema) {
        let open = if has_tools || !abilities.forced_tools { Open::Close } else { Open::Refuse };
        if let Some(schema) = schema::native(schema, open)? {
            return Ok(Structured::Native(schema));
        }
    }
    // Without a schema any object will do.
    let any = json!({"type": "object", "properties": {}, "additionalProperties": true});
    // A class's own schema says more than OpenAI's strict form of it.
    tools.put_json_tool(request.plain_schema.as_ref().or(schema).unwrap_or(&any));
    // A forced call and thinking exclude each other (ANT-13).
    if choice.is_none() && !thinking.is_on() && abilities.forced_tools {
        *choice = Some(json!({"type": "tool", "name": JSON_TOOL}));
    }
    Ok(Structured::Emulated)
}

/// Some models choose for themselves whether to call a tool.
fn refuse_forced_tools(choice: &mut Option<Value>, target: &Target, abilities: Abilities) -> Result<()> {
    let Some(wanted) = choice else { return Ok(()) };
    if abilities.forced_tools || !tools::is_forced(wanted) {
        return Ok(());
    }
    if !target.options.drop_params {
        return Err(Error::unsupported(format!(
            "{} does not support forced tool use (tool_choice='required' or a named tool). Use tool_choice='auto' and \
             tell the model in the prompt when to call the tool, or set drop_params=True to have it changed to 'auto'.",
            target.model
        ))
        .with_param("tool_choice"));
    }
    if let Value::Object(wanted) = wanted {
        wanted.insert("type".to_owned(), "auto".into());
        wanted.shift_remove("name");
    }
    Ok(())
}
