//! The body: parameters, tools, schemas, what is the model's own.

use serde_json::{Value, json};

use super::*;
use crate::error::Kind;

#[test]
fn bed_01_shared_parameters_and_the_models_own() {
    let keywords = json!({
        "temperature": 0.5, "top_p": 0.9, "stop": "x", "max_tokens": 3, "max_completion_tokens": 7,
        "vendor": {"a": 1}, "performanceConfig": {"latency": "optimized"}, "requestMetadata": {"team": "t"},
        "topP": 0.1,
    });
    assert_eq!(
        body(&target(SONNET), keywords),
        json!({
            "messages": [{"role": "user", "content": [{"text": "hi"}]}],
            "inferenceConfig": {"temperature": 0.5, "topP": 0.1, "stopSequences": ["x"], "maxTokens": 7},
            "additionalModelRequestFields": {"vendor": {"a": 1}},
            "performanceConfig": {"latency": "optimized"},
            "requestMetadata": {"team": "t"},
        })
    );
}

#[test]
fn bed_01_metadata_that_would_be_refused_is_refused_here() {
    let many: serde_json::Map<String, Value> = (0..17).map(|n| (n.to_string(), "x".into())).collect();
    for wrong in [json!("x"), json!({"a": 1}), json!({"a": "b".repeat(257)}), json!({"a!": "b"}), json!(many)]
    {
        let error = refused(&target(SONNET), json!({"requestMetadata": wrong}));
        assert_eq!(error.kind(), Kind::BadRequest);
        assert!(error.message().contains("requestMetadata"), "{error}");
    }
}

#[test]
fn bed_02_top_k_by_family() {
    let fields =
        |model: &str| body(&target(model), json!({"top_k": 5}))["additionalModelRequestFields"].take();
    assert_eq!(fields(SONNET), json!({"top_k": 5}));
    assert_eq!(fields(NOVA), json!({"inferenceConfig": {"topK": 5}}));
    assert_eq!(fields(LLAMA), Value::Null);
}

#[test]
fn bed_05_tool_choice() {
    let choice = |target: &Target, more: Value| {
        let mut keywords = json!({"tools": [tool("a b")]});
        keywords.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body(target, keywords)["toolConfig"]["toolChoice"].take()
    };
    let named = json!({"type": "function", "function": {"name": "a b"}});
    let sonnet = target(SONNET);
    assert_eq!(choice(&sonnet, json!({})), Value::Null);
    assert_eq!(choice(&sonnet, json!({"tool_choice": "auto"})), json!({"auto": {}}));
    assert_eq!(choice(&sonnet, json!({"tool_choice": "required"})), json!({"any": {}}));
    assert_eq!(choice(&sonnet, json!({"tool_choice": named})), json!({"tool": {"name": "a_b"}}));
    let thinking = json!({"type": "enabled", "budget_tokens": 2000});
    assert_eq!(
        choice(&sonnet, json!({"tool_choice": "required", "thinking": thinking})),
        json!({"auto": {}}),
        "nothing is forced while it thinks"
    );
    let error = refused(&sonnet, json!({"tools": [tool("f")], "tool_choice": "none"}));
    assert_eq!(error.kind(), Kind::UnsupportedParams);
    assert_eq!(choice(&dropping(SONNET), json!({"tool_choice": "none"})), Value::Null);
    assert_eq!(body(&sonnet, json!({"tool_choice": "auto"})).get("toolConfig"), None, "no tools, no choice");
}

