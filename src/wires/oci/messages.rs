//! Messages of the generic format: everything in capital letters, contents as lists.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{Content, Message, Part, Role, Target, ToolCall};

pub fn encode(messages: &[Message], target: &Target) -> Result<Vec<Value>> {
    messages.iter().enumerate().map(|(index, message)| one(message, index, target)).collect()
}

fn one(message: &Message, index: usize, target: &Target) -> Result<Value> {
    let role = match &message.role {
        Role::System | Role::Developer => "SYSTEM",
        Role::Assistant => "ASSISTANT",
        Role::Tool | Role::Function => "TOOL",
        Role::User | Role::Other(_) => "USER",
    };
    let mut sent = json!({ "role": role });
    let parts = parts(message, index, target)?;
    // Beside calls, an empty text says nothing.
    let is_silent = !message.tool_calls.is_empty() && message.text().is_empty();
    if !parts.is_empty() && !is_silent {
        sent["content"] = parts.into();
    }
    if !message.tool_calls.is_empty() {
        sent["toolCalls"] = message.tool_calls.iter().map(call).collect::<Vec<_>>().into();
    }
    if let Some(id) = &message.tool_call_id {
        sent["toolCallId"] = id.as_str().into();
    }
    Ok(sent)
}

fn call(call: &ToolCall) -> Value {
    let arguments = &call.function.arguments;
    json!({
        "id": call.id, "type": "FUNCTION", "name": call.function.name,
        "arguments": if arguments.is_empty() { "{}" } else { arguments },
    })
}

fn parts(message: &Message, index: usize, target: &Target) -> Result<Vec<Value>> {
    let text = |text: &str| json!({ "type": "TEXT", "text": text });
    let parts = match &message.content {
        None => return Ok(Vec::new()),
        Some(Content::Text(all)) => return Ok(vec![text(all)]),
        Some(Content::Parts(parts)) => parts,
    };
    let mut sent = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Text { text: said, .. } => sent.push(text(said)),
            Part::ImageUrl { url, .. } => sent.push(json!({ "type": "IMAGE", "imageUrl": { "url": url } })),
            _ if target.options.drop_params => {}
            _ => {
                let place = format!("messages[{index}].content[{at}]");
                return Err(Error::bad_request(format!(
                    "Invalid '{place}': {} takes texts and images. To drop what is neither, set drop_params=True.",
                    target.provider
                ))
                .with_param(place));
            }
        }
    }
    Ok(sent)
}
