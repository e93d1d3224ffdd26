//! The conversation as turns: who may speak when, what comes first in a turn (BED-07 … BED-09, BED-14, BED-24).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::content::{Blocks, add_placeholder, text_block};
use super::model::Family;
use super::names::call_id;
use super::pairs;
use crate::error::{Error, Result};
use crate::hub::{Content, FunctionCall, Message, Part, Role};
use crate::json::{Map, object, str_at};
use crate::wires::fillers::{CONTINUE, OPERATOR_NOTE};
use crate::wires::tool_names::ToolNames;

/// The switches the conversation depends on.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub family: Family,
    pub modify_params: bool,
    /// Without tools, calls and results are told in words: their blocks would be refused (GEN-21).
    pub has_tools: bool,
    /// A guardrail looks at what the user said last (BED-24).
    pub guarded: bool,
}

/// What the body needs of the conversation.
#[derive(Debug, Default)]
pub struct Conversation {
    pub system: Vec<Value>,
    pub turns: Vec<Turn>,
}

#[derive(Debug)]
pub struct Turn {
    pub role: &'static str,
    pub content: Vec<Value>,
}

pub fn encode(
    messages: &[Message],
    names: &ToolNames,
    rules: Rules,
    blocks: &mut Blocks<'_>,
) -> Result<Conversation> {
    let leading = messages.iter().take_while(|message| message.role.is_instruction()).count();
    let guard_from = guard_from(messages, rules);
    let mut builder = Builder { names, rules, blocks, out: Conversation::default() };
    for (index, message) in messages.iter().enumerate() {
        if index < leading {
            let system = builder.instruction(message, index)?;
            builder.out.system.extend(system);
            continue;
        }
        match &message.role {
            Role::System | Role::Developer => {
                let said = builder.instruction(message, index)?;
                if !said.is_empty() {
                    builder.say("user", vec![text_block(OPERATOR_NOTE)]);
                    builder.say("user", said);
                }
            }
            Role::User => {
                let said = builder.user(message, index, index >= guard_from)?;
                builder.say("user", said);
            }
            Role::Assistant => {
                let said = builder.assistant(message, index, index + 1 == messages.len())?;
                builder.say("assistant", said);
            }
            Role::Tool | Role::Function => builder.result(message, index)?,
            Role::Other(role) => {
                let path = format!("messages[{index}].role");
                return Err(Error::bad_request(format!(
                    "Invalid '{path}': expected system, developer, user, assistant or tool, got '{role}'."
                ))
                .with_param(path));
            }
        }
    }
    builder.close(leading == messages.len())
}

/// Where the run of the user's messages begins that a guardrail is to look at: none where the caller marked text.
fn guard_from(messages: &[Message], rules: Rules) -> usize {
    let marked = messages
        .iter()
        .filter_map(|message| message.content.as_ref()?.parts())
        .flatten()
        .any(|part| matches!(part, Part::Other(map) if str_at(map, "type") == Some("guarded_text")));
    if !rules.guarded || marked {
        return usize::MAX;
    }
    messages.len() - messages.iter().rev().take_while(|message| message.role == Role::User).count()
}

struct Builder<'a, 'r> {
    names: &'a ToolNames,
    rules: Rules,
    blocks: &'a mut Blocks<'r>,
    out: Conversation,
}

impl Builder<'_, '_> {
    /// Consecutive turns of one role are one turn (GEN-12).
    fn say(&mut self, role: &'static str, content: Vec<Value>) {
        if content.is_empty() {
            return;
        }
        match self.out.turns.last_mut() {
            Some(turn) if turn.role == role => turn.content.extend(content),
            _ => self.out.turns.push(Turn { role, content }),
        }
    }

    /// Text of a system message, with its cache points.
    fn instruction(&mut self, message: &Message, index: usize) -> Result<Vec<Value>> {
        let mut out = Vec::new();
        match &message.content {
            None => {}
            Some(Content::Text(text)) if text.is_empty() => {}
            Some(Content::Text(text)) => out.push(text_block(text)),
            Some(Content::Parts(parts)) => {
                for (at, part) in parts.iter().enumerate() {
                    let path = format!("messages[{index}].content[{at}]");
                    let guarded =
                        matches!(part, Part::Other(map) if str_at(map, "type") == Some("guarded_text"));
                    if !matches!(part, Part::Text { .. }) && !guarded {
                        let what = format!("Invalid '{path}': a system message takes text only.");
                        return Err(Error::bad_request(what).with_param(path));
                    }
                    self.blocks.part(part, &path, &mut out)?;
                }
            }
        }
        if !out.is_empty() {
            out.extend(self.blocks.caching.point(message.cache_control.as_ref()));
        }
        Ok(out)
    }

