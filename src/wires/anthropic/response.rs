//! A whole answer of `/v1/messages` as a chat response.

use serde_json::Value;

use super::errors;
use super::server_tools::{self, ServerTools};
use super::usage::{self, Thought};
use crate::error::{Error, Result};
use crate::hub::{
    AssistantMessage, ChatResponse, Choice, FinishReason, FunctionCall, Target, ToolCall, map_finish_reason,
};
use crate::json::{Map, cut, kind_of, spaced, str_at, take_string};
use crate::wires::{HttpReply, Memo, reply_json};

pub fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let body = reply_json(&reply.body)?;
    let Value::Object(mut body) = body else {
        return Err(Error::unreadable(format!("the answer is {}, expected an object", kind_of(&body))));
    };
    if str_at(&body, "type") == Some("error") || body.contains_key("error") && !body.contains_key("content") {
        let facts = errors::facts(reply.status, &reply.body);
        let kind = errors::classify(&facts);
        return Err(facts.into_error(kind));
    }
    let content = match body.shift_remove("content") {
        Some(Value::Array(content)) => content,
        Some(Value::Null) => Vec::new(),
        other => {
            let what = other.as_ref().map_or("nothing", kind_of);
            return Err(Error::unreadable(format!(
                "the answer's 'content' is {what}, expected a list: {}",
                cut(&Value::Object(body).to_string(), 400)
            )));
        }
    };
    let mut answer = Answer::new(memo);
    for (index, block) in (0u64..).zip(content) {
        if let Value::Object(block) = block {
            answer.add(index, block);
        }
    }
    Ok(answer.finish(body, target))
}

/// What an answer's blocks add up to.
struct Answer<'m> {
    memo: &'m Memo,
    message: AssistantMessage,
    text: String,
    /// The answer of the emulated schema (GEN-30).
    json: Option<String>,
    citations: Vec<Value>,
    compactions: Vec<Value>,
    server: ServerTools,
    /// Calls that are the caller's to run.
    client_calls: bool,
}

impl<'m> Answer<'m> {
    fn new(memo: &'m Memo) -> Self {
        Self {
            memo,
            message: AssistantMessage::default(),
            text: String::new(),
            json: None,
            citations: Vec::new(),
            compactions: Vec::new(),
            server: ServerTools::default(),
            client_calls: false,
        }
    }

    /// Kinds we have no name for are passed over.
    fn add(&mut self, index: u64, mut block: Map) {
        match take_string(&mut block, "type").as_deref() {
            Some("text") => self.add_text(&block),
            Some("thinking") => {
                let text = str_at(&block, "thinking").unwrap_or_default();
                self.message.reasoning_content.get_or_insert_default().push_str(text);
                self.message.thinking_blocks.push(whole_block("thinking", block));
            }
            Some("redacted_thinking") => {
                self.message.reasoning_content.get_or_insert_default();
                self.message.thinking_blocks.push(whole_block("redacted_thinking", block));
            }
            Some("tool_use") => {
                if self.memo.json_tool.is_some() && self.memo.json_tool.as_deref() == str_at(&block, "name") {
                    let input = block.get("input").map_or_else(|| "{}".to_owned(), spaced);
                    self.json.get_or_insert(input);
                } else {
                    self.client_calls = true;
                    self.add_call(index, block);
                }
            }
            Some("server_tool_use") => {
                if let (Some(id), Some(name)) = (str_at(&block, "id"), str_at(&block, "name")) {
                    self.server.begin(id, name, block.get("input").cloned().unwrap_or_default());
                }
                self.add_call(index, block);
            }
            Some("compaction") => self.compactions.push(whole_block("compaction", block)),
            Some(kind) if server_tools::is_result(kind) => {
                block.shift_insert(0, "type".to_owned(), kind.into());
                self.server.add_result(&block);
            }
            _ => {}
        }
    }

    /// Citations keep the text they support (ANT-33).
    fn add_text(&mut self, block: &Map) {
        let text = str_at(block, "text").unwrap_or_default();
        self.text.push_str(text);
        let Some(Value::Array(citations)) =
            block.get("citations").filter(|list| **list != Value::Array(vec![]))
        else {
            return;
        };
        let mut citations = citations.clone();
        for citation in &mut citations {
            if let Value::Object(citation) = citation {
                citation.insert("supported_text".to_owned(), text.into());
            }
        }
        self.citations.push(citations.into());
    }

