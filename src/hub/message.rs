//! Messages of a request: parsed once at the edge, with errors that name the index and the field.

mod write;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::{Map, kind_of, take_string};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
    /// A role we have no name for; passed on as it is.
    Other(String),
}

impl Role {
    pub fn parse(text: &str) -> Self {
        match text {
            "system" => Self::System,
            "developer" => Self::Developer,
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "tool" => Self::Tool,
            "function" => Self::Function,
            other => Self::Other(other.to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Function => "function",
            Self::Other(other) => other,
        }
    }

    /// System and developer messages: instructions, not conversation.
    pub fn is_instruction(&self) -> bool {
        matches!(self, Self::System | Self::Developer)
    }
}

/// One message. Fields without a name here are kept in `extra`, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub role: Role,
    pub content: Option<Content>,
    pub name: Option<String>,
    pub tool_calls: Vec<ToolCall>,
    pub tool_call_id: Option<String>,
    pub function_call: Option<FunctionCall>,
    pub reasoning_content: Option<String>,
    /// `thinking` and `redacted_thinking` blocks with their signatures, as an earlier answer gave them.
    pub thinking_blocks: Vec<Map>,
    pub provider_specific_fields: Option<Map>,
    pub cache_control: Option<Value>,
    pub extra: Map,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// One part of a content list. `extra` holds the part's other keys, `inner` those of the object in it; `Other` a type we
/// have no name for.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text {
        text: String,
        cache_control: Option<Value>,
        extra: Map,
    },
    /// `format` is the public extension naming the MIME type (GEN-25).
    ImageUrl {
        url: String,
        detail: Option<String>,
        format: Option<String>,
        inner: Map,
        cache_control: Option<Value>,
        extra: Map,
    },
    InputAudio {
        data: String,
        format: String,
        inner: Map,
        extra: Map,
    },
    /// The `file` object: `file_id`, `file_data`, `filename`, `format` and whatever else.
    File {
        file: Map,
        cache_control: Option<Value>,
        extra: Map,
    },
    Other(Map),
}

#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    pub id: Option<String>,
    pub function: FunctionCall,
    pub provider_specific_fields: Option<Map>,
    pub cache_control: Option<Value>,
    /// Keys beside `id`, `type` and `function`; a custom call's own shape lies here too.
    pub extra: Map,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCall {
    pub name: Option<String>,
    /// A JSON text (GEN-16); empty means no arguments.
    pub arguments: String,
    pub provider_specific_fields: Option<Map>,
}

impl Content {
    pub fn parts(&self) -> Option<&[Part]> {
        match self {
            Self::Text(_) => None,
            Self::Parts(parts) => Some(parts),
        }
    }

    /// All text, joined; other parts have none.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => {
                Cow::Owned(parts.iter().filter_map(Part::text).collect::<Vec<_>>().concat())
            }
        }
    }
}

impl Part {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    pub fn from_text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), cache_control: None, extra: Map::new() }
    }
}

impl FunctionCall {
    /// The arguments as an object (GEN-16): none for an empty text or `null`. Anything else is refused by the path of
    /// the function, not replaced (GEN-17).
    pub fn arguments_object<'a, T: Deserialize<'a>>(&'a self, path: &str) -> Result<Option<T>> {
        let text = self.arguments.trim();
        if text.is_empty() || text == "null" {
            return Ok(None);
        }
        let refused = |why: &str| {
            let name = self.name.as_deref().unwrap_or_default();
            let what = format!("the arguments of the call of '{name}' are no JSON object{why}");
            Error::invalid(&format!("{path}.arguments"), &what)
        };
        if !text.starts_with('{') {
            return Err(refused(""));
        }
        match serde_json::from_str(text) {
            Ok(object) => Ok(Some(object)),
            Err(error) => Err(refused(&format!(" ({error})")).with_source(error)),
        }
    }
}

