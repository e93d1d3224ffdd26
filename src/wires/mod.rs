//! Languages: one folder each, pure translation between the hub and a wire format.
//!
//! No I/O, clock, environment or globals here. A wire does not know provider names; what it must know of its
//! target are the named facts of [`Target`].

mod calls;
mod dialect;
#[cfg(test)]
mod driven;
mod event_stream;
mod fillers;
pub mod framing;
pub mod generate_content;
mod media;
pub mod messages;
mod nesting;
mod prompt;
pub mod text_completions;
mod think;
mod tool_names;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::error::{BODY_LIMIT, Error, Kind, Result};
use crate::hub::{Call, CallType, Chat, Deltas, Operation, Target, Usage};
use crate::json::cut;
use crate::wires::framing::{Frame, Framing};

pub use calls::batch_model;
pub use dialect::{Destination, Dialect, Event, EventEncoder, EventReader, EventWire, Inbound, dialect};

/// Makes the list of languages: where each is, and what it has for chat and for calls of other types.
macro_rules! languages {
    ($($visibility:vis mod $module:ident {$(
        $(#[$attribute:meta])*
        $language:ident $(chat($chat:expr))? $(calls($calls:path))? $({ $($($call:ident)|+ => $wire:expr),+ })?;
    )+})+) => {
        $($visibility mod $module;)+

        /// A language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum WireId {
            $($($(#[$attribute])* $language,)+)+
        }

        impl WireId {
            /// Its chat side; `None` when the language has no chat.
            pub fn chat(self) -> Option<&'static dyn StreamWire> {
                match self {
                    $($($(Self::$language => Some(&$chat),)?)+)+
                    _ => None,
                }
            }

            /// Its side for a call of another type; `None` when the language has no such call.
            pub fn call(self, call_type: CallType) -> Option<&'static dyn Wire<Call>> {
                match (self, call_type) {
                    $($(
                        $($((Self::$language, $(CallType::$call)|+) => Some(&$wire),)+)?
                        $((Self::$language, _) => $calls(call_type),)?
                    )+)+
                    _ => None,
                }
            }
        }
    };
}

// A new language is a folder (or a file), and its line here.
languages! {
    mod a2a { A2a chat(a2a::A2a); }
    pub mod anthropic { Anthropic chat(anthropic::Anthropic) calls(anthropic::call); }
    mod azure_speech { AzureSpeech { Speech => azure_speech::SPEECH, Transcription => azure_speech::TRANSCRIPTION }; }
    pub mod bedrock { BedrockConverse chat(bedrock::Converse) { Rerank => bedrock::rerank::RERANK }; }
    pub mod bedrock_invoke { BedrockInvoke chat(bedrock_invoke::Invoke) calls(bedrock_invoke::call); }
    mod black_forest_labs { BlackForestLabs { ImageGeneration | ImageEdit => black_forest_labs::IMAGE }; }
    pub mod cohere { Cohere chat(cohere::Cohere) calls(cohere::call); }
    pub mod completions { Completions chat(completions::Completions); }
    mod dashscope { Dashscope { ImageGeneration | ImageEdit => dashscope::IMAGE, Speech => dashscope::SPEECH }; }
    mod deepgram { Deepgram { Transcription => deepgram::TRANSCRIPTION }; }
    mod deepinfra { Deepinfra { Rerank => deepinfra::RERANK }; }
    mod elevenlabs { Elevenlabs { Speech => elevenlabs::SPEECH, Transcription => elevenlabs::TRANSCRIPTION }; }
    mod fal { Fal { ImageEdit => fal::EDIT, ImageGeneration => fal::GENERATION }; }
    pub mod gemini { Gemini chat(gemini::Gemini) calls(gemini::call); }
    pub mod gigachat { Gigachat chat(gigachat::Gigachat); }
    mod huggingface { Huggingface { Embedding => huggingface::EMBEDDING, Rerank => huggingface::RERANK }; }
    mod manus { Manus calls(manus::call); }
    mod minimax { Minimax { Speech => minimax::SPEECH }; }
    mod mistral { Mistral calls(mistral::call); }
    mod nvidia { Nvidia { Rerank => nvidia::RERANK }; }
    pub mod oci { Oci chat(oci::Oci) { Embedding => oci::embedding::EMBEDDING }; }
    pub mod ollama {
        OllamaChat chat(ollama::OllamaChat) calls(ollama::call);
        OllamaGenerate chat(ollama::OllamaGenerate) calls(ollama::call);
    }
    pub mod openai {
        Openai chat(openai::Openai) calls(openai::call);
        OpenaiChatImages calls(openai::chat_images);
    }
    mod polly { Polly { Speech => polly::SPEECH }; }
    pub mod responses {
        /// Chat asked of OpenAI's Responses.
        Responses chat(responses::ChatOverResponses);
    }
    mod runwayml { Runwayml { ImageGeneration => runwayml::IMAGE, Speech => runwayml::SPEECH }; }
    pub mod sagemaker {
        SagemakerChat chat(sagemaker::Sagemaker::Chat);
        SagemakerNova chat(sagemaker::Sagemaker::Nova);
    }
    pub mod sap { Sap chat(sap::Sap) { Embedding => sap::embedding::EMBEDDING }; }
    mod scaledown { Scaledown chat(scaledown::Scaledown); }
    mod soniox { Soniox { Transcription => soniox::TRANSCRIPTION }; }
    mod stability { Stability { ImageGeneration | ImageEdit => stability::IMAGE }; }
    // Languages that take a prompt.
    pub mod text {
        AnthropicText chat(text::ANTHROPIC);
        Bytez chat(text::BYTEZ);
        Custom chat(text::CUSTOM);
        Langflow chat(text::LANGFLOW);
        Langgraph chat(text::LANGGRAPH);
        #[serde(rename = "microsoft_365")]
        Microsoft365 chat(text::MICROSOFT);
        NlpCloud chat(text::NLP_CLOUD);
        Predibase chat(text::PREDIBASE);
        Replicate chat(text::REPLICATE);
        Sagemaker chat(text::SAGEMAKER) { Embedding => text::embedding::SAGEMAKER };
        Triton chat(text::TRITON) { Embedding => text::embedding::TRITON };
        WatsonxText chat(text::WATSONX);
    }
    mod topaz { Topaz { ImageVariation => topaz::VARIATION }; }
    mod vertex { Vertex calls(vertex::call); }
    mod voyage { Voyage { Embedding => voyage::EMBEDDING }; }
    pub mod watsonx { Watsonx chat(watsonx::Watsonx) calls(watsonx::call); }
    mod xai { Xai calls(xai::call); }
}

impl WireId {
    /// Whether a file comes as the provider keeps it, so that it can be handed on piece by piece.
    pub fn hands_on_bytes(self) -> bool {
        matches!(self, Self::Anthropic | Self::Manus | Self::Openai)
    }

    /// The same for a call that streams.
    pub fn events(self, call_type: CallType) -> Option<&'static dyn EventWire> {
        match (self, call_type) {
            (Self::Anthropic, CallType::Messages) => Some(&messages::Native),
            (Self::BedrockInvoke, CallType::Messages) => Some(&bedrock_invoke::Messages),
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
    /// What follows the body: a form keeps its files as they are, so that none is held twice.
    pub rest: Vec<Bytes>,
}

impl HttpCall {
    /// All of the body in one piece; a copy when it has several.
    pub fn whole_body(&self) -> Bytes {
        if self.rest.is_empty() {
            return self.body.clone();
        }
        let mut whole = self.body.to_vec();
        self.rest.iter().for_each(|piece| whole.extend_from_slice(piece));
        whole.into()
    }
}

/// The largest reply body, decompressed, in bytes; of a reply in pages, all of them together.
pub const REPLY_LIMIT: usize = 256 * 1024 * 1024;

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

/// A further request that has to be made before the answer is there.
#[derive(Debug, Clone)]
pub struct Next {
    pub call: HttpCall,
    /// How long to wait before it is sent.
    pub wait: Duration,
    /// A failure changes nothing: for cleaning up.
    pub may_fail: bool,
}

impl Next {
    /// Sent at once.
    pub fn now(call: HttpCall) -> Self {
        Self { call, wait: Duration::ZERO, may_fail: false }
    }

    /// Sent after a while.
    pub fn after(wait: Duration, call: HttpCall) -> Self {
        Self { wait, ..Self::now(call) }
    }
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
    /// What was sent, for a wire that counts where its provider does not. Shared with the call, not copied.
    pub sent: Option<Bytes>,
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
    /// Reads any body. The message is the whole text, as callers know it from providers without error codes.
    pub fn whole_body(status: u16, body: &[u8]) -> Self {
        let message = bounded_text(body);
        let parsed = serde_json::from_slice::<Value>(body).ok().filter(|_| body.len() <= BODY_LIMIT);
        let body = parsed.or_else(|| (!message.is_empty()).then(|| Value::String(message.clone())));
        Self { status, message, body, ..Self::default() }
    }

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
    /// What to ask after this reply, when it is not yet the answer: a job that goes on, an address that was looked up,
    /// another input. The key goes along to the host of the first request only.
    fn next(
        &self,
        _request: &O::Request,
        _reply: &HttpReply,
        _memo: &mut Memo,
        _target: &Target,
    ) -> Result<Option<Next>> {
        Ok(None)
    }
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

/// A body as text, for a message.
pub fn bounded_text(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..BODY_LIMIT).unwrap_or(body)).trim().to_owned()
}

/// The JSON of a whole reply.
pub fn reply_json(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).map_err(|error| {
        unreadable_reply(&format!("Unable to get json response - {error}"), body).with_source(error)
    })
}

/// The error of a reply that is no answer, in the reference's words.
pub fn unreadable_reply(what: &str, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    Error::unreadable(format!("{what}, Original Response: {}", cut(&text, 2000)))
}

/// The error of a stream that ended before its answer did (STR-14).
pub fn incomplete_stream() -> Error {
    Error::new(Kind::Connection, "Stream ended before a finish_reason was received")
}
