//! Every verb of a row by itself: one test each, on a row that says nothing else.

use ferrolite::error::Kind;
use ferrolite::providers::{self, Provider};
use serde_json::{Value, json};

use crate::support::{Variables, answer, body, keywords, reply, sent};

/// Registers a provider with these lines in its row, and gives its name.
fn provider(name: &str, row: &str, accent: &str) -> String {
    let text = format!(
        "name = \"{name}\"\nauth = \"bearer\"\nwires = {{ chat = \"openai\" }}\n{row}\n[accent]\n{accent}\n"
    );
    providers::register(Provider::parse(&text).unwrap()).unwrap();
    name.to_owned()
}

/// A model of a provider whose row has this accent. Tests have names of their own, as rows are shared.
fn accent(name: &str, accent: &str) -> String {
    format!("{}/m", provider(name, "", accent))
}

fn param(model: &str, more: Value) -> Value {
    body(model, more).unwrap()
}

fn refuses(model: &str, more: Value) -> bool {
    match body(model, more) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), Kind::UnsupportedParams, "{error}");
            true
        }
    }
}

fn tool(name: &str) -> Value {
    json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object", "properties": {} } } })
}

fn messages(model: &str, messages: Value) -> Value {
    param(model, json!({ "messages": messages }))["messages"].clone()
}

