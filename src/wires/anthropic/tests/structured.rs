//! Answers kept to a schema: by the provider, or by a tool that has to be called.

use serde_json::{Value, json};

use super::{OLD, SONNET, answer, body, call, decode_with, prepare, refused, target, user};
use crate::error::Kind;
use crate::hub::FinishReason;
use crate::wires::Memo;

fn asking(schema: Value) -> Value {
    json!({"messages": [user("q")], "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}})
}

fn person() -> Value {
    json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false})
}

/// The schema as it goes to the provider; null when the tool stands in.
fn native(schema: Value) -> Value {
    body(&target(SONNET), asking(schema))
        .get("output_format")
        .map_or(Value::Null, |format| format["schema"].clone())
}

fn property(schema: Value) -> Value {
    json!({"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": false})
}

#[test]
fn ant_29_a_schema_goes_to_the_provider() {
    let sent = body(&target(SONNET), asking(person()));
    assert_eq!(sent["output_format"], json!({"type": "json_schema", "schema": person()}));
    assert!(sent.get("tools").is_none());
    assert_eq!(
        call(&target(SONNET), asking(person())).headers["anthropic-beta"],
        "structured-outputs-2025-11-13"
    );
}

#[test]
fn ant_29_definitions_are_unpacked() {
    let schema = json!({
        "type": "object",
        "$defs": {"n": {"$ref": "#/$defs/m"}, "m": {"type": "object", "properties": {"v": {"type": "integer"}}, "required": ["v"]}},
        "definitions": {"s": {"type": "string"}},
        "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"items": {"$ref": "#/definitions/s"}, "type": "array"}},
        "required": ["a", "b"],
    });
    assert_eq!(
        native(schema),
        json!({
            "type": "object",
            "properties": {
                "a": {"type": "object", "properties": {"v": {"type": "integer"}}, "required": ["v"], "additionalProperties": false},
                "b": {"items": {"type": "string"}, "type": "array"},
            },
            "required": ["a", "b"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn ant_29_what_is_not_checked_is_told() {
    let told = |schema: Value| native(property(schema))["properties"]["a"].clone();
    assert_eq!(
        told(json!({"type": "integer", "maximum": 5, "minimum": 1, "description": "hey"})),
        json!({"type": "integer", "description": "hey Note: minimum value: 1, maximum value: 5."})
    );
    assert_eq!(
        told(json!({"not": {"type": "string"}})),
        json!({"description": "Note: must not match: {\"type\": \"string\"}."})
    );
    assert_eq!(told(json!({"type": "array", "minItems": 1})), json!({"type": "array", "minItems": 1}));
    assert_eq!(
        told(json!({"oneOf": [{"type": "string"}, {"type": "null"}]})),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]})
    );
}

#[test]
fn ant_29_a_schema_that_does_not_fit_becomes_a_tool() {
    let recursive = json!({
        "type": "object", "properties": {"b": {"$ref": "#/$defs/n"}}, "required": ["b"],
        "$defs": {"n": {"type": "object", "properties": {"c": {"$ref": "#/$defs/n"}}}},
    });
    let properties: serde_json::Map<String, Value> =
        (0..25).map(|n| (format!("p{n}"), json!({"type": "string"}))).collect();
    for schema in [
        property(json!({"type": "object", "additionalProperties": true})),
        property(json!({"type": "object", "additionalProperties": {"type": "string"}})),
        property(json!({"$ref": "#/$defs/gone"})),
        property(json!({"$ref": "https://example.com/schema"})),
        property(json!({"$ref": "#"})),
        property(json!({"type": "string", "pattern": "^(?!a)b$"})),
        json!({"type": "object", "patternProperties": {"^a": {"type": "string"}}}),
        json!({"type": "object", "properties": properties}),
        recursive,
    ] {
        let sent = body(&target(SONNET), asking(schema.clone()));
        assert!(sent.get("output_format").is_none(), "{schema}");
        assert_eq!(sent["tools"], json!([{"name": "json_tool_call", "input_schema": schema}]));
        assert_eq!(sent["tool_choice"], json!({"type": "tool", "name": "json_tool_call"}));
    }
}

#[test]
fn ant_29_open_objects_are_closed_beside_tools() {
    let mut keywords = asking(property(json!({"type": "object", "additionalProperties": true})));
    keywords["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
    let sent = body(&target(SONNET), keywords);
    assert_eq!(
        sent["output_format"]["schema"]["properties"]["a"],
        json!({"type": "object", "additionalProperties": false})
    );
}

#[test]
fn ant_29_models_without_schemas_get_the_tool() {
    let sent = body(&target(OLD), asking(person()));
    assert_eq!(sent["tools"], json!([{"name": "json_tool_call", "input_schema": person()}]));
    let any = json!({"type": "object", "properties": {}, "additionalProperties": true});
    let sent = body(&target(OLD), asking(Value::Null));
    assert_eq!(sent["tools"][0]["input_schema"], any);
}

#[test]
fn ant_13_emulation_does_not_force_a_thinking_model() {
    let mut keywords = asking(person());
    keywords["reasoning_effort"] = "low".into();
    let sent = body(&target(OLD), keywords);
    assert_eq!(sent["tools"][0]["name"], "json_tool_call");
    assert!(sent.get("tool_choice").is_none());
}

#[test]
fn gen_32_plain_text_asks_for_nothing() {
    for format in [json!({"type": "text"}), json!({"type": "json_object"})] {
        let sent = body(&target(OLD), json!({"messages": [user("q")], "response_format": format}));
        assert!(sent.get("tools").is_none() && sent.get("output_format").is_none());
    }
}

#[test]
fn gen_34_unpacking_has_limits() {
    let deep = (0..80).fold(json!({"type": "string"}), |inner, _| property(inner));
    let error = refused(&target(SONNET), asking(deep));
    assert_eq!(error.kind(), Kind::BadRequest);
    assert!(error.message().contains("64 levels"), "{error}");
    // Each level names the one before it ten times: a small text, a huge schema.
    let mut definitions = serde_json::Map::new();
    definitions.insert("d0".into(), json!({"type": "string"}));
    for level in 1..8 {
        let items: Vec<Value> = (0..10).map(|_| json!({"$ref": format!("#/$defs/d{}", level - 1)})).collect();
        definitions.insert(format!("d{level}"), json!({"allOf": items}));
    }
    let mut bomb = property(json!({"$ref": "#/$defs/d7"}));
    bomb["$defs"] = Value::Object(definitions);
    let error = refused(&target(SONNET), asking(bomb));
    assert!(error.message().contains("10000 schemas"), "{error}");
}

fn emulated() -> Memo {
    prepare(&target(OLD), asking(person())).unwrap().memo
}

fn tool_use(name: &str) -> Value {
    json!({"type": "tool_use", "id": "t", "name": name, "input": {"name": "Ada"}})
}

#[test]
fn gen_30_the_emulated_answer_is_content() {
    let mut body = answer(json!([{"type": "text", "text": "Here:"}, tool_use("json_tool_call")]));
    body["stop_reason"] = "tool_use".into();
    let choice = decode_with(&body, &emulated()).choices.remove(0);
    assert_eq!(choice.message.content.as_deref(), Some("{\"name\": \"Ada\"}"));
    assert!(choice.message.tool_calls.is_empty());
    assert_eq!(choice.finish_reason, FinishReason::Stop);
    body["stop_reason"] = "max_tokens".into();
    assert_eq!(decode_with(&body, &emulated()).choices[0].finish_reason, FinishReason::Length);
}

#[test]
fn gen_31_beside_calls_both_are_kept() {
    let mut body =
        answer(json!([{"type": "text", "text": "pre "}, tool_use("f"), tool_use("json_tool_call")]));
    body["stop_reason"] = "tool_use".into();
    let choice = decode_with(&body, &emulated()).choices.remove(0);
    assert_eq!(choice.message.content.as_deref(), Some("pre {\"name\": \"Ada\"}"));
    assert_eq!(choice.message.tool_calls.len(), 1);
    assert_eq!(choice.finish_reason, FinishReason::ToolCalls);
}

#[test]
fn gen_33_the_tool_has_the_schema_of_the_class_itself() {
    let own =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "title": "A"});
    let mut strict = own.clone();
    strict["additionalProperties"] = false.into();
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "A", "schema": strict}, "plain_schema": own});
    let sent = body(&target(OLD), json!({"messages": [user("q")], "response_format": format}));
    assert_eq!(sent["tools"][0]["input_schema"], own);
}
