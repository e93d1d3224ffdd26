//! NVIDIA Triton: `generate`, where the address ends in it, or `infer`, which takes tensors.

use serde_json::{Value, json};

use super::request::Parts;
use super::{COMMON, Format, Streams, Text};

const INFER: &str = "/infer";
const GENERATE: &str = "/generate";
const MAX_TOKENS: u64 = 2000;

pub const TRITON: Text = Text(&Format {
    url: |target, stream| match target.base.strip_suffix(GENERATE) {
        Some(model) if stream => format!("{model}/generate_stream"),
        _ => target.base.clone(),
    },
    prompt: "text_input",
    params_in: Some("parameters"),
    params: &[("max_tokens", "max_tokens"), ("max_completion_tokens", "max_tokens")],
    finish: |parts, request, target| {
        if target.base.ends_with(INFER) {
            tensors(parts);
        } else {
            parts.params.entry("max_tokens").or_insert(MAX_TOKENS.into());
            parts.top.insert("stream".to_owned(), request.stream.into());
        }
    },
    streams: Streams::UntilClosed,
    text: &["/text_output", "/outputs/0/data"],
    piece: &["/text_output"],
    ..COMMON
});

/// The prompt and each parameter as a tensor of one.
fn tensors(parts: &mut Parts) {
    let mut inputs = vec![tensor("text_input", "BYTES", &parts.prompt.take())];
    for (name, value) in std::mem::take(&mut parts.params) {
        let kind = match &value {
            Value::Bool(_) => "BOOL",
            Value::Number(number) if number.is_f64() => "FP32",
            Value::Number(_) => "INT32",
            _ => "BYTES",
        };
        inputs.push(tensor(&name, kind, &value));
    }
    parts.top.insert("inputs".to_owned(), inputs.into());
}

fn tensor(name: &str, kind: &str, value: &Value) -> Value {
    json!({ "name": name, "shape": [1], "datatype": kind, "data": [value] })
}
