//! A conversation as turns of user and model (GEM-01 … GEM-11).

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::media::{self, Reader};
use super::model;
use super::parts::{FunctionCall, FunctionResponse, Part, Payload, Raw, Resolution, Response, Turn, has_key};
use super::signatures::{
    Signatures, server_invocations, signature_of, split_id, thought_signature, thoughts,
};
use crate::error::{Error, Result};
use crate::hub::{
    ChatRequest, Content, FunctionCall as CalledFunction, Message, Part as HubPart, Role, Target,
};
use crate::json::{Map, str_at};

/// What Google documents for a call whose signature is lost: base64 of `skip_thought_signature_validator` (GEM-09).
const SKIP_VALIDATION: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// A conversation, ready to be written.
#[derive(Debug)]
pub struct Conversation<'a> {
    pub system: Vec<Part<'a>>,
    pub turns: Vec<Turn<'a>>,
    /// The finest resolution asked for, where a model takes one for the whole request (GEM-22).
    pub resolution: Option<Resolution>,
}

pub fn encode<'a>(request: &'a ChatRequest, target: &Target) -> Result<Conversation<'a>> {
    let modern = model::is_modern(target);
    let mut writer = Writer {
        modern,
        system_apart: model::takes_system_instruction(target),
        reader: Reader {
            fetched: &request.media,
            per_part: modern,
            takes_web_media: target.accent.takes_web_media,
            finest: None,
        },
        system: Vec::new(),
        turns: Vec::new(),
        open: None,
        calls: HashMap::new(),
        last_function: None,
    };
    for (index, message) in request.messages.iter().enumerate() {
        writer.message(message, index)?;
    }
    Ok(writer.finish())
}

/// Whose turn it is. Results of tools are the user's, but a turn of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Model,
    Tools,
}

struct Writer<'a> {
    modern: bool,
    system_apart: bool,
    reader: Reader<'a>,
    system: Vec<Part<'a>>,
    turns: Vec<Turn<'a>>,
    open: Option<(Speaker, Vec<Part<'a>>)>,
    /// Names of the calls so far, by id without signature (GEM-04).
    calls: HashMap<&'a str, &'a str>,
    /// The last call in the old form, which has no id.
    last_function: Option<&'a str>,
}

impl<'a> Writer<'a> {
    fn message(&mut self, message: &'a Message, index: usize) -> Result<()> {
        let path = format!("messages[{index}]");
        match &message.role {
            Role::System | Role::Developer if self.system_apart => {
                self.system.extend(texts(message.content.as_ref()).filter(|part| !is_empty_text(part)));
            }
            Role::System | Role::Developer => {
                let parts: Vec<Part<'a>> = texts(message.content.as_ref()).collect();
                self.parts(Speaker::User).extend(parts);
            }
            Role::User => {
                let parts = self.user_parts(message, &path)?;
                self.parts(Speaker::User).extend(parts);
            }
            Role::Assistant => {
                let parts = self.model_parts(message, &path)?;
                self.parts(Speaker::Model).extend(parts);
            }
            Role::Tool | Role::Function => {
                let parts = self.tool_parts(message, &path)?;
                self.parts(Speaker::Tools).extend(parts);
            }
            Role::Other(role) => {
                let path = format!("{path}.role");
                let what = format!(
                    "Invalid '{path}': '{role}' is none of 'system', 'developer', 'user', 'assistant', 'tool', \
                     'function'."
                );
                return Err(Error::bad_request(what).with_param(path));
            }
        }
        Ok(())
    }

