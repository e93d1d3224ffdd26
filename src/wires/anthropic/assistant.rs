//! What the assistant said and did, as blocks of one turn.

use serde_json::Value;

use super::content::{Blocks, text_block};
use super::messages::{mark, native_id};
use super::names::call_id;
use crate::error::Result;
use crate::hub::{Content, Message, Part, ToolCall};
use crate::json::{Map, object, str_at};
use crate::wires::responses::ENCRYPTED;
use crate::wires::tool_names::ToolNames;

/// Ids of calls that the provider runs itself (ANT-34).
const SERVER_CALL: &str = "srvtoolu_";

/// One turn while it grows.
#[derive(Debug, Default)]
pub struct Turn {
    pub content: Vec<Value>,
    /// Calls that need a result: id as sent, name.
    pub calls: Vec<(String, String)>,
}

/// Thinking first and untouched (ANT-17), what server tools did in its place (ANT-18), then text, then calls.
pub fn add(
    turn: &mut Turn,
    message: &Message,
    index: usize,
    names: &ToolNames,
    blocks: &mut Blocks<'_>,
) -> Result<()> {
    let Turn { content: out, calls } = turn;
    let begin = out.len();
    let fields = message.provider_specific_fields.as_ref();
    out.extend(list(fields, "compaction_blocks").iter().cloned());
    let text = text_blocks(message, index, blocks)?;
    let has_own_thinking = text.iter().any(is_thinking);
    let mut thinking =
        message.thinking_blocks.iter().filter(|_| !has_own_thinking).filter_map(thinking_block);
    let mut server = Vec::new();
    let mut client = Vec::new();
    for (at, call) in message.tool_calls.iter().enumerate() {
        let path = format!("messages[{index}].tool_calls[{at}].function");
        match call.id.as_deref() {
            Some(id) if id.starts_with(SERVER_CALL) => server.extend(server_group(call, id, fields, &path)?),
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
        let input = Value::Object(function.arguments_object(&path)?.unwrap_or_default());
        let mut block = object([
            ("type", "tool_use".into()),
            ("id", id.clone().into()),
            ("name", names.sent(name).into()),
            ("input", input),
        ]);
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
fn text_blocks(message: &Message, index: usize, blocks: &mut Blocks<'_>) -> Result<Vec<Value>> {
    let has_calls = !message.tool_calls.is_empty() || message.function_call.is_some();
    let wanted = |text: &str| !has_calls || !text.trim().is_empty();
    let mut out = Vec::new();
    match &message.content {
        None => {}
        Some(Content::Text(text)) if !wanted(text) => {}
        Some(Content::Text(text)) => out.push(text_block(text)),
        Some(Content::Parts(parts)) => {
            for (at, part) in parts.iter().enumerate() {
                match part {
                    Part::Text { text, .. } if !wanted(text) => {}
                    // A picture of its own is nothing an assistant can be made to have said.
                    Part::ImageUrl { .. } => {}
                    part => out.extend(blocks.block(part, &format!("messages[{index}].content[{at}]"))?),
                }
            }
        }
    }
    Ok(out)
}

/// Thinking goes back as it came, but only what the provider signed (ANT-17, ANT-21, AMI-25).
fn thinking_block(block: &Map) -> Option<Value> {
    let is_foreign = |signature: &str| signature.is_empty() || signature.starts_with(ENCRYPTED);
    if str_at(block, "type") == Some("thinking") && str_at(block, "signature").is_none_or(is_foreign) {
        return None;
    }
    let mut block = block.clone();
    // Where a streamed piece stood in its list.
    block.shift_remove("index");
    block.retain(|_, value| !value.is_null());
    Some(Value::Object(block))
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
    let input = Value::Object(call.function.arguments_object(path)?.unwrap_or_default());
    let name = call.function.name.as_deref().unwrap_or_default();
    let call = object([
        ("type", "server_tool_use".into()),
        ("id", id.into()),
        ("name", name.into()),
        ("input", input),
    ]);
    let mut result = result.clone();
    if let Value::Object(map) = &mut result {
        map.retain(|_, value| !value.is_null());
    }
    Ok(Some([call, result]))
}

fn list<'a>(fields: Option<&'a Map>, key: &str) -> &'a [Value] {
    fields.and_then(|fields| fields.get(key)?.as_array()).map_or(&[], Vec::as_slice)
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
