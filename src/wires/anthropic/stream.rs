//! The events of a streamed answer as deltas.

use serde_json::{Value, json};

use super::errors;
use super::response::{finish_reason, stop_fields};
use super::server_tools::{Found, ServerTools, is_result};
use super::usage::{self, Thought};
use crate::error::{Error, Result};
use crate::hub::{Delta, Deltas, FinishReason};
use crate::json::{Map, cut, spaced, str_at};
use crate::wires::framing::Frame;
use crate::wires::{Memo, Seen, StreamDecoder, incomplete_stream};

/// There is one choice (STR-03).
const CHOICE: u64 = 0;

#[derive(Debug, Default)]
pub struct Decoder {
    memo: Memo,
    /// Counts of all events so far (ANT-37).
    counts: Map,
    /// Blocks that have begun and not ended, by the provider's index.
    open: Vec<(u64, Block)>,
    thinking_blocks: u64,
    tool_calls: u64,
    client_calls: bool,
    server: ServerTools,
    container: Option<Value>,
    compactions: Vec<Value>,
    answer: JsonAnswer,
    /// Text that is only sent when no emulated answer follows it (GEN-31).
    held: String,
    stop_seen: bool,
    finished: bool,
}

/// The answer of an emulated schema (GEN-30).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum JsonAnswer {
    #[default]
    None,
    /// It may still come.
    Awaited,
    Begun,
}

#[derive(Debug)]
enum Block {
    Text,
    Thinking { ordinal: u64 },
    Call { ordinal: u64, input: Value, begun: bool },
    ServerCall { ordinal: u64, id: String, name: String, input: Value, arguments: String },
    Json { input: Value, begun: bool },
    Compaction { at: usize },
    Ignored,
}

impl Decoder {
    pub fn new(memo: Memo) -> Self {
        let answer = if memo.json_tool.is_some() { JsonAnswer::Awaited } else { JsonAnswer::None };
        Self { memo, answer, ..Self::default() }
    }

    fn start(&mut self, event: &Map, out: &mut Deltas) {
        let Some(Value::Object(message)) = event.get("message") else { return };
        if let Some(Value::Object(counts)) = message.get("usage") {
            usage::merge(&mut self.counts, counts);
        }
        self.container = message.get("container").filter(|container| !container.is_null()).cloned();
        // The model is named as the caller named it, in each chunk.
        let id = str_at(message, "id").map(str::to_owned);
        out.push(Delta::Open { id, model: None, system_fingerprint: None });
    }

    fn block_start(&mut self, event: &Map, out: &mut Deltas) -> Seen {
        let Some(Value::Object(block)) = event.get("content_block") else { return Seen::Unknown };
        let input = block.get("input").cloned().unwrap_or_default();
        let kind = str_at(block, "type").unwrap_or_default();
        let opened = match kind {
            "text" => {
                self.text(str_at(block, "text").unwrap_or_default(), out);
                Block::Text
            }
            "thinking" => {
                let ordinal = self.next_thinking();
                let text = str_at(block, "thinking").unwrap_or_default();
                let signature = str_at(block, "signature").unwrap_or_default();
                if !text.is_empty() || !signature.is_empty() {
                    Self::thinking(ordinal, text, signature, out);
                }
                Block::Thinking { ordinal }
            }
            "redacted_thinking" => {
                let ordinal = self.next_thinking();
                let mut piece = block.clone();
                piece.retain(|_, value| !value.is_null());
                piece.insert("index".to_owned(), ordinal.into());
                out.reasoning(CHOICE, "");
                put_thinking(piece, out);
                Block::Ignored
            }
            "tool_use" if self.is_json_tool(block) => {
                if self.answer == JsonAnswer::Begun {
                    // One answer is enough.
                    Block::Ignored
                } else {
                    self.answer = JsonAnswer::Begun;
                    if !self.client_calls {
                        self.held.clear();
                    }
                    self.release(out);
                    Block::Json { input, begun: false }
                }
            }
            "tool_use" => {
                self.client_calls = true;
                self.release(out);
                Block::Call { ordinal: self.call(block, out), input, begun: false }
            }
            "server_tool_use" => {
                let id = str_at(block, "id").unwrap_or_default().to_owned();
                let name = str_at(block, "name").unwrap_or_default().to_owned();
                self.server.begin(&id, &name, input.clone());
                let ordinal = self.call(block, out);
                if name == "web_search" {
                    self.put_fields(|this, fields| this.server.search_fields(false, fields), out);
                }
                Block::ServerCall { ordinal, id, name, input, arguments: String::new() }
            }
            "compaction" => {
                self.compactions.push(Value::Object(block.clone()));
                let start = Value::Object(block.clone());
                self.put_compactions("compaction_start", start, out);
                Block::Compaction { at: self.compactions.len() - 1 }
            }
            kind if is_result(kind) => {
                let found = self.server.add_result(block);
                let fields = |this: &Self, fields: &mut Map| match found {
                    Found::Search => this.server.search_fields(true, fields),
                    Found::Tool => this.server.tool_fields(this.container.as_ref(), fields),
                };
                self.put_fields(fields, out);
                Block::Ignored
            }
            _ => Block::Ignored,
        };
        let known = !matches!(opened, Block::Ignored) || is_result(kind) || kind == "redacted_thinking";
        let index = index_of(event);
        self.open.retain(|(open, _)| *open != index);
        self.open.push((index, opened));
        if known { Seen::Known } else { Seen::Unknown }
    }

