//! A provider that has text completions itself: bodies, answers and chunks are passed on.

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::framing::Frame;
use crate::wires::openai::errors;
use crate::wires::{
    ErrorFacts, Event, EventReader, EventWire, HttpReply, Memo, Prepared, Seen, Wire, calls,
    incomplete_stream,
};

/// `/completions`.
#[derive(Debug)]
pub struct Native;

impl Wire<Call> for Native {
    fn supports(&self, _parameter: &str, _target: &Target) -> bool {
        true
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        let mut body = calls::named_body(request, target);
        if request.stream {
            body.insert("stream".into(), true.into());
        }
        calls::json_call(target.url("/completions"), body, request, Memo::default())
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
        let answer = calls::json_object(reply)?;
        if let Some(error) = failure(&answer, target) {
            return Err(error);
        }
        if !answer.get("choices").is_some_and(Value::is_array) {
            return Err(calls::unreadable(reply));
        }
        Ok(CallResponse::Json(answer.into()))
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        errors::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        errors::classify(facts, &target.accent)
    }
}

/// An error in a good reply, or in a chunk.
fn failure(answer: &Map, target: &Target) -> Option<Error> {
    let error = answer.get("error").filter(|error| !error.is_null())?;
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = code.filter(|code| (400..600).contains(code)).unwrap_or(500);
    let facts = errors::facts_of(status, &serde_json::json!({ "error": error.clone() }));
    let kind = errors::classify(&facts, &target.accent);
    Some(facts.into_error(kind))
}

impl EventWire for Native {
    fn reader(&self, _memo: &Memo, target: &Target) -> Box<dyn EventReader> {
        Box::new(Reader { target: target.clone(), open: Vec::new(), any: false })
    }

    fn replay(&self, answer: Value) -> Vec<Event> {
        vec![Event { name: None, data: answer }]
    }
}

#[derive(Debug)]
struct Reader {
    target: Target,
    /// Choices that have begun and not finished.
    open: Vec<u64>,
    any: bool,
}

impl EventReader for Reader {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<Seen> {
        if frame.data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let data: Value = serde_json::from_slice(frame.data).map_err(|error| {
            Error::unreadable(format!("a chunk of the stream cannot be read: {error}")).with_source(error)
        })?;
        let Value::Object(chunk) = data else { return Ok(Seen::Unknown) };
        if let Some(error) = failure(&chunk, &self.target) {
            return Err(error);
        }
        for choice in chunk.get("choices").and_then(Value::as_array).into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap_or_default();
            self.any = true;
            self.open.retain(|open| *open != index);
            if choice["finish_reason"].as_str().is_none_or(str::is_empty) {
                self.open.push(index);
            }
        }
        out.push(Event { name: None, data: chunk.into() });
        Ok(Seen::Known)
    }

    fn end(&mut self) -> Result<()> {
        if self.any && self.open.is_empty() { Ok(()) } else { Err(incomplete_stream()) }
    }
}
