//! A whole reply as a response.

use serde_json::Value;

use super::request::PROMPT;
use super::{Format, first, text_of};
use crate::error::{Error, Result};
use crate::hub::{
    AssistantMessage, ChatResponse, Choice, FinishReason, Target, Usage, is_synonym, map_finish_reason,
};
use crate::json::{Map, count_of, cut};
use crate::tokens;
use crate::wires::{ErrorFacts, HttpReply, Memo};

const SHOWN: usize = 2000;

pub fn decode(format: &Format, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let shown = || String::from_utf8_lossy(&reply.body).into_owned();
    let body: Value = serde_json::from_slice(&reply.body).map_err(|error| {
        let what = format!("the provider's answer is no JSON: '{}'", cut(&shown(), SHOWN));
        Error::unreadable(what).with_source(error)
    })?;
    if let Some(words) = (format.failure)(&body) {
        return Err(failed(format, words, body));
    }
    let text = first(&body, format.text).and_then(text_of);
    let text = text.ok_or_else(|| {
        Error::unreadable(format!("the provider's answer holds no text: '{}'", cut(&shown(), SHOWN)))
    })?;
    let native = first(&body, format.reason).and_then(Value::as_str);
    let (reason, native) = reason(format, native);
    let usage = usage(format, &body, &memo.notes, &text);
    let message = AssistantMessage { content: Some(text), ..AssistantMessage::default() };
    let mut choice = Choice::new(message, reason);
    choice.native_finish_reason = native;
    Ok(ChatResponse {
        id: body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        model: target.accent.model_name(target.model.clone(), target),
        choices: vec![choice],
        usage: Some(usage),
        ..ChatResponse::default()
    })
}

/// The error of a good status.
pub fn failed(format: &Format, words: String, body: Value) -> Error {
    let facts = ErrorFacts { status: 500, message: words, body: Some(body), ..ErrorFacts::default() };
    let kind = (format.classify)(&facts);
    facts.into_error(kind)
}

/// Why the text ended and, where it says more, the provider's own word (GEN-37).
pub fn reason(format: &Format, native: Option<&str>) -> (FinishReason, Option<String>) {
    let Some(native) = native else { return (FinishReason::Stop, None) };
    let own = map_finish_reason(native).1 || is_synonym(native);
    ((format.read_reason)(native), (!own).then(|| native.to_owned()))
}

/// The provider's counts, or else an estimate.
pub fn usage(format: &Format, body: &Value, notes: &Map, text: &str) -> Usage {
    let count = |places: &[&str]| first(body, places).map(count_of);
    let prompt = || notes.get(PROMPT).and_then(Value::as_str).map_or(0, tokens::count);
    Usage::new(
        count(format.input_tokens).unwrap_or_else(prompt),
        count(format.output_tokens).unwrap_or_else(|| tokens::count(text)),
    )
}
