//! What is done with a fuzzer's input, and what has to hold. Any input may be refused; none may panic.
//!
//! One function a target, `fn(&[u8])`. The fuzz targets call them, and so does `tests/rust/fuzz_corpus.rs`, which
//! replays the corpus as an ordinary test.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use ferrolite::auth::Secret;
use ferrolite::config::Environment;
use ferrolite::engine::{ChatCall, Settings};
use ferrolite::hub::{CallType, Collector, Delta, Deltas, Options, Target, replay};
use ferrolite::providers::{Wanted, resolve};
use ferrolite::wires::framing::{Frames, Framing};
use ferrolite::wires::openai::{Chunk, Chunker};
use ferrolite::wires::{HttpReply, Memo, Seen};
use serde_json::Value;

/// A target's name and what it does with an input.
pub type Driver = (&'static str, fn(&[u8]));

pub const DRIVERS: &[Driver] = &[
    ("sse", sse),
    ("openai_stream", |input| stream("openai/gpt-4o", input)),
    ("openai_response", |input| response("openai/gpt-4o", input)),
    ("anthropic_stream", |input| stream("anthropic/claude-sonnet-4-5", input)),
    ("anthropic_response", |input| response("anthropic/claude-sonnet-4-5", input)),
    ("gemini_stream", |input| stream("gemini/gemini-2.5-pro", input)),
    ("gemini_response", |input| response("gemini/gemini-2.5-pro", input)),
    ("messages", messages),
];

/// Runs a target by its name.
pub fn run(name: &str, input: &[u8]) {
    let driver = DRIVERS.iter().find(|(known, _)| *known == name).expect("there is no such target");
    (driver.1)(input);
}

struct NoVariables;

impl Environment for NoVariables {
    fn get(&self, _name: &str) -> Option<String> {
        None
    }
}

fn target(model: &str) -> Target {
    let wanted = Wanted { model: model.into(), api_key: Some(Secret::new("key")), ..Wanted::default() };
    resolve(wanted, CallType::Chat, Options::default(), &NoVariables).expect("the model is known").target
}

/// Pieces whose sizes follow from the input itself, so that a corpus file is just the stream.
fn pieces(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut rest = input;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Mostly small pieces, now and then a large one.
        let longest = if state.is_multiple_of(8) { 4096 } else { 24 };
        let size = usize::try_from((state >> 8) % longest).unwrap_or(1);
        let (piece, after) = rest.split_at(size.clamp(1, rest.len()));
        rest = after;
        Some(piece)
    })
}

/// Frames: (event, data), or what went wrong.
type Cut = Result<Vec<(Option<String>, Vec<u8>)>, String>;

fn cut<'a>(framing: Framing, limit: Option<usize>, pieces: impl Iterator<Item = &'a [u8]>) -> Cut {
    let mut frames = limit.map_or_else(|| Frames::new(framing), |limit| Frames::with_limit(framing, limit));
    let mut seen = Vec::new();
    for piece in pieces {
        frames
            .push(Bytes::copy_from_slice(piece), &mut |frame| {
                seen.push((frame.event.map(str::to_owned), frame.data.to_vec()));
                Ok(true)
            })
            .map_err(|error| error.to_string())?;
    }
    frames
        .finish(&mut |frame| {
            seen.push((frame.event.map(str::to_owned), frame.data.to_vec()));
            Ok(true)
        })
        .map_err(|error| error.to_string())?;
    Ok(seen)
}

/// Any split of a stream gives the same frames.
fn sse(input: &[u8]) {
    for framing in [Framing::Sse, Framing::Lines, Framing::SseOrArray] {
        let whole = cut(framing, None, std::iter::once(input));
        assert_eq!(cut(framing, None, pieces(input)), whole, "{framing:?}, split");
        assert_eq!(cut(framing, None, input.chunks(1)), whole, "{framing:?}, byte by byte");
        let _ = cut(framing, Some(16), pieces(input));
    }
}

/// A decoded stream: the deltas, and the error that ended it, if one did.
struct Decoded {
    deltas: Vec<Delta>,
    chunks: Vec<Chunk>,
    error: Option<String>,
}

/// Reads as the engine's driver does.
fn decode<'a>(target: &Target, pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let wire = target.wire.chat();
    let mut frames = Frames::new(wire.framing());
    let mut decoder = wire.decoder(Memo::default(), target);
    let mut chunker = Chunker::new(true, || "call_new".to_owned());
    let mut out = Decoded { deltas: Vec::new(), chunks: Vec::new(), error: None };
    let mut deltas = Deltas::default();
    let mut done = false;
    let ended = (|| {
        let mut each = |frame: ferrolite::wires::framing::Frame<'_>| {
            let seen = decoder.frame(frame, &mut deltas)?;
            out.deltas.extend(deltas.0.iter().cloned());
            chunker.add(&mut deltas.0, &mut out.chunks);
            done = seen == Seen::Done;
            Ok(!done)
        };
        let mut goes_on = true;
        for piece in pieces {
            goes_on = frames.push(Bytes::copy_from_slice(piece), &mut each)?;
            if !goes_on {
                break;
            }
        }
        if goes_on {
            frames.finish(&mut each)?;
        }
        let ended = decoder.end(&mut deltas);
        out.deltas.extend(deltas.0.iter().cloned());
        chunker.add(&mut deltas.0, &mut out.chunks);
        ended
    })();
    match ended {
        Ok(()) => chunker.finish(&mut out.chunks),
        Err(error) => out.error = Some(error.to_string()),
    }
    out
}

