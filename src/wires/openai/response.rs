//! A chat answer in OpenAI's format, and what compatible servers make of it (OSS-02, RSN-05).

use serde_json::Value;

use super::errors;
use crate::error::{Error, Kind, Result};
use crate::hub::{
    Accent, AssistantMessage, ChatResponse, Choice, FinishReason, FunctionCall, Target, ToolCall, Usage,
    map_finish_reason,
};
use crate::json::{Map, cut, kind_of, take_string};
use crate::wires::{HttpReply, Memo};

pub fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let value: Value =
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(&reply.body).with_source(error))?;
    let Value::Object(map) = value else {
        return Err(unreadable(&reply.body));
    };
    let mut response = from_map(map, target)?;
    if let Some(tool) = &memo.json_tool {
        response.choices.iter_mut().for_each(|choice| answer_of_tool(choice, tool));
    }
    Ok(response)
}

/// The arguments of the tool that stands for a JSON schema are the answer (GEN-30, GEN-31).
fn answer_of_tool(choice: &mut Choice, tool: &str) {
    let calls = std::mem::take(&mut choice.message.tool_calls);
    let (answer, rest): (Vec<_>, Vec<_>) =
        calls.into_iter().partition(|call| call.function.name.as_deref() == Some(tool));
    choice.message.tool_calls = rest;
    let Some(call) = answer.into_iter().next() else { return };
    choice.message.content.get_or_insert_default().push_str(&call.function.arguments);
    if choice.message.tool_calls.is_empty() && choice.finish_reason == FinishReason::ToolCalls {
        choice.finish_reason = FinishReason::Stop;
    }
}

fn unreadable(body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    Error::unreadable(format!(
        "Empty or invalid response from LLM endpoint. Received: '{}'. Check the reverse proxy or model server configuration.",
        text.trim()
    ))
}

/// A response object that is parsed already.
pub fn from_map(mut map: Map, target: &Target) -> Result<ChatResponse> {
    check_error(&map, &target.accent)?;
    let choices = match map.shift_remove("choices") {
        Some(Value::Array(items)) => items
            .into_iter()
            .zip(0u64..)
            .map(|(item, index)| choice(item, index, &target.accent))
            .collect::<Result<Vec<_>>>()?,
        other => {
            let found = other.as_ref().map_or("nothing", kind_of);
            let keys: Vec<&str> = map.keys().map(String::as_str).collect();
            return Err(Error::unreadable(format!(
                "the provider returned 'choices' that is not a list ({found}). Keys: {}",
                cut(&keys.join(", "), 200)
            )));
        }
    };
    let usage = match map.shift_remove("usage") {
        Some(Value::Object(usage)) => Usage::from_openai(usage),
        _ => Usage::default(),
    };
    let model = take_string(&mut map, "model").unwrap_or_default();
    let response = ChatResponse {
        id: take_string(&mut map, "id").unwrap_or_default(),
        created: take_seconds(&mut map),
        model: target.accent.model_name(model, target),
        system_fingerprint: take_string(&mut map, "system_fingerprint"),
        choices,
        usage: Some(usage),
        extra: {
            map.shift_remove("object");
            map.retain(|_, value| !value.is_null());
            service_tier(&mut map, &target.accent);
            map
        },
    };
    Ok(response)
}

/// `known_service_tiers`
fn service_tier(map: &mut Map, accent: &Accent) {
    let known = &accent.known_service_tiers;
    if let Some(Value::String(tier)) = map.get_mut("service_tier")
        && !known.is_empty()
        && !known.contains(tier)
    {
        "auto".clone_into(tier);
    }
}

fn take_seconds(map: &mut Map) -> u64 {
    map.shift_remove("created").as_ref().map_or(0, crate::json::count_of)
}

