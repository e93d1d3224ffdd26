//! Answers, written: whole ones, bytes, and streams that are read upstream only as fast as the client reads them.

use std::borrow::Cow;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::calls::Shown;
use super::dialect::Dialect;
use super::headers;
use super::hooked_stream;
use super::hooks::{Event, Hooked, Step, facts_of};
use super::record::Call;
use crate::engine::{Answer, CallAnswer, ChatStream, EventStream, Meta, Part, Tally};
use crate::error::{Error, Result};
use crate::hub::{CallResponse, CallType, StreamHead, Usage};
use crate::router::Outcome;
use crate::wires::openai::{Chunk, write_chunk, write_response};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes what a call has brought.
///
/// # Errors
/// What a hook has refused the answer with.
pub async fn write(call: &Call, shown: Shown, outcome: Outcome) -> Result<Response> {
    Ok(match outcome {
        Outcome::Chat(answer) => chat(call, &shown, *answer).await?,
        Outcome::Stream(stream) => chat_stream(call, shown, *stream),
        Outcome::Call(answer) => {
            let cost = account(call, &answer);
            let mut headers = headers::of_answer(call, &answer.meta, cost);
            match answer.response {
                CallResponse::Json(value) => {
                    let body = value.to_string().into_bytes();
                    let body = hooked(call, &answer.meta, cost, body, &mut headers).await?;
                    response(headers, JSON, Body::from(body))
                }
                CallResponse::Bytes { content_type, data } => {
                    if let Some(hooked) = call.hooked.as_ref().filter(|hooked| hooked.listens(Event::Success))
                    {
                        let meta = facts_of(&answer.meta, cost);
                        hooked.succeeded(serde_json::json!({ "response": null, "meta": meta }));
                    }
                    let kind = HeaderValue::from_str(&content_type);
                    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
                    response(headers, kind, Body::from(data))
                }
            }
        }
        Outcome::Events(stream) => event_stream(call, shown, *stream),
    })
}

/// Notes what a whole answer of another call than chat has used; returns what it cost.
pub fn account(call: &Call, answer: &CallAnswer) -> Option<f64> {
    let json = match &answer.response {
        CallResponse::Json(value) => Some(value),
        CallResponse::Bytes { .. } => None,
    };
    let mut tally = Tally::new(answer.call_type);
    if let Some(json) = json {
        tally.add(json);
    }
    let usage = tally.usage();
    let cost = answer.meta.cost_of_call(answer.call_type, usage.as_ref(), json);
    call.answered(&answer.meta, false);
    call.spent(usage.as_ref(), cost);
    cost
}

fn response(headers: HeaderMap, kind: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn streamed(mut headers: HeaderMap, body: Body) -> Response {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies in front hand events on as they come.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response(headers, EVENTS, body)
}

/// Whether another model than the one that was asked for has answered.
fn fell_back(meta: &Meta) -> bool {
    meta.routing.as_ref().is_some_and(|routing| routing.fallbacks > 0)
}

async fn chat(call: &Call, shown: &Shown, answer: Answer) -> Result<Response> {
    let Answer { mut response, meta } = answer;
    let usage = response.usage.as_ref();
    let cost = meta.cost_of_call(CallType::Chat, usage, None);
    call.answered(&meta, false);
    call.spent(usage, cost);
    if !fell_back(&meta) {
        // The client knows the model by the name that it has asked for.
        response.model.clone_from(&shown.model);
    }
    let mut body = Vec::with_capacity(1024);
    write_response(&response, &mut body);
    let mut headers = headers::of_answer(call, &meta, cost);
    let body = hooked(call, &meta, cost, body, &mut headers).await?;
    Ok(self::response(headers, JSON, Body::from(body)))
}

/// A whole answer by way of the hooks, if there are any.
async fn hooked(
    call: &Call,
    meta: &Meta,
    cost: Option<f64>,
    body: Vec<u8>,
    headers: &mut HeaderMap,
) -> Result<Vec<u8>> {
    let Some(hooked) = &call.hooked else { return Ok(body) };
    let (body, added) = hooked.post_call(meta, cost, body).await?;
    for (name, value) in &added {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Ok(name) = name.parse() {
            headers::text(headers, name, &value);
        }
    }
    Ok(body)
}

/// The hooks that a stream passes through.
fn stream_hooks(call: &Call) -> Option<&Arc<Hooked>> {
    call.hooked.as_ref().filter(|hooked| hooked.has(Step::Stream) || hooked.listens(Event::Success))
}

/// A stream's body, by way of the hooks, if there are any.
fn piped<S: Stream<Item = Result<Bytes, std::convert::Infallible>> + Send + 'static>(
    call: &Call,
    shown: Shown,
    facts: Option<Value>,
    pieces: S,
) -> Body {
    match stream_hooks(call) {
        Some(hooked) => {
            let facts = facts.unwrap_or_default();
            Body::from_stream(hooked_stream::through(hooked.clone(), shown, facts, Box::pin(pieces)))
        }
        None => Body::from_stream(pieces),
    }
}

