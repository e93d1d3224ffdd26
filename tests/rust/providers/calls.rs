//! Calls other than chat: for every provider and call type the address, the key and the body, against
//! `tests/facts/calls.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use ferrolite::auth;
use ferrolite::engine::{Call, Settings};
use ferrolite::error::{Kind, Result};
use ferrolite::hub::{CallType, Options, Upload};
use ferrolite::providers::{self, Wanted};
use ferrolite::wires::HttpReply;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::facts::{Facts, compare};
use crate::support::{Variables, variables};

const HOST: &str = "https://host.invalid";
const KEY: &str = "k";
/// What stands for OpenAI's `alloy` where voices have ids.
const VOICE: &str = "21m00Tcm4TlvDq8ikWAM";
/// A token that takes the place of a key.
const TOKEN: &str = "ya29.k";

/// Those of other files: other dialects' calls, and what an account keeps.
fn is_ours(call_type: CallType) -> bool {
    call_type.resource().is_none()
        && !matches!(
            call_type,
            CallType::Chat
                | CallType::GenerateContent
                | CallType::Messages
                | CallType::Responses
                | CallType::TextCompletion
        )
}

/// A model that tells its format by its name, where one has to.
fn model(provider: &str, call_type: CallType) -> &'static str {
    match (provider, call_type) {
        ("aws_polly", _) => "neural",
        ("bedrock", CallType::Embedding) => "amazon.titan-embed-text-v2:0",
        ("bedrock", CallType::Rerank) => "cohere.rerank-v3-5:0",
        ("bedrock", _) => "amazon.nova-canvas-v1:0",
        ("fal_ai", _) => "owner/model",
        ("gemini" | "vertex_ai", CallType::ImageGeneration) => "imagen-4.0-generate-001",
        ("openai", CallType::Transcription) => "whisper-1",
        ("vertex_ai", CallType::Embedding) => "text-embedding-005",
        ("vertex_ai", CallType::ImageEdit) => "gemini-2.5-flash-image",
        ("stability", CallType::ImageEdit) => "conservative",
        ("stability", CallType::ImageGeneration) => "core",
        _ => "zqmodel",
    }
}

fn parameters(call_type: CallType) -> Value {
    match call_type {
        CallType::Embedding | CallType::Moderation => json!({ "input": ["one"] }),
        CallType::ImageGeneration | CallType::ImageEdit => json!({ "prompt": "a cat" }),
        CallType::Rerank => json!({ "query": "which", "documents": ["one", "two"], "top_n": 1 }),
        CallType::Speech => json!({ "input": "Hello.", "voice": "alloy" }),
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
        _ => Vec::new(),
    }
}

