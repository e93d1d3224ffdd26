//! System texts, turns and their blocks as messages (AMI-01, AMI-06, AMI-11, AMI-21 … AMI-24).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::ids::sent_name;
use super::request::wrong;
use crate::error::{Error, Result};
use crate::json::{Map, object, spaced, str_at};
use crate::wires::Destination;

/// In front of instructions that came in the middle of a conversation, where they become the user's text (AMI-11).
const LATE_SYSTEM: &str = "The following is an instruction of the operator, not of the user.";

/// In front of the result of a tool that failed (AMI-06).
const FAILED: &str = "[The tool failed]";

/// The leading system message: a text, or blocks of text.
pub fn system(system: Value, path: &str, destination: &Destination<'_>) -> Result<Option<Value>> {
    let content = match system {
        Value::String(text) if text.is_empty() => return Ok(None),
        text @ Value::String(_) => text,
        Value::Array(blocks) if blocks.is_empty() => return Ok(None),
        Value::Array(blocks) => {
            let reader = Reader { destination };
            let mut parts = Vec::with_capacity(blocks.len());
            for (index, block) in blocks.into_iter().enumerate() {
                parts.extend(reader.part(block, &format!("{path}[{index}]"))?);
            }
            parts.into()
        }
        other => return Err(wrong(path, "a string or a list of blocks", &other)),
    };
    Ok(Some(object([("role", "system".into()), ("content", content)])))
}

/// Adds the messages that the turns stand for.
pub fn messages(turns: Value, destination: &Destination<'_>, out: &mut Vec<Value>) -> Result<()> {
    let Value::Array(turns) = turns else { return Err(wrong("messages", "a list", &turns)) };
    let mut writer = Writer { reader: Reader { destination }, out, late: Vec::new(), begun: false };
    for (index, turn) in turns.into_iter().enumerate() {
        let path = format!("messages[{index}]");
        match turn {
            Value::Object(turn) => writer.turn(turn, &path)?,
            other => return Err(wrong(&path, "an object", &other)),
        }
    }
    writer.put_late();
    Ok(())
}

struct Writer<'a> {
    reader: Reader<'a>,
    out: &'a mut Vec<Value>,
    /// Instructions that wait until the results of the tools are out.
    late: Vec<Value>,
    /// A turn that is no instruction has come.
    begun: bool,
}

impl Writer<'_> {
    fn turn(&mut self, mut turn: Map, path: &str) -> Result<()> {
        let content = turn.shift_remove("content").unwrap_or_default();
        match str_at(&turn, "role") {
            Some("system") => return self.instruction(content, path),
            Some("assistant") => {
                self.put_late();
                let message = self.reader.assistant(content, path)?;
                self.out.push(message);
            }
            Some("user") => self.user(content, path)?,
            Some(role) => {
                let path = format!("{path}.role");
                let what = format!("Invalid '{path}': expected 'user' or 'assistant', got '{role}'.");
                return Err(Error::bad_request(what).with_param(path));
            }
            None => {
                let path = format!("{path}.role");
                return Err(Error::bad_request(format!("'{path}' is missing.")).with_param(path));
            }
        }
        self.begun = true;
        Ok(())
    }

    fn instruction(&mut self, content: Value, path: &str) -> Result<()> {
        let Some(message) = system(content, &format!("{path}.content"), self.reader.destination)? else {
            return Ok(());
        };
        if !self.begun || self.reader.destination.is_claude() {
            self.out.push(message);
            return Ok(());
        }
        let mut parts = vec![json!({ "type": "text", "text": LATE_SYSTEM })];
        match message["content"].clone() {
            Value::Array(blocks) => parts.extend(blocks),
            text => parts.push(object([("type", "text".into()), ("text", text)])),
        }
        self.late.push(json!({ "role": "user", "content": parts }));
        Ok(())
    }

    fn put_late(&mut self) {
        self.out.append(&mut self.late);
    }

    /// Results of tools come first: they have to follow the calls.
    fn user(&mut self, content: Value, path: &str) -> Result<()> {
        let blocks = match content {
            Value::Array(blocks) => blocks,
            Value::String(_) | Value::Null => {
                self.put_late();
                let text = if content.is_null() { "".into() } else { content };
                self.out.push(object([("role", "user".into()), ("content", text)]));
                return Ok(());
            }
            other => return Err(wrong(&format!("{path}.content"), "a string or a list of blocks", &other)),
        };
        let is_empty = blocks.is_empty();
        let mut parts = Vec::new();
        let mut has_results = false;
        for (index, block) in blocks.into_iter().enumerate() {
            let path = format!("{path}.content[{index}]");
            if block["type"] == "tool_result" {
                let Value::Object(block) = block else { continue };
                self.out.push(self.reader.result(block, &path)?);
                has_results = true;
            } else {
                parts.extend(self.reader.part(block, &path)?);
            }
        }
        self.put_late();
        if !parts.is_empty() || is_empty || !has_results {
            self.out.push(object([("role", "user".into()), ("content", parts.into())]));
        }
        Ok(())
    }
}

