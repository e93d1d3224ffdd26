//! Models on AWS SageMaker that speak OpenAI's format: the body is an endpoint's input, its output is the answer.

mod stream;

pub use stream::Unpacked;

use super::framing::Framing;
use super::openai::{Openai, is_context_window};
use super::{ErrorFacts, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire, bedrock};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Target};
use crate::json::Map;

/// What serves the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sagemaker {
    /// A server of OpenAI's format.
    Chat,
    /// Amazon's Nova models, which know no `model` in the body.
    Nova,
}

impl Wire<Chat> for Sagemaker {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        Openai.supports(parameter, target)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        let mut prepared = Openai.encode(request, target)?;
        if *self == Self::Nova
            && let Ok(mut body) = serde_json::from_slice::<Map>(&prepared.call.body)
        {
            body.shift_remove("model");
            prepared.call.body = serde_json::to_vec(&body).map_or(prepared.call.body, Into::into);
        }
        prepared.call.url = url(target, request.stream);
        Ok(prepared)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        Openai.decode(reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        classify(facts)
    }
}

impl StreamWire for Sagemaker {
    fn framing(&self) -> Framing {
        Framing::AwsEvents
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(Unpacked::new(Openai.decoder(memo, target), Framing::Sse))
    }
}

/// What SageMaker says, or the server behind it.
pub fn facts(status: u16, body: &[u8]) -> ErrorFacts {
    bedrock::facts(status, body)
}

pub fn classify(facts: &ErrorFacts) -> Kind {
    if is_context_window(&facts.message.to_lowercase()) {
        return Kind::ContextWindowExceeded;
    }
    match bedrock::classify(facts) {
        // An endpoint whose server has failed.
        Kind::InternalServer => Kind::ServiceUnavailable,
        kind => kind,
    }
}

/// The endpoint is the model.
pub fn url(target: &Target, stream: bool) -> String {
    let call = if stream { "invocations-response-stream" } else { "invocations" };
    // A whole address is left as it is.
    if target.base.contains("/endpoints/") {
        return target.base.clone();
    }
    format!("{}/endpoints/{}/{call}", target.base, target.model)
}
