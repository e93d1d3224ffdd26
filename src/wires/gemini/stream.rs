//! Chunks of a streamed answer to deltas (GEM-25 … GEM-29).
//!
//! Each chunk is a reply of its own. A chunk with a finish reason need not be the last one (older models write one
//! into every chunk), so the finish is said when the stream ends.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::grounding::{self, Grounded};
use super::pieces::{self, Piece};
use super::response::{METADATA, finish_with_calls};
use super::{errors, usage};
use crate::error::{Error, Result};
use crate::hub::{Delta, Deltas, FinishReason, Usage, map_finish_reason};
use crate::json::{Fields, Map, Tree, cut};
use crate::wires::framing::{FRAME_LIMIT, Frame};
use crate::wires::nesting::Nesting;
use crate::wires::{Memo, Seen, StreamDecoder, incomplete_stream};

#[derive(Debug)]
pub struct Decoder {
    memo: Memo,
    /// The answer's id, once it is known.
    id: Option<String>,
    choices: Vec<ChoiceState>,
    /// The prompt was refused (GEM-25).
    blocked: bool,
    grounded: Grounded,
    /// The last counts, as text: every chunk has some, and only the last ones are wanted. Empty before the first.
    counts: String,
    /// The beginning of a chunk whose rest is in the next frame (GEM-27).
    partial: Partial,
}

/// A chunk that is not whole yet. It is parsed when it is: parsed with each piece, a long one would take the square of
/// its length.
#[derive(Debug, Default)]
struct Partial {
    text: Vec<u8>,
    nesting: Nesting,
}

impl Partial {
    /// Whether the chunk is whole now.
    fn push(&mut self, piece: &[u8]) -> bool {
        let from = self.text.len();
        self.text.extend_from_slice(piece);
        self.nesting.end(&self.text, from).is_some()
    }
}

#[derive(Debug, Default)]
struct ChoiceState {
    index: u64,
    calls: u64,
    /// Images, sound, calls of the provider's own tools.
    has_other: bool,
    has_thought: bool,
    /// With the provider's own word (GEN-37).
    finish: Option<(FinishReason, Option<String>)>,
    /// Thoughts since the last signature: it signs them all.
    thought: String,
    /// Calls of the provider's own tools that wait for their results.
    server_calls: Vec<Value>,
    annotations: Vec<Value>,
}

impl Decoder {
    pub fn new(memo: Memo) -> Self {
        Self {
            memo,
            id: None,
            choices: Vec::new(),
            blocked: false,
            grounded: Grounded::default(),
            counts: String::new(),
            partial: Partial::default(),
        }
    }

    /// Chunks that came together.
    pub fn chunks(&mut self, chunks: Vec<Chunk<'_>>, out: &mut Deltas) -> Result<Seen> {
        let mut seen = Seen::Unknown;
        for chunk in chunks {
            if self.chunk(chunk, out)? == Seen::Known {
                seen = Seen::Known;
            }
        }
        Ok(seen)
    }

    fn chunk(&mut self, Chunk { mut fields, counts }: Chunk<'_>, out: &mut Deltas) -> Result<Seen> {
        if let Some(error) = fields.take_value("error") {
            return Err(errors::of_stream(&error));
        }
        if self.id.is_none()
            && let Some(id) = fields.take_text("responseId").filter(|id| !id.is_empty())
        {
            out.push(Delta::Open { id: Some(id.clone()), model: None, system_fingerprint: None });
            self.id = Some(id);
        }
        let mut known = fields.get("modelVersion").is_some();
        if let Some(Tree::List(candidates)) = fields.take("candidates") {
            known = true;
            for (position, candidate) in (0u64..).zip(candidates) {
                if let Tree::Object(candidate) = candidate {
                    self.candidate(candidate, position, out);
                }
            }
        }
        if let Some(feedback) = fields.take("promptFeedback") {
            known = true;
            self.blocked |= feedback.into_value().get("blockReason").is_some_and(|reason| !reason.is_null());
        }
        if let Some(counts) = counts.filter(|counts| counts.get().starts_with('{')) {
            known = true;
            self.counts.clear();
            self.counts.push_str(counts.get());
        }
        Ok(if known { Seen::Known } else { Seen::Unknown })
    }

