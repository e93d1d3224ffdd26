//! GEN: rules that hold for every provider. Those about one wire's shape stand beside that wire.

use ferrolite::config::Environment as _;
use ferrolite::engine::{ChatCall, Settings};
use ferrolite::error::Kind;
use ferrolite::hub::{FinishReason, map_finish_reason};
use serde_json::{Value, json};

use super::support::*;

#[test]
fn gen_01_an_unsupported_parameter_is_named_or_dropped() {
    let error = refused(keywords("openai/gpt-4o", json!({ "reasoning_effort": "low", "verbosity": "low" })));
    assert_eq!((error.kind(), error.status()), (Kind::UnsupportedParams, 400));
    assert!(error.message().contains("'reasoning_effort', 'verbosity'"), "{error}");
    let body = sent(keywords("openai/gpt-4o", json!({ "reasoning_effort": "low", "drop_params": true })));
    assert!(body.get("reasoning_effort").is_none());
    let allowed = json!({ "reasoning_effort": "low", "allowed_openai_params": ["reasoning_effort"] });
    assert_eq!(sent(keywords("openai/gpt-4o", allowed))["reasoning_effort"], "low");
    let Value::Object(map) = keywords("openai/gpt-4o", json!({ "reasoning_effort": "low" })) else {
        unreachable!()
    };
    let variables = Variables::default().with("LITELLM_DROP_PARAMS", "true");
    assert_eq!(variables.get("LITELLM_DROP_PARAMS").as_deref(), Some("true"));
    assert!(
        ChatCall::from_keywords(map.clone(), &Settings::default(), &variables).is_ok(),
        "by the environment"
    );
    let settings = Settings { drop_params: true, ..Settings::default() };
    assert!(ChatCall::from_keywords(map, &settings, &Variables::default()).is_ok(), "by the settings");
}

#[test]
fn gen_02_a_switch_may_be_a_text() {
    for (text, dropped) in [("true", true), (" yes ", true), ("0", false), ("nonsense", false)] {
        let result =
            prepared(keywords("openai/gpt-4o", json!({ "reasoning_effort": "low", "drop_params": text })));
        assert_eq!(result.is_ok(), dropped, "{text}");
    }
}

#[test]
fn gen_03_max_completion_tokens_wins() {
    let both = json!({ "max_tokens": 5, "max_completion_tokens": 6 });
    for model in ["openai/o3", "openai/gpt-5"] {
        let body = sent(keywords(model, both.clone()));
        assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(6), None), "{model}");
    }
}

#[test]
fn gen_05_none_is_absent() {
    let body = sent(keywords("openai/gpt-4o", json!({ "temperature": null, "stop": null, "own": null })));
    let mut keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["messages", "model"]);
}

#[test]
fn gen_06_extra_body_merges_last() {
    let body = sent(keywords(
        "openai/gpt-4o",
        json!({ "temperature": 0.1, "extra_body": { "temperature": 0.9, "vendor": { "a": 1 } },
                "metadata": { "m": 1 }, "caching": true, "num_retries": 2, "input_cost_per_token": 1 }),
    ));
    assert_eq!((&body["temperature"], &body["vendor"]), (&json!(0.9), &json!({ "a": 1 })));
    assert_eq!(body.as_object().unwrap().len(), 4, "none of our own keywords: {body}");
}

#[test]
fn gen_07_reasoning_effort_may_be_an_object() {
    let effort = json!({ "effort": "low", "summary": "auto" });
    assert_eq!(
        sent(keywords("openai/gpt-5", json!({ "reasoning_effort": effort })))["reasoning_effort"],
        "low"
    );
    let error = refused(keywords("openai/gpt-5", json!({ "reasoning_effort": { "effort": "xhigh" } })));
    assert_eq!(error.kind(), Kind::UnsupportedParams, "the guard looks at the word in both shapes");
}

#[test]
fn gen_08_settings_of_one_call_do_not_reach_another() {
    let with = |drop_params: bool| {
        let Value::Object(map) = keywords("openai/gpt-4o", json!({ "verbosity": "low" })) else {
            unreachable!()
        };
        let settings = Settings { drop_params, ..Settings::default() };
        ChatCall::from_keywords(map, &settings, &Variables::default()).is_ok()
    };
    assert_eq!([with(true), with(false), with(true), with(false)], [true, false, true, false]);
}

#[test]
fn gen_11_developer_is_system_but_for_the_reasoning_line() {
    let messages =
        json!({ "messages": [{ "role": "developer", "content": "d" }, { "role": "user", "content": "u" }] });
    for (model, role) in
        [("openai/o3", "developer"), ("openai/gpt-4o", "system"), ("custom_openai/m", "system")]
    {
        let mut all = keywords(model, messages.clone());
        all["api_base"] = json!("http://localhost:1/v1");
        assert_eq!(sent(all)["messages"][0]["role"], role, "{model}");
    }
}

