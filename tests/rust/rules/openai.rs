//! OAI: OpenAI chat completions, requests, answers and streams.

use ferrolite::error::Kind;
use ferrolite::hub::FinishReason;
use serde_json::{Value, json};

use super::support::*;

fn reply(message: Value, more: Value) -> Value {
    let mut choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
    if let (Value::Object(choice), Value::Object(more)) = (&mut choice, more) {
        choice.extend(more);
    }
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06",
        "choices": [choice], "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 }
    })
}

fn chunk(delta: Value, finish: Option<&str>) -> Value {
    json!({ "id": "s", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
}

#[test]
fn oai_01_unknown_fields_survive_in_both_directions() {
    let body = sent(keywords(
        "openai/gpt-4o",
        json!({ "messages": [{ "role": "user", "content": [{ "type": "new_part", "x": 1 }], "vendor": 2 }],
                "future_parameter": { "a": [1] } }),
    ));
    assert_eq!(body["future_parameter"], json!({ "a": [1] }));
    assert_eq!(body["messages"][0]["vendor"], 2);
    assert_eq!(body["messages"][0]["content"][0], json!({ "type": "new_part", "x": 1 }));
    let parts = json!([
        { "type": "image_url", "image_url": { "url": "https://x/y.png", "detail": "low", "max_pixels": 4 } },
        { "type": "input_audio", "input_audio": { "data": "AAAA", "format": "wav", "language": "de" } },
    ]);
    let pictures = json!([parts[0]]);
    // Cohere has no place for sound.
    for (model, parts) in [("openai/gpt-4o", &parts), ("cohere_chat/command-a-vision", &pictures)] {
        let message = json!({ "role": "user", "content": parts });
        assert_eq!(
            &sent(keywords(model, json!({ "messages": [message] })))["messages"][0]["content"],
            parts,
            "{model}"
        );
    }
    let mut answered = reply(json!({ "role": "assistant", "content": "x", "mood": "good" }), json!({}));
    answered["vendor"] = json!({ "region": "eu" });
    let response = answer(keywords("openai/gpt-4o", json!({})), &answered).unwrap();
    assert_eq!(response.extra["vendor"], json!({ "region": "eu" }));
    assert_eq!(response.choices[0].message.provider_fields["mood"], "good");
}

#[test]
fn oai_02_max_tokens_is_renamed_for_reasoning_families() {
    for model in ["openai/o3", "openai/o4-mini", "openai/gpt-5", "openai/gpt-6-sol"] {
        let body = sent(keywords(model, json!({ "max_tokens": 7 })));
        assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(7), None), "{model}");
    }
    assert_eq!(sent(keywords("openai/gpt-4o", json!({ "max_tokens": 7 })))["max_tokens"], 7);
}

#[test]
fn oai_03_o_series_refuses_sampling() {
    for (name, value) in [
        ("temperature", json!(0.3)),
        ("top_p", json!(0.3)),
        ("presence_penalty", json!(1)),
        ("logprobs", json!(true)),
    ] {
        let error = refused(keywords("openai/o3", json!({ name: value })));
        assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::UnsupportedParams, Some(name)));
        let body = sent(keywords("openai/o3", json!({ name: value, "drop_params": true })));
        assert!(body.get(name).is_none(), "{name} is dropped");
    }
    assert_eq!(sent(keywords("openai/o3", json!({ "temperature": 1 })))["temperature"], 1);
}

#[test]
fn oai_04_gpt_5_takes_sampling_only_when_it_does_not_reason() {
    for name in
        ["stop", "logit_bias", "presence_penalty", "frequency_penalty", "modalities", "prediction", "audio"]
    {
        assert_eq!(
            refused(keywords("openai/gpt-5", json!({ name: "x" }))).kind(),
            Kind::UnsupportedParams,
            "{name}"
        );
    }
    assert_eq!(
        refused(keywords("openai/gpt-5", json!({ "temperature": 0.2 }))).kind(),
        Kind::UnsupportedParams
    );
    let open = json!({ "temperature": 0.2, "top_p": 0.5, "logprobs": true });
    assert_eq!(sent(keywords("openai/gpt-5.1", open.clone()))["top_p"], 0.5, "its declared default is none");
    let mut thinking = open;
    thinking["reasoning_effort"] = json!("low");
    assert_eq!(refused(keywords("openai/gpt-5.1", thinking)).kind(), Kind::UnsupportedParams);
    let undeclared = json!({ "temperature": 0.2 });
    assert_eq!(refused(keywords("openai/gpt-5.5", undeclared)).kind(), Kind::UnsupportedParams);
}

#[test]
fn oai_05_chat_and_search_lines_have_rules_of_their_own() {
    let body = sent(keywords("openai/gpt-5-chat-latest", json!({ "temperature": 0.3, "max_tokens": 4 })));
    assert_eq!((&body["temperature"], &body["max_tokens"]), (&json!(0.3), &json!(4)));
    let body =
        sent(keywords("openai/gpt-5-search-api", json!({ "web_search_options": {}, "verbosity": "low" })));
    assert_eq!(body["verbosity"], "low");
    let error = refused(keywords("openai/gpt-5-search-api", json!({ "temperature": 1 })));
    assert_eq!(error.kind(), Kind::UnsupportedParams);
}

