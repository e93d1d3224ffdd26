//! Anthropic Messages (`/v1/messages`), upstream side.
//!
//! `request` puts the body together from `messages`, `tools`, `schema` and `thinking`; `response` and `stream` read
//! answers; `errors` reads failures. What a model can do is asked of `abilities`, never of a provider's name.

mod abilities;
mod assistant;
mod betas;
mod cache_marks;
mod content;
mod elsewhere;
mod errors;
mod messages;
mod names;
mod request;
mod resources;
mod response;
mod schema;
mod server_tools;
mod stream;
mod thinking;
mod tools;
pub(crate) mod usage;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "json! reads best in place")]
mod tests;

use super::framing::Framing;
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire, messages as dialect};
use crate::error::{Kind, Result};
use crate::hub::{Call, CallType, Chat, ChatRequest, ChatResponse, Resource, Target};

use abilities::Abilities;
pub(in crate::wires) use betas::HEADER as BETA_HEADER;
pub(in crate::wires) use elsewhere::{
    claude_version, close_schema, features, hosted_body, is_given, native as native_body, native_schema_fits,
    output_config, plan_thinking,
};
pub(in crate::wires) use errors::{classify, facts as error_facts, stream_facts};
pub(in crate::wires) use request::{VERSION, url};
pub(in crate::wires) use thinking::Thinking;

/// Its side for a call of another type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Messages => Some(&dialect::Native),
        _ if matches!(call_type.resource(), Some(Resource::Batch | Resource::File | Resource::Model)) => {
            Some(&resources::RESOURCES)
        }
        _ => None,
    }
}

#[derive(Debug)]
pub struct Anthropic;

/// Parameters of OpenAI that every model takes.
const PARAMS: [&str; 17] = [
    "cache_control",
    "context_management",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "response_format",
    "service_tier",
    "speed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "user",
    "web_search_options",
];

/// Parameters that reasoning models take as well.
const REASONING_PARAMS: [&str; 2] = ["reasoning_effort", "thinking"];

impl Wire<Chat> for Anthropic {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        PARAMS.contains(&parameter)
            || REASONING_PARAMS.contains(&parameter) && Abilities::of(target).reasoning
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

    /// Replayed thinking whose signature is refused is left out, once (ANT-20).
    fn repaired(&self, request: &ChatRequest, facts: &ErrorFacts) -> Option<ChatRequest> {
        let replays = request.messages.iter().any(|message| !message.thinking_blocks.is_empty());
        if !replays || !errors::is_refused_signature(facts) {
            return None;
        }
        let mut request = request.clone();
        for message in &mut request.messages {
            message.thinking_blocks.clear();
        }
        Some(request)
    }

    fn remote_media(&self, request: &ChatRequest, target: &Target) -> Vec<String> {
        content::remote_media(&request.messages, target)
    }
}

impl StreamWire for Anthropic {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(memo))
    }
}
