//! Vertex AI: what the accents of its publishers send, and what becomes of answers and failures.

use ferrolite::error::Kind;
use serde_json::{Value, json};

use crate::support::{Sent, Variables, answer, keywords, sent};

fn call(model: &str, mut more: Value) -> Sent {
    more["vertex_project"] = "p".into();
    more["api_key"] = "ya29.token".into();
    sent(keywords(&format!("vertex_ai/{model}"), more), &Variables::default()).unwrap()
}

fn refused(model: &str, parameter: &str, value: Value) -> bool {
    let more = json!({parameter: value, "vertex_project": "p", "api_key": "ya29.token"});
    let outcome = sent(keywords(&format!("vertex_ai/{model}"), more), &Variables::default());
    outcome.is_err_and(|error| error.kind() == Kind::UnsupportedParams)
}

#[test]
fn every_door_gets_the_token() {
    for model in
        ["gemini-2.5-flash", "claude-sonnet-4-5", "mistral-small-2503", "meta/llama-maas", "openai/7"]
    {
        let sent = call(model, json!({"max_tokens": 5}));
        assert_eq!(sent.header("authorization"), Some("Bearer ya29.token"), "{model}");
        assert!(sent.header("x-api-key").is_none());
    }
}

#[test]
fn streams_have_an_address_of_their_own() {
    for (model, end) in [
        ("gemini-2.5-flash", "/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("claude-sonnet-4-5", "/claude-sonnet-4-5:streamRawPredict?alt=sse"),
        ("mistral-small-2503", "/mistral-small-2503:streamRawPredict?alt=sse"),
        ("meta/llama-maas", "/endpoints/openapi/chat/completions"),
        ("gemma/7", "/endpoints/7:predict"),
    ] {
        let url = call(model, json!({"stream": true, "max_tokens": 5})).url;
        assert!(url.ends_with(end), "{url}");
    }
}

#[test]
fn parameters_of_publishers() {
    for (model, parameter, value, key) in [
        ("mistral-small-2503", "max_completion_tokens", json!(6), "max_tokens"),
        ("mistral-small-2503", "seed", json!(1), "random_seed"),
        ("meta/llama-maas", "max_completion_tokens", json!(6), "max_tokens"),
        ("jamba-1.5-mini", "max_completion_tokens", json!(6), "max_tokens"),
        ("openai/gpt-oss-20b-maas", "reasoning_effort", json!("low"), "reasoning_effort"),
        ("openai/gpt-oss-20b-maas", "max_completion_tokens", json!(6), "max_completion_tokens"),
        ("openai/7", "max_completion_tokens", json!(6), "max_tokens"),
    ] {
        let body = call(model, json!({parameter: value})).body;
        assert_eq!(body[key], value, "{model} {parameter}");
        assert!(key == parameter || body.get(parameter).is_none());
    }
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let forced = call("mistral-small-2503", json!({"tools": tools, "tool_choice": "required"})).body;
    assert_eq!(forced["tool_choice"], "any");
    for (model, parameter, value) in [
        ("mistral-small-2503", "n", json!(2)),
        ("mistral-small-2503", "logit_bias", json!({"1": 1})),
        ("codestral-2", "tools", tools),
        ("meta/llama-maas", "reasoning_effort", json!("low")),
        ("claude-sonnet-4-5", "service_tier", json!("auto")),
        ("gemini-3-pro-preview", "presence_penalty", json!(0.5)),
        ("openai/7", "store", json!(true)),
    ] {
        assert!(refused(model, parameter, value), "{model} {parameter}");
    }
    let logprobs = call("gemini-2.5-flash", json!({"logprobs": true, "top_logprobs": 3})).body;
    assert_eq!(logprobs["generationConfig"], json!({"responseLogprobs": true, "logprobs": 3}));
}

#[test]
fn how_the_body_names_the_model() {
    for (model, name) in [
        ("mistral-small-2503@001", json!("mistral-small-2503")),
        ("meta/llama-maas", json!("meta/llama-maas")),
        ("jamba-1.5-mini@001", json!("jamba-1.5-mini@001")),
        ("openai/7", json!("")),
        ("claude-sonnet-4-5", Value::Null),
        ("gemma/7", Value::Null),
    ] {
        assert_eq!(call(model, json!({"max_tokens": 5})).body["model"], name, "{model}");
    }
}

#[test]
fn a_prediction_wraps_the_request_and_its_answer() {
    let body = call("gemma/7", json!({"temperature": 0.5, "extra_body": {"a": 1}, "stream": true})).body;
    let sent = &body["instances"][0];
    assert_eq!(body.as_object().unwrap().len(), 1);
    assert_eq!(sent["@requestFormat"], "chatCompletions");
    assert_eq!((&sent["temperature"], &sent["a"]), (&json!(0.5), &json!(1)));
    assert!(sent.get("stream").is_none() && sent["messages"].is_array());

    let more = json!({"vertex_project": "p", "api_key": "ya29.token"});
    let reply = json!({"predictions": {"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hi"}}]}});
    let read = answer("vertex_ai/gemma/7", more, &reply).unwrap();
    assert_eq!(read.choices[0].message.content.as_deref(), Some("Hi"));
    assert_eq!(read.model, "m");
}
