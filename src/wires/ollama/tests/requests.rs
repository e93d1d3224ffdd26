//! What is sent: parameters, messages, images.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{encode, request, sent, target, tool, wire};
use crate::error::Kind;
use crate::hub::{InlineMedia, Target};

#[test]
fn oll_01_options_and_fields() {
    let keywords = json!({"temperature": 1, "top_p": 0.5, "seed": 3, "frequency_penalty": 0.2, "max_tokens": 9,
        "num_ctx": 4096, "top_k": 10, "keep_alive": "5m", "think": "high", "options": {"num_gpu": 1}});
    let body = sent("ollama_chat", keywords.clone());
    assert_eq!(
        body["options"],
        json!({"temperature": 1, "top_p": 0.5, "seed": 3, "repeat_penalty": 0.2, "num_predict": 9,
            "num_ctx": 4096, "top_k": 10, "num_gpu": 1})
    );
    assert_eq!((&body["keep_alive"], &body["think"]), (&json!("5m"), &json!("high")));
    assert_eq!(body["stream"], json!(false), "said also when it is off");
    let body = sent("ollama", keywords);
    assert_eq!(body["options"]["frequency_penalty"], json!(0.2));
    assert_eq!(body["keep_alive"], json!("5m"));
    let body =
        sent("ollama", json!({"raw": true, "template": "t", "suffix": "x", "system": "s", "context": [1]}));
    assert_eq!(body["options"], json!({}));
    assert_eq!((&body["raw"], &body["template"], &body["context"]), (&json!(true), &json!("t"), &json!([1])));
}

#[test]
fn gen_03_gen_04_one_limit_and_a_list_of_stops() {
    let body = sent("ollama_chat", json!({"max_tokens": 9, "max_completion_tokens": 5, "stop": "end"}));
    assert_eq!(body["options"], json!({"num_predict": 5, "stop": ["end"]}));
    let body = sent("ollama_chat", json!({"max_completion_tokens": 5, "num_predict": 7}));
    assert_eq!(body["options"], json!({"num_predict": 7}), "the provider's own word wins");
}

#[test]
fn oll_02_tool_choice_and_functions_are_not_sent() {
    let mark = json!({"type": "ephemeral"});
    let marked = json!({"type": "function", "cache_control": mark,
        "function": {"name": "f", "parameters": {"type": "object"}, "cache_control": mark}});
    let body = sent(
        "ollama_chat",
        json!({"tools": [marked], "tool_choice": "required", "functions": [{"name": "g"}]}),
    );
    assert_eq!(body["tools"], json!([tool(), {"type": "function", "function": {"name": "g"}}]));
    assert_eq!((body.get("tool_choice"), body.get("functions")), (None, None));
    assert_eq!(sent("ollama_chat", json!({"tools": [], "tool_choice": "auto"})).get("tools"), None);
}

#[test]
fn oll_03_formats() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for provider in ["ollama_chat", "ollama"] {
        for (format, expected) in [
            (json!({"type": "json_object"}), Some(json!("json"))),
            (
                json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}),
                Some(schema.clone()),
            ),
            (json!({"type": "text"}), None),
            (json!({"type": "json_schema", "json_schema": {"name": "n"}}), None),
        ] {
            let body = sent(provider, json!({"response_format": format}));
            assert_eq!(body.get("format"), expected.as_ref(), "{provider} {format}");
        }
        let body = sent(provider, json!({"response_format": {"type": "json_object"}, "format": schema}));
        assert_eq!(body["format"], schema, "the provider's own word wins");
    }
}

#[test]
fn gen_07_effort_is_thinking_on_or_off() {
    let think = |model: &str, effort: Value| {
        let target = Target { model: model.to_owned(), ..target("ollama_chat") };
        let prepared =
            wire("ollama_chat").encode(&request(json!({"reasoning_effort": effort})), &target).unwrap();
        serde_json::from_slice::<Value>(&prepared.call.body).unwrap()["think"].clone()
    };
    for (effort, on) in [("low", true), ("high", true), ("xhigh", true), ("none", false), ("minimal", false)]
    {
        assert_eq!(think("qwen3", json!(effort)), json!(on), "{effort}");
    }
    assert_eq!(think("qwen3", json!({"effort": "low", "summary": "auto"})), json!(true));
    assert_eq!(think("gpt-oss:20b", json!("medium")), json!("medium"));
    assert_eq!(
        sent("ollama_chat", json!({"reasoning_effort": "low", "think": false}))["think"],
        json!(false)
    );
}

#[test]
fn gen_28_broken_base64_is_refused() {
    for bad in ["data:image/png;base64,a b*", "data:image/png;base64,", "data:image/png,abc"] {
        let part = json!({"type": "image_url", "image_url": {"url": bad}});
        let messages = json!([{"role": "user", "content": [part]}]);
        let error = encode("ollama_chat", json!({"messages": messages})).unwrap_err();
        assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[0].image_url.url"), "{bad}");
    }
}

