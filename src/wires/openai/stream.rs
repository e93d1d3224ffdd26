//! Chunks of an OpenAI-shaped stream to deltas: tool calls re-indexed where a server mixes them up (STR-04 …
//! STR-08), every field kept.
//!
//! A chunk is read by hand-written visitors: known fields straight into place, unknown ones kept as values, and the
//! strings that every chunk repeats are only borrowed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::errors;
use super::response::{PartText, thinking_block};
use crate::error::{Error, Kind, Result};
use crate::hub::{Accent, Delta, Deltas, FinishReason, Usage, map_finish_reason};
use crate::json::{Fields, Map, Tree, cut};
use crate::wires::framing::Frame;
use crate::wires::{Memo, Seen, StreamDecoder, incomplete_stream};

/// Content that is no text is kept under this name.
const CONTENT_PARTS: &str = "content_parts";

/// What filters found in the prompt; it comes before the first choice (AZ-06).
const PROMPT_FILTERS: &str = "prompt_filter_results";

#[derive(Debug, Default)]
pub struct Decoder {
    accent: Arc<Accent>,
    opened: bool,
    choices: Vec<ChoiceState>,
    done: bool,
}

#[derive(Debug)]
struct ChoiceState {
    index: u64,
    finished: bool,
    calls: Vec<CallState>,
}

/// One tool call of a choice.
#[derive(Debug, Default)]
struct CallState {
    upstream_index: Option<u64>,
    /// Its ordinal among the calls that were passed on (STR-04); none before its name has arrived.
    index: Option<u64>,
    id: Option<String>,
    name: String,
    /// Arguments that came before the name.
    held: String,
}

impl Decoder {
    pub fn new(_memo: Memo, accent: Arc<Accent>) -> Self {
        Self { accent, ..Self::default() }
    }

    fn state(&mut self, index: u64) -> &mut ChoiceState {
        let at = match self.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None => {
                self.choices.push(ChoiceState { index, finished: false, calls: Vec::new() });
                self.choices.len() - 1
            }
        };
        &mut self.choices[at]
    }

    fn choice(&mut self, choice: WireChoice<'_>, out: &mut Deltas) -> Result<()> {
        let index = choice.index;
        let state = self.state(index);
        if let Some(delta) = choice.delta {
            state.delta(delta, out);
        }
        if let Some(logprobs) = choice.logprobs {
            out.push(Delta::Logprobs { choice: index, logprobs });
        }
        for (name, value) in choice.rest {
            if !value.is_null() {
                out.push(Delta::ChoiceField { choice: index, name, value });
            }
        }
        if let Some(native) = choice.finish_reason.filter(|reason| !reason.is_empty())
            && !state.finished
        {
            if let Some(error) = errors::failed_finish(&native) {
                return Err(error);
            }
            state.finished = true;
            let (reason, own) = map_finish_reason(&native);
            let reason = reason.with_tool_calls(!state.calls.is_empty());
            out.push(Delta::Finish { choice: index, reason, native: (!own).then(|| native.into_owned()) });
        }
        Ok(())
    }
}

impl ChoiceState {
    fn delta(&mut self, delta: WireDelta<'_>, out: &mut Deltas) {
        let choice = self.index;
        if let Some(text) = delta.reasoning {
            out.push(Delta::Reasoning { choice, text: text.into_owned() });
        }
        if let Some(text) = delta.content {
            out.push(Delta::Text { choice, text: text.into_owned() });
        }
        if let Some(text) = delta.refusal {
            out.push(Delta::Refusal { choice, text: text.into_owned() });
        }
        for call in delta.tool_calls {
            self.tool_call(call, out);
        }
        for (name, value) in delta.rest {
            match (name.as_str(), value) {
                (_, Value::Null) | ("role", _) => {}
                (CONTENT_PARTS, Value::Array(parts)) => content_parts(choice, &parts, out),
                ("annotations", Value::Array(annotations)) => {
                    out.push(Delta::Annotations { choice, annotations });
                }
                ("images", Value::Array(images)) => out.push(Delta::Images { choice, images }),
                ("audio", audio) => out.push(Delta::Audio { choice, audio }),
                ("function_call", value) => out.push(Delta::FunctionCall { choice, value }),
                ("provider_specific_fields", Value::Object(fields)) => {
                    out.push(Delta::ProviderFields { choice, fields });
                }
                ("thinking_blocks", Value::Array(blocks)) => {
                    for block in blocks {
                        if let Value::Object(block) = block {
                            out.push(Delta::ThinkingBlock { choice, block });
                        }
                    }
                }
                (_, value) => out.push(Delta::Field { choice, name, value }),
            }
        }
    }