/// A stream on its way to the client. Dropped when the client goes away, which closes the upstream's connection; what it
/// has cost is noted then as at its end.
struct Sending<S: Counted> {
    stream: S,
    tally: Tally,
    call: Call,
    shown: Shown,
    head: Option<StreamHead>,
    ended: bool,
}

/// A stream whose tokens are counted.
trait Counted {
    fn meta(&self) -> &Meta;
    fn usage(&self) -> Option<Usage>;
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }
    fn take_uncounted(&mut self) -> Option<(String, String)>;
}

impl Counted for ChatStream {
    fn parts(&self) -> Vec<Part> {
        self.parts()
    }

    fn meta(&self) -> &Meta {
        self.meta()
    }

    fn usage(&self) -> Option<Usage> {
        self.usage().map(Cow::into_owned)
    }

    fn take_uncounted(&mut self) -> Option<(String, String)> {
        self.take_uncounted()
    }
}

impl Counted for EventStream {
    fn meta(&self) -> &Meta {
        self.meta()
    }

    fn usage(&self) -> Option<Usage> {
        self.usage().map(Cow::into_owned)
    }

    fn take_uncounted(&mut self) -> Option<(String, String)> {
        self.take_uncounted()
    }
}

impl<S: Counted> Drop for Sending<S> {
    fn drop(&mut self) {
        let (meta, call_type) = (self.stream.meta(), self.shown.call_type);
        if let Some(usage) = self.stream.usage().or_else(|| self.tally.usage()) {
            let cost = |meta: &Meta, usage: &Usage| meta.cost_of_call(call_type, Some(usage), None);
            // A stream that went on elsewhere has several prices.
            let parts = self.stream.parts();
            let of_parts: Option<f64> = parts.iter().map(|part| cost(&part.meta, &part.usage)).sum();
            let cost = if parts.is_empty() { cost(meta, &usage) } else { of_parts };
            self.call.spent(Some(&usage), cost);
            return;
        }
        if meta.cached.is_some() {
            return;
        }
        let uncounted = self.stream.take_uncounted();
        if let Some(texts) = uncounted {
            self.call.spent_uncounted(self.stream.meta(), call_type, texts);
        }
    }
}

fn chat_stream(call: &Call, shown: Shown, stream: ChatStream) -> Response {
    let headers = headers::of_answer(call, stream.meta(), None);
    let asked = shown.clone();
    let mut shown = shown;
    // Who is told of the whole answer is told what it took; the client sees it only where it has asked.
    shown.usage_asked |= stream_hooks(call).is_some();
    let meta = stream_hooks(call).map(|_| facts_of(stream.meta(), None));
    let sending = Sending::new(stream, call, shown);
    streamed(headers, piped(call, asked, meta, stream::unfold(sending, next_chunks)))
}

/// Without room to spare: pieces wait for clients that read slowly, by the thousand.
fn exact(out: Vec<u8>) -> Bytes {
    out.into_boxed_slice().into()
}

type Sent<S> = Option<(Result<Bytes, std::convert::Infallible>, Sending<S>)>;

async fn next_chunks(mut sending: Sending<ChatStream>) -> Sent<ChatStream> {
    let mut out = Vec::with_capacity(512);
    while out.is_empty() && !sending.ended {
        match sending.stream.next_batch().await {
            Ok(chunks) if chunks.is_empty() => {
                sending.ended = true;
                out.extend_from_slice(DONE);
            }
            Ok(chunks) => sending.write(chunks, &mut out),
            Err(error) => {
                sending.ended = true;
                sending.fail(&error, &mut out);
            }
        }
    }
    if sending.ended
        && let Some(rest) = sending.stream.take_rest()
    {
        tokio::spawn(rest);
    }
    (!out.is_empty()).then(|| (Ok(exact(out)), sending))
}