#[test]
fn oll_04_images_are_bare_base64() {
    let parts = |url: &str| {
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "b"}]}]})
    };
    let message = |url: &str| {
        sent("ollama_chat", parts(url)).get("messages").and_then(|list| list.get(0)).cloned().unwrap()
    };
    let expected = json!({"role": "user", "content": "ab", "images": ["AAAA"]});
    assert_eq!(message("data:image/png;base64,AAAA"), expected);
    assert_eq!(message("AAAA"), expected);
    let error = encode("ollama_chat", parts("data:image/svg+xml,%3Csvg")).unwrap_err();
    assert_eq!(
        (error.kind(), error.facts().param.as_deref()),
        (Kind::BadRequest, Some("messages[0].content[1].image_url.url"))
    );
}

#[test]
fn gen_26_remote_images_are_fetched_first() {
    let mut request = request(json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]}));
    for provider in ["ollama_chat", "ollama"] {
        let target = target(provider);
        assert_eq!(wire(provider).remote_media(&request, &target), ["https://x/a.png"]);
        let media = InlineMedia { mime: "image/png".into(), data: Bytes::from_static(b"abc") };
        request.media.insert("https://x/a.png".into(), media);
        let call = wire(provider).encode(&request, &target).unwrap().call;
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let images = if provider == "ollama" { &body["images"] } else { &body["messages"][0]["images"] };
        assert_eq!(images, &json!(["YWJj", "AAAA"]));
    }
}

#[test]
fn other_media_are_refused_by_name_or_left_out() {
    let messages = json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}]}]});
    for provider in ["ollama_chat", "ollama"] {
        let error = encode(provider, messages.clone()).unwrap_err();
        assert_eq!(error.kind(), Kind::BadRequest);
        assert!(error.message().contains("'file'"), "{error}");
        let mut lenient = target(provider);
        lenient.options.drop_params = true;
        assert!(wire(provider).encode(&request(messages.clone()), &lenient).is_ok());
    }
}

#[test]
fn oll_05_arguments_are_objects() {
    let body = sent(
        "ollama_chat",
        json!({"messages": [
            {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "user", "content": "u", "name": "n", "cache_control": {"type": "ephemeral"}},
            {"role": "assistant", "content": null, "reasoning_content": "rc", "provider_specific_fields": {"a": 1},
                "tool_calls": [
                    {"id": "c1", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{\"a\": 1}"}},
                    {"type": "function", "function": {"name": "g", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "c1", "name": "f", "content": null},
            {"role": "assistant", "function_call": {"name": "h", "arguments": "{}"}},
            {"role": "function", "name": "h", "content": "r"},
            {"role": "assistant", "content": "<think>hm</think>so"},
        ]}),
    );
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "ab", "images": []},
            {"role": "user", "content": "u", "images": []},
            {"role": "assistant", "thinking": "rc", "content": "", "images": [], "tool_calls": [
                {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}},
                {"function": {"name": "g", "arguments": {}}}]},
            {"role": "tool", "content": "", "images": [], "tool_call_id": "c1"},
            {"role": "assistant", "content": "", "images": [], "tool_calls": [
                {"function": {"name": "h", "arguments": {}}}]},
            {"role": "tool", "content": "r", "images": []},
            {"role": "assistant", "thinking": "hm", "content": "so", "images": []},
        ])
    );
}

#[test]
fn gen_17_arguments_that_are_no_json_are_refused_by_place() {
    for provider in ["ollama_chat", "ollama"] {
        let error = encode(
            provider,
            json!({"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{bad"}}]}]}),
        )
        .unwrap_err();
        assert_eq!(error.kind(), Kind::BadRequest);
        assert!(error.message().contains("messages[1].tool_calls[0]"), "{error}");
        assert!(error.message().contains("'f'"), "{error}");
    }
}

#[test]
fn gen_06_extra_body_comes_last() {
    let body =
        sent("ollama_chat", json!({"temperature": 1, "extra_body": {"options": {"num_ctx": 3}, "zq": 1}}));
    assert_eq!((&body["options"], &body["zq"]), (&json!({"num_ctx": 3}), &json!(1)));
    let body = sent("ollama", json!({"extra_body": {"prompt": "p"}}));
    assert_eq!(body["prompt"], json!("p"));
}

#[test]
fn addresses() {
    for (provider, base, url) in [
        ("ollama_chat", "http://localhost:11434", "http://localhost:11434/api/chat"),
        ("ollama_chat", "http://h/x/api/chat", "http://h/x/api/chat"),
        ("ollama", "http://h/x", "http://h/x/api/generate"),
        ("ollama", "http://h/api/generate", "http://h/api/generate"),
    ] {
        let target = Target { base: base.to_owned(), ..target(provider) };
        assert_eq!(wire(provider).encode(&request(json!({})), &target).unwrap().call.url, url);
    }
}

#[test]
fn parameters_that_are_taken() {
    for provider in ["ollama_chat", "ollama"] {
        let target = target(provider);
        for name in
            ["tools", "tool_choice", "functions", "response_format", "reasoning_effort", "stream_options"]
        {
            assert!(wire(provider).supports(name, &target), "{name}");
        }
        for name in ["n", "presence_penalty", "logprobs", "parallel_tool_calls", "function_call", "thinking"]
        {
            assert!(!wire(provider).supports(name, &target), "{name}");
        }
    }
}