#[test]
fn bed_06_parallel_calls_are_claudes_own_field() {
    let fields = |model: &str, more: Value| {
        let mut keywords = json!({"tools": [tool("f")], "parallel_tool_calls": false});
        keywords.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body(&target(model), keywords)["additionalModelRequestFields"].take()
    };
    assert_eq!(
        fields(SONNET, json!({"top_k": 3})),
        json!({"top_k": 3, "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}})
    );
    assert_eq!(
        fields(SONNET, json!({"tool_choice": "required"})),
        json!({"tool_choice": {"disable_parallel_tool_use": true}})
    );
    assert_eq!(fields(NOVA, json!({})), Value::Null);
}

#[test]
fn bed_13_marked_tools() {
    let mut marked = tool("f");
    marked["cache_control"] = json!({"type": "ephemeral", "ttl": "1h"});
    let tools = |model: &str| {
        body(&target(model), json!({"tools": [marked, tool("g")]}))["toolConfig"]["tools"].take()
    };
    assert_eq!(tools(SONNET)[1], json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
    assert_eq!(tools(NOVA)[1], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(tools(LLAMA).as_array().unwrap().len(), 2, "a model without caching gets no point");
    assert_eq!(tools(PROFILE).as_array().unwrap().len(), 3, "of a deployment the caller knows");
}

#[test]
fn bed_15_each_family_has_its_own_thinking() {
    let with = |model: &str, keywords: Value| body(&target(model), keywords);
    let low = json!({"reasoning_effort": "low"});
    let sonnet = with(SONNET, low.clone());
    assert_eq!(
        sonnet["additionalModelRequestFields"],
        json!({"thinking": {"type": "enabled", "budget_tokens": 1024}})
    );
    assert_eq!(sonnet["inferenceConfig"]["maxTokens"], 5120);
    assert_eq!(sonnet["additionalModelResponseFieldPaths"], json!(["/usage/output_tokens_details"]));
    assert_eq!(
        with(OPUS, low.clone())["additionalModelRequestFields"],
        json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}})
    );
    assert_eq!(
        with(NOVA_2, low.clone())["additionalModelRequestFields"],
        json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}})
    );
    assert_eq!(
        with("openai.gpt-oss-20b-1:0", low)["additionalModelRequestFields"],
        json!({"reasoning_effort": "low"})
    );
    assert_eq!(refused(&target(NOVA_2), json!({"reasoning_effort": "max"})).kind(), Kind::BadRequest);
    let takes = |model: &str, name: &str| Wire::<Chat>::supports(&Converse, name, &target(model));
    assert!(takes(SONNET, "thinking") && takes(NOVA_2, "reasoning_effort"));
    for (model, name) in [
        (DEEPSEEK, "thinking"),
        (DEEPSEEK, "reasoning_effort"),
        (NOVA_2, "thinking"),
        (LLAMA, "reasoning_effort"),
        ("openai.gpt-oss-20b-1:0", "thinking"),
    ] {
        assert!(!takes(model, name), "{model} {name}");
    }
}

#[test]
fn gen_01_parameters_by_model() {
    let takes = |model: &str, name: &str| Wire::<Chat>::supports(&Converse, name, &target(model));
    for name in ["tools", "tool_choice", "stop", "service_tier", "response_format", "context_management"] {
        assert!(takes(SONNET, name), "{name}");
    }
    for name in ["n", "seed", "logit_bias", "logprobs", "functions", "presence_penalty", "web_search_options"]
    {
        assert!(!takes(SONNET, name), "{name}");
    }
    assert!(takes(NOVA, "web_search_options"));
    assert!(takes(LLAMA, "tools") && !takes(LLAMA, "tool_choice"));
    assert!(takes(PROFILE, "tools") && takes(PROFILE, "tool_choice") && takes(PROFILE, "thinking"));
}

#[test]
fn gen_04_empty_stops_are_left_out() {
    let config = |stop: Value| body(&target(SONNET), json!({"stop": stop}))["inferenceConfig"].take();
    assert_eq!(config(json!(["", "a", " "])), json!({"stopSequences": ["a", " "]}));
    assert_eq!(config(json!("")), json!({}));
}

#[test]
fn gen_06_extra_body_comes_last_and_is_merged() {
    let sent = body(
        &target(SONNET),
        json!({"temperature": 0.5, "extra_body": {"inferenceConfig": {"maxTokens": 3}, "new": [1]}}),
    );
    assert_eq!(sent["inferenceConfig"], json!({"temperature": 0.5, "maxTokens": 3}));
    assert_eq!(sent["new"], json!([1]));
}

#[test]
fn gen_29_schemas_are_native_or_a_tool() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let with = |model: &str, more: Value| {
        let mut keywords = json!({"response_format": format});
        keywords.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body(&target(model), keywords)
    };
    let text = &with(SONNET, json!({}))["outputConfig"]["textFormat"];
    assert_eq!(text["type"], "json_schema");
    let written = text["structure"]["jsonSchema"]["schema"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(written).unwrap(), schema);
    let tools = with(SONNET_4, json!({}))["toolConfig"].take();
    assert_eq!(tools["toolChoice"], json!({"tool": {"name": "json_tool_call"}}));
    let spec = &tools["tools"][0]["toolSpec"];
    assert_eq!(spec["name"], "json_tool_call");
    assert_eq!(spec["inputSchema"]["json"].get("additionalProperties"), None, "it cannot be strict");
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    assert_eq!(with(SONNET_4, thinking)["toolConfig"].get("toolChoice"), None);
    assert_eq!(with(LLAMA, json!({}))["toolConfig"].get("toolChoice"), None);
    for plain in [json!({"type": "json_object"}), json!({"type": "text"})] {
        let sent = body(&target(SONNET_4), json!({"response_format": plain}));
        assert_eq!(sent.get("toolConfig"), None);
    }
}

