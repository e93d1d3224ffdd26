//! Contents and their parts as messages.

use serde_json::{Value, json};

use super::request::{field, wrong};
use crate::error::{Error, Result};
use crate::json::{Map, object, spaced, str_at};
use crate::wires::Destination;

/// Contents in the one form that the interface knows: a list of objects with `role` and `parts`. Google's own client
/// takes bare texts and single contents, too.
pub fn settled(contents: Value) -> Result<Vec<Map>> {
    match contents {
        Value::Array(items) => {
            let mut out: Vec<Map> = Vec::with_capacity(items.len());
            let mut loose = false;
            for (index, item) in items.into_iter().enumerate() {
                let path = format!("contents[{index}]");
                match item {
                    Value::Object(content)
                        if content.contains_key("parts") || content.contains_key("role") =>
                    {
                        loose = false;
                        out.push(content);
                    }
                    part @ (Value::String(_) | Value::Object(_)) => {
                        // Bare parts that follow each other are one turn of the user's.
                        let part = of_part(part);
                        match out.last_mut().filter(|_| loose).and_then(|last| last.get_mut("parts")) {
                            Some(Value::Array(parts)) => parts.push(part),
                            _ => out.push(user(part)),
                        }
                        loose = true;
                    }
                    other => return Err(wrong(&path, "an object or a string", &other)),
                }
            }
            Ok(out)
        }
        Value::Object(content) if content.contains_key("parts") => Ok(vec![content]),
        part @ (Value::String(_) | Value::Object(_)) => Ok(vec![user(of_part(part))]),
        other => Err(wrong("contents", "a list of contents or a string", &other)),
    }
}

fn of_part(part: Value) -> Value {
    if part.is_string() { object([("text", part)]) } else { part }
}

fn user(part: Value) -> Map {
    let mut content = Map::new();
    content.insert("role".into(), "user".into());
    content.insert("parts".into(), Value::Array(vec![part]));
    content
}

