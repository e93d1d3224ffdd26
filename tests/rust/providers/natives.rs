//! Providers with formats of their own: what is sent for known conversations and parameters, and how answers read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ferrolite::error::Kind;
use ferrolite::hub::FinishReason;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::facts::{Chat, compare};
use crate::parameters::{PROBES, difference, expected};
use crate::support::{Sent, Variables, answered, keywords, sent, streamed, variables};

#[derive(Debug, Deserialize)]
struct Natives {
    conversations: BTreeMap<String, Value>,
    providers: BTreeMap<String, Native>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Native {
    base: String,
    base_required: bool,
    path: String,
    stream_path: Option<String>,
    query: BTreeMap<String, String>,
    auth: Option<String>,
    header: Option<String>,
    headers: BTreeMap<String, String>,
    chat: Chat,
    bodies: BTreeMap<String, Option<Value>>,
}

static NATIVES: LazyLock<Natives> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../facts/natives.json")).expect("facts of natives")
});

/// Keywords that a provider cannot do without.
fn needed(provider: &str) -> Value {
    match provider {
        "watsonx" | "watsonx_text" => json!({ "project_id": "xx-project", "token": "k" }),
        "gigachat" | "github_copilot" => json!({ "api_key": "k" }),
        "sap" => json!({
            "api_key": json!({
                "clientid": "c", "clientsecret": "s", "url": "https://auth.invalid",
                "serviceurls": { "AI_API_URL": "https://api.ai.zq-region.sap.hana.ondemand.com" },
            }).to_string(),
            "deployment_url": "https://api.ai.zq-region.sap.hana.ondemand.com/v2/inference/deployments/zqid",
        }),
        "oci" => json!({
            "oci_compartment_id": "ocid1.compartment.fixture", "oci_region": "zq-region", "oci_user": "u",
            "oci_fingerprint": "f", "oci_tenancy": "t", "oci_key": "k",
        }),
        "predibase" => json!({ "predibase_tenant_id": "zq-account" }),
        name if name.starts_with("sagemaker") => json!({
            "api_key": null, "aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region_name": "zq-region",
        }),
        _ => json!({}),
    }
}

fn call(provider: &str, native: &Native, more: Value) -> Value {
    let base = if native.base_required { json!(filled(&native.base, native)) } else { Value::Null };
    let mut call = keywords(&format!("{provider}/{}", native.chat.model), json!({ "api_base": base }));
    for part in [needed(provider), more] {
        let Value::Object(part) = part else { panic!("keywords are an object") };
        call.as_object_mut().unwrap().extend(part);
    }
    call.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    call
}

fn filled(address: &str, native: &Native) -> String {
    crate::facts::Facts::filled(&address.replace("{model}", &native.chat.model))
}

#[test]
fn a_plain_and_a_streamed_call_go_to_the_known_address_with_the_key() {
    let mut found = Vec::new();
    for (name, native) in &NATIVES.providers {
        for stream in [false, true] {
            let sent = sent(call(name, native, json!({ "stream": stream })), &variables())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let path = native.stream_path.as_ref().filter(|_| stream).unwrap_or(&native.path);
            let path = filled(path, native);
            // Where the address is the whole one, the path replaces it or is nothing.
            let base = filled(&native.base, native);
            let url = match (native.base_required, path.as_str()) {
                (true, "/") => base,
                (true, path) if base.contains(path.trim_end_matches("_stream")) => {
                    base.replace(path.trim_end_matches("_stream"), path)
                }
                (_, path) => format!("{base}{path}"),
            };
            let query: Vec<String> =
                native.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let url = url + if query.is_empty() { "" } else { "?" } + &query.join("&");
            if sent.url != url {
                found.push(format!("{name}: address {} instead of {url}", sent.url));
            }
            if let (Some(header), Some(value)) = (&native.header, &native.auth) {
                let value = value.replace("{key}", "k").replace("{access_token}", "k");
                if sent.header(header) != Some(&value) {
                    found.push(format!("{name}: {header} {:?} instead of {value}", sent.header(header)));
                }
            }
            for (header, value) in &native.headers {
                if sent.header(header) != Some(value) {
                    found.push(format!("{name}: {header} {:?}", sent.header(header)));
                }
            }
        }
    }
    compare(
        &found,
        &[
            ("gigachat", "Authorization None", EXCHANGED),
            ("github_copilot", "Authorization None", EXCHANGED),
            ("microsoft_365_copilot", "address", LATER),
            ("sap", "Authorization None", EXCHANGED),
            ("sap", "ai-client-type", "the name of the client is ours"),
        ],
    );
}