impl Message {
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { content: Some(Content::Text(content.into())), ..Self::empty(role) }
    }

    pub fn empty(role: Role) -> Self {
        Self {
            role,
            content: None,
            name: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
            function_call: None,
            reasoning_content: None,
            thinking_blocks: Vec::new(),
            provider_specific_fields: None,
            cache_control: None,
            extra: Map::new(),
        }
    }

    /// Text of the content, empty when there is none (GEN-18).
    pub fn text(&self) -> Cow<'_, str> {
        self.content.as_ref().map_or(Cow::Borrowed(""), Content::text)
    }

    /// About how long it becomes as JSON, in bytes.
    pub fn size_hint(&self) -> usize {
        64 + match &self.content {
            None => 0,
            Some(Content::Text(text)) => text.len(),
            Some(Content::Parts(parts)) => parts
                .iter()
                .map(|part| match part {
                    Part::Text { text, .. } => text.len() + 32,
                    Part::ImageUrl { url, .. } => url.len() + 64,
                    Part::InputAudio { data, .. } => data.len() + 64,
                    Part::File { .. } | Part::Other(_) => 128,
                })
                .sum(),
        }
    }
}

/// Reads the `messages` of a request. Errors name the index and the field.
pub fn parse_messages(value: Value) -> Result<Vec<Message>> {
    let Value::Array(items) = value else {
        return Err(Error::invalid(
            "messages",
            &format!("expected a list of messages, got {}", kind_of(&value)),
        ));
    };
    items.into_iter().enumerate().map(|(index, item)| parse_message(item, index)).collect()
}

/// A conversation needs at least one message.
pub fn check_messages(messages: &[Message]) -> Result<()> {
    if messages.is_empty() {
        return Err(Error::invalid("messages", "at least one message is needed, the list is empty"));
    }
    Ok(())
}

fn parse_message(value: Value, index: usize) -> Result<Message> {
    let path = format!("messages[{index}]");
    let Value::Object(mut map) = value else {
        return Err(Error::invalid(
            &path,
            &format!("expected an object with 'role' and 'content', got {}", kind_of(&value)),
        ));
    };
    let role = match map.shift_remove("role") {
        Some(Value::String(role)) => Role::parse(&role),
        None | Some(Value::Null) => {
            return Err(Error::invalid(&format!("{path}.role"), "a message needs a role"));
        }
        Some(other) => {
            return Err(Error::invalid(
                &format!("{path}.role"),
                &format!("expected a string, got {}", kind_of(&other)),
            ));
        }
    };
    let content = match map.shift_remove("content") {
        Some(value) => parse_content(value, &path)?,
        None => None,
    };
    let tool_calls = match map.shift_remove("tool_calls") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(call, item)| parse_tool_call(item, &format!("{path}.tool_calls[{call}]")))
            .collect::<Result<_>>()?,
        Some(other) => {
            let what = format!("expected a list, got {}", kind_of(&other));
            return Err(Error::invalid(&format!("{path}.tool_calls"), &what));
        }
    };
    let function_call = match map.shift_remove("function_call") {
        None | Some(Value::Null) => None,
        Some(value) => Some(parse_function(value, &format!("{path}.function_call"))?),
    };
    let thinking_blocks = match map.shift_remove("thinking_blocks") {
        Some(Value::Array(items)) => items
            .into_iter()
            .filter_map(|item| if let Value::Object(block) = item { Some(block) } else { None })
            .collect(),
        _ => Vec::new(),
    };
    Ok(Message {
        role,
        content,
        name: take_string(&mut map, "name"),
        tool_calls,
        tool_call_id: take_string(&mut map, "tool_call_id"),
        function_call,
        reasoning_content: take_string(&mut map, "reasoning_content"),
        thinking_blocks,
        provider_specific_fields: take_map(&mut map, "provider_specific_fields"),
        cache_control: take_some(&mut map, "cache_control"),
        extra: map,
    })
}

fn take_map(map: &mut Map, key: &str) -> Option<Map> {
    match map.shift_remove(key) {
        Some(Value::Object(inner)) => Some(inner),
        _ => None,
    }
}

/// The value under a key, `None` for null: `cache_control: null` is never sent (ANT-27).
fn take_some(map: &mut Map, key: &str) -> Option<Value> {
    map.shift_remove(key).filter(|value| !value.is_null())
}

fn parse_content(value: Value, path: &str) -> Result<Option<Content>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(Content::Text(text))),
        Value::Array(items) => {
            let parts = items
                .into_iter()
                .enumerate()
                .map(|(index, item)| parse_part(item, &format!("{path}.content[{index}]")))
                .collect::<Result<_>>()?;
            Ok(Some(Content::Parts(parts)))
        }
        other => {
            let what = format!("expected a string or a list of parts, got {}", kind_of(&other));
            Err(Error::invalid(&format!("{path}.content"), &what))
        }
    }
}

