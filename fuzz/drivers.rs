//! What is done with a fuzzer's input, and what has to hold. Any input may be refused; none may panic.
//!
//! A target is known by its name ([`names`], [`run`]). The fuzz targets call these, and so does
//! `tests/rust/fuzz_corpus.rs`, which replays the corpus as an ordinary test.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ferrolite::config::Environment;
use ferrolite::engine::{Call, ChatCall, Settings};
use ferrolite::hub::{CallType, Collector, Delta, Deltas, Options, StreamHead, Target, replay};
use ferrolite::providers::{Wanted, resolve_without_key};
use ferrolite::wires::framing::{Frame, Frames, Framing};
use ferrolite::wires::openai::{Chunk, Chunker};
use ferrolite::wires::{Event, HttpReply, Memo, Seen, StreamWire, WireId, dialect};
use serde_json::{Value, json};

/// Languages, each with the models that are asked in it: more than one where it has several dialects. A language is
/// two targets: `…_stream` and `…_response`.
const WIRES: &[(&str, &[&str])] = &[
    ("openai", &["openai/gpt-4o"]),
    ("anthropic", &["anthropic/claude-sonnet-4-5"]),
    ("gemini", &["gemini/gemini-2.5-pro"]),
    ("bedrock", &["bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0"]),
    (
        "bedrock_invoke",
        &[
            "bedrock/invoke/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "bedrock/invoke/us.amazon.nova-lite-v1:0",
            "bedrock/invoke/us.deepseek.r1-v1:0",
            "bedrock/openai/arn:aws:bedrock:us-east-1:1:imported-model/x",
            "bedrock/amazon.titan-text-express-v1",
        ],
    ),
    ("cohere_chat", &["cohere_chat/command-r-plus"]),
    ("ollama_chat", &["ollama_chat/llama3"]),
    ("ollama", &["ollama/llama3"]),
    // OpenAI's language inside something else, or in older words.
    ("wrapped", &["gigachat/GigaChat-2", "text-completion-openai/gpt-3.5-turbo-instruct"]),
    ("sagemaker", &["sagemaker_chat/e", "sagemaker_nova/e", "sagemaker/e"]),
    // OpenAI's Responses, asked for chat.
    (OVER_RESPONSES, &["openai/gpt-4o"]),
    // Those of one provider each: whatever rows there are.
    (SMALL, &[]),
];

const OVER_RESPONSES: &str = "over_responses";
const SMALL: &str = "text";

/// Callers' formats, by the name of their target.
const FORMATS: &[(&str, CallType)] = &[
    ("responses", CallType::Responses),
    ("anthropic_messages", CallType::Messages),
    ("text_completions", CallType::TextCompletion),
    ("generate_content", CallType::GenerateContent),
];

/// Models whose requests have something of their own, beside those above.
const FURTHER_MODELS: &[&str] = &[
    "gemini/gemini-3-pro-preview",
    "bedrock/us.amazon.nova-pro-v1:0",
    "bedrock/us.meta.llama3-3-70b-instruct-v1:0",
    "bedrock/invoke/mistral.mistral-large-2402-v1:0",
    "bedrock/invoke/ai21.j2-ultra-v1",
    "ollama_chat/gpt-oss:20b",
];

/// All targets.
pub fn names() -> Vec<String> {
    let of_wires = WIRES.iter().flat_map(|(wire, _)| [format!("{wire}_stream"), format!("{wire}_response")]);
    let others = ["messages", "responses_events"].map(str::to_owned);
    let formats = FORMATS.iter().map(|(name, _)| (*name).to_owned());
    ["sse".to_owned()].into_iter().chain(of_wires).chain(others).chain(formats).collect()
}

