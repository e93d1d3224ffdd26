//! Every verb of a row by itself: one test each, on a row that says nothing else.

use ferrolite::error::Kind;
use ferrolite::providers::Provider;
use serde_json::{Value, json};

use crate::support::{accent, answer, body, param, provider, reply};

fn tool(name: &str) -> Value {
    json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object", "properties": {} } } })
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
fn a_row_with_an_unknown_verb_is_refused() {
    let text = "name = \"x\"\nauth = \"bearer\"\nwires = { chat = \"openai\" }\n[accent]\nnonsense = true\n";
    assert_eq!(Provider::parse(text).unwrap_err().kind(), Kind::Config);
    let text = "name = \"x\"\nauth = \"bearer\"\nbase = \"https://{y}\"\nwires = { chat = \"openai\" }\n";
    assert_eq!(Provider::parse(text).unwrap_err().kind(), Kind::Config, "nothing says what y is");
}
