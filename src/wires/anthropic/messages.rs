//! The conversation as turns: who may speak when, what comes first in a turn.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::assistant;
use super::content::{Blocks, EMPTY_TEXT, result_content, text_block};
use super::names::call_id;
use crate::error::{Error, Result};
use crate::hub::{Content, Message, Part, Role};
use crate::json::object;
use crate::wires::fillers::{CONTINUE, OPERATOR_NOTE};
use crate::wires::tool_names::ToolNames;

/// The switches the conversation depends on.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub late_system: bool,
    pub modify_params: bool,
}

/// What the body needs of the conversation.
#[derive(Debug, Default)]
pub struct Conversation {
    pub system: Vec<Value>,
    pub messages: Vec<Value>,
    /// Tool calls or results are in the history (GEN-21).
    pub has_tools: bool,
}

pub fn encode(
    messages: &[Message],
    names: &ToolNames,
    rules: Rules,
    blocks: &mut Blocks<'_>,
) -> Result<Conversation> {
    let mut builder = Builder { names, rules, blocks, out: Conversation::default(), calls: Vec::new() };
    let leading = messages.iter().take_while(|message| message.role.is_instruction()).count();
    for (index, message) in messages.iter().enumerate().take(leading) {
        let system = Builder::instruction(message, index)?;
        builder.out.system.extend(system);
    }
    let mut index = leading;
    while let Some(message) = messages.get(index) {
        index = match message.role {
            Role::Assistant => builder.assistant_turn(messages, index)?,
            _ => builder.user_turn(messages, index)?,
        };
    }
    builder.close()
}

struct Builder<'a, 'r> {
    names: &'a ToolNames,
    rules: Rules,
    blocks: &'a mut Blocks<'r>,
    out: Conversation,
    /// Calls of the last assistant turn that await a result: id as sent, name.
    calls: Vec<(String, String)>,
}

/// A user turn while it grows: results come first (ANT-07, GEN-13).
#[derive(Default)]
struct UserTurn {
    results: Vec<(String, Value)>,
    rest: Vec<Value>,
    system: Vec<Value>,
}

impl Builder<'_, '_> {
    /// Text blocks of a system message; empty ones are left out (ANT-03).
    fn instruction(message: &Message, index: usize) -> Result<Vec<Value>> {
        let mut out = Vec::new();
        match &message.content {
            None => {}
            Some(Content::Text(text)) if text.is_empty() => {}
            Some(Content::Text(text)) => out.push(json!({"type": "text", "text": text})),
            Some(Content::Parts(parts)) => {
                for (at, part) in parts.iter().enumerate() {
                    match part {
                        Part::Text { text, .. } if text.is_empty() => {}
                        Part::Text { text, cache_control, .. } => {
                            let mut block = json!({"type": "text", "text": text});
                            mark(&mut block, cache_control.as_ref());
                            out.push(block);
                        }
                        _ => {
                            let path = format!("messages[{index}].content[{at}]");
                            return Err(Error::bad_request(format!(
                                "Invalid '{path}': a system message takes text only."
                            ))
                            .with_param(path));
                        }
                    }
                }
            }
        }
        mark_last(&mut out, message.cache_control.as_ref());
        Ok(out)
    }