struct Reader<'a> {
    destination: &'a Destination<'a>,
}

impl Reader<'_> {
    /// A block of a user's turn or of a tool's result as a part; `None` for one that is left out.
    fn part(&self, block: Value, path: &str) -> Result<Option<Value>> {
        let mut block = match block {
            Value::Object(block) => block,
            Value::String(text) => return Ok(Some(object([("type", "text".into()), ("text", text.into())]))),
            other => return Err(wrong(path, "an object", &other)),
        };
        let mark = block.shift_remove("cache_control").filter(|mark| !mark.is_null());
        let kind = str_at(&block, "type").unwrap_or_default().to_owned();
        let made = match kind.as_str() {
            "text" => {
                let text = block.shift_remove("text").unwrap_or_else(|| "".into());
                Some(object([("type", "text".into()), ("text", text)]))
            }
            "image" => source(&mut block).and_then(|source| image(&source)),
            "document" => source(&mut block).and_then(|source| document(&source, &block)),
            // Parts of chat completions.
            "image_url" | "input_audio" | "file" => Some(Value::Object(block)),
            _ if self.destination.is_claude() => Some(Value::Object(block)),
            _ => None,
        };
        let Some(mut made) = made else { return self.unknown(&kind, path).map(|()| None) };
        if let (Some(mark), Value::Object(made)) = (mark, &mut made) {
            made.insert("cache_control".into(), mark);
        }
        Ok(Some(made))
    }

    /// AMI-22
    fn unknown(&self, kind: &str, path: &str) -> Result<()> {
        if self.destination.drop_params {
            tracing::warn!(kind, "a block that this provider has no place for is left out");
            return Ok(());
        }
        let what = format!(
            "'{path}' is a block of type '{kind}' that this provider has no place for. To leave it out, set \
             drop_params=True."
        );
        Err(Error::bad_request(what).with_param(path))
    }

    /// The result of a tool as a message of its own (AMI-21).
    fn result(&self, mut block: Map, path: &str) -> Result<Value> {
        let failed = block.get("is_error") == Some(&Value::Bool(true));
        let mut parts = match block.shift_remove("content") {
            None | Some(Value::Null) => Vec::new(),
            Some(text @ Value::String(_)) => vec![object([("type", "text".into()), ("text", text)])],
            Some(Value::Array(blocks)) => {
                let mut parts = Vec::with_capacity(blocks.len());
                for (index, block) in blocks.into_iter().enumerate() {
                    parts.extend(self.part(block, &format!("{path}.content[{index}]"))?);
                }
                parts
            }
            Some(other) => return Err(wrong(&format!("{path}.content"), "a string or a list", &other)),
        };
        let has_flag = self.destination.is_claude();
        if failed && !has_flag {
            match parts.first_mut().and_then(|part| part.get_mut("text")) {
                Some(Value::String(text)) => text.insert_str(0, &format!("{FAILED} ")),
                _ => parts.insert(0, json!({ "type": "text", "text": FAILED })),
            }
        }
        let content = match parts.as_slice() {
            [] => "".into(),
            [part] if part["type"] == "text" && part.get("cache_control").is_none() => part["text"].clone(),
            _ => Value::Array(parts),
        };
        let mut message = Map::new();
        message.insert("role".into(), "tool".into());
        message.insert("tool_call_id".into(), block.shift_remove("tool_use_id").unwrap_or_default());
        message.insert("content".into(), content);
        if failed && has_flag {
            message.insert("is_error".into(), true.into());
        }
        if let Some(mark) = block.shift_remove("cache_control").filter(|mark| !mark.is_null()) {
            message.insert("cache_control".into(), mark);
        }
        Ok(message.into())
    }

    /// What the model said earlier (AMI-24).
    fn assistant(&self, content: Value, path: &str) -> Result<Value> {
        let blocks = match content {
            Value::Array(blocks) => blocks,
            Value::String(_) | Value::Null => {
                return Ok(object([("role", "assistant".into()), ("content", content)]));
            }
            other => return Err(wrong(&format!("{path}.content"), "a string or a list of blocks", &other)),
        };
        let mut said = Said::default();
        for (index, block) in blocks.into_iter().enumerate() {
            match block {
                Value::Object(block) => said.add(block, self.destination),
                other => return Err(wrong(&format!("{path}.content[{index}]"), "an object", &other)),
            }
        }
        Ok(said.into_message(self.destination))
    }
}