#[test]
fn ant_22_models_that_ignore_sampling() {
    let error = refused(&target(OPUS), json!({"temperature": 0.3}));
    assert_eq!(error.kind(), Kind::UnsupportedParams);
    assert_eq!(refused(&target(OPUS), json!({"top_k": 3})).kind(), Kind::UnsupportedParams);
    let dropped = body(&dropping(OPUS), json!({"temperature": 0.3, "top_p": 0.2, "top_k": 3}));
    assert_eq!(dropped["inferenceConfig"], json!({}));
    assert_eq!(body(&target(OPUS), json!({"temperature": 1}))["inferenceConfig"], json!({"temperature": 1}));
}

#[test]
fn tools_of_other_kinds() {
    let native = json!({"toolSpec": {"name": "x", "inputSchema": {"json": {}}}});
    let computer = json!({"type": "computer_20250124", "name": "computer"});
    let sent = body(&target(SONNET), json!({"tools": [native, computer, {"type": "web_search_20250305"}]}));
    assert_eq!(sent["toolConfig"]["tools"], json!([native]));
    assert_eq!(
        sent["additionalModelRequestFields"],
        json!({"tools": [computer], "anthropic_beta": ["computer-use-2025-01-24"]})
    );
    let strict = |model: &str| {
        let mut given = tool("f");
        given["function"]["strict"] = true.into();
        body(&target(model), json!({"tools": [given]}))["toolConfig"]["tools"][0]["toolSpec"]["strict"].take()
    };
    assert_eq!(strict(SONNET), true);
    assert_eq!(strict(NOVA), Value::Null);
    assert_eq!(
        body(&target(NOVA), json!({"web_search_options": {}}))["toolConfig"]["tools"],
        json!([{"systemTool": {"name": "nova_grounding"}}])
    );
}

#[test]
fn features_of_claude() {
    let sent = body(
        &target(SONNET),
        json!({
            "anthropic_beta": ["own", "own"], "cache_control": {"type": "ephemeral"},
            "context_management": [{"type": "compaction", "compact_threshold": 5}],
            "output_config": {"effort": "low"},
        }),
    );
    let fields = &sent["additionalModelRequestFields"];
    assert_eq!(fields["anthropic_beta"], json!(["own", "compact-2026-01-12", "effort-2025-11-24"]));
    assert_eq!(fields["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(
        fields["context_management"],
        json!({"edits": [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 5}}]})
    );
    assert_eq!(fields["output_config"], json!({"effort": "low"}));
    let other =
        body(&target(NOVA), json!({"anthropic_beta": ["own"], "cache_control": {"type": "ephemeral"}}));
    assert_eq!(other.get("additionalModelRequestFields"), None);
}

#[test]
fn service_tiers() {
    let tier = |name: &str| body(&target(SONNET), json!({"service_tier": name}))["serviceTier"].take();
    assert_eq!(tier("auto"), json!({"type": "default"}));
    assert_eq!(tier("flex"), json!({"type": "flex"}));
    assert_eq!(tier("scale"), Value::Null);
}

#[test]
fn str_30_what_has_to_be_seen_whole_is_not_streamed() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}});
    let url = |model: &str, mut keywords: Value| {
        keywords["stream"] = true.into();
        prepare(&target(model), keywords).unwrap().call.url
    };
    assert_eq!(url(SONNET, json!({})), "https://b.example/model/m/converse-stream");
    assert_eq!(url(SONNET, json!({"response_format": format})), "https://b.example/model/m/converse-stream");
    assert_eq!(url(SONNET_4, json!({"response_format": format})), "https://b.example/model/m/converse");
    assert_eq!(url(LLAMA, json!({"tools": [tool("f")]})), "https://b.example/model/m/converse");
    assert_eq!(url(LLAMA, json!({})), "https://b.example/model/m/converse-stream");
}
