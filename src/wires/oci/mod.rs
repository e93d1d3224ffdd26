//! Oracle's Generative AI: a generic format for the models of most makers, and Cohere's older one for Cohere's.

mod cohere;
pub mod embedding;
mod messages;
mod reply;
mod request;

#[cfg(test)]
mod tests;

use super::framing::{Frame, Framing};
use super::openai::{Openai, is_context_window};
use super::{ErrorFacts, HttpReply, Memo, Prepared, Seen, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Deltas, Target};

#[derive(Debug)]
pub struct Oci;

impl Wire<Chat> for Oci {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        if cohere::speaks(&target.model) {
            cohere::SUPPORTED.contains(&parameter)
        } else {
            request::SUPPORTED.contains(&parameter)
        }
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        let mut reply = reply.clone();
        if let Some(body) = reply::whole(&reply.body) {
            reply.body = body.to_string().into();
        }
        Openai.decode(&reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        let mut facts = ErrorFacts::whole_body(status, body);
        facts.code = facts.body.as_ref().and_then(|body| body.get("code")?.as_str()).map(str::to_owned);
        facts
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        if is_context_window(&facts.message.to_lowercase()) {
            return Kind::ContextWindowExceeded;
        }
        Kind::of_status(facts.status)
    }
}

impl StreamWire for Oci {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(Decoder { inside: Openai.decoder(memo, target), calls: reply::Calls::default() })
    }
}

/// Chunks in OpenAI's form for its decoder.
struct Decoder {
    inside: Box<dyn StreamDecoder>,
    calls: reply::Calls,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let Some(chunk) = reply::chunk(frame.data, &mut self.calls) else {
            return self.inside.frame(frame, out);
        };
        let text = chunk.to_string();
        self.inside.frame(Frame { event: frame.event, data: text.as_bytes() }, out)
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        self.inside.end(out)
    }
}
