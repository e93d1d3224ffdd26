//! Models that take a prompt and give a text: what differs between them is data.

use serde_json::Value;

use super::stream::unwrap;
use crate::error::Result;
use crate::hub::{
    AssistantMessage, ChatRequest, ChatResponse, Choice, Delta, Deltas, FinishReason, Target, Usage,
    is_synonym, map_finish_reason,
};
use crate::json::{Map, Tree, count_of};
use crate::wires::bedrock::model::{Family, Name};
use crate::wires::bedrock::payload;
use crate::wires::framing::Frame;
use crate::wires::prompt::{self, Template};
use crate::wires::think::{self, Pieces, Splitter};
use crate::wires::{HttpReply, Seen, StreamDecoder, incomplete_stream, reply_json, unreadable_reply};

const CHOICE: u64 = 0;
/// Counts of any model, at the end of a stream.
const METRICS: &str = "/amazon-bedrock-invocationMetrics";

/// A family's format.
#[derive(Debug, PartialEq, Eq)]
pub struct Format {
    template: Template,
    prompt: &'static str,
    /// Parameters go into an object of their own.
    config: Option<&'static str>,
    /// Parameters: OpenAI's name, the model's.
    params: &'static [(&'static str, &'static str)],
    /// Where a reply, and a chunk, has its text and why it ended.
    text: &'static [&'static str],
    reason: &'static [&'static str],
    input_tokens: &'static str,
    output_tokens: &'static str,
    /// The answer begins in the middle of its thinking.
    thinks_first: bool,
}

const LLAMA: Format = Format {
    template: Template::Llama3,
    prompt: "prompt",
    config: None,
    params: &[("max_tokens", "max_gen_len"), ("temperature", "temperature"), ("top_p", "top_p")],
    text: &["/generation"],
    reason: &["/stop_reason"],
    input_tokens: "/prompt_token_count",
    output_tokens: "/generation_token_count",
    thinks_first: false,
};

