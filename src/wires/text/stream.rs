//! Pieces of a streamed text.

use serde_json::Value;

use super::response::{failed, reason, usage};
use super::{Format, Streams, first, text_of};
use crate::error::{Error, Kind, Result};
use crate::hub::{Delta, Deltas};
use crate::json::{Map, cut};
use crate::wires::framing::Frame;
use crate::wires::{Memo, Seen, StreamDecoder, incomplete_stream};

const CHOICE: u64 = 0;
const SHOWN: usize = 200;

#[derive(Debug)]
pub struct Decoder {
    format: &'static Format,
    notes: Map,
    text: String,
    /// The last chunk that counted.
    counted: Value,
    finished: bool,
}

impl Decoder {
    pub fn new(format: &'static Format, memo: Memo) -> Self {
        Self { format, notes: memo.notes, text: String::new(), counted: Value::Null, finished: false }
    }

    fn finish(&mut self, native: Option<&str>, out: &mut Deltas) {
        let (reason, native) = reason(self.format, native);
        self.finished = true;
        out.push(Delta::Finish { choice: CHOICE, reason, native });
        out.push(Delta::Usage(usage(self.format, &self.counted, &self.notes, &self.text)));
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if self.finished || frame.data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let chunk: Value = serde_json::from_slice(frame.data).map_err(|error| {
            let text = String::from_utf8_lossy(frame.data);
            let what = format!("the stream holds an event that is no JSON: '{}'", cut(&text, SHOWN));
            Error::new(Kind::Connection, what).with_source(error)
        })?;
        if let Some(words) = (self.format.failure)(&chunk) {
            return Err(failed(self.format, words, chunk));
        }
        let piece = first(&chunk, self.format.piece).and_then(text_of);
        let piece = piece.filter(|_| (self.format.is_answer)(&chunk));
        if let Some(piece) = &piece
            && !piece.is_empty()
        {
            self.text.push_str(piece);
            out.text(CHOICE, piece.as_str());
        }
        let native = first(&chunk, self.format.reason).and_then(Value::as_str).map(str::to_owned);
        if first(&chunk, self.format.output_tokens).is_some() {
            self.counted = chunk;
        }
        if let Some(native) = native {
            // Some say in every chunk that they have not finished.
            if native != "not_finished" {
                self.finish(Some(&native), out);
                return Ok(Seen::Done);
            }
        }
        Ok(if piece.is_some() { Seen::Known } else { Seen::Unknown })
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        if !self.finished && self.format.streams == Streams::UntilClosed {
            self.finish(None, out);
        }
        if self.finished { Ok(()) } else { Err(incomplete_stream()) }
    }
}
