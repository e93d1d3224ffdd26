//! Streams of `invoke`: messages named `chunk`, each with one event of the maker's in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::hub::Deltas;
use crate::json::str_at;
use crate::wires::bedrock::{Decoder, failure, payload};
use crate::wires::framing::Frame;
use crate::wires::{Seen, StreamDecoder};

/// The maker's event in a message; nothing in one of another kind.
pub fn unwrap(frame: &Frame<'_>) -> Result<Option<Vec<u8>>> {
    if let Some(error) = failure(frame) {
        return Err(error);
    }
    let message = payload(frame.data)?;
    let Some(bytes) = str_at(&message, "bytes") else { return Ok(None) };
    let event = STANDARD
        .decode(bytes)
        .map_err(|error| Error::unreadable("a chunk of the stream is no base64").with_source(error))?;
    Ok(Some(event))
}

/// A maker's own decoder behind the wrapping.
pub struct Wrapped(Box<dyn StreamDecoder>);

impl Wrapped {
    pub fn new(inner: Box<dyn StreamDecoder>) -> Self {
        Self(inner)
    }
}

impl StreamDecoder for Wrapped {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        match unwrap(&frame)? {
            Some(event) => self.0.frame(Frame { event: None, data: &event }, out).map_err(by_this_table),
            None => Ok(Seen::Unknown),
        }
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        self.0.end(out)
    }
}

/// A failure that the maker tells in its stream, as Bedrock tells its own: of the server means not available.
fn by_this_table(error: Error) -> Error {
    if error.kind() != Kind::InternalServer || error.facts().status.is_none() {
        return error;
    }
    let mut error = error;
    let facts = error.facts_mut();
    facts.kind = Kind::ServiceUnavailable;
    facts.status = Some(Kind::ServiceUnavailable.http_status());
    error
}

/// Converse's events, each as `{"name": {…}}`.
pub struct Converse(Decoder);

impl Converse {
    pub fn new(inner: Decoder) -> Self {
        Self(inner)
    }
}

impl StreamDecoder for Converse {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let Some(event) = unwrap(&frame)? else { return Ok(Seen::Unknown) };
        let mut seen = Seen::Unknown;
        for (name, value) in payload(&event)? {
            if let Value::Object(mut value) = value
                && self.0.event(&name, &mut value, out) == Seen::Known
            {
                seen = Seen::Known;
            }
        }
        Ok(seen)
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        self.0.end(out)
    }
}
