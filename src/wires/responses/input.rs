//! Input items as messages (OAR-02 … OAR-04, read the other way).

use serde_json::{Value, json};

use super::request::wrong;
use super::tools::FREE_TEXT;
use crate::error::{Error, Result};
use crate::json::{Map, object, spaced, str_at};

/// Adds the messages that `input` stands for.
pub fn messages(input: Value, out: &mut Vec<Value>) -> Result<()> {
    match input {
        Value::String(text) => out.push(json!({ "role": "user", "content": text })),
        Value::Array(items) => {
            let mut turns = Turns { out, open: None, media: Vec::new() };
            for (index, item) in items.into_iter().enumerate() {
                turns.add(item, index)?;
            }
            turns.close();
        }
        other => return Err(wrong("input", "a string or a list", &other)),
    }
    Ok(())
}

/// Messages so far. What the model said in one turn comes in several items, which make one message (OAR-03).
struct Turns<'a> {
    out: &'a mut Vec<Value>,
    open: Option<Turn>,
    /// Media of tool results, for which tool messages have no place.
    media: Vec<Value>,
}

/// A turn of the model.
#[derive(Default)]
struct Turn {
    content: Option<Value>,
    calls: Vec<Value>,
    reasoning: String,
    thinking_blocks: Vec<Value>,
}

impl Turns<'_> {
    fn add(&mut self, item: Value, index: usize) -> Result<()> {
        let path = format!("input[{index}]");
        let mut item = match item {
            Value::Object(item) => item,
            // A bare text is a message of the user's.
            Value::String(text) => {
                self.push(json!({ "role": "user", "content": text }));
                return Ok(());
            }
            other => return Err(wrong(&path, "an object", &other)),
        };
        let kind = str_at(&item, "type").unwrap_or("message").to_owned();
        match kind.as_str() {
            "message" => self.message(&mut item, &path),
            "reasoning" => {
                self.turn().think(&item);
                Ok(())
            }
            "function_call" => {
                let arguments = match item.shift_remove("arguments") {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text,
                    Some(other) => other.to_string(),
                };
                self.call(&item, arguments);
                Ok(())
            }
            "custom_tool_call" => {
                let input = item.shift_remove("input").unwrap_or_default();
                self.call(&item, spaced(&json!({ FREE_TEXT: input })));
                Ok(())
            }
            "function_call_output" | "custom_tool_call_output" => self.result(&mut item, &path),
            "item_reference" => Err(Error::bad_request(format!(
                "'{path}' refers to an item that this provider does not keep: send the item itself."
            ))
            .with_param(path)),
            kind => {
                tracing::warn!(kind, "an input item that chat completions have no place for is left out");
                Ok(())
            }
        }
    }

    fn message(&mut self, item: &mut Map, path: &str) -> Result<()> {
        let content = match item.shift_remove("content") {
            None | Some(Value::Null) => Value::String(String::new()),
            Some(Value::Array(parts)) => Value::Array(content_parts(parts, &format!("{path}.content"))?),
            Some(text @ Value::String(_)) => text,
            Some(other) => return Err(wrong(&format!("{path}.content"), "a string or a list", &other)),
        };
        let Some(role) = str_at(item, "role") else {
            return Err(
                Error::bad_request(format!("'{path}.role' is missing.")).with_param(format!("{path}.role"))
            );
        };
        if role == "assistant" {
            if self.open.as_ref().is_some_and(|open| open.content.is_some() && open.calls.is_empty()) {
                self.close();
            }
            self.turn().say(content);
            return Ok(());
        }
        let role = role.to_owned();
        self.push(object([("role", role.into()), ("content", content)]));
        Ok(())
    }

    fn call(&mut self, item: &Map, arguments: String) {
        let id = item.get("call_id").or_else(|| item.get("id")).cloned().unwrap_or_default();
        let name = item.get("name").cloned().unwrap_or_else(|| "".into());
        let function = object([("name", name), ("arguments", arguments.into())]);
        let mut call = Map::new();
        call.insert("id".into(), id);
        call.insert("type".into(), "function".into());
        call.insert("function".into(), function);
        if let Some(fields) = item.get("provider_specific_fields").filter(|fields| fields.is_object()) {
            call.insert("provider_specific_fields".into(), fields.clone());
        }
        self.turn().calls.push(call.into());
    }

    fn result(&mut self, item: &mut Map, path: &str) -> Result<()> {
        self.end_turn();
        let content = match item.shift_remove("output") {
            None | Some(Value::Null) => Value::String(String::new()),
            Some(text @ Value::String(_)) => text,
            Some(Value::Array(parts)) => {
                let (texts, media): (Vec<_>, Vec<_>) = content_parts(parts, &format!("{path}.output"))?
                    .into_iter()
                    .partition(|part| part["type"] == "text");
                self.media.extend(media);
                texts.into()
            }
            Some(other) => spaced(&other).into(),
        };
        let id = item.get("call_id").cloned().unwrap_or_default();
        self.out.push(object([("role", "tool".into()), ("content", content), ("tool_call_id", id)]));
        Ok(())
    }

    /// The turn that the model's items go to.
    fn turn(&mut self) -> &mut Turn {
        self.show_media();
        self.open.get_or_insert_default()
    }

    fn push(&mut self, message: Value) {
        self.close();
        self.out.push(message);
    }

    fn end_turn(&mut self) {
        if let Some(turn) = self.open.take() {
            self.out.push(turn.into_message());
        }
    }

    /// What tools have shown comes after all results of the turn, since these have to stand together.
    fn show_media(&mut self) {
        if !self.media.is_empty() {
            let mut parts = vec![json!({ "type": "text", "text": "Shown by the tools:" })];
            parts.append(&mut self.media);
            self.out.push(json!({ "role": "user", "content": parts }));
        }
    }

    fn close(&mut self) {
        self.end_turn();
        self.show_media();
    }
}

