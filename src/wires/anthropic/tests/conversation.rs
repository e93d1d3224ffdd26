//! Turns: who speaks, in which order, and what is repaired or refused.

use serde_json::{Value, json};

use super::{OPUS, SONNET, body, dropping, refused, repairing, target, text, turns, user};
use crate::error::Kind;

const NOTE: &str = "Operator note (not from the user): the following was originally a mid-conversation system-role reminder.";
const EMPTY: &str = "[System: Empty message content sanitised to satisfy protocol]";

fn assistant(content: impl Into<Value>) -> Value {
    json!({"role": "assistant", "content": content.into()})
}

fn system(content: impl Into<Value>) -> Value {
    json!({"role": "system", "content": content.into()})
}

fn calling(ids: &[&str]) -> Value {
    let calls: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}))
        .collect();
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

fn result(id: &str, content: impl Into<Value>) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content.into()})
}

fn used(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "f", "input": {"x": 1}})
}

fn given(id: &str, content: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

fn said(role: &str, blocks: Value) -> Value {
    json!({"role": role, "content": blocks})
}

#[test]
fn ant_02_leading_system_messages_are_lifted_out() {
    let messages = json!([
        system("a"),
        {"role": "developer", "content": [{"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}]},
        user("q"),
    ]);
    let body = body(&target(SONNET), json!({"messages": messages}));
    let marked = json!({"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}});
    assert_eq!(body["system"], json!([text("a"), marked]));
    assert_eq!(body["messages"], json!([said("user", json!([text("q")]))]));
}

#[test]
fn ant_02_a_late_system_message_becomes_the_users_text() {
    let turns = turns(&target(SONNET), json!([user("a"), assistant("b"), system("s"), user("c")]));
    assert_eq!(turns[2], said("user", json!([text(NOTE), text("s"), text("c")])));
}

#[test]
fn ant_02_a_late_system_message_stays_where_the_model_allows_it() {
    let messages = json!([user("a"), system("s"), user("b"), assistant("c"), system("t"), assistant("d")]);
    assert_eq!(
        turns(&target(OPUS), messages),
        json!([
            said("user", json!([text("a"), text("b")])),
            said("system", json!([text("s")])),
            said("assistant", json!([text("c")])),
            said("user", json!([text(NOTE), text("t")])),
            said("assistant", json!([text("d")])),
        ])
    );
}

#[test]
fn ant_03_empty_system_text_is_skipped() {
    let system = json!([{"type": "text", "text": ""}, {"type": "text", "text": "a"}]);
    let messages =
        json!([{"role": "system", "content": ""}, {"role": "system", "content": system}, user("q")]);
    assert_eq!(body(&target(SONNET), json!({"messages": messages}))["system"], json!([text("a")]));
    let messages = json!([{"role": "system", "content": ""}, user("q")]);
    assert!(body(&target(SONNET), json!({"messages": messages})).get("system").is_none());
}

#[test]
fn ant_04_empty_text_is_replaced() {
    for content in [json!(""), json!("  "), Value::Null, json!([]), json!([{"type": "text", "text": " "}])] {
        let turns = turns(&target(SONNET), json!([user(content)]));
        assert_eq!(turns, json!([said("user", json!([text(EMPTY)]))]));
    }
    let turns = turns(&target(SONNET), json!([user("a"), assistant(""), user("b")]));
    assert_eq!(turns[1], said("assistant", json!([text(EMPTY)])));
}

#[test]
fn ant_04_empty_text_beside_a_call_is_dropped() {
    let mut message = calling(&["1"]);
    message["content"] = json!([{"type": "text", "text": ""}]);
    let turns = turns(&target(SONNET), json!([user("a"), message, result("1", "r")]));
    assert_eq!(turns[1], said("assistant", json!([used("1")])));
}

#[test]
fn ant_05_somebody_has_to_speak() {
    let error = refused(&target(SONNET), json!({"messages": [system("s")]}));
    assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::BadRequest, Some("messages")));
    assert!(error.message().contains("modify_params"));
    let repaired = turns(&repairing(SONNET), json!([system("s")]));
    assert_eq!(repaired, json!([said("user", json!([text("Please continue.")]))]));
}

#[test]
fn ant_06_a_prefill_ends_without_space() {
    let spaced = turns(&target(SONNET), json!([user("a"), assistant("hello \n")]));
    assert_eq!(spaced[1], said("assistant", json!([text("hello")])));
    let inner = turns(&target(SONNET), json!([user("a"), assistant("hello "), user("b")]));
    assert_eq!(inner[1], said("assistant", json!([text("hello ")])));
}

#[test]
fn ant_07_tool_results_come_first() {
    let messages = json!([
        user("a"),
        calling(&["1", "2"]),
        user("hm"),
        result("2", "r2"),
        result("1", "r1"),
        user("so?")
    ]);
    assert_eq!(
        turns(&target(SONNET), messages)[2],
        said("user", json!([given("2", "r2"), given("1", "r1"), text("hm"), text("so?")]))
    );
}

#[test]
fn gen_12_turns_of_one_role_are_merged() {
    let turns =
        turns(&target(SONNET), json!([user("a"), user("b"), assistant("c"), assistant("d"), user("e")]));
    assert_eq!(
        turns,
        json!([
            said("user", json!([text("a"), text("b")])),
            said("assistant", json!([text("c"), text("d")])),
            said("user", json!([text("e")])),
        ])
    );
}

#[test]
fn ant_08_ids_keep_to_the_alphabet() {
    let sent = |id: &str| turns(&target(SONNET), json!([user("a"), calling(&[id]), result(id, "r")]));
    for (id, wanted) in
        [("a.b:c", "a_b_c"), ("", "tool_use_id"), ("call_1__thought__x==", "call_1"), ("ok-1", "ok-1")]
    {
        let turns = sent(id);
        assert_eq!(turns[1]["content"][0]["id"], wanted);
        assert_eq!(turns[2]["content"][0]["tool_use_id"], wanted);
    }
}

#[test]
fn ant_09_a_call_is_sent_once() {
    let turns =
        turns(&target(SONNET), json!([user("a"), calling(&["1"]), calling(&["1"]), result("1", "r")]));
    assert_eq!(turns[1], said("assistant", json!([used("1")])));
}

#[test]
fn ant_17_thinking_is_replayed_first_and_untouched() {
    let thinking = json!({"type": "thinking", "thinking": "hm\u{e9}", "signature": "c2ln"});
    let redacted = json!({"type": "redacted_thinking", "data": "EmwK"});
    let mut message = calling(&["1"]);
    message["content"] = "Let me look.".into();
    let mut streamed = thinking.clone();
    streamed["index"] = 0.into();
    message["thinking_blocks"] = json!([streamed, redacted]);
    let turns = turns(&target(SONNET), json!([user("a"), message, result("1", "r")]));
    assert_eq!(turns[1], said("assistant", json!([thinking, redacted, text("Let me look."), used("1")])));
}

#[test]
fn ant_18_thinking_and_server_tools_take_turns() {
    let thinking = |n: u32| json!({"type": "thinking", "thinking": format!("t{n}"), "signature": "s"});
    let found = |id: &str| json!({"type": "web_search_tool_result", "tool_use_id": id, "content": []});
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let message = json!({
        "role": "assistant", "content": "So.",
        "thinking_blocks": [thinking(1), thinking(2), thinking(3)],
        "tool_calls": [call("srvtoolu_1", "web_search"), call("srvtoolu_2", "web_search"), call("toolu_3", "f")],
        "provider_specific_fields": {"web_search_results": [found("srvtoolu_2"), found("srvtoolu_1")]},
    });
    let turns = turns(&target(SONNET), json!([user("a"), message, result("toolu_3", "r")]));
    let server = |id: &str| json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {}});
    assert_eq!(
        turns[1],
        said(
            "assistant",
            json!([
                thinking(1), server("srvtoolu_1"), found("srvtoolu_1"),
                thinking(2), server("srvtoolu_2"), found("srvtoolu_2"),
                thinking(3), text("So."),
                {"type": "tool_use", "id": "toolu_3", "name": "f", "input": {}},
            ])
        )
    );
}

#[test]
fn ant_21_unsigned_thinking_stays_here() {
    for signature in [Value::Null, "".into()] {
        let blocks = json!([{"type": "thinking", "thinking": "t", "signature": signature}]);
        let message =
            json!({"role": "assistant", "content": "x", "thinking_blocks": blocks, "reasoning_content": "t"});
        let turns = turns(&target(SONNET), json!([user("a"), message, user("b")]));
        assert_eq!(turns[1], said("assistant", json!([text("x")])));
    }
}

#[test]
fn ant_34_results_of_server_tools_go_back() {
    let call = json!({"id": "srvtoolu_1", "type": "function", "function": {"name": "web_search", "arguments": "{\"query\":\"q\"}"}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []});
    let message = |fields: Value| json!({"role": "assistant", "content": "x", "tool_calls": [call], "provider_specific_fields": fields});
    let sent =
        |fields: Value| turns(&target(SONNET), json!([user("a"), message(fields), user("b")]))[1].clone();
    let used =
        json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}});
    for key in ["web_search_results", "tool_results"] {
        assert_eq!(sent(json!({key: [found]})), said("assistant", json!([text("x"), used, found])));
    }
    assert_eq!(sent(json!({})), said("assistant", json!([text("x")])), "a call without its result");
}

