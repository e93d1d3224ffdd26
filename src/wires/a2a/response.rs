//! A message, or a task with what it made, as an answer; in the words of both generations of the protocol.

use serde_json::Value;

use super::request::PROMPT;
use crate::error::{Error, Kind, Result};
use crate::hub::{AssistantMessage, ChatResponse, Choice, FinishReason, Target, Usage};
use crate::json::{Map, str_at};
use crate::tokens;
use crate::wires::{ErrorFacts, HttpReply, Memo, calls};

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Going,
    /// Done, or waiting for the caller.
    Over,
    Failed(Kind),
}

pub fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let answer = calls::json_object(reply)?;
    let result = result(&answer)?;
    let result = result.ok_or_else(|| calls::unreadable(reply))?;
    let text = said(result).ok_or_else(|| calls::unreadable(reply))?;
    let usage = usage(&memo.notes, &text);
    let message = AssistantMessage { content: Some(text), ..AssistantMessage::default() };
    Ok(ChatResponse {
        id: str_at(&answer, "id").unwrap_or_default().to_owned(),
        model: target.accent.model_name(target.model.clone(), target),
        choices: vec![Choice::new(message, FinishReason::Stop)],
        usage: Some(usage),
        ..ChatResponse::default()
    })
}

/// What the call resulted in; the error of one that failed, or whose task did.
pub fn result(answer: &Map) -> Result<Option<&Value>> {
    if let Some(Value::Object(error)) = answer.get("error") {
        return Err(refused(error));
    }
    let Some(result) = answer.get("result").map(payload) else { return Ok(None) };
    match state_of(result) {
        State::Failed(kind) => {
            let words = status_text(result);
            let words = if words.is_empty() { "the agent gives no reason".to_owned() } else { words };
            Err(Error::new(kind, format!("A2A task {}: {words}", native_state(result))))
        }
        State::Going | State::Over => Ok(Some(result)),
    }
}

/// JSON-RPC's codes: what is not well-formed is the caller's fault, the rest the agent's.
fn refused(error: &Map) -> Error {
    let code = error.get("code").and_then(Value::as_i64);
    let kind = match code {
        Some(-32602..=-32600 | -32004 | -32005) => Kind::BadRequest,
        Some(-32001) => Kind::NotFound,
        _ => Kind::InternalServer,
    };
    let facts = ErrorFacts {
        status: kind.http_status(),
        message: format!("A2A error: {}", str_at(error, "message").unwrap_or("the agent gives no reason")),
        code: code.map(|code| code.to_string()),
        body: Some(Value::Object(error.clone())),
        ..ErrorFacts::default()
    };
    facts.into_error(kind)
}

/// The newer generation says the kind of a result by a key around it.
pub fn payload(result: &Value) -> &Value {
    ["task", "message", "statusUpdate", "artifactUpdate"]
        .into_iter()
        .find_map(|kind| result.get(kind).filter(|inside| inside.is_object()))
        .unwrap_or(result)
}

/// `TASK_STATE_INPUT_REQUIRED` is `input-required`.
fn native_state(result: &Value) -> String {
    let state = result.pointer("/status/state").and_then(Value::as_str).unwrap_or_default();
    state.to_lowercase().trim_start_matches("task_state_").replace('_', "-")
}

/// A result without a state is a message, or a piece of what a task makes.
pub fn state_of(result: &Value) -> State {
    match native_state(result).as_str() {
        "submitted" | "working" => State::Going,
        "failed" | "canceled" => State::Failed(Kind::InternalServer),
        "rejected" => State::Failed(Kind::BadRequest),
        "auth-required" => State::Failed(Kind::Authentication),
        _ => State::Over,
    }
}

/// Whether the task goes on once the caller has answered its question.
pub fn is_waiting(result: &Value) -> bool {
    native_state(result) == "input-required"
}

/// What a message says, a task made, or its status tells. `None` for what is neither.
fn said(result: &Value) -> Option<String> {
    if let Some(text) = parts(result) {
        return Some(text);
    }
    let made = made(result);
    let words = status_text(result);
    if made.is_empty() {
        return result.get("status").map(|_| words);
    }
    Some(if is_waiting(result) && !words.is_empty() { format!("{made}\n{words}") } else { made })
}

/// The texts of all that a task has made.
pub fn made(task: &Value) -> String {
    let artifacts = task.get("artifacts").and_then(Value::as_array).into_iter().flatten();
    artifacts.filter_map(parts).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

pub fn status_text(result: &Value) -> String {
    result.pointer("/status/message").and_then(parts).unwrap_or_default()
}

/// The texts of the parts, with a space between them; data is left to those who ask the agent directly.
pub fn parts(holder: &Value) -> Option<String> {
    let parts = holder.get("parts")?.as_array()?;
    let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
    Some(texts.join(" "))
}

pub fn usage(notes: &Map, text: &str) -> Usage {
    let prompt = str_at(notes, PROMPT).map_or(0, tokens::count);
    Usage::new(prompt, tokens::count(text))
}