#[test]
fn takes_is_the_whole_list() {
    let model = accent("v-takes", r#"takes = ["stop"]"#);
    assert_eq!(param(&model, json!({ "stop": "x" }))["stop"], "x");
    assert!(refuses(&model, json!({ "seed": 1 })));
    assert_eq!(param(&model, json!({ "own": 1 }))["own"], 1, "what is no parameter of OpenAI's goes through");
}

#[test]
fn allow_and_reject_change_the_list() {
    let model = accent("v-allow", "allow = [\"verbosity\"]\nreject = [\"seed\"]");
    assert_eq!(param(&model, json!({ "verbosity": "low" }))["verbosity"], "low");
    assert!(refuses(&model, json!({ "seed": 1 })));
    assert_eq!(param(&model, json!({ "seed": 1, "drop_params": true })).get("seed"), None);
}

#[test]
fn ignore_takes_and_does_not_send() {
    let model = accent("v-ignore", r#"ignore = ["reasoning_effort"]"#);
    assert_eq!(param(&model, json!({ "reasoning_effort": "low" })).get("reasoning_effort"), None);
}

#[test]
fn ignore_if_goes_by_an_ability() {
    let moonshot = |model: &str| param(model, json!({ "temperature": 0.5 })).get("temperature").cloned();
    assert_eq!(moonshot("moonshot/kimi-k2.6"), None, "listed as reasoning");
    assert_eq!(moonshot("moonshot/moonshot-v1-8k"), Some(json!(0.5)));
}

#[test]
fn needs_goes_by_an_ability_and_an_unlisted_model_has_none() {
    let effort = json!({ "reasoning_effort": "low" });
    assert!(!refuses("cerebras/gpt-oss-120b", effort.clone()));
    assert!(refuses("cerebras/unheard-of", effort));
    let tools = json!({ "tools": [tool("f")], "tool_choice": "auto" });
    assert!(refuses("sambanova/unheard-of", tools), "tools speak for what goes with them");
}

#[test]
fn needs_if_listed_lets_unlisted_models_pass() {
    assert!(!refuses("wandb/unheard-of", json!({ "reasoning_effort": "low" })));
    assert!(refuses("wandb/meta-llama/Llama-3.1-8B-Instruct", json!({ "reasoning_effort": "low" })));
}

#[test]
fn unless_lacking_goes_by_what_a_model_is_said_not_to_do() {
    let tools = json!({ "tools": [tool("f")] });
    assert!(!refuses("fireworks_ai/llama-v3p3-70b-instruct", tools.clone()));
    assert!(refuses("fireworks_ai/yi-large", tools));
}

#[test]
fn models_reject_goes_by_a_part_of_the_name() {
    let row = "[accent.models_reject]\nsmall = [\"stop\"]\napply = [\"*\"]";
    provider("v-models", "", row);
    assert!(refuses("v-models/a-small-one", json!({ "stop": "x" })));
    assert!(!refuses("v-models/a-small-one", json!({ "seed": 1 })));
    assert!(refuses("v-models/apply-1", json!({ "seed": 1 })));
    assert!(!refuses("v-models/big", json!({ "stop": "x", "seed": 1 })));
}

#[test]
fn openai_models_have_their_families() {
    let model = provider("v-families", "", "openai_models = true");
    assert!(refuses(&format!("{model}/gpt-5"), json!({ "stop": "x" })));
    assert!(!refuses(&accent("v-no-families", ""), json!({ "stop": "x" })));
    assert!(!refuses("v-no-families/gpt-5", json!({ "stop": "x" })));
}

#[test]
fn gen_03_rename_wins_over_the_other_name() {
    let model =
        accent("v-rename", "rename = { max_completion_tokens = \"max_tokens\", service_tier = \"a.b\" }");
    let body = param(&model, json!({ "max_completion_tokens": 5, "max_tokens": 6, "service_tier": "flex" }));
    assert_eq!((&body["max_tokens"], body.get("max_completion_tokens")), (&json!(5), None));
    assert_eq!((&body["a"], body.get("service_tier")), (&json!({ "b": "flex" }), None));
}

#[test]
fn defaults_are_sent_unless_the_caller_sets_them() {
    let model = accent("v-defaults", "defaults = { usage = { include = true } }");
    assert_eq!(param(&model, json!({}))["usage"], json!({ "include": true }));
    let off = json!({ "include": false });
    assert_eq!(param(&model, json!({ "usage": off }))["usage"], off);
    assert_eq!(param(&model, json!({ "extra_body": { "usage": off } }))["usage"], off);
}

#[test]
fn clamp_moves_numbers_into_a_range() {
    let model = accent("v-clamp", "clamp = { temperature = [0.1, 1.0] }");
    let sent = |value: f64| param(&model, json!({ "temperature": value }))["temperature"].as_f64();
    assert_eq!((sent(0.0), sent(0.5), sent(2.0)), (Some(0.1), Some(0.5), Some(1.0)));
}

#[test]
fn tool_choice_is_left_out_refused_asked_for_or_said_in_another_word() {
    let model = accent(
        "v-choice",
        r#"tool_choice = { auto = "omit", none = "refuse", required = "any", named = "ask" }"#,
    );
    let choice = |choice: Value| json!({ "tools": [tool("f")], "tool_choice": choice });
    assert_eq!(param(&model, choice(json!("auto"))).get("tool_choice"), None);
    assert!(refuses(&model, choice(json!("none"))));
    assert_eq!(param(&model, choice(json!("required")))["tool_choice"], "any");
    let asked = param(&model, choice(json!({ "type": "function", "function": { "name": "f" } })));
    assert_eq!(asked.get("tool_choice"), None);
    assert_eq!(asked["messages"].as_array().unwrap().len(), 2);
    let mut dropped = choice(json!("none"));
    dropped["drop_params"] = json!(true);
    assert_eq!(param(&model, dropped).get("tool_choice"), None);
}

#[test]
fn ort_01_effort_has_other_words() {
    let model = accent("v-effort", "allow = [\"reasoning_effort\"]\neffort = { max = \"xhigh\" }");
    assert_eq!(param(&model, json!({ "reasoning_effort": "max" }))["reasoning_effort"], "xhigh");
    assert_eq!(param(&model, json!({ "reasoning_effort": "low" }))["reasoning_effort"], "low");
}

#[test]
fn rsn_01_switch_turns_thinking_on_and_off() {
    let model = accent("v-switch", "allow = [\"reasoning_effort\", \"thinking\"]\nreasoning = \"switch\"");
    let sent = |more: Value| {
        let body = param(&model, more);
        (body.get("thinking").cloned(), body.get("reasoning_effort").cloned())
    };
    let (on, off) = (json!({ "type": "enabled" }), json!({ "type": "disabled" }));
    assert_eq!(sent(json!({ "reasoning_effort": "none" })), (Some(off.clone()), None));
    assert_eq!(sent(json!({ "reasoning_effort": "high" })), (Some(on.clone()), Some(json!("high"))));
    assert_eq!(sent(json!({ "thinking": { "type": "enabled", "budget_tokens": 9 } })), (Some(on), None));
    assert_eq!(sent(json!({ "thinking": off })), (Some(off), None));
    assert_eq!(sent(json!({})), (None, None));
}

#[test]
fn switch_only_sends_no_effort() {
    let model = accent("v-only", "allow = [\"reasoning_effort\", \"thinking\"]\nreasoning = \"switch_only\"");
    let body = param(&model, json!({ "reasoning_effort": "high" }));
    assert_eq!((&body["thinking"], body.get("reasoning_effort")), (&json!({ "type": "enabled" }), None));
}

#[test]
fn effort_only_turns_budgets_into_efforts() {
    let model =
        accent("v-budgets", "allow = [\"reasoning_effort\", \"thinking\"]\nreasoning = \"effort_only\"");
    let sent =
        |thinking: Value| param(&model, json!({ "thinking": thinking })).get("reasoning_effort").cloned();
    for (budget, effort) in [(500, "minimal"), (1024, "low"), (2048, "medium"), (4096, "high")] {
        assert_eq!(sent(json!({ "type": "enabled", "budget_tokens": budget })), Some(json!(effort)));
    }
    assert_eq!(sent(json!({ "type": "disabled" })), None);
}

#[test]
fn mis_08_listed_takes_the_nearest_effort_or_asks_in_words() {
    let effort = |model: &str, effort: &str| param(model, json!({ "reasoning_effort": effort }));
    for (asked, sent) in [("none", "none"), ("minimal", "high"), ("medium", "high"), ("max", "high")] {
        assert_eq!(effort("mistral/mistral-small-latest", asked)["reasoning_effort"], sent);
    }
    let words = effort("mistral/magistral-medium-latest", "low");
    assert_eq!(words.get("reasoning_effort"), None);
    assert_eq!(words["messages"][0]["role"], "system");
    let own = json!([{ "role": "system", "content": [{ "type": "text", "text": "own" }] }, { "role": "user", "content": "a" }]);
    let both =
        param("mistral/magistral-medium-latest", json!({ "reasoning_effort": "low", "messages": own }));
    assert!(
        both["messages"][0]["content"].as_str().unwrap().ends_with("own"),
        "in front of the caller's own"
    );
}

#[test]
fn budget_leaves_room_for_the_answer() {
    let model = accent("v-room", "allow = [\"reasoning_effort\", \"thinking\"]\nreasoning = \"budget\"");
    let body = param(&model, json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } }));
    assert_eq!(body["max_tokens"], 5120);
    let body = param(&model, json!({ "thinking": { "type": "enabled", "budget_tokens": u64::MAX } }));
    assert_eq!(body["max_tokens"], u64::MAX);
    let body = param("v-room/claude-x", json!({ "reasoning_effort": "low" }));
    assert_eq!(body["thinking"], json!({ "type": "enabled", "budget_tokens": 1024 }));
    assert_eq!(param(&model, json!({ "reasoning_effort": "low" }))["reasoning_effort"], "low");
}