#[test]
fn gen_16_arguments_are_a_text_towards_openai_shaped_peers() {
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": { "a": 1 } } });
    let history = json!({ "messages": [{ "role": "user", "content": "u" },
        { "role": "assistant", "tool_calls": [call] }, { "role": "tool", "tool_call_id": "c", "content": "1" }] });
    let body = sent(keywords("openai/gpt-4o", history));
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
}

#[test]
fn gen_18_a_null_result_never_becomes_a_word() {
    let history = json!({ "messages": [{ "role": "user", "content": "u" },
        { "role": "assistant", "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": "" } }] },
        { "role": "tool", "tool_call_id": "c", "content": null }] });
    for model in ["openai/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-pro"] {
        let body = sent(keywords(model, history.clone())).to_string();
        assert!(!body.contains("None") && !body.contains("\"null\""), "{model}: {body}");
    }
}

#[test]
fn gen_23_our_own_message_fields_stay_here() {
    let message = json!({ "role": "assistant", "content": "a", "provider_specific_fields": { "x": 1 },
        "thinking_blocks": [{ "type": "thinking", "thinking": "t", "signature": "s" }], "reasoning_items": [{}],
        "tool_calls": [{ "index": 0, "id": "c", "type": "function", "provider_specific_fields": { "y": 1 },
                         "function": { "name": "f", "arguments": "{}" } }] });
    let history = json!({ "messages": [{ "role": "user", "content": "u" }, message,
                          { "role": "tool", "tool_call_id": "c", "content": "1" }] });
    let body = sent(keywords("openai/gpt-4o", history));
    assert_eq!(
        body["messages"][1],
        json!({ "role": "assistant", "content": "a", "tool_calls": [
            { "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } }] })
    );
}

#[test]
fn gen_25_an_image_may_be_a_bare_address_and_format_is_ours() {
    let parts = json!([{ "type": "image_url", "image_url": "https://x/a.png" },
        { "type": "image_url", "image_url": { "url": "https://x/b", "detail": "low", "format": "image/png" } }]);
    let body = sent(keywords("openai/gpt-4o", json!({ "messages": [{ "role": "user", "content": parts }] })));
    assert_eq!(
        body["messages"][0]["content"],
        json!([{ "type": "image_url", "image_url": { "url": "https://x/a.png" } },
               { "type": "image_url", "image_url": { "url": "https://x/b", "detail": "low" } }])
    );
}

#[test]
fn gen_32_response_format_text_asks_for_nothing() {
    for model in ["openai/gpt-4", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-pro"] {
        let body = sent(keywords(model, json!({ "response_format": { "type": "text" } }))).to_string();
        assert!(!body.contains("json"), "{model}: {body}");
    }
}

#[test]
fn gen_35_an_unknown_reason_is_stop() {
    assert_eq!(map_finish_reason("banana"), (FinishReason::Stop, false));
    assert_eq!(map_finish_reason("length"), (FinishReason::Length, true));
    assert_eq!(map_finish_reason("SAFETY"), (FinishReason::ContentFilter, false));
}

#[test]
fn gen_36_stop_is_tool_calls_when_there_are_any() {
    let message = json!({ "content": null, "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    let reply = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] });
    let response = answer(keywords("openai/gpt-4o", json!({})), &reply).unwrap();
    assert_eq!(response.choices[0].finish_reason, FinishReason::ToolCalls);
    let part =
        json!({ "tool_calls": [{ "index": 0, "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    let events = sse(&[
        json!({ "choices": [{ "index": 0, "delta": part }] }),
        json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }),
    ]);
    let stream = streamed(keywords("openai/gpt-4o", json!({ "stream": true })), &[events.as_bytes()]);
    let last = stream.chunks.last().unwrap();
    assert_eq!(last.choices[0].finish_reason, Some(FinishReason::ToolCalls));
}

#[test]
fn gen_37_the_providers_own_reason_is_kept() {
    let reply = json!({ "choices": [{ "message": { "content": "x" }, "finish_reason": "eos" }] });
    let response = answer(keywords("openai/gpt-4o", json!({})), &reply).unwrap();
    assert_eq!(response.choices[0].native_finish_reason.as_deref(), Some("eos"));
}

/// ORT-05, RSN-09, STR-28: whole or in pieces, an answer that failed is no answer.
#[test]
fn rsn_09_a_failed_answer_is_an_error() {
    for (native, kind) in [
        ("error", Kind::Connection),
        ("abort", Kind::Connection),
        ("network_error", Kind::Connection),
        ("insufficient_system_resource", Kind::ServiceUnavailable),
    ] {
        let asked = || keywords("openrouter/m", json!({ "stream": true }));
        let reply = json!({ "choices": [{ "message": { "content": "x" }, "finish_reason": native }] });
        let whole = answer(asked(), &reply).unwrap_err();
        let events = sse(&[json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": native }] })]);
        let pieces = try_streamed(asked(), &[events.as_bytes()]).err().expect(native);
        for error in [whole, pieces] {
            assert_eq!(error.kind(), kind, "{native}");
            assert!(error.message().contains(native), "{error}");
        }
    }
}

/// One reading for all wires that send an object.
#[test]
fn gen_16_gen_17_arguments_are_an_object_everywhere_or_refused() {
    let asked = |model: &str, arguments: &str| {
        let call =
            json!({ "id": "c1", "type": "function", "function": { "name": "f", "arguments": arguments } });
        let messages = json!([
            { "role": "user", "content": "x" },
            { "role": "assistant", "content": null, "tool_calls": [call] },
            { "role": "tool", "tool_call_id": "c1", "content": "r" },
        ]);
        let tools =
            json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }]);
        keywords(model, json!({ "messages": messages, "tools": tools }))
    };
    for (model, input) in [
        ("anthropic/claude-sonnet-4-5", "/messages/1/content/0/input"),
        ("bedrock/converse/anthropic.claude-3-5-sonnet-20241022-v2:0", "/messages/1/content/0/toolUse/input"),
        ("gemini/gemini-2.5-flash", "/contents/1/parts/0/functionCall/args"),
        ("ollama_chat/llama3.1", "/messages/1/tool_calls/0/function/arguments"),
    ] {
        for (arguments, wanted) in [("", json!({})), ("null", json!({})), (" {\"a\": 1} ", json!({ "a": 1 }))]
        {
            let body = sent(asked(model, arguments));
            assert_eq!(body.pointer(input), Some(&wanted), "{model} {arguments}");
        }
        for wrong in ["[1]", "\"s\"", "{bad", "7"] {
            let error = refused(asked(model, wrong));
            assert_eq!(error.kind(), Kind::BadRequest);
            let path = error.facts().param.as_deref();
            assert_eq!(path, Some("messages[1].tool_calls[0].function.arguments"), "{model} {wrong}");
            assert!(error.message().contains("'f'"), "{error}");
        }
    }
}

#[test]
fn gen_04_stop_is_a_list_where_providers_take_lists() {
    for (stop, wanted) in [(json!("a"), json!(["a"])), (json!(["a", "b"]), json!(["a", "b"]))] {
        let body = sent(keywords("anthropic/claude-sonnet-4-5", json!({ "stop": stop })));
        assert_eq!(body["stop_sequences"], wanted);
        let body = sent(keywords("gemini/gemini-2.5-flash", json!({ "stop": stop })));
        assert_eq!(body["generationConfig"]["stopSequences"], wanted);
        assert_eq!(
            sent(keywords("openai/gpt-4o", json!({ "stop": stop })))["stop"],
            stop,
            "OpenAI takes both"
        );
    }
}

#[test]
fn gen_09_renamed_tools_are_remembered_by_their_own_call() {
    let tool = |name: &str| json!([{ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } }]);
    let name_sent = |name: &str| {
        sent(keywords("anthropic/claude-sonnet-4-5", json!({ "tools": tool(name) })))["tools"][0]["name"]
            .clone()
    };
    for name in ["get.x", "get x", "get/x"] {
        let reply = json!({ "id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "tool_use",
            "content": [{ "type": "tool_use", "id": "t", "name": name_sent(name), "input": {} }],
            "usage": { "input_tokens": 1, "output_tokens": 1 } });
        let response =
            answer(keywords("anthropic/claude-sonnet-4-5", json!({ "tools": tool(name) })), &reply).unwrap();
        let call = &response.choices[0].message.tool_calls[0];
        assert_eq!(call.function.name.as_deref(), Some(name), "each caller gets its own name back");
    }
}

#[test]
fn gen_13_results_of_a_turn_come_before_other_user_content() {
    let call =
        |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let history = json!({ "messages": [{ "role": "user", "content": "u" },
        { "role": "assistant", "tool_calls": [call("a"), call("b")] },
        { "role": "tool", "tool_call_id": "a", "content": "1" },
        { "role": "tool", "tool_call_id": "b", "content": "2" },
        { "role": "user", "content": "and?" }] });
    let body = sent(keywords("anthropic/claude-sonnet-4-5", history.clone()));
    let turn = body["messages"][2]["content"].as_array().unwrap();
    let kinds: Vec<&str> = turn.iter().filter_map(|block| block["type"].as_str()).collect();
    assert_eq!(kinds, ["tool_result", "tool_result", "text"]);
    let body = sent(keywords("gemini/gemini-2.5-flash", history));
    let parts = body["contents"][2]["parts"].as_array().unwrap();
    assert!(parts.iter().take(2).all(|part| part.to_string().contains("unction")), "{parts:?}");
}

#[test]
fn gen_24_several_answers_only_where_the_provider_has_them() {
    let body = sent(keywords("gemini/gemini-2.5-flash", json!({ "n": 2 })));
    assert_eq!(body["generationConfig"]["candidateCount"], 2);
    assert_eq!(
        refused(keywords("anthropic/claude-sonnet-4-5", json!({ "n": 2 }))).kind(),
        Kind::UnsupportedParams
    );
}
