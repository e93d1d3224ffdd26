//! OpenAI chat completions: what OpenAI speaks, and with an accent most other providers (RULES OAI, OSS).

mod accent;
mod audio;
mod chat_images;
mod chunk;
mod collect;
pub mod embedding;
pub(super) mod errors;
mod images;
mod moderation;
mod params;
mod request;
pub(super) mod resources;
mod response;
mod stream;
mod turns;
mod write;

pub use chunk::{Chunk, ChunkChoice, Chunker, ToolCallChunk};
pub use collect::{collect_chunks, response_of};
pub use errors::is_context_window;
pub use write::{write_chunk, write_response};

use super::calls::Errors;
use super::framing::Framing;
use super::{
    ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire, responses, text_completions,
};
use crate::error::{Kind, Result};
use crate::hub::{Call, CallType, Chat, ChatRequest, ChatResponse, Target};

/// Its side for a call of another type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&embedding::EMBEDDING),
        CallType::ImageEdit => Some(&images::EDIT),
        CallType::ImageGeneration => Some(&images::GENERATION),
        CallType::ImageVariation => Some(&images::VARIATION),
        CallType::Moderation => Some(&moderation::MODERATION),
        CallType::Speech => Some(&audio::SPEECH),
        CallType::Transcription => Some(&audio::TRANSCRIPTION),
        CallType::Responses => Some(&responses::Native),
        CallType::TextCompletion => Some(&text_completions::Native),
        call_type if call_type.is_about_response() => Some(&responses::Stored),
        call_type if call_type.resource().is_some() => Some(&resources::RESOURCES),
        _ => None,
    }
}

/// The same where images come out of a chat.
pub fn chat_images(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::ImageEdit | CallType::ImageGeneration => Some(&chat_images::IMAGE),
        _ => None,
    }
}

/// How failures are read, whatever was asked: of most languages that are not OpenAI's, too.
pub const ERRORS: Errors =
    Errors { facts: errors::facts, classify: |facts, target| errors::classify(facts, &target.accent) };

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