fn schema() -> Value {
    json!({ "type": "json_schema", "json_schema": { "name": "s", "schema": { "type": "object", "title": "T" } } })
}

#[test]
fn grq_03_a_forced_tool_stands_for_a_schema() {
    let model = accent("v-schema-tool", "json_schema = \"tool\"");
    let format = json!({ "response_format": schema() });
    let body = param(&model, format.clone());
    assert_eq!(body["tool_choice"]["function"]["name"], "json_tool_call");
    assert_eq!(body["tools"][0]["function"]["parameters"]["title"], "T");
    assert_eq!(body.get("response_format"), None);
    let call = json!({ "id": "c", "type": "function", "function": { "name": "json_tool_call", "arguments": "{\"a\":1}" } });
    let mut whole = reply(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
    whole["choices"][0]["finish_reason"] = json!("tool_calls");
    let got = answer(&model, format, &whole).unwrap();
    let choice = &got.choices[0];
    assert_eq!(choice.message.content.as_deref(), Some("{\"a\":1}"));
    assert!(choice.message.tool_calls.is_empty());
    assert_eq!(choice.finish_reason.as_str(), "stop");
    let both = json!({ "response_format": schema(), "tools": [tool("f")] });
    assert_eq!(body_error(&model, both), Kind::BadRequest);
}

fn body_error(model: &str, more: Value) -> Kind {
    body(model, more).unwrap_err().kind()
}

#[test]
fn a_schema_may_be_put_into_words() {
    let model = accent("v-schema-words", "json_schema = \"words\"");
    let body = param(&model, json!({ "response_format": schema() }));
    assert_eq!(body["response_format"], json!({ "type": "json_object" }));
    assert!(body["messages"][1]["content"].as_str().unwrap().contains("\"title\": \"T\""));
}

#[test]
fn grq_02_formatted_answers_are_not_streamed() {
    let model = accent("v-whole", "whole_formatted = true");
    let body = param(&model, json!({ "response_format": schema(), "stream": true }));
    assert_eq!(body.get("stream"), None);
    assert_eq!(param(&model, json!({ "stream": true }))["stream"], true);
}

#[test]
fn grq_04_search_is_a_tool() {
    let model = accent("v-search", "search_tool = \"browser_search\"");
    let body = param(&model, json!({ "web_search_options": {}, "tools": [tool("f")] }));
    assert_eq!(body["tools"], json!([tool("f"), { "type": "browser_search" }]));
    assert_eq!(body.get("web_search_options"), None);
}

#[test]
fn mis_03_keys_are_dropped_from_tools() {
    let model = accent("v-tools", r#"drop_from_tools = ["strict", "$schema", "additionalProperties"]"#);
    let parameters = json!({
        "type": "object", "$schema": "x", "additionalProperties": false,
        "properties": {
            "strict": { "type": "string", "strict": true },
            "free": { "type": "object", "additionalProperties": { "type": "string" } },
        },
    });
    let tools = json!([{ "type": "function", "function": { "name": "f", "strict": true, "parameters": parameters } }]);
    let function = &param(&model, json!({ "tools": tools }))["tools"][0]["function"];
    assert_eq!(function.get("strict"), None);
    let known = json!({
        "type": "object",
        "properties": {
            "strict": { "type": "string" },
            "free": { "type": "object", "additionalProperties": { "type": "string" } },
        },
    });
    assert_eq!(
        function["parameters"], known,
        "a property may have any name, and only a closed object is opened"
    );
}

#[test]
fn rsn_03_only_functions_are_tools() {
    let model = accent("v-functions", "only_functions = true");
    let body =
        param(&model, json!({ "tools": [tool("f"), { "type": "web_search" }], "tool_choice": "auto" }));
    assert_eq!((&body["tools"], &body["tool_choice"]), (&json!([tool("f")]), &json!("auto")));
    let body = param(&model, json!({ "tools": [{ "type": "web_search" }], "tool_choice": "auto" }));
    assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
}

#[test]
fn usage_may_be_asked_for_on_every_stream() {
    let model = accent("v-usage", "asks_usage_everywhere = true");
    assert_eq!(param(&model, json!({ "stream": true }))["stream_options"], json!({ "include_usage": true }));
    assert_eq!(param(&model, json!({})).get("stream_options"), None);
}

#[test]
fn lists_become_strings() {
    let parts = |texts: &[&str]| -> Value {
        texts.iter().map(|text| json!({ "type": "text", "text": text })).collect()
    };
    let sent = |model: &str, role: &str, content: Value| {
        let message =
            json!({ "role": role, "content": content, "tool_call_id": (role == "tool").then_some("c") });
        messages(model, json!([message]))[0]["content"].clone()
    };
    let text = accent("v-flatten", "flatten = \"text\"");
    assert_eq!(sent(&text, "user", parts(&["a", "b"])), "ab");
    let image = json!([{ "type": "text", "text": "a" }, { "type": "image_url", "image_url": { "url": "https://x.invalid/y" } }]);
    assert_eq!(sent(&text, "user", image.clone()), image, "an image is not lost");
    let single = accent("v-flatten-single", "flatten = \"single_text\"");
    assert_eq!(sent(&single, "user", parts(&["a"])), "a");
    assert_eq!(sent(&single, "user", parts(&["a", "b"])), parts(&["a", "b"]));
    let assistant = accent("v-flatten-assistant", "flatten = \"assistant\"");
    assert_eq!(sent(&assistant, "assistant", parts(&["a"])), "a");
    assert_eq!(sent(&assistant, "user", parts(&["a"])), parts(&["a"]));
    let results = accent("v-flatten-results", "flatten = \"tool_results\"");
    assert_eq!(sent(&results, "user", parts(&["a"])), parts(&["a"]));
    assert_eq!(sent(&results, "tool", parts(&["a"])), "a");
    assert_eq!(
        sent(&results, "tool", parts(&["a", "b"])),
        json!(r#"[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]"#)
    );
}

#[test]
fn ort_03_marks_are_sent_to_some_models_and_stand_on_parts() {
    provider("v-marks", "", "cache_control_models = [\"claude\"]\ncache_control_in_parts = true");
    let marked = json!([{ "role": "user", "content": "a", "cache_control": { "type": "ephemeral" } }]);
    let part = json!([{ "type": "text", "text": "a", "cache_control": { "type": "ephemeral" } }]);
    assert_eq!(messages("v-marks/claude-x", marked.clone())[0], json!({ "role": "user", "content": part }));
    assert_eq!(messages("v-marks/other", marked)[0]["content"], json!([{ "type": "text", "text": "a" }]));
    let kept = accent("v-marks-kept", "keeps_cache_control = true");
    assert_eq!(messages(&kept, json!([{ "role": "user", "content": part }]))[0]["content"], part);
}

#[test]
fn developers_may_stay_developers() {
    let developer = json!([{ "role": "developer", "content": "a" }]);
    assert_eq!(
        messages(&accent("v-developer", "keeps_developer = true"), developer.clone())[0]["role"],
        "developer"
    );
    assert_eq!(messages(&accent("v-system", ""), developer)[0]["role"], "system");
}

#[test]
fn gen_22_names_are_kept_for_some_roles() {
    let model = accent("v-names", "keeps_names = [\"tool\"]");
    let sent = messages(
        &model,
        json!([
            { "role": "user", "name": "ada", "content": "a" },
            { "role": "tool", "name": "f", "tool_call_id": "c", "content": "b" },
        ]),
    );
    assert_eq!((sent[0].get("name"), &sent[1]["name"]), (None, &json!("f")));
}

#[test]
fn mis_04_empty_messages_are_left_out() {
    let model = accent("v-empty", "drops_empty = true");
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let sent = messages(
        &model,
        json!([
            { "role": "user", "content": "a" },
            { "role": "assistant", "content": "" },
            { "role": "assistant", "content": null, "tool_calls": [call] },
            { "role": "tool", "tool_call_id": "c", "content": "" },
        ]),
    );
    let roles: Vec<&str> =
        sent.as_array().unwrap().iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool"]);
}

#[test]
fn mis_06_files_are_bare_ids() {
    let model = accent("v-files", "bare_file_ids = true");
    let file = json!([{ "role": "user", "content": [{ "type": "file", "file": { "file_id": "f1" } }] }]);
    assert_eq!(messages(&model, file)[0]["content"], json!([{ "type": "file", "file_id": "f1" }]));
}

#[test]
fn systems_are_joined() {
    let model = accent("v-systems", "joins_systems = true");
    let sent = messages(
        &model,
        json!([
            { "role": "system", "content": "a" },
            { "role": "system", "content": "b" },
            { "role": "user", "content": "c" },
            { "role": "system", "content": "d" },
        ]),
    );
    let known = json!([
        { "role": "system", "content": "a\n\nb" },
        { "role": "user", "content": "c" },
        { "role": "system", "content": "d" },
    ]);
    assert_eq!(sent, known);
}

#[test]
fn calls_are_split() {
    let model = accent("v-split", "splits_calls = true");
    let call =
        |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let result = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": id });
    let sent = messages(
        &model,
        json!([
            { "role": "assistant", "content": "look", "tool_calls": [call("a"), call("b")] },
            result("b"), result("a"),
            { "role": "user", "content": "so" },
        ]),
    );
    let known = json!([
        { "role": "assistant", "content": "look", "tool_calls": [call("a")] },
        result("a"),
        { "role": "assistant", "tool_calls": [call("b")] },
        result("b"),
        { "role": "user", "content": "so" },
    ]);
    assert_eq!(sent, known);
}

fn reasoned() -> Value {
    json!([
        { "role": "user", "content": "a" },
        { "role": "assistant", "content": "b", "reasoning_content": "r" },
        { "role": "user", "content": "c" },
    ])
}

#[test]
fn past_reasoning_may_be_dropped() {
    let model = accent("v-past", "past_reasoning = \"drop\"");
    assert_eq!(messages(&model, reasoned())[1], json!({ "role": "assistant", "content": "b" }));
}

#[test]
fn mis_09_past_reasoning_may_be_chunks_for_models_that_reason() {
    let chunks = json!([
        { "type": "thinking", "thinking": [{ "type": "text", "text": "r" }], "closed": true },
        { "type": "text", "text": "b" },
    ]);
    assert_eq!(messages("mistral/mistral-small-latest", reasoned())[1]["content"], chunks);
    let plain = json!({ "role": "assistant", "content": "b" });
    assert_eq!(messages("mistral/unheard-of", reasoned())[1], plain);
}

#[test]
fn rsn_02_past_reasoning_may_be_required() {
    let model =
        accent("v-required", "allow = [\"thinking\"]\nreasoning = \"switch\"\npast_reasoning = \"required\"");
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let history = |message: Value| json!([{ "role": "user", "content": "a" }, message, { "role": "tool", "tool_call_id": "c", "content": "x" }]);
    let bare = history(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
    let kept = history(json!({
        "role": "assistant", "content": null, "tool_calls": [call], "provider_specific_fields": { "reasoning_content": "r" },
    }));
    let sent = |messages: &Value, kind: &str| {
        let body = param(&model, json!({ "messages": messages, "thinking": { "type": kind } }));
        body["messages"][1].get("reasoning_content").cloned()
    };
    assert_eq!(sent(&bare, "enabled"), Some(json!(" ")));
    assert_eq!(sent(&kept, "enabled"), Some(json!("r")));
    assert_eq!(sent(&reasoned(), "disabled"), None);
}

#[test]
fn mis_02_ids_of_tool_calls_are_repaired_alike() {
    let model = accent("v-ids", "tool_id_length = 9");
    let conversation = |id: &str| {
        let call = json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
        json!([
            { "role": "assistant", "content": null, "tool_calls": [call] },
            { "role": "tool", "tool_call_id": id, "content": "x" },
        ])
    };
    let ids = |id: &str, repair: bool| {
        let body = param(&model, json!({ "messages": conversation(id), "modify_params": repair }));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&body["messages"][0]["tool_calls"][0]["id"]), text(&body["messages"][1]["tool_call_id"]))
    };
    let (call, result) = ids("call_0123456789abcdef", true);
    assert_eq!(call, result);
    assert!(call.len() == 9 && call.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(ids("D681PevKs", true).0, "D681PevKs", "one that fits stays");
    assert_eq!(ids("call_1", false).0, "call_1", "nothing is repaired unasked (GEN-14)");
}

#[test]
fn models_are_named_three_ways() {
    let named = |name: &str, verb: &str| {
        answer(&accent(name, verb), json!({}), &reply(json!({ "role": "assistant", "content": "x" })))
            .unwrap()
            .model
    };
    assert_eq!(named("v-prefixed", ""), "v-prefixed/m");
    let reply_model = json!({ "id": "x", "model": "other", "choices": [] });
    let other = |name: &str, verb: &str| answer(&accent(name, verb), json!({}), &reply_model).unwrap().model;
    assert_eq!(other("v-reply", "model = \"reply\""), "other");
    assert_eq!(other("v-requested", "model = \"requested\""), "v-requested/m");
}

#[test]
fn rsn_10_think_tags_may_stay() {
    let tagged = reply(json!({ "role": "assistant", "content": "<think>a</think>b" }));
    let content = |model: &str| answer(model, json!({}), &tagged).unwrap().choices[0].message.content.clone();
    assert_eq!(content(&accent("v-tags", "keeps_think_tags = true")).as_deref(), Some("<think>a</think>b"));
    assert_eq!(content(&accent("v-no-tags", "")).as_deref(), Some("b"));
}

#[test]
fn rsn_05_a_reasoning_field_has_both_names() {
    let model = accent("v-field", "keeps_reasoning_field = true");
    let got =
        answer(&model, json!({}), &reply(json!({ "role": "assistant", "content": "x", "reasoning": "r" })))
            .unwrap();
    let message = &got.choices[0].message;
    assert_eq!(message.reasoning_content.as_deref(), Some("r"));
    assert_eq!(message.extra["reasoning"], "r");
    assert!(!message.provider_fields.contains_key("reasoning"));
}

#[test]
fn unknown_service_tiers_are_auto() {
    let model = accent("v-tiers", r#"known_service_tiers = ["auto", "flex"]"#);
    let tier = |tier: &str| {
        let mut whole = reply(json!({ "role": "assistant", "content": "x" }));
        whole["service_tier"] = json!(tier);
        answer(&model, json!({}), &whole).unwrap().extra["service_tier"].clone()
    };
    assert_eq!((tier("on_demand"), tier("flex")), (json!("auto"), json!("flex")));
}

#[test]
fn mis_07_content_lists_are_text_and_thinking() {
    let content = json!([
        { "type": "thinking", "thinking": [{ "type": "text", "text": "a" }] },
        { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "b", "signature": "s" }] },
        { "type": "text", "text": "c" },
    ]);
    let got =
        answer(&accent("v-lists", ""), json!({}), &reply(json!({ "role": "assistant", "content": content })))
            .unwrap();
    let message = &got.choices[0].message;
    assert_eq!((message.content.as_deref(), message.reasoning_content.as_deref()), (Some("c"), Some("ab")));
    assert_eq!(message.thinking_blocks, [json!({ "type": "thinking", "thinking": "b", "signature": "s" })]);
}

#[test]
fn a_base_ends_as_the_row_says() {
    provider("v-end", "base = \"https://a.invalid/v1\"\nbase_end = \"/v1\"", "");
    let url = |base: Value| {
        sent(keywords("v-end/m", json!({ "api_base": base })), &Variables::default()).unwrap().url
    };
    for base in [
        json!(null),
        json!("https://a.invalid"),
        json!("https://a.invalid/v1/"),
        json!("https://a.invalid/v1/chat/completions"),
    ] {
        assert_eq!(url(base), "https://a.invalid/v1/chat/completions");
    }
}

#[test]
fn names_in_braces_are_filled_in() {
    let row = "base = \"https://{region}.a.invalid\"\nvars = { region = { env = [\"ZQ_REGION\"] } }";
    provider("v-vars", row, "");
    let url = |variables: &Variables| {
        sent(keywords("v-vars/m", json!({ "api_base": null })), variables).map(|sent| sent.url)
    };
    let set = Variables::default().with("ZQ_REGION", "eu");
    assert_eq!(url(&set).unwrap(), "https://eu.a.invalid/chat/completions");
    let error = url(&Variables::default()).unwrap_err();
    assert!(error.message().contains("ZQ_REGION") && error.message().contains("api_base"), "{error}");
}

#[test]
fn a_row_with_an_unknown_verb_is_refused() {
    let text = "name = \"x\"\nauth = \"bearer\"\nwires = { chat = \"openai\" }\n[accent]\nnonsense = true\n";
    assert_eq!(Provider::parse(text).unwrap_err().kind(), Kind::Config);
    let text = "name = \"x\"\nauth = \"bearer\"\nbase = \"https://{y}\"\nwires = { chat = \"openai\" }\n";
    assert_eq!(Provider::parse(text).unwrap_err().kind(), Kind::Config, "nothing says what y is");
}
