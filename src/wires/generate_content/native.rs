//! A provider that speaks `generateContent` itself: bodies, answers and chunks are passed on.

use serde_json::Value;

use super::contents;
use super::request::{TOP, split};
use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, Target};
use crate::json::{Map, object};
use crate::wires::framing::{Frame, Framing};
use crate::wires::{
    ErrorFacts, Event, EventReader, EventWire, HttpReply, Memo, Prepared, Seen, Wire, calls, gemini,
    incomplete_stream,
};

#[derive(Debug)]
pub struct Native;

impl Wire<Call> for Native {
    fn supports(&self, _parameter: &str, _target: &Target) -> bool {
        true
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        let (mut top, config) = split(request.params.clone())?;
        let contents = contents::settled(top.shift_remove("contents").unwrap_or_default())?;
        let mut body = Map::new();
        body.insert("contents".into(), contents.into_iter().map(Value::Object).collect::<Vec<_>>().into());
        for name in TOP {
            if let Some(value) = top.shift_remove(name) {
                body.insert(name.to_owned(), value);
            }
        }
        if let Some(said @ Value::String(_)) = body.get_mut("systemInstruction") {
            *said = object([("parts", Value::Array(vec![object([("text", said.take())])]))]);
        }
        if let Some(tools @ Value::Object(_)) = body.get_mut("tools") {
            *tools = Value::Array(vec![tools.take()]);
        }
        if !config.is_empty() {
            body.insert("generationConfig".into(), config.into());
        }
        body.extend(top);
        calls::json_call(gemini::url(target, request.stream), body, request, Memo::default())
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
        let answer = calls::json_object(reply)?;
        if let Some(error) = answer.get("error").filter(|error| error.is_object()) {
            return Err(gemini::error_of_stream(error));
        }
        if !answer.contains_key("candidates") && !answer.contains_key("promptFeedback") {
            return Err(calls::unreadable(reply));
        }
        Ok(CallResponse::Json(answer.into()))
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        gemini::error_facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        gemini::classify(facts)
    }
}

impl EventWire for Native {
    fn framing(&self) -> Framing {
        Framing::SseOrArray
    }

    fn reader(&self, _memo: &Memo, _target: &Target) -> Box<dyn EventReader> {
        Box::new(Reader::default())
    }

    fn replay(&self, answer: Value) -> Vec<Event> {
        vec![Event { name: None, data: answer }]
    }
}

#[derive(Debug, Default)]
struct Reader {
    /// A reason to end has come, for an answer or for refusing one.
    is_over: bool,
}

impl Reader {
    fn chunk(&mut self, chunk: Value, out: &mut Vec<Event>) -> Result<()> {
        if let Some(error) = chunk.get("error").filter(|error| error.is_object()) {
            return Err(gemini::error_of_stream(error));
        }
        let mut candidates = chunk["candidates"].as_array().into_iter().flatten();
        self.is_over |= candidates.any(|candidate| !candidate["finishReason"].is_null())
            || !chunk["promptFeedback"]["blockReason"].is_null();
        out.push(Event { name: None, data: chunk });
        Ok(())
    }
}

impl EventReader for Reader {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<Seen> {
        let data = frame.data.trim_ascii();
        if data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let chunk: Value = serde_json::from_slice(data).map_err(|error| {
            Error::unreadable(format!("a chunk of the stream cannot be read: {error}")).with_source(error)
        })?;
        match chunk {
            Value::Object(_) => self.chunk(chunk, out)?,
            Value::Array(chunks) => {
                for chunk in chunks.into_iter().filter(Value::is_object) {
                    self.chunk(chunk, out)?;
                }
            }
            _ => return Ok(Seen::Unknown),
        }
        Ok(Seen::Known)
    }

    fn end(&mut self) -> Result<()> {
        if self.is_over { Ok(()) } else { Err(incomplete_stream()) }
    }
}
