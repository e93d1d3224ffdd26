//! Answers that take further requests: a prediction is made, and asked for until it is there.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use ferrolite::engine::{ChatCall, Engine, Settings};
use ferrolite::error::{Kind, Result};
use serde_json::{Value, json};

use crate::support::{keywords, variables};

/// Answers one request after the other; returns the first line and the key of each.
pub fn server(replies: Vec<(u16, Value)>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for (status, body) in replies {
            let (mut peer, _) = listener.accept().unwrap();
            let mut bytes = [0; 8192];
            let count = peer.read(&mut bytes).unwrap();
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            let line = text.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
            let key = text.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
            let key = key.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value);
            asked.push(format!("{line} {key}").trim_end().to_owned());
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            peer.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
        asked
    });
    (base, served)
}

pub fn call(model: &str, base: &str, more: Value) -> ChatCall {
    let Value::Object(mut map) = keywords(model, json!({ "api_base": base })) else { unreachable!() };
    map.extend(more.as_object().unwrap().clone());
    ChatCall::from_keywords(map, &Settings::default(), &variables()).unwrap()
}

fn prediction(status: &str, more: Value) -> Value {
    let mut prediction = json!({ "id": "p1", "status": status });
    prediction.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    prediction
}

async fn ask(replies: Vec<(u16, Value)>, more: Value) -> (Result<String>, Vec<String>) {
    let (base, served) = server(replies);
    let answer = Engine::new().chat(call("replicate/owner/model", &base, more)).await;
    let text = answer.map(|answer| answer.response.choices[0].message.content.clone().unwrap_or_default());
    (text, served.join().unwrap())
}

#[tokio::test]
async fn a_prediction_is_asked_for_until_it_is_there() {
    let (text, asked) = ask(
        vec![
            (201, prediction("starting", json!({}))),
            (200, prediction("processing", json!({ "output": ["o"] }))),
            (200, prediction("succeeded", json!({ "output": ["o", "ut"] }))),
        ],
        json!({}),
    )
    .await;
    assert_eq!(text.unwrap(), "out");
    assert_eq!(
        asked,
        [
            "POST /v1/models/owner/model/predictions Token k",
            "GET /v1/predictions/p1 Token k",
            "GET /v1/predictions/p1 Token k",
        ]
    );
}

#[tokio::test]
async fn a_prediction_that_fails_is_an_error_in_its_own_words() {
    let failed = || prediction("failed", json!({ "error": "out of memory" }));
    let (text, _) = ask(vec![(201, prediction("starting", json!({}))), (200, failed())], json!({})).await;
    let error = text.unwrap_err();
    assert_eq!(error.kind(), Kind::Unprocessable, "{error}");
    assert!(error.message().contains("out of memory"), "{error}");
    let (text, _) =
        ask(vec![(201, prediction("starting", json!({}))), (401, json!({ "detail": "no" }))], json!({}))
            .await;
    assert_eq!(text.unwrap_err().kind(), Kind::Authentication);
}

