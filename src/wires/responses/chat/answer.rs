//! A response as a chat answer (OAR-08, OAR-10, OAR-11, OAR-13, OAR-14).

use serde_json::{Value, json};

use super::super::native::{facts_of, failure, last_response};
use super::{ENCRYPTED, REASONING_ITEMS};
use crate::error::Result;
use crate::hub::{
    AssistantMessage, ChatResponse, Choice, FinishReason, FunctionCall, Target, ToolCall, Usage,
};
use crate::json::{Map, count_at, object, str_at};
use crate::wires::openai::errors;
use crate::wires::{HttpReply, calls};

pub fn decode(reply: &HttpReply, target: &Target) -> Result<ChatResponse> {
    let mut answer = match last_response(&reply.body, target)? {
        Some(answer) => answer,
        None => calls::json_object(reply)?,
    };
    if str_at(&answer, "status") == Some("failed") {
        let mut event = Map::new();
        event.insert("response".into(), answer.into());
        let facts = facts_of(&failure(Some("response.failed"), &event).unwrap_or_default());
        let kind = errors::classify(&facts, &target.accent);
        return Err(facts.into_error(kind));
    }
    let Some(Value::Array(items)) = answer.shift_remove("output") else {
        return Err(calls::unreadable(reply));
    };
    let mut message = AssistantMessage::default();
    for item in items {
        if let Value::Object(item) = item {
            add(&item, &mut message);
        }
    }
    let finish = finish(&answer).with_tool_calls(!message.tool_calls.is_empty());
    let model = str_at(&answer, "model").unwrap_or(&target.model).to_owned();
    let mut extra = Map::new();
    if let Some(tier) = answer.get("service_tier").filter(|tier| !tier.is_null()) {
        extra.insert("service_tier".into(), tier.clone());
    }
    Ok(ChatResponse {
        id: str_at(&answer, "id").unwrap_or_default().to_owned(),
        created: answer.get("created_at").and_then(Value::as_f64).map_or(0, seconds),
        model: target.accent.model_name(model, target),
        system_fingerprint: None,
        choices: vec![Choice::new(message, finish)],
        usage: Some(usage(&answer)),
        extra,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time of our days, in whole seconds"
)]
fn seconds(time: f64) -> u64 {
    time.max(0.0) as u64
}

fn add(item: &Map, message: &mut AssistantMessage) {
    match str_at(item, "type") {
        Some("message") => {
            for part in item.get("content").and_then(Value::as_array).into_iter().flatten() {
                said(part, message);
            }
        }
        Some("function_call") => message.tool_calls.push(ToolCall {
            id: str_at(item, "call_id").map(str::to_owned),
            function: FunctionCall {
                name: str_at(item, "name").map(str::to_owned),
                arguments: str_at(item, "arguments").unwrap_or_default().to_owned(),
                provider_specific_fields: None,
            },
            provider_specific_fields: None,
            cache_control: None,
            extra: Map::new(),
        }),
        Some("reasoning") => {
            let text = thought(item);
            message.reasoning_content.get_or_insert_default().push_str(&text);
            let kept = message.extra.entry(REASONING_ITEMS).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(all) = kept {
                all.push(reasoning_item(item));
            }
            if let Some(sealed) = sealed(item) {
                message
                    .thinking_blocks
                    .push(json!({ "type": "thinking", "thinking": text, "signature": sealed }));
            }
        }
        kind => tracing::debug!(kind, "an item of the answer that chat has no place for"),
    }
}

/// Citations count from the beginning of the whole text (OAR-14).
fn said(part: &Value, message: &mut AssistantMessage) {
    if let Some(refusal) = part["refusal"].as_str() {
        message.refusal = Some(refusal.into());
        return;
    }
    let Some(text) = part["text"].as_str() else { return };
    let content = message.content.get_or_insert_default();
    let before = content.chars().count() as u64;
    content.push_str(text);
    let annotations = part["annotations"].as_array().into_iter().flatten();
    let moved: Vec<Value> = annotations.cloned().map(|annotation| moved(annotation, before)).collect();
    if !moved.is_empty() {
        match &mut message.annotations {
            Some(Value::Array(all)) => all.extend(moved),
            none => *none = Some(moved.into()),
        }
    }
}

/// A citation, flat as Responses give it, moved to where its text stands.
pub fn moved(mut annotation: Value, by: u64) -> Value {
    for name in ["start_index", "end_index"] {
        if let Some(at) = annotation.get(name).and_then(Value::as_u64) {
            annotation[name] = (at + by).into();
        }
    }
    annotation
}

/// What of a reasoning item goes back with the next turn (OAR-11).
pub fn reasoning_item(item: &Map) -> Value {
    let field = |name| item.get(name).cloned().unwrap_or_default();
    object([
        ("type", "reasoning".into()),
        ("id", field("id")),
        ("encrypted_content", field("encrypted_content")),
        ("summary", field("summary")),
    ])
}

/// The readable text of a reasoning item.
fn thought(item: &Map) -> String {
    let texts = |list: &str| {
        let parts = item.get(list).and_then(Value::as_array);
        parts.into_iter().flatten().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
    };
    let summary = texts("summary");
    if summary.is_empty() { texts("content") } else { summary }
}

/// What OpenAI encrypted, as the signature of a thought.
pub fn sealed(item: &Map) -> Option<String> {
    let sealed = str_at(item, "encrypted_content").filter(|text| !text.is_empty())?;
    Some(format!("{ENCRYPTED}{sealed}"))
}

/// OAR-08
pub fn finish(response: &Map) -> FinishReason {
    let reason = response.get("incomplete_details").and_then(|details| details["reason"].as_str());
    match (str_at(response, "status"), reason) {
        (Some("incomplete"), Some("content_filter")) => FinishReason::ContentFilter,
        (Some("incomplete"), _) => FinishReason::Length,
        _ => FinishReason::Stop,
    }
}

/// OAR-13
pub fn usage(response: &Map) -> Usage {
    let Some(Value::Object(counts)) = response.get("usage") else { return Usage::default() };
    let details = |name: &str| counts.get(name).and_then(Value::as_object).cloned();
    let mut usage = Usage::new(count_at(counts, "input_tokens"), count_at(counts, "output_tokens"));
    usage.total_tokens = count_at(counts, "total_tokens").max(usage.total_tokens);
    usage.prompt_tokens_details = details("input_tokens_details");
    usage.completion_tokens_details = details("output_tokens_details");
    usage.fold();
    usage
}