/// What holds for every sequence of deltas, whoever spoke (STR-04, STR-06, STR-22).
fn check_deltas(deltas: &[Delta]) {
    let mut finished = HashSet::new();
    let mut started: HashMap<u64, u64> = HashMap::new();
    for delta in deltas {
        match delta {
            Delta::ToolStart { choice, index, .. } => {
                let next = started.entry(*choice).or_default();
                assert_eq!(index, next, "tool calls are counted from 0");
                *next += 1;
            }
            Delta::ToolArguments { choice, index, .. } => {
                let known = started.get(choice).copied().unwrap_or(0);
                assert!(*index < known, "arguments come after the start of their call");
            }
            Delta::Finish { choice, .. } => {
                assert!(finished.insert(*choice), "a choice finishes once");
            }
            _ => {}
        }
    }
}

/// What holds for every sequence of chunks (STR-01, STR-20, STR-22). A choice that only finishes says no role, as in
/// the reference.
fn check_chunks(chunks: &[Chunk]) {
    let mut finished = HashSet::new();
    let mut seen = HashSet::new();
    for choice in chunks.iter().flat_map(|chunk| &chunk.choices) {
        let first = seen.insert(choice.index);
        if choice.finish_reason.is_some() {
            assert!(finished.insert(choice.index), "a choice finishes once");
            assert!(!choice.role || first, "the role comes once");
        } else {
            assert_eq!(choice.role, first, "the first chunk of a choice has the role, no other");
        }
    }
}

/// Any split decodes to the same, and what is decoded keeps to the laws.
fn stream(model: &str, input: &[u8]) {
    let target = target(model);
    let whole = decode(&target, std::iter::once(input));
    check_deltas(&whole.deltas);
    check_chunks(&whole.chunks);
    let split = decode(&target, pieces(input));
    assert_eq!(split.error, whole.error);
    assert_eq!(split.deltas, whole.deltas);
    let mut collector = Collector::new();
    for delta in whole.deltas {
        collector.add(delta);
    }
    let _ = collector.finish();
}

/// A reply, good or bad. A response that is replayed as a stream and collected again is the same response.
fn response(model: &str, input: &[u8]) {
    let target = target(model);
    let wire = target.wire.chat();
    let reply =
        HttpReply { status: 200, headers: http::HeaderMap::new(), body: Bytes::copy_from_slice(input) };
    if let Ok(response) = wire.decode(&reply, &Memo::default(), &target) {
        let deltas = replay(response);
        check_deltas(&deltas.0);
        let mut once = Collector::new();
        for delta in deltas.0 {
            once.add(delta);
        }
        let once = once.finish();
        let mut twice = Collector::new();
        for delta in replay(once.clone()).0 {
            twice.add(delta);
        }
        assert_eq!(twice.finish(), once, "replayed and collected");
    }
    for status in [400, 429, 500] {
        let facts = wire.error_facts(status, input);
        let kind = wire.classify(&facts, &target);
        let error = facts.into_error(kind);
        assert!((400..600).contains(&error.status()), "an error has the status of one: {error:?}");
    }
}

/// A request's keywords, for each wire. What is encoded is JSON.
fn messages(input: &[u8]) {
    let Ok(Value::Object(keywords)) = serde_json::from_slice::<Value>(input) else { return };
    for model in [
        "openai/gpt-4o",
        "anthropic/claude-sonnet-4-5",
        "gemini/gemini-2.5-pro",
        "gemini/gemini-3-pro-preview",
    ] {
        for repair in [false, true] {
            let mut keywords = keywords.clone();
            for (name, value) in [
                ("model", Value::from(model)),
                ("api_key", "key".into()),
                ("drop_params", repair.into()),
                ("modify_params", repair.into()),
            ] {
                keywords.insert(name.to_owned(), value);
            }
            keywords.shift_remove("custom_llm_provider");
            let Ok(call) = ChatCall::from_keywords(keywords, &Settings::default(), &NoVariables) else {
                continue;
            };
            let target = call.target();
            let wire = target.wire.chat();
            let _ = wire.remote_media(&call.request, target);
            if let Ok(prepared) = wire.encode(&call.request, target) {
                let body: Result<Value, _> = serde_json::from_slice(&prepared.call.body);
                assert!(body.is_ok_and(|body| body.is_object()), "a body is a JSON object");
            }
        }
    }
}
