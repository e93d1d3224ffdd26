//! Lines of a streamed answer to deltas (OLL-06, OLL-07, OLL-10).

use bytes::Bytes;
use serde_json::Value;

use super::calls::{self, Answered};
use super::request::TOOLS_IN_PROMPT;
use super::response::{Said, finish};
use super::{Endpoint, errors, usage};
use crate::error::{Kind, Result};
use crate::hub::{Delta, Deltas, FinishReason};
use crate::json::Map;
use crate::wires::framing::Frame;
use crate::wires::think::{Pieces, Splitter};
use crate::wires::{Memo, Seen, StreamDecoder, incomplete_stream};

#[derive(Debug)]
pub struct Decoder {
    endpoint: Endpoint,
    /// What an estimate of the prompt is made from.
    sent: Option<Bytes>,
    splitter: Splitter,
    written_call: WrittenCall,
    /// All visible text, to be counted when the server does not.
    answer: String,
    calls: u64,
    thought: bool,
    finished: bool,
}

/// A call that may come as text, when the tools are told of in the prompt.
#[derive(Debug)]
enum WrittenCall {
    /// The text is text.
    No,
    /// Nothing but space so far.
    Maybe(String),
    /// An object has begun; what it is shows at its end.
    Json(String),
}

impl Decoder {
    pub fn new(endpoint: Endpoint, memo: Memo) -> Self {
        let in_prompt = memo.notes.contains_key(TOOLS_IN_PROMPT);
        Self {
            endpoint,
            sent: memo.sent,
            splitter: Splitter::default(),
            written_call: if in_prompt { WrittenCall::Maybe(String::new()) } else { WrittenCall::No },
            answer: String::new(),
            calls: 0,
            thought: false,
            finished: false,
        }
    }

    fn line(&mut self, mut line: Map, out: &mut Deltas) -> Result<Seen> {
        errors::check(&line)?;
        let Some(said) = Said::read(self.endpoint, &mut line) else { return Ok(Seen::Unknown) };
        let mut pieces = Pieces::default();
        if let Some(thinking) = said.thinking {
            self.splitter.give_up(&mut pieces);
            self.thought = true;
            out.reasoning(0, thinking);
        }
        if let Some(text) = &said.text {
            self.splitter.push(text, &mut pieces);
        }
        if said.done {
            self.splitter.finish(&mut pieces);
        }
        self.thought |= !pieces.thinking.is_empty();
        pieces.reason(out);
        self.text(pieces.text, out);
        for call in said.calls {
            self.call(call, out);
        }
        if !said.done {
            return Ok(Seen::Known);
        }
        self.end_of_text(out);
        let (reason, native) = finish(said.done_reason.as_deref());
        let reason = if self.calls > 0 { FinishReason::ToolCalls } else { reason };
        self.finished = true;
        out.push(Delta::Finish { choice: 0, reason, native });
        let mut counts = usage::read(&line, self.sent.as_deref(), &self.answer);
        if self.thought && self.calls == 0 {
            // The share of thinking is not counted (USG-08).
            counts = counts.completion_detail("reasoning_tokens", Value::Null);
        }
        out.push(Delta::Usage(counts));
        Ok(Seen::Done)
    }

    fn text(&mut self, text: String, out: &mut Deltas) {
        if text.is_empty() {
            return;
        }
        self.answer.push_str(&text);
        match &mut self.written_call {
            WrittenCall::No => out.text(0, text),
            WrittenCall::Json(held) => held.push_str(&text),
            WrittenCall::Maybe(held) => {
                held.push_str(&text);
                match held.trim_start().bytes().next() {
                    None => {}
                    Some(b'{') => self.written_call = WrittenCall::Json(std::mem::take(held)),
                    Some(_) => {
                        out.text(0, std::mem::take(held));
                        self.written_call = WrittenCall::No;
                    }
                }
            }
        }
    }

    /// What was held back is a call, or the text it looks like.
    fn end_of_text(&mut self, out: &mut Deltas) {
        let held = match std::mem::replace(&mut self.written_call, WrittenCall::No) {
            WrittenCall::No => return,
            WrittenCall::Maybe(held) | WrittenCall::Json(held) => held,
        };
        match calls::of_text(&held) {
            Some(call) => self.call(call, out),
            None if held.is_empty() => {}
            None => out.text(0, held),
        }
    }

    fn call(&mut self, call: Answered, out: &mut Deltas) {
        let index = self.calls;
        self.calls += 1;
        out.push(Delta::ToolStart { choice: 0, index, id: call.id, name: call.name, provider_fields: None });
        out.push(Delta::ToolArguments { choice: 0, index, json: call.arguments });
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if self.finished {
            return Ok(Seen::Done);
        }
        let line = serde_json::from_slice::<Value>(frame.data)
            .map_err(|error| errors::no_json("a line of the stream", Kind::Connection, frame.data, error))?;
        match line {
            Value::Object(line) => self.line(line, out),
            _ => Ok(Seen::Unknown),
        }
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.finished { Ok(()) } else { Err(incomplete_stream()) }
    }
}
