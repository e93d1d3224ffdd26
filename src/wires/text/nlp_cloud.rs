//! NLP Cloud's text generation.

use super::{COMMON, Format, Streams, Text, classify};
use crate::error::Kind;

/// `/v1/gpu/{model}/generation`
pub const NLP_CLOUD: Text = Text(&Format {
    url: |target, _| {
        let base = &target.base;
        let base = if base.ends_with("/gpu") { base.clone() } else { format!("{base}/v1/gpu") };
        format!("{base}/{}/generation", target.model)
    },
    prompt: "text",
    params: &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("presence_penalty", "presence_penalty"),
        ("frequency_penalty", "frequency_penalty"),
        ("n", "num_return_sequences"),
        ("stop", "stop_sequences"),
        ("max_tokens", "max_length"),
    ],
    streams: Streams::No,
    text: &["/generated_text"],
    input_tokens: &["/nb_input_tokens"],
    output_tokens: &["/nb_generated_tokens"],
    classify: |facts| {
        if facts.message.contains("Input text length should not exceed") {
            return Kind::ContextWindowExceeded;
        }
        classify(facts)
    },
    ..COMMON
});