#[test]
fn conversations_are_sent_as_known() {
    let mut found = Vec::new();
    for (name, native) in &NATIVES.providers {
        for (probe, known) in &native.bodies {
            let messages = &NATIVES.conversations[probe];
            let got = sent(call(name, native, json!({ "messages": messages })), &variables());
            // A body that waits for its address.
            let body = |sent: Sent| sent.memo.notes.get("later").cloned().unwrap_or(sent.body);
            match (got.map(body), known) {
                (Ok(body), Some(known)) if is_known(&body, known) => {}
                (Ok(body), Some(known)) => {
                    found.push(format!("{name}: {probe} {body} instead of {known}"));
                }
                (Ok(body), None) => found.push(format!("{name}: {probe} is sent: {body}")),
                (Err(error), Some(_)) => found.push(format!("{name}: {probe} is refused: {error}")),
                (Err(error), None) => assert_eq!(error.kind(), Kind::BadRequest, "{name}: {probe}: {error}"),
            }
        }
    }
    compare(&found, CONVERSATIONS);
}

/// Words of the reference's own were not kept.
fn is_known(body: &Value, known: &Value) -> bool {
    let kept = known.to_string();
    body == known || body.to_string().replace("assistant message", "(text inserted by the reference)") == kept
}

#[test]
fn parameters_fare_as_known() {
    let mut found = Vec::new();
    for (name, native) in &NATIVES.providers {
        for probe in PROBES {
            let known = expected(&native.chat, probe);
            let body = |mut more: Value| {
                more["messages"] = json!([{ "role": "user", "content": "zqmarkzq" }]);
                sent(call(name, native, more), &variables()).map(|sent| sent.body)
            };
            if let Some(what) = difference(body, &native.chat, known, probe) {
                found.push(format!("{name}: {probe} {what}"));
            }
        }
    }
    compare(&found, PARAMETERS);
}

const EXCHANGED: &str = "the key is exchanged when the request is sent (polling)";
const LATER: &str = "a conversation is opened first (polling)";
const KEYS: &str = "unknown keys of a message are sent";
const NO_PLACE: &str = "a prompt has no place for it: refused, not lost in silence";
const READ: &str = "a list of texts is their text; the reference sends Python's view of the list, or fails";
const BLOCKS: &str = "thinking blocks are another provider's (GEN-23)";
const PROMPT: &str = "the conversation is the prompt; the reference sends none, or Python's view of a list";
const ONE: &str =
    "a conversation is one prompt; the reference sends one for each message, which are answered apart";
const OWN: &str = "sent, as every keyword of the provider's own";
const NULLS: &str = "what nobody asked for is left out (GEN-05)";
const LIST: &str = "a list of one: the provider takes lists (GEN-04)";

const CONVERSATIONS: &[(&str, &str, &str)] = &[
    ("anthropic_text", "", PROMPT),
    ("bytez", "", NULLS),
    ("custom", "", NULLS),
    ("langflow", "image", NO_PLACE),
    ("langflow", "tool", NO_PLACE),
    ("langgraph", "image", NO_PLACE),
    ("langgraph", "tool", NO_PLACE),
    ("microsoft_365_copilot", "tool_result_list", NO_PLACE),
    ("nlp_cloud", "image", NO_PLACE),
    ("nlp_cloud", "tool", NO_PLACE),
    ("replicate", "cache_control", READ),
    ("replicate", "content_list", READ),
    ("replicate", "image", NO_PLACE),
    ("replicate", "system_content_list", READ),
    ("replicate", "tool", NO_PLACE),
    ("sagemaker_chat", "assistant_thinking_blocks", BLOCKS),
    ("sagemaker_nova", "assistant_thinking_blocks", BLOCKS),
    ("sap", "assistant_prefix", KEYS),
    ("sap", "extra_message_key", KEYS),
    ("text-completion-inception", "", ONE),
    ("text-completion-openai", "", ONE),
    ("watsonx", "assistant_thinking_blocks", BLOCKS),
    ("watsonx_text", "", PROMPT),
];

