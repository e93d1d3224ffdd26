//! Chat asked of a provider's Responses (OAR-01 … OAR-11, OAR-13, OAR-14).

mod answer;
mod request;
mod stream;

use super::native::Native;
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Target};
use crate::wires::framing::Framing;
use crate::wires::openai::Openai;
use crate::wires::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire};

/// In front of reasoning that OpenAI encrypted, where it stands as the signature of a thought. LiteLLM has it, too:
/// conversations go on from one to the other.
pub const ENCRYPTED: &str = "litellm_encrypted_reasoning:";

/// The field of a message that holds the reasoning items of its turn, as they go back.
const REASONING_ITEMS: &str = "reasoning_items";

/// What chat completions have and Responses have not.
const MISSING: [&str; 13] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "modalities",
    "n",
    "prediction",
    "presence_penalty",
    "seed",
    "stop",
    "thinking",
];

#[derive(Debug)]
pub struct ChatOverResponses;

impl Wire<Chat> for ChatOverResponses {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        !MISSING.contains(&parameter)
            && (parameter == "web_search_options" || Openai.supports(parameter, target))
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(request, target)
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<ChatResponse> {
        answer::decode(reply, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        Native.error_facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        Native.classify(facts, target)
    }
}

impl StreamWire for ChatOverResponses {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, _memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(target.clone()))
    }
}