impl Sending<ChatStream> {
    fn write(&mut self, chunks: Vec<Chunk>, out: &mut Vec<u8>) {
        let Self { stream, head, shown, .. } = self;
        let head = head.get_or_insert_with(|| {
            let mut head = stream.head().clone();
            if !fell_back(stream.meta()) {
                head.model.clone_from(&shown.model);
            }
            head
        });
        for mut chunk in chunks {
            if !shown.usage_asked
                && chunk.usage.take().is_some()
                && chunk.choices.is_empty()
                && chunk.fields.is_empty()
            {
                continue;
            }
            out.extend_from_slice(b"data: ");
            write_chunk(&chunk, head, out);
            out.extend_from_slice(b"\n\n");
        }
    }
}

impl<S: Counted> Sending<S> {
    fn new(stream: S, call: &Call, shown: Shown) -> Self {
        call.answered(stream.meta(), true);
        let tally = Tally::new(shown.call_type);
        Self { stream, tally, call: call.clone(), shown, head: None, ended: false }
    }

    /// A stream that breaks off says so, and does not look like one that has ended (STR-16).
    fn fail(&self, error: &Error, out: &mut Vec<u8>) {
        self.call.failed(error);
        tracing::warn!(call = %self.call.id, kind = error.kind().class_name(), "a stream broke off");
        // The upstream's words may quote the question.
        tracing::debug!(call = %self.call.id, error = %error, "a stream broke off");
        event(None, &self.shown.dialect.error_body(error), out);
        if self.shown.dialect == Dialect::OpenAi {
            out.extend_from_slice(DONE);
        }
    }
}

fn event(name: Option<&str>, data: &Value, out: &mut Vec<u8>) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    // A value has no way to fail.
    let _ = serde_json::to_writer(&mut *out, data);
    out.extend_from_slice(b"\n\n");
}

fn event_stream(call: &Call, shown: Shown, stream: EventStream) -> Response {
    let headers = headers::of_answer(call, stream.meta(), None);
    let meta = stream_hooks(call).map(|_| facts_of(stream.meta(), None));
    let asked = Shown { usage_asked: true, ..shown.clone() };
    let sending = Sending::new(stream, call, shown);
    streamed(headers, piped(call, asked, meta, stream::unfold(sending, next_events)))
}

/// OpenAI's chunks always have a text, and its clients join them without looking.
fn with_text(chunk: &mut Value) {
    for choice in chunk.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(text) = choice.get_mut("text").filter(|text| text.is_null()) {
            *text = Value::String(String::new());
        }
    }
}

async fn next_events(mut sending: Sending<EventStream>) -> Sent<EventStream> {
    let mut out = Vec::with_capacity(512);
    while out.is_empty() && !sending.ended {
        match sending.stream.next_batch().await {
            Ok(events) if events.is_empty() => {
                sending.ended = true;
                if sending.shown.call_type == CallType::TextCompletion {
                    out.extend_from_slice(DONE);
                }
            }
            Ok(events) => {
                for mut one in events {
                    sending.tally.add(&one.data);
                    if sending.shown.call_type == CallType::TextCompletion {
                        with_text(&mut one.data);
                    }
                    event(one.name.as_deref(), &one.data, &mut out);
                }
            }
            Err(error) => {
                sending.ended = true;
                sending.call.failed(&error);
                let events = sending.stream.encode_failure(&error);
                if events.is_empty() {
                    let name = (sending.shown.dialect == Dialect::Anthropic).then_some("error");
                    event(name, &sending.shown.dialect.error_body(&error), &mut out);
                }
                for one in events {
                    event(one.name.as_deref(), &one.data, &mut out);
                }
            }
        }
    }
    if sending.ended
        && let Some(rest) = sending.stream.take_rest()
    {
        tokio::spawn(rest);
    }
    (!out.is_empty()).then(|| (Ok(exact(out)), sending))
}
