//! Chunks of a streamed answer to deltas (GEM-25 … GEM-29).
//!
//! Each chunk is a reply of its own. A chunk with a finish reason need not be the last one (older models write one
//! into every chunk), so the finish is said when the stream ends.

use serde_json::Value;

use super::grounding::{self, Grounded};
use super::pieces::{self, Piece};
use super::response::{METADATA, finish_with_calls};
use super::{errors, usage};
use crate::error::{Error, Result};
use crate::hub::{Delta, Deltas, FinishReason, map_finish_reason};
use crate::json::{Map, cut, take_string};
use crate::wires::framing::{FRAME_LIMIT, Frame};
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
    /// The last counts, and what they were read with.
    counts: Option<(Map, Grounded)>,
    /// The beginning of a chunk whose rest is in the next frame (GEM-27).
    partial: Vec<u8>,
}

#[derive(Debug, Default)]
struct ChoiceState {
    index: u64,
    calls: u64,
    /// Images, sound, calls of the provider's own tools.
    has_other: bool,
    has_thought: bool,
    finish: Option<FinishReason>,
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
            counts: None,
            partial: Vec::new(),
        }
    }

    /// One chunk, or a list of them.
    pub fn value(&mut self, value: Value, out: &mut Deltas) -> Result<Seen> {
        match value {
            Value::Object(chunk) => self.chunk(chunk, out),
            Value::Array(chunks) => {
                let mut seen = Seen::Unknown;
                for chunk in chunks {
                    if let Value::Object(chunk) = chunk
                        && self.chunk(chunk, out)? == Seen::Known
                    {
                        seen = Seen::Known;
                    }
                }
                Ok(seen)
            }
            _ => Ok(Seen::Unknown),
        }
    }

    fn chunk(&mut self, mut chunk: Map, out: &mut Deltas) -> Result<Seen> {
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(errors::of_stream(error));
        }
        if self.id.is_none()
            && let Some(id) = take_string(&mut chunk, "responseId").filter(|id| !id.is_empty())
        {
            out.push(Delta::Open { id: Some(id.clone()), model: None, system_fingerprint: None });
            self.id = Some(id);
        }
        let mut known = chunk.contains_key("modelVersion");
        if let Some(Value::Array(candidates)) = chunk.shift_remove("candidates") {
            known = true;
            for (position, candidate) in (0u64..).zip(candidates) {
                if let Value::Object(candidate) = candidate {
                    self.candidate(candidate, position, out);
                }
            }
        }
        if let Some(feedback) = chunk.get("promptFeedback") {
            known = true;
            self.blocked |= feedback.get("blockReason").is_some_and(|reason| !reason.is_null());
        }
        if let Some(Value::Object(counts)) = chunk.shift_remove("usageMetadata") {
            known = true;
            out.push(Delta::Usage(usage::read(&counts, self.grounded)));
            self.counts = Some((counts, self.grounded));
        }
        Ok(if known { Seen::Known } else { Seen::Unknown })
    }

    /// The counts once more, when the end says more about them: grounding may come after them, and an answer of
    /// text alone tells its thoughts even where they were not counted (USG-08).
    fn last_usage(&self, out: &mut Deltas) {
        let Some((counts, with)) = &self.counts else { return };
        let mut usage = usage::read(counts, self.grounded);
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
        } else if *with == self.grounded {
            return;
        }
        out.push(Delta::Usage(usage));
    }

    fn candidate(&mut self, mut candidate: Map, position: u64, out: &mut Deltas) {
        let index = candidate.get("index").and_then(Value::as_u64).unwrap_or(position);
        let first = self.choices.is_empty();
        let at = self.choices.iter().position(|choice| choice.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, ..ChoiceState::default() });
            self.choices.len() - 1
        });
        let legacy = self.memo.legacy_functions;
        let answer = self.id.as_deref().unwrap_or_default();
        let Some(state) = self.choices.get_mut(at) else { return };
        let parts =
            candidate.get_mut("content").and_then(|content| content.get_mut("parts")).map(Value::take);
        if let Some(Value::Array(parts)) = parts {
            let mut fields = Fields::default();
            for part in parts {
                state.part(part, answer, legacy, &mut fields, out);
            }
            fields.push(index, out);
        }
        if let Some(logprobs) = candidate.get("logprobsResult").and_then(pieces::logprobs) {
            out.push(Delta::Logprobs { choice: index, logprobs });
        }
        if let Some(native) = take_string(&mut candidate, "finishReason") {
            state.finish = Some(map_finish_reason(&native).0);
        }
        self.grounded.merge(state.metadata(candidate, first, out));
    }
}

impl ChoiceState {
    fn is_only_text(&self) -> bool {
        self.calls == 0 && !self.has_other && self.annotations.is_empty()
    }

    fn part(&mut self, part: Value, answer: &str, legacy: bool, fields: &mut Fields, out: &mut Deltas) {
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
    fn metadata(&mut self, mut candidate: Map, first: bool, out: &mut Deltas) -> Grounded {
        let mut grounded = Grounded::default();
        for (key, name) in METADATA {
            let value = candidate.shift_remove(*key).unwrap_or(Value::Null);
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
struct Fields {
    signatures: Vec<Value>,
    invocations: Vec<Value>,
}

impl Fields {
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

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let data = frame.data.trim_ascii();
        if self.partial.is_empty() && data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let parsed = if self.partial.is_empty() {
            serde_json::from_slice::<Value>(data)
        } else {
            self.partial.extend_from_slice(data);
            serde_json::from_slice::<Value>(&self.partial)
        };
        let value = match parsed {
            Ok(value) => value,
            Err(error) if error.is_eof() && self.partial.len() + data.len() <= FRAME_LIMIT => {
                if self.partial.is_empty() {
                    self.partial.extend_from_slice(data);
                }
                return Ok(Seen::Known);
            }
            Err(error) => {
                let bytes = if self.partial.is_empty() { data } else { &self.partial };
                let text = String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).into_owned();
                let what = format!("a chunk of the stream is no JSON ({error}): {}", cut(&text, 200));
                return Err(Error::unreadable(what).with_source(error));
            }
        };
        self.partial.clear();
        self.value(value, out)
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        if !self.partial.is_empty() {
            return Err(Error::unreadable("the stream ended in the middle of a chunk"));
        }
        if self.blocked {
            if self.choices.is_empty() {
                self.choices.push(ChoiceState::default());
                // A chunk of its own begins the answer.
                out.push(Delta::ProviderFields { choice: 0, fields: Map::new() });
            }
            for choice in &mut self.choices {
                choice.finish.get_or_insert(FinishReason::ContentFilter);
            }
        }
        if self.choices.is_empty() || self.choices.iter().any(|choice| choice.finish.is_none()) {
            return Err(incomplete_stream());
        }
        self.last_usage(out);
        for state in &mut self.choices {
            let choice = state.index;
            let invocations = std::mem::take(&mut state.server_calls);
            Fields { invocations, ..Fields::default() }.push(choice, out);
            if let Some(reason) = state.finish.take() {
                let reason = finish_with_calls(reason, state.calls > 0, &self.memo);
                out.push(Delta::Finish { choice, reason, native: None });
            }
        }
        Ok(())
    }
}
