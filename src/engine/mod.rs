//! One call from request to answer: encode, sign, send, decode; retries and time limits around it.

mod billing;
mod cache_marks;
mod cached;
mod calls;
mod chat;
mod chat_call;
mod control;
mod drop_params;
mod envelope;
mod error_context;
mod events;
mod exchange;
mod forward;
mod lookup;
mod media;
mod mock;
mod pieces;
mod preview;
mod retry;
mod routing;
mod spent;
mod stream;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::{Either, FutureExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::auth::aws::KeyRing;
use crate::auth::exchange::Tokens;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallType, ChatResponse, Target};
use crate::transport::Transport;
use crate::wires::StreamWire;

pub use billing::Billing;
pub use billing::is_price;
pub use cached::Cached;
pub use calls::{Call, CallAnswer};
pub use chat_call::ChatCall;
pub use control::{Keywords, is_ignored, is_steering};
pub use envelope::{Envelope, Keys, Settings};
pub use events::EventStream;
pub use forward::Passage;
pub use lookup::{can, facts, missing_environment, model_names, providers_with_keys, supported_params};
pub use pieces::ByteStream;
pub use preview::{Preview, Shown};
pub use retry::RetryPolicy;
pub use routing::{AttemptRecord, Failure, Routing};
pub use spent::Tally;
pub use stream::{ChatStream, Continuation, Part, StreamOwner};

/// Carries out calls. A value, not a global: every face has its own.
#[derive(Debug, Default)]
pub struct Engine {
    transport: Transport,
    credentials: KeyRing,
    tokens: Tokens,
}

/// A whole answer and what is known of how it came.
#[derive(Debug)]
pub struct Answer {
    pub response: ChatResponse,
    pub meta: Meta,
}

/// What is known of a call besides its answer.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    pub provider: Arc<str>,
    pub model: String,
    pub api_base: String,
    pub status: u16,
    /// The upstream's headers as they came; [`Meta::public_headers`] are those that may be shown.
    pub headers: HeaderMap,
    /// The model that the provider says it used.
    pub response_model: Option<String>,
    /// Attempts after the first.
    pub retries: u32,
    pub elapsed_ms: f64,
    /// Of that, what was spent waiting for the upstream.
    pub upstream_ms: f64,
    /// It came from a cache.
    pub cached: Option<Cached>,
    /// How a router has carried the call out, where one has.
    pub routing: Option<Arc<Routing>>,
    pub call_type: Option<CallType>,
    pub billing: Option<Box<Billing>>,
    /// The upstream's reply as it came, where somebody wants to log it.
    pub reply: Option<Bytes>,
}

/// Headers that never leave an answer.
const PRIVATE_HEADERS: [&str; 2] = ["set-cookie", "set-cookie2"];

impl Meta {
    /// The upstream's headers as they came, without cookies.
    pub fn shown_headers(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.headers.iter().filter(|(name, _)| !PRIVATE_HEADERS.contains(&name.as_str()))
    }

    /// The upstream's headers, without cookies.
    pub fn public_headers(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        public_headers(&self.headers)
    }
}

fn public_headers(headers: &HeaderMap) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .filter(|(name, _)| !PRIVATE_HEADERS.contains(name))
}

/// The same as texts of their own.
fn own_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    public_headers(headers).map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
}

/// The chat side of a target's language.
fn chat_wire(target: &Target) -> Result<&'static dyn StreamWire> {
    target.wire.chat().ok_or_else(|| {
        Error::new(Kind::Config, format!("the wire {:?} has no chat", target.wire))
            .at(&target.provider, &target.model)
    })
}

impl Engine {
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole chat completion.
    pub fn chat(&self, mut call: ChatCall) -> impl Future<Output = Result<Answer>> + Send + '_ {
        let started = Instant::now();
        // The way that most calls take is no wider for the others: futures are moved as a whole.
        match (call.plan.take(), &call.mock) {
            (None, None) => Either::Left(chat::answer(self, call, started)),
            (None, Some(_)) => Either::Right(self.chat_upstream(call, started).boxed()),
            (Some(plan), _) => Either::Right(cached::chat(self, *plan, call, started).boxed()),
        }
    }

    async fn chat_upstream(&self, call: ChatCall, started: Instant) -> Result<Answer> {
        if let Some(mock) = &call.mock {
            return mock::answer(mock, &call).await;
        }
        chat::answer(self, call, started).await
    }

    /// A streamed chat completion: returns when the upstream has begun to answer.
    pub fn chat_stream(&self, mut call: ChatCall) -> impl Future<Output = Result<ChatStream>> + Send + '_ {
        let started = Instant::now();
        match (call.plan.take(), &call.mock) {
            (None, None) => Either::Left(chat::stream(self, call, started)),
            (None, Some(_)) => Either::Right(self.chat_stream_upstream(call, started).boxed()),
            (Some(plan), _) => Either::Right(cached::chat_stream(self, *plan, call, started).boxed()),
        }
    }

    async fn chat_stream_upstream(&self, call: ChatCall, started: Instant) -> Result<ChatStream> {
        if let Some(mock) = &call.mock {
            return mock::stream(mock, &call).await;
        }
        chat::stream(self, call, started).await
    }

    /// A call of another type than chat, whole.
    pub async fn call(&self, mut call: Call) -> Result<CallAnswer> {
        let started = Instant::now();
        match call.take_plan() {
            None => calls::answer(self, call, started).await,
            Some(plan) => Box::pin(cached::call(self, *plan, call, started)).await,
        }
    }

    /// What is in a file that a provider keeps, in pieces of `size` bytes: returns when the upstream has begun to answer.
    pub async fn call_bytes(&self, call: Call, size: usize) -> Result<ByteStream> {
        calls::bytes(self, call, size, Instant::now()).await
    }

    /// The same as a stream of events in the caller's own format: returns when the upstream has begun to answer.
    pub async fn call_stream(&self, mut call: Call) -> Result<EventStream> {
        let started = Instant::now();
        match call.take_plan() {
            None => calls::stream(self, call, started).await,
            Some(plan) => Box::pin(cached::call_stream(self, *plan, call, started)).await,
        }
    }
}

/// A fresh id in the form of a UUID (version 4), from the process's own random state.
pub fn new_uuid() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = |salt: u64| RandomState::new().hash_one((salt, Instant::now()));
    let bits = (u128::from(random(0)) << 64 | u128::from(random(1))) & !(0xf << 76) & !(0x3 << 62);
    let bits = bits | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A fresh id of a chat completion (OSS-02).
pub fn new_chat_id() -> String {
    format!("chatcmpl-{}", new_uuid())
}

/// A fresh id of a tool call (STR-09).
pub fn new_call_id() -> String {
    format!("call_{}", new_uuid().replace('-', ""))
}

/// Seconds since the epoch.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