    fn tool_call(&mut self, call: WireCall<'_>, out: &mut Deltas) {
        let choice = self.index;
        let (at, is_new) = self.place(&call);
        if is_new {
            self.calls.push(CallState { upstream_index: call.index, ..CallState::default() });
        }
        // Counted by their names: a call that never gets one leaves no gap (STR-04).
        let next: u64 = self.calls.iter().map(|call| u64::from(call.index.is_some())).sum();
        let Some(state) = self.calls.get_mut(at) else { return };
        if state.id.is_none() {
            state.id = call.id.filter(|id| !id.is_empty()).map(Cow::into_owned);
        }
        let arguments = call.arguments.unwrap_or_default();
        if let Some(index) = state.index {
            if !arguments.is_empty() {
                out.push(Delta::ToolArguments { choice, index, json: arguments.into_owned() });
            }
            return;
        }
        state.held.push_str(&arguments);
        let Some(name) = call.name.filter(|name| !name.is_empty()) else { return };
        state.name = name.into_owned();
        let index = next;
        state.index = Some(index);
        out.push(Delta::ToolStart {
            choice,
            index,
            id: state.id.clone(),
            name: state.name.clone(),
            provider_fields: call.provider_fields,
        });
        let held = std::mem::take(&mut state.held);
        if !held.is_empty() {
            out.push(Delta::ToolArguments { choice, index, json: held });
        }
    }

    /// The call a fragment belongs to, and whether it begins a new one. Clean streams go by `index`; a new id under
    /// an index that is taken, or a named fragment without index and id, is a new call (STR-07).
    fn place(&self, call: &WireCall<'_>) -> (usize, bool) {
        let next = self.calls.len();
        let id = call.id.as_deref().filter(|id| !id.is_empty());
        if let Some(id) = id
            && let Some(at) = self.calls.iter().rposition(|known| known.id.as_deref() == Some(id))
        {
            return (at, false);
        }
        let by_index = call
            .index
            .and_then(|index| self.calls.iter().rposition(|known| known.upstream_index == Some(index)));
        match (by_index, call.index) {
            (Some(at), _) => {
                let known = &self.calls[at];
                let other_id = id.is_some() && known.id.is_some();
                let other_name = id.is_none()
                    && known.id.is_none()
                    && !known.name.is_empty()
                    && call.name.as_deref().is_some_and(|name| !name.is_empty() && name != known.name);
                if other_id || other_name { (next, true) } else { (at, false) }
            }
            (None, Some(_)) => (next, true),
            (None, None) => {
                let begins = id.is_some() || call.name.as_deref().is_some_and(|name| !name.is_empty());
                if begins || next == 0 { (next, true) } else { (next - 1, false) }
            }
        }
    }
}

/// Findings about the prompt are among the provider's own fields of the first chunk (AZ-06). One that is empty is none.
fn prompt_filters(found: &Value, out: &mut Deltas) {
    let says = |prompt: &Value| {
        let results = prompt.get("content_filter_results").and_then(Value::as_object);
        results.is_none_or(|results| !results.is_empty())
    };
    if found.as_array().is_some_and(|prompts| prompts.iter().any(says)) {
        let value = serde_json::json!({ PROMPT_FILTERS: found });
        out.push(Delta::ChunkField { name: "provider_specific_fields".to_owned(), value });
    }
}

