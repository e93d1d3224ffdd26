//! Gemini `generateContent` (RULES GEM), as Google AI Studio serves it where the target does not say otherwise.

mod audio;
mod embedding;
mod errors;
mod files;
mod generation;
mod grounding;
mod images;
mod media;
mod messages;
mod mime;
mod model;
mod parts;
mod pieces;
mod request;
mod response;
mod schema;
mod signatures;
mod stream;
mod thinking;
mod tools;
pub(crate) mod usage;

#[cfg(test)]
mod tests;

use super::calls::Errors;
use super::framing::Framing;
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire, generate_content};
use crate::error::{Kind, Result};
use crate::hub::{Call, CallType, Chat, ChatRequest, ChatResponse, Resource, Target};

pub const ERRORS: Errors = Errors { facts: errors::facts, classify: |facts, _| errors::classify(facts) };
pub(in crate::wires) use errors::{classify, facts as error_facts, of_stream as error_of_stream};
pub(crate) use grounding::Grounded;
pub(in crate::wires) use request::url;
pub(in crate::wires) use signatures::split_id;

/// Its side for a call of another type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&embedding::EMBEDDING),
        CallType::ImageEdit => Some(&images::EDIT),
        CallType::ImageGeneration => Some(&images::GENERATION),
        CallType::Speech => Some(&audio::SPEECH),
        CallType::Transcription => Some(&audio::TRANSCRIPTION),
        CallType::GenerateContent => Some(&generate_content::Native),
        _ if matches!(call_type.resource(), Some(Resource::File | Resource::Model)) => Some(&files::FILES),
        _ => None,
    }
}

/// The address of a model's method; the whole path of it where the row or the model's name says one.
fn calls_url(target: &Target, method: &str) -> String {
    if target.path.is_some() {
        return target.url("");
    }
    let model = target.model.strip_prefix("models/").unwrap_or(&target.model);
    format!("{}/models/{model}:{method}", target.base)
}

#[derive(Debug)]
pub struct Gemini;

impl Wire<Chat> for Gemini {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        model::supports(parameter, target)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        response::decode(&reply.body, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        errors::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        errors::classify(facts)
    }

    fn remote_media(&self, request: &ChatRequest, target: &Target) -> Vec<String> {
        media::to_fetch(request, target)
    }
}

impl StreamWire for Gemini {
    /// An array of chunks comes when `alt=sse` got lost on the way (GEM-27).
    fn framing(&self) -> Framing {
        Framing::SseOrArray
    }

    fn decoder(&self, memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(memo))
    }
}