/// The name of a language with chat: one that is not here is fuzzed with the small ones.
fn name_of(wire: WireId) -> Option<&'static str> {
    Some(match wire {
        WireId::Openai => "openai",
        WireId::Anthropic => "anthropic",
        WireId::Gemini => "gemini",
        WireId::BedrockConverse => "bedrock",
        WireId::BedrockInvoke => "bedrock_invoke",
        WireId::Cohere => "cohere_chat",
        WireId::OllamaChat => "ollama_chat",
        WireId::OllamaGenerate => "ollama",
        WireId::Completions | WireId::Gigachat | WireId::Oci | WireId::Sap | WireId::Watsonx => "wrapped",
        WireId::Responses => OVER_RESPONSES,
        WireId::Sagemaker | WireId::SagemakerChat | WireId::SagemakerNova => "sagemaker",
        other if other.chat().is_none() => return None,
        _ => SMALL,
    })
}

/// Runs a target by its name.
pub fn run(name: &str, input: &[u8]) {
    match name.rsplit_once('_') {
        Some((wire, "stream")) => targets(wire).for_each(|target| stream(&target, input)),
        Some((wire, "response")) => targets(wire).for_each(|target| response(&target, input)),
        _ if name == "sse" => sse(input),
        _ if name == "messages" => messages(input),
        _ if name == "responses_events" => responses_events(input),
        _ => match FORMATS.iter().find(|(known, _)| *known == name) {
            Some((_, call_type)) => calls(*call_type, input),
            None => panic!("there is no target {name}"),
        },
    }
}

/// A model of each provider whose language is one of the small ones.
fn names_of_small() -> impl Iterator<Item = String> {
    let is_small = |name: &&str| {
        let wire = ferrolite::providers::row(name).and_then(|row| row.wires.chat);
        wire.is_some_and(|wire| name_of(wire) == Some(SMALL))
    };
    ferrolite::providers::names().filter(is_small).map(|name| match name {
        "scaledown" => format!("{name}/compress"),
        _ => format!("{name}/m"),
    })
}

/// The models of a language, resolved.
fn targets(wire: &str) -> impl Iterator<Item = Target> {
    let (_, models) = WIRES.iter().find(|(known, _)| *known == wire).expect("there is no such language");
    let small = names_of_small().filter(move |_| wire == SMALL);
    models.iter().map(|model| (*model).to_owned()).chain(small).map(move |model| {
        let mut target = target(&model);
        if wire == OVER_RESPONSES {
            target.wire = WireId::Responses;
        }
        assert_eq!(name_of(target.wire), Some(wire), "{model} is asked in another language");
        target
    })
}

struct NoVariables;

impl Environment for NoVariables {
    fn get(&self, _name: &str) -> Option<String> {
        None
    }
}

fn target(model: &str) -> Target {
    let wanted = Wanted { model: model.into(), ..Wanted::default() };
    resolve_without_key(wanted, CallType::Chat, Options::default()).expect("the model is known").target
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
    let summed = with_checksums(input);
    for (framing, input) in [
        (Framing::Sse, input),
        (Framing::Lines, input),
        (Framing::SseOrArray, input),
        (Framing::AwsEvents, input),
        (Framing::AwsEvents, &summed),
    ] {
        let whole = cut(framing, None, std::iter::once(input));
        assert_eq!(cut(framing, None, pieces(input)), whole, "{framing:?}, split");
        assert_eq!(cut(framing, None, input.chunks(1)), whole, "{framing:?}, byte by byte");
        let _ = cut(framing, Some(16), pieces(input));
    }
}

/// The same AWS messages with the checksums that they should have: those a fuzzer does not find.
fn with_checksums(input: &[u8]) -> Vec<u8> {
    let mut out = input.to_vec();
    let mut rest = out.as_mut_slice();
    while let Some((head, sum)) = rest.get_mut(..12).map(|prelude| prelude.split_at_mut(8)) {
        sum.copy_from_slice(&crc32fast::hash(head).to_be_bytes());
        let total = head.iter().take(4).fold(0, |number, byte| number << 8 | usize::from(*byte));
        if total < 16 || total > rest.len() {
            break;
        }
        let (message, after) = rest.split_at_mut(total);
        let (body, sum) = message.split_at_mut(total - 4);
        sum.copy_from_slice(&crc32fast::hash(body).to_be_bytes());
        rest = after;
    }
    out
}