/// The texts of an instruction: a text, a content, or parts.
pub fn instruction(said: &Value) -> Option<String> {
    let text = match said {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(instruction).collect::<Vec<_>>().join("\n"),
        Value::Object(content) => match content.get("parts") {
            Some(parts) => instruction(parts)?,
            None => str_at(content, "text")?.to_owned(),
        },
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// Adds the messages that the contents stand for.
pub fn messages(contents: Vec<Map>, destination: &Destination<'_>, out: &mut Vec<Value>) -> Result<()> {
    let mut writer = Writer { out, calls: Vec::new(), count: 0, destination };
    for (index, content) in contents.into_iter().enumerate() {
        writer.content(content, &format!("contents[{index}]"))?;
    }
    Ok(())
}

struct Writer<'a> {
    out: &'a mut Vec<Value>,
    /// Calls without a result yet: name, id.
    calls: Vec<(String, String)>,
    count: usize,
    destination: &'a Destination<'a>,
}

impl Writer<'_> {
    fn content(&mut self, mut content: Map, path: &str) -> Result<()> {
        let parts = match content.shift_remove("parts") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(parts)) => parts,
            Some(part @ (Value::Object(_) | Value::String(_))) => vec![part],
            Some(other) => return Err(wrong(&format!("{path}.parts"), "a list", &other)),
        };
        let mut read = Vec::with_capacity(parts.len());
        for (index, part) in parts.into_iter().enumerate() {
            match of_part(part) {
                Value::Object(part) => read.push((part, format!("{path}.parts[{index}]"))),
                other => return Err(wrong(&format!("{path}.parts[{index}]"), "an object", &other)),
            }
        }
        match str_at(&content, "role").unwrap_or("user") {
            "model" | "assistant" => self.model(read),
            _ => self.user(read),
        }
    }

    /// Results come first: they have to follow their calls.
    fn user(&mut self, parts: Vec<(Map, String)>) -> Result<()> {
        let mut said = Vec::new();
        let count = parts.len();
        let mut results = 0;
        for (mut part, path) in parts {
            if let Some(Value::Object(response)) = field(&mut part, "functionResponse") {
                results += 1;
                let message = self.result(response);
                self.out.push(message);
            } else if let Some(part) = self.part(part, &path)? {
                said.push(part);
            }
        }
        if results < count || count == 0 {
            let content = match said.as_slice() {
                [only] if only["type"] == "text" => only["text"].clone(),
                _ => said.into(),
            };
            self.out.push(object([("role", "user".into()), ("content", content)]));
        }
        Ok(())
    }

    fn result(&mut self, mut response: Map) -> Value {
        let name = str_at(&response, "name").unwrap_or_default().to_owned();
        let id = match str_at(&response, "id").filter(|id| !id.is_empty()) {
            Some(id) => {
                self.calls.retain(|(_, known)| known != id);
                id.to_owned()
            }
            // Without an id, results answer the calls of their name in order.
            None => match self.calls.iter().position(|(known, _)| *known == name) {
                Some(at) => self.calls.remove(at).1,
                None => format!("call_{name}"),
            },
        };
        let content = match response.shift_remove("response") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(other) => spaced(&other),
        };
        json!({ "role": "tool", "tool_call_id": id, "content": content })
    }

    fn model(&mut self, parts: Vec<(Map, String)>) -> Result<()> {
        let mut text = String::new();
        let mut reasoning = String::new();
        let mut calls = Vec::new();
        let mut others = Vec::new();
        for (mut part, path) in parts {
            let signature = field(&mut part, "thoughtSignature");
            if let Some(Value::Object(call)) = field(&mut part, "functionCall") {
                calls.push(self.call(call, signature));
            } else if part.get("thought") == Some(&Value::Bool(true)) {
                reasoning.push_str(str_at(&part, "text").unwrap_or_default());
            } else if let Some(said) = str_at(&part, "text") {
                text.push_str(said);
            } else if let Some(part) = self.part(part, &path)? {
                others.push(part);
            }
        }
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        if !others.is_empty() {
            let said = (!text.is_empty()).then(|| json!({ "type": "text", "text": text }));
            message.insert("content".into(), said.into_iter().chain(others).collect::<Vec<_>>().into());
        } else if !text.is_empty() || calls.is_empty() {
            message.insert("content".into(), text.into());
        }
        if !calls.is_empty() {
            message.insert("tool_calls".into(), calls.into());
        }
        if !reasoning.is_empty() {
            message.insert("reasoning_content".into(), reasoning.into());
        }
        self.out.push(message.into());
        Ok(())
    }

    fn call(&mut self, mut call: Map, signature: Option<Value>) -> Value {
        let name = str_at(&call, "name").unwrap_or_default().to_owned();
        let id = str_at(&call, "id").filter(|id| !id.is_empty()).map(str::to_owned);
        let id = id.unwrap_or_else(|| format!("call_{name}_{}", self.count));
        self.count += 1;
        self.calls.push((name.clone(), id.clone()));
        let arguments = match call.shift_remove("args") {
            None | Some(Value::Null) => "{}".to_owned(),
            Some(arguments) => spaced(&arguments),
        };
        let mut function = Map::new();
        function.insert("name".into(), name.into());
        function.insert("arguments".into(), arguments.into());
        if let Some(signature) = signature {
            function.insert("provider_specific_fields".into(), json!({ "thought_signature": signature }));
        }
        object([("id", id.into()), ("type", "function".into()), ("function", function.into())])
    }

    /// A part of a turn; `None` for one that is left out.
    fn part(&self, mut part: Map, path: &str) -> Result<Option<Value>> {
        if let Some(text) = part.shift_remove("text").filter(|text| !text.is_null()) {
            return Ok(Some(object([("type", "text".into()), ("text", text)])));
        }
        if let Some(Value::Object(mut inline)) = field(&mut part, "inlineData") {
            let mime = field(&mut inline, "mimeType");
            let mime = mime.as_ref().and_then(Value::as_str).unwrap_or("application/octet-stream");
            let data = standard_base64(str_at(&inline, "data").unwrap_or_default());
            return Ok(Some(inline_media(mime, data)));
        }
        if let Some(Value::Object(mut file)) = field(&mut part, "fileData") {
            let uri = field(&mut file, "fileUri").unwrap_or_default();
            let mime = field(&mut file, "mimeType");
            let is_image =
                mime.as_ref().and_then(Value::as_str).is_none_or(|mime| mime.starts_with("image/"));
            return Ok(Some(if is_image {
                json!({ "type": "image_url", "image_url": { "url": uri } })
            } else {
                let mut file = json!({ "file_id": uri });
                if let Some(mime) = mime {
                    file["format"] = mime;
                }
                json!({ "type": "file", "file": file })
            }));
        }
        let kind = part.keys().next().map_or("nothing", String::as_str);
        if self.destination.drop_params {
            tracing::warn!(kind, "a part that this provider has no place for is left out");
            return Ok(None);
        }
        let what = format!(
            "'{path}' holds {kind}, which this provider has no place for. To leave it out, set drop_params=True."
        );
        Err(Error::bad_request(what).with_param(path))
    }
}

/// Google takes the alphabet of addresses, too, and its own client writes it.
fn standard_base64(data: &str) -> String {
    data.replace('-', "+").replace('_', "/")
}

fn inline_media(mime: &str, data: String) -> Value {
    if mime.starts_with("image/") {
        return json!({ "type": "image_url", "image_url": { "url": format!("data:{mime};base64,{data}") } });
    }
    match mime {
        "audio/wav" | "audio/x-wav" | "audio/mp3" | "audio/mpeg" => {
            let format = if mime.ends_with("wav") { "wav" } else { "mp3" };
            json!({ "type": "input_audio", "input_audio": { "data": data, "format": format } })
        }
        _ => {
            let extension = mime.rsplit('/').next().unwrap_or("bin");
            json!({ "type": "file", "file": {
                "filename": format!("document.{extension}"),
                "file_data": format!("data:{mime};base64,{data}"),
            } })
        }
    }
}
