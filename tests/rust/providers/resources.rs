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

/// A list is read: what a page in the provider's form, asked for with these keywords, says of the next one.
fn listed(provider: &str, keywords: Value, page: Value) -> (usize, Value, Value) {
    let Value::Object(mut keywords) = keywords else { panic!("keywords are an object") };
    keywords.insert("custom_llm_provider".into(), provider.into());
    keywords.insert("api_key".into(), "k".into());
    let call =
        Call::from_keywords(CallType::ListBatches, keywords, Vec::new(), &Settings::default(), &variables());
    let call = call.unwrap();
    let memo = call.prepare().unwrap().memo;
    let wire = call.target().wire.call(CallType::ListBatches).unwrap();
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: page.to_string().into() };
    let page = wire.decode(&reply, &memo, call.target()).unwrap().into_json();
    (page["data"].as_array().unwrap().len(), page["has_more"].clone(), page["next_page_token"].clone())
}

#[test]
fn mistral_counts_the_pages_of_its_batches() {
    let jobs = |count: usize| json!({ "data": vec![json!({ "id": "b" }); count], "total": 5 });
    let found =
        |after: Option<&str>, count| listed("mistral", json!({ "limit": 2, "after": after }), jobs(count));
    assert_eq!(found(None, 2), (2, json!(true), json!("1")));
    assert_eq!(found(Some("1"), 2), (2, json!(true), json!("2")));
    assert_eq!(found(Some("2"), 1), (1, json!(false), json!(null)));
    // Some that were counted are gone.
    assert_eq!(found(Some("2"), 0), (0, json!(false), json!(null)));
    let url = |after: &str| {
        let keywords =
            json!({ "custom_llm_provider": "mistral", "api_key": "k", "limit": 2, "after": after });
        let Value::Object(keywords) = keywords else { panic!("keywords are an object") };
        let settings = Settings::default();
        let call = Call::from_keywords(CallType::ListBatches, keywords, Vec::new(), &settings, &variables());
        call.unwrap().prepare().map(|prepared| prepared.call.url)
    };
    assert!(url("1").unwrap().ends_with("/batch/jobs?page_size=2&page=1"), "{:?}", url("1"));
    assert_eq!(url("a-job").unwrap_err().kind(), Kind::BadRequest);
}

/// Reads the results of one of xAI's batches, page for page, until they end.
fn results(page: impl Fn(usize) -> Value) -> ferrolite::error::Result<String> {
    let keywords = json!({ "custom_llm_provider": "xai", "api_key": "k", "file_id": "batch_1" });
    let Value::Object(keywords) = keywords else { panic!("keywords are an object") };
    let settings = Settings::default();
    let call =
        Call::from_keywords(CallType::FileContent, keywords, Vec::new(), &settings, &variables()).unwrap();
    let wire = call.target().wire.call(CallType::FileContent).unwrap();
    let mut memo = call.prepare().unwrap().memo;
    for number in 0.. {
        let reply =
            HttpReply { status: 200, headers: http::HeaderMap::new(), body: page(number).to_string().into() };
        if wire.next(call.request().unwrap(), &reply, &mut memo, call.target())?.is_none() {
            let whole = wire.decode(&reply, &memo, call.target())?.into_bytes();
            return Ok(String::from_utf8(whole.to_vec()).unwrap());
        }
    }
    unreachable!("pages are numbered without end")
}

#[test]
fn a_part_of_a_batchs_results_is_not_its_file() {
    let line = json!({ "batch_request_id": "c", "batch_result": { "response": { "x": { "id": "i" } } } });
    // A page may be empty, and others come after it.
    let whole = results(|number| match number {
        1 => json!({ "results": [], "pagination_token": "t" }),
        3 => json!({ "results": [line] }),
        _ => json!({ "results": [line], "pagination_token": "t" }),
    });
    assert_eq!(whole.unwrap().lines().count(), 3);
    let endless = results(|_| json!({ "results": [line], "pagination_token": "t" })).unwrap_err();
    assert!(endless.message().contains("more than 1000 pages"), "{endless}");
    let padding = "x".repeat(32 * 1024 * 1024);
    let large =
        results(|_| json!({ "results": [], "padding": padding, "pagination_token": "t" })).unwrap_err();
    assert!(large.message().contains("larger than"), "{large}");
}

#[test]
fn predictions_keep_all_that_is_said_and_are_dated() {
    let keywords = json!({ "custom_llm_provider": "vertex_ai", "api_key": "k", "vertex_project": "p",
        "vertex_location": "us-central1", "file_id": "gs://b/predictions.jsonl" });
    let Value::Object(keywords) = keywords else { panic!("keywords are an object") };
    let settings = Settings::default();
    let call =
        Call::from_keywords(CallType::FileContent, keywords, Vec::new(), &settings, &variables()).unwrap();
    let wire = call.target().wire.call(CallType::FileContent).unwrap();
    let memo = call.prepare().unwrap().memo;
    let line = |processed: Option<&str>| {
        json!({ "custom_id": "c", "status": "", "request": {}, "processed_time": processed, "response": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "refusal",
            "content": [{ "type": "text", "text": "Hello", "citations": [{ "cited_text": "H" }] }],
            "usage": { "input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 2 } } })
    };
    let body = format!("{}\n{}\n", line(Some("2024-11-01T18:13:16.826+00:00")), line(None));
    let mut headers = http::HeaderMap::new();
    headers.insert(http::header::LAST_MODIFIED, "Sat, 02 Nov 2024 00:00:00 GMT".parse().unwrap());
    let reply = HttpReply { status: 200, headers, body: body.into() };
    let made = wire.decode(&reply, &memo, call.target()).unwrap().into_bytes();
    let mut bodies = made.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| {
        let mut line: Value = serde_json::from_slice(line).unwrap();
        line["response"]["body"].take()
    });
    let first = bodies.next().unwrap();
    assert_eq!(first["created"], 1_730_484_796);
    assert_eq!(bodies.next().unwrap()["created"], 1_730_505_600);
    assert_eq!(first["usage"]["cache_read_input_tokens"], 2, "{first}");
    let said = &first["choices"][0]["message"]["provider_specific_fields"];
    assert_eq!(said["stop_reason"], "refusal", "{first}");
    assert!(said["citations"].is_array(), "{first}");
}
