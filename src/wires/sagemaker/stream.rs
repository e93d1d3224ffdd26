//! A stream inside the messages of AWS, which cut it anywhere.

use bytes::Bytes;

use crate::error::{Error, Kind, Result};
use crate::hub::{Deltas, Usage};
use crate::json::cut;
use crate::wires::framing::{Frame, Frames, Framing};
use crate::wires::{ErrorFacts, Seen, StreamDecoder};

const SHOWN: usize = 500;

/// Puts the payloads together and gives their frames to the decoder of what is inside.
pub struct Unpacked {
    inside: Box<dyn StreamDecoder>,
    frames: Frames,
    done: bool,
}

impl Unpacked {
    pub fn new(inside: Box<dyn StreamDecoder>, framing: Framing) -> Self {
        Self { inside, frames: Frames::new(framing), done: false }
    }
}

impl StreamDecoder for Unpacked {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if self.done {
            return Ok(Seen::Done);
        }
        match frame.event {
            Some("PayloadPart") => {}
            Some(name) if name.starts_with(':') => return Err(failure(name, frame.data)),
            _ => return Ok(Seen::Unknown),
        }
        let Self { inside, frames, done } = self;
        frames.push(Bytes::copy_from_slice(frame.data), &mut |frame: Frame<'_>| {
            *done = inside.frame(frame, out)? == Seen::Done;
            Ok(!*done)
        })?;
        Ok(if self.done { Seen::Done } else { Seen::Known })
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        let Self { inside, frames, done } = self;
        if !*done {
            frames.finish(&mut |frame: Frame<'_>| {
                *done = inside.frame(frame, out)? == Seen::Done;
                Ok(!*done)
            })?;
        }
        self.inside.end(out)
    }

    fn usage(&self) -> Option<Usage> {
        self.inside.usage()
    }
}

/// `ModelStreamErrorFault`, `InternalStreamFailure`.
fn failure(name: &str, payload: &[u8]) -> Error {
    let words = ErrorFacts::whole_body(500, payload).message;
    let name = name.rsplit('/').next().unwrap_or_default();
    Error::new(Kind::ServiceUnavailable, format!("{name}: {}", cut(&words, SHOWN)))
}