fn parse_part(value: Value, path: &str) -> Result<Part> {
    let mut map = match value {
        Value::Object(map) => map,
        // Some programs put bare strings among the parts.
        Value::String(text) => return Ok(Part::from_text(text)),
        other => return Err(Error::invalid(path, &format!("expected an object, got {}", kind_of(&other)))),
    };
    match map.get("type").and_then(Value::as_str) {
        Some("text") => {
            let Some(text) = take_string(&mut map, "text") else {
                return Err(Error::invalid(&format!("{path}.text"), "a text part needs a string 'text'"));
            };
            map.shift_remove("type");
            let cache_control = take_some(&mut map, "cache_control");
            Ok(Part::Text { text, cache_control, extra: map })
        }
        Some("image_url") => {
            map.shift_remove("type");
            let cache_control = take_some(&mut map, "cache_control");
            let (url, detail, format, inner) = match map.shift_remove("image_url") {
                Some(Value::String(url)) => (url, None, None, Map::new()),
                Some(Value::Object(mut image)) => {
                    let Some(url) = take_string(&mut image, "url") else {
                        return Err(Error::invalid(
                            &format!("{path}.image_url.url"),
                            "an image part needs a string 'url'",
                        ));
                    };
                    let detail = take_string(&mut image, "detail");
                    let format = take_string(&mut image, "format");
                    (url, detail, format, image)
                }
                _ => {
                    return Err(Error::invalid(
                        &format!("{path}.image_url"),
                        "an image part needs 'image_url', a string or an object with 'url'",
                    ));
                }
            };
            Ok(Part::ImageUrl { url, detail, format, inner, cache_control, extra: map })
        }
        Some("input_audio") => {
            let Some(Value::Object(mut audio)) = map.shift_remove("input_audio") else {
                return Err(Error::invalid(
                    &format!("{path}.input_audio"),
                    "an audio part needs an object with 'data' and 'format'",
                ));
            };
            let Some(data) = take_string(&mut audio, "data") else {
                return Err(Error::invalid(
                    &format!("{path}.input_audio.data"),
                    "an audio part needs a string 'data'",
                ));
            };
            map.shift_remove("type");
            let format = take_string(&mut audio, "format").unwrap_or_default();
            Ok(Part::InputAudio { data, format, inner: audio, extra: map })
        }
        Some("file") => {
            let Some(Value::Object(file)) = map.shift_remove("file") else {
                return Err(Error::invalid(
                    &format!("{path}.file"),
                    "a file part needs an object with 'file_id' or 'file_data'",
                ));
            };
            map.shift_remove("type");
            let cache_control = take_some(&mut map, "cache_control");
            Ok(Part::File { file, cache_control, extra: map })
        }
        _ => Ok(Part::Other(map)),
    }
}

/// A call of an answer that was kept.
impl<'de> Deserialize<'de> for ToolCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        parse_tool_call(Value::deserialize(deserializer)?, "tool_calls").map_err(serde::de::Error::custom)
    }
}

fn parse_tool_call(value: Value, path: &str) -> Result<ToolCall> {
    let Value::Object(mut map) = value else {
        return Err(Error::invalid(path, &format!("expected an object, got {}", kind_of(&value))));
    };
    let function = match map.shift_remove("function") {
        Some(value) => parse_function(value, &format!("{path}.function"))?,
        None if map.contains_key("custom") => {
            FunctionCall { name: None, arguments: String::new(), provider_specific_fields: None }
        }
        None => return Err(Error::invalid(&format!("{path}.function"), "a tool call needs a 'function'")),
    };
    if map.get("type").and_then(Value::as_str) == Some("function") {
        map.shift_remove("type");
    }
    Ok(ToolCall {
        id: take_string(&mut map, "id"),
        function,
        provider_specific_fields: take_map(&mut map, "provider_specific_fields"),
        cache_control: take_some(&mut map, "cache_control"),
        extra: map,
    })
}

fn parse_function(value: Value, path: &str) -> Result<FunctionCall> {
    let Value::Object(mut map) = value else {
        return Err(Error::invalid(path, &format!("expected an object, got {}", kind_of(&value))));
    };
    let arguments = match map.shift_remove("arguments") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        // Arguments given as an object become their JSON text (GEN-16).
        Some(other) => other.to_string(),
    };
    Ok(FunctionCall {
        name: take_string(&mut map, "name"),
        arguments,
        provider_specific_fields: take_map(&mut map, "provider_specific_fields"),
    })
}