    fn block_delta(&mut self, event: &Map, out: &mut Deltas) -> Seen {
        let Some(Value::Object(delta)) = event.get("delta") else { return Seen::Unknown };
        let text = |key: &str| str_at(delta, key).unwrap_or_default();
        match text("type") {
            "text_delta" => self.text(text("text"), out),
            "thinking_delta" => {
                let ordinal = self.thinking_ordinal(event);
                Self::thinking(ordinal, text("thinking"), "", out);
            }
            "signature_delta" => {
                let ordinal = self.thinking_ordinal(event);
                Self::thinking(ordinal, "", text("signature"), out);
            }
            "input_json_delta" => self.arguments(index_of(event), text("partial_json"), out),
            "citations_delta" => {
                if let Some(citation) = delta.get("citation") {
                    let fields = Map::from_iter([("citation".to_owned(), citation.clone())]);
                    put_fields(fields, out);
                }
            }
            "compaction_delta" => {
                let at = self.block(index_of(event)).and_then(|block| match block {
                    Block::Compaction { at } => Some(*at),
                    _ => None,
                });
                let open = at.and_then(|at| self.compactions.get_mut(at)).and_then(Value::as_object_mut);
                if let Some(open) = open {
                    let so_far = str_at(open, "content").unwrap_or_default().to_owned();
                    open.insert("content".to_owned(), (so_far + text("content")).into());
                }
                self.put_compactions("compaction_delta", Value::Object(delta.clone()), out);
            }
            _ => return Seen::Unknown,
        }
        Seen::Known
    }

    fn arguments(&mut self, index: u64, json: &str, out: &mut Deltas) {
        match self.block(index) {
            Some(Block::Call { ordinal, begun, .. }) => {
                *begun |= !json.is_empty();
                let index = *ordinal;
                put_arguments(index, json.to_owned(), out);
            }
            Some(Block::ServerCall { ordinal, arguments, .. }) => {
                arguments.push_str(json);
                let index = *ordinal;
                put_arguments(index, json.to_owned(), out);
            }
            Some(Block::Json { begun, .. }) => {
                *begun |= !json.is_empty();
                out.text(CHOICE, json);
            }
            _ => {}
        }
    }

