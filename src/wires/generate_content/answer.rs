//! A chat completion's answer as generated content.

use serde_json::{Value, json};

use crate::hub::{AssistantMessage, ChatResponse, FinishReason, Usage};
use crate::json::{Map, count_at, object, str_at};

/// A whole answer.
pub fn content(answer: ChatResponse, asked: &Map) -> Value {
    let candidates: Vec<Value> = answer
        .choices
        .into_iter()
        .map(|choice| {
            let parts = parts(choice.message, shows_thoughts(asked));
            candidate(choice.index, parts, Some(choice.finish_reason))
        })
        .collect();
    let mut made = shell(&answer.id, &answer.model, candidates);
    made.insert("usageMetadata".into(), counts(&answer.usage.unwrap_or_default()));
    made.into()
}

pub fn shows_thoughts(asked: &Map) -> bool {
    asked.get("thoughts") == Some(&Value::Bool(true))
}

pub fn shell(id: &str, model: &str, candidates: Vec<Value>) -> Map {
    let mut made = Map::new();
    made.insert("candidates".into(), candidates.into());
    made.insert("modelVersion".into(), model.into());
    made.insert("responseId".into(), id.into());
    made
}

pub fn candidate(index: u64, parts: Vec<Value>, finish: Option<FinishReason>) -> Value {
    let content = object([("parts", parts.into()), ("role", "model".into())]);
    let mut made = Map::new();
    made.insert("content".into(), content);
    if let Some(reason) = finish {
        made.insert("finishReason".into(), word(reason).into());
    }
    made.insert("index".into(), index.into());
    made.into()
}

fn word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::FunctionCall => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
    }
}

fn parts(said: AssistantMessage, shows_thoughts: bool) -> Vec<Value> {
    let mut parts = Vec::new();
    if let Some(thought) = said.reasoning_content.filter(|text| shows_thoughts && !text.is_empty()) {
        parts.push(json!({ "text": thought, "thought": true }));
    }
    let refusal = said.refusal.as_ref().and_then(Value::as_str).map(str::to_owned);
    for text in said.content.into_iter().chain(refusal).filter(|text| !text.is_empty()) {
        parts.push(json!({ "text": text }));
    }
    for call in said.tool_calls {
        let fields = call.provider_specific_fields.or(call.function.provider_specific_fields);
        let name = call.function.name.unwrap_or_default();
        parts.push(function_call(call.id, &name, &call.function.arguments, fields.as_ref()));
    }
    parts
}

/// A call; arguments that are no object are handed on as a text under a name of ours.
pub fn function_call(id: Option<String>, name: &str, arguments: &str, fields: Option<&Map>) -> Value {
    let text = arguments.trim();
    let arguments = match serde_json::from_str(if text.is_empty() { "{}" } else { text }) {
        Ok(Value::Object(arguments)) => arguments,
        _ => {
            tracing::warn!(tool = name, "the arguments of a call are no JSON object: handed on as text");
            let mut raw = Map::new();
            raw.insert("arguments".into(), arguments.into());
            raw
        }
    };
    let mut call = Map::new();
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        call.insert("id".into(), id.into());
    }
    call.insert("name".into(), name.into());
    call.insert("args".into(), arguments.into());
    let mut part = Map::new();
    part.insert("functionCall".into(), call.into());
    if let Some(signature) = fields.and_then(|fields| str_at(fields, "thought_signature")) {
        part.insert("thoughtSignature".into(), signature.into());
    }
    part.into()
}

/// Google counts thoughts apart from the answer.
pub fn counts(usage: &Usage) -> Value {
    let details = usage.completion_tokens_details.as_ref();
    let thoughts = details.map_or(0, |details| count_at(details, "reasoning_tokens"));
    let mut counts = Map::new();
    counts.insert("promptTokenCount".into(), usage.prompt_tokens.into());
    let answered = usage.completion_tokens.saturating_sub(thoughts);
    counts.insert("candidatesTokenCount".into(), answered.into());
    counts.insert("totalTokenCount".into(), usage.total_tokens.into());
    let optional = [("thoughtsTokenCount", thoughts), ("cachedContentTokenCount", usage.cached_tokens())];
    for (name, count) in optional.into_iter().filter(|(_, count)| *count > 0) {
        counts.insert(name.into(), count.into());
    }
    counts.into()
}
