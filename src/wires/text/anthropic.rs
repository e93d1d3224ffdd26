//! Anthropic's text completions, for models before Claude 3.

use serde_json::json;

use super::request::Parts;
use super::{COMMON, Format, Text};
use crate::hub::FinishReason;
use crate::wires::prompt::Template;

const PATH: &str = "/v1/complete";
const MAX_TOKENS: u64 = 4096;

pub const ANTHROPIC: Text = Text(&Format {
    url: |target, _| {
        if target.base.ends_with(PATH) { target.base.clone() } else { format!("{}{PATH}", target.base) }
    },
    template: |_| Template::Claude,
    params: &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop_sequences"),
        ("max_tokens", "max_tokens_to_sample"),
        ("max_completion_tokens", "max_tokens_to_sample"),
    ],
    finish: |parts, request, target| {
        let Parts { top, params, .. } = parts;
        top.insert("model".to_owned(), target.model.as_str().into());
        params.entry("max_tokens_to_sample").or_insert(MAX_TOKENS.into());
        if let Some(user) = request.params.get("user") {
            params.insert("metadata".to_owned(), json!({ "user_id": user }));
        }
        if request.stream {
            params.insert("stream".to_owned(), true.into());
        }
    },
    text: &["/completion"],
    piece: &["/completion"],
    reason: &["/stop_reason"],
    read_reason: |native| {
        if native == "max_tokens" { FinishReason::Length } else { FinishReason::Stop }
    },
    ..COMMON
});
