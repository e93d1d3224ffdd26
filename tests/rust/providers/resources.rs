//! Files, batches, fine-tuning jobs and lists of models: for every row the request of each call, against
//! `tests/facts/resources.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ferrolite::auth;
use ferrolite::engine::{Call, Settings};
use ferrolite::error::Kind;
use ferrolite::hub::{CallType, Upload};
use ferrolite::providers::{self, Provider};
use ferrolite::wires::{HttpReply, Prepared};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::variables;

type Table = BTreeMap<String, BTreeMap<String, Value>>;

const FILE: &str = "tests/facts/resources.json";

/// The call types that a row's entries speak for.
fn served(row: &Provider) -> impl Iterator<Item = CallType> {
    let all = CallType::ALL.into_iter().filter(|call_type| call_type.resource().is_some());
    all.filter(|call_type| row.calls.contains_key(&call_type.in_rows()))
}

fn parameters(call_type: CallType) -> Value {
    match call_type {
        CallType::CreateBatch => json!({
            "completion_window": "24h",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "gs://b/publishers/google/models/gemini-2.5-pro/file",
            "metadata": { "a": "b" },
            "model": "m",
            // Anthropic's are no file.
            "requests": [],
        }),
        CallType::CreateFile => json!({ "purpose": "user_data" }),
        CallType::CancelBatch | CallType::RetrieveBatch => json!({ "batch_id": "batch/1" }),
        CallType::DeleteFile | CallType::FileContent | CallType::RetrieveFile => {
            json!({ "file_id": "gs://b/o" })
        }
        CallType::CancelFineTuningJob | CallType::RetrieveFineTuningJob => {
            json!({ "fine_tuning_job_id": "job/1" })
        }
        CallType::CreateFineTuningJob => {
            json!({ "model": "m", "training_file": "gs://b/file", "suffix": "s" })
        }
        CallType::ListModels => json!({}),
        _ => json!({ "limit": 3 }),
    }
}

fn call(provider: &str, call_type: CallType) -> Call {
    let Value::Object(mut keywords) = parameters(call_type) else { panic!("keywords are an object") };
    keywords.insert("custom_llm_provider".into(), provider.into());
    keywords.insert("api_key".into(), "ya29.k".into());
    let row = providers::row(provider).expect(provider);
    if row.base.is_none() {
        keywords.insert("api_base".into(), "https://host.invalid".into());
    }
    let google =
        [("vertex_project", "p"), ("vertex_location", "us-central1"), ("gcs_bucket_name", "b/folder")];
    if provider == "vertex_ai" {
        keywords.extend(google.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    }
    let file = Upload {
        field: "file".into(),
        name: "a.txt".into(),
        content_type: Some("text/plain".into()),
        data: bytes::Bytes::from_static(b"data"),
    };
    let files = if call_type == CallType::CreateFile { vec![file] } else { Vec::new() };
    Call::from_keywords(call_type, keywords, files, &Settings::default(), &variables())
        .unwrap_or_else(|error| panic!("{provider} {call_type:?}: {error}"))
}

/// What would be sent, in a form to read.
fn sent(provider: &str, call_type: CallType) -> Value {
    let call = call(provider, call_type);
    let target = call.target();
    let wire = target.wire.call(call_type).expect("a wire with this call");
    let request = call.request().expect("a native call");
    let prepared = match wire.encode(request, target) {
        Ok(prepared) => prepared,
        Err(error) => return json!({ "refused": error.to_string() }),
    };
    let body = prepared.call.whole_body();
    let mut headers = prepared.call.headers;
    auth::sign(&mut headers, call.envelope().route.auth, call.envelope().route.key.as_ref()).expect("a key");
    let kind = headers.remove(CONTENT_TYPE);
    let kind = kind.as_ref().map_or("", |kind| kind.to_str().expect("text"));
    let fresh = |text: &str| {
        text.replace(&request.fresh_name, "FRESH").replace(&request.fresh_name.replace('-', ""), "FRESH")
    };
    let text = fresh(&String::from_utf8_lossy(&body));
    let body = match kind.split_once("boundary=") {
        Some((_, boundary)) => json!({ "form": form(&text, boundary) }),
        None if text.is_empty() => Value::Null,
        None => serde_json::from_str(&text).unwrap_or_else(|_| json!({ "bytes": text })),
    };
    let headers: serde_json::Map<_, _> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value.to_str().expect("text"))))
        .collect();
    let query = &call.envelope().route.query;
    let mark = if prepared.call.url.contains('?') { "&" } else { "?" };
    let query = query.iter().fold(String::new(), |query, (name, value)| query + mark + name + "=" + value);
    let url = fresh(&prepared.call.url) + &query;
    json!({ "request": format!("{} {url}", prepared.call.method), "headers": headers, "body": body })
}