impl Turn {
    fn say(&mut self, content: Value) {
        self.content = Some(match self.content.take() {
            None => content,
            Some(before) => {
                let mut parts = as_parts(before);
                parts.append(&mut as_parts(content));
                parts.into()
            }
        });
    }

    /// Thinking that a provider signed lies in `encrypted_content` as that provider's blocks.
    fn think(&mut self, item: &Map) {
        let text_of = |list: &str| -> String {
            let parts = item.get(list).and_then(Value::as_array);
            parts
                .into_iter()
                .flatten()
                .filter_map(|part| part["text"].as_str())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let content = text_of("content");
        self.reasoning.push_str(&if content.is_empty() { text_of("summary") } else { content });
        let blocks =
            str_at(item, "encrypted_content").and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
        let is_block =
            |block: &Value| matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking"));
        self.thinking_blocks.extend(blocks.into_iter().flatten().filter(is_block));
    }

    fn into_message(self) -> Value {
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        if let Some(content) = self.content {
            message.insert("content".into(), content);
        }
        if !self.calls.is_empty() {
            message.insert("tool_calls".into(), self.calls.into());
        }
        if !self.reasoning.is_empty() {
            message.insert("reasoning_content".into(), self.reasoning.into());
        }
        if !self.thinking_blocks.is_empty() {
            message.insert("thinking_blocks".into(), self.thinking_blocks.into());
        }
        message.into()
    }
}

fn as_parts(content: Value) -> Vec<Value> {
    match content {
        Value::Array(parts) => parts,
        text => vec![object([("type", "text".into()), ("text", text)])],
    }
}

fn content_parts(parts: Vec<Value>, path: &str) -> Result<Vec<Value>> {
    let parts = parts.into_iter().enumerate();
    parts
        .map(|(index, part)| match part {
            Value::Object(part) => content_part(part, &format!("{path}[{index}]")),
            text @ Value::String(_) => Ok(object([("type", "text".into()), ("text", text)])),
            other => Err(wrong(&format!("{path}[{index}]"), "an object", &other)),
        })
        .collect()
}

fn content_part(mut part: Map, path: &str) -> Result<Value> {
    let marks = part.shift_remove("cache_control").filter(|value| !value.is_null());
    let mut take = |name: &str| part.shift_remove(name).filter(|value| !value.is_null());
    let Some(Value::String(kind)) = take("type") else {
        let what = format!("'{path}.type' is missing.");
        return Err(Error::bad_request(what).with_param(format!("{path}.type")));
    };
    let mut made = match kind.as_str() {
        "input_text" | "output_text" | "text" | "refusal" => {
            let text = take("text").or_else(|| take("refusal")).unwrap_or_else(|| "".into());
            object([("type", "text".into()), ("text", text)])
        }
        "input_image" => match (take("image_url"), take("file_id")) {
            (Some(Value::String(url)), _) => {
                let detail = take("detail").unwrap_or_else(|| "auto".into());
                let image = object([("url", url.into()), ("detail", detail)]);
                object([("type", "image_url".into()), ("image_url", image)])
            }
            (Some(image), _) => object([("type", "image_url".into()), ("image_url", image)]),
            (None, Some(id)) => json!({ "type": "file", "file": { "file_id": id } }),
            (None, None) => {
                let what = format!("'{path}' needs an 'image_url' or a 'file_id'.");
                return Err(Error::bad_request(what).with_param(path));
            }
        },
        "input_file" => {
            let mut file = Map::new();
            for name in ["file_id", "file_data", "filename"] {
                if let Some(value) = take(name) {
                    file.insert(name.to_owned(), value);
                }
            }
            if let Some(url) = take("file_url") {
                file.entry("file_id").or_insert(url);
            }
            object([("type", "file".into()), ("file", file.into())])
        }
        // Chat's own parts, and those nobody here knows.
        _ => {
            part.shift_insert(0, "type".into(), kind.into());
            Value::Object(part)
        }
    };
    if let (Some(marks), Value::Object(made)) = (marks, &mut made) {
        made.insert("cache_control".into(), marks);
    }
    Ok(made)
}
