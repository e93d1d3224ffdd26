//! Messages as Cohere has them: OpenAI's form, with the plan of a tool-using turn as `tool_plan`.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::hub::{Content, Message, Part, Role, Target, ToolCall};
use crate::json::Map;

/// Fields of an earlier answer that are not Cohere's (GEN-23).
const INTERNAL: &[&str] = &["annotations", "audio", "images", "reasoning_items", "refusal"];

/// A message on its way out. Written straight from the request (GEN-10).
pub struct Sent<'a>(pub &'a Message);

struct SentContent<'a>(&'a Content);

struct SentPart<'a>(&'a Part);

struct SentCall<'a>(&'a ToolCall);

impl Serialize for Sent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let message = self.0;
        let mut map = serializer.serialize_map(None)?;
        // Instructions have one role here (GEN-11).
        let role = if message.role == Role::Developer { &Role::System } else { &message.role };
        map.serialize_entry("role", role.as_str())?;
        match &message.content {
            Some(content) => map.serialize_entry("content", &SentContent(content))?,
            // A tool that returned nothing (GEN-18).
            None if message.role == Role::Tool => map.serialize_entry("content", "")?,
            None => {}
        }
        if let Some(name) = &message.name {
            map.serialize_entry("name", name)?;
        }
        if !message.tool_calls.is_empty() {
            let calls: Vec<SentCall<'_>> = message.tool_calls.iter().map(SentCall).collect();
            map.serialize_entry("tool_calls", &calls)?;
            // Where answers put it (COH-04).
            if let Some(plan) = message.reasoning_content.as_deref().filter(|plan| !plan.is_empty())
                && !message.extra.contains_key("tool_plan")
            {
                map.serialize_entry("tool_plan", plan)?;
            }
        }
        if let Some(id) = &message.tool_call_id {
            map.serialize_entry("tool_call_id", id)?;
        }
        if let Some(call) = &message.function_call {
            map.serialize_entry("function_call", call)?;
        }
        for (name, value) in known(&message.extra) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn known(extra: &Map) -> impl Iterator<Item = (&String, &Value)> {
    extra.iter().filter(|(name, value)| !value.is_null() && !INTERNAL.contains(&name.as_str()))
}

/// The kind of a part that Cohere has no place for.
fn foreign(part: &Part) -> Option<&'static str> {
    match part {
        Part::InputAudio { .. } => Some("input_audio"),
        Part::File { .. } => Some("file"),
        Part::Text { .. } | Part::ImageUrl { .. } | Part::Other(_) => None,
    }
}

/// Cohere reads texts and images. What else there is, is refused by its place, or left out with `drop_params`.
pub fn check(messages: &[Message], target: &Target) -> Result<()> {
    if target.options.drop_params {
        return Ok(());
    }
    for (index, message) in messages.iter().enumerate() {
        let parts = message.content.as_ref().and_then(Content::parts).unwrap_or_default();
        if let Some((part, kind)) = parts.iter().enumerate().find_map(|(at, part)| Some((at, foreign(part)?)))
        {
            let what =
                format!("Cohere takes texts and images, not '{kind}'. To leave it out, set drop_params=True");
            return Err(Error::invalid(&format!("messages[{index}].content[{part}]"), &what));
        }
    }
    Ok(())
}

impl Serialize for SentContent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Content::Text(text) => serializer.serialize_str(text),
            Content::Parts(parts) => {
                serializer.collect_seq(parts.iter().filter(|part| foreign(part).is_none()).map(SentPart))
            }
        }
    }
}

impl Serialize for SentPart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let extra = match self.0 {
            Part::Text { text, extra, .. } => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
                extra
            }
            Part::ImageUrl { url, detail, inner, extra, .. } => {
                // `format` is a hint of ours (GEN-25).
                let named = [("url", Some(url)), ("detail", detail.as_ref())];
                let image = with_inner(named, inner);
                map.serialize_entry("type", "image_url")?;
                map.serialize_entry("image_url", &image)?;
                extra
            }
            Part::InputAudio { extra, .. } | Part::File { extra, .. } => extra,
            Part::Other(part) => part,
        };
        for (name, value) in extra.iter().filter(|(name, value)| !value.is_null() && *name != "cache_control")
        {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// An object inside a part: what is known of it, and its other keys.
fn with_inner(named: [(&str, Option<&String>); 2], inner: &Map) -> Map {
    let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.as_str().into())));
    let others = inner.iter().filter(|(_, value)| !value.is_null());
    named.chain(others.map(|(name, value)| (name.clone(), value.clone()))).collect()
}

impl Serialize for SentCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let call = self.0;
        let mut map = serializer.serialize_map(None)?;
        if let Some(id) = &call.id {
            map.serialize_entry("id", id)?;
        }
        if !call.extra.contains_key("type") {
            map.serialize_entry("type", "function")?;
        }
        if !call.extra.contains_key("custom") {
            let mut function = Map::new();
            if let Some(name) = &call.function.name {
                function.insert("name".into(), name.as_str().into());
            }
            // An empty text is no JSON (GEN-16).
            let arguments = Some(call.function.arguments.as_str()).filter(|text| !text.is_empty());
            function.insert("arguments".into(), arguments.unwrap_or("{}").into());
            map.serialize_entry("function", &function)?;
        }
        for (name, value) in call.extra.iter().filter(|(name, value)| !value.is_null() && *name != "index") {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
