//! Languages, caller side: other ways of asking for a chat completion than OpenAI's chat format.
//!
//! A dialect is translated to and from the hub alone (N + M, not N × M). Where the provider speaks the caller's
//! language itself, nothing is translated: its events are handed on by an [`EventReader`].

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::framing::{Frame, Framing};
use super::openai::Chunk;
use super::{Memo, Seen, Wire, generate_content, messages, responses, text_completions};
use crate::error::{Error, Result};
use crate::hub::{Call, CallType, ChatResponse, StreamHead, Target, ThinkingBudgets};
use crate::json::Map;

/// The dialect of a call type, for providers that have no such call of their own.
pub fn dialect(call_type: CallType) -> Option<&'static dyn Dialect> {
    match call_type {
        CallType::GenerateContent => Some(&generate_content::GenerateContent),
        CallType::Messages => Some(&messages::Messages),
        CallType::Responses => Some(&responses::Responses),
        CallType::TextCompletion => Some(&text_completions::TextCompletions),
        _ => None,
    }
}

/// A language, caller side.
pub trait Dialect: Send + Sync + fmt::Debug {
    /// The keywords of a chat completion that a request stands for. Keywords that are none of the dialect's stay as
    /// they are, nulls count as absent (GEN-05).
    fn decode_request(&self, request: Map, destination: &Destination<'_>) -> Result<Inbound>;
    fn encode_response(&self, response: ChatResponse, asked: &Map, target: &Target) -> Result<Value>;
    fn encoder(&self, asked: Map, target: &Target) -> Box<dyn EventEncoder>;
}

/// Whom the chat completion will be asked of, as far as a request's meaning depends on that.
#[derive(Debug, Clone)]
pub struct Destination<'a> {
    /// With the provider in front.
    pub model: &'a str,
    pub drop_params: bool,
    /// What counts as which effort.
    pub budgets: ThinkingBudgets,
}

impl Destination<'_> {
    /// Claude, wherever it runs: it understands Anthropic's own parameters.
    pub fn is_claude(&self) -> bool {
        self.model.contains("claude") || self.model.contains("anthropic")
    }

    /// Whether marks for caches inside of messages reach the model.
    pub fn takes_cache_marks(&self) -> bool {
        self.is_claude() || self.model.contains("gemini") || self.model.contains("arn:aws")
    }
}

/// A request, read.
#[derive(Debug, Default)]
pub struct Inbound {
    /// The keywords of the chat completion.
    pub chat: Map,
    /// What the answer repeats of the request, by names of the dialect's own.
    pub asked: Map,
    /// Keywords that are left out where the target does not take them.
    pub optional: &'static [&'static str],
}

/// One event of a stream in a caller's format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// For formats that name their events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub data: Value,
}

impl Event {
    /// As a server-sent event.
    pub fn to_sse(&self) -> Bytes {
        match &self.name {
            Some(name) => format!("event: {name}\ndata: {}\n\n", self.data),
            None => format!("data: {}\n\n", self.data),
        }
        .into()
    }
}

/// A state machine without I/O: chunks in, events out. What chunks keep to (one finish a choice, an id and a name
/// at the start of each tool call …) it may rely on.
pub trait EventEncoder: Send {
    fn chunk(&mut self, chunk: Chunk, head: &StreamHead, out: &mut Vec<Event>);
    /// The answer is complete.
    fn finish(&mut self, head: &StreamHead, out: &mut Vec<Event>);
    /// The answer broke off (STR-16): nothing comes after this.
    fn fail(&mut self, error: &Error, out: &mut Vec<Event>);
}

/// A language that streams a call other than chat, in events that are handed on.
pub trait EventWire: Wire<Call> {
    fn framing(&self) -> Framing {
        Framing::Sse
    }
    fn reader(&self, memo: &Memo, target: &Target) -> Box<dyn EventReader>;
    /// A whole answer as a stream, for a server that does not stream (STR-30).
    fn replay(&self, answer: Value) -> Vec<Event>;
}

/// A state machine without I/O: frames in, the same events out.
pub trait EventReader: Send {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<Seen>;
    /// The upstream closed cleanly: an error when the answer is not complete (STR-14).
    fn end(&mut self) -> Result<()>;
}
