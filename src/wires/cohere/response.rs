//! A whole reply as a response (COH-03 … COH-06, COH-08, COH-09).

use serde_json::Value;

use super::{citations, usage};
use crate::error::{Error, Kind, Result};
use crate::hub::{
    AssistantMessage, ChatResponse, Choice, FinishReason, FunctionCall, Target, ToolCall, is_synonym,
    map_finish_reason,
};
use crate::json::{Map, take_string};
use crate::wires::bounded_text;

pub fn decode(body: &[u8], target: &Target) -> Result<ChatResponse> {
    let reply = serde_json::from_slice::<Value>(body).map_err(|error| unreadable(body).with_source(error))?;
    let Value::Object(mut reply) = reply else { return Err(unreadable(body)) };
    let Some(Value::Object(message)) = reply.shift_remove("message") else { return Err(unreadable(body)) };
    let native = take_string(&mut reply, "finish_reason").unwrap_or_else(|| "COMPLETE".to_owned());
    let (reason, native) = finish(&native, reply.get("error"))?;
    let message = read_message(message);
    let reason = reason.with_tool_calls(!message.tool_calls.is_empty());
    let mut choice = Choice::new(message, reason);
    choice.native_finish_reason = native;
    Ok(ChatResponse {
        id: take_string(&mut reply, "id").unwrap_or_default(),
        model: target.model.clone(),
        choices: vec![choice],
        usage: Some(usage::read(reply.get("usage").unwrap_or(&Value::Null))),
        ..ChatResponse::default()
    })
}

/// A good status with a body that is no answer (COH-09).
fn unreadable(body: &[u8]) -> Error {
    Error::new(Kind::Unprocessable, bounded_text(body))
}

/// The reason to end and, where it says more than OpenAI's, the provider's own word (COH-08, GEN-37). A generation
/// that failed is an error, not an answer.
pub fn finish(native: &str, explanation: Option<&Value>) -> Result<(FinishReason, Option<String>)> {
    let failed = match native {
        "ERROR" => Kind::InternalServer,
        "TIMEOUT" => Kind::Timeout,
        _ => {
            let (reason, own) = map_finish_reason(native);
            return Ok((reason, (!own && !is_synonym(native)).then(|| native.to_owned())));
        }
    };
    let why = explanation.and_then(Value::as_str).unwrap_or("the provider gives no reason");
    Err(Error::new(failed, format!("the generation ended with finish_reason {native}: {why}")))
}

fn read_message(mut message: Map) -> AssistantMessage {
    let mut reasoning = String::new();
    let mut content = None;
    match message.shift_remove("content") {
        Some(Value::String(text)) => content = Some(text),
        Some(Value::Array(blocks)) => {
            let text: &mut String = content.get_or_insert_default();
            for block in blocks {
                let Value::Object(mut block) = block else { continue };
                if let Some(piece) = take_string(&mut block, "text") {
                    text.push_str(&piece);
                } else if let Some(thought) = take_string(&mut block, "thinking") {
                    reasoning.push_str(&thought);
                }
            }
        }
        _ => {}
    }
    // The plan comes before the calls it explains, and after thinking (COH-04).
    reasoning.push_str(&take_string(&mut message, "tool_plan").unwrap_or_default());
    let tool_calls = match message.shift_remove("tool_calls") {
        Some(Value::Array(calls)) => calls.into_iter().filter_map(read_call).collect(),
        _ => Vec::new(),
    };
    let annotations = message.get("citations").map(citations::annotations).unwrap_or_default();
    AssistantMessage {
        content: content.filter(|text| !text.is_empty() || tool_calls.is_empty()),
        reasoning_content: (!reasoning.is_empty()).then_some(reasoning),
        annotations: (!annotations.is_empty()).then_some(Value::Array(annotations)),
        tool_calls,
        ..AssistantMessage::default()
    }
}

fn read_call(call: Value) -> Option<ToolCall> {
    let Value::Object(mut call) = call else { return None };
    let (name, arguments) = function(&mut call);
    Some(ToolCall {
        id: take_string(&mut call, "id"),
        function: FunctionCall {
            name,
            arguments: if arguments.is_empty() { "{}".to_owned() } else { arguments },
            provider_specific_fields: None,
        },
        provider_specific_fields: None,
        cache_control: None,
        extra: Map::new(),
    })
}

/// Name and arguments of a call, or of a piece of one.
pub fn function(call: &mut Map) -> (Option<String>, String) {
    let Some(Value::Object(mut function)) = call.shift_remove("function") else {
        return (None, String::new());
    };
    let arguments = match function.shift_remove("arguments") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    (take_string(&mut function, "name"), arguments)
}
