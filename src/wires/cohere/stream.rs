//! Events of a streamed answer to deltas (COH-07).

use serde_json::Value;

use super::{citations, errors, response, usage};
use crate::error::{Error, Kind, Result};
use crate::hub::{Delta, Deltas};
use crate::json::{Map, cut, str_at, take_string};
use crate::wires::framing::Frame;
use crate::wires::{ErrorFacts, Seen, StreamDecoder, incomplete_stream};

#[derive(Debug, Default)]
pub struct Decoder {
    /// Cohere's index of each call; its place here is the call's ordinal (STR-04).
    calls: Vec<Option<u64>>,
    thought: bool,
    finished: bool,
}

impl Decoder {
    fn event(&mut self, mut event: Map, out: &mut Deltas) -> Result<Seen> {
        let Some(kind) = take_string(&mut event, "type") else { return without_kind(&event) };
        let index = event.get("index").and_then(Value::as_u64);
        let mut delta = match event.shift_remove("delta") {
            Some(Value::Object(delta)) => delta,
            _ => Map::new(),
        };
        if kind == "message-end" {
            self.message_end(&delta, out)?;
            return Ok(Seen::Done);
        }
        let mut message = match delta.shift_remove("message") {
            Some(Value::Object(message)) => message,
            _ => Map::new(),
        };
        match kind.as_str() {
            "message-start" => {
                let id = take_string(&mut event, "id");
                out.push(Delta::Open { id, model: None, system_fingerprint: None });
            }
            "content-start" | "content-delta" => self.content(&mut message, out),
            "tool-plan-delta" => {
                if let Some(plan) = take_string(&mut message, "tool_plan").filter(|plan| !plan.is_empty()) {
                    out.reasoning(0, plan);
                }
            }
            "tool-call-start" => self.call_start(index, &mut message, out),
            "tool-call-delta" => self.call_delta(index, &mut message, out),
            "citation-start" => {
                let annotations = message.get("citations").map(citations::annotations).unwrap_or_default();
                if !annotations.is_empty() {
                    out.push(Delta::Annotations { choice: 0, annotations });
                }
            }
            "content-end" | "tool-call-end" | "citation-end" => {}
            _ => return Ok(Seen::Unknown),
        }
        Ok(Seen::Known)
    }

    fn content(&mut self, message: &mut Map, out: &mut Deltas) {
        let Some(Value::Object(content)) = message.get_mut("content") else { return };
        if let Some(thought) = take_string(content, "thinking").filter(|thought| !thought.is_empty()) {
            self.thought = true;
            out.reasoning(0, thought);
        }
        if let Some(text) = take_string(content, "text").filter(|text| !text.is_empty()) {
            out.text(0, text);
        }
    }

    fn call_start(&mut self, index: Option<u64>, message: &mut Map, out: &mut Deltas) {
        let Some(Value::Object(call)) = message.get_mut("tool_calls") else { return };
        let ordinal = self.calls.len() as u64;
        self.calls.push(index);
        let (name, arguments) = response::function(call);
        out.push(Delta::ToolStart {
            choice: 0,
            index: ordinal,
            id: take_string(call, "id"),
            name: name.unwrap_or_default(),
            provider_fields: None,
        });
        arguments_piece(ordinal, arguments, out);
    }

    fn call_delta(&mut self, index: Option<u64>, message: &mut Map, out: &mut Deltas) {
        let Some(Value::Object(call)) = message.get_mut("tool_calls") else { return };
        let (_, arguments) = response::function(call);
        // A piece without a call to belong to has nowhere to go.
        if let Some(at) = self.calls.iter().rposition(|known| *known == index) {
            arguments_piece(at as u64, arguments, out);
        }
    }

    fn message_end(&mut self, delta: &Map, out: &mut Deltas) -> Result<()> {
        let native = str_at(delta, "finish_reason").unwrap_or("COMPLETE");
        let (reason, native) = response::finish(native, delta.get("error"))?;
        self.finished = true;
        out.push(Delta::Finish { choice: 0, reason: reason.with_tool_calls(!self.calls.is_empty()), native });
        if let Some(counts) = delta.get("usage").filter(|counts| counts.is_object()) {
            let mut counts = usage::read(counts);
            if self.thought {
                // The share of thinking is not counted (USG-08).
                counts = counts.completion_detail("reasoning_tokens", Value::Null);
            }
            out.push(Delta::Usage(counts));
        }
        Ok(())
    }
}

fn arguments_piece(index: u64, json: String, out: &mut Deltas) {
    if !json.is_empty() {
        out.push(Delta::ToolArguments { choice: 0, index, json });
    }
}

/// What comes without a kind is what a failed call has for a body.
fn without_kind(event: &Map) -> Result<Seen> {
    if !event.get("message").is_some_and(Value::is_string) {
        return Ok(Seen::Unknown);
    }
    let facts = ErrorFacts::whole_body(500, Value::Object(event.clone()).to_string().as_bytes());
    let kind = errors::classify(&facts);
    Err(facts.into_error(kind))
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if self.finished || frame.data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let event = serde_json::from_slice::<Value>(frame.data).map_err(|error| {
            let text = String::from_utf8_lossy(frame.data);
            let what = format!("the stream holds an event that is no JSON: '{}'", cut(&text, 200));
            Error::new(Kind::Connection, what).with_source(error)
        })?;
        match event {
            Value::Object(event) => self.event(event, out),
            _ => Ok(Seen::Unknown),
        }
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.finished { Ok(()) } else { Err(incomplete_stream()) }
    }
}