/// A turn of the model.
#[derive(Default)]
struct Said {
    parts: Vec<Value>,
    calls: Vec<Value>,
    thinking_blocks: Vec<Value>,
    reasoning: String,
}

impl Said {
    fn add(&mut self, mut block: Map, destination: &Destination<'_>) {
        match str_at(&block, "type") {
            Some("text") => {
                block.retain(|name, value| {
                    matches!(name.as_str(), "type" | "text" | "cache_control") && !value.is_null()
                });
                self.parts.push(Value::Object(block));
            }
            Some("thinking" | "redacted_thinking") => {
                block.shift_remove("cache_control");
                self.reasoning.push_str(str_at(&block, "thinking").unwrap_or_default());
                self.thinking_blocks.push(Value::Object(block));
            }
            Some("tool_use") => self.calls.push(call(block)),
            Some(_) if destination.is_claude() => self.parts.push(Value::Object(block)),
            kind => tracing::warn!(kind, "a block of an earlier answer is left out"),
        }
    }

    fn into_message(self, destination: &Destination<'_>) -> Value {
        let keeps_list = destination.takes_cache_marks()
            && self.parts.iter().any(|part| part.get("cache_control").is_some())
            || self.parts.iter().any(|part| part["type"] != "text");
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        if keeps_list {
            message.insert("content".into(), self.parts.into());
        } else if !self.parts.is_empty() {
            let text: String = self.parts.iter().filter_map(|part| part["text"].as_str()).collect();
            message.insert("content".into(), text.into());
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

fn call(mut block: Map) -> Value {
    let arguments = match block.shift_remove("input") {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(Value::String(text)) => text,
        Some(input) => spaced(&input),
    };
    let name = sent_name(str_at(&block, "name").unwrap_or_default());
    let mut function = Map::new();
    function.insert("name".into(), name.into());
    function.insert("arguments".into(), arguments.into());
    let fields = block.get("provider_specific_fields");
    // A signature of Gemini's that came with the call goes back with it (AMI-05).
    if let Some(signature) = fields.and_then(|fields| fields.get("signature")).filter(|it| it.is_string()) {
        let fields = object([("thought_signature", signature.clone())]);
        function.insert("provider_specific_fields".into(), fields);
    }
    let mut made = Map::new();
    made.insert("id".into(), block.shift_remove("id").unwrap_or_default());
    made.insert("type".into(), "function".into());
    made.insert("function".into(), function.into());
    if let Some(mark) = block.shift_remove("cache_control").filter(|mark| !mark.is_null()) {
        made.insert("cache_control".into(), mark);
    }
    made.into()
}

fn source(block: &mut Map) -> Option<Map> {
    match block.shift_remove("source") {
        Some(Value::Object(source)) => Some(source),
        _ => None,
    }
}

/// Where the bytes are: inline, at an address, or in a file that the provider keeps.
enum Place<'a> {
    Inline(String),
    Url(&'a str),
    File(&'a Value),
}

fn place<'a>(source: &'a Map, default_mime: &str) -> Option<Place<'a>> {
    match str_at(source, "type")? {
        "base64" => {
            let mime = str_at(source, "media_type").unwrap_or(default_mime);
            Some(Place::Inline(format!("data:{mime};base64,{}", str_at(source, "data")?)))
        }
        "text" => {
            let data = STANDARD.encode(str_at(source, "data")?);
            Some(Place::Inline(format!("data:text/plain;base64,{data}")))
        }
        "url" => str_at(source, "url").map(Place::Url),
        "file" => source.get("file_id").map(Place::File),
        _ => None,
    }
}

fn image(source: &Map) -> Option<Value> {
    let url = match place(source, "image/jpeg")? {
        Place::Inline(url) => url,
        Place::Url(url) => url.to_owned(),
        Place::File(id) => return Some(json!({ "type": "file", "file": { "file_id": id } })),
    };
    Some(json!({ "type": "image_url", "image_url": { "url": url } }))
}

/// Inline documents are files, remote ones addresses (AMI-23).
fn document(source: &Map, block: &Map) -> Option<Value> {
    let file = match place(source, "application/pdf")? {
        Place::Inline(data) => {
            let name = str_at(block, "title").unwrap_or("document");
            json!({ "filename": name, "file_data": data })
        }
        Place::Url(url) => return Some(json!({ "type": "image_url", "image_url": { "url": url } })),
        Place::File(id) => json!({ "file_id": id }),
    };
    Some(json!({ "type": "file", "file": file }))
}