    fn counted(&self) -> Option<Usage> {
        let counts = serde_json::from_str::<Map>(&self.counts).ok()?;
        Some(usage::read(&counts, self.grounded))
    }

    /// The counts as the end knows them: an answer of text alone tells its thoughts even where they were not counted
    /// (USG-08).
    fn last_usage(&self, out: &mut Deltas) {
        let Some(mut usage) = self.counted() else { return };
        let counted = usage
            .completion_tokens_details
            .as_ref()
            .is_some_and(|details| details.contains_key("reasoning_tokens"));
        let only_text = self.choices.iter().all(ChoiceState::is_only_text);
        if only_text && !counted {
            let thought = self.choices.iter().any(|choice| choice.has_thought);
            // Null asks for an estimate.
            let reasoning = if thought { Value::Null } else { 0.into() };
            let text = usage.completion_tokens;
            let details = usage.completion_tokens_details.get_or_insert_default();
            details.entry("text_tokens").or_insert(text.into());
            details.insert("reasoning_tokens".into(), reasoning);
        }
        out.push(Delta::Usage(usage));
    }

    fn candidate(&mut self, mut candidate: Fields<'_>, position: u64, out: &mut Deltas) {
        let index = match candidate.get("index") {
            Some(Tree::Number(index)) => index.as_u64().unwrap_or(position),
            _ => position,
        };
        let first = self.choices.is_empty();
        let at = self.choices.iter().position(|choice| choice.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, ..ChoiceState::default() });
            self.choices.len() - 1
        });
        let legacy = self.memo.legacy_functions;
        let answer = self.id.as_deref().unwrap_or_default();
        let Some(state) = self.choices.get_mut(at) else { return };
        if let Some(Tree::Object(mut content)) = candidate.take("content")
            && let Some(Tree::List(parts)) = content.take("parts")
        {
            let mut fields = ProviderFields::default();
            for part in parts {
                match plain_text(&part) {
                    Some("") => {}
                    Some(text) => out.text(index, text.to_owned()),
                    None => state.part(part.into_value(), answer, legacy, &mut fields, out),
                }
            }
            fields.push(index, out);
        }
        if let Some(logprobs) = candidate.take_value("logprobsResult").as_ref().and_then(pieces::logprobs) {
            out.push(Delta::Logprobs { choice: index, logprobs });
        }
        if let Some(native) = candidate.take_text("finishReason") {
            state.finish = Some((map_finish_reason(&native).0, Some(native)));
        }
        self.grounded.merge(state.metadata(candidate, first, out));
    }
}

impl ChoiceState {
    fn is_only_text(&self) -> bool {
        self.calls == 0 && !self.has_other && self.annotations.is_empty()
    }

