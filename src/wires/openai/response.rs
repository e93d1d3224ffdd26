//! A chat answer in OpenAI's format, and what compatible servers make of it (OSS-02, RSN-05).

use serde_json::Value;

use super::errors;
use crate::error::{Error, Kind, Result};
use crate::hub::{
    Accent, AssistantMessage, ChatResponse, Choice, FinishReason, FunctionCall, Target, ToolCall, Usage,
    map_finish_reason,
};
use crate::json::{Fields, Map, Tree, count_of, cut};
use crate::wires::{HttpReply, Memo};

pub fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let tree: Tree<'_> =
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(&reply.body).with_source(error))?;
    let Tree::Object(mut fields) = tree else {
        return Err(unreadable(&reply.body));
    };
    if target.accent.instances
        && let Some(Tree::Object(predicted)) = fields.take("predictions")
    {
        fields = predicted;
    }
    let mut response = from_fields(fields, target)?;
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

fn from_fields(mut fields: Fields<'_>, target: &Target) -> Result<ChatResponse> {
    check_error(&fields, &target.accent)?;
    let choices = match fields.take("choices") {
        Some(Tree::List(items)) => items
            .into_iter()
            .zip(0u64..)
            .map(|(item, index)| choice(item, index, &target.accent))
            .collect::<Result<Vec<_>>>()?,
        other => {
            let found = other.as_ref().map_or("nothing", Tree::kind);
            let keys = fields.keys().collect::<Vec<_>>().join(", ");
            if let Some(error) = words_instead(&Value::Object(fields.into_map()), &target.accent) {
                return Err(error);
            }
            return Err(Error::unreadable(format!(
                "the provider returned 'choices' that is not a list ({found}). Keys: {}",
                cut(&keys, 200)
            )));
        }
    };
    let usage = match fields.take("usage") {
        Some(Tree::Object(usage)) => Usage::from_openai(usage),
        _ => Usage::default(),
    };
    let model = fields.take_text("model").unwrap_or_default();
    let response = ChatResponse {
        id: fields.take_text("id").unwrap_or_default(),
        created: fields.take_value("created").as_ref().map_or(0, count_of),
        model: target.accent.model_name(model, target),
        system_fingerprint: fields.take_text("system_fingerprint"),
        choices,
        usage: Some(usage),
        extra: {
            fields.take("object");
            let mut rest = fields.into_known();
            service_tier(&mut rest, &target.accent);
            rest
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

/// A good status with a non-empty `error` is a failure; its code is the status when it is a number (OAI-10).
fn check_error(fields: &Fields<'_>, accent: &Accent) -> Result<()> {
    let error = match fields.get("error") {
        Some(Tree::Object(error)) if !error.is_empty() => Value::Object(error.clone().into_map()),
        Some(Tree::Text(text)) if !text.is_empty() => Value::String(text.clone().into_owned()),
        _ => return Ok(()),
    };
    Err(failure(&error, &serde_json::json!({ "error": error }), accent))
}

/// An error in the other forms that servers have (`{"message": …}`, `{"errors": [{…}]}`), where the answer should be.
fn words_instead(body: &Value, accent: &Accent) -> Option<Error> {
    let error = body.get("errors").and_then(|errors| errors.get(0)).unwrap_or(body);
    ["message", "detail", "error_msg", "msg"]
        .into_iter()
        .any(|key| error.get(key).is_some_and(Value::is_string))
        .then(|| failure(error, body, accent))
}

fn failure(error: &Value, body: &Value, accent: &Accent) -> Error {
    let status = errors::status_of(error);
    let facts = errors::facts_of(status.unwrap_or(422), body);
    let kind = match (status, errors::classify(&facts, accent)) {
        (None, Kind::BadRequest) if error.is_object() => Kind::Api,
        (_, kind) => kind,
    };
    facts.into_error(kind)
}

fn choice(tree: Tree<'_>, position: u64, accent: &Accent) -> Result<Choice> {
    let Tree::Object(mut fields) = tree else {
        return Err(Error::unreadable(format!("choices[{position}] is {}, not an object", tree.kind())));
    };
    fields.take("index");
    let message = match fields.take("message") {
        Some(Tree::Object(message)) => parse_message(message, accent)?,
        Some(other) if !other.is_null() => {
            return Err(Error::unreadable(format!(
                "choices[{position}].message is {}, not an object",
                other.kind()
            )));
        }
        _ => AssistantMessage::default(),
    };
    let native = fields.take_text("finish_reason").unwrap_or_else(|| "stop".to_owned());
    fields.take("finish_reason");
    if let Some(error) = errors::failed_finish(&native) {
        return Err(error);
    }
    let (reason, own) = map_finish_reason(&native);
    let logprobs = fields.take_value("logprobs");
    let finish_reason = reason.with_tool_calls(!message.tool_calls.is_empty());
    Ok(Choice {
        index: position,
        message,
        finish_reason,
        native_finish_reason: (!own && !native.is_empty()).then_some(native),
        logprobs,
        extra: fields.into_known(),
    })
}

fn parse_message(mut fields: Fields<'_>, accent: &Accent) -> Result<AssistantMessage> {
    fields.take("role");
    let mut message = AssistantMessage::default();
    match fields.take("content") {
        None | Some(Tree::Null) => {}
        Some(Tree::Text(text)) => message.content = Some(text.into_owned()),
        Some(Tree::List(parts)) => read_parts(parts, &mut message),
        Some(other) => return Err(Error::unreadable(format!("message.content is {}", other.kind()))),
    }
    if let Some(Tree::List(calls)) = fields.take("tool_calls") {
        message.tool_calls = calls.into_iter().filter_map(tool_call).collect();
    }
    message.function_call = fields.take_value("function_call");
    message.refusal = fields.take("refusal").map(Tree::into_value);
    message.annotations = fields.take("annotations").map(Tree::into_value);
    message.audio = fields.take_value("audio");
    if let Some(Tree::List(images)) = fields.take("images") {
        message.images = Some(Value::Array(indexed(images)));
    }
    // Other names for thinking are kept where the provider put them, too (RSN-05).
    message.reasoning_content = fields
        .take_text("reasoning_content")
        .or_else(|| fields.get("reasoning").and_then(Tree::as_str).map(str::to_owned))
        .or(message.reasoning_content);
    if let Some(Tree::List(blocks)) = fields.get("thinking_blocks") {
        message.thinking_blocks = blocks.iter().cloned().map(Tree::into_value).collect();
    }
    if accent.keeps_reasoning_field
        && let Some(reasoning) = fields.take_value("reasoning")
    {
        message.extra.insert("reasoning".to_owned(), reasoning);
    }
    if message.reasoning_content.is_none() && !accent.keeps_think_tags {
        split_think_tag(&mut message);
    }
    if let Some(Tree::Object(own)) = fields.take("provider_specific_fields") {
        message.provider_fields = own.into_map();
    }
    message.provider_fields.extend(fields.into_known());
    Ok(message)
}

/// Content as a list: text joined, thinking apart (MIS-07).
fn read_parts(parts: Vec<Tree<'_>>, message: &mut AssistantMessage) {
    let mut text = String::new();
    for part in parts {
        match PartText::of(&part.into_value()) {
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

fn tool_call(tree: Tree<'_>) -> Option<ToolCall> {
    let Tree::Object(mut fields) = tree else { return None };
    let mut function = match fields.take("function") {
        Some(Tree::Object(function)) => function,
        _ => Fields::default(),
    };
    let arguments = match function.take("arguments") {
        None | Some(Tree::Null) => String::new(),
        Some(Tree::Text(text)) => text.into_owned(),
        // Arguments sent as an object become their JSON text (GEN-16).
        Some(other) => other.into_value().to_string(),
    };
    let provider_specific_fields = match fields.take("provider_specific_fields") {
        Some(Tree::Object(fields)) => Some(fields.into_map()),
        _ => None,
    };
    if fields.get("type").and_then(Tree::as_str) == Some("function") {
        fields.take("type");
    }
    Some(ToolCall {
        id: fields.take_text("id").filter(|id| !id.is_empty()),
        function: FunctionCall {
            name: function.take_text("name"),
            arguments,
            provider_specific_fields: None,
        },
        provider_specific_fields,
        cache_control: None,
        extra: fields.into_known(),
    })
}

fn indexed(images: Vec<Tree<'_>>) -> Vec<Value> {
    images
        .into_iter()
        .zip(0u64..)
        .map(|(image, index)| match image.into_value() {
            Value::Object(mut image) => {
                image.entry("index").or_insert_with(|| index.into());
                Value::Object(image)
            }
            other => other,
        })
        .collect()
}
