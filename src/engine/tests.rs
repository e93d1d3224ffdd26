//! Whole calls against a server of the test's own.

mod server;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{ChatCall, Engine, Settings};
use crate::config::Environment;
use crate::error::{Error, Kind};
use crate::transport::{Connection, Limits, Transport, Verify};
use crate::wires::HttpCall;

pub(crate) use server::{Reply, server};

#[derive(Default)]
struct Variables(HashMap<&'static str, &'static str>);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }
}

fn call_with(more: &Value, settings: &Settings, environment: &Variables) -> ChatCall {
    let mut all = json!({ "model": "openai/m", "messages": [{ "role": "user", "content": "hi" }] });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    let Value::Object(all) = all else { unreachable!() };
    ChatCall::from_keywords(all, settings, environment).unwrap()
}

fn call(more: &Value) -> ChatCall {
    call_with(more, &Settings::default(), &Variables::default())
}

async fn failure(more: &Value) -> Error {
    Engine::new().chat(call(more)).await.unwrap_err()
}

#[tokio::test]
async fn bed_23_no_part_of_a_signatures_keys_is_quoted() {
    let said = r#"{"message":"no session-token-1 nor secret-key-1 here"}"#;
    let (base, served) = server(vec![Reply::new("403 Forbidden", said).with("x-amzn-requestid", "r-1")]);
    let error = failure(&json!({
        "model": "bedrock/amazon.nova-lite-v1:0",
        "api_base": base,
        "aws_access_key_id": "AKIA",
        "aws_secret_access_key": "secret-key-1",
        "aws_session_token": "session-token-1",
    }))
    .await;
    served.join().unwrap();
    assert!(error.message().contains("no [redacted] nor [redacted] here"), "{error}");
    assert!(!format!("{:?}", error.facts()).contains("-1 nor"), "{error:?}");
    assert_eq!(error.facts().request_id.as_deref(), Some("r-1"));
}

#[tokio::test]
async fn bed_23_fetched_keys_are_not_quoted_either() {
    let keys = "<AccessKeyId>R</AccessKeyId><SecretAccessKey>fetched-secret</SecretAccessKey>\
                <SessionToken>fetched-token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>";
    let (sts, taken) = server(vec![Reply::new("200 OK", keys)]);
    let said = r#"{"message":"no fetched-token nor fetched-secret here"}"#;
    let (base, served) = server(vec![Reply::new("403 Forbidden", said)]);
    let error = failure(&json!({
        "model": "bedrock/amazon.nova-lite-v1:0",
        "api_base": base,
        "aws_role_name": "arn:r",
        "aws_web_identity_token": "a-token-of-another",
        "aws_sts_endpoint": sts,
    }))
    .await;
    taken.join().unwrap();
    served.join().unwrap();
    assert!(error.message().contains("no [redacted] nor [redacted] here"), "{error}");
}

#[tokio::test]
async fn err_14_every_error_counts_the_attempts() {
    let busy = || Reply::new("503 Service Unavailable", "{}").with("retry-after-ms", "1");
    for (last, kind) in [
        (Reply::new("200 OK", "no JSON"), Kind::InternalServer),
        (Reply::new("400 Bad Request", "{}"), Kind::BadRequest),
        (busy(), Kind::ServiceUnavailable),
    ] {
        let (base, served) = server(vec![busy(), last]);
        let error = failure(&json!({ "api_base": base, "api_key": "k", "num_retries": 1 })).await;
        served.join().unwrap();
        let facts = error.facts();
        assert_eq!((facts.attempts, facts.attempts_allowed), (1, 1), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn a_call_turns_the_check_of_certificates_on_whatever_the_settings_say() {
    let off = Settings { verify: Some(Verify::Off), ..Settings::default() };
    let file = Settings { verify: Some(Verify::File("ca.pem".into())), ..Settings::default() };
    let none = Settings::default();
    let unset = Variables::default();
    let variable = Variables(HashMap::from([("SSL_VERIFY", "false")]));
    for (given, settings, environment, expected) in [
        (json!(null), &off, &unset, Verify::Off),
        (json!(null), &none, &variable, Verify::Off),
        (json!(null), &none, &unset, Verify::System),
        (json!(true), &off, &unset, Verify::System),
        (json!("true"), &off, &variable, Verify::System),
        (json!(true), &none, &variable, Verify::System),
        (json!(true), &file, &unset, Verify::File("ca.pem".into())),
        (json!(false), &file, &unset, Verify::Off),
        (json!("own.pem"), &off, &unset, Verify::File("own.pem".into())),
    ] {
        let call = call_with(&json!({ "ssl_verify": given, "api_key": "k" }), settings, environment);
        assert_eq!(call.envelope.connection.verify, expected, "{given}");
    }
}

#[test]
fn ids_are_fresh_and_well_formed() {
    let ids: std::collections::HashSet<String> = (0..1000).map(|_| super::new_uuid()).collect();
    assert_eq!(ids.len(), 1000);
    for id in ids {
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
    }
}

#[tokio::test]
async fn a_reply_that_is_too_large_is_not_held() {
    let limits = Limits { total: Duration::from_secs(9), idle: Duration::from_secs(9) };
    let large = "x".repeat(11);
    for (reply, kept) in [
        (Reply::new("200 OK", large.clone()), None),
        (Reply::endless("200 OK", large.clone()), None),
        (Reply::endless("200 OK", &large[..10]), Some(10)),
        (Reply::endless("200 OK", "x".repeat(10 * 1024 * 1024)), None),
        (Reply::new("400 Bad Request", "x".repeat(3 * 1024 * 1024)), Some(1024 * 1024)),
    ] {
        let (url, served) = server(vec![reply]);
        let call = HttpCall {
            rest: Vec::new(),
            method: http::Method::GET,
            url,
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
        };
        let body = Transport::default().send(call, &Connection::default(), limits).await.unwrap();
        let collected = body.collect_within(limits, 10).await;
        assert_eq!(collected.ok().map(|reply| reply.body.len()), kept);
        // Not joined: what is left unread holds the server up until the connection is closed, which this thread does.
        drop(served);
    }
}

/// A future is moved as a whole, several times a call: what few calls need is boxed, and not room in all of them.
#[test]
fn the_way_of_most_calls_is_narrow() {
    let engine = Engine::new();
    let keyed = || call(&json!({ "api_key": "k" }));
    assert!(size_of_val(&engine.chat(keyed())) < 8 * 1024);
    assert!(size_of_val(&engine.chat_stream(keyed())) < 8 * 1024);
}