/// Content as a list, in pieces (MIS-07).
fn content_parts(choice: u64, parts: &[Value], out: &mut Deltas) {
    for part in parts {
        match PartText::of(part) {
            PartText::Text(text) => out.push(Delta::Text { choice, text: text.to_owned() }),
            PartText::Thinking(pieces) => {
                for (text, signature) in pieces {
                    if !text.is_empty() {
                        out.push(Delta::Reasoning { choice, text: text.to_owned() });
                    }
                    if let Some(Value::Object(block)) =
                        signature.map(|signature| thinking_block(text, signature))
                    {
                        out.push(Delta::ThinkingBlock { choice, block });
                    }
                }
            }
            PartText::Other => {}
        }
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if frame.data == b"[DONE]" {
            self.done = true;
            return Ok(Seen::Done);
        }
        let chunk: WireChunk<'_> = serde_json::from_slice(frame.data).map_err(|error| {
            let text = String::from_utf8_lossy(frame.data);
            Error::new(
                Kind::Connection,
                format!("the stream holds a chunk that is no JSON: '{}'", cut(&text, 200)),
            )
            .with_source(error)
        })?;
        if let Some(error) = chunk.error {
            return Err(stream_error(&error, &self.accent));
        }
        if frame.event == Some("error") {
            // The event's name says it, the object lies bare.
            return Err(stream_error(&serde_json::from_slice(frame.data).unwrap_or_default(), &self.accent));
        }
        let id = chunk.id.filter(|id| !id.is_empty());
        if !self.opened {
            // Some hosts send a first chunk without an id (AZ-06).
            self.opened = id.is_some();
            out.push(Delta::Open {
                id: id.map(Cow::into_owned),
                model: chunk.model.map(Cow::into_owned),
                system_fingerprint: chunk.system_fingerprint.map(Cow::into_owned),
            });
        }
        for choice in chunk.choices {
            self.choice(choice, out)?;
        }
        for (name, value) in chunk.rest {
            if name == PROMPT_FILTERS {
                prompt_filters(&value, out);
            } else if !value.is_null() {
                out.push(Delta::ChunkField { name, value });
            }
        }
        if let Some(usage) = chunk.usage {
            out.push(Delta::Usage(Usage::from_openai(usage)));
        }
        Ok(Seen::Known)
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        if self.choices.is_empty() && self.done {
            // A whole, empty answer: the provider said that it is complete.
            out.push(Delta::Finish { choice: 0, reason: FinishReason::Stop, native: None });
            return Ok(());
        }
        if self.choices.is_empty() || self.choices.iter().any(|choice| !choice.finished) {
            return Err(incomplete_stream());
        }
        Ok(())
    }
}

/// An error object in mid-stream takes the same road as an error reply; its code is the status when it is a number.
fn stream_error(error: &Value, accent: &Accent) -> Error {
    let status = errors::status_of(error);
    let facts = errors::facts_of(status.unwrap_or(500), &serde_json::json!({ "error": error }));
    let kind = match status {
        Some(_) => errors::classify(&facts, accent),
        None => match errors::classify(&facts, accent) {
            Kind::InternalServer => Kind::Connection,
            kind => kind,
        },
    };
    facts.into_error(kind)
}

// The chunk's own shape.

#[derive(Default)]
struct WireChunk<'a> {
    id: Option<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
    system_fingerprint: Option<Cow<'a, str>>,
    choices: Vec<WireChoice<'a>>,
    usage: Option<Fields<'a>>,
    error: Option<Value>,
    rest: Vec<(String, Value)>,
}

#[derive(Default)]
struct WireChoice<'a> {
    index: u64,
    delta: Option<WireDelta<'a>>,
    finish_reason: Option<Cow<'a, str>>,
    logprobs: Option<Value>,
    rest: Vec<(String, Value)>,
}

#[derive(Default)]
struct WireDelta<'a> {
    content: Option<Cow<'a, str>>,
    reasoning: Option<Cow<'a, str>>,
    refusal: Option<Cow<'a, str>>,
    tool_calls: Vec<WireCall<'a>>,
    rest: Vec<(String, Value)>,
}

#[derive(Default)]
struct WireCall<'a> {
    index: Option<u64>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    arguments: Option<Cow<'a, str>>,
    provider_fields: Option<Map>,
}

/// A string that is borrowed when it holds no escapes; anything else counts as absent.
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or null")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// A value of a known field, or absent when it is null.
fn some<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    access: &mut A,
) -> std::result::Result<Option<T>, A::Error> {
    access.next_value::<Option<T>>()
}