    /// One run of messages that are not the assistant's, as one turn (GEN-12). Returns where the next turn begins.
    fn user_turn(&mut self, messages: &[Message], from: usize) -> Result<usize> {
        let mut turn = UserTurn::default();
        let mut index = from;
        while let Some(message) = messages.get(index) {
            match &message.role {
                Role::Assistant => break,
                Role::System | Role::Developer => {
                    let blocks = Self::instruction(message, index)?;
                    if self.rules.late_system {
                        turn.system.extend(blocks);
                    } else {
                        put_operator_note(&mut turn.rest, blocks);
                    }
                }
                Role::Tool | Role::Function => {
                    let result = self.tool_result(message, index)?;
                    turn.results.push(result);
                }
                Role::User => {
                    for block in self.user_blocks(message, index)? {
                        match native_id(&block, "tool_result", "tool_use_id") {
                            Some(id) => turn.results.push((id, block)),
                            None => turn.rest.push(block),
                        }
                    }
                }
                Role::Other(role) => {
                    let path = format!("messages[{index}].role");
                    return Err(Error::bad_request(format!(
                        "Invalid '{path}': expected system, developer, user, assistant or tool, got '{role}'."
                    ))
                    .with_param(path));
                }
            }
            index += 1;
        }
        self.out.has_tools |= !turn.results.is_empty();
        self.pair(&mut turn.results)?;
        let system = std::mem::take(&mut turn.system);
        let mut content: Vec<Value> = turn.results.into_iter().map(|(_, block)| block).collect();
        content.append(&mut turn.rest);
        if content.is_empty() {
            // A system message may only follow what the user said.
            put_operator_note(&mut content, system);
            self.push("user", content);
        } else {
            self.push("user", content);
            self.push("system", system);
        }
        Ok(index)
    }

    /// Calls and results must match: repaired when the caller allows it (GEN-14), refused otherwise (GEN-15).
    fn pair(&mut self, results: &mut Vec<(String, Value)>) -> Result<()> {
        let calls = std::mem::take(&mut self.calls);
        if self.rules.modify_params {
            results.retain(|(id, _)| calls.iter().any(|(call, _)| call == id));
            let mut seen = HashSet::new();
            let mut kept: Vec<_> =
                std::mem::take(results).into_iter().rev().filter(|(id, _)| seen.insert(id.clone())).collect();
            kept.reverse();
            *results = kept;
            for (id, name) in calls {
                if !seen.contains(&id) {
                    let text = format!(
                        "[System: Tool execution skipped/interrupted by user. No result provided for tool '{name}'.]"
                    );
                    let block = json!({"type": "tool_result", "tool_use_id": id, "content": text});
                    results.push((id, block));
                }
            }
            return Ok(());
        }
        let ids = |unpaired: Vec<&str>| unpaired.join("', '");
        let unanswered: Vec<&str> = calls
            .iter()
            .map(|(id, _)| id.as_str())
            .filter(|id| !results.iter().any(|(result, _)| result == id))
            .collect();
        let orphans: Vec<&str> = results
            .iter()
            .map(|(id, _)| id.as_str())
            .filter(|id| !calls.iter().any(|(call, _)| call == id))
            .collect();
        let what = match (unanswered.is_empty(), orphans.is_empty()) {
            (true, true) => return Ok(()),
            (false, _) => format!("tool calls without a result in the next messages: '{}'", ids(unanswered)),
            (true, false) => {
                format!(
                    "tool results without a call in the assistant message before them: '{}'",
                    ids(orphans)
                )
            }
        };
        Err(Error::bad_request(format!(
            "Invalid 'messages': {what}. Send both, or set modify_params=True to have the conversation repaired."
        ))
        .with_param("messages"))
    }

    fn user_blocks(&mut self, message: &Message, index: usize) -> Result<Vec<Value>> {
        let mut out = Vec::new();
        match &message.content {
            None => {}
            Some(Content::Text(text)) => out.push(text_block(text)),
            Some(Content::Parts(parts)) => {
                out.reserve(parts.len());
                for (at, part) in parts.iter().enumerate() {
                    out.extend(self.blocks.block(part, &format!("messages[{index}].content[{at}]"))?);
                }
            }
        }
        if out.is_empty() {
            out.push(text_block(EMPTY_TEXT));
        }
        mark_last(&mut out, message.cache_control.as_ref());
        Ok(out)
    }