    fn block_stop(&mut self, event: &Map, out: &mut Deltas) {
        let index = index_of(event);
        let Some(at) = self.open.iter().position(|(open, _)| *open == index) else { return };
        match self.open.swap_remove(at).1 {
            // Input that came whole in the start event, or none at all (STR-08, STR-10).
            Block::Call { ordinal: index, input, begun: false } => {
                put_arguments(index, whole_input(&input), out);
            }
            Block::Json { input, begun: false } => out.text(CHOICE, whole_input(&input)),
            Block::ServerCall { ordinal: index, id, name, input, arguments } => {
                if arguments.is_empty() {
                    put_arguments(index, whole_input(&input), out);
                } else if let Ok(input) = serde_json::from_str(&arguments) {
                    self.server.set_input(&id, input);
                }
                if name == "web_search" {
                    self.put_fields(|this, fields| this.server.search_fields(false, fields), out);
                }
            }
            Block::Call { .. }
            | Block::Json { .. }
            | Block::Text
            | Block::Thinking { .. }
            | Block::Compaction { .. }
            | Block::Ignored => {}
        }
    }

    fn message_delta(&mut self, event: &Map, out: &mut Deltas) {
        if let Some(Value::Object(counts)) = event.get("usage") {
            usage::merge(&mut self.counts, counts);
        }
        self.release(out);
        let empty = Map::new();
        let delta = event.get("delta").and_then(Value::as_object).unwrap_or(&empty);
        let native = str_at(delta, "stop_reason");
        let mut fields = Map::new();
        if let Some(container) = delta.get("container").filter(|container| !container.is_null()) {
            self.container = Some(container.clone());
            fields.insert("container".to_owned(), container.clone());
            if self.server.has_code_results() {
                self.server.put_code_results(self.container.as_ref(), &mut fields);
            }
        }
        if let Some(edits) = event.get("context_management").filter(|edits| !edits.is_null()) {
            fields.insert("context_management".to_owned(), edits.clone());
        }
        let refusal = stop_fields(native.unwrap_or_default(), delta.get("stop_details"), &mut fields);
        if !fields.is_empty() {
            put_fields(fields, out);
        }
        if let Some(text) = refusal {
            out.push(Delta::Refusal { choice: CHOICE, text });
        }
        let thought = Thought { blocks: self.thinking_blocks > 0 };
        out.push(Delta::Usage(usage::streamed(&self.counts, thought)));
        self.stop_seen = true;
        if let Some(native) = native
            && !self.finished
        {
            let emulated = self.answer == JsonAnswer::Begun;
            self.finish(finish_reason(native, emulated, self.client_calls), out);
        }
    }

    /// At most once; the message's end follows.
    fn finish(&mut self, reason: FinishReason, out: &mut Deltas) {
        self.finished = true;
        out.push(Delta::Finish { choice: CHOICE, reason, native: None });
    }

    fn text(&mut self, text: &str, out: &mut Deltas) {
        match self.answer {
            _ if text.is_empty() => {}
            JsonAnswer::Awaited if !self.client_calls => self.held.push_str(text),
            JsonAnswer::Awaited | JsonAnswer::None => out.text(CHOICE, text),
            JsonAnswer::Begun => {}
        }
    }

    fn release(&mut self, out: &mut Deltas) {
        if !self.held.is_empty() {
            out.text(CHOICE, std::mem::take(&mut self.held));
        }
    }

    /// A piece of a thinking block: its text, or its signature (ANT-36).
    fn thinking(ordinal: u64, text: &str, signature: &str, out: &mut Deltas) {
        out.reasoning(CHOICE, text);
        let mut piece = Map::new();
        piece.insert("type".to_owned(), "thinking".into());
        piece.insert("thinking".to_owned(), text.into());
        if !signature.is_empty() {
            piece.insert("signature".to_owned(), signature.into());
        }
        piece.insert("index".to_owned(), ordinal.into());
        put_thinking(piece, out);
    }

    fn next_thinking(&mut self) -> u64 {
        let ordinal = self.thinking_blocks;
        self.thinking_blocks += 1;
        ordinal
    }

    fn thinking_ordinal(&mut self, event: &Map) -> u64 {
        // Where indices are missing, another block may be open under the same one.
        let index = index_of(event);
        let begun = self.open.iter().find_map(|(open, block)| match block {
            Block::Thinking { ordinal } if *open == index => Some(*ordinal),
            _ => None,
        });
        begun.unwrap_or_else(|| {
            // A piece without its start: a block of its own from here on.
            let ordinal = self.next_thinking();
            self.open.push((index, Block::Thinking { ordinal }));
            ordinal
        })
    }