const PARAMETERS: &[(&str, &str, &str)] = &[
    ("custom", "", "what its format has no place for is refused (GEN-01)"),
    ("gigachat", "top_k", OWN),
    ("gigachat", "unknown_param", OWN),
    ("langflow", "top_k", OWN),
    ("langflow", "unknown_param", OWN),
    ("langgraph", "top_k", OWN),
    ("langgraph", "unknown_param", OWN),
    ("nlp_cloud", "stop_string", LIST),
    ("oci", "stop_string", LIST),
    ("predibase", "stop_string", LIST),
    ("sagemaker", "stop_string", LIST),
    ("sap", "prediction", "sent as it is; what was observed had another text"),
    ("text-completion-inception", "top_k", OWN),
    ("text-completion-inception", "unknown_param", OWN),
    ("triton", "max_completion_tokens", "one limit, under the name that the server knows (GEN-03)"),
    ("watsonx", "top_k", OWN),
    ("watsonx_text", "stop_string", LIST),
];

/// A reply, and the text, the reason to end and the counts that it stands for.
type Answered = (&'static str, Value, &'static str, FinishReason, (u64, u64));

fn answers() -> Vec<Answered> {
    use FinishReason::{Length, Stop};
    let chat = json!({
        "id": "x", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "out" }, "finish_reason": "length" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 },
    });
    let tgi = json!({
        "generated_text": "out",
        "details": { "finish_reason": "length", "generated_tokens": 7, "prompt_tokens": 5, "tokens": [] },
    });
    let completion = json!({
        "id": "x", "created": 1, "model": "m", "choices": [{ "index": 0, "text": "out", "finish_reason": "length" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 },
    });
    vec![
        ("gigachat", chat.clone(), "out", Length, (5, 7)),
        ("github_copilot", chat.clone(), "out", Length, (5, 7)),
        ("text-completion-codestral", chat.clone(), "out", Length, (5, 7)),
        ("text-completion-inception", completion.clone(), "out", Length, (5, 7)),
        ("text-completion-openai", completion, "out", Length, (5, 7)),
        ("watsonx", chat.clone(), "out", Length, (5, 7)),
        ("sagemaker_chat", chat.clone(), "out", Length, (5, 7)),
        ("sagemaker_nova", chat.clone(), "out", Length, (5, 7)),
        (
            "watsonx_text",
            json!({ "model_id": "m", "results": [{
                "generated_text": "out", "generated_token_count": 7, "input_token_count": 5, "stop_reason": "token_limit",
            }] }),
            "out",
            Length,
            (5, 7),
        ),
        (
            "replicate",
            json!({
                "id": "p", "status": "succeeded", "output": ["o", "ut"],
                "metrics": { "input_token_count": 5, "output_token_count": 7 },
            }),
            "out",
            Stop,
            (5, 7),
        ),
        ("predibase", tgi.clone(), "out", Length, (5, 7)),
        ("sagemaker", json!([tgi]), "out", Length, (5, 7)),
        ("sagemaker", json!([{ "generated_text": "out" }]), "out", Stop, (1, 1)),
        (
            "nlp_cloud",
            json!({ "generated_text": "out", "nb_input_tokens": 5, "nb_generated_tokens": 7 }),
            "out",
            Stop,
            (5, 7),
        ),
        (
            "bytez",
            json!({ "error": null, "output": { "role": "assistant", "content": [{ "type": "text", "text": "out" }] } }),
            "out",
            Stop,
            (1, 1),
        ),
        (
            "langflow",
            json!({ "outputs": [{ "outputs": [{ "results": { "message": { "text": "out" } } }] }] }),
            "out",
            Stop,
            (1, 1),
        ),
        (
            "langgraph",
            json!({ "messages": [
                { "type": "human", "content": "hi" },
                { "type": "ai", "content": "out", "usage_metadata": { "input_tokens": 5, "output_tokens": 7 } },
            ] }),
            "out",
            Stop,
            (5, 7),
        ),
        (
            "microsoft_365_copilot",
            json!({ "id": "c", "messages": [{ "text": "hi" }, { "text": "out" }] }),
            "out",
            Stop,
            (1, 1),
        ),
        (
            "oci",
            json!({ "modelId": "m", "chatResponse": {
                "apiFormat": "GENERIC",
                "choices": [{
                    "index": 0, "finishReason": "length",
                    "message": { "role": "ASSISTANT", "content": [{ "type": "TEXT", "text": "out" }], "toolCalls": [] },
                }],
                "usage": { "promptTokens": 5, "completionTokens": 7, "totalTokens": 12 },
            } }),
            "out",
            Length,
            (5, 7),
        ),
        ("sap", json!({ "request_id": "r", "final_result": chat }), "out", Length, (5, 7)),
        ("triton", json!({ "model_name": "m", "text_output": "out" }), "out", Stop, (1, 1)),
        ("custom", json!({ "data": [{ "prompt": "hi", "output": ["out"] }] }), "out", Stop, (1, 1)),
        (
            "anthropic_text",
            json!({ "completion": "out", "stop_reason": "max_tokens" }),
            "out",
            Length,
            (7, 1),
        ),
    ]
}

