//! Cohere's models: the last message is the question, what was said before is the history. Tools are not here.

use serde_json::{Value, json};

use super::request::own;
use crate::error::Result;
use crate::hub::{ChatRequest, Message, Role, Target};
use crate::json::Map;
use crate::wires::prompt;

const MAX_TOKENS: u64 = 4096;

pub const SUPPORTED: &[&str] = &[
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "presence_penalty",
    "seed",
    "stop",
    "stream_options",
    "temperature",
    "top_p",
    "user",
];

pub fn speaks(model: &str) -> bool {
    model.starts_with("cohere.")
}

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Map> {
    prompt::check(&request.messages, target)?;
    let params = &request.params;
    let mut asked = Map::new();
    asked.insert("apiFormat".to_owned(), "COHERE".into());
    let last = request.messages.iter().rposition(|message| message.role == Role::User);
    let last = last.unwrap_or(request.messages.len().saturating_sub(1));
    let question = request.messages.get(last).map(|message| message.text().into_owned()).unwrap_or_default();
    asked.insert("message".to_owned(), question.into());
    let others = request.messages.iter().enumerate().filter(|(index, _)| *index != last);
    let history: Vec<Value> = others.map(|(_, message)| said(message)).collect();
    asked.insert("chatHistory".to_owned(), history.into());
    asked.insert("isStream".to_owned(), request.stream.into());
    let limit = params.output_limit().cloned().unwrap_or_else(|| MAX_TOKENS.into());
    asked.insert("maxTokens".to_owned(), limit);
    for (name, theirs) in [
        ("temperature", "temperature"),
        ("top_p", "topP"),
        ("frequency_penalty", "frequencyPenalty"),
        ("presence_penalty", "presencePenalty"),
        ("seed", "seed"),
    ] {
        if let Some(value) = params.get(name) {
            asked.insert(theirs.to_owned(), value.clone());
        }
    }
    if let Some(stops) = params.stop() {
        asked.insert("stopSequences".to_owned(), stops.into());
    }
    own(request, &mut asked);
    Ok(asked)
}

fn said(message: &Message) -> Value {
    let role = match message.role {
        Role::System | Role::Developer => "SYSTEM",
        Role::Assistant => "CHATBOT",
        _ => "USER",
    };
    json!({ "role": role, "message": message.text() })
}
