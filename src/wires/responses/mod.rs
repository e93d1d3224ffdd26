//! OpenAI's Responses: what callers ask, answered by a provider that speaks it ([`Native`]) or by a chat completion
//! ([`Responses`], RULES OAR-15 … OAR-20).

mod encoder;
mod ids;
mod input;
mod items;
mod native;
mod replay;
mod request;
mod stored;
mod tools;
mod writer;

use serde_json::Value;

pub use ids::{ResponseId, of_provider};
pub use native::Native;
pub use stored::Stored;

use super::{Destination, Dialect, EventEncoder, Inbound};
use crate::error::Result;
use crate::hub::{ChatResponse, Target};
use crate::json::Map;

/// Responses for providers that have chat completions only.
#[derive(Debug)]
pub struct Responses;

impl Dialect for Responses {
    fn decode_request(&self, request: Map, _destination: &Destination<'_>) -> Result<Inbound> {
        request::decode(request)
    }

    fn encode_response(&self, response: ChatResponse, asked: &Map, target: &Target) -> Result<Value> {
        Ok(items::response(response, asked, target))
    }

    fn encoder(&self, asked: Map, target: &Target) -> Box<dyn EventEncoder> {
        Box::new(encoder::Encoder::new(asked, target))
    }
}
