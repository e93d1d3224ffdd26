//! Each rule by its id, in the order of the list. BED-03, BED-04, BED-19 … BED-23 are tested beside their code.

mod answers;
mod blocks;
mod conversation;
mod requests;
mod streams;

use std::sync::Arc;

use serde_json::Value;

use super::Converse;
use super::model::Name;
use crate::error::{Error, Result};
use crate::hub::{Accent, Chat, ChatRequest, ChatResponse, Options, Target};
use crate::models;
use crate::wires::{HttpReply, Memo, Prepared, Wire, WireId, driven};

/// Thinks within a budget, takes JSON schemas and cache points with a time.
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// Thinks adaptively, takes no sampling parameters.
const OPUS: &str = "anthropic.claude-opus-4-7";
/// Thinks within a budget, takes no JSON schemas.
const SONNET_4: &str = "anthropic.claude-sonnet-4-20250514-v1:0";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";
const DEEPSEEK: &str = "us.deepseek.r1-v1:0";
/// Nothing is known of it.
const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";

fn target(model: &str) -> Target {
    let owners = ["bedrock", "bedrock_converse"];
    Target {
        provider: "bedrock".into(),
        error_prefix: "BedrockException".into(),
        wire: WireId::BedrockConverse,
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

fn dropping(model: &str) -> Target {
    Target { options: Options { drop_params: true, ..Options::default() }, ..target(model) }
}

fn repairing(model: &str) -> Target {
    Target { options: Options { modify_params: true, ..Options::default() }, ..target(model) }
}

fn request(mut keywords: Value) -> ChatRequest {
    let hello = serde_json::json!([{"role": "user", "content": "hi"}]);
    keywords.as_object_mut().unwrap().entry("messages").or_insert(hello);
    let Value::Object(keywords) = keywords else { panic!("keywords are an object") };
    ChatRequest::from_map(keywords).unwrap()
}

fn prepare(target: &Target, keywords: Value) -> Result<Prepared> {
    Wire::<Chat>::encode(&Converse, &request(keywords), target)
}

fn body(target: &Target, keywords: Value) -> Value {
    serde_json::from_slice(&prepare(target, keywords).unwrap().call.body).unwrap()
}

/// The turns of a conversation.
fn turns(target: &Target, messages: Value) -> Value {
    body(target, serde_json::json!({"messages": messages, "tools": [tool("f")]}))["messages"].take()
}

/// The blocks of one user message.
fn blocks(target: &Target, parts: Value) -> Value {
    turns(target, serde_json::json!([{"role": "user", "content": parts}]))[0]["content"].take()
}

fn refused(target: &Target, keywords: Value) -> Error {
    prepare(target, keywords).map(|_| ()).unwrap_err()
}

fn tool(name: &str) -> Value {
    let parameters = serde_json::json!({"type": "object", "properties": {"a": {"type": "string"}}});
    serde_json::json!({"type": "function", "function": {"name": name, "parameters": parameters}})
}

fn answer(target: &Target, keywords: Value, reply: &Value) -> Result<ChatResponse> {
    let memo = prepare(target, keywords).unwrap().memo;
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
    Wire::<Chat>::decode(&Converse, &reply, &memo, target)
}

/// A reply with the given blocks.
fn said(content: Value) -> Value {
    serde_json::json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 11, "outputTokens": 50, "totalTokens": 61},
    })
}

/// Feeds the pieces of a stream; the deltas by frame, and the response they make.
fn streamed(memo: Memo, pieces: &[&[u8]]) -> Result<(Vec<crate::hub::Delta>, ChatResponse)> {
    let deltas = driven::deltas(&Converse, &target(SONNET), memo, pieces)?;
    let response = driven::collect(deltas.iter().cloned());
    Ok((deltas, response))
}
