//! A conversation as one prompt.

use serde_json::{Value, json};

use super::{encode, sent, tool};
use crate::error::Kind;

fn prompt(messages: Value) -> String {
    sent("ollama", json!({"messages": messages}))["prompt"].as_str().unwrap().to_owned()
}

#[test]
fn gen_12_neighbours_share_a_heading() {
    assert_eq!(
        prompt(json!([
            {"role": "system", "content": "s1"},
            {"role": "developer", "content": [{"type": "text", "text": "s2"}]},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "user", "content": "c"},
            {"role": "user", "content": ""},
            {"role": "assistant", "content": "d"},
            {"role": "assistant", "content": "e"},
            {"role": "system", "content": ""},
            {"role": "user"},
        ])),
        "### System:\ns1s2\n\n### User:\na\nb\nc\n\n### Assistant:\nde\n\n"
    );
    assert_eq!(prompt(json!([{"role": "user", "content": ""}])), "");
}

#[test]
fn calls_are_written_as_they_are_asked_for() {
    assert_eq!(
        prompt(json!([
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": "Wait.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":\"ü\"}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "r1"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "r2"}]},
            {"role": "user", "content": "So?"},
        ])),
        "### User:\nu\n\n### Assistant:\nWait.\n{\"name\": \"f\", \"arguments\": {\"a\": \"\\u00fc\"}}\n\
         {\"name\": \"g\", \"arguments\": {}}\n\n### User:\nr1\nr2\nSo?\n\n"
    );
}

#[test]
fn tools_are_told_of_in_the_prompt() {
    let literal = "{'type': 'function', 'function': {'name': 'f', 'parameters': {'type': 'object'}}}";
    let body = sent("ollama", json!({"tools": [tool(), tool()]}));
    assert_eq!((&body["format"], body.get("tools")), (&json!("json"), None));
    let prompt = body["prompt"].as_str().unwrap();
    assert!(
        prompt.starts_with("### User:\nhi\n\n### System:\nTo call a function, reply with JSON ONLY"),
        "{prompt}"
    );
    assert!(prompt.ends_with(&format!("available to you:\n{literal}\n\n{literal}\n\n\n")), "{prompt}");
    let body = sent(
        "ollama",
        json!({"tools": [tool()], "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}}),
    );
    let prompt = body["prompt"].as_str().unwrap();
    assert!(prompt.starts_with("### System:\ns To call a function"), "{prompt}");
    assert!(prompt.ends_with(&format!("{literal}\n\n\n### User:\nu\n\n")), "{prompt}");
    assert_eq!(body["format"], json!({"type": "array"}), "the caller's own format stays");
    assert_eq!(sent("ollama", json!({"tools": []})).get("format"), None);
}

#[test]
fn a_role_without_a_place_is_refused() {
    let error = encode("ollama", json!({"messages": [{"role": "zq", "content": "x"}]})).unwrap_err();
    assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::BadRequest, Some("messages[0].role")));
}
