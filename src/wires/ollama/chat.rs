//! Messages as `/api/chat` has them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::calls::{self, Call};
use super::images;
use crate::error::Result;
use crate::hub::{ChatRequest, Message, Role, Target};
use crate::wires::think;

/// A message on its way out. `images` is always there, as the reference sends it.
#[derive(Debug, Serialize)]
pub struct Sent<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Cow<'a, str>>,
    pub content: Cow<'a, str>,
    images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<SentCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct SentCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    function: SentFunction<'a>,
}

#[derive(Debug, Serialize)]
struct SentFunction<'a> {
    name: &'a str,
    arguments: Value,
}

pub fn encode<'a>(request: &'a ChatRequest, target: &Target) -> Result<Vec<Sent<'a>>> {
    request
        .messages
        .iter()
        .enumerate()
        .map(|(index, message)| encode_one(message, index, request, target))
        .collect()
}

fn encode_one<'a>(
    message: &'a Message,
    index: usize,
    request: &'a ChatRequest,
    target: &Target,
) -> Result<Sent<'a>> {
    let (thinking, content) = thinking(message);
    Ok(Sent {
        role: role(&message.role),
        thinking,
        content,
        images: images::of_message(message, index, request, target)?,
        tool_calls: calls::of_message(message, index)?.into_iter().map(SentCall::from).collect(),
        tool_call_id: message.tool_call_id.as_deref(),
    })
}

/// Instructions have one role here (GEN-11), and so have the results of tools.
fn role(role: &Role) -> &str {
    match role {
        Role::Developer => "system",
        Role::Function => "tool",
        role => role.as_str(),
    }
}

/// What an earlier answer thought, given apart or still inside its text (OLL-07).
fn thinking(message: &Message) -> (Option<Cow<'_, str>>, Cow<'_, str>) {
    let text = message.text();
    if message.role != Role::Assistant {
        return (None, text);
    }
    if let Some(given) = message.reasoning_content.as_deref().filter(|given| !given.is_empty()) {
        return (Some(Cow::Borrowed(given)), text);
    }
    match think::split(&text) {
        (Some(thought), rest) => (Some(Cow::Owned(thought)), Cow::Owned(rest)),
        (None, _) => (None, text),
    }
}

impl<'a> From<Call<'a>> for SentCall<'a> {
    fn from(call: Call<'a>) -> Self {
        Self { id: call.id, function: SentFunction { name: call.name, arguments: call.arguments } }
    }
}