/// A good status with a non-empty `error` is a failure; its code is the status when it is a number (OAI-10).
fn check_error(map: &Map, accent: &Accent) -> Result<()> {
    let error = match map.get("error") {
        Some(Value::Object(error)) if !error.is_empty() => Value::Object(error.clone()),
        Some(Value::String(text)) if !text.is_empty() => Value::String(text.clone()),
        _ => return Ok(()),
    };
    let code = error.get("code").and_then(|code| match code {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    let facts = errors::facts_of(status.unwrap_or(422), &serde_json::json!({ "error": error.clone() }));
    let kind = match (status, errors::classify(&facts, accent)) {
        (None, Kind::BadRequest) if error.is_object() => Kind::Api,
        (_, kind) => kind,
    };
    Err(facts.into_error(kind))
}

fn choice(value: Value, position: u64, accent: &Accent) -> Result<Choice> {
    let Value::Object(mut map) = value else {
        return Err(Error::unreadable(format!("choices[{position}] is {}, not an object", kind_of(&value))));
    };
    map.shift_remove("index");
    let message = match map.shift_remove("message") {
        Some(Value::Object(message)) => parse_message(message, accent)?,
        Some(other) if !other.is_null() => {
            return Err(Error::unreadable(format!(
                "choices[{position}].message is {}, not an object",
                kind_of(&other)
            )));
        }
        _ => AssistantMessage::default(),
    };
    let native = take_string(&mut map, "finish_reason").unwrap_or_else(|| "stop".to_owned());
    map.shift_remove("finish_reason");
    let (reason, own) = map_finish_reason(&native);
    let logprobs = map.shift_remove("logprobs").filter(|value| !value.is_null());
    let finish_reason = reason.with_tool_calls(!message.tool_calls.is_empty());
    map.retain(|_, value| !value.is_null());
    Ok(Choice {
        index: position,
        message,
        finish_reason,
        native_finish_reason: (!own && !native.is_empty()).then_some(native),
        logprobs,
        extra: map,
    })
}

fn parse_message(mut map: Map, accent: &Accent) -> Result<AssistantMessage> {
    map.shift_remove("role");
    let mut message = AssistantMessage::default();
    match map.shift_remove("content") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => message.content = Some(text),
        Some(Value::Array(parts)) => read_parts(parts, &mut message),
        Some(other) => return Err(Error::unreadable(format!("message.content is {}", kind_of(&other)))),
    }
    if let Some(Value::Array(calls)) = map.shift_remove("tool_calls") {
        message.tool_calls = calls.into_iter().filter_map(tool_call).collect();
    }
    message.function_call = map.shift_remove("function_call").filter(|value| !value.is_null());
    message.refusal = map.shift_remove("refusal");
    message.annotations = map.shift_remove("annotations");
    message.audio = map.shift_remove("audio").filter(|value| !value.is_null());
    if let Some(Value::Array(images)) = map.shift_remove("images") {
        message.images = Some(Value::Array(indexed(images)));
    }
    // Other names for thinking are kept where the provider put them, too (RSN-05).
    message.reasoning_content = take_string(&mut map, "reasoning_content")
        .or_else(|| map.get("reasoning").and_then(Value::as_str).map(str::to_owned))
        .or(message.reasoning_content);
    if let Some(Value::Array(blocks)) = map.get("thinking_blocks") {
        message.thinking_blocks.clone_from(blocks);
    }
    if accent.keeps_reasoning_field
        && let Some(reasoning) = map.shift_remove("reasoning").filter(|value| !value.is_null())
    {
        message.extra.insert("reasoning".to_owned(), reasoning);
    }
    if message.reasoning_content.is_none() && !accent.keeps_think_tags {
        split_think_tag(&mut message);
    }
    if let Some(Value::Object(fields)) = map.shift_remove("provider_specific_fields") {
        message.provider_fields = fields;
    }
    map.retain(|_, value| !value.is_null());
    message.provider_fields.extend(map);
    Ok(message)
}

/// Content as a list: text joined, thinking apart (MIS-07).
fn read_parts(parts: Vec<Value>, message: &mut AssistantMessage) {
    let mut text = String::new();
    for part in parts {
        match PartText::of(&part) {
            PartText::Text(piece) => text.push_str(piece),
            PartText::Thinking(pieces) => {
                for (piece, signature) in pieces {
                    message.reasoning_content.get_or_insert_default().push_str(piece);
                    if let Some(signature) = signature {
                        message.thinking_blocks.push(thinking_block(piece, signature));
                    }
                }
            }
            PartText::Other => {}
        }
    }
    message.content = Some(text);
}

pub fn thinking_block(text: &str, signature: &str) -> Value {
    serde_json::json!({ "type": "thinking", "thinking": text, "signature": signature })
}

/// What one part of a content list says.
pub enum PartText<'a> {
    Text(&'a str),
    /// Pieces of thinking, each with the signature it may have.
    Thinking(Vec<(&'a str, Option<&'a str>)>),
    Other,
}

impl<'a> PartText<'a> {
    /// Text is `text`; thinking is a text or a list of texts under `thinking`, or a signed list under `summary`.
    pub fn of(part: &'a Value) -> Self {
        if let Value::String(text) = part {
            return Self::Text(text);
        }
        match part.get("thinking").or_else(|| part.get("summary")) {
            Some(Value::Array(pieces)) => Self::Thinking(
                pieces
                    .iter()
                    .filter_map(|piece| {
                        let signature = piece.get("signature").and_then(Value::as_str);
                        Some((piece.get("text")?.as_str()?, signature))
                    })
                    .collect(),
            ),
            Some(Value::String(text)) => Self::Thinking(vec![(text, None)]),
            _ => part.get("text").and_then(Value::as_str).map_or(Self::Other, Self::Text),
        }
    }
}

/// `<think>…</think>` at the very start of an answer is thinking.
fn split_think_tag(message: &mut AssistantMessage) {
    let Some(rest) = message.content.as_deref().and_then(|text| text.strip_prefix("<think>")) else { return };
    let Some((thinking, answer)) = rest.split_once("</think>") else { return };
    message.reasoning_content = Some(thinking.to_owned());
    message.content = Some(answer.to_owned());
}

fn tool_call(value: Value) -> Option<ToolCall> {
    let Value::Object(mut map) = value else { return None };
    let mut function = match map.shift_remove("function") {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    let arguments = match function.shift_remove("arguments") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        // Arguments sent as an object become their JSON text (GEN-16).
        Some(other) => other.to_string(),
    };
    let provider_specific_fields = match map.shift_remove("provider_specific_fields") {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    if map.get("type").and_then(Value::as_str) == Some("function") {
        map.shift_remove("type");
    }
    map.retain(|_, value| !value.is_null());
    Some(ToolCall {
        id: take_string(&mut map, "id").filter(|id| !id.is_empty()),
        function: FunctionCall {
            name: take_string(&mut function, "name"),
            arguments,
            provider_specific_fields: None,
        },
        provider_specific_fields,
        cache_control: None,
        extra: map,
    })
}

fn indexed(images: Vec<Value>) -> Vec<Value> {
    images
        .into_iter()
        .zip(0u64..)
        .map(|(image, index)| match image {
            Value::Object(mut image) => {
                image.entry("index").or_insert_with(|| index.into());
                Value::Object(image)
            }
            other => other,
        })
        .collect()
}
