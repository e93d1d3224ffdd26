//! Calls other than chat: for every row and call type the address, the key and the body, against `tests/facts/calls.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ferrolite::auth;
use ferrolite::engine::{Call, Settings};
use ferrolite::error::{Kind, Result};
use ferrolite::hub::{CallType, Options, Upload};
use ferrolite::providers::{self, Provider, Wanted};
use ferrolite::wires::{HttpReply, Prepared};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Variables, variables};

type Table = BTreeMap<String, BTreeMap<String, Value>>;

const FILE: &str = "tests/facts/calls.json";

/// Those of other files: other dialects' calls.
fn is_ours(call_type: CallType) -> bool {
    !matches!(
        call_type,
        CallType::Chat
            | CallType::GenerateContent
            | CallType::Messages
            | CallType::Responses
            | CallType::TextCompletion
    )
}

/// The call types that a row's entries speak for.
fn served(row: &Provider) -> impl Iterator<Item = CallType> {
    let served = CallType::ALL.into_iter().filter(|call_type| row.calls.contains_key(&call_type.in_rows()));
    served.filter(|call_type| is_ours(*call_type) && !call_type.is_about_response())
}

/// A model that tells its format by its name, where one has to.
fn model(provider: &str, call_type: CallType) -> &'static str {
    match (provider, call_type) {
        ("aws_polly", _) => "neural",
        ("bedrock", CallType::Embedding) => "amazon.titan-embed-text-v2:0",
        ("bedrock", CallType::Rerank) => "cohere.rerank-v3-5:0",
        ("bedrock", _) => "amazon.nova-canvas-v1:0",
        ("gemini" | "vertex_ai", CallType::ImageGeneration) => "imagen-4.0-generate-001",
        ("openai", CallType::Transcription) => "whisper-1",
        ("vertex_ai", CallType::Embedding) => "text-embedding-005",
        ("vertex_ai", CallType::ImageEdit) => "gemini-2.5-flash-image",
        ("stability", CallType::ImageEdit) => "inpaint",
        ("stability", CallType::ImageGeneration) => "sd3.5-large",
        _ => "owner/model",
    }
}

