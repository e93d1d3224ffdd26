//! A call without its network: what would be sent, and what an answer or a stream becomes.

use bytes::Bytes;
use ferrolite::config::Environment;
use ferrolite::engine::{ChatCall, Settings};
use ferrolite::error::{Error, Result};
use ferrolite::hub::{ChatResponse, Collector, Deltas};
use ferrolite::wires::framing::Frames;
use ferrolite::wires::openai::{Chunk, Chunker};
use ferrolite::wires::{HttpReply, Prepared, Seen};
use serde_json::{Value, json};

/// Variables that a test sets; nothing of the process leaks in.
pub struct Variables(pub &'static [(&'static str, &'static str)]);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }
}

/// The keywords of a call to a model, with a key and one user message unless others are given.
pub fn keywords(model: &str, more: Value) -> Value {
    let mut all =
        json!({ "model": model, "api_key": "k", "messages": [{ "role": "user", "content": "hi" }] });
    merge(&mut all, more);
    all
}

fn merge(all: &mut Value, more: Value) {
    if let (Value::Object(all), Value::Object(more)) = (all, more) {
        all.extend(more);
    }
}

pub fn call(keywords: Value) -> Result<ChatCall> {
    let Value::Object(map) = keywords else { panic!("keywords are an object") };
    ChatCall::from_keywords(map, &Settings::default(), &Variables(&[]))
}

pub fn prepared(keywords: Value) -> Result<(ChatCall, Prepared)> {
    let call = call(keywords)?;
    let target = call.target();
    let prepared = target.wire.chat().expect("a language with chat").encode(&call.request, target)?;
    Ok((call, prepared))
}

/// The body that would be sent.
pub fn sent(keywords: Value) -> Value {
    let (_, prepared) = prepared(keywords).expect("the request can be sent");
    serde_json::from_slice(&prepared.call.body).expect("the body is JSON")
}

/// The error that comes before anything is sent.
pub fn refused(keywords: Value) -> Error {
    prepared(keywords).expect_err("the request is refused")
}

/// What a reply becomes.
pub fn answer(keywords: Value, reply: &Value) -> Result<ChatResponse> {
    let (call, prepared) = prepared(keywords)?;
    let target = call.target();
    let reply =
        HttpReply { status: 200, headers: http::HeaderMap::new(), body: Bytes::from(reply.to_string()) };
    target.wire.chat().expect("a language with chat").decode(&reply, &prepared.memo, target)
}

/// A stream as chunks, and as the response it makes.
pub struct Streamed {
    pub chunks: Vec<Chunk>,
    pub response: ChatResponse,
}

/// Feeds bytes in the given pieces.
pub fn streamed(keywords: Value, pieces: &[&[u8]]) -> Streamed {
    let (call, prepared) = prepared(keywords).expect("the request can be sent");
    let target = call.target();
    let wire = target.wire.chat().expect("a language with chat");
    let mut decoder = wire.decoder(prepared.memo, target);
    let mut frames = Frames::new(wire.framing());
    let mut chunker = Chunker::new(call.include_usage, || "call_new".to_owned());
    let mut collector = Collector::new();
    let (mut deltas, mut chunks, mut done) = (Deltas::default(), Vec::new(), false);
    let mut ended = Ok(());
    let mut take = |deltas: &mut Deltas, chunks: &mut Vec<Chunk>| {
        deltas.0.iter().cloned().for_each(|delta| collector.add(delta));
        chunker.add(&mut deltas.0, chunks);
    };
    for piece in pieces {
        let read = Bytes::copy_from_slice(piece);
        let fed = frames.push(read, &mut |frame| {
            let seen = decoder.frame(frame, &mut deltas)?;
            take(&mut deltas, &mut chunks);
            done = seen == Seen::Done;
            Ok(!done)
        });
        if let Err(error) = fed {
            ended = Err(error);
            break;
        }
    }
    if ended.is_ok() {
        ended = frames.finish(&mut |frame| {
            if !done {
                done = decoder.frame(frame, &mut deltas)? == Seen::Done;
                take(&mut deltas, &mut chunks);
            }
            Ok(!done)
        });
    }
    if ended.is_ok() {
        ended = decoder.end(&mut deltas);
        take(&mut deltas, &mut chunks);
    }
    ended.expect("the stream is whole");
    chunker.finish(&mut chunks);
    Streamed { chunks, response: collector.finish() }
}

/// Server-sent events of JSON payloads, with the closing `[DONE]`.
pub fn sse(events: &[Value]) -> String {
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    events.chain(["data: [DONE]\n\n".to_owned()]).collect::<Vec<_>>().concat()
}
