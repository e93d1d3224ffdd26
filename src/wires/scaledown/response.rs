//! What was found, as the JSON of an answer.

use serde_json::Value;

use super::Task;
use super::request::FIELDS;
use crate::error::Result;
use crate::hub::{AssistantMessage, ChatResponse, Choice, FinishReason, Target, Usage};
use crate::json::{Map, count_of};
use crate::wires::{HttpReply, Memo, calls};

pub fn decode(task: Task, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let answer = calls::json_object(reply)?;
    if answer.is_empty() {
        return Err(calls::unreadable(reply));
    }
    let counted = answer.get("original_prompt_tokens");
    let counted = counted.or_else(|| answer.get("results")?.get("original_prompt_tokens"));
    let usage = Usage::new(counted.map_or(0, count_of), 0);
    let found = match task {
        Task::Decide => answer.get("answers").cloned().ok_or_else(|| calls::unreadable(reply))?,
        Task::Extract => fields(&answer, memo).into(),
        Task::Classify | Task::Compress | Task::Summarize => answer.into(),
    };
    let message = AssistantMessage { content: Some(found.to_string()), ..AssistantMessage::default() };
    Ok(ChatResponse {
        model: target.accent.model_name(target.model.clone(), target),
        choices: vec![Choice::new(message, FinishReason::Stop)],
        usage: Some(usage),
        ..ChatResponse::default()
    })
}

/// The best of what was found for each field: the first one, as they come.
fn fields(answer: &Map, memo: &Memo) -> Map {
    let found: Vec<&Value> = answer.get("entities").and_then(Value::as_array).into_iter().flatten().collect();
    let named =
        |name: &str| found.iter().find(|entity| entity["type"] == *name).map(|entity| &entity["text"]);
    let fields = memo.notes.get(FIELDS).and_then(Value::as_array).into_iter().flatten();
    fields
        .filter_map(Value::as_str)
        .filter_map(|name| Some((name.to_owned(), named(name)?.clone())))
        .collect()
}