/// Server-sent events as AWS's messages: what a fuzzer changes is what is in them, not the wrapping. A `chunk` has its
/// payload in base64; an exception or a failure is written as `Frame` names it, `:exception/…`, `:error/…`.
fn as_messages(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut add = |frame: Frame<'_>| {
        let name = frame.event.unwrap_or_default();
        let (kind, key, name) = match name.strip_prefix(":exception/") {
            Some(name) => ("exception", ":exception-type", name),
            None => match name.strip_prefix(":error/") {
                Some(name) => ("error", ":error-code", name),
                None => ("event", ":event-type", name),
            },
        };
        let wrapped = format!("{{\"bytes\":\"{}\"}}", STANDARD.encode(frame.data));
        let payload = if name == "chunk" { wrapped.as_bytes() } else { frame.data };
        message(&[(":message-type", kind), (key, name)], payload, &mut out);
        Ok(true)
    };
    let mut frames = Frames::new(Framing::Sse);
    let _ = frames.push(Bytes::copy_from_slice(input), &mut add).and_then(|_| frames.finish(&mut add));
    out
}

fn message(headers: &[(&str, &str)], payload: &[u8], out: &mut Vec<u8>) {
    let mut head = Vec::new();
    for (name, value) in headers {
        let value = value.as_bytes().get(..usize::from(u16::MAX)).unwrap_or(value.as_bytes());
        head.extend(u8::try_from(name.len()).map(u8::to_be_bytes).expect("a short name"));
        head.extend(name.as_bytes());
        head.push(7);
        head.extend(u16::try_from(value.len()).map(u16::to_be_bytes).expect("it was cut"));
        head.extend(value);
    }
    let length =
        |length: usize| u32::try_from(length).map(u32::to_be_bytes).expect("a fuzzer's input is short");
    let start = out.len();
    out.extend(length(16 + head.len() + payload.len()));
    out.extend(length(head.len()));
    out.extend(crc32fast::hash(&out[start..]).to_be_bytes());
    out.extend(head);
    out.extend(payload);
    out.extend(crc32fast::hash(&out[start..]).to_be_bytes());
}

/// A decoded stream: the deltas, and the error that ended it, if one did.
struct Decoded {
    deltas: Vec<Delta>,
    chunks: Vec<Chunk>,
    error: Option<String>,
}

/// Every target here has chat.
fn chat(target: &Target) -> &'static dyn StreamWire {
    target.wire.chat().expect("a language with chat")
}

