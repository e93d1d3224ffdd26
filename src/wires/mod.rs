//! Languages: one folder each, pure translation between the hub and a wire format.
//!
//! No I/O, clock, environment or globals here. A wire does not know provider names; what it must know of its
//! target are the named facts of [`Target`].

pub mod anthropic;
pub mod bedrock;
pub mod bedrock_invoke;
mod calls;
pub mod cohere;
mod dialect;
mod event_stream;
pub mod framing;
pub mod gemini;
pub mod generate_content;
pub mod messages;
pub mod ollama;
pub mod openai;
pub mod responses;
pub mod text_completions;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallType, Chat, Deltas, Operation, Target, Usage};
use crate::wires::framing::{Frame, Framing};

pub use dialect::{Destination, Dialect, Event, EventEncoder, EventReader, EventWire, Inbound, dialect};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireId {
    Openai,
    Anthropic,
    BedrockConverse,
    BedrockInvoke,
    Gemini,
    Cohere,
    OllamaChat,
    OllamaGenerate,
}

impl WireId {
    /// Its chat side.
    pub fn chat(self) -> &'static dyn StreamWire {
        match self {
            Self::Openai => &openai::Openai,
            Self::Anthropic => &anthropic::Anthropic,
            Self::BedrockConverse => &bedrock::Converse,
            Self::BedrockInvoke => &bedrock_invoke::Invoke,
            Self::Gemini => &gemini::Gemini,
            Self::Cohere => &cohere::Cohere,
            Self::OllamaChat => &ollama::OllamaChat,
            Self::OllamaGenerate => &ollama::OllamaGenerate,
        }
    }
}

impl WireId {
    /// Its side for a call of another type; `None` when the language has no such call.
    pub fn call(self, call_type: CallType) -> Option<&'static dyn Wire<Call>> {
        match self {
            Self::Anthropic => anthropic::call(call_type),
            Self::Gemini => gemini::call(call_type),
            Self::Openai => openai::call(call_type),
            _ => None,
        }
    }

    /// The same for a call that streams.
    pub fn events(self, call_type: CallType) -> Option<&'static dyn EventWire> {
        match (self, call_type) {
            (Self::Anthropic, CallType::Messages) => Some(&messages::Native),
            (Self::Gemini, CallType::GenerateContent) => Some(&generate_content::Native),
            (Self::Openai, CallType::Responses) => Some(&responses::Native),
            (Self::Openai, CallType::GetResponse) => Some(&responses::Stored),
            (Self::Openai, CallType::TextCompletion) => Some(&text_completions::Native),
            _ => None,
        }
    }
}

/// A request as plain data: what a transport sends.
#[derive(Debug, Clone)]
pub struct HttpCall {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A whole reply as plain data.
#[derive(Debug, Clone)]
pub struct HttpReply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An encoded request and what its decoding must remember.
#[derive(Debug)]
pub struct Prepared {
    pub call: HttpCall,
    pub memo: Memo,
}

/// What decoding must remember of encoding, for this call only (GEN-09).
#[derive(Debug, Clone, Default)]
pub struct Memo {
    /// Tool names that were rewritten: (sent, original) (GEN-19).
    pub tool_names: Vec<(String, String)>,
    /// The tool whose arguments are the JSON answer, when a schema is emulated by a forced tool (GEN-30).
    pub json_tool: Option<String>,
    /// The request carries the caller's old `functions`: answers go back as `function_call` (OAI-12).
    pub legacy_functions: bool,
    /// Anything else a wire needs to remember, by names of its own.
    pub notes: crate::json::Map,
}

impl Memo {
    /// The caller's name of a tool (GEN-19).
    pub fn original_name<'a>(&'a self, sent: &'a str) -> &'a str {
        self.tool_names.iter().find(|(renamed, _)| renamed == sent).map_or(sent, |(_, original)| original)
    }
}

/// What a wire reads from a failed reply, before anyone decides what it means.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ErrorFacts {
    pub status: u16,
    /// The provider's own words.
    pub message: String,
    pub code: Option<String>,
    pub error_type: Option<String>,
    pub param: Option<String>,
    /// The error object, or the whole text when it is no JSON.
    pub body: Option<Value>,
    /// When to try again, where the body says so; headers come before it (ERR-12).
    pub retry_after: Option<Duration>,
}

impl ErrorFacts {
    /// The error these facts stand for, once it is decided what they mean.
    pub fn into_error(self, kind: Kind) -> Error {
        // A class with one status of its own says that one, whatever the provider answered.
        let status = match kind {
            Kind::BadGateway
            | Kind::Connection
            | Kind::InternalServer
            | Kind::RateLimit
            | Kind::ServiceUnavailable => kind.http_status(),
            Kind::Timeout if !matches!(self.status, 408 | 504) => kind.http_status(),
            _ => self.status,
        };
        let mut error = Error::new(kind, self.message).with_status(status);
        let facts = error.facts_mut();
        facts.code = self.code;
        facts.error_type = self.error_type;
        facts.param = self.param;
        facts.body = self.body;
        facts.retry_after = self.retry_after;
        error
    }
}

/// A language, upstream side.
pub trait Wire<O: Operation>: Send + Sync + fmt::Debug {
    /// Whether the target takes a parameter, by OpenAI's name. The caller refuses or drops the others (GEN-01).
    fn supports(&self, parameter: &str, target: &Target) -> bool;
    fn encode(&self, request: &O::Request, target: &Target) -> Result<Prepared>;
    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<O::Response>;
    /// Reads a failed reply, or an error object found in a good one or in a stream.
    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts;
    /// What the failure means (ERR-02, ERR-05): structured fields first, the provider's words last.
    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind;
    /// Another request worth one more try after this failure; a wire never offers the same one twice (ANT-20).
    fn repaired(&self, _request: &O::Request, _facts: &ErrorFacts) -> Option<O::Request> {
        None
    }
    /// Addresses of remote media that the provider takes only inline; fetched before `encode` (GEN-26).
    fn remote_media(&self, _request: &O::Request, _target: &Target) -> Vec<String> {
        Vec::new()
    }
}

/// A language that streams chat.
pub trait StreamWire: Wire<Chat> {
    fn framing(&self) -> Framing;
    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder>;
}

/// What a frame was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Known,
    /// A kind of frame we have no name for; skipped, counted by the driver.
    Unknown,
    /// The stream has ended; later bytes are ignored (STR-15).
    Done,
}

/// A state machine without I/O: frames in, steps out.
pub trait StreamDecoder: Send {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen>;
    /// The upstream closed cleanly. An error when the answer is not complete: a finish is never invented (STR-14).
    fn end(&mut self, out: &mut Deltas) -> Result<()>;
    /// The counts so far of a wire that repeats them in every frame and tells them as a delta only at the end.
    fn usage(&self) -> Option<Usage> {
        None
    }
}

/// The error of a stream that ended before its answer did (STR-14).
pub fn incomplete_stream() -> Error {
    Error::new(Kind::Connection, "Stream ended before a finish_reason was received")
}
