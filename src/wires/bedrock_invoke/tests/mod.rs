//! Formats that are spoken through `invoke`; rules of Anthropic's format are tested in its own folder.

mod claude;
mod makers;
mod messages;
mod streams;

use std::sync::Arc;

use serde_json::Value;

use super::Invoke;
use crate::error::{Error, Result};
use crate::hub::{Accent, Chat, ChatRequest, ChatResponse, Delta, Options, Target};
use crate::models;
use crate::wires::bedrock::model::Name;
use crate::wires::{HttpCall, HttpReply, Memo, Prepared, Wire, WireId, driven};

const SONNET: &str = "invoke/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "invoke/us.amazon.nova-lite-v1:0";
const LLAMA: &str = "llama/arn:aws:bedrock:us-east-1:123456789012:imported-model/abc";
const DEEPSEEK: &str = "deepseek_r1/arn:aws:bedrock:us-east-1:123456789012:imported-model/abc";
const OPENAI: &str = "openai/arn:aws:bedrock:us-east-1:123456789012:imported-model/abc";
const TITAN: &str = "amazon.titan-text-express-v1";
const COMMAND: &str = "cohere.command-text-v14";
const MISTRAL: &str = "mistral.mistral-7b-instruct-v0:2";

fn target(model: &str) -> Target {
    let owners = ["bedrock", "bedrock_converse"];
    Target {
        provider: "bedrock".into(),
        error_prefix: "BedrockException".into(),
        wire: WireId::BedrockInvoke,
        model: model.into(),
        base: "https://b.example".into(),
        path: Some("/model/m".into()),
        stream_path: None,
        vars: std::collections::BTreeMap::default(),
        facts: models::facts_of(&owners, &Name::parse(model).listed("bedrock")),
        accent: Arc::new(Accent::default()),
        call_type: crate::hub::CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

fn request(mut keywords: Value) -> ChatRequest {
    let hello = serde_json::json!([{"role": "user", "content": "hi"}]);
    keywords.as_object_mut().unwrap().entry("messages").or_insert(hello);
    let Value::Object(keywords) = keywords else { panic!("keywords are an object") };
    ChatRequest::from_map(keywords).unwrap()
}

fn prepare(model: &str, keywords: Value) -> Result<Prepared> {
    Wire::<Chat>::encode(&Invoke, &request(keywords), &target(model))
}

fn call(model: &str, keywords: Value) -> HttpCall {
    prepare(model, keywords).unwrap().call
}

fn body(model: &str, keywords: Value) -> Value {
    serde_json::from_slice(&call(model, keywords).body).unwrap()
}

fn refused(model: &str, keywords: Value) -> Error {
    prepare(model, keywords).map(|_| ()).unwrap_err()
}

fn answer(model: &str, memo: &Memo, reply: &Value) -> ChatResponse {
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
    Wire::<Chat>::decode(&Invoke, &reply, memo, &target(model)).unwrap()
}

/// Feeds the pieces of a stream; the deltas, and the response they make.
fn streamed(model: &str, memo: Memo, pieces: &[&[u8]]) -> Result<(Vec<Delta>, ChatResponse)> {
    let deltas = driven::deltas(&Invoke, &target(model), memo, pieces)?;
    let response = driven::collect(deltas.iter().cloned());
    Ok((deltas, response))
}
