//! The pieces of a conversation as they are written: borrowed from the request, so that a large image is copied
//! into the body and nowhere else.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::Map;

#[derive(Debug, Serialize)]
pub struct Turn<'a> {
    pub role: &'static str,
    pub parts: Vec<Part<'a>>,
}

/// One part: exactly one of the payloads, and what may stand beside it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought: Option<bool>,
    #[serde(flatten)]
    pub payload: Option<Payload<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought_signature: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_resolution: Option<MediaResolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_metadata: Option<Map>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Payload<'a> {
    Text(Cow<'a, str>),
    InlineData(Blob<'a>),
    FileData(FileData<'a>),
    FunctionCall(FunctionCall<'a>),
    FunctionResponse(FunctionResponse<'a>),
    ToolCall(Map),
    ToolResponse(Map),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob<'a> {
    pub mime_type: Cow<'a, str>,
    pub data: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<Cow<'a, str>>,
    pub file_uri: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
pub struct FunctionCall<'a> {
    pub name: &'a str,
    /// As the caller wrote them, checked to be an object.
    pub args: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct FunctionResponse<'a> {
    pub name: &'a str,
    pub response: Response<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part<'a>>,
}

/// A result that is an object stands for itself; anything else is wrapped (GEM-05).
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response<'a> {
    Object(Box<RawValue>),
    Wrapped { content: Cow<'a, str> },
}

/// JSON text that goes into the body unread.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Raw<'a> {
    Text(&'a RawValue),
    Empty(Map),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolution {
    Low,
    Medium,
    High,
    UltraHigh,
}

#[derive(Debug, Serialize)]
pub struct MediaResolution {
    pub level: Resolution,
}

impl Resolution {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "MEDIA_RESOLUTION_LOW",
            Self::Medium => "MEDIA_RESOLUTION_MEDIUM",
            Self::High => "MEDIA_RESOLUTION_HIGH",
            Self::UltraHigh => "MEDIA_RESOLUTION_ULTRA_HIGH",
        }
    }
}

impl Serialize for Resolution {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'a> Part<'a> {
    pub fn of(payload: Payload<'a>) -> Self {
        Self { payload: Some(payload), ..Self::default() }
    }

    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::of(Payload::Text(text.into()))
    }

    pub fn thought(text: &'a str, signature: Option<&'a str>) -> Self {
        Self { thought: Some(true), thought_signature: signature.map(Cow::Borrowed), ..Self::text(text) }
    }

    pub fn is_text(&self) -> bool {
        matches!(self.payload, Some(Payload::Text(_)))
    }

    /// Roughly how many bytes it will take.
    pub fn size_hint(&self) -> usize {
        64 + match &self.payload {
            Some(Payload::Text(text)) => text.len(),
            Some(Payload::InlineData(blob)) => blob.data.len(),
            Some(Payload::FunctionResponse(response)) => {
                response.parts.iter().map(Self::size_hint).sum::<usize>()
                    + match &response.response {
                        Response::Object(raw) => raw.get().len(),
                        Response::Wrapped { content } => content.len(),
                    }
            }
            _ => 128,
        }
    }
}

impl From<Map> for Raw<'_> {
    fn from(map: Map) -> Self {
        Self::Empty(map)
    }
}

/// Whether a key stands anywhere in a value.
pub fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(map) => map.contains_key(key) || map.values().any(|inner| has_key(inner, key)),
        Value::Array(items) => items.iter().any(|inner| has_key(inner, key)),
        _ => false,
    }
}
