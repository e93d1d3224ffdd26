//! Microsoft 365 Copilot: a conversation is opened, and the last message of the user is said in it; what was said
//! before goes along as context.

use serde_json::{Value, json};

use super::{COMMON, Format, Streams, Text};
use crate::hub::{ChatRequest, Message, Role};

const CONVERSATIONS: &str = "/beta/copilot/conversations";

pub const MICROSOFT: Text = Text(&Format {
    url: |target, _| format!("{}{CONVERSATIONS}", target.base),
    opens: true,
    params: &[("max_tokens", ""), ("max_completion_tokens", "")],
    finish: |parts, request, _| {
        let last = request.messages.iter().rposition(|message| message.role == Role::User);
        let last = last.unwrap_or(request.messages.len().saturating_sub(1));
        let said = request.messages.get(last).map(text).unwrap_or_default();
        parts.prompt = Value::Null;
        parts.top.insert("message".to_owned(), json!({ "text": said }));
        parts.top.insert("locationHint".to_owned(), json!({ "timeZone": "UTC" }));
        let context = context(request, last);
        if !context.is_empty() {
            parts.top.insert("additionalContext".to_owned(), context.into());
        }
    },
    streams: Streams::No,
    text: &["/messages/-1/text"],
    next: |reply, memo, target| {
        let answered = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        if answered.get("messages").is_some() {
            return Ok(None);
        }
        super::request::opened(memo, |id| format!("{}{CONVERSATIONS}/{id}/chat", target.base), &answered)
    },
    ..COMMON
});

fn context(request: &ChatRequest, last: usize) -> Vec<Value> {
    let others = request.messages.iter().enumerate().filter(|(index, _)| *index != last);
    let sent = others.map(|(_, message)| {
        let role = if message.role.is_instruction() { "system" } else { message.role.as_str() };
        json!({ "text": text(message), "description": format!("{role} message") })
    });
    sent.collect()
}

/// Texts on lines of their own.
fn text(message: &Message) -> String {
    match message.content.as_ref().and_then(|content| content.parts()) {
        Some(parts) => parts.iter().filter_map(|part| part.text()).collect::<Vec<_>>().join("\n"),
        None => message.text().into_owned(),
    }
}
