//! A conversation as one message, and the question for a task that goes on.

use serde_json::{Value, json};

use super::response::{State, payload, state_of};
use crate::error::Result;
use crate::hub::{CallRequest, ChatRequest, Target};
use crate::json::Map;
use crate::wires::{HttpReply, Memo, Next, Prepared, calls, prompt};

/// The prompt, for an estimate: agents do not count.
pub const PROMPT: &str = "prompt";
/// The variable that holds an id of this message alone: agents leave out what they have had already.
const MESSAGE_ID: &str = "message_id";

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    prompt::check(&request.messages, target)?;
    let lines: Vec<String> = request
        .messages
        .iter()
        .map(|message| format!("{}: {}", message.role.as_str(), message.text()))
        .collect();
    let text = lines.join("\n");
    let id = target.vars.get(MESSAGE_ID).map_or("1", String::as_str);
    let mut params = Map::new();
    params.insert(
        "message".to_owned(),
        json!({
            "kind": "message", "role": "user", "parts": [{ "kind": "text", "text": text }], "messageId": id,
        }),
    );
    if !request.stream {
        params.insert("configuration".to_owned(), json!({ "blocking": true }));
    }
    params.extend(request.extra.clone());
    let method = if request.stream { "message/stream" } else { "message/send" };
    let sent = CallRequest { extra_body: request.extra_body.clone(), ..CallRequest::default() };
    let mut memo = Memo::default();
    memo.notes.insert(PROMPT.to_owned(), text.into());
    calls::json_call(target.base.clone(), rpc(id, method, params.into()), &sent, memo)
}

fn rpc(id: &str, method: &str, params: Value) -> Map {
    let mut body = Map::new();
    body.insert("jsonrpc".to_owned(), "2.0".into());
    body.insert("id".to_owned(), id.into());
    body.insert("method".to_owned(), method.into());
    body.insert("params".to_owned(), params);
    body
}

/// Asks for a task that is not over.
pub fn next(reply: &HttpReply, target: &Target) -> Result<Option<Next>> {
    let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(&reply.body) else { return Ok(None) };
    let Some(task) = answer.get("result").map(payload) else { return Ok(None) };
    let (State::Going, Some(id)) = (state_of(task), task.get("id").and_then(Value::as_str)) else {
        return Ok(None);
    };
    let body = rpc(id, "tasks/get", json!({ "id": id }));
    let prepared = calls::json_call(target.base.clone(), body, &CallRequest::default(), Memo::default())?;
    Ok(Some(Next::after(calls::POLL, prepared.call)))
}
