//! Bedrock's `invoke`: each maker's own format, wrapped for the way (RULES BED).
//!
//! `claude` is Anthropic Messages without a model and with a version; Nova speaks Converse's format, imported models
//! OpenAI's; `text` are the older models that take a prompt. Streams are AWS's messages whose payloads hold the
//! maker's events in base64.

mod claude;
mod embedding;
mod guardrail;
mod images;
mod messages;
mod nova;
mod stream;
mod text;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::anthropic::Anthropic;
use super::bedrock::model::{Family, Name, supports};
use super::framing::Framing;
use super::openai::Openai;
use super::{ErrorFacts, HttpCall, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire, bedrock};
use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallType, Chat, ChatRequest, ChatResponse, Target};
use crate::json::Map;

/// Its side for a call of another type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&embedding::EMBEDDING),
        CallType::ImageEdit => Some(&images::EDIT),
        CallType::ImageGeneration => Some(&images::GENERATION),
        CallType::Messages => Some(&messages::Messages),
        _ => None,
    }
}

pub use messages::Messages;

#[derive(Debug)]
pub struct Invoke;

/// The formats that are spoken through `invoke`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Claude,
    Converse,
    Openai,
    Text(&'static text::Format),
    Unknown,
}

impl Format {
    fn of(target: &Target) -> Self {
        let name = Name::parse(&target.model);
        match name.family() {
            Family::Anthropic => Self::Claude,
            Family::Nova | Family::Nova2 => Self::Converse,
            Family::Openai | Family::Moonshot => Self::Openai,
            Family::Ai21 if name.bare().starts_with("ai21.jamba") => Self::Openai,
            _ => text::Format::of(target).map_or(Self::Unknown, Self::Text),
        }
    }
}

impl Wire<Chat> for Invoke {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        match Format::of(target) {
            Format::Claude => parameter != "service_tier" && Anthropic.supports(parameter, target),
            Format::Converse => supports(parameter, target),
            Format::Openai => Openai.supports(parameter, target),
            Format::Text(format) => format.supports(parameter),
            Format::Unknown => true,
        }
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        let mut memo = Memo::default();
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        guardrail::put(request, &mut headers)?;
        let body = match Format::of(target) {
            Format::Claude => claude::body(request, target, &mut memo, &mut headers)?,
            Format::Converse => nova::body(request, target, &mut memo)?,
            Format::Text(format) => format.body(request, target)?,
            Format::Openai => {
                let own = Target { model: Name::parse(&target.model).id.to_owned(), ..target.clone() };
                let Prepared { call, memo } = Openai.encode(request, &own)?;
                return Ok(prepared(call.body, request, target, headers, memo));
            }
            Format::Unknown => return Err(unknown(target)),
        };
        let body = write(&body)?;
        Ok(prepared(body, request, target, headers, memo))
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        match Format::of(target) {
            Format::Claude => Anthropic.decode(reply, memo, target),
            Format::Converse => bedrock::decode(reply, memo, target),
            Format::Openai => Openai.decode(reply, memo, target),
            Format::Text(format) => format.decode(reply, target),
            Format::Unknown => Err(unknown(target)),
        }
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        bedrock::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        bedrock::classify(facts)
    }

    fn remote_media(&self, request: &ChatRequest, target: &Target) -> Vec<String> {
        match Format::of(target) {
            Format::Claude | Format::Converse => {
                Wire::<Chat>::remote_media(&bedrock::Converse, request, target)
            }
            Format::Openai | Format::Text(_) | Format::Unknown => Vec::new(),
        }
    }
}

impl StreamWire for Invoke {
    fn framing(&self) -> Framing {
        Framing::AwsEvents
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        match Format::of(target) {
            Format::Claude => Box::new(stream::Wrapped::new(Anthropic.decoder(memo, target))),
            Format::Openai => Box::new(stream::Wrapped::new(Openai.decoder(memo, target))),
            Format::Text(format) => Box::new(format.decoder()),
            Format::Converse | Format::Unknown => {
                Box::new(stream::Converse::new(bedrock::Decoder::new(memo)))
            }
        }
    }
}

fn write(body: &Map) -> Result<Bytes> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))
}

fn prepared(body: Bytes, request: &ChatRequest, target: &Target, headers: HeaderMap, memo: Memo) -> Prepared {
    let path = target.path.as_deref().unwrap_or_default();
    let verb = if request.stream { "invoke-with-response-stream" } else { "invoke" };
    let url = format!("{}{path}/{verb}", target.base);
    Prepared { call: HttpCall { rest: Vec::new(), method: Method::POST, url, headers, body }, memo }
}

fn unknown(target: &Target) -> Error {
    let what = format!(
        "Bedrock Invoke: the format of the model '{}' is not known. Call it by way of Converse: 'bedrock/converse/…'.",
        target.model
    );
    Error::new(Kind::NotFound, what).with_param("model")
}
