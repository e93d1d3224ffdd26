//! The other formats.

use serde_json::json;

use super::*;
use crate::error::Kind;
use crate::hub::FinishReason;

#[test]
fn bed_02_nova_speaks_converses_format_without_its_own_fields() {
    let schema = json!({"type": "object", "properties": {}});
    let sent = json!({"type": "object", "properties": {}, "required": []});
    let keywords = json!({
        "max_tokens": 5, "top_k": 3, "metadata": {"a": "b"}, "extra_body": {"zq": 1},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
    });
    assert_eq!(
        body(NOVA, keywords),
        json!({
            "messages": [{"role": "user", "content": [{"text": "hi"}]}],
            "inferenceConfig": {"maxTokens": 5, "topK": 3},
            "toolConfig": {"tools": [{"toolSpec": {"name": "f", "description": "f", "inputSchema": {"json": sent}}}]},
            "zq": 1,
        })
    );
    let sent = body("invoke/us.amazon.nova-2-lite-v1:0", json!({"reasoning_effort": "low"}));
    assert_eq!(
        sent["inferenceConfig"],
        json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}})
    );
    let reply = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "Ok."}]}}, "stopReason": "max_tokens",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
    });
    let response = answer(NOVA, &Memo::default(), &reply);
    assert_eq!(response.choices[0].finish_reason, FinishReason::Length);
    assert_eq!(response.usage.unwrap().total_tokens, 3);
}

#[test]
fn bed_13_novas_cache_points_are_fields_of_the_text_before() {
    let mark = json!({"type": "ephemeral"});
    let messages = json!([
        {"role": "system", "content": [{"type": "text", "text": "Rules.", "cache_control": mark}]},
        {"role": "user", "content": [
            {"type": "text", "text": "Long.", "cache_control": mark},
            {"type": "text", "text": "Q?"},
        ]},
    ]);
    let sent = body(NOVA, json!({"messages": messages}));
    assert_eq!(sent["system"], json!([{"text": "Rules.", "cachePoint": {"type": "default"}}]));
    assert_eq!(
        sent["messages"][0]["content"],
        json!([{"text": "Long.", "cachePoint": {"type": "default"}}, {"text": "Q?"}])
    );
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "r", "cache_control": mark},
    ]);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let sent = body(NOVA, json!({"messages": messages, "tools": tools}));
    assert_eq!(sent["messages"][2]["content"].as_array().unwrap().len(), 1);
}

#[test]
fn an_imported_model_speaks_openais_format() {
    let call = call(OPENAI, json!({"max_tokens": 5, "stream": true}));
    assert_eq!(call.url, "https://b.example/model/m/invoke-with-response-stream");
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(sent["messages"], json!([{"role": "user", "content": "hi"}]));
    assert_eq!(sent["max_tokens"], 5);
    let reply = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    });
    let response = answer(OPENAI, &Memo::default(), &reply);
    assert_eq!(response.choices[0].message.content.as_deref(), Some("x"));
}

#[test]
fn a_prompt_and_its_parameters() {
    let keywords =
        json!({"max_completion_tokens": 5, "temperature": 0.5, "top_p": 0.9, "zq": 1, "guardrailConfig": {}});
    let with = |more: &Value| {
        let mut keywords = keywords.clone();
        keywords.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        keywords
    };
    assert_eq!(
        body(LLAMA, keywords.clone()),
        json!({
            "prompt": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>\
                       <|start_header_id|>assistant<|end_header_id|>\n\n",
            "max_gen_len": 5, "temperature": 0.5, "top_p": 0.9, "zq": 1,
        })
    );
    assert_eq!(
        body(TITAN, with(&json!({"stop": "a", "extra_body": {"b": 1}}))),
        json!({
            "inputText": "\n\nUser: hi\n\nBot: ",
            "textGenerationConfig":
                {"maxTokenCount": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["a"], "zq": 1},
            "b": 1,
        })
    );
    assert_eq!(
        body(COMMAND, with(&json!({"stop": ["a"], "seed": 7}))),
        json!({
            "prompt": "hi", "max_tokens": 5, "temperature": 0.5, "p": 0.9, "stop_sequences": ["a"], "seed": 7, "zq": 1,
        })
    );
    assert_eq!(body(MISTRAL, with(&json!({"stop": "a"})))["stop"], json!(["a"]));
}