#[test]
fn gen_14_a_repaired_conversation() {
    let none = "[System: Tool execution skipped/interrupted by user. No result provided for tool 'f'.]";
    let messages = json!([
        user("a"),
        calling(&["1", "2"]),
        result("1", "old"),
        result("zz", "r"),
        result("1", "new"),
        user("b")
    ]);
    assert_eq!(
        turns(&repairing(SONNET), messages)[2],
        said("user", json!([given("1", "new"), given("2", none), text("b")]))
    );
    let open_end = turns(&repairing(SONNET), json!([user("a"), calling(&["1"])]));
    assert_eq!(open_end[2], said("user", json!([given("1", none)])));
}

#[test]
fn gen_15_unpaired_calls_are_named() {
    let unanswered = json!([user("a"), calling(&["1", "two"]), result("1", "r"), user("b")]);
    let open_end = json!([user("a"), calling(&["two"])]);
    let orphan = json!([user("a"), assistant("b"), result("two", "r")]);
    for messages in [unanswered, open_end, orphan] {
        let error = refused(&target(SONNET), json!({"messages": messages}));
        assert_eq!(error.kind(), Kind::BadRequest);
        assert!(error.message().contains("'two'"), "{error}");
    }
}

#[test]
fn gen_15_blocks_of_the_provider_pair_with_calls() {
    let native = json!([user("a"), calling(&["1"]), user(json!([given("1", "r"), text("b")]))]);
    assert_eq!(turns(&target(SONNET), native)[2], said("user", json!([given("1", "r"), text("b")])));
    let native = json!([user("a"), assistant(json!([used("1")])), result("1", "r")]);
    assert_eq!(turns(&target(SONNET), native)[1], said("assistant", json!([used("1")])));
}

