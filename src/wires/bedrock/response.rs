//! A whole reply of Converse as a chat response.

use serde_json::Value;

use super::usage;
use crate::error::{Error, Result};
use crate::hub::{
    AssistantMessage, ChatResponse, Choice, FinishReason, FunctionCall, Target, ToolCall, map_finish_reason,
};
use crate::json::{Map, cut, kind_of, object, spaced, str_at, take_string};
use crate::wires::{HttpReply, Memo, reply_json};

/// How much of an unreadable answer an error shows.
const SHOWN: usize = 2000;

pub fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let body = reply_json(&reply.body)?;
    let Value::Object(mut body) = body else {
        return Err(Error::unreadable(format!("the answer is {}, expected an object", kind_of(&body))));
    };
    let content = body.get_mut("output").and_then(|output| output.get_mut("message")?.get_mut("content"));
    let Some(content) = content.map(Value::take) else {
        let text = Value::Object(body).to_string();
        return Err(Error::unreadable(format!("the answer holds no message: {}", cut(&text, SHOWN))));
    };
    let mut answer = Answer::new(memo);
    if let Value::Array(blocks) = content {
        for (index, block) in (0u64..).zip(blocks) {
            if let Value::Object(block) = block {
                answer.add(index, block);
            }
        }
    }
    Ok(answer.finish(body, target))
}

struct Answer<'m> {
    memo: &'m Memo,
    message: AssistantMessage,
    text: String,
    /// The answer of the emulated schema (GEN-30).
    json: Option<String>,
    reasoning: Vec<Value>,
    citations: Vec<Value>,
}

impl<'m> Answer<'m> {
    fn new(memo: &'m Memo) -> Self {
        Self {
            memo,
            message: AssistantMessage::default(),
            text: String::new(),
            json: None,
            reasoning: Vec::new(),
            citations: Vec::new(),
        }
    }

    /// Kinds we have no name for are passed over.
    fn add(&mut self, index: u64, mut block: Map) {
        if let Some(text) = str_at(&block, "text") {
            self.text.push_str(text);
        }
        if let Some(Value::Object(call)) = block.shift_remove("toolUse") {
            self.call(index, call);
        }
        if let Some(Value::Object(reasoning)) = block.shift_remove("reasoningContent") {
            self.think(reasoning);
        }
        if let Some(citations) = block.shift_remove("citationsContent") {
            // What is cited is said in here.
            for part in citations.get("content").and_then(Value::as_array).into_iter().flatten() {
                self.text.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default());
            }
            self.citations.push(citations);
        }
        if let Some(image) = block.shift_remove("image") {
            let url = image_url(&image);
            if let (Some(url), Value::Array(images)) =
                (url, self.message.images.get_or_insert_with(|| Value::Array(Vec::new())))
            {
                let index = images.len();
                images.push(
                    serde_json::json!({"image_url": {"url": url}, "index": index, "type": "image_url"}),
                );
            }
        }
    }

    fn call(&mut self, index: u64, mut call: Map) {
        let name = take_string(&mut call, "name").unwrap_or_default();
        let input = call.shift_remove("input").unwrap_or(Value::Null);
        if self.memo.json_tool.as_deref() == Some(name.as_str()) {
            self.json.get_or_insert_with(|| spaced(&unwrapped(input)));
            return;
        }
        let arguments = match input {
            Value::Null => "{}".to_owned(),
            // Not what the provider promises: handed on unread (GEN-17).
            Value::String(text) => text,
            input => spaced(&input),
        };
        self.message.tool_calls.push(ToolCall {
            id: take_string(&mut call, "toolUseId"),
            function: FunctionCall {
                name: Some(self.memo.original_name(&name).to_owned()),
                arguments,
                provider_specific_fields: None,
            },
            provider_specific_fields: None,
            cache_control: None,
            extra: Map::from_iter([("index".to_owned(), index.into())]),
        });
    }

    /// BED-15
    fn think(&mut self, reasoning: Map) {
        let text = self.message.reasoning_content.get_or_insert_default();
        if let Some(Value::Object(said)) = reasoning.get("reasoningText") {
            text.push_str(str_at(said, "text").unwrap_or_default());
        }
        self.message.thinking_blocks.extend(thinking_block(&reasoning));
        self.reasoning.push(Value::Object(reasoning));
    }

    fn finish(mut self, mut body: Map, target: &Target) -> ChatResponse {
        let native = take_string(&mut body, "stopReason").unwrap_or_default();
        let calls = !self.message.tool_calls.is_empty();
        let (reason, native) = finish_reason(&native, self.json.is_some(), calls);
        let counted = usage::counted_thinking(body.get("additionalModelResponseFields"));
        let thought = !self.message.thinking_blocks.is_empty();
        let usage = body.get("usage").and_then(Value::as_object);
        let usage = usage.map(|counts| usage::read(counts, counted, thought));
        let fields = &mut self.message.provider_fields;
        if !self.reasoning.is_empty() {
            fields.insert("reasoningContentBlocks".to_owned(), self.reasoning.into());
        }
        if !self.citations.is_empty() {
            fields.insert("citationsContent".to_owned(), self.citations.into());
        }
        self.message.content = Some(match self.json {
            // Beside calls of the caller's tools the text stays (GEN-31).
            Some(json) if calls => self.text + &json,
            Some(json) => json,
            None => self.text,
        });
        let mut choice = Choice::new(self.message, reason);
        choice.native_finish_reason = native;
        let mut extra = Map::new();
        if let Some(trace) = body.shift_remove("trace").filter(|trace| !trace.is_null()) {
            extra.insert("trace".to_owned(), trace);
        }
        if let Some(tier) = body.get("serviceTier").and_then(|tier| tier.get("type")) {
            extra.insert("service_tier".to_owned(), tier.clone());
        }
        ChatResponse {
            model: target.model.clone(),
            choices: vec![choice],
            usage,
            extra,
            ..ChatResponse::default()
        }
    }
}