#[tokio::test]
async fn a_prediction_is_not_waited_for_longer_than_the_call_may_take() {
    let (text, asked) = ask(vec![(201, prediction("starting", json!({})))], json!({ "timeout": 0.4 })).await;
    assert_eq!(text.unwrap_err().kind(), Kind::Timeout);
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn a_prediction_without_a_plain_id_is_not_asked_for() {
    let evil = json!({ "id": "../secrets?", "status": "starting" });
    let (text, asked) = ask(vec![(201, evil)], json!({})).await;
    assert_eq!(text.unwrap_err().kind(), Kind::InternalServer);
    assert_eq!(asked.len(), 1);
}

/// STR-30: the whole answer comes as a stream.
#[tokio::test]
async fn a_streamed_prediction_is_waited_for() {
    let (base, served) = server(vec![
        (201, prediction("starting", json!({}))),
        (200, prediction("succeeded", json!({ "output": "out" }))),
    ]);
    let mut stream = Engine::new()
        .chat_stream(call("replicate/owner/model", &base, json!({ "stream": true })))
        .await
        .unwrap();
    let mut text = String::new();
    loop {
        let batch = stream.next_batch().await.unwrap();
        if batch.is_empty() {
            break;
        }
        let choices = batch.into_iter().flat_map(|chunk| chunk.choices);
        text.extend(choices.filter_map(|choice| choice.content));
    }
    assert_eq!(text, "out");
    assert_eq!(served.join().unwrap().len(), 2);
}

/// One token serves all calls with a key, and another key gets another.
#[tokio::test]
async fn a_key_of_ibm_is_exchanged_once() {
    let chat = || json!({ "choices": [{ "message": { "role": "assistant", "content": "out" }, "finish_reason": "stop" }] });
    let (base, served) = server(vec![
        (200, json!({ "access_token": "token-one", "expires_in": 3600 })),
        (200, chat()),
        (200, chat()),
        (400, json!({ "errorCode": "BXNIM0415E", "errorMessage": "no such key" })),
    ]);
    let variables = variables().with("WATSONX_IAM_URL", &format!("{base}/identity/token"));
    let engine = Engine::new();
    let mut answers = Vec::new();
    for key in ["key-one", "key-one", "key-two"] {
        let Value::Object(map) =
            keywords("watsonx/m", json!({ "api_base": base, "api_key": key, "space_id": "s" }))
        else {
            unreachable!()
        };
        let call = ChatCall::from_keywords(map, &Settings::default(), &variables).unwrap();
        answers.push(engine.chat(call).await);
    }
    assert!(answers[0].is_ok() && answers[1].is_ok());
    let error = answers.pop().unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    assert!(error.message().contains("no such key"), "{error}");
    let chat = "POST /ml/v1/text/chat?version=2024-03-13 Bearer token-one";
    assert_eq!(served.join().unwrap(), ["POST /identity/token", chat, chat, "POST /identity/token"]);
}

/// Each service is asked in its own way, and the token goes with the call.
#[tokio::test]
async fn keys_are_exchanged_where_the_provider_says() {
    let chat = || json!({ "choices": [{ "message": { "role": "assistant", "content": "out" }, "finish_reason": "stop" }] });
    for (model, variable, token, asked) in [
        (
            "gigachat/GigaChat-2",
            "GIGACHAT_AUTH_URL",
            json!({ "access_token": "token-one", "expires_at": 4_102_444_800_000_u64 }),
            "POST /token Basic key-one",
        ),
        (
            "github_copilot/gpt-4o",
            "GITHUB_COPILOT_API_KEY_URL",
            json!({ "token": "token-one", "expires_at": 4_102_444_800_u64 }),
            "GET /token token key-one",
        ),
    ] {
        let (base, served) = server(vec![(200, token), (200, chat())]);
        let variables = variables().with(variable, &format!("{base}/token"));
        let Value::Object(map) = keywords(model, json!({ "api_base": base, "api_key": "key-one" })) else {
            unreachable!()
        };
        let call = ChatCall::from_keywords(map, &Settings::default(), &variables).unwrap();
        let answer = Engine::new().chat(call).await.unwrap();
        assert_eq!(answer.response.choices[0].message.content.as_deref(), Some("out"), "{model}");
        assert_eq!(served.join().unwrap(), [asked, "POST /chat/completions Bearer token-one"], "{model}");
    }
}

/// SAP's deployment is looked up, Copilot's conversation is opened: with the key, at the same host.
#[tokio::test]
async fn what_comes_before_the_request_proper() {
    let chat = json!({ "final_result": {
        "choices": [{ "message": { "role": "assistant", "content": "out" }, "finish_reason": "stop" }],
    } });
    let deployment = |id: &str, status: &str, at: &str| json!({ "id": id, "status": status, "scenarioId": "orchestration", "createdAt": at });
    let (base, served) = server(vec![
        (200, json!({ "access_token": "token-one", "expires_in": 3600 })),
        (
            200,
            json!({ "resources": [
            deployment("old", "RUNNING", "2025-01-01"),
            deployment("new", "RUNNING", "2025-02-01"),
            deployment("dead", "STOPPED", "2025-03-01"),
        ] }),
        ),
        (200, chat),
    ]);
    let key = json!({ "clientid": "c", "clientsecret": "secret-one", "url": base });
    let call = call("sap/gpt-4o", &base, json!({ "api_key": key.to_string() }));
    let answer = Engine::new().chat(call).await.unwrap();
    assert_eq!(answer.response.choices[0].message.content.as_deref(), Some("out"));
    assert_eq!(
        served.join().unwrap(),
        [
            "POST /oauth/token",
            "GET /v2/lm/deployments Bearer token-one",
            "POST /v2/inference/deployments/new/v2/completion Bearer token-one",
        ]
    );

    let (base, served) = server(vec![
        (201, json!({ "id": "conv-1" })),
        (200, json!({ "id": "conv-1", "messages": [{ "text": "hi" }, { "text": "out" }] })),
    ]);
    let call = self::call("microsoft_365_copilot/chat", &base, json!({}));
    let answer = Engine::new().chat(call).await.unwrap();
    assert_eq!(answer.response.choices[0].message.content.as_deref(), Some("out"));
    assert_eq!(
        served.join().unwrap(),
        [
            "POST /beta/copilot/conversations Bearer k",
            "POST /beta/copilot/conversations/conv-1/chat Bearer k"
        ]
    );
}

/// Oracle's requests are signed, and arrive whole.
#[tokio::test]
async fn a_request_is_signed_with_the_key_of_a_user() {
    let (base, served) = server(vec![(
        200,
        json!({ "chatResponse": { "choices": [{
            "message": { "role": "ASSISTANT", "content": [{ "type": "TEXT", "text": "out" }] }, "finishReason": "stop",
        }] } }),
    )]);
    let key = include_str!("../../fixtures/google/private-key.pem");
    let who = json!({
        "oci_user": "u", "oci_tenancy": "t", "oci_fingerprint": "f", "oci_key": key, "oci_compartment_id": "c",
    });
    let answer = Engine::new().chat(call("oci/meta.llama-3.3-70b-instruct", &base, who)).await.unwrap();
    assert_eq!(answer.response.choices[0].message.content.as_deref(), Some("out"));
    let asked = served.join().unwrap();
    let signed =
        "POST /20231130/actions/chat Signature version=\"1\",keyId=\"t/u/f\",algorithm=\"rsa-sha256\"";
    assert!(asked[0].starts_with(signed), "{asked:?}");
}
