//! Agent2Agent: an agent is sent the conversation as one message, over JSON-RPC; a message or a task is the answer.

mod request;
mod response;
mod stream;

#[cfg(test)]
mod tests;

use super::framing::Framing;
use super::{ErrorFacts, HttpReply, Memo, Next, Prepared, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Target};

#[derive(Debug)]
pub struct A2a;

impl Wire<Chat> for A2a {
    /// An agent has no settings; a limit and a temperature are taken for what any caller says, and not sent.
    fn supports(&self, parameter: &str, _target: &Target) -> bool {
        matches!(parameter, "max_tokens" | "stream_options" | "temperature" | "top_p" | "user")
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        response::decode(reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        ErrorFacts::whole_body(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        Kind::of_status(facts.status)
    }

    /// Some agents do not wait for their tasks, though they are told to.
    fn next(
        &self,
        _request: &ChatRequest,
        reply: &HttpReply,
        _memo: &mut Memo,
        target: &Target,
    ) -> Result<Option<Next>> {
        request::next(reply, target)
    }
}

impl StreamWire for A2a {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(memo))
    }
}
