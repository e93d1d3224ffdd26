//! The two folds: deltas to a response, and a response to deltas (STR-28, STR-30).

use serde_json::Value;

use super::{
    AssistantMessage, ChatResponse, Choice, Delta, Deltas, FinishReason, FunctionCall, ToolCall, Usage,
};
use crate::json::{Map, str_at};

/// Folds a stream into the response it stands for. Runs of text grow one string each (STR-29).
#[derive(Debug, Default)]
pub struct Collector {
    response: ChatResponse,
    choices: Vec<Collected>,
}

#[derive(Debug)]
struct Collected {
    index: u64,
    message: AssistantMessage,
    blocks: ThinkingBlocks,
    finish: Option<(FinishReason, Option<String>)>,
    logprobs: Option<Value>,
    extra: Map,
}

impl Collector {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, delta: Delta) {
        match delta {
            Delta::Open { id, model, system_fingerprint } => {
                if self.response.id.is_empty() {
                    self.response.id = id.unwrap_or_default();
                }
                if self.response.model.is_empty() {
                    self.response.model = model.unwrap_or_default();
                }
                if self.response.system_fingerprint.is_none() {
                    self.response.system_fingerprint = system_fingerprint;
                }
            }
            Delta::Text { choice, text } => {
                self.choice(choice).message.content.get_or_insert_default().push_str(&text);
            }
            Delta::Reasoning { choice, text } => {
                self.choice(choice).message.reasoning_content.get_or_insert_default().push_str(&text);
            }
            Delta::ThinkingBlock { choice, block } => self.choice(choice).blocks.add(block),
            Delta::ToolStart { choice, index, id, name, provider_fields } => {
                let call = self.choice(choice).tool_call(index);
                call.id = id;
                call.function.name = Some(name);
                call.provider_specific_fields = provider_fields;
            }
            Delta::ToolArguments { choice, index, json } => {
                self.choice(choice).tool_call(index).function.arguments.push_str(&json);
            }
            Delta::FunctionCall { choice, value } => self.choice(choice).add_function_call(value),
            Delta::Refusal { choice, text } => {
                let message = &mut self.choice(choice).message;
                match &mut message.refusal {
                    Some(Value::String(all)) => all.push_str(&text),
                    other => *other = Some(Value::String(text)),
                }
            }
            Delta::Annotations { choice, annotations } => {
                append(&mut self.choice(choice).message.annotations, annotations);
            }
            Delta::Images { choice, images } => append(&mut self.choice(choice).message.images, images),
            Delta::Audio { choice, audio } => {
                let message = &mut self.choice(choice).message;
                match (&mut message.audio, audio) {
                    (Some(Value::Object(all)), Value::Object(part)) => merge_audio(all, part),
                    (slot, part) => *slot = Some(part),
                }
            }
            Delta::Logprobs { choice, logprobs } => {
                let slot = &mut self.choice(choice).logprobs;
                match (slot.as_mut(), logprobs) {
                    (Some(Value::Object(all)), Value::Object(part)) => merge_lists(all, part),
                    (_, part) => *slot = Some(part),
                }
            }
            Delta::ProviderFields { choice, fields } => {
                let all = &mut self.choice(choice).message.provider_fields;
                for (key, value) in fields {
                    add_field(all, key, value);
                }
            }
            Delta::Field { choice, name, value } => {
                self.choice(choice).message.extra.insert(name, value);
            }
            // What is empty says nothing, least of all against what came before.
            Delta::ChoiceField { value: Value::Object(map), .. } if map.is_empty() => {}
            Delta::ChoiceField { choice, name, value } => {
                self.choice(choice).extra.insert(name, value);
            }
            Delta::ChunkField { value: Value::Array(items), .. } if items.is_empty() => {}
            Delta::ChunkField { name, value } => {
                self.response.extra.insert(name, value);
            }
            Delta::Usage(usage) => self.response.usage = Some(usage),
            Delta::Finish { choice, reason, native } => self.choice(choice).finish = Some((reason, native)),
        }
    }

    /// True once every choice that was begun has ended.
    pub fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some())
    }

    /// The text of the first choice so far, for an error in mid-stream.
    pub fn text(&self) -> &str {
        self.choices.first().and_then(|choice| choice.message.content.as_deref()).unwrap_or_default()
    }

    pub fn usage(&self) -> Option<&Usage> {
        self.response.usage.as_ref()
    }

    pub fn finish(mut self) -> ChatResponse {
        self.choices.sort_by_key(|choice| choice.index);
        self.response.choices = self.choices.into_iter().map(Collected::finish).collect();
        self.response
    }

    fn choice(&mut self, index: u64) -> &mut Collected {
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None => {
                self.choices.push(Collected {
                    index,
                    message: AssistantMessage::default(),
                    blocks: ThinkingBlocks::default(),
                    finish: None,
                    logprobs: None,
                    extra: Map::new(),
                });
                self.choices.len() - 1
            }
        };
        &mut self.choices[at]
    }
}