const LLAMA2: Format = Format { template: Template::Llama2, ..LLAMA };
const DEEPSEEK: Format = Format { template: Template::DeepseekR1, thinks_first: true, ..LLAMA };
const QWEN: Format = Format {
    template: Template::ChatMl,
    params: &[
        ("max_tokens", "max_gen_len"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop"),
    ],
    text: &["/generation", "/text"],
    ..LLAMA
};

const MISTRAL: Format = Format {
    template: Template::Mistral,
    params: &[
        ("max_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop"),
    ],
    text: &["/outputs/0/text"],
    reason: &["/outputs/0/stop_reason"],
    ..LLAMA
};

const TITAN: Format = Format {
    template: Template::Titan,
    prompt: "inputText",
    config: Some("textGenerationConfig"),
    params: &[
        ("max_tokens", "maxTokenCount"),
        ("temperature", "temperature"),
        ("top_p", "topP"),
        ("stop", "stopSequences"),
    ],
    text: &["/results/0/outputText", "/outputText"],
    reason: &["/results/0/completionReason", "/completionReason"],
    input_tokens: "/inputTextTokenCount",
    output_tokens: "/results/0/tokenCount",
    thinks_first: false,
};

const COHERE: Format = Format {
    template: Template::Plain,
    params: &[
        ("max_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "p"),
        ("stop", "stop_sequences"),
        ("frequency_penalty", "frequency_penalty"),
        ("presence_penalty", "presence_penalty"),
        ("n", "num_generations"),
        ("seed", "seed"),
    ],
    text: &["/generations/0/text", "/text"],
    reason: &["/generations/0/finish_reason", "/finish_reason"],
    ..LLAMA
};

/// Command R, whose conversation is one message here.
const COMMAND: Format = Format {
    prompt: "message",
    params: &[
        ("max_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "p"),
        ("stop", "stop_sequences"),
        ("frequency_penalty", "frequency_penalty"),
        ("presence_penalty", "presence_penalty"),
        ("seed", "seed"),
    ],
    ..COHERE
};

const AI21: Format = Format {
    template: Template::Plain,
    params: &[("max_tokens", "maxTokens"), ("temperature", "temperature"), ("top_p", "topP")],
    text: &["/completions/0/data/text"],
    reason: &["/completions/0/finishReason/reason"],
    ..LLAMA
};

impl Format {
    /// The format of a model; `None` for one that is not of these.
    pub fn of(target: &Target) -> Option<&'static Self> {
        let name = Name::parse(&target.model);
        Some(match name.family() {
            Family::Meta if name.bare().contains("llama2") => &LLAMA2,
            Family::Meta => &LLAMA,
            Family::Deepseek => &DEEPSEEK,
            Family::Qwen => &QWEN,
            Family::Mistral => &MISTRAL,
            Family::Titan => &TITAN,
            Family::Cohere if name.bare().starts_with("cohere.command-r") => &COMMAND,
            Family::Cohere => &COHERE,
            Family::Ai21 if name.bare().starts_with("ai21.j2") => &AI21,
            _ => return None,
        })
    }

    pub fn supports(&self, parameter: &str) -> bool {
        matches!(parameter, "max_completion_tokens" | "stream" | "stream_options" | "user")
            || self.params.iter().any(|(name, _)| *name == parameter)
    }

    pub fn body(&self, request: &ChatRequest, target: &Target) -> Result<Map> {
        let mut params = Map::new();
        for (name, own) in self.params {
            let value = match *name {
                "max_tokens" => request.params.output_limit().cloned(),
                "stop" => request.params.stop().map(Value::Array),
                name => request.params.get(name).cloned(),
            };
            if let Some(value) = value {
                params.insert((*own).to_owned(), value);
            }
        }
        let own = request.extra.iter().filter(|(name, _)| name.as_str() != "guardrailConfig");
        params.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        let mut body = Map::new();
        body.insert(self.prompt.to_owned(), prompt::render(&request.messages, self.template, target)?.into());
        match self.config {
            Some(config) => {
                body.insert(config.to_owned(), params.into());
            }
            None => body.extend(params),
        }
        body.extend(request.extra_body.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(body)
    }

    pub fn decode(&self, reply: &HttpReply, target: &Target) -> Result<ChatResponse> {
        let body = reply_json(&reply.body)?;
        let text = first(&body, self.text).and_then(Value::as_str);
        let text = text.ok_or_else(|| unreadable_reply("the answer holds no text", &reply.body))?;
        let (reason, native) = reason(first(&body, self.reason).and_then(Value::as_str).unwrap_or_default());
        let mut message = AssistantMessage::default();
        match text.split_once(think::END).filter(|_| self.thinks_first) {
            Some((thought, said)) => {
                message.reasoning_content = Some(thought.to_owned());
                message.content = Some(said.to_owned());
            }
            None if self.thinks_first && reason == FinishReason::Length => {
                message.reasoning_content = Some(text.to_owned());
            }
            None => message.content = Some(text.to_owned()),
        }
        let count = |path: &str, header: &str| {
            let counted = body.pointer(path).map(count_of);
            counted.or_else(|| reply.headers.get(header)?.to_str().ok()?.parse().ok())
        };
        let usage = match (
            count(self.input_tokens, "x-amzn-bedrock-input-token-count"),
            count(self.output_tokens, "x-amzn-bedrock-output-token-count"),
        ) {
            (Some(input), Some(output)) => Some(Usage::new(input, output)),
            _ => body.get("usage").and_then(openai_usage),
        };
        let mut choice = Choice::new(message, reason);
        choice.native_finish_reason = native;
        Ok(ChatResponse {
            model: target.model.clone(),
            choices: vec![choice],
            usage,
            ..ChatResponse::default()
        })
    }

    pub fn decoder(&'static self) -> Decoder {
        let splitter = if self.thinks_first { Splitter::inside() } else { Splitter::visible() };
        Decoder { format: self, splitter, finished: false }
    }
}

fn first<'a>(value: &'a Value, paths: &[&str]) -> Option<&'a Value> {
    paths.iter().find_map(|path| value.pointer(path).filter(|found| !found.is_null()))
}

/// Why the text ended and, where it says more, the provider's own word (GEN-37).
fn reason(native: &str) -> (FinishReason, Option<String>) {
    let reason = match native {
        "LENGTH" => FinishReason::Length,
        "CONTENT_FILTERED" => FinishReason::ContentFilter,
        "" | "FINISH" | "endoftext" => FinishReason::Stop,
        other => {
            let (reason, own) = map_finish_reason(other);
            return (reason, (!own && !is_synonym(other)).then(|| other.to_owned()));
        }
    };
    (reason, None)
}

/// Chunks of any of these models.
#[derive(Debug)]
pub struct Decoder {
    format: &'static Format,
    splitter: Splitter,
    finished: bool,
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let Some(chunk) = unwrap(&frame)? else { return Ok(Seen::Unknown) };
        let chunk = Value::Object(payload(&chunk)?);
        let text = first(&chunk, self.format.text).and_then(Value::as_str);
        let mut pieces = Pieces::default();
        if let Some(text) = text {
            self.splitter.push(text, &mut pieces);
        }
        let native = first(&chunk, self.format.reason).and_then(Value::as_str);
        let mut finish = None;
        if let Some(native) = native.filter(|_| !self.finished) {
            self.finished = true;
            self.splitter.finish(&mut pieces);
            finish = Some(native);
        }
        pieces.reason(out);
        if !pieces.text.is_empty() {
            out.text(CHOICE, pieces.text);
        }
        if let Some(native) = finish {
            let (reason, native) = reason(native);
            out.push(Delta::Finish { choice: CHOICE, reason, native });
        }
        let metrics = chunk.pointer(METRICS);
        if let Some(metrics) = metrics {
            let count = |name: &str| metrics.get(name).map_or(0, count_of);
            out.push(Delta::Usage(Usage::new(count("inputTokenCount"), count("outputTokenCount"))));
        }
        let known = text.is_some() || native.is_some() || metrics.is_some();
        Ok(if known { Seen::Known } else { Seen::Unknown })
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.finished { Ok(()) } else { Err(incomplete_stream()) }
    }
}

/// Counts of a model that answers in OpenAI's words.
fn openai_usage(counts: &Value) -> Option<Usage> {
    let text = counts.to_string();
    match serde_json::from_str(&text).ok()? {
        Tree::Object(fields) => Some(Usage::from_openai(fields)),
        _ => None,
    }
}
