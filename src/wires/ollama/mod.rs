//! Ollama's own interface (RULES OLL): `/api/chat`, and `/api/generate` with the conversation written into one prompt.

mod calls;
mod chat;
mod embedding;
mod errors;
mod generate;
mod images;
mod models;
mod python;
mod request;
mod response;
mod settings;
mod stream;
mod usage;

#[cfg(test)]
mod tests;

use super::framing::Framing;
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Call, CallType, Chat, ChatRequest, ChatResponse, Target};

/// Its side for a call of another type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&embedding::EMBEDDING),
        CallType::ListModels => Some(&models::MODELS),
        _ => None,
    }
}

/// Which of the two doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Chat,
    Generate,
}

impl Endpoint {
    fn path(self) -> &'static str {
        match self {
            Self::Chat => "/api/chat",
            Self::Generate => "/api/generate",
        }
    }
}

/// `/api/chat`.
#[derive(Debug)]
pub struct OllamaChat;

/// `/api/generate`.
#[derive(Debug)]
pub struct OllamaGenerate;

trait Door: Send + Sync + std::fmt::Debug {
    const ENDPOINT: Endpoint;
}

impl Door for OllamaChat {
    const ENDPOINT: Endpoint = Endpoint::Chat;
}

impl Door for OllamaGenerate {
    const ENDPOINT: Endpoint = Endpoint::Generate;
}

impl<D: Door> Wire<Chat> for D {
    fn supports(&self, parameter: &str, _target: &Target) -> bool {
        settings::SUPPORTED.contains(&parameter)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(D::ENDPOINT, request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        response::decode(D::ENDPOINT, &reply.body, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        ErrorFacts::whole_body(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        errors::classify(facts)
    }

    fn remote_media(&self, request: &ChatRequest, _target: &Target) -> Vec<String> {
        images::to_fetch(request)
    }
}

impl<D: Door> StreamWire for D {
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn decoder(&self, memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(D::ENDPOINT, memo))
    }
}
