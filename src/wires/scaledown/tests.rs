//! Each task: where it goes, what it says, what its answer is.
#![expect(clippy::needless_pass_by_value, reason = "tests pass `json!` values")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::Scaledown;
use crate::error::{Error, Kind};
use crate::hub::{CallType, ChatRequest, ModelFacts, Options, Target};
use crate::wires::{HttpReply, Memo, Prepared, Wire, WireId};

fn target(model: &str) -> Target {
    Target {
        provider: "scaledown".into(),
        error_prefix: "ScaledownException".into(),
        wire: WireId::Scaledown,
        model: model.to_owned(),
        base: "https://api.example/v1".into(),
        path: None,
        stream_path: None,
        vars: std::collections::BTreeMap::default(),
        facts: Arc::new(ModelFacts::default()),
        accent: Arc::default(),
        call_type: CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

fn prepared(model: &str, more: Value) -> Result<Prepared, Error> {
    let mut request = json!({ "messages": [{ "role": "user", "content": "Ada was born in London." }] });
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let request = ChatRequest::from_map(request.as_object().cloned().unwrap()).unwrap();
    Scaledown.encode(&request, &target(model))
}

fn sent(model: &str, more: Value) -> (String, Value) {
    let call = prepared(model, more).unwrap().call;
    (call.url, serde_json::from_slice(&call.body).unwrap())
}

fn schema(properties: Value) -> Value {
    let schema = json!({ "type": "object", "properties": properties });
    json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": schema } } })
}

fn answered(model: &str, memo: &Memo, body: Value) -> Result<String, Error> {
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.to_string().into() };
    let response = Scaledown.decode(&reply, memo, &target(model))?;
    Ok(response.choices[0].message.content.clone().unwrap())
}

#[test]
fn every_task_has_its_address_and_words() {
    let text = "Ada was born in London.";
    let labels = json!([{ "name": "a", "rubric": "is a" }]);
    let questions = json!({ "q": { "type": "choice", "criteria": { "x": "y" } } });
    let at = |path: &str, body: Value| (format!("https://api.example{path}"), body);
    assert_eq!(
        sent("classify", json!({ "labels": labels })),
        at("/classify", json!({ "text": text, "labels": labels }))
    );
    assert_eq!(
        sent("decisions", json!({ "questions": questions })),
        at(
            "/v1/scaledown",
            json!({ "model": "classify-1", "state": { "text": text }, "questions": questions })
        )
    );
    let mut format = schema(json!({ "city": { "type": "string", "description": "where" }, "year": {} }));
    format["threshold"] = json!(0.2);
    assert_eq!(
        sent("extract", format),
        at(
            "/extract",
            json!({ "text": text, "entities": { "city": "where", "year": "year" }, "threshold": 0.2 })
        )
    );
    let messages = json!([{ "role": "system", "content": "short" }, { "role": "user", "content": text }]);
    assert_eq!(
        sent("summarize", json!({ "messages": messages })),
        at("/summarization/abstractive", json!({ "text": text, "instructions": "short" }))
    );
    assert_eq!(
        sent("compress", json!({ "messages": messages })),
        at("/compress/raw/", json!({ "context": "short", "prompt": text, "scaledown": { "rate": "auto" } }))
    );
}

#[test]
fn what_a_task_lacks_is_refused_before_anything_is_sent() {
    let strict = json!({ "response_format": { "type": "json_schema",
        "json_schema": { "name": "n", "strict": true, "schema": { "properties": { "a": {} } } } } });
    let system = json!({ "labels": [{}], "messages": [
        { "role": "system", "content": "s" }, { "role": "user", "content": "u" }] });
    for (model, more, param) in [
        ("other", json!({}), "model"),
        ("classify", json!({}), "labels"),
        ("classify", system, "messages"),
        ("decisions", json!({ "questions": {} }), "questions"),
        ("extract", json!({}), "response_format"),
        ("extract", strict, "response_format"),
        ("summarize", json!({ "messages": [{ "role": "assistant", "content": "a" }] }), "messages"),
    ] {
        let error = prepared(model, more).unwrap_err();
        assert_eq!(error.kind(), Kind::BadRequest, "{model}");
        assert_eq!(error.facts().param.as_deref(), Some(param), "{model}: {error}");
    }
    assert!(Scaledown.supports("response_format", &target("extract")));
    assert!(!Scaledown.supports("response_format", &target("summarize")));
    assert!(!Scaledown.supports("temperature", &target("extract")));
}

#[test]
fn answers_are_json() {
    let memo = prepared("extract", schema(json!({ "city": {}, "year": {} }))).unwrap().memo;
    let entities = json!([
        { "type": "city", "text": "London", "confidence": 0.9 },
        { "type": "city", "text": "Paris", "confidence": 0.1 },
        { "type": "other", "text": "x" },
    ]);
    assert_eq!(answered("extract", &memo, json!({ "entities": entities })).unwrap(), r#"{"city":"London"}"#);
    let none = Memo::default();
    assert_eq!(answered("classify", &none, json!({ "top_label": "a" })).unwrap(), r#"{"top_label":"a"}"#);
    assert_eq!(answered("decisions", &none, json!({ "answers": { "q": "x" } })).unwrap(), r#"{"q":"x"}"#);
    assert!(answered("decisions", &none, json!({ "id": 1 })).is_err());
    assert!(answered("compress", &none, json!({})).is_err());
}
