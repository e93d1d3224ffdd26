//! Bytez: messages whose contents are lists, one answer, no tools.

use serde_json::{Value, json};

use super::{COMMON, Format, Streams, Text};
use crate::hub::{ChatRequest, Role};

/// `/models/v2/{model}`
pub const BYTEZ: Text = Text(&Format {
    url: |target, _| format!("{}/models/v2/{}", target.base, target.model),
    prompt: "messages",
    params_in: Some("params"),
    params: &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("n", "num_return_sequences"),
        ("max_tokens", "max_new_tokens"),
        ("max_completion_tokens", "max_new_tokens"),
        ("user", "user"),
    ],
    finish: |parts, request, _| {
        parts.prompt = messages(request).into();
        parts.top.insert("stream".to_owned(), false.into());
    },
    streams: Streams::No,
    text: &["/output/content", "/output"],
    ..COMMON
});

fn messages(request: &ChatRequest) -> Vec<Value> {
    let sent = request.messages.iter().map(|message| {
        let role = if message.role == Role::Developer { "system" } else { message.role.as_str() };
        let texts: Vec<Value> = match message.content.as_ref().and_then(|content| content.parts()) {
            Some(parts) => parts
                .iter()
                .filter_map(|part| part.text())
                .map(|text| json!({ "type": "text", "text": text }))
                .collect(),
            None => vec![json!({ "type": "text", "text": message.text() })],
        };
        json!({ "role": role, "content": texts })
    });
    sent.collect()
}