    fn add_call(&mut self, index: u64, mut block: Map) {
        let name = take_string(&mut block, "name").unwrap_or_default();
        let arguments = match block.shift_remove("input") {
            None | Some(Value::Null) => "{}".to_owned(),
            // Not what the provider promises: handed on unread (GEN-17).
            Some(Value::String(text)) => text,
            Some(input) => spaced(&input),
        };
        let mut extra = Map::from_iter([("index".to_owned(), index.into())]);
        if let Some(caller) = block.shift_remove("caller").filter(|caller| !caller.is_null()) {
            extra.insert("caller".to_owned(), caller);
        }
        self.message.tool_calls.push(ToolCall {
            id: take_string(&mut block, "id"),
            function: FunctionCall {
                name: Some(self.memo.original_name(&name).to_owned()),
                arguments,
                provider_specific_fields: None,
            },
            provider_specific_fields: None,
            cache_control: None,
            extra,
        });
    }

    fn finish(mut self, mut body: Map, target: &Target) -> ChatResponse {
        let native = take_string(&mut body, "stop_reason").unwrap_or_default();
        let reason = finish_reason(&native, self.json.is_some(), self.client_calls);
        let thought = Thought { blocks: !self.message.thinking_blocks.is_empty() };
        let usage = body.get("usage").and_then(Value::as_object);
        let usage = usage.map(|counts| usage::whole(counts, thought, self.server.tool_searches()));
        let container = body.shift_remove("container").filter(|container| !container.is_null());
        let fields = &mut self.message.provider_fields;
        if !self.citations.is_empty() {
            fields.insert("citations".to_owned(), self.citations.into());
        }
        if !self.message.thinking_blocks.is_empty() {
            fields.insert("thinking_blocks".to_owned(), self.message.thinking_blocks.clone().into());
        }
        self.server.fields(container.as_ref(), fields);
        if !self.compactions.is_empty() {
            fields.insert("compaction_blocks".to_owned(), self.compactions.into());
        }
        if let Some(container) = container {
            fields.insert("container".to_owned(), container);
        }
        put_some(&mut body, "context_management", fields);
        self.message.refusal = stop_fields(&native, body.get("stop_details"), fields).map(Value::String);
        let content = match self.json {
            // Beside calls of the caller's tools the text stays (GEN-31).
            Some(json) if self.client_calls => self.text + &json,
            Some(json) => json,
            None => self.text,
        };
        self.message.content = (!content.is_empty()).then_some(content);
        ChatResponse {
            id: take_string(&mut body, "id").unwrap_or_default(),
            // A host has names of its own for the models.
            model: take_string(&mut body, "model")
                .filter(|_| target.accent.hosted.is_none())
                .unwrap_or_else(|| target.model.clone()),
            choices: vec![Choice::new(self.message, reason)],
            usage,
            ..ChatResponse::default()
        }
    }
}

fn whole_block(kind: &str, mut block: Map) -> Value {
    block.shift_insert(0, "type".to_owned(), kind.into());
    block.retain(|_, value| !value.is_null());
    Value::Object(block)
}

fn put_some(from: &mut Map, key: &str, to: &mut Map) {
    if let Some(value) = from.shift_remove(key).filter(|value| !value.is_null()) {
        to.insert(key.to_owned(), value);
    }
}

/// The emulation tool is no tool call to the caller (GEN-30); calls the provider ran are over (ANT-34).
pub fn finish_reason(native: &str, emulated: bool, client_calls: bool) -> FinishReason {
    let (reason, _) = map_finish_reason(native);
    if emulated && !client_calls && reason == FinishReason::ToolCalls {
        return FinishReason::Stop;
    }
    reason.with_tool_calls(client_calls)
}

/// Keeps why the provider stopped where OpenAI has no word for it. Returns the words of a refusal.
pub fn stop_fields(native: &str, details: Option<&Value>, fields: &mut Map) -> Option<String> {
    if matches!(native, "refusal" | "pause_turn") {
        fields.insert("stop_reason".to_owned(), native.into());
    }
    let details = details.filter(|details| !details.is_null())?;
    fields.insert("stop_details".to_owned(), details.clone());
    if native != "refusal" {
        return None;
    }
    details.get("explanation")?.as_str().map(str::to_owned)
}