    fn tool_result(&mut self, message: &Message, index: usize) -> Result<(String, Value)> {
        let path = format!("messages[{index}]");
        let id = match (&message.tool_call_id, &message.role) {
            (Some(id), _) => call_id(id),
            // The old way has no ids: the last call of this name is meant.
            (None, Role::Function) => self
                .calls
                .iter()
                .rfind(|(_, name)| message.name.as_deref().is_none_or(|wanted| wanted == name))
                .map_or_else(|| call_id(""), |(id, _)| id.clone()),
            (None, _) => {
                let path = format!("{path}.tool_call_id");
                return Err(Error::bad_request(format!(
                    "Invalid '{path}': a tool message needs the id of the call it answers."
                ))
                .with_param(path));
            }
        };
        let content = result_content(message.content.as_ref(), self.blocks, &path)?;
        let mut block = object([
            ("type", "tool_result".into()),
            ("tool_use_id", id.clone().into()),
            ("content", content),
        ]);
        if let (Value::Object(map), Some(true)) =
            (&mut block, message.extra.get("is_error").and_then(Value::as_bool))
        {
            map.insert("is_error".to_owned(), true.into());
        }
        mark(&mut block, message.cache_control.as_ref());
        Ok((id, block))
    }

    /// One run of assistant messages as one turn. Returns where the next turn begins.
    fn assistant_turn(&mut self, messages: &[Message], from: usize) -> Result<usize> {
        let mut turn = assistant::Turn::default();
        let mut index = from;
        while let Some(message) = messages.get(index).filter(|message| message.role == Role::Assistant) {
            assistant::add(&mut turn, message, index, self.names, self.blocks)?;
            index += 1;
        }
        self.out.has_tools |= !turn.calls.is_empty();
        self.calls = turn.calls;
        self.push("assistant", turn.content);
        if index == messages.len() {
            self.end_with_assistant()?;
        }
        Ok(index)
    }

    /// The conversation ends with the assistant's words: a prefill, without space at its end (ANT-06).
    fn end_with_assistant(&mut self) -> Result<()> {
        let last = self.out.messages.last_mut().and_then(|message| message.get_mut("content"));
        if let Some(Value::Object(block)) =
            last.and_then(Value::as_array_mut).and_then(|blocks| blocks.last_mut())
            && let Some(Value::String(text)) = block.get_mut("text")
        {
            text.truncate(text.trim_end().len());
        }
        let mut results = Vec::new();
        self.pair(&mut results)?;
        self.push("user", results.into_iter().map(|(_, block)| block).collect());
        Ok(())
    }

    fn push(&mut self, role: &str, content: Vec<Value>) {
        if !content.is_empty() {
            self.out.messages.push(object([("role", role.into()), ("content", content.into())]));
        }
    }

    /// Somebody has to say something (ANT-05).
    fn close(mut self) -> Result<Conversation> {
        if self.out.messages.is_empty() {
            if !self.rules.modify_params {
                return Err(Error::bad_request(
                    "Invalid 'messages': at least one non-system message is needed. Add one, or set modify_params=True \
                     to have a user message 'Please continue.' added.",
                )
                .with_param("messages"));
            }
            self.push("user", vec![text_block(CONTINUE)]);
        }
        Ok(self.out)
    }
}

/// The id of a call or result that the caller wrote in the provider's own form.
pub fn native_id(block: &Value, kind: &str, key: &str) -> Option<String> {
    let is_kind = block.get("type").and_then(Value::as_str) == Some(kind);
    is_kind.then(|| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn put_operator_note(out: &mut Vec<Value>, system: Vec<Value>) {
    if !system.is_empty() {
        out.push(json!({"type": "text", "text": OPERATOR_NOTE}));
        out.extend(system);
    }
}

pub fn mark(block: &mut Value, cache_control: Option<&Value>) {
    if let (Value::Object(block), Some(cache_control)) = (block, cache_control) {
        block.entry("cache_control").or_insert_with(|| cache_control.clone());
    }
}

/// A message's own mark stands on its last block (ANT-27).
fn mark_last(blocks: &mut [Value], cache_control: Option<&Value>) {
    if let Some(last) = blocks.last_mut() {
        mark(last, cache_control);
    }
}
