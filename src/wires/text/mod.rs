//! Languages that take a prompt and give a text. What differs between them is data: a [`Format`] each.

mod anthropic;
mod bytez;
mod custom;
pub mod embedding;
mod langflow;
mod langgraph;
mod microsoft;
mod nlp_cloud;
mod replicate;
mod request;
mod response;
mod stream;
mod tgi;
mod triton;
mod watsonx;

use serde_json::Value;

use super::framing::Framing;
use super::openai::is_context_window;
use super::prompt::Template;
use super::{ErrorFacts, HttpReply, Memo, Next, Prepared, StreamDecoder, StreamWire, Wire};
use crate::error::{Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, FinishReason, Target, map_finish_reason};

use request::Parts;

pub use anthropic::ANTHROPIC;
pub use bytez::BYTEZ;
pub use custom::CUSTOM;
pub use langflow::LANGFLOW;
pub use langgraph::LANGGRAPH;
pub use microsoft::MICROSOFT;
pub use nlp_cloud::NLP_CLOUD;
pub use replicate::REPLICATE;
pub use tgi::{PREDIBASE, SAGEMAKER};
pub use triton::TRITON;
pub use watsonx::WATSONX;

/// One of these languages.
#[derive(Debug)]
pub struct Text(&'static Format);

/// What goes where in a request and is found where in a reply.
#[derive(Debug)]
pub struct Format {
    /// The address of a call, and of a streamed one.
    url: fn(&Target, bool) -> String,
    /// The first request only opens a conversation; `next` sends the body where it belongs.
    opens: bool,
    template: fn(&str) -> Template,
    /// The key of the prompt.
    prompt: &'static str,
    /// It stands among the parameters.
    prompt_in_params: bool,
    /// The object that parameters and unknown keywords go into.
    params_in: Option<&'static str>,
    /// Parameters: OpenAI's name, the format's. An empty one is taken and not sent.
    params: &'static [(&'static str, &'static str)],
    /// `stop` is a list here, also of one (GEN-04).
    stop_is_list: bool,
    /// The last touch to a body.
    finish: fn(&mut Parts, &ChatRequest, &Target),
    streams: Streams,
    /// Where a reply has its text, a list of texts among them.
    text: &'static [&'static str],
    /// Where a chunk has its piece.
    piece: &'static [&'static str],
    /// Which chunks are the answer's.
    is_answer: fn(&Value) -> bool,
    reason: &'static [&'static str],
    read_reason: fn(&str) -> FinishReason,
    input_tokens: &'static [&'static str],
    output_tokens: &'static [&'static str],
    /// What in a good reply, or in a chunk, says that it is none.
    failure: fn(&Value) -> Option<String>,
    facts: fn(u16, &[u8]) -> ErrorFacts,
    classify: fn(&ErrorFacts) -> Kind,
    next: fn(&HttpReply, &Memo, &Target) -> Result<Option<Next>>,
}

/// How an answer comes in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Streams {
    /// Not at all: the whole answer is streamed (STR-30).
    No,
    /// As events, whose last one says why the text ends.
    Events,
    /// As events; the end of the body is the end of the text.
    UntilClosed,
    /// As events in the messages of AWS.
    AwsEvents,
}

/// What most formats have.
const COMMON: Format = Format {
    url: |target, _| target.base.clone(),
    opens: false,
    template: Template::of_model,
    prompt: "prompt",
    prompt_in_params: false,
    params_in: None,
    params: &[],
    stop_is_list: true,
    finish: |_, _, _| {},
    streams: Streams::Events,
    text: &[],
    piece: &[],
    is_answer: |_| true,
    reason: &[],
    read_reason: |native| map_finish_reason(native).0,
    input_tokens: &[],
    output_tokens: &[],
    failure: error_in,
    facts: ErrorFacts::whole_body,
    classify,
    next: |_, _, _| Ok(None),
};

impl Wire<Chat> for Text {
    fn supports(&self, parameter: &str, _target: &Target) -> bool {
        matches!(parameter, "stream_options" | "user")
            || self.0.params.iter().any(|(name, _)| *name == parameter)
    }

    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        request::encode(self.0, request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        response::decode(self.0, reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        (self.0.facts)(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        (self.0.classify)(facts)
    }

    fn next(
        &self,
        _request: &ChatRequest,
        reply: &HttpReply,
        memo: &mut Memo,
        target: &Target,
    ) -> Result<Option<Next>> {
        (self.0.next)(reply, memo, target)
    }
}

impl StreamWire for Text {
    fn framing(&self) -> Framing {
        if self.0.streams == Streams::AwsEvents { Framing::AwsEvents } else { Framing::SseOrArray }
    }

    fn decoder(&self, memo: Memo, _target: &Target) -> Box<dyn StreamDecoder> {
        let decoder = Box::new(stream::Decoder::new(self.0, memo));
        if self.0.streams == Streams::AwsEvents {
            return Box::new(super::sagemaker::Unpacked::new(decoder, Framing::SseOrArray));
        }
        decoder
    }
}

/// The first of several places that holds something.
fn first<'a>(value: &'a Value, places: &[&str]) -> Option<&'a Value> {
    places.iter().find_map(|place| at(value, place).filter(|found| !found.is_null()))
}

/// What a JSON pointer leads to, in which `-1` is the last of a list.
fn at<'a>(value: &'a Value, place: &str) -> Option<&'a Value> {
    match place.split_once("/-1") {
        Some((list, rest)) => value.pointer(list)?.as_array()?.last()?.pointer(rest),
        None => value.pointer(place),
    }
}

/// A text, or the pieces of one.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(pieces) => {
            pieces.iter().map(text_of).collect::<Option<Vec<_>>>().map(|all| all.concat())
        }
        Value::Object(part) => part.get("text").and_then(text_of),
        _ => None,
    }
}

/// What a server says that has failed after all.
fn error_in(reply: &Value) -> Option<String> {
    match reply.get("error")? {
        Value::String(words) if !words.is_empty() => Some(words.clone()),
        Value::Object(error) => Some(
            error
                .get("message")
                .and_then(Value::as_str)
                .map_or_else(|| Value::Object(error.clone()).to_string(), str::to_owned),
        ),
        _ => None,
    }
}

/// Words of several servers for one thing, else the status (OSS-03).
fn classify(facts: &ErrorFacts) -> Kind {
    if is_context_window(&facts.message.to_lowercase()) {
        return Kind::ContextWindowExceeded;
    }
    Kind::of_status(facts.status)
}
