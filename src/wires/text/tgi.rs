//! Hugging Face's text generation server, as Predibase and models on SageMaker have it.

use serde_json::{Value, json};

use super::request::Parts;
use super::{COMMON, Format, Streams, Text};
use crate::hub::ChatRequest;
use crate::wires::sagemaker;

const TGI: Format = Format {
    prompt: "inputs",
    params_in: Some("parameters"),
    params: &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop"),
        ("max_tokens", "max_new_tokens"),
        ("max_completion_tokens", "max_new_tokens"),
        ("n", ""),
    ],
    text: &["/generated_text", "/0/generated_text"],
    piece: &["/token/text"],
    reason: &["/details/finish_reason", "/0/details/finish_reason"],
    input_tokens: &["/details/prompt_tokens", "/0/details/prompt_tokens"],
    output_tokens: &["/details/generated_tokens", "/0/details/generated_tokens"],
    ..COMMON
};

/// `/{tenant}/deployments/v2/llms/{model}/generate`
pub const PREDIBASE: Text = Text(&Format {
    url: |target, stream| {
        let path = target.path.as_deref().unwrap_or_default();
        let end = if stream { "generate_stream" } else { "generate" };
        format!("{}{path}/{}/{end}", target.base, target.model)
    },
    params: &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop"),
        ("max_tokens", "max_new_tokens"),
        ("max_completion_tokens", "max_new_tokens"),
        ("response_format", "response_format"),
        ("n", ""),
    ],
    finish: |parts, request, _| {
        tune(parts, request);
        for (name, value) in
            [("details", true.into()), ("max_new_tokens", 4096.into()), ("return_full_text", false.into())]
        {
            parts.params.entry(name).or_insert(value);
        }
    },
    ..TGI
});

/// `/endpoints/{name}/invocations`
pub const SAGEMAKER: Text = Text(&Format {
    url: sagemaker::url,
    finish: |parts, request, _| {
        tune(parts, request);
        if request.stream {
            parts.top.insert("stream".to_owned(), true.into());
        }
    },
    streams: Streams::AwsEvents,
    facts: sagemaker::facts,
    classify: sagemaker::classify,
    ..TGI
});

/// What the server takes another way: the best of several, and no temperature and no length of nothing.
fn tune(parts: &mut Parts, request: &ChatRequest) {
    let params = &mut parts.params;
    if let Some(count) = request.params.get("n") {
        params.insert("best_of".to_owned(), count.clone());
        params.insert("do_sample".to_owned(), true.into());
    }
    if params.get("temperature").and_then(Value::as_f64) == Some(0.0) {
        params.insert("temperature".to_owned(), json!(0.01));
    }
    if params.get("max_new_tokens").and_then(Value::as_u64) == Some(0) {
        params.insert("max_new_tokens".to_owned(), json!(1));
    }
}