    /// Id and name, and no arguments yet (ANT-35). Returns the call's ordinal (STR-04).
    fn call(&mut self, block: &Map, out: &mut Deltas) -> u64 {
        let index = self.tool_calls;
        self.tool_calls += 1;
        let name = str_at(block, "name").unwrap_or_default();
        let caller = block.get("caller").filter(|caller| !caller.is_null());
        out.push(Delta::ToolStart {
            choice: CHOICE,
            index,
            id: str_at(block, "id").map(str::to_owned),
            name: self.memo.original_name(name).to_owned(),
            provider_fields: caller.map(|caller| Map::from_iter([("caller".to_owned(), caller.clone())])),
        });
        no_text(out);
        index
    }

    fn is_json_tool(&self, block: &Map) -> bool {
        self.memo.json_tool.is_some() && self.memo.json_tool.as_deref() == str_at(block, "name")
    }

    fn block(&mut self, index: u64) -> Option<&mut Block> {
        self.open.iter_mut().find(|(open, _)| *open == index).map(|(_, block)| block)
    }

    fn put_fields(&self, put: impl Fn(&Self, &mut Map), out: &mut Deltas) {
        let mut fields = Map::new();
        put(self, &mut fields);
        if !fields.is_empty() {
            put_fields(fields, out);
        }
    }

    fn put_compactions(&self, key: &str, piece: Value, out: &mut Deltas) {
        let fields = Map::from_iter([
            ("compaction_blocks".to_owned(), self.compactions.clone().into()),
            (key.to_owned(), piece),
        ]);
        put_fields(fields, out);
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if frame.data.trim_ascii() == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let event: Value = serde_json::from_slice(frame.data).map_err(|error| {
            let text = String::from_utf8_lossy(frame.data);
            Error::unreadable(format!("an event of the stream is not JSON: {error}: {}", cut(&text, 200)))
        })?;
        let Value::Object(map) = &event else { return Ok(Seen::Unknown) };
        match str_at(map, "type").or(frame.event).unwrap_or_default() {
            "message_start" => self.start(map, out),
            "content_block_start" => return Ok(self.block_start(map, out)),
            "content_block_delta" => return Ok(self.block_delta(map, out)),
            "content_block_stop" => self.block_stop(map, out),
            "message_delta" => self.message_delta(map, out),
            "message_stop" => {
                if !self.finished && self.stop_seen {
                    // It ended well and gave no reason.
                    self.finish(FinishReason::Stop.with_tool_calls(self.client_calls), out);
                }
                return Ok(Seen::Done);
            }
            // ANT-38
            "ping" => {}
            "error" => {
                let facts = errors::stream_facts(&event);
                let kind = errors::classify(&facts);
                return Err(facts.into_error(kind));
            }
            _ => return Ok(Seen::Unknown),
        }
        Ok(Seen::Known)
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.finished { Ok(()) } else { Err(incomplete_stream()) }
    }
}

fn index_of(event: &Map) -> u64 {
    event.get("index").and_then(Value::as_u64).unwrap_or(0)
}

fn put_thinking(piece: Map, out: &mut Deltas) {
    let fields = Map::from_iter([("thinking_blocks".to_owned(), json!([piece]))]);
    out.push(Delta::ThinkingBlock { choice: CHOICE, block: piece });
    put_fields(fields, out);
}

fn put_fields(fields: Map, out: &mut Deltas) {
    out.push(Delta::ProviderFields { choice: CHOICE, fields });
    no_text(out);
}

fn put_arguments(index: u64, json: String, out: &mut Deltas) {
    out.push(Delta::ToolArguments { choice: CHOICE, index, json });
    no_text(out);
}

/// Chunks without text say so with an empty one: what callers of this provider are used to.
fn no_text(out: &mut Deltas) {
    out.text(CHOICE, "");
}

fn whole_input(input: &Value) -> String {
    match input {
        Value::Object(map) if !map.is_empty() => spaced(input),
        _ => "{}".to_owned(),
    }
}
