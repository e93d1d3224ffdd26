//! The conversation as turns: who may speak when, what comes first in a turn.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::content::{Blocks, EMPTY_TEXT, result_content, text_block};
use super::names::{ToolNames, call_id};
use crate::error::{Error, Result};
use crate::hub::{Content, FunctionCall, Message, Part, Role, ToolCall};
use crate::json::{Map, str_at};

/// Said before a late system message that has to travel as the user's (ANT-02).
const OPERATOR_NOTE: &str = "Operator note (not from the user): the following was originally a mid-conversation system-role reminder.";

/// What the user says when nobody said anything (ANT-05).
const CONTINUE: &str = "Please continue.";

/// Ids of calls that the provider runs itself (ANT-34).
pub const SERVER_CALL: &str = "srvtoolu_";

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
        let system = builder.instruction(message, index)?;
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
    fn instruction(&mut self, message: &Message, index: usize) -> Result<Vec<Value>> {
        let mut out = Vec::new();
        match &message.content {
            None => {}
            Some(Content::Text(text)) => {
                if !text.is_empty() {
                    out.push(json!({"type": "text", "text": text}));
                }
            }
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
                    let blocks = self.instruction(message, index)?;
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
        let mut block = json!({"type": "tool_result", "tool_use_id": id, "content": content});
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
        let mut content = Vec::new();
        let mut calls = Vec::new();
        let mut index = from;
        while let Some(message) = messages.get(index).filter(|message| message.role == Role::Assistant) {
            self.assistant_blocks(message, index, &mut content, &mut calls)?;
            index += 1;
        }
        self.out.has_tools |= !calls.is_empty();
        self.calls = calls;
        self.push("assistant", content);
        if index == messages.len() {
            self.end_with_assistant()?;
        }
        Ok(index)
    }

    /// Thinking first and untouched (ANT-17), what server tools did in its place (ANT-18), then text, then calls.
    fn assistant_blocks(
        &mut self,
        message: &Message,
        index: usize,
        out: &mut Vec<Value>,
        calls: &mut Vec<(String, String)>,
    ) -> Result<()> {
        let begin = out.len();
        let fields = message.provider_specific_fields.as_ref();
        out.extend(list(fields, "compaction_blocks").iter().cloned());
        let text = self.assistant_text(message, index)?;
        let has_own_thinking = text.iter().any(is_thinking);
        let mut thinking =
            message.thinking_blocks.iter().filter(|_| !has_own_thinking).filter_map(thinking_block);
        let mut server = Vec::new();
        let mut client = Vec::new();
        for (at, call) in message.tool_calls.iter().enumerate() {
            let path = format!("messages[{index}].tool_calls[{at}]");
            match call.id.as_deref() {
                Some(id) if id.starts_with(SERVER_CALL) => {
                    server.extend(server_group(call, id, fields, &path)?)
                }
                id => client.push((id.map(call_id), &call.function, call.cache_control.as_ref(), path)),
            }
        }
        if let Some(function) = &message.function_call {
            client.push((None, function, None, format!("messages[{index}].function_call")));
        }
        let mut server = server.into_iter();
        let first = thinking.next();
        let interleaved = first.is_some();
        if interleaved {
            // A signature holds for one place only: thinking and what it led to take turns.
            out.extend(first);
            out.extend(server.next().into_iter().flatten());
            for block in thinking {
                out.push(block);
                out.extend(server.next().into_iter().flatten());
            }
            out.extend(server.by_ref().flatten());
        }
        for block in text {
            if let Some(id) = native_id(&block, "tool_use", "id") {
                let name = block.get("name").and_then(Value::as_str).unwrap_or_default();
                calls.push((id, name.to_owned()));
            }
            out.push(block);
        }
        out.extend(server.flatten());
        for (at, (id, function, cache_control, path)) in client.into_iter().enumerate() {
            let id = id.unwrap_or_else(|| format!("call_{index}_{at}"));
            // Merged turns may repeat a call (ANT-09).
            if calls.iter().any(|(known, _)| *known == id) {
                continue;
            }
            let name = function.name.as_deref().unwrap_or_default();
            let input = arguments(function, &path)?;
            let mut block =
                json!({"type": "tool_use", "id": id, "name": self.names.sent(name), "input": input});
            mark(&mut block, cache_control);
            out.push(block);
            calls.push((id, name.to_owned()));
        }
        if let Some(own) = out.get_mut(begin..) {
            mark_text(own, message.cache_control.as_ref());
        }
        Ok(())
    }

    /// Text and native blocks of an assistant message. Empty text is left out beside a call (ANT-04).
    fn assistant_text(&mut self, message: &Message, index: usize) -> Result<Vec<Value>> {
        let has_calls = !message.tool_calls.is_empty() || message.function_call.is_some();
        let wanted = |text: &str| !has_calls || !text.trim().is_empty();
        let mut out = Vec::new();
        match &message.content {
            None => {}
            Some(Content::Text(text)) => {
                if wanted(text) {
                    out.push(text_block(text));
                }
            }
            Some(Content::Parts(parts)) => {
                for (at, part) in parts.iter().enumerate() {
                    match part {
                        Part::Text { text, .. } if !wanted(text) => {}
                        // A picture of its own is nothing an assistant can be made to have said.
                        Part::ImageUrl { .. } => {}
                        part => {
                            out.extend(self.blocks.block(part, &format!("messages[{index}].content[{at}]"))?)
                        }
                    }
                }
            }
        }
        Ok(out)
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
            self.out.messages.push(json!({"role": role, "content": content}));
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

/// Thinking goes back as it came, but only what the provider signed (ANT-17, ANT-21).
fn thinking_block(block: &Map) -> Option<Value> {
    if str_at(block, "type") == Some("thinking") && str_at(block, "signature").is_none_or(str::is_empty) {
        return None;
    }
    let mut block = block.clone();
    // Where a streamed piece stood in its list.
    block.shift_remove("index");
    block.retain(|_, value| !value.is_null());
    Some(Value::Object(block))
}

/// The id of a call or result that the caller wrote in the provider's own form.
fn native_id(block: &Value, kind: &str, key: &str) -> Option<String> {
    let is_kind = block.get("type").and_then(Value::as_str) == Some(kind);
    is_kind.then(|| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn is_thinking(block: &Value) -> bool {
    matches!(block.get("type").and_then(Value::as_str), Some("thinking" | "redacted_thinking"))
}

/// A call the provider ran, and its result out of the fields of the earlier answer (ANT-34). Without the result the
/// provider would refuse the call: nothing is sent then.
fn server_group(call: &ToolCall, id: &str, fields: Option<&Map>, path: &str) -> Result<Option<[Value; 2]>> {
    let result = ["web_search_results", "tool_results"]
        .into_iter()
        .flat_map(|key| list(fields, key))
        .find(|result| result.get("tool_use_id").and_then(Value::as_str) == Some(id));
    let Some(result) = result else { return Ok(None) };
    let input = arguments(&call.function, path)?;
    let name = call.function.name.as_deref().unwrap_or_default();
    let call = json!({"type": "server_tool_use", "id": id, "name": name, "input": input});
    let mut result = result.clone();
    if let Value::Object(map) = &mut result {
        map.retain(|_, value| !value.is_null());
    }
    Ok(Some([call, result]))
}

fn list<'a>(fields: Option<&'a Map>, key: &str) -> &'a [Value] {
    fields.and_then(|fields| fields.get(key)?.as_array()).map_or(&[], Vec::as_slice)
}

/// Arguments as an object (GEN-16); anything else is named, not replaced (GEN-17).
fn arguments(function: &FunctionCall, path: &str) -> Result<Value> {
    let text = function.arguments.trim();
    if text.is_empty() {
        return Ok(json!({}));
    }
    let wrong = |what: String| {
        let name = function.name.as_deref().unwrap_or_default();
        let path = format!("{path}.function.arguments");
        Error::bad_request(format!("Invalid '{path}': the arguments of the tool '{name}' {what}."))
            .with_param(path)
    };
    match serde_json::from_str(text) {
        Ok(Value::Null) => Ok(json!({})),
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(wrong("are not a JSON object".to_owned())),
        Err(error) => Err(wrong(format!("are not valid JSON: {error}"))),
    }
}

fn put_operator_note(out: &mut Vec<Value>, system: Vec<Value>) {
    if !system.is_empty() {
        out.push(json!({"type": "text", "text": OPERATOR_NOTE}));
        out.extend(system);
    }
}

fn mark(block: &mut Value, cache_control: Option<&Value>) {
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

/// An assistant's mark stands on its text, on a call only where there is none; never on thinking.
fn mark_text(blocks: &mut [Value], cache_control: Option<&Value>) {
    let is_text = |block: &Value| block.get("type").and_then(Value::as_str) == Some("text");
    let at =
        blocks.iter().rposition(is_text).or_else(|| blocks.iter().rposition(|block| !is_thinking(block)));
    if let Some(block) = at.and_then(|at| blocks.get_mut(at)) {
        mark(block, cache_control);
    }
}
