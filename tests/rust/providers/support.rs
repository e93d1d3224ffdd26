//! A call without its network, with an environment of the test's own.

use std::collections::HashMap;

use bytes::Bytes;
use ferrolite::auth;
use ferrolite::config::Environment;
use ferrolite::engine::{ChatCall, Settings};
use ferrolite::error::Result;
use ferrolite::hub::ChatResponse;
use ferrolite::wires::{HttpReply, Prepared};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::facts::Facts;

/// Variables of a test; nothing of the process leaks in.
#[derive(Debug, Clone, Default)]
pub struct Variables(pub HashMap<String, String>);

impl Variables {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

/// Variables that addresses need: whose account, which region.
pub fn variables() -> Variables {
    let named = Facts::VARIABLES.iter().filter(|(_, variable, _)| !variable.is_empty());
    named.fold(Variables::default(), |variables, (_, name, value)| variables.with(name, value))
}

/// What would be sent.
pub struct Sent {
    pub url: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Sent {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn prepared(keywords: Value, variables: &Variables) -> Result<(ChatCall, Prepared)> {
    let Value::Object(map) = keywords else { panic!("keywords are an object") };
    let call = ChatCall::from_keywords(map, &Settings::default(), variables)?;
    let prepared =
        call.target().wire.chat().expect("a language with chat").encode(&call.request, call.target())?;
    Ok((call, prepared))
}

/// The request of a call with these keywords.
pub fn sent(keywords: Value, variables: &Variables) -> Result<Sent> {
    let (call, prepared) = prepared(keywords, variables)?;
    let mut headers = prepared.call.headers;
    for (name, value) in &call.envelope.route.headers {
        let name = http::HeaderName::try_from(name.as_str()).expect("a header name");
        headers.insert(name, http::HeaderValue::try_from(value.as_str()).expect("a header value"));
    }
    auth::sign(&mut headers, call.envelope.route.auth, call.envelope.route.key.as_ref())?;
    let body = serde_json::from_slice(&prepared.call.body).expect("the body is JSON");
    Ok(Sent { url: prepared.call.url, headers, body })
}

/// The body of a call to a model with a key, an address and one user message, unless others are given.
pub fn body(model: &str, more: Value) -> Result<Value> {
    sent(keywords(model, more), &variables()).map(|sent| sent.body)
}

pub fn keywords(model: &str, more: Value) -> Value {
    let mut all = json!({
        "model": model,
        "api_key": "k",
        "api_base": "https://host.invalid",
        "messages": [{ "role": "user", "content": "hi" }],
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
        all.retain(|_, value| !value.is_null());
    }
    all
}

/// What a reply becomes.
pub fn answer(model: &str, more: Value, reply: &Value) -> Result<ChatResponse> {
    let (call, prepared) = prepared(keywords(model, more), &variables())?;
    let reply = HttpReply { status: 200, headers: HeaderMap::new(), body: Bytes::from(reply.to_string()) };
    call.target().wire.chat().expect("a language with chat").decode(&reply, &prepared.memo, call.target())
}

/// A whole answer with this message.
pub fn reply(message: Value) -> Value {
    json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
}
