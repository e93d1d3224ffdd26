//! What is sent.

use serde_json::{Value, json};

use super::super::Cohere;
use super::{request, sent, target};
use crate::error::Kind;
use crate::hub::Target;
use crate::wires::Wire;

fn tool() -> Value {
    json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}},
        "cache_control": {"type": "ephemeral"}}])
}

#[test]
fn coh_01_parameters_under_cohere_s_names() {
    let body = sent(json!({"top_p": 0.5, "n": 2, "stop": "end", "temperature": 1, "seed": 3,
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "top_k": 7, "safety_mode": "NONE"}));
    let rest: Vec<&str> = body.keys().map(String::as_str).collect();
    assert_eq!(
        rest,
        [
            "model",
            "messages",
            "p",
            "num_generations",
            "stop_sequences",
            "temperature",
            "seed",
            "presence_penalty",
            "frequency_penalty",
            "k",
            "safety_mode"
        ]
    );
    assert_eq!(body["stop_sequences"], json!(["end"]));
    assert_eq!(body["temperature"], json!(1), "an integer stays one");
    assert_eq!(body["k"], json!(7));
}

#[test]
fn gen_03_one_limit() {
    assert_eq!(sent(json!({"max_tokens": 9, "max_completion_tokens": 5}))["max_tokens"], 5);
    assert_eq!(sent(json!({"max_tokens": 9}))["max_tokens"], 9);
}

#[test]
fn coh_02_a_choice_among_tools() {
    for (given, expected) in
        [("required", Some("REQUIRED")), ("any", Some("REQUIRED")), ("none", Some("NONE")), ("auto", None)]
    {
        let body = sent(json!({"tools": tool(), "tool_choice": given}));
        assert_eq!(body.get("tool_choice").and_then(Value::as_str), expected, "{given}");
        assert_eq!(body["tools"][0].get("cache_control"), None);
    }
    assert_eq!(sent(json!({"tool_choice": "required"})).get("tool_choice"), None, "nothing to choose from");
}

#[test]
fn coh_02_a_named_choice_is_refused_or_dropped() {
    let named = json!({"tools": tool(), "tool_choice": {"type": "function", "function": {"name": "f"}}});
    let error = Cohere.encode(&request(named.clone()), &target()).unwrap_err();
    assert_eq!(
        (error.kind(), error.facts().param.as_deref()),
        (Kind::UnsupportedParams, Some("tool_choice"))
    );
    let mut lenient = target();
    lenient.options.drop_params = true;
    let call = Cohere.encode(&request(named), &lenient).unwrap().call;
    assert!(!String::from_utf8_lossy(&call.body).contains("tool_choice"));
}

#[test]
fn gen_23_only_what_cohere_knows_of_messages() {
    let body = sent(json!({"messages": [
        {"role": "developer", "content": "d"},
        {"role": "user", "name": "n", "cache_control": {"type": "ephemeral"}, "content": [
            {"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "https://x/a.png", "format": "image/png", "detail": "low"}},
            {"type": "zq", "a": 1}]},
        {"role": "assistant", "content": null, "reasoning_content": "plan", "annotations": [], "refusal": null,
            "thinking_blocks": [{"type": "thinking", "thinking": "plan"}], "provider_specific_fields": {"a": 1},
            "tool_calls": [{"id": "c1", "type": "function", "index": 0, "provider_specific_fields": {"a": 1},
                "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "c1", "content": null},
    ]}));
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "d"},
            {"role": "user", "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
                {"type": "zq", "a": 1}], "name": "n"},
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}], "tool_plan": "plan"},
            {"role": "tool", "content": "", "tool_call_id": "c1"},
        ])
    );
}

#[test]
fn gen_23_tools_without_marks_in_the_entry_or_its_function() {
    let mut marked = tool();
    marked[0]["cache_control"] = json!({"type": "ephemeral"});
    marked[0]["function"]["cache_control"] = json!({"type": "ephemeral"});
    let plain = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    assert_eq!(sent(json!({"tools": marked}))["tools"], json!([plain]));
}

#[test]
fn gen_06_extra_body_comes_last() {
    let body = sent(json!({"max_tokens": 8, "extra_body": {"max_tokens": 3, "model": "other", "zq": [1]}}));
    assert_eq!((&body["max_tokens"], &body["model"], &body["zq"]), (&json!(3), &json!("other"), &json!([1])));
}

#[test]
fn an_address_with_a_path_is_the_whole_address() {
    for (base, url) in [
        ("https://api.cohere.com", "https://api.cohere.com/v2/chat"),
        ("https://proxy/cohere/v2/chat", "https://proxy/cohere/v2/chat"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80/v2/chat"),
    ] {
        let target = Target { base: base.to_owned(), ..target() };
        assert_eq!(Cohere.encode(&request(json!({})), &target).unwrap().call.url, url);
    }
}

#[test]
fn a_stream_is_asked_for_as_events() {
    let call =
        Cohere.encode(&request(json!({"stream": true, "stream_options": {}})), &target()).unwrap().call;
    assert_eq!(call.headers["accept"], "text/event-stream");
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!((&body["stream"], body.get("stream_options")), (&json!(true), None));
}

#[test]
fn parameters_that_are_taken() {
    let wire: &dyn Wire<crate::hub::Chat> = &Cohere;
    assert!(wire.supports("tools", &target()));
    assert!(wire.supports("stream_options", &target()));
    for name in
        ["response_format", "reasoning_effort", "logprobs", "parallel_tool_calls", "user", "functions"]
    {
        assert!(!wire.supports(name, &target()), "{name}");
    }
}

#[test]
fn what_cohere_does_not_read_is_refused_by_its_place_or_left_out() {
    let messages = json!([{ "role": "user", "content": [
        { "type": "text", "text": "a" },
        { "type": "file", "file": { "file_data": "data:application/pdf;base64,AA==" } },
    ] }]);
    let asked = request(json!({ "messages": messages }));
    let error = Cohere.encode(&asked, &target()).unwrap_err();
    assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[1]"));
    assert!(error.message().contains("'file'"), "{error}");
    let mut lenient = target();
    lenient.options.drop_params = true;
    let call = Cohere.encode(&asked, &lenient).unwrap().call;
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["messages"][0]["content"], json!([{ "type": "text", "text": "a" }]));
}