#[test]
fn answers_are_read() {
    for (name, reply, text, reason, (prompt, completion)) in answers() {
        let native = &NATIVES.providers[name];
        let got =
            answered(call(name, native, json!({})), &reply).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(got.choices[0].message.content.as_deref(), Some(text), "{name}");
        assert_eq!(got.choices[0].finish_reason, reason, "{name}");
        let usage = got.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (prompt, completion), "{name}");
    }
}

/// What a stream is made of: events, or events in AWS's messages.
fn streams() -> Vec<Answered> {
    use FinishReason::{Length, Stop};
    let chunk = |text: &str, reason: Value| {
        json!({
            "id": "x", "created": 1, "model": "m",
            "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": reason }],
        })
    };
    let usage =
        json!({ "choices": [], "usage": { "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 } });
    let chat = json!([
        chunk("o", Value::Null),
        chunk("ut", Value::Null),
        chunk("", json!("length")),
        usage,
        "[DONE]"
    ]);
    let token = |text: &str, whole: Value, details: Value| json!({ "token": { "id": 1, "text": text, "special": false }, "generated_text": whole, "details": details });
    let details = json!({ "finish_reason": "length", "generated_tokens": 7, "prompt_tokens": 5 });
    let tgi = json!([token("o", Value::Null, Value::Null), token("ut", json!("out"), details)]);
    let result = |text: &str, reason: &str, count: u64| {
        json!({ "results": [{
            "generated_text": text, "stop_reason": reason, "input_token_count": 5, "generated_token_count": count,
        }] })
    };
    let text = |text: &str, reason: Value| json!({ "id": "x", "choices": [{ "index": 0, "text": text, "finish_reason": reason }] });
    let completion = json!([
        text("o", Value::Null),
        text("ut", Value::Null),
        text("", json!("length")),
        usage.clone(),
        "[DONE]"
    ]);
    vec![
        ("gigachat", chat.clone(), "out", Length, (5, 7)),
        ("github_copilot", chat.clone(), "out", Length, (5, 7)),
        ("text-completion-codestral", chat.clone(), "out", Length, (5, 7)),
        ("text-completion-inception", completion.clone(), "out", Length, (5, 7)),
        ("text-completion-openai", completion, "out", Length, (5, 7)),
        ("watsonx", chat.clone(), "out", Length, (5, 7)),
        ("sagemaker_chat", chat.clone(), "out", Length, (5, 7)),
        ("sagemaker_nova", chat, "out", Length, (5, 7)),
        (
            "watsonx_text",
            json!([result("o", "not_finished", 1), result("ut", "max_tokens", 7)]),
            "out",
            Length,
            (5, 7),
        ),
        ("predibase", tgi.clone(), "out", Length, (5, 7)),
        ("sagemaker", tgi, "out", Length, (5, 7)),
        (
            "langgraph",
            json!([
                { "run_id": "r" },
                [{ "type": "AIMessageChunk", "content": "o" }, {}],
                [{ "type": "tool", "content": "a result" }, {}],
                [{ "type": "AIMessageChunk", "content": "ut",
                   "usage_metadata": { "input_tokens": 5, "output_tokens": 7 } }, {}],
            ]),
            "out",
            Stop,
            (5, 7),
        ),
        (
            "oci",
            json!([
                { "index": 0, "message": { "role": "ASSISTANT", "content": [{ "type": "TEXT", "text": "o" }] } },
                { "index": 0, "message": { "role": "ASSISTANT", "content": [{ "type": "TEXT", "text": "ut" }] } },
                { "finishReason": "length" },
                { "usage": { "promptTokens": 5, "completionTokens": 7, "totalTokens": 12 } },
            ]),
            "out",
            Length,
            (5, 7),
        ),
        (
            "sap",
            json!([
                { "final_result": chunk("o", Value::Null) },
                { "final_result": chunk("ut", Value::Null) },
                { "final_result": chunk("", json!("length")) },
                { "final_result": usage },
                "[DONE]",
            ]),
            "out",
            Length,
            (5, 7),
        ),
        ("triton", json!([{ "text_output": "o" }, { "text_output": "ut" }]), "out", Stop, (1, 1)),
        (
            "anthropic_text",
            json!([
                { "type": "completion", "completion": "o", "stop_reason": null },
                { "type": "ping" },
                { "type": "completion", "completion": "ut", "stop_reason": "stop_sequence" },
            ]),
            "out",
            Stop,
            (7, 1),
        ),
    ]
}

#[test]
fn streams_are_read_however_they_are_cut() {
    for (name, events, text, reason, (prompt, completion)) in streams() {
        let native = &NATIVES.providers[name];
        for size in [1, 7, 64, 10_000] {
            let call = call(name, native, json!({ "stream": true }));
            let got = streamed(call, events.as_array().unwrap(), size, name.starts_with("sagemaker"))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(got.choices[0].message.content.as_deref(), Some(text), "{name}");
            assert_eq!(got.choices[0].finish_reason, reason, "{name}");
            let usage = got.usage.unwrap_or_else(|| panic!("{name} counts"));
            assert_eq!((usage.prompt_tokens, usage.completion_tokens), (prompt, completion), "{name}");
        }
    }
}

/// STR-14: streams of Triton and LangGraph have no last event; every other one that ends without it is cut off.
#[test]
fn str_14_a_stream_without_its_end_is_an_error() {
    for (name, events, ..) in
        streams().into_iter().filter(|(name, ..)| !matches!(*name, "langgraph" | "triton"))
    {
        let call = call(name, &NATIVES.providers[name], json!({ "stream": true }));
        let first = &events.as_array().unwrap()[..1];
        let error = streamed(call, first, 64, name.starts_with("sagemaker")).unwrap_err();
        assert_eq!(error.kind(), Kind::Connection, "{name}: {error}");
    }
}

#[test]
fn a_component_of_an_endpoint_is_named_in_a_header() {
    for name in ["sagemaker", "sagemaker_chat", "sagemaker_nova"] {
        let call = call(name, &NATIVES.providers[name], json!({ "model_id": "part" }));
        let sent = sent(call, &variables()).unwrap();
        assert_eq!(sent.header("x-amzn-sagemaker-inference-component"), Some("part"), "{name}");
        assert_eq!(sent.body.get("model_id"), None, "{name}");
    }
}

/// What the server takes another way than OpenAI has it.
#[test]
fn nothing_is_not_a_temperature_and_no_length() {
    let zero =
        call("sagemaker", &NATIVES.providers["sagemaker"], json!({ "temperature": 0, "max_tokens": 0 }));
    let sent = sent(zero, &variables()).unwrap();
    assert_eq!(sent.body["parameters"], json!({ "temperature": 0.01, "max_new_tokens": 1 }));
}

#[test]
fn where_a_name_leads() {
    for (provider, model, url) in [
        ("replicate", "deployments/o/d", "https://api.replicate.com/v1/deployments/o/d/predictions"),
        ("watsonx", "deployment/d", "https://host.invalid/ml/v1/deployments/d/text/chat?version=2024-03-13"),
        (
            "watsonx_text",
            "deployment/d",
            "https://host.invalid/ml/v1/deployments/d/text/generation?version=2024-03-13",
        ),
    ] {
        let base = if provider == "replicate" { Value::Null } else { json!("https://host.invalid") };
        let mut all = json!({ "api_base": base, "token": "k" });
        if provider == "replicate" {
            all = json!({ "api_base": null });
        }
        let sent = sent(keywords(&format!("{provider}/{model}"), all), &variables()).unwrap();
        assert_eq!(sent.url, url);
        assert!(sent.body.get("model_id").is_none() && sent.body.get("project_id").is_none());
    }
    let hash = "a".repeat(64);
    let call = keywords(&format!("replicate/owner/model:{hash}"), json!({ "api_base": null }));
    let sent = sent(call, &variables()).unwrap();
    assert_eq!(sent.url, "https://api.replicate.com/v1/predictions");
    assert_eq!(sent.body["version"], json!(hash));
    let tensors = call_of_triton();
    assert_eq!(
        tensors["inputs"],
        json!([
            { "name": "text_input", "shape": [1], "datatype": "BYTES", "data": ["hi"] },
            { "name": "max_tokens", "shape": [1], "datatype": "INT32", "data": [3] },
        ])
    );
}

fn call_of_triton() -> Value {
    let base = "http://triton.invalid/v2/models/m/infer";
    sent(keywords("triton/m", json!({ "api_base": base, "max_tokens": 3 })), &variables()).unwrap().body
}

/// A project or a space has to be named, but for a deployment, which knows its own.
#[test]
fn watsonx_asks_who_pays() {
    let call = keywords("watsonx/m", json!({ "token": "k" }));
    let error = sent(call, &variables()).err().unwrap();
    assert_eq!(error.kind(), Kind::Authentication);
    assert!(error.message().contains("WATSONX_PROJECT_ID"), "{error}");
    let variables = variables().with("WX_SPACE_ID", "s").with("WATSONX_ZENAPIKEY", "z");
    let call = keywords("watsonx/m", json!({ "api_key": null }));
    let sent = sent(call, &variables).unwrap();
    assert_eq!((sent.header("authorization"), &sent.body["space_id"]), (Some("ZenApiKey z"), &json!("s")));
}

/// What is missing is named before anything is sent.
#[test]
fn missing_parts_are_named() {
    for (model, names) in [
        ("predibase/m", &["predibase_tenant_id", "PREDIBASE_TENANT_ID"][..]),
        ("sap/m", &["AICORE_SERVICE_KEY", "api_key"]),
        ("oci/m", &["oci_key", "OCI_KEY_FILE"]),
        ("gigachat/m", &["GIGACHAT_CREDENTIALS"]),
        ("watsonx/m", &["api_base", "WATSONX_API_BASE"]),
    ] {
        let key = if model.starts_with("pre") { json!("k") } else { Value::Null };
        let call = keywords(model, json!({ "api_base": null, "api_key": key }));
        let error = sent(call, &Variables::default()).err().unwrap_or_else(|| panic!("{model} is sent"));
        for name in names {
            assert!(error.message().contains(name), "{model}: {error}");
        }
    }
}
