//! Messages in OpenAI's own shape.
//!
//! What only other providers understand (thinking blocks, cache control, provider specific fields) is written here too:
//! the hub form is complete, and a wire removes what its provider did not define.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Content, FunctionCall, Message, Part, ToolCall};
use crate::json::Map;

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", self.role.as_str())?;
        if let Some(content) = &self.content {
            map.serialize_entry("content", content)?;
        }
        optional(&mut map, "name", self.name.as_ref())?;
        if !self.tool_calls.is_empty() {
            map.serialize_entry("tool_calls", &self.tool_calls)?;
        }
        optional(&mut map, "tool_call_id", self.tool_call_id.as_ref())?;
        optional(&mut map, "function_call", self.function_call.as_ref())?;
        optional(&mut map, "reasoning_content", self.reasoning_content.as_ref())?;
        if !self.thinking_blocks.is_empty() {
            map.serialize_entry("thinking_blocks", &self.thinking_blocks)?;
        }
        optional(&mut map, "provider_specific_fields", self.provider_specific_fields.as_ref())?;
        optional(&mut map, "cache_control", self.cache_control.as_ref())?;
        rest(&mut map, &self.extra)?;
        map.end()
    }
}

fn optional<M: SerializeMap, T: Serialize>(
    map: &mut M,
    key: &str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}

/// The unknown keys, without nulls (GEN-05).
fn rest<M: SerializeMap>(map: &mut M, extra: &Map) -> Result<(), M::Error> {
    extra
        .iter()
        .filter(|(_, value)| !value.is_null())
        .try_for_each(|(key, value)| map.serialize_entry(key, value))
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Parts(parts) => parts.serialize(serializer),
        }
    }
}

struct Image<'a> {
    url: &'a str,
    detail: Option<&'a String>,
    format: Option<&'a String>,
    inner: &'a Map,
}

impl Serialize for Image<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", self.url)?;
        optional(&mut map, "detail", self.detail)?;
        optional(&mut map, "format", self.format)?;
        rest(&mut map, self.inner)?;
        map.end()
    }
}

struct Audio<'a> {
    data: &'a str,
    format: &'a str,
    inner: &'a Map,
}

impl Serialize for Audio<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("data", self.data)?;
        map.serialize_entry("format", self.format)?;
        rest(&mut map, self.inner)?;
        map.end()
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Text { text, cache_control, extra } => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
                optional(&mut map, "cache_control", cache_control.as_ref())?;
                rest(&mut map, extra)?;
            }
            Self::ImageUrl { url, detail, format, inner, cache_control, extra } => {
                map.serialize_entry("type", "image_url")?;
                let image = Image { url, detail: detail.as_ref(), format: format.as_ref(), inner };
                map.serialize_entry("image_url", &image)?;
                optional(&mut map, "cache_control", cache_control.as_ref())?;
                rest(&mut map, extra)?;
            }
            Self::InputAudio { data, format, inner, extra } => {
                map.serialize_entry("type", "input_audio")?;
                map.serialize_entry("input_audio", &Audio { data, format, inner })?;
                rest(&mut map, extra)?;
            }
            Self::File { file, cache_control, extra } => {
                map.serialize_entry("type", "file")?;
                map.serialize_entry("file", file)?;
                optional(&mut map, "cache_control", cache_control.as_ref())?;
                rest(&mut map, extra)?;
            }
            Self::Other(other) => rest(&mut map, other)?,
        }
        map.end()
    }
}

impl Serialize for ToolCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        optional(&mut map, "id", self.id.as_ref())?;
        if !self.extra.contains_key("type") {
            map.serialize_entry("type", "function")?;
        }
        if !self.extra.contains_key("custom") {
            map.serialize_entry("function", &self.function)?;
        }
        optional(&mut map, "provider_specific_fields", self.provider_specific_fields.as_ref())?;
        optional(&mut map, "cache_control", self.cache_control.as_ref())?;
        rest(&mut map, &self.extra)?;
        map.end()
    }
}

impl Serialize for FunctionCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        optional(&mut map, "name", self.name.as_ref())?;
        map.serialize_entry("arguments", &self.arguments)?;
        optional(&mut map, "provider_specific_fields", self.provider_specific_fields.as_ref())?;
        map.end()
    }
}