#[test]
fn gen_01_what_each_format_takes() {
    for (model, parameter, expected) in [
        (SONNET, "tools", true),
        (SONNET, "service_tier", false),
        (NOVA, "tools", true),
        (OPENAI, "logprobs", true),
        (LLAMA, "max_completion_tokens", true),
        (LLAMA, "stop", false),
        (LLAMA, "tools", false),
        (TITAN, "stop", true),
        (COMMAND, "seed", true),
        (MISTRAL, "seed", false),
    ] {
        assert_eq!(Invoke.supports(parameter, &target(model)), expected, "{model} {parameter}");
    }
}

#[test]
fn a_text_its_end_and_its_counts() {
    for (model, reply, text, reason, total) in [
        (
            LLAMA,
            json!({"generation": "x", "stop_reason": "length", "prompt_token_count": 3, "generation_token_count": 4}),
            "x",
            FinishReason::Length,
            Some(7),
        ),
        (
            TITAN,
            json!({
                "inputTextTokenCount": 3,
                "results": [{"outputText": "x", "completionReason": "LENGTH", "tokenCount": 4}],
            }),
            "x",
            FinishReason::Length,
            Some(7),
        ),
        (
            COMMAND,
            json!({"generations": [{"text": "x", "finish_reason": "COMPLETE"}]}),
            "x",
            FinishReason::Stop,
            None,
        ),
        (
            "cohere.command-r-v1:0",
            json!({"text": "x", "finish_reason": "MAX_TOKENS"}),
            "x",
            FinishReason::Length,
            None,
        ),
        (MISTRAL, json!({"outputs": [{"text": "x", "stop_reason": "stop"}]}), "x", FinishReason::Stop, None),
        (
            "ai21.j2-mid-v1",
            json!({"completions": [{"data": {"text": "x"}, "finishReason": {"reason": "endoftext"}}]}),
            "x",
            FinishReason::Stop,
            None,
        ),
    ] {
        let response = answer(model, &Memo::default(), &reply);
        let choice = &response.choices[0];
        assert_eq!(choice.message.content.as_deref(), Some(text), "{model}");
        assert_eq!(choice.finish_reason, reason, "{model}");
        assert_eq!(response.usage.map(|usage| usage.total_tokens), total, "{model}");
    }
}

#[test]
fn counts_of_headers() {
    let mut headers = http::HeaderMap::new();
    headers.insert("x-amzn-bedrock-input-token-count", http::HeaderValue::from_static("3"));
    headers.insert("x-amzn-bedrock-output-token-count", http::HeaderValue::from_static("4"));
    let body = json!({"outputs": [{"text": "x", "stop_reason": "stop"}]}).to_string().into();
    let reply = HttpReply { status: 200, headers, body };
    let response = Wire::<Chat>::decode(&Invoke, &reply, &Memo::default(), &target(MISTRAL)).unwrap();
    assert_eq!(response.usage.unwrap().total_tokens, 7);
}

#[test]
fn bed_15_thinking_comes_before_its_mark() {
    let reply = |text: &str, reason: &str| json!({"generation": text, "stop_reason": reason});
    let of = |reply: &Value| answer(DEEPSEEK, &Memo::default(), reply).choices.remove(0).message;
    let both = of(&reply("why</think>so", "stop"));
    assert_eq!((both.reasoning_content.as_deref(), both.content.as_deref()), (Some("why"), Some("so")));
    let cut = of(&reply("why", "length"));
    assert_eq!((cut.reasoning_content.as_deref(), cut.content.as_deref()), (Some("why"), None));
    let none = of(&reply("so", "stop"));
    assert_eq!((none.reasoning_content.as_deref(), none.content.as_deref()), (None, Some("so")));
}

#[test]
fn unreadable_answers_are_errors() {
    for model in [SONNET, NOVA, OPENAI, LLAMA, TITAN] {
        for body in ["", "{", "[]", "null", "\"x\""] {
            let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.into() };
            let decoded = Wire::<Chat>::decode(&Invoke, &reply, &Memo::default(), &target(model));
            assert!(decoded.is_err(), "{model} {body}");
        }
    }
}

#[test]
fn a_model_of_unknown_format_is_refused_with_the_way_to_call_it() {
    let error = refused("invoke/zq.model-1", json!({}));
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(error.message().contains("bedrock/converse/"), "{}", error.message());
}
