//! LangGraph: an assistant is run with the conversation, and what it said last is the answer.

use serde_json::{Value, json};

use super::{COMMON, Format, Streams, Text};
use crate::hub::{ChatRequest, Role};

const MESSAGES_MODE: &str = "messages-tuple";

/// `/runs/wait`, `/runs/stream`
pub const LANGGRAPH: Text = Text(&Format {
    url: |target, stream| format!("{}/runs/{}", target.base, if stream { "stream" } else { "wait" }),
    prompt: "input",
    finish: |parts, request, target| {
        parts.prompt = json!({ "messages": messages(request) });
        parts.top.insert("assistant_id".to_owned(), target.model.as_str().into());
        if request.stream {
            parts.params.entry("stream_mode").or_insert(json!([MESSAGES_MODE]));
        }
    },
    streams: Streams::UntilClosed,
    text: &["/messages/-1/content"],
    piece: &["/0/content"],
    // Tools speak in the same stream.
    is_answer: |chunk| chunk.pointer("/0/type").and_then(Value::as_str) != Some("tool"),
    input_tokens: &["/messages/-1/usage_metadata/input_tokens", "/0/usage_metadata/input_tokens"],
    output_tokens: &["/messages/-1/usage_metadata/output_tokens", "/0/usage_metadata/output_tokens"],
    ..COMMON
});

fn messages(request: &ChatRequest) -> Vec<Value> {
    let sent = request.messages.iter().map(|message| {
        let role = match message.role {
            Role::System | Role::Developer => "system",
            Role::Assistant => "assistant",
            _ => "human",
        };
        json!({ "role": role, "content": message.text() })
    });
    sent.collect()
}
