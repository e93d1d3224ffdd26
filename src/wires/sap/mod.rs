//! SAP's Generative AI Hub: OpenAI's format inside the configuration of an orchestration, whose deployment is looked up
//! first.

pub mod embedding;
mod request;

use serde_json::Value;

use super::framing::{Frame, Framing};
use super::openai::Openai;
use super::{ErrorFacts, HttpReply, Memo, Next, Prepared, Seen, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Deltas, Target, Usage};

#[derive(Debug)]
pub struct Sap;

impl Wire<Chat> for Sap {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        Openai.supports(parameter, target)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        let mut reply = reply.clone();
        if let Some(inside) = inside(&reply.body) {
            reply.body = inside.into();
        }
        Openai.decode(&reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        Openai.error_facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        Openai.classify(facts, target)
    }

    fn next(
        &self,
        _request: &ChatRequest,
        reply: &HttpReply,
        memo: &mut Memo,
        target: &Target,
    ) -> Result<Option<Next>> {
        request::next(reply, memo, target)
    }
}

impl StreamWire for Sap {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(Decoder(Openai.decoder(memo, target)))
    }
}

/// The model's own answer, or chunk.
fn inside(body: &[u8]) -> Option<String> {
    let mut body = serde_json::from_slice::<Value>(body).ok()?;
    body.get_mut("final_result").map(|inside| inside.take().to_string())
}

/// Chunks as the model gave them for OpenAI's decoder.
struct Decoder(Box<dyn StreamDecoder>);

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        match inside(frame.data) {
            Some(chunk) => self.0.frame(Frame { event: frame.event, data: chunk.as_bytes() }, out),
            None => self.0.frame(frame, out),
        }
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        self.0.end(out)
    }

    fn usage(&self) -> Option<Usage> {
        self.0.usage()
    }
}
