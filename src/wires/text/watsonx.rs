//! IBM watsonx.ai's text generation.

use serde_json::json;

use super::{COMMON, Format, Text};
use crate::hub::FinishReason;
use crate::wires::watsonx;

/// `/ml/v1/text/generation`
pub const WATSONX: Text = Text(&Format {
    url: |target, stream| watsonx::url(target, if stream { "generation_stream" } else { "generation" }),
    prompt: "input",
    params_in: Some("parameters"),
    params: &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop_sequences"),
        ("max_tokens", "max_new_tokens"),
        ("frequency_penalty", "repetition_penalty"),
        ("seed", "random_seed"),
    ],
    finish: |parts, request, target| {
        let moderations = parts.params.shift_remove("moderations").unwrap_or_else(|| json!({}));
        parts.top.insert("moderations".to_owned(), moderations);
        parts.top.extend(watsonx::place(target));
        if request.stream {
            parts.top.insert("stream".to_owned(), true.into());
        }
    },
    text: &["/results/0/generated_text"],
    piece: &["/results/0/generated_text"],
    reason: &["/results/0/stop_reason"],
    read_reason: |native| match native.to_ascii_lowercase().as_str() {
        "max_tokens" | "token_limit" | "time_limit" => FinishReason::Length,
        _ => FinishReason::Stop,
    },
    input_tokens: &["/results/0/input_token_count"],
    output_tokens: &["/results/0/generated_token_count"],
    failure: watsonx::failure,
    facts: watsonx::facts,
    classify: watsonx::classify,
    ..COMMON
});
