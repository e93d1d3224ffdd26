//! IBM watsonx.ai: OpenAI's chat format at addresses of its own, with a project or a space.

mod calls;
mod errors;
mod request;

pub use errors::{classify, facts, failure};
pub use request::{place, url};

pub use calls::call;

use super::framing::Framing;
use super::openai::Openai;
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Target};

#[derive(Debug)]
pub struct Watsonx;

impl Wire<Chat> for Watsonx {
    fn supports(&self, parameter: &str, _target: &Target) -> bool {
        request::SUPPORTED.contains(&parameter)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        errors::check(&reply.body)?;
        Openai.decode(reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        errors::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        classify(facts)
    }
}

impl StreamWire for Watsonx {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Openai.decoder(memo, target)
    }
}