fn parameters(call_type: CallType) -> Value {
    match call_type {
        CallType::Embedding | CallType::Moderation => json!({ "input": ["one"] }),
        CallType::ImageGeneration | CallType::ImageEdit => json!({ "prompt": "a cat" }),
        CallType::Rerank => json!({ "query": "which", "documents": ["one", "two"], "top_n": 1 }),
        CallType::Speech => json!({ "input": "Hello.", "voice": "alloy" }),
        CallType::CreateBatch => json!({
            "completion_window": "24h",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "gs://b/publishers/google/models/gemini-2.5-pro/file",
            "metadata": { "a": "b" },
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
        CallType::ListBatches | CallType::ListFiles | CallType::ListFineTuningJobs => json!({ "limit": 3 }),
        CallType::CreateFineTuningJob => json!({ "training_file": "gs://b/file", "suffix": "s" }),
        _ => json!({}),
    }
}

fn files(call_type: CallType) -> Vec<Upload> {
    let file = |field: &str, name: &str, kind: &str| Upload {
        field: field.into(),
        name: name.into(),
        content_type: Some(kind.into()),
        data: bytes::Bytes::from_static(b"data"),
    };
    match call_type {
        CallType::ImageEdit | CallType::ImageVariation => vec![file("image", "i.png", "image/png")],
        CallType::Transcription => vec![file("file", "a.mp3", "audio/mpeg")],
        CallType::CreateFile => vec![file("file", "a.txt", "text/plain")],
        _ => Vec::new(),
    }
}

fn call(provider: &str, call_type: CallType, variables: &Variables) -> Result<Call> {
    let Value::Object(mut keywords) = parameters(call_type) else { panic!("keywords are an object") };
    keywords.insert("model".into(), format!("{provider}/{}", model(provider, call_type)).into());
    keywords.insert("api_key".into(), "k".into());
    if call_type.resource().is_some() {
        keywords.insert("custom_llm_provider".into(), provider.into());
    }
    let row = providers::row(provider).expect(provider);
    let has_base = row.base.is_some() || row.calls.get(&call_type).is_some_and(|call| call.base.is_some());
    if !has_base {
        keywords.insert("api_base".into(), "https://host.invalid".into());
    }
    let google =
        [("vertex_project", "p"), ("vertex_location", "us-central1"), ("gcs_bucket_name", "b/folder")];
    for (name, value) in google {
        if provider == "vertex_ai" {
            keywords.insert(name.into(), value.into());
            keywords.insert("api_key".into(), "ya29.k".into());
        }
    }
    let of_one = match provider {
        "watsonx" => vec![("project_id", "p")],
        "sap" => vec![
            ("api_key", r#"{ "clientid": "c", "clientsecret": "s", "url": "https://auth.invalid" }"#),
            ("deployment_url", "https://host.invalid/v2/inference/deployments/d1"),
        ],
        "oci" => vec![
            ("oci_compartment_id", "c"),
            ("oci_user", "u"),
            ("oci_fingerprint", "f"),
            ("oci_tenancy", "t"),
            ("oci_key", include_str!("../../fixtures/google/private-key.pem")),
        ],
        _ => Vec::new(),
    };
    keywords.extend(of_one.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    if matches!(row.service.as_deref(), Some("polly" | "sagemaker")) {
        keywords.shift_remove("api_key");
        keywords.insert("aws_access_key_id".into(), "id".into());
        keywords.insert("aws_secret_access_key".into(), "secret".into());
    }
    Call::from_keywords(call_type, keywords, files(call_type), &Settings::default(), variables)
}

/// What would be sent, in a form to read.
fn sent(provider: &str, call_type: CallType) -> Value {
    let call = call(provider, call_type, &variables()).unwrap_or_else(|error| panic!("{provider}: {error}"));
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
    let fresh = request.fresh_name.replace('-', "");
    let text = String::from_utf8_lossy(&body);
    let text = if fresh.is_empty() { text.into_owned() } else { text.replace(&request.fresh_name, "FRESH") };
    let body = match kind.split_once("boundary=") {
        Some((_, boundary)) => json!({ "form": form(&text, boundary) }),
        None if text.is_empty() => Value::Null,
        None => serde_json::from_str(&text).unwrap_or_else(|_| json!({ "bytes": text })),
    };
    let proof = match &call.envelope().route.signing {
        Some(signing) => json!(format!("signed for {} in {}", signing.service, signing.region)),
        None => headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), json!(value.to_str().expect("text"))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    };
    let query = &call.envelope().route.query;
    let mark = if prepared.call.url.contains('?') { "&" } else { "?" };
    let query = query.iter().fold(String::new(), |query, (name, value)| query + mark + name + "=" + value);
    let url = if fresh.is_empty() { prepared.call.url } else { prepared.call.url.replace(&fresh, "FRESH") };
    let method =
        if prepared.call.method == "POST" { String::new() } else { format!("{} ", prepared.call.method) };
    json!({ "url": method + &url + &query, "headers": proof, "body": body })
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
fn every_call_of_every_row_goes_where_it_is_known_to_go() {
    let known: Table = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    let found = found();
    let names = |table: &Table| -> Vec<String> {
        table
            .iter()
            .flat_map(|(name, calls)| calls.keys().map(move |call| format!("{name} {call}")))
            .collect()
    };
    assert_eq!(
        names(&found),
        names(&known),
        "the table has all of them: `cargo test -- --ignored` writes it"
    );
    for (name, calls) in &found {
        for (call, sent) in calls {
            assert_eq!(*sent, known[name][call], "{name} {call}");
        }
    }
}

/// Writes the table: to be read before it is believed.
#[test]
#[ignore = "writes tests/facts/calls.json"]
fn write_the_table() {
    fs::write(path(), serde_json::to_string_pretty(&found()).unwrap() + "\n").unwrap();
}

#[test]
fn what_a_provider_lacks_is_refused_before_anything_is_sent() {
    for name in providers::names() {
        let row = providers::row(name).expect(name);
        for call_type in CallType::ALL {
            let has = if call_type == CallType::Chat {
                row.wires.chat.is_some()
            } else {
                // Whoever makes something keeps it.
                row.calls.contains_key(&call_type.in_rows())
            };
            if has {
                continue;
            }
            let wanted = Wanted {
                model: format!("{name}/m"),
                api_base: Some("https://host.invalid".into()),
                api_key: Some(auth::Secret::new("k")),
                ..Wanted::default()
            };
            let error = providers::resolve(wanted, call_type, Options::default(), &variables()).unwrap_err();
            assert_eq!(error.kind(), Kind::BadRequest, "{name}");
            assert!(error.message().contains(call_type.plural()), "{error}");
        }
    }
}

/// A key of OpenAI's stays with OpenAI (and with whom the caller gives it to).
#[test]
fn no_call_sends_the_key_of_another_provider() {
    for name in providers::names() {
        let row = providers::row(name).expect(name);
        for (call_type, call) in &row.calls {
            let variables = call.key_env.as_ref().unwrap_or(&row.key_env);
            let is_openais = variables.iter().any(|variable| variable.starts_with("OPENAI_API"));
            assert!(!is_openais || name == "openai", "{name} {call_type:?}");
            let base = call.base.as_ref().or(row.base.as_ref());
            assert!(base.is_none_or(|base| !base.contains("api.openai.com")) || name == "openai", "{name}");
        }
    }
}

/// Answers of no provider, and answers that begin like one's.
fn nonsense() -> Vec<Value> {
    let mut all = vec![json!(null), json!(true), json!(1), json!("text"), json!([]), json!([[]]), json!({})];
    let names = [
        "data",
        "results",
        "embeddings",
        "rankings",
        "scores",
        "images",
        "image",
        "output",
        "outputs",
        "choices",
        "candidates",
        "predictions",
        "steps",
        "status",
        "id",
        "polling_url",
        "audio_data",
        "base_resp",
        "usage",
        "meta",
        "text",
        "words",
        "embedding",
        "usageMetadata",
        "error",
        "tokens",
        "artifacts",
    ];
    for value in all.clone() {
        for name in names {
            all.push(json!({ name: value }));
            all.push(json!({ name: [value] }));
            all.push(json!({ name: [{ "index": value, "embedding": value, "document": value, "content": value }] }));
            all.push(
                json!({ name: { "parts": value, "channels": [value], "audio": value, "sample": value } }),
            );
        }
    }
    all
}

#[test]
fn an_answer_that_is_no_answer_is_an_error_and_no_panic() {
    let replies: Vec<HttpReply> = nonsense()
        .into_iter()
        .map(|body| body.to_string())
        .chain(["", "\u{fffd}", "{"].map(str::to_owned))
        .map(|body| HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.into() })
        .collect();
    for name in providers::names() {
        let row = providers::row(name).expect(name);
        for call_type in served(&row) {
            let call = call(name, call_type, &variables()).expect(name);
            let target = call.target();
            let wire = target.wire.call(call_type).expect("a wire with this call");
            let request = call.request().expect("a native call");
            let Ok(Prepared { memo, .. }) = wire.encode(request, target) else { continue };
            let mut errors = 0;
            for reply in &replies {
                let mut memo = memo.clone();
                if let Ok(Some(_)) = wire.next(request, reply, &mut memo, target) {
                    // Of some, every reply leads to another request.
                    errors += usize::from(call_type.resource().is_some());
                    continue;
                }
                errors += usize::from(wire.decode(reply, &memo, target).is_err());
                let facts = wire.error_facts(500, &reply.body);
                assert!(wire.classify(&facts, target) != Kind::BadRequest, "{name}: a server's failure");
            }
            let takes_bytes = matches!(
                call_type,
                CallType::DeleteFile
                    | CallType::FileContent
                    | CallType::ImageVariation
                    // Nothing is an empty list.
                    | CallType::ListBatches
                    | CallType::ListFiles
                    | CallType::ListFineTuningJobs
                    | CallType::ListModels
                    | CallType::Speech
                    | CallType::Transcription
            );
            assert!(
                takes_bytes || errors > replies.len() / 2,
                "{name} {call_type:?}: {errors} of {}",
                replies.len()
            );
        }
    }
}