#[test]
fn gen_16_empty_arguments_are_an_empty_object() {
    for arguments in [json!(""), json!("null"), json!({})] {
        let message = json!({"role": "assistant", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}]});
        let turns = turns(&target(SONNET), json!([user("a"), message, result("1", "r")]));
        assert_eq!(turns[1]["content"][0]["input"], json!({}));
    }
}

#[test]
fn gen_17_broken_arguments_are_named() {
    for arguments in ["{bad", "[1]"] {
        let message = json!({"role": "assistant", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}]});
        let error = refused(&target(SONNET), json!({"messages": [user("a"), message, result("1", "r")]}));
        assert!(error.message().contains("'f'"), "{error}");
        assert_eq!(error.facts().param.as_deref(), Some("messages[1].tool_calls[0].function.arguments"));
    }
}

#[test]
fn gen_18_no_result_is_an_empty_text() {
    let turns = turns(&target(SONNET), json!([user("a"), calling(&["1"]), result("1", Value::Null)]));
    assert_eq!(turns[2], said("user", json!([given("1", "")])));
}

#[test]
fn gen_22_names_are_not_sent() {
    let turns = turns(&target(SONNET), json!([{"role": "user", "content": "a", "name": "bob"}]));
    assert_eq!(turns, json!([said("user", json!([text("a")]))]));
}