#[test]
fn oai_06_effort_levels_are_gated_by_the_models_facts() {
    for (model, level, taken) in [
        ("openai/gpt-5", "minimal", true),
        ("openai/gpt-5", "none", false),
        ("openai/gpt-5", "xhigh", false),
        ("openai/gpt-5", "max", true),
        ("openai/gpt-5.1", "minimal", false),
        ("openai/gpt-5.1", "none", true),
        ("openai/gpt-5.2", "xhigh", true),
        ("openai/gpt-5-unheard-of", "xhigh", false),
    ] {
        let result = prepared(keywords(model, json!({ "reasoning_effort": level })));
        assert_eq!(result.is_ok(), taken, "{model} {level}");
    }
    let body = sent(keywords("openai/gpt-5", json!({ "reasoning_effort": "xhigh", "drop_params": true })));
    assert!(body.get("reasoning_effort").is_none());
}

#[test]
fn oai_07_models_without_system_support_get_it_as_the_users() {
    let messages =
        json!({ "messages": [{ "role": "system", "content": "s" }, { "role": "user", "content": "u" }] });
    assert_eq!(sent(keywords("openai/o3-mini", messages.clone()))["messages"][0]["role"], "user");
    assert_eq!(sent(keywords("openai/o1", messages.clone()))["messages"][0]["role"], "system");
    assert_eq!(sent(keywords("openai/gpt-4o", messages))["messages"][0]["role"], "system");
}

#[test]
fn oai_08_stream_options_go_with_a_stream_only() {
    let options = json!({ "stream_options": { "include_usage": true } });
    assert!(sent(keywords("openai/gpt-4o", options.clone())).get("stream_options").is_none());
    let mut streaming = options;
    streaming["stream"] = json!(true);
    assert_eq!(
        sent(keywords("openai/gpt-4o", streaming))["stream_options"],
        json!({ "include_usage": true })
    );
}

#[test]
fn oai_09_a_refusal_is_no_content() {
    let message = json!({ "role": "assistant", "content": null, "refusal": "no" });
    let response = answer(keywords("openai/gpt-4o", json!({})), &reply(message, json!({}))).unwrap();
    assert_eq!(response.choices[0].message.refusal, Some(json!("no")));
    assert_eq!(response.choices[0].message.content, None);
    let events =
        sse(&[chunk(json!({ "refusal": "I " }), None), chunk(json!({ "refusal": "won't" }), Some("stop"))]);
    let stream = streamed(keywords("openai/gpt-4o", json!({ "stream": true })), &[events.as_bytes()]);
    assert_eq!(stream.chunks[0].choices[0].refusal.as_deref(), Some("I "));
    assert_eq!(stream.response.choices[0].message.refusal, Some(json!("I won't")));
    assert_eq!(stream.response.choices[0].message.content, None);
}

#[test]
fn oai_10_an_error_in_a_good_reply_is_an_error() {
    let failed =
        |error: Value| answer(keywords("openai/gpt-4o", json!({})), &json!({ "error": error })).unwrap_err();
    assert_eq!(failed(json!({ "message": "slow down", "code": 429 })).kind(), Kind::RateLimit);
    let error = failed(json!({ "message": "boom" }));
    assert_eq!((error.kind(), error.status(), error.message()), (Kind::Api, 422, "boom"));
    let mut good = reply(json!({ "role": "assistant", "content": "x" }), json!({}));
    good["error"] = json!({});
    assert!(answer(keywords("openai/gpt-4o", json!({})), &good).is_ok());
}

