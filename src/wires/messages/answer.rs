//! A chat completion's answer as a message (AMI-02, AMI-26 … AMI-30).

use serde_json::{Value, json};

use super::ids::{CallIds, own_name};
use crate::hub::{AssistantMessage, ChatResponse, Choice, FinishReason, ToolCall, Usage};
use crate::json::{Map, count_at, object, str_at};

/// Why the model stopped, in Anthropic's words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stop {
    pub reason: &'static str,
    pub sequence: Option<String>,
    /// What the model said when it refused.
    pub refusal: Option<String>,
}

impl Stop {
    /// `hit` is the stop sequence, where the provider tells it.
    pub fn of(finish: FinishReason, refusal: Option<String>, hit: Option<String>) -> Self {
        let refused = refusal.is_some() && finish != FinishReason::Length;
        let reason = match finish {
            _ if refused => "refusal",
            FinishReason::Stop if hit.is_some() => "stop_sequence",
            FinishReason::Stop => "end_turn",
            FinishReason::Length => "max_tokens",
            FinishReason::ToolCalls | FinishReason::FunctionCall => "tool_use",
            FinishReason::ContentFilter => "refusal",
        };
        Self { reason, sequence: hit.filter(|_| reason == "stop_sequence"), refusal }
    }

    pub fn details(&self) -> Value {
        match self.reason {
            "refusal" => json!({ "type": "refusal", "category": null, "explanation": self.refusal }),
            _ => Value::Null,
        }
    }
}

/// The stop sequence that a provider says it met: one of those that were asked for.
pub fn hit(fields: &Map, asked: &Map) -> Option<String> {
    let told = str_at(fields, "stop_reason").or_else(|| str_at(fields, "stop_sequence"))?;
    let stops = asked.get("stop").and_then(Value::as_array)?;
    stops.iter().any(|stop| stop == told).then(|| told.to_owned())
}