    /// Where parts of a speaker go: one turn as long as the speaker goes on (GEN-12).
    fn parts(&mut self, speaker: Speaker) -> &mut Vec<Part<'a>> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != speaker) {
            self.close();
        }
        &mut self.open.get_or_insert_with(|| (speaker, Vec::new())).1
    }

    fn close(&mut self) {
        let Some((speaker, mut parts)) = self.open.take() else { return };
        if parts.is_empty() {
            return;
        }
        if speaker == Speaker::User && !parts.iter().any(Part::is_text) {
            // Media alone are not understood (GEM-03).
            parts.push(Part::text(" "));
        }
        let role = if speaker == Speaker::Model { "model" } else { "user" };
        self.turns.push(Turn { role, parts });
    }

    fn finish(mut self) -> Conversation<'a> {
        self.close();
        if self.turns.is_empty() {
            let blank = if self.system.is_empty() { " " } else { "." };
            self.turns.push(Turn { role: "user", parts: vec![Part::text(blank)] });
        }
        Conversation { system: self.system, turns: self.turns, resolution: self.reader.finest }
    }

    fn user_parts(&mut self, message: &'a Message, path: &str) -> Result<Vec<Part<'a>>> {
        match &message.content {
            None => Ok(Vec::new()),
            Some(Content::Text(text)) => Ok(vec![Part::text(text)]),
            Some(Content::Parts(parts)) => {
                let mut out = Vec::with_capacity(parts.len() + 1);
                for (index, part) in parts.iter().enumerate() {
                    // Empty texts are skipped (GEM-03).
                    out.extend(self.part(part, path, index)?.filter(|part| !is_empty_text(part)));
                }
                Ok(out)
            }
        }
    }

    fn part(&mut self, part: &'a HubPart, path: &str, index: usize) -> Result<Option<Part<'a>>> {
        if let HubPart::Text { text, .. } = part {
            return Ok(Some(Part::text(text)));
        }
        let path = format!("{path}.content[{index}]");
        if let HubPart::InputAudio { data, format, .. } = part {
            return media::audio(data, format, &format!("{path}.input_audio")).map(Some);
        }
        if let Some(media) = media::of_part(part) {
            return self.reader.part(media, &path).map(Some);
        }
        let HubPart::Other(map) = part else { return Ok(None) };
        match str_at(map, "type") {
            // Thinking comes back by `reasoning_content` and `thinking_blocks`.
            Some("thinking" | "redacted_thinking") => Ok(None),
            Some("refusal") => Ok(str_at(map, "refusal").map(Part::text)),
            kind => {
                let what = format!(
                    "Invalid '{path}': a part of the type '{}' cannot be sent to this provider; it takes 'text', \
                     'image_url', 'input_audio', 'video_url' and 'file'.",
                    kind.unwrap_or_default()
                );
                Err(Error::bad_request(what).with_param(path))
            }
        }
    }

    fn model_parts(&mut self, message: &'a Message, path: &str) -> Result<Vec<Part<'a>>> {
        let mut signatures = Signatures::of(message);
        let mut out = thoughts(message, &mut signatures);
        let text_at = out.len();
        match &message.content {
            Some(Content::Text(text)) => {
                let mut part = Part::text(text);
                part.thought_signature = signatures.of_text().map(Cow::Borrowed);
                out.push(part);
            }
            Some(Content::Parts(parts)) => {
                for (index, part) in parts.iter().enumerate() {
                    out.extend(self.part(part, path, index)?);
                }
                // One text is the text the signature belongs to; among several it cannot be told.
                if let [part] = &mut out[text_at..]
                    && part.is_text()
                {
                    part.thought_signature = signatures.of_text().map(Cow::Borrowed);
                }
            }
            None => {}
        }
        for (index, url) in media::assistant_images(&message.extra).enumerate() {
            let image = media::Media { source: url, ..media::Media::default() };
            out.push(self.reader.part(image, &format!("{path}.images[{index}]"))?);
        }
        out.extend(server_calls(message));
        self.calls(message, path, &mut out)?;
        Ok(out)
    }

    fn calls(&mut self, message: &'a Message, path: &str, out: &mut Vec<Part<'a>>) -> Result<()> {
        let mut first = true;
        for (index, call) in message.tool_calls.iter().enumerate() {
            let path = format!("{path}.tool_calls[{index}].function");
            let Some(name) = call.function.name.as_deref() else {
                let what = format!("Invalid '{path}.name': a call needs the name of its function.");
                return Err(Error::bad_request(what).with_param(format!("{path}.name")));
            };
            let id = call.id.as_deref().map(|id| split_id(id).0).filter(|id| !id.is_empty());
            if let Some(id) = id {
                self.calls.insert(id, name);
            }
            let id = id.filter(|_| self.modern);
            let args = arguments(&call.function, &path)?;
            let mut part = Part::of(Payload::FunctionCall(FunctionCall { name, args, id }));
            part.thought_signature = self.signature(signature_of(call), first);
            first = false;
            out.push(part);
        }
        if let Some(function) = &message.function_call
            && message.tool_calls.is_empty()
        {
            let path = format!("{path}.function_call");
            let name = function.name.as_deref().unwrap_or_default();
            let args = arguments(function, &path)?;
            let mut part = Part::of(Payload::FunctionCall(FunctionCall { name, args, id: None }));
            let fields = function.provider_specific_fields.as_ref();
            part.thought_signature = self.signature(fields.and_then(thought_signature), true);
            self.last_function = Some(name);
            out.push(part);
        }
        Ok(())
    }

    /// A call keeps its own signature (GEM-08). From Gemini 3 on the first of a batch needs one (GEM-09).
    fn signature(&self, own: Option<&'a str>, first: bool) -> Option<Cow<'a, str>> {
        own.or((self.modern && first).then_some(SKIP_VALIDATION)).map(Cow::Borrowed)
    }

    fn tool_parts(&mut self, message: &'a Message, path: &str) -> Result<Vec<Part<'a>>> {
        let id = message.tool_call_id.as_deref().map(|id| split_id(id).0).filter(|id| !id.is_empty());
        let called = id.and_then(|id| self.calls.get(id).copied());
        let Some(name) = called.or(message.name.as_deref()).or(self.last_function) else {
            let what = format!(
                "Invalid '{path}': no earlier tool call has the id '{}', so the function it answers is not known. \
                 Put the assistant message with the call before it, or give the result a 'name'.",
                message.tool_call_id.as_deref().unwrap_or_default()
            );
            return Err(Error::bad_request(what).with_param(format!("{path}.tool_call_id")));
        };
        let mut media = Vec::new();
        let text = match &message.content {
            None => Cow::Borrowed(""),
            Some(Content::Text(text)) => Cow::Borrowed(text.as_str()),
            Some(content @ Content::Parts(parts)) => {
                for (index, part) in parts.iter().enumerate() {
                    media.extend(self.part(part, path, index)?.filter(|part| !part.is_text()));
                }
                content.text()
            }
        };
        let mut response = FunctionResponse {
            name,
            response: response(text),
            id: id.filter(|_| self.modern),
            parts: Vec::new(),
        };
        if self.modern {
            response.parts = std::mem::take(&mut media);
        }
        let mut out = vec![Part::of(Payload::FunctionResponse(response))];
        out.extend(media);
        Ok(out)
    }
}

fn texts(content: Option<&Content>) -> impl Iterator<Item = Part<'_>> {
    let (whole, parts) = match content {
        None => (None, &[][..]),
        Some(Content::Text(text)) => (Some(text.as_str()), &[][..]),
        Some(Content::Parts(parts)) => (None, parts.as_slice()),
    };
    let parts = parts.iter().filter_map(HubPart::text).filter(|text| !text.is_empty());
    whole.into_iter().chain(parts).map(Part::text)
}

fn is_empty_text(part: &Part<'_>) -> bool {
    matches!(&part.payload, Some(Payload::Text(text)) if text.is_empty())
}

/// Calls that the provider ran itself, with their results (GEM-14).
fn server_calls(message: &Message) -> Vec<Part<'_>> {
    let mut out = Vec::new();
    let invocations = message.provider_specific_fields.as_ref().map_or(&[][..], server_invocations);
    for invocation in invocations.iter().filter_map(Value::as_object) {
        let pick = |payload: &str| {
            let mut map = Map::new();
            for (from, to) in [("tool_type", "toolType"), ("id", "id"), (payload, payload)] {
                if let Some(value) = invocation.get(from) {
                    map.insert(to.to_owned(), value.clone());
                }
            }
            map
        };
        let mut call = Part::of(Payload::ToolCall(pick("args")));
        call.thought_signature = thought_signature(invocation).map(Cow::Borrowed);
        out.push(call);
        if invocation.contains_key("response") {
            out.push(Part::of(Payload::ToolResponse(pick("response"))));
        }
    }
    out
}

fn arguments<'a>(function: &'a CalledFunction, path: &str) -> Result<Raw<'a>> {
    let text = function.arguments_object::<&RawValue>(path)?;
    Ok(text.map_or_else(|| Raw::Empty(Map::new()), Raw::Text))
}

/// GEM-05. An object with references is wrapped: the provider would take them for its own.
fn response(text: Cow<'_, str>) -> Response<'_> {
    if text.trim_start().starts_with('{')
        && let Ok(raw) = serde_json::from_str::<Box<RawValue>>(&text)
        && !(text.contains("$ref")
            && serde_json::from_str::<Value>(&text).is_ok_and(|value| has_key(&value, "$ref")))
    {
        return Response::Object(raw);
    }
    Response::Wrapped { content: text }
}