    fn part(
        &mut self,
        part: Value,
        answer: &str,
        legacy: bool,
        fields: &mut ProviderFields,
        out: &mut Deltas,
    ) {
        let choice = self.index;
        let signed = pieces::read(part);
        if let Some(signature) = &signed.signature {
            fields.signatures.push(signature.as_str().into());
        }
        match &signed.piece {
            Piece::Thought(_) => self.has_thought = true,
            Piece::Image(_) | Piece::Audio(_) | Piece::ServerCall(_) => self.has_other = true,
            _ => {}
        }
        match signed.piece {
            Piece::Text(text) => {
                if !text.is_empty() {
                    out.text(choice, text);
                }
            }
            Piece::Thought(text) => {
                self.thought.push_str(&text);
                if !text.is_empty() {
                    out.reasoning(choice, text);
                }
                // Only a signature makes a block worth telling: the text was told (GEM-11).
                if let Some(signature) = signed.signature {
                    let thought = std::mem::take(&mut self.thought);
                    let block = Map::from_iter([
                        ("type".to_owned(), "thinking".into()),
                        ("thinking".to_owned(), thought.into()),
                        ("signature".to_owned(), signature.into()),
                    ]);
                    out.push(Delta::ThinkingBlock { choice, block });
                }
            }
            Piece::Call { name, arguments, .. } if legacy => {
                // The old form has room for one call.
                if self.calls == 0 {
                    let value = serde_json::json!({"name": name, "arguments": arguments});
                    out.push(Delta::FunctionCall { choice, value });
                }
                self.calls += 1;
            }
            Piece::Call { id, name, arguments } => {
                // The ordinal within the message, over all chunks (STR-04, STR-05).
                let index = self.calls;
                self.calls += 1;
                let signature = signed.signature.as_deref();
                let id = pieces::call_id(id, signature, answer, index);
                let provider_fields = pieces::call_fields(signature);
                out.push(Delta::ToolStart { choice, index, id, name, provider_fields });
                out.push(Delta::ToolArguments { choice, index, json: arguments });
            }
            Piece::Image(url) => out.push(Delta::Images { choice, images: vec![pieces::image(url)] }),
            Piece::Audio(data) => out.push(Delta::Audio { choice, audio: pieces::audio(data, answer) }),
            Piece::ServerCall(call) => self.server_calls.push(Value::Object(call)),
            Piece::ServerResult(result) => {
                pieces::add_result(&mut self.server_calls, result);
                let answered = self.server_calls.extract_if(.., |call| call.get("response").is_some());
                fields.invocations.extend(answered);
            }
            Piece::Other => {}
        }
    }

    /// Citations, ratings and the like, as they come (GEM-28). The first time also those that are empty, so that
    /// they can be asked for.
    fn metadata(&mut self, mut candidate: Fields<'_>, first: bool, out: &mut Deltas) -> Grounded {
        let mut grounded = Grounded::default();
        for (key, name) in METADATA {
            let value = candidate.take_value(key).unwrap_or(Value::Null);
            let values = match (*key, value) {
                ("groundingMetadata", value) => {
                    let entries = grounding::entries(value);
                    grounded = grounding::used(&entries);
                    self.cite(grounding::annotations(&entries), out);
                    entries
                }
                (_, Value::Null) => Vec::new(),
                (_, value) => vec![value],
            };
            if values.is_empty() && !first {
                continue;
            }
            if *key == "safetyRatings" {
                // In chunks they have both names.
                let name = "vertex_ai_safety_ratings".to_owned();
                out.push(Delta::ChunkField { name, value: Value::Array(values.clone()) });
            }
            out.push(Delta::ChunkField { name: (*name).to_owned(), value: Value::Array(values) });
        }
        grounded
    }

    /// Each citation once: grounding is repeated in later chunks.
    fn cite(&mut self, mut citations: Vec<Value>, out: &mut Deltas) {
        citations.retain(|citation| !self.annotations.contains(citation));
        if !citations.is_empty() {
            self.annotations.extend(citations.iter().cloned());
            out.push(Delta::Annotations { choice: self.index, annotations: citations });
        }
    }
}

/// What a frame adds to `provider_specific_fields`.
#[derive(Debug, Default)]
struct ProviderFields {
    signatures: Vec<Value>,
    invocations: Vec<Value>,
}

impl ProviderFields {
    fn push(self, choice: u64, out: &mut Deltas) {
        let mut fields = Map::new();
        for (name, values) in
            [("thought_signatures", self.signatures), ("server_side_tool_invocations", self.invocations)]
        {
            if !values.is_empty() {
                fields.insert(name.to_owned(), Value::Array(values));
            }
        }
        if !fields.is_empty() {
            out.push(Delta::ProviderFields { choice, fields });
        }
    }
}