/// Reads as the engine's driver does.
fn decode<'a>(target: &Target, pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let wire = chat(target);
    let mut frames = Frames::new(wire.framing());
    let mut decoder = wire.decoder(Memo::default(), target);
    let mut chunker = Chunker::new(true, || "call_new".to_owned());
    let mut out = Decoded { deltas: Vec::new(), chunks: Vec::new(), error: None };
    let mut deltas = Deltas::default();
    let mut done = false;
    let ended = (|| {
        let mut each = |frame: Frame<'_>| {
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

/// A stream as it is; where messages are binary, also as what is in them.
fn stream(target: &Target, input: &[u8]) {
    check_stream(target, input);
    if chat(target).framing() == Framing::AwsEvents {
        check_stream(target, &as_messages(input));
    }
}

/// Any split decodes to the same, and what is decoded keeps to the laws.
fn check_stream(target: &Target, input: &[u8]) {
    let whole = decode(target, std::iter::once(input));
    check_deltas(&whole.deltas);
    check_chunks(&whole.chunks);
    check_responses(target, &whole.chunks);
    check_message_events(&encoded(CallType::Messages, target, &whole.chunks));
    for call_type in [CallType::GenerateContent, CallType::TextCompletion] {
        encoded(call_type, target, &whole.chunks);
    }
    let split = decode(target, pieces(input));
    assert_eq!(split.error, whole.error);
    assert_eq!(split.deltas, whole.deltas);
    let mut collector = Collector::new();
    for delta in whole.deltas {
        collector.add(delta);
    }
    let _ = collector.finish();
}

/// A reply, good or bad. A response that is replayed as a stream and collected again is the same response.
fn response(target: &Target, input: &[u8]) {
    let wire = chat(target);
    let reply =
        HttpReply { status: 200, headers: http::HeaderMap::new(), body: Bytes::copy_from_slice(input) };
    if let Ok(response) = wire.decode(&reply, &Memo::default(), target) {
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
        let kind = wire.classify(&facts, target);
        let error = facts.into_error(kind);
        assert!((400..600).contains(&error.status()), "an error has the status of one: {error:?}");
    }
}

/// A request's keywords, for each wire. What is encoded is JSON.
fn messages(input: &[u8]) {
    let Ok(Value::Object(keywords)) = serde_json::from_slice::<Value>(input) else { return };
    for model in WIRES.iter().flat_map(|(_, models)| *models).chain(FURTHER_MODELS).copied() {
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
            let wire = chat(target);
            let _ = wire.remote_media(&call.request, target);
            if let Ok(prepared) = wire.encode(&call.request, target) {
                let body: Result<Value, _> = serde_json::from_slice(&prepared.call.body);
                assert!(body.is_ok_and(|body| body.is_object()), "a body is a JSON object");
            }
        }
    }
}

/// Tools whose calls are encoded in their two ways.
fn asked() -> serde_json::Map<String, Value> {
    let tools = json!([{ "type": "custom", "name": "f" }, { "type": "function", "name": "get_weather" }]);
    serde_json::Map::from_iter([("tools".to_owned(), tools)])
}

/// Any chunks as the events of a response.
fn check_responses(target: &Target, chunks: &[Chunk]) {
    check_response_events(&encoded(CallType::Responses, target, chunks));
}

/// Any chunks as events in a caller's format.
fn encoded(call_type: CallType, target: &Target, chunks: &[Chunk]) -> Vec<Event> {
    let mut encoder = dialect(call_type).expect("there is one").encoder(asked(), target);
    let head =
        StreamHead { id: "id".to_owned(), created: 1, model: "m".to_owned(), system_fingerprint: None };
    let mut events = Vec::new();
    for chunk in chunks {
        encoder.chunk(chunk.clone(), &head, &mut events);
    }
    encoder.finish(&head, &mut events);
    events
}

/// What holds for every message that was encoded or replayed (AMI-03, AMI-33, AMI-36).
fn check_message_events(events: &[Event]) {
    let mut blocks = 0;
    let mut open = false;
    for (number, event) in events.iter().enumerate() {
        let data = &event.data;
        assert_eq!(data["type"].as_str(), event.name.as_deref());
        match data["type"].as_str() {
            Some("message_start") => assert_eq!(number, 0, "a message begins once"),
            Some("content_block_start") => {
                assert!(!open && data["index"] == blocks, "blocks follow each other and are counted from 0");
                open = true;
            }
            Some("content_block_delta") => {
                assert!(open && data["index"] == blocks, "a delta is of its block");
            }
            Some("content_block_stop") => {
                assert!(open && data["index"] == blocks, "a block ends once");
                open = false;
                blocks += 1;
            }
            Some("message_delta") => assert!(!open && number + 2 == events.len(), "the reason comes last"),
            kind => assert_eq!((kind, number + 1), (Some("message_stop"), events.len())),
        }
    }
    assert!(events.last().is_some_and(|last| last.name.as_deref() == Some("message_stop")));
}

/// What holds for every response that was encoded or replayed (OAR-15, OAR-16).
fn check_response_events(events: &[Event]) {
    let mut items: Vec<(String, Option<Value>)> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let data = &event.data;
        assert_eq!(data["sequence_number"], number, "events are counted from 0");
        assert_eq!(data["type"].as_str(), event.name.as_deref());
        let Some(index) = data["output_index"].as_u64().and_then(|index| usize::try_from(index).ok()) else {
            continue;
        };
        match data["type"].as_str() {
            Some("response.output_item.added") => {
                assert_eq!(index, items.len(), "items are counted from 0");
                items.push((String::new(), None));
            }
            Some("response.output_item.done") => {
                let open = items.get_mut(index).expect("an item begins before it ends");
                assert!(open.1.replace(data["item"].clone()).is_none(), "an item ends once");
            }
            kind => {
                let open = items.get_mut(index).expect("an item begins before its pieces");
                assert!(open.1.is_none(), "an item's pieces come before its end");
                if let Some(delta) = data["delta"].as_str() {
                    open.0.push_str(delta);
                } else if let Some("response.output_text.done" | "response.function_call_arguments.done") =
                    kind
                {
                    let whole = data["text"].as_str().or(data["arguments"].as_str());
                    // Replayed messages may have several parts.
                    assert!(whole.is_some_and(|whole| open.0.ends_with(whole)), "the pieces make the whole");
                }
            }
        }
    }
    assert!(items.iter().all(|(_, item)| item.is_some()), "every item ends");
    let last = events.last().expect("a response has events");
    let known = ["response.completed", "response.incomplete", "response.failed"];
    assert!(known.contains(&last.data["type"].as_str().unwrap_or_default()));
    let output = last.data["response"]["output"].as_array().expect("a response has output");
    // What is no object is no item.
    let output = output.iter().filter(|item| item.is_object()).count();
    assert_eq!(output, items.len(), "the last event has all items");
}