fn form(text: &str, boundary: &str) -> Vec<String> {
    let line = format!("--{boundary}");
    let parts = text.split(line.as_str()).filter(|part| part.contains("name="));
    parts
        .map(|part| {
            let (head, value) = part.trim_start().split_once("\r\n\r\n").expect("a head");
            let head = head.replace("Content-Disposition: form-data; ", "").replace("\r\n", " ");
            format!("{head}: {}", value.trim_end())
        })
        .collect()
}

fn found() -> Table {
    let mut found = Table::new();
    for name in providers::names() {
        let row = providers::row(name).expect(name);
        for call_type in served(&row) {
            let row = found.entry(name.to_owned()).or_default();
            row.insert(call_type.name().to_owned(), sent(name, call_type));
        }
    }
    found
}

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)
}

#[test]
fn every_request_goes_where_it_is_known_to_go() {
    let known: Table = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    let found = found();
    assert!(found.keys().eq(known.keys()), "the table has all of them: `cargo test -- --ignored` writes it");
    for (name, calls) in &found {
        assert!(calls.keys().eq(known[name].keys()), "{name}");
        for (call, sent) in calls {
            assert_eq!(*sent, known[name][call], "{name} {call}");
        }
    }
}

/// Writes the table: to be read before it is believed.
#[test]
#[ignore = "writes tests/facts/resources.json"]
fn write_the_table() {
    fs::write(path(), serde_json::to_string_pretty(&found()).unwrap() + "\n").unwrap();
}

/// Answers of no provider, and answers that begin like one's.
fn nonsense() -> Vec<HttpReply> {
    let mut all = vec![json!(null), json!(true), json!(1), json!("text"), json!([]), json!([[]]), json!({})];
    let names = [
        "data",
        "id",
        "name",
        "state",
        "files",
        "models",
        "file",
        "results",
        "batches",
        "batch_id",
        "items",
        "bucket",
        "batchPredictionJobs",
        "tuningJobs",
        "upload_url",
        "request_counts",
        "errors",
        "input_files",
    ];
    for value in all.clone() {
        for name in names {
            all.push(json!({ name: value }));
            all.push(json!({ name: [value] }));
            all.push(json!({ name: [{ "id": value, "name": value, "batch_request_id": value }] }));
            all.push(json!({ name: { "name": value, "state": value }, "id": "x", "request": value }));
        }
    }
    let texts = all.into_iter().map(|body| body.to_string()).chain(["", "\u{fffd}", "{"].map(str::to_owned));
    texts.map(|body| HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.into() }).collect()
}

#[test]
fn an_answer_that_is_no_answer_is_an_error_and_no_panic() {
    let replies = nonsense();
    for name in providers::names() {
        let row = providers::row(name).expect(name);
        for call_type in served(&row) {
            let call = call(name, call_type);
            let target = call.target();
            let wire = target.wire.call(call_type).expect("a wire with this call");
            let request = call.request().expect("a native call");
            let Ok(Prepared { memo, .. }) = wire.encode(request, target) else { continue };
            let mut errors = 0;
            for reply in &replies {
                let mut memo = memo.clone();
                if let Ok(Some(_)) = wire.next(request, reply, &mut memo, target) {
                    errors += 1; // of some, every reply leads to another request
                    continue;
                }
                errors += usize::from(wire.decode(reply, &memo, target).is_err());
                let facts = wire.error_facts(500, &reply.body);
                assert!(wire.classify(&facts, target) != Kind::BadRequest, "{name}: a server's failure");
            }
            // Nothing is an empty list, and a file may hold anything.
            let takes_all = call_type.name().starts_with("list_")
                || matches!(call_type, CallType::DeleteFile | CallType::FileContent);
            let least = if takes_all { 0 } else { replies.len() / 3 };
            assert!(errors >= least, "{name} {call_type:?}: {errors} of {}", replies.len());
        }
    }
}
