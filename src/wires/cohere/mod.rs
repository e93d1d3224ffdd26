//! Cohere's chat, version 2 (RULES COH).

mod citations;
pub mod embedding;
mod errors;
mod messages;
mod request;
mod rerank;
mod response;
mod stream;
mod usage;

#[cfg(test)]
mod tests;

use super::calls::Errors;
use super::framing::Framing;
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Call, CallType, Chat, ChatRequest, ChatResponse, Target};

const ERRORS: Errors = Errors { facts: ErrorFacts::whole_body, classify: |facts, _| errors::classify(facts) };

/// Its side for a call of another type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&embedding::EMBEDDING),
        CallType::Rerank => Some(&rerank::RERANK),
        _ => None,
    }
}

#[derive(Debug)]
pub struct Cohere;

impl Wire<Chat> for Cohere {
    fn supports(&self, parameter: &str, _target: &Target) -> bool {
        request::SUPPORTED.contains(&parameter)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<ChatResponse> {
        response::decode(&reply.body, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        ErrorFacts::whole_body(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        errors::classify(facts)
    }
}

impl StreamWire for Cohere {
    /// Server-sent events when asked for; bare objects, one a line, from servers that do not heed `accept`.
    fn framing(&self) -> Framing {
        Framing::SseOrArray
    }

    fn decoder(&self, _memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::default())
    }
}
