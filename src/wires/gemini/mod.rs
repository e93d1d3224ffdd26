//! Gemini: placeholder replaced by the wire.

use super::framing::Framing;
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire};
use crate::error::{Error, Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Target};

#[derive(Debug)]
pub struct Gemini;

impl Wire<Chat> for Gemini {
    fn supports(&self, _parameter: &str, _target: &Target) -> bool {
        false
    }

    fn encode(&self, _request: &ChatRequest, _target: &Target) -> Result<Prepared> {
        Err(Error::bad_request("not there yet"))
    }

    fn decode(&self, _reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<ChatResponse> {
        Err(Error::bad_request("not there yet"))
    }

    fn error_facts(&self, _status: u16, _body: &[u8]) -> ErrorFacts {
        ErrorFacts::default()
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        Kind::of_status(facts.status)
    }
}

impl StreamWire for Gemini {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, _memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        unreachable!()
    }
}
