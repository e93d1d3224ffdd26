//! What an agent says while a task goes on: its artifacts in pieces, and its state.

use serde_json::Value;

use super::response::{State, made, parts, payload, result, state_of, status_text, usage};
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
    is_over: bool,
}

impl Decoder {
    pub fn new(memo: Memo) -> Self {
        Self { notes: memo.notes, text: String::new(), is_over: false }
    }

    fn say(&mut self, text: &str, out: &mut Deltas) {
        if !text.is_empty() {
            self.text.push_str(text);
            out.text(CHOICE, text);
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
            self.say(&parts(artifact).unwrap_or_default(), out);
            return Ok(Seen::Known);
        }
        if let Some(text) = parts(result) {
            self.say(&text, out);
            return Ok(self.finish(out));
        }
        if result.get("status").is_none() {
            return Ok(Seen::Unknown);
        }
        let is_over = state_of(result) == State::Over;
        // A task that is over repeats what it has made.
        if !is_over {
            self.say(&status_text(result), out);
        } else if self.text.is_empty() {
            let made = made(result);
            self.say(if made.is_empty() { status_text(result) } else { made }.as_str(), out);
        }
        let is_last = result.get("final").and_then(Value::as_bool).unwrap_or(is_over);
        Ok(if is_last { self.finish(out) } else { Seen::Known })
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.is_over { Ok(()) } else { Err(incomplete_stream()) }
    }
}
