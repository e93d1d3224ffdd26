//! A server of the caller's own in the form that the reference defined.

use serde_json::json;

use super::{COMMON, Format, Streams, Text};

/// The address is the whole address.
pub const CUSTOM: Text = Text(&Format {
    prompt_in_params: true,
    params_in: Some("params"),
    params: &[("max_tokens", "max_tokens"), ("temperature", "temperature"), ("top_p", "top_p")],
    finish: |parts, _, target| {
        parts.top.insert("model".to_owned(), target.model.as_str().into());
        parts.prompt = json!([parts.prompt.take()]);
    },
    streams: Streams::No,
    text: &["/data/0/output"],
    ..COMMON
});
