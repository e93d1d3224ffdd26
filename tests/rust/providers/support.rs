//! A call without its network, with an environment of the test's own.

use bytes::Bytes;
use ferrolite::auth;
use ferrolite::error::Result;
use ferrolite::hub::{ChatResponse, Collector, Deltas};
use ferrolite::providers::{self, Provider};
use ferrolite::wires::framing::{Frame, Frames};
use ferrolite::wires::{Memo, Seen};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::call;
pub use crate::call::Variables;
use crate::facts::Facts;

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
    pub memo: Memo,
}

impl Sent {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The request of a call with these keywords.
pub fn sent(keywords: Value, variables: &Variables) -> Result<Sent> {
    let (call, prepared) = call::prepared(keywords, variables)?;
    let body = call::body_of(&prepared);
    let mut headers = prepared.call.headers;
    for (name, value) in &call.envelope.route.headers {
        let name = http::HeaderName::try_from(name.as_str()).expect("a header name");
        headers.insert(name, http::HeaderValue::try_from(value.as_str()).expect("a header value"));
    }
    auth::sign(&mut headers, call.envelope.route.auth, call.envelope.route.key.as_ref())?;
    let query: Vec<String> =
        call.envelope.route.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(Sent {
        url: format!("{}{mark}{}", prepared.call.url, query.join("&")),
        headers,
        body,
        memo: prepared.memo,
    })
}

/// The body of a call to a model with a key, an address and one user message, unless others are given.
pub fn body(model: &str, more: Value) -> Result<Value> {
    sent(keywords(model, more), &variables()).map(|sent| sent.body)
}

/// With an address, too; null takes a keyword out.
pub fn keywords(model: &str, more: Value) -> Value {
    let mut all = call::keywords(model, json!({ "api_base": "https://host.invalid" }));
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
        all.retain(|_, value| !value.is_null());
    }
    all
}

/// What a reply becomes.
pub fn answer(model: &str, more: Value, reply: &Value) -> Result<ChatResponse> {
    call::answered(call::prepared(keywords(model, more), &variables())?, reply)
}

pub fn answered(keywords: Value, reply: &Value) -> Result<ChatResponse> {
    call::answered(call::prepared(keywords, &variables())?, reply)
}

/// What a stream of these events becomes, when reads are of this size. In AWS's messages, each is a payload of that
/// size.
pub fn streamed(keywords: Value, events: &[Value], size: usize, in_messages: bool) -> Result<ChatResponse> {
    let (call, prepared) = call::prepared(keywords, &variables())?;
    let wire = call.target().wire.chat().expect("a language with chat");
    let text = |event: &Value| event.as_str().map_or_else(|| event.to_string(), str::to_owned);
    let body = events.iter().fold(String::new(), |body, event| body + "data: " + &text(event) + "\n\n");
    let reads: Vec<Bytes> = body.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
    let reads = if in_messages { reads.iter().map(|read| aws_message(read)).collect() } else { reads };
    let mut frames = Frames::new(wire.framing());
    let mut decoder = wire.decoder(prepared.memo, call.target());
    let mut deltas = Deltas::default();
    let mut done = false;
    let mut each = |frame: Frame<'_>| {
        done = decoder.frame(frame, &mut deltas)? == Seen::Done;
        Ok(!done)
    };
    for read in reads {
        if !frames.push(read, &mut each)? {
            break;
        }
    }
    if !done {
        frames.finish(&mut |frame: Frame<'_>| {
            done = decoder.frame(frame, &mut deltas)? == Seen::Done;
            Ok(!done)
        })?;
    }
    decoder.end(&mut deltas)?;
    let mut collector = Collector::new();
    deltas.0.into_iter().for_each(|delta| collector.add(delta));
    Ok(collector.finish())
}

/// A payload as one of AWS's messages.
fn aws_message(payload: &[u8]) -> Bytes {
    let mut head = Vec::new();
    for (name, value) in [(":event-type", "PayloadPart"), (":message-type", "event")] {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend(name.as_bytes());
        head.push(7);
        head.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend(value.as_bytes());
    }
    let total = u32::try_from(16 + head.len() + payload.len()).unwrap();
    let mut out = total.to_be_bytes().to_vec();
    out.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(head);
    out.extend(payload);
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.into()
}

/// A whole answer with this message.
pub fn reply(message: Value) -> Value {
    json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
}

/// Registers a provider with these lines in its row, and gives its name.
pub fn provider(name: &str, row: &str, accent: &str) -> String {
    let text = format!(
        "name = \"{name}\"\nauth = \"bearer\"\nwires = {{ chat = \"openai\" }}\n{row}\n[accent]\n{accent}\n"
    );
    providers::register(Provider::parse(&text).unwrap()).unwrap();
    name.to_owned()
}

/// A model of a provider whose row has this accent. Tests have names of their own, as rows are shared.
pub fn accent(name: &str, accent: &str) -> String {
    format!("{}/m", provider(name, "", accent))
}

pub fn param(model: &str, more: Value) -> Value {
    body(model, more).unwrap()
}
