//! Tools, their names and schemas, and the choice among them.

use serde_json::{Value, json};

use super::{OPUS, SONNET, answer, body, decode_with, dropping, prepare, refused, target, user};
use crate::error::Kind;

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

fn with_tools(tools: Value) -> Value {
    body(&target(SONNET), json!({"messages": [user("q")], "tools": tools}))["tools"].clone()
}

fn choice(keywords: Value) -> Value {
    let mut all = json!({"messages": [user("q")], "tools": [function("f")]});
    all.as_object_mut().unwrap().extend(keywords.as_object().unwrap().clone());
    body(&target(SONNET), all).get("tool_choice").cloned().unwrap_or_default()
}

#[test]
fn ant_10_names_keep_to_the_pattern() {
    let name = |name: &str| with_tools(json!([function(name)]))[0]["name"].clone();
    assert_eq!(name("get_weather"), "get_weather");
    assert_eq!(name("get weather!"), "get_weather_");
    assert_eq!(name("ünï"), "_n_");
    assert_eq!(name(&"a".repeat(130)), "a".repeat(128));
}

#[test]
fn gen_19_rewritten_names_are_unique_and_come_back() {
    let keywords = json!({"messages": [user("q")], "tools": [
        function("a.b"), function("a_b"), function("a:b"), function(&"x".repeat(129)), function(&"x".repeat(130))]});
    let prepared = prepare(&target(SONNET), keywords).unwrap();
    let body: Value = serde_json::from_slice(&prepared.call.body).unwrap();
    let names: Vec<&str> =
        body["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let long = format!("{}_2", "x".repeat(126));
    assert_eq!(names, ["a_b_2", "a_b", "a_b_3", &"x".repeat(128), &long]);
    let content = json!([
        {"type": "tool_use", "id": "1", "name": "a_b_2", "input": {}},
        {"type": "tool_use", "id": "2", "name": "a_b", "input": {}},
    ]);
    let calls = &decode_with(&answer(content), &prepared.memo).choices[0].message.tool_calls;
    let names: Vec<_> = calls.iter().map(|call| call.function.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["a.b", "a_b"]);
}

#[test]
fn gen_20_history_and_choice_use_the_same_names() {
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let body = body(
        &target(SONNET),
        json!({
            "messages": [
                user("q"),
                {"role": "assistant", "tool_calls": [call("1", "a.b"), call("2", "gone.now")]},
                {"role": "tool", "tool_call_id": "1", "content": "r"},
                {"role": "tool", "tool_call_id": "2", "content": "r"},
            ],
            "tools": [function("a_b"), function("a.b")],
            "tool_choice": {"type": "function", "function": {"name": "a.b"}},
        }),
    );
    assert_eq!(body["messages"][1]["content"][0]["name"], "a_b_2");
    assert_eq!(body["messages"][1]["content"][1]["name"], "gone_now");
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "a_b_2"}));
}

#[test]
fn gen_21_a_history_with_calls_needs_tools() {
    let messages = json!([
        user("q"),
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ]);
    let body = body(&target(SONNET), json!({"messages": messages}));
    assert_eq!(body["tools"][0]["name"], "dummy_tool");
}

#[test]
fn ant_11_choices() {
    let pick = |value: Value| choice(json!({"tool_choice": value}));
    assert_eq!(pick("auto".into()), json!({"type": "auto"}));
    assert_eq!(pick("required".into()), json!({"type": "any"}));
    assert_eq!(pick("none".into()), json!({"type": "none"}));
    let named = json!({"type": "tool", "name": "f"});
    assert_eq!(pick(json!({"type": "function", "function": {"name": "f"}})), named);
    assert_eq!(pick(json!({"type": "function", "name": "f"})), named);
    assert_eq!(pick(named.clone()), named);
    assert_eq!(pick(json!({"type": "any"})), json!({"type": "any"}));
    let keywords =
        json!({"messages": [user("q")], "tools": [function("f")], "tool_choice": {"type": "weird"}});
    assert_eq!(refused(&target(SONNET), keywords).facts().param.as_deref(), Some("tool_choice"));
}