/// A `thinking` or `redacted_thinking` block.
pub fn thinking_block(reasoning: &Map) -> Option<Value> {
    if let Some(Value::Object(said)) = reasoning.get("reasoningText") {
        let mut block = Map::new();
        block.insert("type".to_owned(), "thinking".into());
        block.insert("thinking".to_owned(), str_at(said, "text").unwrap_or_default().into());
        if let Some(signature) = str_at(said, "signature") {
            block.insert("signature".to_owned(), signature.into());
        }
        return Some(block.into());
    }
    let data = str_at(reasoning, "redactedContent")?;
    Some(object([("type", "redacted_thinking".into()), ("data", data.into())]))
}

/// The answer that a model put into `properties`, as its schema has them (BED-18).
pub fn unwrapped(input: Value) -> Value {
    match input {
        Value::Object(mut map) if map.len() == 1 && map.get("properties").is_some_and(Value::is_object) => {
            map.shift_remove("properties").unwrap_or_default()
        }
        other => other,
    }
}

/// The emulation tool is no tool call to the caller (GEN-30). The provider's word is kept where it says more
/// (GEN-37).
pub fn finish_reason(native: &str, emulated: bool, calls: bool) -> (FinishReason, Option<String>) {
    let (reason, _) = map_finish_reason(native);
    let kept = matches!(native, "malformed_model_output" | "malformed_tool_use").then(|| native.to_owned());
    if emulated && !calls && reason == FinishReason::ToolCalls {
        return (FinishReason::Stop, kept);
    }
    (reason.with_tool_calls(calls), kept)
}

/// An image as a data address.
pub fn image_url(image: &Value) -> Option<String> {
    let bytes = image.get("source")?.get("bytes")?.as_str()?;
    let format = image.get("format").and_then(Value::as_str).unwrap_or("png");
    Some(format!("data:image/{format};base64,{bytes}"))
}
