//! ScaleDown: models for one task each, every one at an address of its own; what they find is JSON in the answer.

mod request;
mod response;

#[cfg(test)]
mod tests;

use super::framing::{Frame, Framing};
use super::{
    ErrorFacts, HttpReply, Memo, Prepared, Seen, StreamDecoder, StreamWire, Wire, incomplete_stream,
};
use crate::error::{Error, Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Deltas, Target};

#[derive(Debug)]
pub struct Scaledown;

/// What the model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Classify,
    Compress,
    Decide,
    Extract,
    Summarize,
}

impl Task {
    fn of(target: &Target) -> Result<Self> {
        match target.model.as_str() {
            "classify" => Ok(Self::Classify),
            "compress" => Ok(Self::Compress),
            "decisions" => Ok(Self::Decide),
            "extract" => Ok(Self::Extract),
            "summarize" => Ok(Self::Summarize),
            other => Err(Error::bad_request(format!(
                "There is no model '{other}' here: it is one of classify, compress, decisions, extract and summarize."
            ))
            .with_param("model")),
        }
    }
}

impl Wire<Chat> for Scaledown {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        match parameter {
            "response_format" => target.model == "extract",
            _ => parameter == "stream_options",
        }
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(Task::of(target)?, request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        response::decode(Task::of(target)?, reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        ErrorFacts::whole_body(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        Kind::of_status(facts.status)
    }
}

impl StreamWire for Scaledown {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, _memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(NoStream)
    }
}

/// An answer comes whole, also to a call that streams (STR-30).
#[derive(Debug)]
struct NoStream;

impl StreamDecoder for NoStream {
    fn frame(&mut self, _frame: Frame<'_>, _out: &mut Deltas) -> Result<Seen> {
        Ok(Seen::Unknown)
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        Err(incomplete_stream())
    }
}