#[test]
fn oai_11_null_content_beside_tool_calls_stays_null() {
    let message = json!({ "role": "assistant", "content": null, "tool_calls": [
        { "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } }] });
    let response = answer(
        keywords("openai/gpt-4o", json!({})),
        &reply(message.clone(), json!({ "finish_reason": "tool_calls" })),
    )
    .unwrap();
    assert_eq!(response.choices[0].message.content, None);
    let history = json!({ "messages": [{ "role": "user", "content": "u" }, message,
                          { "role": "tool", "tool_call_id": "c", "content": "1" }] });
    let body = sent(keywords("openai/gpt-4o", history));
    assert!(body["messages"][1].get("content").is_none_or(Value::is_null));
}

#[test]
fn oai_12_legacy_functions_stay_functions_where_they_are_known() {
    let functions = json!([{ "name": "f", "parameters": { "type": "object" } }]);
    let body = sent(keywords("openai/gpt-4o", json!({ "functions": functions, "function_call": "auto" })));
    assert_eq!((&body["functions"], &body["function_call"]), (&functions, &json!("auto")));
    let message = json!({ "role": "assistant", "content": null,
                          "function_call": { "name": "f", "arguments": "{}" } });
    let response = answer(
        keywords("openai/gpt-4o", json!({})),
        &reply(message, json!({ "finish_reason": "function_call" })),
    )
    .unwrap();
    assert_eq!(response.choices[0].finish_reason, FinishReason::FunctionCall);
    assert_eq!(response.choices[0].message.function_call.as_ref().unwrap()["name"], "f");
}

#[test]
fn oai_13_images_of_a_tool_move_into_a_user_message() {
    let image = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } });
    let call =
        |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let body = sent(keywords(
        "openai/gpt-4o",
        json!({ "messages": [
            { "role": "user", "content": "look" },
            { "role": "assistant", "tool_calls": [call("a"), call("b")] },
            { "role": "tool", "tool_call_id": "a", "content": [{ "type": "text", "text": "seen" }, image] },
            { "role": "tool", "tool_call_id": "b", "content": [image] },
            { "role": "user", "content": "and?" },
        ] }),
    ));
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(
        roles,
        ["user", "assistant", "tool", "tool", "user", "user"],
        "after the whole run of results"
    );
    assert_eq!(messages[2]["content"], json!([{ "type": "text", "text": "seen" }]));
    assert!(messages[3]["content"].is_string());
    assert_eq!((&messages[4]["content"][1], &messages[4]["content"][2]), (&image, &image));
}

#[test]
fn oai_14_files_go_by_id_or_data_without_the_hint() {
    let file = json!({ "type": "file", "file": { "file_id": "f1", "format": "application/pdf" } });
    let data = json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA==" } });
    let body =
        sent(keywords("openai/gpt-4o", json!({ "messages": [{ "role": "user", "content": [file, data] }] })));
    assert_eq!(
        body["messages"][0]["content"],
        json!([{ "type": "file", "file": { "file_id": "f1" } }, data])
    );
}

#[test]
fn oai_15_audio_keeps_its_format() {
    let part = json!({ "type": "input_audio", "input_audio": { "data": "AA==", "format": "wav" } });
    let body =
        sent(keywords("openai/gpt-audio", json!({ "messages": [{ "role": "user", "content": [part] }] })));
    assert_eq!(body["messages"][0]["content"][0], part);
}

#[test]
fn oai_16_logprobs_pass_whole_and_in_streams() {
    let logprobs =
        json!({ "content": [{ "token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": [] }] });
    let message = json!({ "role": "assistant", "content": "a" });
    let response =
        answer(keywords("openai/gpt-4o", json!({})), &reply(message, json!({ "logprobs": logprobs })))
            .unwrap();
    assert_eq!(response.choices[0].logprobs, Some(logprobs.clone()));
    let mut one = chunk(json!({ "content": "a" }), None);
    one["choices"][0]["logprobs"] = logprobs.clone();
    let events = sse(&[one, chunk(json!({}), Some("stop"))]);
    let stream = streamed(keywords("openai/gpt-4o", json!({ "stream": true })), &[events.as_bytes()]);
    assert_eq!(stream.chunks[0].choices[0].logprobs, Some(logprobs.clone()), "with the text it belongs to");
    assert_eq!(stream.response.choices[0].logprobs, Some(logprobs));
}

#[test]
fn gen_23_tools_without_marks_in_the_entry_or_its_function() {
    let mark = json!({ "type": "ephemeral" });
    let tool = json!({ "type": "function", "function": { "name": "f" } });
    let marked = json!({ "type": "function", "function": { "name": "f", "cache_control": mark } });
    let both = json!({ "type": "function", "function": { "name": "f", "cache_control": mark }, "cache_control": mark });
    let body = sent(keywords("groq/llama-3.3-70b", json!({ "tools": [tool, marked, both] })));
    assert_eq!(body["tools"], json!([tool, tool, tool]));
}

#[test]
fn oai_17_the_service_tier_is_surfaced() {
    let mut good = reply(json!({ "role": "assistant", "content": "x" }), json!({}));
    good["service_tier"] = json!("flex");
    let response = answer(keywords("openai/gpt-4o", json!({})), &good).unwrap();
    assert_eq!(response.extra["service_tier"], "flex");
    let mut last = chunk(json!({}), Some("stop"));
    last["service_tier"] = json!("flex");
    let stream = streamed(keywords("openai/gpt-4o", json!({ "stream": true })), &[sse(&[last]).as_bytes()]);
    assert_eq!(stream.response.extra["service_tier"], "flex");
}

#[test]
fn oai_18_openais_own_switches_pass() {
    let switches = json!({ "user": "u", "store": true, "prompt_cache_key": "k", "safety_identifier": "s",
                           "prediction": { "type": "content", "content": "x" } });
    let body = sent(keywords("openai/gpt-4o", switches.clone()));
    for (name, value) in switches.as_object().unwrap() {
        assert_eq!(&body[name], value, "{name}");
    }
    assert_eq!(sent(keywords("openai/gpt-5", json!({ "verbosity": "low" })))["verbosity"], "low");
    let body = sent(keywords("openai/gpt-4o", json!({ "metadata": { "trace": "t" } })));
    assert!(body.get("metadata").is_none(), "metadata is the caller's own bookkeeping, as in the reference");
}
