//! A call without its network, for several sets of tests: keywords in, what would be sent and what is answered out.

use std::collections::HashMap;

use bytes::Bytes;
use ferrolite::config::Environment;
use ferrolite::engine::{ChatCall, Settings};
use ferrolite::error::Result;
use ferrolite::hub::ChatResponse;
use ferrolite::wires::{HttpReply, Prepared};
use http::HeaderMap;
use serde_json::{Value, json};

/// Variables of a test; nothing of the process leaks in.
#[derive(Debug, Clone, Default)]
pub struct Variables(HashMap<String, String>);

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

/// The keywords of a call to a model, with a key and one user message unless others are given.
pub fn keywords(model: &str, more: Value) -> Value {
    let mut all =
        json!({ "model": model, "api_key": "k", "messages": [{ "role": "user", "content": "hi" }] });
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

pub fn prepared(keywords: Value, variables: &Variables) -> Result<(ChatCall, Prepared)> {
    let Value::Object(map) = keywords else { panic!("keywords are an object") };
    let call = ChatCall::from_keywords(map, &Settings::default(), variables)?;
    let prepared =
        call.target().wire.chat().expect("a language with chat").encode(&call.request, call.target())?;
    Ok((call, prepared))
}

/// The body that would be sent.
pub fn body_of(prepared: &Prepared) -> Value {
    serde_json::from_slice(&prepared.call.body).expect("the body is JSON")
}

/// What a reply becomes.
pub fn answered((call, prepared): (ChatCall, Prepared), reply: &Value) -> Result<ChatResponse> {
    let reply = HttpReply { status: 200, headers: HeaderMap::new(), body: Bytes::from(reply.to_string()) };
    call.target().wire.chat().expect("a language with chat").decode(&reply, &prepared.memo, call.target())
}
