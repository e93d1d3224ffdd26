//! Answers, written: whole ones, bytes, and streams that are read upstream only as fast as the client reads them.

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
use super::state::Gateway;
use crate::engine::{Answer, ChatStream, EventStream, Meta};
use crate::error::{Error, Result};
use crate::hub::{CallResponse, StreamHead, Usage};
use crate::router::Outcome;
use crate::wires::openai::{Chunk, write_chunk, write_response};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes what a call has brought.
///
/// # Errors
/// What a hook has refused the answer with.
pub async fn write(gateway: &Arc<Gateway>, call: &Call, shown: Shown, outcome: Outcome) -> Result<Response> {
    Ok(match outcome {
        Outcome::Chat(answer) => chat(call, &shown, *answer).await?,
        Outcome::Stream(stream) => chat_stream(gateway, call, shown, *stream),
        Outcome::Call(answer) => {
            let cost = None;
            let mut headers = headers::of_answer(call, &answer.meta, cost);
            match answer.response {
                CallResponse::Json(value) => {
                    let body = hooked(call, &answer.meta, cost, value.to_string().into_bytes(), &mut headers).await?;
                    response(headers, JSON, Body::from(body))
                }
                CallResponse::Bytes { content_type, data } => {
                    if let Some(hooked) = call.hooked.as_ref().filter(|hooked| hooked.listens(Event::Success)) {
                        hooked.succeeded(serde_json::json!({ "response": null, "meta": facts_of(&answer.meta, cost) }));
                    }
                    let kind = HeaderValue::from_str(&content_type);
                    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
                    response(headers, kind, Body::from(data))
                }
            }
        }
        Outcome::Events(stream) => event_stream(gateway, call, shown, *stream),
    })
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

fn cost_of(meta: &Meta, usage: Option<&Usage>) -> Option<f64> {
    if meta.cached.as_ref().is_some_and(|cached| cached.asked == 0) {
        return Some(0.0);
    }
    meta.cost(usage?, None)
}

async fn chat(call: &Call, shown: &Shown, answer: Answer) -> Result<Response> {
    let Answer { mut response, meta } = answer;
    let cost = cost_of(&meta, response.usage.as_ref());
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
        headers::text(headers, name, &value);
    }
    Ok(body)
}

/// The hooks that a stream passes through.
fn stream_hooks(call: &Call) -> Option<&Arc<Hooked>> {
    call.hooked.as_ref().filter(|hooked| hooked.has(Step::Stream) || hooked.listens(Event::Success))
}

fn piped<S: Stream<Item = Result<Bytes, std::convert::Infallible>> + Send + 'static>(
    call: &Call,
    shown: Shown,
    facts: Option<Value>,
    pieces: S,
) -> Body {
    match stream_hooks(call) {
        Some(hooked) => {
            Body::from_stream(hooked_stream::through(hooked.clone(), shown, facts.unwrap_or_default(), Box::pin(pieces)))
        }
        None => Body::from_stream(pieces),
    }
}

/// A stream on its way to the client. Dropped when the client goes away, which closes the upstream's connection.
struct Sending<S> {
    stream: S,
    gateway: Arc<Gateway>,
    call: Call,
    shown: Shown,
    head: Option<StreamHead>,
    ended: bool,
}

fn chat_stream(gateway: &Arc<Gateway>, call: &Call, shown: Shown, stream: ChatStream) -> Response {
    let headers = headers::of_answer(call, stream.meta(), None);
    let asked = shown.clone();
    let mut shown = shown;
    // Who is told of the whole answer is told what it took; the client sees it only where it has asked.
    shown.usage_asked |= stream_hooks(call).is_some();
    let meta = stream_hooks(call).map(|_| facts_of(stream.meta(), None));
    let sending =
        Sending { stream, gateway: gateway.clone(), call: call.clone(), shown, head: None, ended: false };
    streamed(headers, piped(call, asked, meta, stream::unfold(sending, next_chunks)))
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
    (!out.is_empty()).then(|| (Ok(out.into()), sending))
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
            if !shown.usage_asked && chunk.usage.take().is_some() && chunk.choices.is_empty() && chunk.fields.is_empty()
            {
                continue;
            }
            out.extend_from_slice(b"data: ");
            write_chunk(&chunk, head, out);
            out.extend_from_slice(b"\n\n");
        }
    }
}

impl<S> Sending<S> {
    /// A stream that breaks off says so, and does not look like one that has ended (STR-16).
    fn fail(&self, error: &Error, out: &mut Vec<u8>) {
        tracing::warn!(call = %self.call.id, error = %error, "a stream broke off");
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

fn event_stream(gateway: &Arc<Gateway>, call: &Call, shown: Shown, stream: EventStream) -> Response {
    let headers = headers::of_answer(call, stream.meta(), None);
    let meta = stream_hooks(call).map(|_| facts_of(stream.meta(), None));
    let asked = Shown { usage_asked: true, ..shown.clone() };
    let sending =
        Sending { stream, gateway: gateway.clone(), call: call.clone(), shown, head: None, ended: false };
    streamed(headers, piped(call, asked, meta, stream::unfold(sending, next_events)))
}

async fn next_events(mut sending: Sending<EventStream>) -> Sent<EventStream> {
    let mut out = Vec::with_capacity(512);
    while out.is_empty() && !sending.ended {
        match sending.stream.next_batch().await {
            Ok(events) if events.is_empty() => {
                sending.ended = true;
                if sending.shown.call_type == crate::hub::CallType::TextCompletion {
                    out.extend_from_slice(DONE);
                }
            }
            Ok(events) => {
                for one in events {
                    event(one.name.as_deref(), &one.data, &mut out);
                }
            }
            Err(error) => {
                sending.ended = true;
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
    (!out.is_empty()).then(|| (Ok(out.into()), sending))
}
