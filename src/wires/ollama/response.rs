//! A whole reply as a response.

use serde_json::Value;

use super::calls::{self, Answered};
use super::request::TOOLS_IN_PROMPT;
use super::{Endpoint, errors, usage};
use crate::error::{Error, Kind, Result};
use crate::hub::{
    AssistantMessage, ChatResponse, Choice, FinishReason, Target, ToolCall, is_synonym, map_finish_reason,
};
use crate::json::{Map, kind_of, take_string};
use crate::wires::{Memo, think};

/// What a reply, or one line of a stream, says.
#[derive(Debug, Default)]
pub struct Said {
    pub text: Option<String>,
    pub thinking: Option<String>,
    pub calls: Vec<Answered>,
    pub done: bool,
    pub done_reason: Option<String>,
}

impl Said {
    /// `None` when the object has nothing that this endpoint says.
    pub fn read(endpoint: Endpoint, reply: &mut Map) -> Option<Self> {
        let done = reply.get("done") == Some(&Value::Bool(true));
        let done_reason = take_string(reply, "done_reason");
        let mut said = Self { done, done_reason, ..Self::default() };
        match endpoint {
            Endpoint::Chat => match reply.get_mut("message") {
                Some(Value::Object(message)) => {
                    said.text = take_string(message, "content");
                    said.thinking = take_string(message, "thinking");
                    said.calls = message.shift_remove("tool_calls").map(calls::of_answer).unwrap_or_default();
                }
                _ if done => {}
                _ => return None,
            },
            Endpoint::Generate => {
                said.text = take_string(reply, "response");
                said.thinking = take_string(reply, "thinking");
                if said.text.is_none() && said.thinking.is_none() && !done {
                    return None;
                }
            }
        }
        said.thinking = said.thinking.filter(|thinking| !thinking.is_empty());
        Some(said)
    }
}

pub fn decode(endpoint: Endpoint, body: &[u8], memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let reply = serde_json::from_slice::<Value>(body)
        .map_err(|error| errors::no_json("the provider's answer", Kind::InternalServer, body, error))?;
    let Value::Object(mut reply) = reply else {
        let what = format!("the provider's answer is {}, not an object", kind_of(&reply));
        return Err(Error::unreadable(what));
    };
    errors::check(&reply)?;
    let whole = endpoint == Endpoint::Generate || reply.get("message").is_some_and(Value::is_object);
    let Some(said) = Said::read(endpoint, &mut reply).filter(|_| whole) else {
        return Err(Error::unreadable("the provider's answer holds no message"));
    };
    let answer = said.text.clone().unwrap_or_default();
    let (reason, native) = finish(said.done_reason.as_deref());
    let message = message(said, memo);
    let reason = if message.tool_calls.is_empty() { reason } else { FinishReason::ToolCalls };
    let mut choice = Choice::new(message, reason);
    choice.native_finish_reason = native;
    Ok(ChatResponse {
        model: target.accent.model_name(target.model.clone(), target),
        choices: vec![choice],
        usage: Some(usage::read(&reply, memo.sent.as_deref(), &answer)),
        ..ChatResponse::default()
    })
}

/// The reason to end, and the provider's own word where it says more (OLL-06, GEN-37).
pub fn finish(native: Option<&str>) -> (FinishReason, Option<String>) {
    let native = native.filter(|native| !native.is_empty()).unwrap_or("stop");
    let (reason, own) = map_finish_reason(native);
    (reason, (!own && !is_synonym(native)).then(|| native.to_owned()))
}

fn message(said: Said, memo: &Memo) -> AssistantMessage {
    let mut content = said.text;
    let mut reasoning = said.thinking;
    if reasoning.is_none()
        && let Some(text) = &content
    {
        let (thinking, rest) = think::split(text);
        reasoning = thinking;
        content = Some(rest);
    }
    let mut tool_calls: Vec<ToolCall> = said.calls.into_iter().map(ToolCall::from).collect();
    if memo.notes.contains_key(TOOLS_IN_PROMPT)
        && let Some(call) = content.as_deref().and_then(calls::of_text)
    {
        tool_calls.push(call.into());
        content = None;
    }
    AssistantMessage { content, reasoning_content: reasoning, tool_calls, ..AssistantMessage::default() }
}