fn call(provider: &str, call_type: CallType, variables: &Variables) -> Result<Call> {
    let Value::Object(mut keywords) = parameters(call_type) else { panic!("keywords are an object") };
    keywords.insert("model".into(), format!("{provider}/{}", model(provider, call_type)).into());
    keywords.insert("api_key".into(), "k".into());
    let row = providers::row(provider).expect(provider);
    let has_base = row.base.is_some() || row.calls.get(&call_type).is_some_and(|call| call.base.is_some());
    let known = KNOWN.get(provider);
    if !has_base || known.is_some_and(|known| known.needs_base) {
        let base = known.and_then(|known| known.base.as_deref()).unwrap_or(HOST);
        keywords.insert("api_base".into(), filled(base, model(provider, call_type)).into());
    }
    for (name, value) in [("vertex_project", "zq-project"), ("vertex_location", "zq-location")] {
        if provider == "vertex_ai" {
            keywords.insert(name.into(), value.into());
            keywords.insert("api_key".into(), "ya29.k".into());
        }
    }
    let of_one = match provider {
        "watsonx" => vec![("project_id", "p")],
        "sap" => vec![
            ("api_key", r#"{ "clientid": "c", "clientsecret": "s", "url": "https://auth.invalid" }"#),
            ("deployment_url", "https://host.invalid/v2/inference/deployments/zqid"),
        ],
        "oci" => vec![
            ("oci_compartment_id", "c"),
            ("oci_region", "zq-region"),
            ("oci_user", "u"),
            ("oci_fingerprint", "f"),
            ("oci_tenancy", "t"),
            ("oci_key", include_str!("../../fixtures/google/private-key.pem")),
        ],
        _ => Vec::new(),
    };
    keywords.extend(of_one.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    if matches!(row.service.as_deref(), Some("bedrock" | "polly" | "sagemaker")) {
        keywords.shift_remove("api_key");
        keywords.insert("aws_access_key_id".into(), "id".into());
        keywords.insert("aws_secret_access_key".into(), "secret".into());
    }
    Call::from_keywords(call_type, keywords, files(call_type), &Settings::default(), variables)
}

/// What would be sent.
struct Sent {
    method: String,
    url: String,
    headers: HeaderMap,
    body: String,
    is_form: bool,
    is_signed: bool,
    /// A token is asked for before.
    grants: bool,
}

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn sent(provider: &str, call_type: CallType) -> Sent {
    let call = call(provider, call_type, &variables()).unwrap_or_else(|error| panic!("{provider}: {error}"));
    let target = call.target();
    let wire = target.wire.call(call_type).expect("a wire with this call");
    let request = call.request().expect("a native call");
    let prepared = wire.encode(request, target).unwrap_or_else(|error| panic!("{provider}: {error}"));
    let route = &call.envelope().route;
    let body = prepared.call.whole_body();
    let mut headers = prepared.call.headers;
    for (name, value) in &route.headers {
        let name = http::HeaderName::try_from(name.as_str()).expect("a name");
        headers.insert(name, http::HeaderValue::try_from(value.as_str()).expect("a value"));
    }
    auth::sign(&mut headers, route.auth, route.key.as_ref()).expect("a key");
    let is_form = headers
        .remove(CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("multipart/")));
    let query =
        route.query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    Sent {
        method: prepared.call.method.to_string(),
        url: format!("{}{mark}{query}", prepared.call.url),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        is_form,
        is_signed: route.signing.is_some() || route.signer.is_some(),
        grants: route.grant.is_some(),
    }
}

static KNOWN: LazyLock<BTreeMap<String, Known>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../facts/calls.json")).expect("facts of calls"));

/// A provider's calls, as they are known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Known {
    base: Option<String>,
    needs_base: bool,
    auth: Proof,
    headers: BTreeMap<String, String>,
    calls: BTreeMap<String, KnownCall>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Proof {
    style: String,
    header: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct KnownCall {
    via: Option<String>,
    method: String,
    path: String,
    /// Where it is not below the base.
    url: Option<String>,
    /// What the reference does of itself, not of what the provider says.
    undocumented: bool,
    query: BTreeMap<String, String>,
    body: Option<String>,
}

impl KnownCall {
    fn url(&self, base: &str, model: &str) -> String {
        let url = self.url.clone().unwrap_or_else(|| format!("{base}{}", self.path));
        filled(&url, model)
    }
}

fn filled(text: &str, model: &str) -> String {
    let text = text
        .replace("{model}", &address(model))
        .replace("{voice_id}", VOICE)
        .replace("{api_version}", "2025-02-01-preview");
    Facts::filled(&text)
}

/// Where a call differs from what is known of it.
fn differences(name: &str, call_type: CallType, known: &Known, call: &KnownCall) -> Vec<String> {
    let sent = sent(name, call_type);
    let mut found = Vec::new();
    let model = model(name, call_type);
    let base = known.base.clone().unwrap_or_else(|| HOST.to_owned());
    let expected = call.url(&base, model);
    let (url, query) = sent.url.split_once('?').unwrap_or((&sent.url, ""));
    if url != expected {
        found.push(format!("address {url} instead of {expected}"));
    }
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let wanted: BTreeMap<String, String> =
        call.query.iter().map(|(name, value)| (name.clone(), filled(value, model))).collect();
    if query != wanted {
        found.push(format!("query {query:?} instead of {wanted:?}"));
    }
    if sent.method != call.method {
        found.push(format!("method {}", sent.method));
    }
    found.extend(proof(&sent, &known.auth));
    for (header, value) in &known.headers {
        if sent.header(header) != Some(&filled(value, model)) {
            found.push(format!("header {header} {:?} instead of {value}", sent.header(header)));
        }
    }
    if sent.is_form != (call.body.as_deref() == Some("multipart")) {
        found.push(format!("form {}", sent.is_form));
    }
    let asks = match call_type {
        CallType::Embedding | CallType::Moderation => "one",
        CallType::ImageGeneration | CallType::ImageEdit => "a cat",
        CallType::Rerank => "which",
        CallType::Speech => "Hello.",
        _ => "data",
    };
    let inline = base64::engine::general_purpose::STANDARD.encode(asks);
    if !sent.body.contains(asks) && !sent.body.contains(&inline) {
        found.push(format!("body without '{asks}': {}", sent.body));
    }
    if !sent.body.contains(model) && !sent.url.contains(&address(model)) {
        found.push(format!("no model in {} and {}", sent.url, sent.body));
    }
    found
}

fn address(model: &str) -> String {
    model.replace(':', "%3A")
}

/// The key is where it is known to be, and nowhere else.
fn proof(sent: &Sent, known: &Proof) -> Option<String> {
    if sent.grants {
        return None;
    }
    match known.style.as_str() {
        "sigv4" | "http-signature" if sent.is_signed => return None,
        "none" | "" if sent.header("authorization").is_none() => return None,
        _ => {}
    }
    let value = ["{key}", "{access_token}", "{token}"]
        .iter()
        .fold(known.value.clone(), |value, name| value.replace(name, KEY));
    let value = if known.style == "oauth2" { value.replace(KEY, TOKEN) } else { value };
    let header = sent.header(&known.header.to_lowercase());
    (header != Some(&value)).then(|| format!("proof {:?} instead of {}: {value}", sent.headers, known.header))
}

const NOT_OPENAI: &str = "the reference asks OpenAI, with the key of this provider";
const OF_A_LOGIN: &str = "comes from the file of a login; see subscriptions.rs";
const OUR_OWN_PREFIX: &str = "the reference has it for models of azure/speech/ only";

/// Every call type of every provider, against what was observed of the reference.
#[test]
fn every_call_goes_where_it_is_known_to_go() {
    let mut found = Vec::new();
    for (name, facts) in &*KNOWN {
        let row = providers::row(name).unwrap_or_else(|| panic!("{name} has no row"));
        for (call_name, call) in facts.calls.iter().filter(|(_, call)| call.via.is_none()) {
            let call_type = CallType::from_name(call_name).unwrap_or_else(|| panic!("{call_name}"));
            if !is_ours(call_type) {
                continue;
            }
            if row.calls.contains_key(&call_type) {
                let differences = differences(name, call_type, facts, call);
                found.extend(differences.into_iter().map(|what| format!("{name}: {call_name}: {what}")));
            } else if !call.undocumented {
                found.push(format!("{name}: {call_name}: not served"));
            }
        }
        let is_alias = row.name != *name;
        let unknown = row
            .calls
            .keys()
            .filter(|call| is_ours(**call) && !is_alias && !facts.calls.contains_key(call.name()));
        found.extend(unknown.map(|call| format!("{name}: {}: nothing known", call.name())));
    }
    compare(
        &found,
        &[
            ("azure_ai", "image_edit: nothing known", "a deployment's, as generations are"),
            ("azure_ai", "rerank: proof", "as a bearer, which the reference sends there, too"),
            ("azure_speech", "speech: nothing known", OUR_OWN_PREFIX),
            ("azure_speech", "transcription: nothing known", OUR_OWN_PREFIX),
            ("chatgpt", "image_generation: header chatgpt-account-id", OF_A_LOGIN),
            ("chatgpt", "transcription: header chatgpt-account-id", OF_A_LOGIN),
            ("cometapi", "image_generation: address", NOT_OPENAI),
            ("cometapi", "speech: address", NOT_OPENAI),
            ("cometapi", "transcription: address", NOT_OPENAI),
            (
                "fal_ai",
                "image_generation: address",
                "the whole name is the path; `openai` was part of the observed one",
            ),
            ("huggingface", "rerank: no model", "a server has one model"),
            ("litellm_proxy", "image_variation: nothing known", "a proxy knows what it has"),
            ("mistral", "moderation: address", NOT_OPENAI),
            ("sap", "embedding: address", "what was observed is the request for a token before it"),
            ("sap", "embedding: header ai-client-type", "the name of the client is ours"),
            (
                "soniox",
                "transcription: no model",
                "the second request names it, after the recording is there",
            ),
            ("triton", "embedding: address", "no slash at the end of an address"),
            ("vertex_ai", "speech: no model", "the voice is the model"),
        ],
    );
}

#[test]
fn what_a_provider_lacks_is_refused_before_anything_is_sent() {
    for name in providers::names() {
        let row = providers::row(name).expect(name);
        for call_type in CallType::ALL.into_iter().filter(|_| row.instead.is_none()) {
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
        for call_type in row.calls.keys().copied().filter(|call_type| is_ours(*call_type)) {
            let call = call(name, call_type, &variables()).expect(name);
            let target = call.target();
            let wire = target.wire.call(call_type).expect("a wire with this call");
            let request = call.request().expect("a native call");
            let memo = wire.encode(request, target).expect(name).memo;
            let mut errors = 0;
            for reply in &replies {
                let mut memo = memo.clone();
                if let Ok(Some(_)) = wire.next(request, reply, &mut memo, target) {
                    continue;
                }
                errors += usize::from(wire.decode(reply, &memo, target).is_err());
                let facts = wire.error_facts(500, &reply.body);
                assert!(wire.classify(&facts, target) != Kind::BadRequest, "{name}: a server's failure");
            }
            let takes_bytes =
                matches!(call_type, CallType::Speech | CallType::Transcription | CallType::ImageVariation);
            assert!(
                takes_bytes || errors > replies.len() / 2,
                "{name} {call_type:?}: {errors} of {}",
                replies.len()
            );
        }
    }
}
