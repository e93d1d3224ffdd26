use std::sync::Arc;

use serde_json::{Value, json};

use super::Gigachat;
use crate::error::Kind;
use crate::hub::{Accent, ChatRequest, ModelFacts, Options, Target};
use crate::wires::{HttpReply, Prepared, Wire, WireId};

fn target() -> Target {
    Target {
        provider: "gigachat".into(),
        error_prefix: "GigachatException".into(),
        wire: WireId::Gigachat,
        model: "GigaChat-2".to_owned(),
        base: "https://example.com/api/v1".into(),
        path: None,
        stream_path: None,
        vars: std::collections::BTreeMap::default(),
        facts: Arc::new(ModelFacts::default()),
        accent: Arc::new(Accent::default()),
        call_type: crate::hub::CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

fn prepared(request: Value) -> Prepared {
    let Value::Object(map) = request else { panic!("a request is an object") };
    Gigachat.encode(&ChatRequest::from_map(map).unwrap(), &target()).unwrap()
}

fn body(request: Value) -> Value {
    serde_json::from_slice(&prepared(request).call.body).unwrap()
}

#[test]
fn calls_are_functions_one_a_message_with_their_results_behind_them() {
    let call = |id: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": "look", "arguments": arguments } });
    let got = body(json!({ "messages": [
        { "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
        { "role": "assistant", "content": null, "tool_calls": [call("1", "{\"x\": 1}"), call("2", "")] },
        { "role": "tool", "tool_call_id": "2", "content": "{\"y\": 2}" },
        { "role": "tool", "tool_call_id": "1", "content": "plain" },
        { "role": "system", "content": "late" },
    ] }));
    assert_eq!(
        got["messages"],
        json!([
            { "role": "user", "content": "a\nb" },
            { "role": "assistant", "content": "", "function_call": { "name": "look", "arguments": { "x": 1 } } },
            { "role": "function", "content": "\"plain\"", "name": "look" },
            { "role": "assistant", "content": "", "function_call": { "name": "look", "arguments": {} } },
            { "role": "function", "content": "{\"y\": 2}", "name": "look" },
            { "role": "user", "content": "late" },
        ])
    );
}

#[test]
fn a_called_function_is_a_tool_call() {
    let Prepared { memo, .. } = prepared(json!({ "messages": [{ "role": "user", "content": "a" }] }));
    let reply = json!({
        "choices": [{
            "index": 0, "finish_reason": "function_call",
            "message": { "role": "assistant", "content": "", "function_call": { "name": "f", "arguments": { "a": 1 } } },
        }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "precached_prompt_tokens": 2 },
    });
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
    let got = Gigachat.decode(&reply, &memo, &target()).unwrap();
    assert_eq!(got.choices[0].finish_reason.as_str(), "tool_calls");
    assert_eq!(got.choices[0].message.tool_calls[0].function.arguments, "{\"a\":1}");
    let usage = got.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.total_tokens, usage.cached_tokens()), (5, 9, 2));
}

#[test]
fn gen_30_a_schema_is_a_function_whose_arguments_are_the_answer() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "zq", "schema": schema } });
    let asked = prepared(json!({
        "messages": [{ "role": "user", "content": "a" }], "response_format": format, "stream": true,
    }));
    let body: Value = serde_json::from_slice(&asked.call.body).unwrap();
    assert_eq!(body["function_call"], json!({ "name": "zq" }));
    assert_eq!(body["functions"][0]["parameters"], schema);
    assert_eq!(body.get("stream"), None);
    let reply = json!({ "choices": [{
        "finish_reason": "function_call",
        "message": { "role": "assistant", "content": "", "function_call": { "name": "zq", "arguments": { "a": "x" } } },
    }] });
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
    let got = Gigachat.decode(&reply, &asked.memo, &target()).unwrap();
    assert_eq!(got.choices[0].message.content.as_deref(), Some("{\"a\":\"x\"}"));
    assert_eq!(got.choices[0].finish_reason.as_str(), "stop");
}

#[test]
fn an_image_is_refused_not_lost() {
    let image = json!({ "type": "image_url", "image_url": { "url": "https://x.invalid/y.png" } });
    let Value::Object(map) = json!({ "messages": [{ "role": "user", "content": [image] }] }) else {
        unreachable!()
    };
    let request = ChatRequest::from_map(map).unwrap();
    let error = Gigachat.encode(&request, &target()).unwrap_err();
    assert_eq!(error.kind(), Kind::BadRequest);
    let mut dropping = target();
    dropping.options.drop_params = true;
    assert!(Gigachat.encode(&request, &dropping).is_ok());
}