/// The keywords of a call in a caller's format, for providers that have it and for those that have not.
fn calls(call_type: CallType, input: &[u8]) {
    let Ok(Value::Object(keywords)) = serde_json::from_slice::<Value>(input) else { return };
    let bridged = WIRES.iter().flat_map(|(_, models)| *models).copied();
    for model in bridged.chain(["mistral/m", "xai/grok-4", "deepseek/m", "together_ai/m"]) {
        for as_chat in [false, true] {
            let mut keywords = keywords.clone();
            for (name, value) in [
                ("model", Value::from(model)),
                ("api_key", "key".into()),
                ("drop_params", as_chat.into()),
                ("use_chat_completions_api", as_chat.into()),
            ] {
                keywords.insert(name.to_owned(), value);
            }
            keywords.shift_remove("custom_llm_provider");
            let call =
                Call::from_keywords(call_type, keywords, Vec::new(), &Settings::default(), &NoVariables);
            if let Ok(prepared) = call.and_then(|call| call.prepare()) {
                let body: Result<Value, _> = serde_json::from_slice(&prepared.call.body);
                assert!(body.is_ok_and(|body| body.is_object()), "a body is a JSON object");
            }
        }
    }
}

/// A provider's own events, and its own response as events.
fn responses_events(input: &[u8]) {
    let target = target("openai/gpt-4o");
    let wire = target.wire.events(CallType::Responses).expect("it streams");
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut frames = Frames::new(wire.framing());
        let mut reader = wire.reader(&Memo::default(), &target);
        let mut out = Vec::new();
        let ended = (|| {
            let mut each = |frame: Frame<'_>| Ok(reader.frame(frame, &mut out)? != Seen::Done);
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
            reader.end()
        })();
        (out, ended.map_err(|error| error.to_string()))
    };
    let whole = read(&mut std::iter::once(input));
    assert_eq!(read(&mut pieces(input)), whole, "split");
    let reply =
        HttpReply { status: 200, headers: http::HeaderMap::new(), body: Bytes::copy_from_slice(input) };
    if let Ok(answer) = wire.decode(&reply, &Memo::default(), &target) {
        check_response_events(&wire.replay(answer.into_json()));
    }
}
