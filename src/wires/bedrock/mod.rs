//! AWS Bedrock's `Converse` and `ConverseStream`: one format for the models of many makers (RULES BED).
//!
//! `request` puts the body together from `messages`, `tools`, `schema` and `thinking`; `response` and `stream` read
//! answers. What differs between makers is asked of `model`, never of a provider's name.

mod cache;
mod content;
mod errors;
mod messages;
mod metadata;
pub mod model;
mod names;
mod pairs;
mod request;
pub mod rerank;
mod response;
mod schema;
mod stream;
mod thinking;
mod tools;
mod usage;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "json! reads best in place")]
mod tests;

use super::framing::Framing;
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Target};

pub(in crate::wires) use errors::{classify, facts};
pub(in crate::wires) use request::body;
pub(in crate::wires) use response::decode;
pub(in crate::wires) use stream::{Decoder, failure, payload};

#[derive(Debug)]
pub struct Converse;

impl Wire<Chat> for Converse {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        model::supports(parameter, target)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        response::decode(reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        errors::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        errors::classify(facts)
    }

    fn remote_media(&self, request: &ChatRequest, _target: &Target) -> Vec<String> {
        content::remote_media(&request.messages)
    }
}

impl StreamWire for Converse {
    fn framing(&self) -> Framing {
        Framing::AwsEvents
    }

    fn decoder(&self, memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(memo))
    }
}
