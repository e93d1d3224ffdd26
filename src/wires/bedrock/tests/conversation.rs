//! Turns: who speaks when, what comes first.

use serde_json::json;

use super::*;
use crate::error::Kind;

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}})
}

fn call_block(id: &str) -> Value {
    json!({"toolUse": {"input": {"a": 1}, "name": "f", "toolUseId": id}})
}

fn result(id: &str, text: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": text})
}

fn result_block(id: &str, text: &str) -> Value {
    json!({"toolResult": {"content": [{"text": text}], "toolUseId": id}})
}

#[test]
fn bed_07_thinking_then_words_then_calls() {
    let mut marked = call("c1");
    marked["cache_control"] = json!({"type": "ephemeral"});
    let sent = turns(
        &target(SONNET),
        json!([
            {"role": "user", "content": "x"},
            {
                "role": "assistant", "content": "said", "tool_calls": [marked],
                "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}],
            },
            result("c1", "r"),
        ]),
    );
    assert_eq!(
        sent[1]["content"],
        json!([
            {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
            {"text": "said"},
            call_block("c1"),
            {"cachePoint": {"type": "default"}},
        ])
    );
}

#[test]
fn bed_08_words_beside_results() {
    let messages = json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": null, "tool_calls": [call("c1")]},
        result("c1", "r"),
        {"role": "user", "content": "z"},
    ]);
    assert_eq!(
        turns(&target(SONNET), messages.clone())[2]["content"],
        json!([result_block("c1", "r"), {"text": "z"}])
    );
    let repaired = turns(&repairing(SONNET), messages);
    assert_eq!(repaired[2]["content"], json!([result_block("c1", "r")]));
    assert_eq!(repaired[3], json!({"role": "assistant", "content": [{"text": "Please continue."}]}));
    assert_eq!(repaired[4], json!({"role": "user", "content": [{"text": "z"}]}));
}

#[test]
fn bed_09_who_speaks_first_and_last() {
    let messages = json!([{"role": "assistant", "content": "well  "}]);
    assert_eq!(
        turns(&target(SONNET), messages.clone()),
        json!([{"role": "assistant", "content": [{"text": "well"}]}]),
        "the provider says whether it takes that"
    );
    let please = json!({"role": "user", "content": [{"text": "Please continue."}]});
    assert_eq!(
        turns(&repairing(SONNET), messages),
        json!([please, {"role": "assistant", "content": [{"text": "well"}]}, please])
    );
    let only_system = json!([{"role": "system", "content": "s"}]);
    let error = refused(&target(SONNET), json!({"messages": only_system}));
    assert_eq!(error.kind(), Kind::BadRequest);
    assert_eq!(turns(&repairing(SONNET), only_system), json!([please]));
}

#[test]
fn bed_14_the_same_call_or_result_is_sent_once() {
    let sent = turns(
        &target(SONNET),
        json!([
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "tool_calls": [call("c1"), call("c1"), call("c2")]},
            result("c1", "first"), result("c2", "r"), result("c1", "second"),
        ]),
    );
    assert_eq!(sent[1]["content"], json!([call_block("c1"), call_block("c2")]));
    assert_eq!(sent[2]["content"], json!([result_block("c1", "first"), result_block("c2", "r")]));
}

#[test]
fn bed_15_what_was_thought_is_sent_back() {
    let blocks = |model: &str, block: Value| {
        let messages = json!([
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "a", "thinking_blocks": [block]},
            {"role": "user", "content": "y"},
        ]);
        turns(&target(model), messages)[1]["content"].take()
    };
    let hidden = json!({"type": "redacted_thinking", "data": "c2VjcmV0"});
    assert_eq!(
        blocks(SONNET, hidden.clone()),
        json!([{"reasoningContent": {"redactedContent": "c2VjcmV0"}}, {"text": "a"}]),
        "as it came: it is base64 already"
    );
    assert_eq!(blocks(NOVA, hidden), json!([{"text": "a"}]), "it means nothing to others");
    let raw = json!({"type": "redacted_thinking", "data": "zz"});
    assert_eq!(blocks(SONNET, raw)[0], json!({"reasoningContent": {"redactedContent": "eno="}}));
    let unsigned = json!({"type": "thinking", "thinking": "t"});
    assert_eq!(blocks(SONNET, unsigned), json!([{"text": "t"}, {"text": "a"}]), "not as thinking (ANT-21)");
}

#[test]
fn bed_24_a_guardrail_sees_what_the_user_said_last() {
    let guard = |text: &str| json!({"guardContent": {"text": {"text": text}}});
    let with = |messages: Value| {
        let config = json!({"guardrailIdentifier": "g", "guardrailVersion": "1"});
        body(&target(SONNET), json!({"messages": messages, "guardrailConfig": config}))
    };
    let sent = with(json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "user", "content": [{"type": "text", "text": "d"}]},
    ]));
    assert_eq!(sent["messages"][0]["content"], json!([{"text": "a"}]));
    assert_eq!(sent["messages"][2]["content"], json!([guard("c"), guard("d")]));
    assert_eq!(sent["guardrailConfig"]["guardrailIdentifier"], "g");
    let marked = with(json!([{"role": "user", "content": [
        {"type": "guarded_text", "text": "d"}, {"type": "text", "text": "e"},
    ]}]));
    assert_eq!(marked["messages"][0]["content"], json!([guard("d"), {"text": "e"}]), "the caller chose");
}

