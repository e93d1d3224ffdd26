//! A chat request: where it is served, who pays, and what is asked.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::{cohere, messages};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, ResponseFormat, Target, Tool, ToolChoice};
use crate::json::Map;
use crate::wires::{HttpCall, Memo, Prepared};

const PATH: &str = "/20231130/actions/chat";
const MAX_TOKENS: u64 = 4096;

pub const SUPPORTED: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "user",
];

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let compartment = compartment(target)?;
    let asked = if cohere::speaks(&target.model) {
        cohere::encode(request, target)?
    } else {
        generic(request, target)?
    };
    let mut body = Map::new();
    body.insert("compartmentId".to_owned(), compartment.into());
    body.insert("servingMode".to_owned(), serving_mode(target));
    body.insert("chatRequest".to_owned(), asked.into());
    body.extend(request.extra_body.clone());
    let body = serde_json::to_vec(&body)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let base = &target.base;
    let url = if base.ends_with(PATH) { base.clone() } else { format!("{base}{PATH}") };
    let call = HttpCall { rest: Vec::new(), method: Method::POST, url, headers, body: Bytes::from(body) };
    Ok(Prepared { call, memo: Memo::default() })
}

/// Who pays.
pub fn compartment(target: &Target) -> Result<&str> {
    target.vars.get("compartment").map(String::as_str).ok_or_else(|| {
        let what =
            "OCI needs the compartment that pays: pass `oci_compartment_id`, or set OCI_COMPARTMENT_ID";
        Error::bad_request(what).with_param("oci_compartment_id")
    })
}

/// A model that all share, or an endpoint of the caller's own.
pub fn serving_mode(target: &Target) -> Value {
    match target.vars.get("serving_mode").map(|mode| mode.to_uppercase()) {
        Some(mode) if mode == "DEDICATED" => {
            let endpoint = target.vars.get("endpoint").unwrap_or(&target.model);
            json!({ "servingType": "DEDICATED", "endpointId": endpoint })
        }
        _ => json!({ "servingType": "ON_DEMAND", "modelId": target.model }),
    }
}

fn generic(request: &ChatRequest, target: &Target) -> Result<Map> {
    let params = &request.params;
    let mut asked = Map::new();
    asked.insert("apiFormat".to_owned(), "GENERIC".into());
    asked.insert("messages".to_owned(), messages::encode(&request.messages, target)?.into());
    if params.has("tools") {
        let tools: Vec<Value> = params.tools()?.iter().filter_map(tool).collect();
        asked.insert("tools".to_owned(), tools.into());
    }
    asked.insert("isStream".to_owned(), request.stream.into());
    let limit = if target.model.starts_with("openai.") { "maxCompletionTokens" } else { "maxTokens" };
    for (name, value) in &params.0 {
        let (name, value) = match name.as_str() {
            "temperature" | "seed" => (name.as_str(), value.clone()),
            "top_p" => ("topP", value.clone()),
            "n" => ("numGenerations", value.clone()),
            "presence_penalty" => ("presencePenalty", value.clone()),
            "frequency_penalty" => ("frequencyPenalty", value.clone()),
            "logit_bias" => ("logitBias", value.clone()),
            "stop" => ("stop", params.stop().unwrap_or_default().into()),
            // The number of alternatives; a switch asks for one.
            "logprobs" => match value {
                Value::Bool(true) => ("logProbs", 1.into()),
                Value::Bool(false) => continue,
                count => ("logProbs", count.clone()),
            },
            "reasoning_effort" => match params.reasoning_effort()?.and_then(|effort| effort.effort) {
                Some(effort) => ("reasoningEffort", effort.to_uppercase().into()),
                None => continue,
            },
            "response_format" => match response_format(&ResponseFormat::parse(value)?) {
                Some(format) => ("responseFormat", format),
                None => continue,
            },
            "tool_choice" => ("toolChoice", tool_choice(ToolChoice::parse(value)?)),
            // Put in above and below; counts come with every stream.
            _ => continue,
        };
        asked.insert(name.to_owned(), value);
    }
    asked.insert(limit.to_owned(), params.output_limit().cloned().unwrap_or_else(|| MAX_TOKENS.into()));
    own(request, &mut asked);
    Ok(asked)
}

/// Keywords of the provider's own; one has another name in Python's style.
pub fn own(request: &ChatRequest, asked: &mut Map) {
    for (name, value) in &request.extra {
        let name = if name == "top_k" { "topK" } else { name };
        asked.insert(name.to_owned(), value.clone());
    }
}

fn tool(tool: &Tool<'_>) -> Option<Value> {
    let Tool::Function { name, description, parameters, .. } = tool else { return None };
    let mut sent = json!({ "type": "FUNCTION", "name": name });
    if let Some(description) = description {
        sent["description"] = (*description).into();
    }
    sent["parameters"] = parameters.cloned().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    Some(sent)
}

fn tool_choice(choice: ToolChoice<'_>) -> Value {
    match choice {
        ToolChoice::Auto => json!({ "type": "AUTO" }),
        ToolChoice::None => json!({ "type": "NONE" }),
        ToolChoice::Required => json!({ "type": "REQUIRED" }),
        ToolChoice::Function(name) => json!({ "type": "FUNCTION", "name": name }),
        ToolChoice::Other(own) => own.clone().into(),
    }
}

fn response_format(format: &ResponseFormat<'_>) -> Option<Value> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject { .. } => Some(json!({ "type": "JSON_OBJECT" })),
        ResponseFormat::JsonSchema { name, schema, strict } => {
            let mut sent = json!({ "name": name.unwrap_or("response"), "schema": schema });
            if let Some(strict) = strict {
                sent["isStrict"] = (*strict).into();
            }
            Some(json!({ "type": "JSON_SCHEMA", "jsonSchema": sent }))
        }
        ResponseFormat::Other(own) => Some((*own).clone().into()),
    }
}