impl Collected {
    fn tool_call(&mut self, index: u64) -> &mut ToolCall {
        let calls = &mut self.message.tool_calls;
        let at = usize::try_from(index).unwrap_or(usize::MAX).min(calls.len());
        if at == calls.len() {
            calls.push(ToolCall {
                id: None,
                function: FunctionCall {
                    name: None,
                    arguments: String::new(),
                    provider_specific_fields: None,
                },
                provider_specific_fields: None,
                cache_control: None,
                extra: Map::new(),
            });
        }
        &mut calls[at]
    }

    fn add_function_call(&mut self, value: Value) {
        let (Some(Value::Object(all)), Value::Object(part)) = (&mut self.message.function_call, &value)
        else {
            self.message.function_call = Some(value);
            return;
        };
        for (key, more) in part {
            match (all.get_mut(key), more) {
                (Some(Value::String(text)), Value::String(more)) => text.push_str(more),
                _ => {
                    all.insert(key.clone(), more.clone());
                }
            }
        }
    }

    fn finish(mut self) -> Choice {
        for call in &mut self.message.tool_calls {
            if call.function.arguments.is_empty() {
                call.function.arguments.push_str("{}");
            }
        }
        self.message.thinking_blocks = self.blocks.finish();
        if let Some(whole) = self.message.provider_fields.get_mut("thinking_blocks") {
            *whole = self.message.thinking_blocks.clone().into();
        }
        let (reason, native) = self.finish.unwrap_or((FinishReason::Stop, None));
        Choice {
            index: self.index,
            finish_reason: reason.with_tool_calls(!self.message.tool_calls.is_empty()),
            message: self.message,
            native_finish_reason: native,
            logprobs: self.logprobs,
            extra: self.extra,
        }
    }
}

/// Thinking blocks of a message, put together from the pieces of a stream.
#[derive(Debug, Clone, Default)]
pub struct ThinkingBlocks(Vec<Map>);

impl ThinkingBlocks {
    /// A piece continues the open thinking block until its `index` changes, or, without one, until a signature
    /// closes it (ANT-36).
    pub fn add(&mut self, piece: Map) {
        let continues = str_at(&piece, "type") == Some("thinking")
            && self.0.last().is_some_and(|open| {
                str_at(open, "type") == Some("thinking")
                    && match (piece.get("index"), open.get("index")) {
                        (Some(piece), Some(open)) => piece == open,
                        _ => str_at(open, "signature").is_none_or(str::is_empty),
                    }
            });
        let Some(open) = self.0.last_mut().filter(|_| continues) else {
            self.0.push(piece);
            return;
        };
        for key in ["thinking", "signature"] {
            let Some(more) = str_at(&piece, key).filter(|more| !more.is_empty()) else { continue };
            match open.get_mut(key) {
                Some(Value::String(text)) => text.push_str(more),
                _ => {
                    open.insert(key.to_owned(), more.into());
                }
            }
        }
    }

    pub fn finish(mut self) -> Vec<Value> {
        for block in &mut self.0 {
            block.shift_remove("index");
        }
        self.0.into_iter().map(Value::Object).collect()
    }
}

/// Fields that a stream tells anew with each step, always whole.
const TOLD_WHOLE: [&str; 4] =
    ["code_interpreter_results", "compaction_blocks", "tool_results", "web_search_results"];

/// Lists grow, other values replace each other. A single `citation` joins the list of them.
fn add_field(all: &mut Map, key: String, value: Value) {
    if key == "citation" {
        match all.get_mut("citations").and_then(|lists| lists.get_mut(0)) {
            Some(Value::Array(list)) => list.push(value),
            _ => {
                all.insert("citations".to_owned(), serde_json::json!([[value]]));
            }
        }
        return;
    }
    match (all.get_mut(&key), value) {
        (Some(Value::Array(list)), Value::Array(more)) if !TOLD_WHOLE.contains(&key.as_str()) => {
            list.extend(more);
        }
        (_, value) => {
            all.insert(key, value);
        }
    }
}

fn append(slot: &mut Option<Value>, more: Vec<Value>) {
    match slot {
        Some(Value::Array(all)) => all.extend(more),
        other => *other = Some(Value::Array(more)),
    }
}