/// The text of a part that is nothing else: most parts of most streams.
fn plain_text<'t>(part: &'t Tree<'_>) -> Option<&'t str> {
    match part {
        Tree::Object(fields) if fields.keys().eq(["text"]) => fields.get("text").and_then(Tree::as_str),
        _ => None,
    }
}

/// One chunk: a reply of its own.
#[derive(Debug, Default)]
pub struct Chunk<'a> {
    fields: Fields<'a>,
    /// `usageMetadata`
    counts: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Chunk<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct ChunkVisitor;
        impl<'de> Visitor<'de> for ChunkVisitor {
            type Value = Chunk<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a chunk object")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut access: A,
            ) -> std::result::Result<Chunk<'de>, A::Error> {
                let mut chunk = Chunk::default();
                while let Some(Tree::Text(key)) = access.next_key()? {
                    if key == "usageMetadata" {
                        chunk.counts = Some(access.next_value()?);
                    } else {
                        chunk.fields.push(key, access.next_value()?);
                    }
                }
                Ok(chunk)
            }
        }
        deserializer.deserialize_map(ChunkVisitor)
    }
}

/// The chunks of a frame: one, or a list of them. What is no object is passed over.
pub fn read(frame: &[u8]) -> serde_json::Result<Vec<Chunk<'_>>> {
    match frame.first() {
        Some(b'{') => Ok(vec![serde_json::from_slice(frame)?]),
        Some(b'[') => {
            let items = serde_json::from_slice::<Vec<&RawValue>>(frame)?;
            let objects = items.into_iter().map(RawValue::get).filter(|item| item.starts_with('{'));
            objects.map(serde_json::from_str).collect()
        }
        _ => serde_json::from_slice::<IgnoredAny>(frame).map(|_| Vec::new()),
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let held;
        let is_first = self.partial.text.is_empty();
        let whole = if is_first {
            frame.data.trim_ascii_start()
        } else {
            // With its space: the cut may be in the middle of a text.
            if !self.partial.push(frame.data) && self.partial.text.len() <= FRAME_LIMIT {
                return Ok(Seen::Known);
            }
            held = std::mem::take(&mut self.partial).text;
            &held
        };
        if whole.trim_ascii_end() == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let error = match read(whole) {
            Ok(chunks) => return self.chunks(chunks, out),
            Err(error) => error,
        };
        if is_first && error.is_eof() {
            self.partial.push(whole);
            return Ok(Seen::Known);
        }
        let text = String::from_utf8_lossy(whole.get(..200).unwrap_or(whole)).into_owned();
        let what = format!("a chunk of the stream is no JSON ({error}): {}", cut(&text, 200));
        Err(Error::unreadable(what).with_source(error))
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        if !self.partial.text.is_empty() {
            return Err(Error::unreadable("the stream ended in the middle of a chunk"));
        }
        if self.blocked {
            if self.choices.is_empty() {
                self.choices.push(ChoiceState::default());
                // A chunk of its own begins the answer.
                out.push(Delta::ProviderFields { choice: 0, fields: Map::new() });
            }
            for choice in &mut self.choices {
                choice.finish.get_or_insert((FinishReason::ContentFilter, None));
            }
        }
        if self.choices.is_empty() || self.choices.iter().any(|choice| choice.finish.is_none()) {
            return Err(incomplete_stream());
        }
        self.last_usage(out);
        for state in &mut self.choices {
            let choice = state.index;
            let invocations = std::mem::take(&mut state.server_calls);
            ProviderFields { invocations, ..ProviderFields::default() }.push(choice, out);
            if let Some((reason, native)) = state.finish.take() {
                let reason = finish_with_calls(reason, state.calls > 0, &self.memo);
                out.push(Delta::Finish { choice, reason, native });
            }
        }
        Ok(())
    }

    fn usage(&self) -> Option<Usage> {
        self.counted()
    }
}
