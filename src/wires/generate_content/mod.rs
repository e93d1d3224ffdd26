//! Google's `generateContent`, caller's side: answered by a provider that speaks it ([`Native`]) or by a chat
//! completion ([`GenerateContent`]).

mod answer;
mod contents;
mod encoder;
mod native;
mod request;
mod tools;

use serde_json::Value;

pub use native::Native;

use super::{Destination, Dialect, EventEncoder, Inbound};
use crate::error::Result;
use crate::hub::{ChatResponse, Target};
use crate::json::Map;

/// Generated content for providers that have chat completions only.
#[derive(Debug)]
pub struct GenerateContent;

impl Dialect for GenerateContent {
    fn decode_request(&self, request: Map, destination: &Destination<'_>) -> Result<Inbound> {
        request::decode(request, destination)
    }

    fn encode_response(&self, response: ChatResponse, asked: &Map, _target: &Target) -> Result<Value> {
        Ok(answer::content(response, asked))
    }

    fn encoder(&self, asked: Map, _target: &Target) -> Box<dyn EventEncoder> {
        Box::new(encoder::Encoder::new(asked))
    }
}