#[test]
fn ami_06_a_failed_tool_says_so() {
    let mut failed = result("1", "r");
    failed["is_error"] = true.into();
    let turns = turns(&target(SONNET), json!([user("a"), calling(&["1"]), failed]));
    assert_eq!(turns[2]["content"][0]["is_error"], true);
}

#[test]
fn the_old_way_of_calling_has_ids_too() {
    let messages = json!([
        user("a"),
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "r"},
    ]);
    let turns = turns(&target(SONNET), messages);
    assert_eq!(turns[1]["content"][0]["id"], turns[2]["content"][0]["tool_use_id"]);
}

#[test]
fn ant_27_marks_stand_on_messages_parts_calls_and_results() {
    let mark = json!({"type": "ephemeral"});
    let with_mark = |mut value: Value| {
        value["cache_control"] = mark.clone();
        value
    };
    let mut calls = calling(&["1"]);
    calls["tool_calls"][0]["cache_control"] = mark.clone();
    let messages = json!([
        with_mark(system("s")),
        with_mark(user(json!([text("a"), text("b")]))),
        calls,
        with_mark(result("1", "r")),
        with_mark(assistant("x")),
        user(json!([{"type": "text", "text": "c", "cache_control": null}])),
    ]);
    let body = body(&target(SONNET), json!({"messages": messages}));
    assert_eq!(body["system"], json!([with_mark(text("s"))]));
    let content = |turn: usize| body["messages"][turn]["content"].clone();
    assert_eq!(content(0), json!([text("a"), with_mark(text("b"))]));
    assert_eq!(content(1), json!([with_mark(used("1"))]));
    assert_eq!(content(2), json!([with_mark(given("1", "r"))]));
    assert_eq!(content(3), json!([with_mark(text("x"))]));
    assert_eq!(content(4), json!([text("c")]));
}

#[test]
fn ant_27_never_on_thinking() {
    let message = json!({
        "role": "assistant", "content": null, "cache_control": {"type": "ephemeral"},
        "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}],
    });
    let turns = turns(&target(SONNET), json!([user("a"), message, user("b")]));
    assert!(turns[1]["content"][0].get("cache_control").is_none());
}

#[test]
fn ant_27_four_marks_at_most() {
    let mark = |name: &str| json!({"type": "text", "text": name, "cache_control": {"type": "ephemeral"}});
    let keywords = json!({
        "messages": [system(json!([mark("s")])), user(json!([mark("1"), mark("2"), mark("3")]))],
        "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}],
    });
    let marks = |body: &Value| body.to_string().matches("cache_control").count();
    assert_eq!(marks(&body(&target(SONNET), keywords.clone())), 5, "the provider answers");
    let trimmed = body(&dropping(SONNET), keywords);
    assert_eq!(marks(&trimmed), 4);
    assert!(trimmed["system"][0].get("cache_control").is_none(), "the earliest goes");
    assert!(trimmed["tools"][0].get("cache_control").is_some());
}

#[test]
fn a_strange_role_is_named() {
    let error = refused(&target(SONNET), json!({"messages": [{"role": "weird", "content": "a"}]}));
    assert_eq!(error.facts().param.as_deref(), Some("messages[0].role"));
}