#[test]
fn ant_02_late_system_messages_travel_as_the_users() {
    let sent = body(
        &target(SONNET),
        json!({"messages": [
            {"role": "system", "content": "first"}, {"role": "developer", "content": [{"type": "text", "text": ""}]},
            {"role": "user", "content": "x"}, {"role": "assistant", "content": "a"},
            {"role": "system", "content": "late"}, {"role": "user", "content": "y"},
        ]}),
    );
    assert_eq!(sent["system"], json!([{"text": "first"}]));
    let last = &sent["messages"][2]["content"];
    assert!(last[0]["text"].as_str().unwrap().starts_with("Operator note"));
    assert_eq!((&last[1]["text"], &last[2]["text"]), (&json!("late"), &json!("y")));
}

#[test]
fn gen_12_empty_turns_vanish_and_neighbours_merge() {
    let sent = turns(
        &target(SONNET),
        json!([
            {"role": "user", "content": "x"}, {"role": "assistant", "content": " "},
            {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "y"}]},
        ]),
    );
    assert_eq!(sent, json!([{"role": "user", "content": [{"text": "x"}, {"text": "y"}]}]));
}

#[test]
fn gen_13_results_come_first() {
    let sent = turns(
        &target(SONNET),
        json!([
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "tool_calls": [call("c1")]},
            {"role": "user", "content": "z"},
            result("c1", "r"),
        ]),
    );
    assert_eq!(sent[2]["content"], json!([result_block("c1", "r"), {"text": "z"}]));
}

#[test]
fn gen_14_unpaired_calls_are_repaired_when_allowed() {
    let messages = json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": null, "tool_calls": [call("c1")]},
        result("c9", "orphan"),
    ]);
    let sent = turns(&repairing(SONNET), messages.clone());
    assert_eq!(sent[2]["content"].as_array().unwrap().len(), 1);
    assert_eq!(sent[2]["content"][0]["toolResult"]["toolUseId"], "c1");
    let error = refused(&target(SONNET), json!({"messages": messages, "tools": [tool("f")]}));
    assert_eq!(error.kind(), Kind::BadRequest);
    assert!(error.message().contains("'c1'"), "GEN-15: {error}");
}

#[test]
fn gen_14_a_mark_goes_with_the_result_that_is_removed() {
    let marked = |id: &str| {
        json!({"role": "tool", "tool_call_id": id, "content": [
            {"type": "text", "text": "r", "cache_control": {"type": "ephemeral"}}]})
    };
    let messages = json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": null, "tool_calls": [call("c1")]},
        marked("c1"), marked("c9"),
    ]);
    let sent = turns(&repairing(SONNET), messages);
    let kinds = |content: &Value| -> Vec<String> {
        content
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|block| block.as_object().unwrap().keys().cloned())
            .collect()
    };
    assert_eq!(kinds(&sent[2]["content"]), ["toolResult", "cachePoint"]);
}

#[test]
fn gen_17_arguments_that_are_no_object_are_refused() {
    for wrong in ["{bad", "[1]", "\"s\""] {
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": wrong}});
        let messages = json!([
            {"role": "user", "content": "x"}, {"role": "assistant", "content": null, "tool_calls": [call]},
            result("c", "r"),
        ]);
        let error = refused(&target(SONNET), json!({"messages": messages, "tools": [tool("f")]}));
        assert_eq!(error.facts().param.as_deref(), Some("messages[1].tool_calls[0].function.arguments"));
    }
}

#[test]
fn gen_21_without_tools_calls_are_told_in_words() {
    let sent = body(
        &target(SONNET),
        json!({"messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "t", "tool_calls": [call("c1"), call("c2")]},
            result("c1", "r"), result("c2", "s"),
        ]}),
    );
    assert_eq!(sent.get("toolConfig"), None);
    assert_eq!(
        sent["messages"][1]["content"],
        json!([{"text": "t\n[tool call c1: f({\"a\": 1})]\n[tool call c2: f({\"a\": 1})]"}])
    );
    assert_eq!(
        sent["messages"][2]["content"],
        json!([{"text": "[tool result for c1: r]"}, {"text": "[tool result for c2: s]"}])
    );
}

#[test]
fn results_of_many_kinds() {
    let sent = |message: Value| {
        let messages = json!([
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "tool_calls": [call("c1")]},
            message,
        ]);
        turns(&target(SONNET), messages)[2]["content"].take()
    };
    let empty = json!({"role": "tool", "tool_call_id": "c1", "content": null});
    assert_eq!(sent(empty), json!([{"toolResult": {"content": [], "toolUseId": "c1"}}]), "GEN-18");
    let failed = json!({"role": "tool", "tool_call_id": "c1", "content": "no", "is_error": true});
    assert_eq!(sent(failed)[0]["toolResult"]["status"], "error");
    let parts = json!([
        {"type": "text", "text": "q", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]);
    let mixed = sent(json!({"role": "tool", "tool_call_id": "c1", "content": parts}));
    assert_eq!(mixed[0]["toolResult"]["content"].as_array().unwrap().len(), 2);
    assert_eq!(mixed[1], json!({"cachePoint": {"type": "default"}}), "behind the result, not in it");
}

#[test]
fn the_old_function_calls() {
    let sent = turns(
        &target(SONNET),
        json!([
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"a\": 1}"}},
            {"role": "function", "name": "f", "content": "r"},
        ]),
    );
    assert_eq!(sent[1]["content"], json!([call_block("f")]));
    assert_eq!(sent[2]["content"], json!([result_block("f", "r")]));
}