/// Audio arrives as base64 and transcript pieces; the other keys replace each other.
fn merge_audio(all: &mut Map, part: Map) {
    for (key, more) in part {
        match (all.get_mut(&key), more) {
            (Some(Value::String(text)), Value::String(more)) if key == "data" || key == "transcript" => {
                text.push_str(&more);
            }
            (_, more) => {
                all.insert(key, more);
            }
        }
    }
}

/// Token lists of logprobs grow (OAI-16).
fn merge_lists(all: &mut Map, part: Map) {
    for (key, more) in part {
        match (all.get_mut(&key), more) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, Value::Null) => {}
            (_, more) => {
                all.insert(key, more);
            }
        }
    }
}

/// A whole response as the steps of a stream: one content step a kind, one finish, usage last (STR-30).
pub fn replay(response: ChatResponse) -> Deltas {
    let mut out = Deltas::default();
    out.push(Delta::Open {
        id: (!response.id.is_empty()).then_some(response.id),
        model: (!response.model.is_empty()).then_some(response.model),
        system_fingerprint: response.system_fingerprint,
    });
    for (name, value) in response.extra {
        out.push(Delta::ChunkField { name, value });
    }
    for Choice { index: choice, message, finish_reason, native_finish_reason, logprobs, extra } in
        response.choices
    {
        for (name, value) in extra {
            out.push(Delta::ChoiceField { choice, name, value });
        }
        if let Some(text) = message.reasoning_content {
            out.push(Delta::Reasoning { choice, text });
        }
        for block in message.thinking_blocks {
            if let Value::Object(block) = block {
                out.push(Delta::ThinkingBlock { choice, block });
            }
        }
        if let Some(text) = message.content {
            out.push(Delta::Text { choice, text });
        }
        if let Some(Value::String(text)) = message.refusal {
            out.push(Delta::Refusal { choice, text });
        }
        for (index, call) in (0u64..).zip(message.tool_calls) {
            out.push(Delta::ToolStart {
                choice,
                index,
                id: call.id,
                name: call.function.name.unwrap_or_default(),
                provider_fields: call.provider_specific_fields,
            });
            out.push(Delta::ToolArguments { choice, index, json: call.function.arguments });
        }
        if let Some(value) = message.function_call {
            out.push(Delta::FunctionCall { choice, value });
        }
        if let Some(Value::Array(annotations)) = message.annotations {
            out.push(Delta::Annotations { choice, annotations });
        }
        if let Some(audio) = message.audio {
            out.push(Delta::Audio { choice, audio });
        }
        if let Some(Value::Array(images)) = message.images {
            out.push(Delta::Images { choice, images });
        }
        if let Some(logprobs) = logprobs {
            out.push(Delta::Logprobs { choice, logprobs });
        }
        if !message.provider_fields.is_empty() {
            out.push(Delta::ProviderFields { choice, fields: message.provider_fields });
        }
        for (name, value) in message.extra {
            out.push(Delta::Field { choice, name, value });
        }
        out.push(Delta::Finish { choice, reason: finish_reason, native: native_finish_reason });
    }
    if let Some(usage) = response.usage {
        out.push(Delta::Usage(usage));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ChatResponse {
        let call = ToolCall {
            id: Some("call_1".into()),
            function: FunctionCall {
                name: Some("get_weather".into()),
                arguments: "{\"city\":\"Oslo\"}".into(),
                provider_specific_fields: None,
            },
            provider_specific_fields: None,
            cache_control: None,
            extra: Map::new(),
        };
        let thinking = serde_json::json!({"type": "thinking", "thinking": "hm", "signature": "sig"});
        let message = AssistantMessage {
            content: Some("Hello".into()),
            reasoning_content: Some("hm".into()),
            thinking_blocks: vec![thinking],
            tool_calls: vec![call],
            ..AssistantMessage::default()
        };
        ChatResponse {
            id: "id".into(),
            model: "m".into(),
            choices: vec![Choice::new(message, FinishReason::ToolCalls)],
            usage: Some(Usage::new(3, 4)),
            ..ChatResponse::default()
        }
    }

    #[test]
    fn str_28_replay_then_collect_is_identity() {
        let mut collector = Collector::new();
        for delta in replay(sample()).0 {
            collector.add(delta);
        }
        assert_eq!(collector.finish(), sample());
    }

    #[test]
    fn str_10_a_call_without_argument_deltas_ends_with_an_empty_object() {
        let mut collector = Collector::new();
        collector.add(Delta::ToolStart {
            choice: 0,
            index: 0,
            id: None,
            name: "now".into(),
            provider_fields: None,
        });
        collector.add(Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None });
        let choice = collector.finish().choices.remove(0);
        assert_eq!(choice.message.tool_calls[0].function.arguments, "{}");
        assert_eq!(choice.finish_reason, FinishReason::ToolCalls);
    }
}