/// A whole answer.
pub fn message(answer: ChatResponse, asked: &Map) -> Value {
    let mut content = Vec::new();
    let mut stop = Stop { reason: "end_turn", ..Stop::default() };
    if let Some(choice) = answer.choices.into_iter().next() {
        let Choice { message, finish_reason, extra, .. } = choice;
        let hit = hit(&extra, asked).or_else(|| hit(&message.provider_fields, asked));
        let refusal = message.refusal.as_ref().and_then(Value::as_str).map(str::to_owned);
        stop = Stop::of(finish_reason, refusal.filter(|text| !text.is_empty()), hit);
        let is_cut = finish_reason == FinishReason::Length;
        content = blocks(message, names(asked), is_cut);
    }
    let usage = answer.usage.unwrap_or_default();
    object([
        ("id", answer.id.into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", answer.model.into()),
        ("content", content.into()),
        ("stop_reason", stop.reason.into()),
        ("stop_sequence", stop.sequence.clone().map_or(Value::Null, Value::from)),
        ("stop_details", stop.details()),
        ("usage", counts(&usage)),
    ])
}

/// The names of tools that were cut: sent, original.
pub fn names(asked: &Map) -> Option<&Map> {
    asked.get("names").and_then(Value::as_object)
}

/// Thinking, text, refusal, calls: in this order (AMI-27).
fn blocks(said: AssistantMessage, names: Option<&Map>, is_cut: bool) -> Vec<Value> {
    let mut out = Vec::new();
    if said.thinking_blocks.is_empty() {
        if let Some(thinking) = said.reasoning_content.filter(|text| !text.is_empty()) {
            out.push(json!({ "type": "thinking", "thinking": thinking }));
        }
    } else {
        let (redacted, open): (Vec<_>, Vec<_>) =
            said.thinking_blocks.into_iter().partition(|block| block["type"] == "redacted_thinking");
        out.extend(open);
        out.extend(redacted);
    }
    let refusal = match said.refusal {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let text = said.content.filter(|text| !text.is_empty());
    for text in text.into_iter().chain(refusal) {
        out.push(text_block(&text));
    }
    let mut ids = CallIds::default();
    for call in said.tool_calls {
        out.push(called(call, &mut ids, names, is_cut));
    }
    if out.is_empty() {
        out.push(text_block(""));
    }
    out
}

pub fn text_block(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// A call as it begins, and its fields of the provider's.
pub fn tool_use(id: &str, name: &str, fields: Option<&Map>, ids: &mut CallIds, names: Option<&Map>) -> Map {
    let (id, in_id) = ids.take(id);
    let signature = fields.and_then(|fields| str_at(fields, "thought_signature")).or(in_id);
    let mut block = Map::new();
    block.insert("type".into(), "tool_use".into());
    block.insert("id".into(), id.into());
    block.insert("name".into(), own_name(names, name).into());
    block.insert("input".into(), json!({}));
    if let Some(signature) = signature {
        block.insert("provider_specific_fields".into(), json!({ "signature": signature }));
    }
    block
}

fn called(call: ToolCall, ids: &mut CallIds, names: Option<&Map>, is_cut: bool) -> Value {
    let name = call.function.name.unwrap_or_default();
    let fields = call.provider_specific_fields.as_ref().or(call.function.provider_specific_fields.as_ref());
    let mut block = tool_use(&call.id.unwrap_or_default(), &name, fields, ids, names);
    match input(&call.function.arguments, is_cut) {
        Some(input) => {
            block.insert("input".into(), input.into());
        }
        None => {
            tracing::warn!(tool = name, "the arguments of a call are no JSON object: handed on as text");
            let fields = block.entry("provider_specific_fields").or_insert_with(|| json!({}));
            fields["arguments"] = call.function.arguments.into();
        }
    }
    block.into()
}

/// Arguments as an object; those that were cut at the limit of tokens are closed (AMI-29).
fn input(arguments: &str, is_cut: bool) -> Option<Map> {
    let text = arguments.trim();
    if text.is_empty() {
        return Some(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(input)) => return Some(input),
        Ok(Value::Null) => return Some(Map::new()),
        Ok(_) => return None,
        Err(_) if !is_cut => return None,
        Err(_) => {}
    }
    let closed = closed(text)?;
    tracing::warn!("the arguments of a call were cut at the limit of tokens: closed");
    serde_json::from_str(&closed).ok()
}

/// A JSON text that was cut, with what is open closed.
fn closed(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut in_text = false;
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop()?;
            }
            _ => {}
        }
    }
    let mut closed = text.strip_suffix('\\').filter(|_| escaped).unwrap_or(text).to_owned();
    if in_text {
        closed.push('"');
    }
    let kept = closed.trim_end().trim_end_matches(',').len();
    closed.truncate(kept);
    if closed.ends_with(':') {
        closed.push_str("null");
    }
    closed.extend(open.into_iter().rev());
    Some(closed)
}

/// Counts in Anthropic's way: what was read from a cache or written to it is no input (AMI-30).
pub fn counts(usage: &Usage) -> Value {
    let read = usage.cached_tokens().max(count_at(&usage.extra, "cache_read_input_tokens"));
    let details = usage.prompt_tokens_details.as_ref();
    let written = details
        .map_or(0, |details| count_at(details, "cache_creation_tokens"))
        .max(count_at(&usage.extra, "cache_creation_input_tokens"));
    let mut counts = Map::new();
    let input = usage.prompt_tokens.saturating_sub(read).saturating_sub(written);
    counts.insert("input_tokens".into(), input.into());
    counts.insert("output_tokens".into(), usage.completion_tokens.into());
    for (name, count) in [("cache_creation_input_tokens", written), ("cache_read_input_tokens", read)] {
        if count > 0 {
            counts.insert(name.into(), count.into());
        }
    }
    if let Some(Value::Object(tools)) = usage.extra.get("server_tool_use") {
        let positive: Map = tools
            .iter()
            .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
            .map(|(name, count)| (name.clone(), count.clone()))
            .collect();
        if !positive.is_empty() {
            counts.insert("server_tool_use".into(), positive.into());
        }
    }
    counts.into()
}