    fn user(&mut self, message: &Message, index: usize, guarded: bool) -> Result<Vec<Value>> {
        let mut out = Vec::new();
        match &message.content {
            None => {}
            Some(Content::Text(text)) if text.is_empty() => {}
            Some(Content::Text(text)) => out.push(text_block(text)),
            Some(Content::Parts(parts)) => {
                for (at, part) in parts.iter().enumerate() {
                    self.blocks.part(part, &format!("messages[{index}].content[{at}]"), &mut out)?;
                }
            }
        }
        if guarded {
            out.iter_mut().for_each(guard);
        }
        let blank = |block: &Value| {
            block.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty())
        };
        if self.rules.modify_params && out.iter().all(blank) {
            out = vec![text_block(CONTINUE)];
        }
        if !out.is_empty() {
            out.extend(self.blocks.caching.point(message.cache_control.as_ref()));
        }
        add_placeholder(&mut out);
        Ok(out)
    }

    /// Thinking, then words and media, then calls (BED-07).
    fn assistant(&mut self, message: &Message, index: usize, last: bool) -> Result<Vec<Value>> {
        let mut out: Vec<Value> =
            message.thinking_blocks.iter().filter_map(|block| thinking(block, self.rules.family)).collect();
        let mut words = Vec::new();
        match &message.content {
            None => {}
            Some(Content::Text(text)) => words.extend(spoken(text)),
            Some(Content::Parts(parts)) => {
                for (at, part) in parts.iter().enumerate() {
                    match part {
                        Part::Text { text, .. } if text.trim().is_empty() => {}
                        Part::Other(map)
                            if matches!(str_at(map, "type"), Some("thinking" | "redacted_thinking")) =>
                        {
                            if message.thinking_blocks.is_empty() {
                                out.extend(thinking(map, self.rules.family));
                            }
                        }
                        part => {
                            let path = format!("messages[{index}].content[{at}]");
                            self.blocks.part(part, &path, &mut words)?;
                        }
                    }
                }
            }
        }
        let calls = self.calls(message, index)?;
        if last && calls.is_empty() {
            strip_end(&mut words);
        }
        if !words.is_empty() {
            words.extend(self.blocks.caching.point(message.cache_control.as_ref()));
        }
        out.append(&mut words);
        if self.rules.has_tools {
            out.extend(calls);
        } else {
            tell(&mut out, message);
        }
        if self.rules.modify_params && out.is_empty() {
            out.push(text_block(CONTINUE));
        }
        Ok(out)
    }

    fn calls(&mut self, message: &Message, index: usize) -> Result<Vec<Value>> {
        let mut out = Vec::new();
        for (at, call) in message.tool_calls.iter().enumerate() {
            let path = format!("messages[{index}].tool_calls[{at}].function");
            let id = call.id.clone().unwrap_or_else(|| format!("call_{index}_{at}"));
            out.push(self.call(&id, &call.function, &path)?);
            out.extend(self.blocks.caching.point(call.cache_control.as_ref()));
        }
        if let Some(function) = &message.function_call {
            let path = format!("messages[{index}].function_call");
            out.push(self.call(function.name.as_deref().unwrap_or_default(), function, &path)?);
        }
        Ok(out)
    }

    fn call(&self, id: &str, function: &FunctionCall, path: &str) -> Result<Value> {
        let input = if self.rules.has_tools {
            Value::Object(function.arguments_object(path)?.unwrap_or_default())
        } else {
            Value::Null
        };
        let name = self.names.sent(function.name.as_deref().unwrap_or_default());
        let mut call = Map::new();
        call.insert("input".to_owned(), input);
        call.insert("name".to_owned(), name.into());
        call.insert("toolUseId".to_owned(), call_id(id).into());
        Ok(object([("toolUse", call.into())]))
    }

    fn result(&mut self, message: &Message, index: usize) -> Result<()> {
        // The old way has names only.
        let by_name = message.name.as_deref().filter(|_| message.role == Role::Function);
        let Some(id) = message.tool_call_id.as_deref().or(by_name) else {
            let path = format!("messages[{index}].tool_call_id");
            return Err(Error::bad_request(format!(
                "Invalid '{path}': a tool message needs the id of the call it answers."
            ))
            .with_param(path));
        };
        if !self.rules.has_tools {
            let told = format!("[tool result for {id}: {}]", message.text());
            self.say("user", vec![text_block(&told)]);
            return Ok(());
        }
        let mut content = Vec::new();
        let mut mark = message.cache_control.as_ref();
        match &message.content {
            None => {}
            Some(Content::Text(text)) => content.push(text_block(text)),
            Some(Content::Parts(parts)) => {
                for (at, part) in parts.iter().enumerate() {
                    match part {
                        // A point has no place inside a result.
                        Part::Text { text, cache_control, .. } => {
                            content.push(text_block(text));
                            mark = mark.or(cache_control.as_ref());
                        }
                        part => {
                            let path = format!("messages[{index}].content[{at}]");
                            let begin = content.len();
                            self.blocks.part(part, &path, &mut content)?;
                            content.truncate(begin + 1);
                        }
                    }
                }
            }
        }
        let mut result = Map::new();
        result.insert("content".to_owned(), content.into());
        result.insert("toolUseId".to_owned(), call_id(id).into());
        if message.extra.get("is_error") == Some(&Value::Bool(true)) {
            result.insert("status".to_owned(), "error".into());
        }
        let mut blocks = vec![object([("toolResult", result.into())])];
        blocks.extend(self.blocks.caching.point(mark));
        self.say("user", blocks);
        Ok(())
    }

    fn close(mut self, only_system: bool) -> Result<Conversation> {
        if only_system && !self.rules.modify_params {
            let what = "Invalid Message: bedrock requires at least one non-system message. Or set modify_params=True.";
            return Err(Error::bad_request(what).with_param("messages"));
        }
        let turns = &mut self.out.turns;
        pairs::settle(turns, self.rules.modify_params, CONTINUE)?;
        if self.rules.modify_params {
            // Who asked has to speak first and last (BED-09).
            let turn = || Turn { role: "user", content: vec![text_block(CONTINUE)] };
            if turns.first().is_none_or(|turn| turn.role == "assistant") {
                turns.insert(0, turn());
            }
            if turns.last().is_some_and(|turn| turn.role == "assistant") {
                turns.push(turn());
            }
        }
        Ok(self.out)
    }
}

