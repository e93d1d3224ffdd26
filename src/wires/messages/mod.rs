//! Anthropic's Messages, caller's side: answered by a provider that speaks them ([`Native`]) or by a chat completion
//! ([`Messages`], RULES AMI).

mod answer;
mod encoder;
mod error;
mod ids;
mod input;
mod native;
mod request;
mod tools;

use serde_json::Value;

pub use error::error_body;
pub use native::{Native, fields as native_fields};

use super::{Destination, Dialect, EventEncoder, Inbound};
use crate::error::Result;
use crate::hub::{ChatResponse, Target};
use crate::json::Map;

/// Messages for providers that have chat completions only.
#[derive(Debug)]
pub struct Messages;

impl Dialect for Messages {
    fn decode_request(&self, request: Map, destination: &Destination<'_>) -> Result<Inbound> {
        request::decode(request, destination)
    }

    fn encode_response(&self, response: ChatResponse, asked: &Map, _target: &Target) -> Result<Value> {
        Ok(answer::message(response, asked))
    }

    fn encoder(&self, asked: Map, _target: &Target) -> Box<dyn EventEncoder> {
        Box::new(encoder::Encoder::new(asked))
    }
}
