//! A call without its network: what would be sent, and what an answer or a stream becomes.

use bytes::Bytes;
use ferrolite::engine::ChatCall;
use ferrolite::error::{Error, Result};
use ferrolite::hub::{ChatResponse, Collector, Deltas};
use ferrolite::wires::framing::Frames;
use ferrolite::wires::openai::{Chunk, Chunker};
use ferrolite::wires::{Prepared, Seen};
use serde_json::Value;

use crate::call;
pub use crate::call::{Variables, keywords};

pub fn prepared(keywords: Value) -> Result<(ChatCall, Prepared)> {
    call::prepared(keywords, &Variables::default())
}

/// The body that would be sent.
pub fn sent(keywords: Value) -> Value {
    call::body_of(&prepared(keywords).expect("the request can be sent").1)
}

/// The error that comes before anything is sent.
pub fn refused(keywords: Value) -> Error {
    prepared(keywords).expect_err("the request is refused")
}

/// What a reply becomes.
pub fn answer(keywords: Value, reply: &Value) -> Result<ChatResponse> {
    call::answered(prepared(keywords)?, reply)
}

/// A stream as chunks, and as the response it makes.
pub struct Streamed {
    pub chunks: Vec<Chunk>,
    pub response: ChatResponse,
}

/// Feeds bytes in the given pieces.
pub fn streamed(keywords: Value, pieces: &[&[u8]]) -> Streamed {
    try_streamed(keywords, pieces).expect("the stream is whole")
}

pub fn try_streamed(keywords: Value, pieces: &[&[u8]]) -> Result<Streamed> {
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
    ended?;
    chunker.finish(&mut chunks);
    Ok(Streamed { chunks, response: collector.finish() })
}

/// Server-sent events of JSON payloads, with the closing `[DONE]`.
pub fn sse(events: &[Value]) -> String {
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    events.chain(["data: [DONE]\n\n".to_owned()]).collect::<Vec<_>>().concat()
}