fn text<'de, A: MapAccess<'de>>(access: &mut A) -> std::result::Result<Option<Cow<'de, str>>, A::Error> {
    Ok(access.next_value::<Text<'de>>()?.0)
}

/// Implements `Deserialize` for a struct whose fields are filled by a function of key and access.
macro_rules! object {
    ($name:ident, $what:literal, |$out:ident, $key:ident, $access:ident| $body:expr) => {
        impl<'de> Deserialize<'de> for $name<'de> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> Visitor<'de> for ObjectVisitor {
                    type Value = $name<'de>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut $access: A,
                    ) -> std::result::Result<Self::Value, A::Error> {
                        let mut $out = $name::default();
                        while let Some(Text(key)) = $access.next_key::<Text<'de>>()? {
                            let $key: &str = key.as_deref().unwrap_or_default();
                            $body;
                        }
                        Ok($out)
                    }
                }
                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
}

object!(WireChunk, "a chunk object", |out, key, access| match key {
    "id" => out.id = text(&mut access)?,
    "model" => out.model = text(&mut access)?,
    "system_fingerprint" => out.system_fingerprint = text(&mut access)?,
    "choices" => out.choices = some(&mut access)?.unwrap_or_default(),
    "usage" =>
        if let Tree::Object(usage) = access.next_value()? {
            out.usage = Some(usage);
        },
    "error" => out.error = some(&mut access)?,
    // Of no use to a caller: the kind is known, the time is ours, the padding is padding.
    "object" | "created" | "obfuscation" => {
        access.next_value::<IgnoredAny>()?;
    }
    other => {
        let name = other.to_owned();
        out.rest.push((name, access.next_value()?));
    }
});

object!(WireChoice, "a choice object", |out, key, access| match key {
    "index" => out.index = some(&mut access)?.unwrap_or_default(),
    "delta" => out.delta = some(&mut access)?,
    "finish_reason" => out.finish_reason = text(&mut access)?,
    "logprobs" => out.logprobs = some(&mut access)?,
    other => {
        let name = other.to_owned();
        out.rest.push((name, access.next_value()?));
    }
});

object!(WireDelta, "a delta object", |out, key, access| match key {
    "content" => match access.next_value::<Value>()? {
        Value::String(text) => out.content = Some(Cow::Owned(text)),
        Value::Null => {}
        other => out.rest.push((CONTENT_PARTS.to_owned(), other)),
    },
    "reasoning_content" | "reasoning" => {
        if let Some(piece) = text(&mut access)?.filter(|piece| !piece.is_empty()) {
            out.reasoning = Some(piece);
        }
    }
    "refusal" => out.refusal = text(&mut access)?.filter(|piece| !piece.is_empty()),
    "tool_calls" => out.tool_calls = some(&mut access)?.unwrap_or_default(),
    "role" => {
        access.next_value::<IgnoredAny>()?;
    }
    other => {
        let name = other.to_owned();
        out.rest.push((name, access.next_value()?));
    }
});

#[derive(Default)]
struct WireFunction<'a> {
    name: Option<Cow<'a, str>>,
    arguments: Option<Cow<'a, str>>,
}

object!(WireFunction, "a function object", |out, key, access| match key {
    "name" => out.name = text(&mut access)?,
    "arguments" => match access.next_value::<Value>()? {
        Value::Null => {}
        Value::String(text) => out.arguments = Some(Cow::Owned(text)),
        other => out.arguments = Some(Cow::Owned(other.to_string())),
    },
    _ => {
        access.next_value::<IgnoredAny>()?;
    }
});

object!(WireCall, "a tool call object", |out, key, access| match key {
    "index" => out.index = some(&mut access)?,
    "id" => out.id = text(&mut access)?,
    "function" => {
        let function: WireFunction<'_> = some(&mut access)?.unwrap_or_default();
        out.name = function.name;
        out.arguments = function.arguments;
    }
    "provider_specific_fields" => out.provider_fields = some(&mut access)?,
    _ => {
        access.next_value::<IgnoredAny>()?;
    }
});
