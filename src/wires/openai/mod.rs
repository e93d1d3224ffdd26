//! OpenAI chat completions: what OpenAI speaks, and with an accent most other providers (RULES OAI, OSS).

mod accent;
mod chunk;
mod collect;
mod embedding;
pub(super) mod errors;
mod params;
mod request;
mod response;
mod stream;
mod turns;

pub use chunk::{Chunk, ChunkChoice, Chunker, ToolCallChunk};
pub use collect::collect_chunks;
pub use errors::is_context_window;

use super::framing::Framing;
use super::{
    ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire, responses, text_completions,
};
use crate::error::{Kind, Result};
use crate::hub::{Call, CallType, Chat, ChatRequest, ChatResponse, Target};

/// Its side for a call of another type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&embedding::Embedding),
        CallType::Responses => Some(&responses::Native),
        CallType::TextCompletion => Some(&text_completions::Native),
        call_type if call_type.is_about_response() => Some(&responses::Stored),
        _ => None,
    }
}

#[derive(Debug)]
pub struct Openai;

impl Wire<Chat> for Openai {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        params::supports(parameter, target)
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

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        errors::classify(facts, &target.accent)
    }
}

impl StreamWire for Openai {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(memo, target.accent.clone()))
    }
}