#[test]
fn ant_12_parallel_calls_are_part_of_the_choice() {
    assert_eq!(
        choice(json!({"parallel_tool_calls": false})),
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    assert_eq!(
        choice(json!({"parallel_tool_calls": true, "tool_choice": "required"})),
        json!({"type": "any", "disable_parallel_tool_use": false})
    );
    assert_eq!(choice(json!({"parallel_tool_calls": false, "tool_choice": "none"})), json!({"type": "none"}));
}

#[test]
fn models_that_cannot_be_forced() {
    let keywords = json!({"messages": [user("q")], "tools": [function("f")], "tool_choice": "required"});
    assert_eq!(refused(&target("claude-sonnet-5-5"), keywords.clone()).kind(), Kind::UnsupportedParams);
    assert_eq!(
        body(&dropping("claude-sonnet-5-5"), keywords.clone())["tool_choice"],
        json!({"type": "auto"})
    );
    assert_eq!(body(&target(OPUS), keywords)["tool_choice"], json!({"type": "any"}));
}

#[test]
fn ant_31_a_tools_schema_is_an_object() {
    let schema = |parameters: Value| {
        with_tools(json!([{"type": "function", "function": {"name": "f", "parameters": parameters}}]))[0]["input_schema"].clone()
    };
    let empty = json!({"type": "object", "properties": {}});
    for parameters in
        [Value::Null, json!({}), json!({"type": "string"}), json!({"anyOf": [{"type": "object"}]})]
    {
        assert_eq!(schema(parameters), empty);
    }
    assert_eq!(
        schema(
            json!({"$schema": "x", "title": "T", "properties": {"a": {"title": "A", "type": "string"}}, "required": ["a"]})
        ),
        json!({"type": "object", "properties": {"a": {"title": "A", "type": "string"}}, "required": ["a"]})
    );
    let defined = json!({"type": "object", "properties": {"a": {"$ref": "#/definitions/n"}}, "definitions": {"n": {"type": "string"}}});
    assert_eq!(schema(defined.clone()), defined);
    let strict = json!([{"type": "function", "function": {"name": "f", "strict": true}}]);
    assert!(with_tools(strict)[0].get("strict").is_none());
}

#[test]
fn ant_27_a_tool_keeps_its_mark_and_other_known_keys() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let tools = with_tools(json!([{
        "type": "function", "cache_control": mark, "defer_loading": true, "foo": 1,
        "function": {"name": "f", "description": "d", "input_examples": [{"a": 1}], "cache_control": {"type": "ephemeral"}},
    }]));
    assert_eq!(
        tools[0],
        json!({
            "name": "f", "input_schema": {"type": "object", "properties": {}}, "type": "custom", "description": "d",
            "cache_control": mark, "defer_loading": true, "input_examples": [{"a": 1}],
        })
    );
}

#[test]
fn tools_of_the_provider_pass() {
    let own = json!([
        {"type": "bash_20250124", "name": "bash"},
        {"name": "f", "description": "d", "input_schema": {"type": "object"}},
        {"type": "computer_20250124", "name": "computer", "display_width_px": 1, "display_height_px": 2},
    ]);
    assert_eq!(with_tools(own.clone()), own);
    let as_function = json!([{"type": "computer_20250124", "function": {"name": "computer", "parameters": {"display_width_px": 1}}}]);
    assert_eq!(
        with_tools(as_function),
        json!([{"type": "computer_20250124", "name": "computer", "display_width_px": 1}])
    );
}

#[test]
fn mcp_servers_have_a_place_of_their_own() {
    let tool = json!({
        "type": "mcp", "server_label": "l", "server_url": "https://m", "require_approval": "never",
        "allowed_tools": ["a"], "headers": {"authorization": "Bearer t"},
    });
    let body = body(&target(SONNET), json!({"messages": [user("q")], "tools": [tool]}));
    assert_eq!(body["tools"], json!([]));
    assert_eq!(
        body["mcp_servers"],
        json!([{"type": "url", "url": "https://m", "name": "l", "tool_configuration": {"allowed_tools": ["a"]}, "authorization_token": "t"}])
    );
}

#[test]
fn ant_30_web_search() {
    let search = |options: Value| {
        body(&target(SONNET), json!({"messages": [user("q")], "web_search_options": options}))["tools"][0]
            .clone()
    };
    let plain = json!({"type": "web_search_20250305", "name": "web_search"});
    assert_eq!(search(json!({})), plain);
    let options = json!({
        "search_context_size": "medium",
        "user_location": {"type": "approximate", "approximate": {"city": "Oslo", "country": "NO"}},
    });
    assert_eq!(
        search(options),
        json!({
            "type": "web_search_20250305", "name": "web_search",
            "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"}, "max_uses": 5,
        })
    );
    let keywords = json!({"messages": [user("q")], "web_search_options": {"search_context_size": "huge"}});
    assert_eq!(refused(&target(SONNET), keywords).kind(), Kind::BadRequest);
}
