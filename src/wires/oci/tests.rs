use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Oci;
use crate::error::Kind;
use crate::hub::{Accent, ChatRequest, ModelFacts, Options, Target};
use crate::wires::{HttpReply, Memo, Wire, WireId};

fn target(model: &str) -> Target {
    Target {
        provider: "oci".into(),
        error_prefix: "OciException".into(),
        wire: WireId::Oci,
        model: model.to_owned(),
        base: "https://example.com".into(),
        path: None,
        stream_path: None,
        vars: BTreeMap::from([("compartment".to_owned(), "c".to_owned())]),
        facts: Arc::new(ModelFacts::default()),
        accent: Arc::new(Accent::default()),
        call_type: crate::hub::CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

fn body(request: Value, target: &Target) -> Value {
    let Value::Object(map) = request else { panic!("a request is an object") };
    let prepared = Oci.encode(&ChatRequest::from_map(map).unwrap(), target).unwrap();
    serde_json::from_slice(&prepared.call.body).unwrap()
}

#[test]
fn coheres_models_have_a_question_and_a_history() {
    let request = json!({
        "messages": [
            { "role": "system", "content": "sys" },
            { "role": "user", "content": "one" },
            { "role": "assistant", "content": "two" },
            { "role": "user", "content": "three" },
        ],
        "stop": "x", "top_p": 0.5,
    });
    assert_eq!(
        body(request, &target("cohere.command-latest"))["chatRequest"],
        json!({
            "apiFormat": "COHERE", "message": "three",
            "chatHistory": [
                { "role": "SYSTEM", "message": "sys" },
                { "role": "USER", "message": "one" },
                { "role": "CHATBOT", "message": "two" },
            ],
            "isStream": false, "maxTokens": 4096, "topP": 0.5, "stopSequences": ["x"],
        })
    );
}

#[test]
fn an_endpoint_of_the_callers_own_is_named_instead_of_the_model() {
    let mut target = target("xai.grok-4");
    target.vars.insert("serving_mode".to_owned(), "dedicated".to_owned());
    target.vars.insert("endpoint".to_owned(), "e".to_owned());
    let request = || json!({ "messages": [{ "role": "user", "content": "a" }] });
    assert_eq!(
        body(request(), &target)["servingMode"],
        json!({ "servingType": "DEDICATED", "endpointId": "e" })
    );
    target.vars.remove("compartment");
    let Value::Object(map) = request() else { unreachable!() };
    let error = Oci.encode(&ChatRequest::from_map(map).unwrap(), &target).unwrap_err();
    assert_eq!(
        (error.kind(), error.facts().param.as_deref()),
        (Kind::BadRequest, Some("oci_compartment_id"))
    );
}

#[test]
fn calls_and_coheres_text_are_read() {
    let decode = |answer: Value, model: &str| {
        let body = json!({ "modelId": model, "chatResponse": answer }).to_string().into();
        let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body };
        Oci.decode(&reply, &Memo::default(), &target(model)).unwrap()
    };
    let call = json!({ "id": "c1", "type": "FUNCTION", "name": "f", "arguments": "{}" });
    let got = decode(
        json!({ "choices": [{
            "index": 0, "message": { "role": "ASSISTANT", "toolCalls": [call] }, "finishReason": "tool_calls",
        }] }),
        "meta.llama-3.3-70b-instruct",
    );
    assert_eq!(got.choices[0].message.tool_calls[0].id.as_deref(), Some("c1"));
    assert_eq!(got.choices[0].finish_reason.as_str(), "tool_calls");
    let got = decode(
        json!({ "apiFormat": "COHERE", "text": "out", "finishReason": "MAX_TOKENS" }),
        "cohere.command-latest",
    );
    assert_eq!(got.choices[0].message.content.as_deref(), Some("out"));
    assert_eq!(got.choices[0].finish_reason.as_str(), "length");
}