fn spoken(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| text_block(text))
}

/// An answer that is to be continued may not end in space (ANT-06).
fn strip_end(words: &mut [Value]) {
    if let Some(Value::Object(block)) = words.last_mut()
        && let Some(Value::String(text)) = block.get_mut("text")
    {
        text.truncate(text.trim_end().len());
    }
}

/// Text as a guardrail looks at it.
fn guard(block: &mut Value) {
    let Value::Object(map) = block else { return };
    if let Some(text) = map.shift_remove("text") {
        map.insert("guardContent".to_owned(), json!({"text": {"text": text}}));
    }
}

/// What was thought, with its signature, untouched (ANT-17, BED-15). Without one it is only text (ANT-21), and what
/// is hidden means something to Claude alone.
fn thinking(block: &Map, family: Family) -> Option<Value> {
    match str_at(block, "type") {
        Some("thinking") => {
            let text = str_at(block, "thinking").unwrap_or_default();
            let Some(signature) = str_at(block, "signature").filter(|signature| !signature.is_empty()) else {
                return spoken(text);
            };
            Some(json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}))
        }
        Some("redacted_thinking") if family == Family::Anthropic => {
            let data = str_at(block, "data")?;
            // Bytes travel as base64; what came from here is that already.
            let is_base64 = STANDARD.decode(data).is_ok();
            let data = if is_base64 { data.to_owned() } else { STANDARD.encode(data) };
            Some(json!({"reasoningContent": {"redactedContent": data}}))
        }
        _ => None,
    }
}

/// Calls in words, behind what was said.
fn tell(out: &mut Vec<Value>, message: &Message) {
    let line = |id: &str, function: &FunctionCall| {
        format!("[tool call {id}: {}({})]", function.name.as_deref().unwrap_or_default(), function.arguments)
    };
    let mut told: Vec<String> = message
        .tool_calls
        .iter()
        .map(|call| line(call.id.as_deref().unwrap_or_default(), &call.function))
        .collect();
    told.extend(message.function_call.as_ref().map(|function| line("", function)));
    if told.is_empty() {
        return;
    }
    let told = told.join("\n");
    match out.last_mut().and_then(|block| block.get_mut("text")) {
        Some(Value::String(text)) => {
            text.push('\n');
            text.push_str(&told);
        }
        _ => out.push(text_block(&told)),
    }
}
