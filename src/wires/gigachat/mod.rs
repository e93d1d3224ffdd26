//! GigaChat: OpenAI's format from before there were tools. A message calls one function, with an object for arguments.

mod reply;
mod request;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::framing::{Frame, Framing};
use super::openai::Openai;
use super::{ErrorFacts, HttpReply, Memo, Prepared, Seen, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Deltas, Target, Usage};

#[derive(Debug)]
pub struct Gigachat;

impl Wire<Chat> for Gigachat {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        Openai.supports(parameter, target)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        let mut reply = reply.clone();
        if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
            reply::rewrite(&mut body, "message", memo);
            reply.body = body.to_string().into();
        }
        Openai.decode(&reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        Openai.error_facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        Openai.classify(facts, target)
    }
}

impl StreamWire for Gigachat {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(Decoder { inside: Openai.decoder(memo.clone(), target), memo })
    }
}

/// Chunks in today's form for OpenAI's decoder.
struct Decoder {
    inside: Box<dyn StreamDecoder>,
    memo: Memo,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let Ok(mut chunk) = serde_json::from_slice::<Value>(frame.data) else {
            return self.inside.frame(frame, out);
        };
        reply::rewrite(&mut chunk, "delta", &self.memo);
        let text = chunk.to_string();
        self.inside.frame(Frame { event: frame.event, data: text.as_bytes() }, out)
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        self.inside.end(out)
    }

    fn usage(&self) -> Option<Usage> {
        self.inside.usage()
    }
}
