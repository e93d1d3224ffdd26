//! A chat completion's answer and chunks as those of a text completion.

use serde_json::{Value, json};

use crate::error::Error;
use crate::hub::{ChatResponse, Choice, StreamHead, Usage};
use crate::json::{Map, object};
use crate::wires::openai::{Chunk, ChunkChoice};
use crate::wires::{Event, EventEncoder};

/// A whole answer.
pub fn completion(answer: ChatResponse, asked: &Map) -> Value {
    let choices: Vec<Value> = answer.choices.into_iter().map(|choice| of_choice(choice, asked)).collect();
    let mut made = shell(&answer.id, answer.created, &answer.model);
    made.insert("choices".into(), choices.into());
    made.insert("usage".into(), counts(&answer.usage.unwrap_or_default()));
    made.into()
}

fn of_choice(choice: Choice, asked: &Map) -> Value {
    let echo = asked.get("echo").and_then(Value::as_str).unwrap_or_default();
    let text = choice.message.content.unwrap_or_default();
    object([
        ("text", format!("{echo}{text}").into()),
        ("index", choice.index.into()),
        (
            "logprobs",
            choice.logprobs.as_ref().map_or(Value::Null, |told| logprobs(told, echo.chars().count())),
        ),
        ("finish_reason", choice.finish_reason.as_str().into()),
    ])
}

fn shell(id: &str, created: u64, model: &str) -> Map {
    let mut made = Map::new();
    made.insert("id".into(), id.into());
    made.insert("object".into(), "text_completion".into());
    made.insert("created".into(), created.into());
    made.insert("model".into(), model.into());
    made
}

/// Chat's list of tokens as lists side by side. `offset` is where the first token begins, in characters.
fn logprobs(told: &Value, mut offset: usize) -> Value {
    let mut tokens = Vec::new();
    let mut of_tokens = Vec::new();
    let mut tops = Vec::new();
    let mut offsets = Vec::new();
    for token in told["content"].as_array().into_iter().flatten() {
        let top = token["top_logprobs"].as_array().into_iter().flatten();
        let top: Map = top
            .filter_map(|other| Some((other["token"].as_str()?.to_owned(), other["logprob"].clone())))
            .collect();
        tokens.push(token["token"].clone());
        of_tokens.push(token["logprob"].clone());
        tops.push(Value::Object(top));
        offsets.push(offset.into());
        offset += token["token"].as_str().map_or(0, |text| text.chars().count());
    }
    object([
        ("tokens", tokens.into()),
        ("token_logprobs", of_tokens.into()),
        ("top_logprobs", tops.into()),
        ("text_offset", Value::Array(offsets)),
    ])
}

fn counts(usage: &Usage) -> Value {
    let mut counts = json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    });
    let details = [
        ("prompt_tokens_details", &usage.prompt_tokens_details),
        ("completion_tokens_details", &usage.completion_tokens_details),
    ];
    for (name, details) in details {
        if let Some(details) = details {
            counts[name] = details.clone().into();
        }
    }
    for (name, value) in &usage.extra {
        counts[name.as_str()] = value.clone();
    }
    counts
}

#[derive(Debug)]
pub struct Encoder {
    asked: Map,
    /// Per choice: how many characters it has. One that is here has begun.
    written: Vec<(u64, usize)>,
}

impl Encoder {
    pub fn new(asked: Map) -> Self {
        Self { asked, written: Vec::new() }
    }

    fn choice(&mut self, choice: ChunkChoice) -> Value {
        let echo = self.asked.get("echo").and_then(Value::as_str).unwrap_or_default();
        let at = match self.written.iter().position(|(index, _)| *index == choice.index) {
            Some(at) => at,
            None => {
                self.written.push((choice.index, 0));
                self.written.len() - 1
            }
        };
        let before = self.written.get(at).map_or(0, |(_, count)| *count);
        let mut text = choice.content;
        if before == 0 && !echo.is_empty() {
            text = Some(format!("{echo}{}", text.unwrap_or_default()));
        }
        let offset = if before == 0 { echo.chars().count() } else { before };
        if let Some((_, count)) = self.written.get_mut(at) {
            *count += text.as_deref().map_or(0, |text| text.chars().count());
        }
        let mut made = Map::new();
        made.insert("text".into(), text.map_or(Value::Null, Value::from));
        made.insert("index".into(), choice.index.into());
        made.insert(
            "logprobs".into(),
            choice.logprobs.as_ref().map_or(Value::Null, |told| logprobs(told, offset)),
        );
        let finish = choice.finish_reason.map_or(Value::Null, |reason| reason.as_str().into());
        made.insert("finish_reason".into(), finish);
        if let Some(reasoning) = choice.reasoning_content {
            made.insert("reasoning_content".into(), reasoning.into());
        }
        made.into()
    }
}

impl EventEncoder for Encoder {
    fn chunk(&mut self, chunk: Chunk, head: &StreamHead, out: &mut Vec<Event>) {
        let with_usage = self.asked.get("usage") == Some(&Value::Bool(true));
        if chunk.choices.is_empty() && !with_usage {
            return;
        }
        let choices: Vec<Value> = chunk.choices.into_iter().map(|choice| self.choice(choice)).collect();
        let mut made = shell(&head.id, head.created, &head.model);
        made.insert("choices".into(), choices.into());
        if let Some(usage) = chunk.usage.filter(|_| with_usage) {
            made.insert("usage".into(), counts(&usage));
        }
        out.push(Event { name: None, data: made.into() });
    }

    fn finish(&mut self, _head: &StreamHead, _out: &mut Vec<Event>) {}

    fn fail(&mut self, error: &Error, out: &mut Vec<Event>) {
        let facts = error.facts();
        let error = json!({
            "message": error.message(), "type": facts.error_type, "param": facts.param, "code": facts.code,
        });
        out.push(Event { name: None, data: json!({ "error": error }) });
    }
}
