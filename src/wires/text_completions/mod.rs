//! OpenAI's text completions, caller's side: answered by a provider that has them ([`Native`]) or by a chat completion
//! whose conversation is the prompt ([`TextCompletions`]).

mod answer;
mod native;

use serde_json::{Value, json};

pub use native::Native;

use super::{Destination, Dialect, EventEncoder, Inbound};
use crate::error::{Error, Result};
use crate::hub::{ChatResponse, Target};
use crate::json::{Map, kind_of};

/// Text completions for providers that have chat completions only.
#[derive(Debug)]
pub struct TextCompletions;

impl Dialect for TextCompletions {
    fn decode_request(&self, request: Map, destination: &Destination<'_>) -> Result<Inbound> {
        decode(request, destination)
    }

    fn encode_response(&self, response: ChatResponse, asked: &Map, _target: &Target) -> Result<Value> {
        Ok(answer::completion(response, asked))
    }

    fn encoder(&self, asked: Map, _target: &Target) -> Box<dyn EventEncoder> {
        Box::new(answer::Encoder::new(asked))
    }
}

fn decode(mut request: Map, destination: &Destination<'_>) -> Result<Inbound> {
    request.retain(|_, value| !value.is_null());
    let Some(prompt) = request.shift_remove("prompt") else {
        return Err(Error::bad_request("'prompt' is missing.").with_param("prompt"));
    };
    let texts = texts(prompt)?;
    let mut asked = Map::new();
    if request.shift_remove("echo") == Some(Value::Bool(true)) {
        asked.insert("echo".into(), texts.concat().into());
    }
    let with_usage = request.get("stream_options").and_then(|options| options.get("include_usage"));
    asked.insert("usage".into(), with_usage.cloned().unwrap_or_default());
    for (name, says_nothing) in [("suffix", json!("")), ("best_of", json!(1))] {
        match request.shift_remove(name) {
            Some(value) if value != says_nothing => refuse(name, destination)?,
            _ => {}
        }
    }
    // A number here, a switch and a number there.
    match request.get("logprobs") {
        Some(Value::Number(count)) => {
            let count = count.clone();
            request.entry("top_logprobs").or_insert_with(|| count.into());
            request.insert("logprobs".into(), true.into());
        }
        None | Some(Value::Bool(_)) => {}
        Some(other) => return Err(wrong("logprobs", "a number", other)),
    }
    let messages: Vec<Value> =
        texts.into_iter().map(|text| json!({ "role": "user", "content": text })).collect();
    request.insert("messages".into(), messages.into());
    Ok(Inbound { chat: request, asked, optional: &["stream_options"] })
}

/// A text, or several, which make one conversation.
fn texts(prompt: Value) -> Result<Vec<String>> {
    match prompt {
        Value::String(text) => Ok(vec![text]),
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::String(text) => Ok(text),
                Value::Number(_) | Value::Array(_) => Err(Error::bad_request(
                    "'prompt' holds token ids: this model answers chat completions, which take text only.",
                )
                .with_param("prompt")),
                other => Err(wrong(&format!("prompt[{index}]"), "a string", &other)),
            })
            .collect(),
        other => Err(wrong("prompt", "a string or a list of strings", &other)),
    }
}

/// What a chat completion cannot do (GEN-01).
fn refuse(name: &str, destination: &Destination<'_>) -> Result<()> {
    if destination.drop_params {
        tracing::debug!(parameter = name, "parameter dropped");
        return Ok(());
    }
    let what = format!(
        "'{name}' is not supported: this model answers chat completions. To drop it from the call, set \
         drop_params=True."
    );
    Err(Error::unsupported(what).with_param(name))
}

fn wrong(path: &str, expected: &str, found: &Value) -> Error {
    Error::bad_request(format!("Invalid '{path}': expected {expected}, got {}.", kind_of(found)))
        .with_param(path)
}
