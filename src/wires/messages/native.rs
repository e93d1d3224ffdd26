//! A provider that speaks Messages itself: bodies, answers and events are passed on.

use http::header::HeaderName;
use serde_json::{Value, json};

use super::encoder::{event, named};
use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, Target};
use crate::json::{Map, str_at};
use crate::wires::framing::Frame;
use crate::wires::responses::ENCRYPTED;
use crate::wires::{
    ErrorFacts, Event, EventReader, EventWire, HttpReply, Memo, Prepared, Seen, Wire, anthropic, calls,
    incomplete_stream,
};

/// `/v1/messages`.
#[derive(Debug)]
pub struct Native;

impl Wire<Call> for Native {
    fn supports(&self, _parameter: &str, _target: &Target) -> bool {
        true
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        let mut body = fields(request, target)?;
        body.insert("stream".into(), request.stream.into());
        let features = anthropic::native_body(&mut body, target);
        let mut prepared =
            calls::json_call(anthropic::url(target, request.stream), body, request, Memo::default())?;
        let headers = &mut prepared.call.headers;
        headers.insert(HeaderName::from_static("anthropic-version"), anthropic::VERSION);
        if let Some(value) = features {
            headers.insert(HeaderName::from_static(anthropic::BETA_HEADER), value);
        }
        Ok(prepared)
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
        let answer = calls::json_object(reply)?;
        if str_at(&answer, "type") == Some("error") {
            return Err(failure(&Value::Object(answer), target));
        }
        if !answer.get("content").is_some_and(Value::is_array) {
            return Err(calls::unreadable(reply));
        }
        Ok(CallResponse::Json(answer.into()))
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        anthropic::error_facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        anthropic::classify(facts)
    }
}

/// The body, wherever Claude is served.
pub fn fields(request: &CallRequest, target: &Target) -> Result<Map> {
    if !request.params.contains_key("max_tokens") {
        return Err(Error::bad_request("'max_tokens' is missing.").with_param("max_tokens"));
    }
    let mut body = calls::named_body(request, target);
    // Of the caller's own bookkeeping only this is the provider's business.
    if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
        metadata.retain(|name, _| name == "user_id");
        if metadata.is_empty() {
            body.shift_remove("metadata");
        }
    }
    if let Some(Value::Array(turns)) = body.get_mut("messages") {
        turns.iter_mut().for_each(drop_foreign_thinking);
    }
    Ok(body)
}

/// Reasoning that OpenAI encrypted says nothing to Claude (AMI-25).
fn drop_foreign_thinking(turn: &mut Value) {
    if let Some(Value::Array(blocks)) = turn.get_mut("content") {
        blocks.retain(|block| {
            block["signature"].as_str().is_none_or(|signature| !signature.starts_with(ENCRYPTED))
        });
    }
}

fn failure(event: &Value, target: &Target) -> Error {
    let facts = anthropic::stream_facts(event);
    let kind = Native.classify(&facts, target);
    facts.into_error(kind)
}

impl EventWire for Native {
    fn reader(&self, _memo: &Memo, target: &Target) -> Box<dyn EventReader> {
        Box::new(Reader { target: target.clone(), is_over: false })
    }

    fn replay(&self, answer: Value) -> Vec<Event> {
        let Value::Object(message) = answer else { return Vec::new() };
        replay(message)
    }
}

#[derive(Debug)]
struct Reader {
    target: Target,
    /// The event that ends a message has come.
    is_over: bool,
}

impl EventReader for Reader {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<Seen> {
        if frame.data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let data: Value = serde_json::from_slice(frame.data).map_err(|error| {
            Error::unreadable(format!("an event of the stream cannot be read: {error}")).with_source(error)
        })?;
        let Value::Object(mut event) = data else { return Ok(Seen::Unknown) };
        if let (None, Some(name)) = (event.get("type"), frame.event) {
            event.shift_insert(0, "type".into(), name.into());
        }
        match str_at(&event, "type") {
            Some("error") => return Err(failure(&Value::Object(event), &self.target)),
            Some("message_stop") => self.is_over = true,
            _ => {}
        }
        out.push(named(event));
        Ok(if self.is_over { Seen::Done } else { Seen::Known })
    }

    fn end(&mut self) -> Result<()> {
        if self.is_over { Ok(()) } else { Err(incomplete_stream()) }
    }
}

/// A whole message as the events it would have come in (STR-30).
fn replay(mut message: Map) -> Vec<Event> {
    let content = match message.insert("content".into(), json!([])) {
        Some(Value::Array(blocks)) => blocks,
        _ => Vec::new(),
    };
    let stop_reason = message.insert("stop_reason".into(), Value::Null).unwrap_or_default();
    let stop_sequence = message.insert("stop_sequence".into(), Value::Null).unwrap_or_default();
    let usage = message.get("usage").cloned().unwrap_or_else(|| json!({}));
    let mut out = vec![event("message_start", [("message", message.into())])];
    for (index, block) in content.into_iter().enumerate() {
        let (begun, deltas) = pieces(block);
        out.push(event("content_block_start", [("index", index.into()), ("content_block", begun)]));
        for delta in deltas {
            out.push(event("content_block_delta", [("index", index.into()), ("delta", delta)]));
        }
        out.push(event("content_block_stop", [("index", index.into())]));
    }
    let delta = json!({ "stop_reason": stop_reason, "stop_sequence": stop_sequence });
    out.push(event("message_delta", [("delta", delta), ("usage", usage)]));
    out.push(event("message_stop", []));
    out
}

/// A block as it begins, and its deltas.
fn pieces(mut block: Value) -> (Value, Vec<Value>) {
    let mut take = |field: &str, empty: Value| {
        block.get_mut(field).map(|value| std::mem::replace(value, empty)).filter(|value| !value.is_null())
    };
    let mut deltas = Vec::new();
    if let Some(text) = take("text", "".into()) {
        deltas.push(json!({ "type": "text_delta", "text": text }));
    }
    if let Some(thinking) = take("thinking", "".into()) {
        deltas.push(json!({ "type": "thinking_delta", "thinking": thinking }));
    }
    if let Some(signature) = take("signature", "".into()) {
        deltas.push(json!({ "type": "signature_delta", "signature": signature }));
    }
    if let Some(input) = take("input", json!({})) {
        deltas.push(json!({ "type": "input_json_delta", "partial_json": input.to_string() }));
    }
    (block, deltas)
}
