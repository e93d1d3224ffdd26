//! What an agent says while a task goes on: its artifacts in pieces, and its state.
//!
//! Messages of a task that goes on are read along with its answer: they are shown, and do not stand for it.

use serde_json::Value;

use super::response::{State, is_waiting, made, parts, payload, result, state_of, status_text, usage};
use crate::error::{Error, Result};
use crate::hub::{Delta, Deltas, FinishReason};
use crate::json::Map;
use crate::wires::framing::Frame;
use crate::wires::{Memo, Seen, StreamDecoder, incomplete_stream};

const CHOICE: u64 = 0;

#[derive(Debug)]
pub struct Decoder {
    notes: Map,
    text: String,
    /// The last that the task said of its work.
    last_words: String,
    /// Whether the answer has begun; all text before is of the work.
    has_begun: bool,
    is_over: bool,
}

impl Decoder {
    pub fn new(memo: Memo) -> Self {
        Self {
            notes: memo.notes,
            text: String::new(),
            last_words: String::new(),
            has_begun: false,
            is_over: false,
        }
    }

    fn say(&mut self, text: &str, out: &mut Deltas) {
        if !text.is_empty() {
            self.text.push_str(text);
            out.text(CHOICE, text);
        }
    }

    /// What is the answer, or a piece of it. Agents that have told it while they worked may repeat it as a whole.
    fn answer(&mut self, text: &str, out: &mut Deltas) {
        if text.is_empty() {
            return;
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            if self.has_said(text) {
                return;
            }
            self.break_line(out);
        }
        self.say(text, out);
    }

    /// What a task that is over says: what it has made, unless that came in pieces, and what it waits for.
    fn close(&mut self, task: &Value, out: &mut Deltas) {
        if !self.has_begun {
            self.answer(&made(task), out);
        }
        let words = status_text(task);
        if !self.has_begun {
            self.answer(&words, out);
        } else if is_waiting(task) && !words.is_empty() && !self.has_said(&words) {
            self.break_line(out);
            self.say(&words, out);
        }
    }

    fn has_said(&self, text: &str) -> bool {
        self.text == text || self.last_words == text
    }

    fn break_line(&mut self, out: &mut Deltas) {
        if !self.text.is_empty() {
            self.say("\n", out);
        }
    }

    fn finish(&mut self, out: &mut Deltas) -> Seen {
        self.is_over = true;
        out.push(Delta::Finish { choice: CHOICE, reason: FinishReason::Stop, native: None });
        out.push(Delta::Usage(usage(&self.notes, &self.text)));
        Seen::Done
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let event: Value = serde_json::from_slice(frame.data).map_err(|error| {
            Error::unreadable(format!("an event of the stream cannot be read: {error}")).with_source(error)
        })?;
        let Value::Object(event) = event else { return Ok(Seen::Unknown) };
        let Some(result) = result(&event)?.map(payload) else { return Ok(Seen::Unknown) };
        if let Some(artifact) = result.get("artifact") {
            self.answer(&parts(artifact).unwrap_or_default(), out);
            return Ok(Seen::Known);
        }
        if let Some(text) = parts(result) {
            self.answer(&text, out);
            return Ok(self.finish(out));
        }
        if result.get("status").is_none() {
            return Ok(Seen::Unknown);
        }
        let is_over = state_of(result) == State::Over;
        if is_over {
            self.close(result, out);
        } else {
            let words = status_text(result);
            self.say(&words, out);
            self.last_words = words;
        }
        let is_last = result.get("final").and_then(Value::as_bool).unwrap_or(is_over);
        Ok(if is_last { self.finish(out) } else { Seen::Known })
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.is_over { Ok(()) } else { Err(incomplete_stream()) }
    }
}
