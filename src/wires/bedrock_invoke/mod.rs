//! Bedrock's `invoke`: each maker's own format, wrapped for the way (RULES BED).
//!
//! `claude` is Anthropic Messages without a model and with a version; Nova speaks Converse's format; `text` are the
//! older models that take a prompt. Streams are AWS's messages whose payloads hold the maker's events in base64.

mod claude;
mod stream;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::anthropic::Anthropic;
use super::bedrock::model::{Family, supports};
use super::framing::Framing;
use super::{ErrorFacts, HttpCall, HttpReply, Memo, Prepared, StreamDecoder, StreamWire, Wire, bedrock};
use crate::error::{Error, Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Target};
use crate::json::Map;

#[derive(Debug)]
pub struct Invoke;

/// The formats that are spoken through `invoke`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Claude,
    Converse,
}

impl Format {
    fn of(target: &Target) -> Self {
        match Family::of(&target.model) {
            Family::Anthropic => Self::Claude,
            _ => Self::Converse,
        }
    }
}

impl Wire<Chat> for Invoke {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        match Format::of(target) {
            Format::Claude => parameter != "service_tier" && Anthropic.supports(parameter, target),
            Format::Converse => supports(parameter, target),
        }
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        let mut memo = Memo::default();
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = match Format::of(target) {
            Format::Claude => claude::body(request, target, &mut memo, &mut headers)?,
            Format::Converse => {
                let (body, remembered, _) = bedrock::body(request, target)?;
                memo = remembered;
                body
            }
        };
        prepared(&body, request, target, headers, memo)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        match Format::of(target) {
            Format::Claude => Anthropic.decode(reply, memo, target),
            Format::Converse => bedrock::decode(reply, memo, target),
        }
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        bedrock::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        bedrock::classify(facts)
    }

    fn remote_media(&self, request: &ChatRequest, target: &Target) -> Vec<String> {
        Wire::<Chat>::remote_media(&bedrock::Converse, request, target)
    }
}

impl StreamWire for Invoke {
    fn framing(&self) -> Framing {
        Framing::AwsEvents
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        match Format::of(target) {
            Format::Claude => Box::new(stream::Wrapped::new(Anthropic.decoder(memo, target))),
            Format::Converse => Box::new(stream::Converse::new(bedrock::Decoder::new(memo))),
        }
    }
}

fn prepared(
    body: &Map,
    request: &ChatRequest,
    target: &Target,
    headers: HeaderMap,
    memo: Memo,
) -> Result<Prepared> {
    let bytes = serde_json::to_vec(body)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let path = target.path.as_deref().unwrap_or_default();
    let verb = if request.stream { "invoke-with-response-stream" } else { "invoke" };
    let url = format!("{}{path}/{verb}", target.base);
    Ok(Prepared { call: HttpCall { method: Method::POST, url, headers, body: Bytes::from(bytes) }, memo })
}
