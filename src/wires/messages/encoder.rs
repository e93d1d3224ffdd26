//! Chunks of a chat completion as the events of a message (AMI-03, AMI-04, AMI-31 … AMI-38).

use serde_json::{Value, json};

use super::answer::{self, Stop};
use super::error::error_body;
use super::ids::CallIds;
use crate::error::Error;
use crate::hub::{FinishReason, StreamHead, Usage};
use crate::json::{Map, object, str_at};
use crate::wires::openai::{Chunk, ChunkChoice, ToolCallChunk};
use crate::wires::{Event, EventEncoder};

#[derive(Debug)]
pub struct Encoder {
    asked: Map,
    begun: bool,
    open: Option<Open>,
    /// Blocks so far.
    blocks: usize,
    ids: CallIds,
    /// Calls that wait until the one that is written has ended: they come whole (AMI-33).
    waiting: Vec<Waiting>,
    /// Whether a call has been begun, by its index.
    calls: Vec<u64>,
    refusal: String,
    finish: Option<FinishReason>,
    hit: Option<String>,
    usage: Option<Usage>,
}

/// The block that is being written.
#[derive(Debug)]
enum Open {
    Text,
    Thinking { text: String, signature: String, index: Option<Value> },
    Tool { call: u64 },
}

#[derive(Debug)]
struct Waiting {
    call: u64,
    block: Map,
    arguments: String,
}

impl Encoder {
    pub fn new(asked: Map) -> Self {
        Self {
            asked,
            begun: false,
            open: None,
            blocks: 0,
            ids: CallIds::default(),
            waiting: Vec::new(),
            calls: Vec::new(),
            refusal: String::new(),
            finish: None,
            hit: None,
            usage: None,
        }
    }

    fn begin(&mut self, head: &StreamHead, out: &mut Vec<Event>) {
        if self.begun {
            return;
        }
        self.begun = true;
        let message = json!({
            "id": head.id, "type": "message", "role": "assistant", "content": [], "model": head.model,
            "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 0, "output_tokens": 0,
                       "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0 },
        });
        out.push(event("message_start", [("message", message)]));
    }

    fn choice(&mut self, choice: ChunkChoice, out: &mut Vec<Event>) {
        self.thinking(choice.reasoning_content, choice.thinking_blocks, out);
        if let Some(text) = choice.content.filter(|text| !text.is_empty()) {
            self.text(&text, out);
        }
        if let Some(text) = choice.refusal.filter(|text| !text.is_empty()) {
            self.text(&text, out);
            self.refusal.push_str(&text);
        }
        for call in choice.tool_calls {
            self.call(call, out);
        }
        self.finish = choice.finish_reason.or(self.finish);
        self.hit = answer::hit(&choice.provider_fields, &self.asked)
            .or_else(|| answer::hit(&choice.fields, &self.asked))
            .or(self.hit.take());
    }

    /// Text of the thinking, then what its blocks say besides: signatures, and blocks that are sealed (AMI-35).
    fn thinking(&mut self, told: Option<String>, pieces: Vec<Value>, out: &mut Vec<Event>) {
        let mut told = told.filter(|text| !text.is_empty());
        let mut pieces = pieces.into_iter().peekable();
        if pieces.peek().is_none() {
            if let Some(text) = told {
                self.think(&text, None, out);
            }
            return;
        }
        for piece in pieces {
            if piece["type"] == "redacted_thinking" {
                self.close(out);
                self.start(piece, out);
                self.stop(out);
                continue;
            }
            // The text of a piece stands in the chunk's own text, too: it is written once.
            let text = piece["thinking"].as_str().unwrap_or_default().to_owned();
            let index = piece.get("index").cloned();
            let restated = matches!(&self.open, Some(Open::Thinking { text: so_far, .. }) if *so_far == text);
            if !restated {
                self.think(&text, index.as_ref(), out);
                told = None;
            } else if let Some(text) = told.take().filter(|told| *told != text) {
                self.think(&text, index.as_ref(), out);
            }
            let sealed = piece["signature"].as_str().unwrap_or_default();
            if !sealed.is_empty() {
                if !matches!(self.open, Some(Open::Thinking { .. })) {
                    self.begin_thinking(index, out);
                }
                if let Some(Open::Thinking { signature, .. }) = &mut self.open {
                    signature.push_str(sealed);
                }
            }
        }
    }

    fn think(&mut self, more: &str, at: Option<&Value>, out: &mut Vec<Event>) {
        if more.is_empty() {
            return;
        }
        let continues = match &self.open {
            Some(Open::Thinking { signature, index, .. }) => match (at, index) {
                (Some(at), Some(index)) => at == index,
                _ => signature.is_empty(),
            },
            _ => false,
        };
        if !continues {
            self.begin_thinking(at.cloned(), out);
        }
        if let Some(Open::Thinking { text, .. }) = &mut self.open {
            text.push_str(more);
        }
        self.delta(object([("type", "thinking_delta".into()), ("thinking", more.into())]), out);
    }

    fn begin_thinking(&mut self, index: Option<Value>, out: &mut Vec<Event>) {
        self.close(out);
        self.start(json!({ "type": "thinking", "thinking": "", "signature": "" }), out);
        self.open = Some(Open::Thinking { text: String::new(), signature: String::new(), index });
    }

    fn text(&mut self, more: &str, out: &mut Vec<Event>) {
        if !matches!(self.open, Some(Open::Text)) {
            self.close(out);
            self.start(answer::text_block(""), out);
            self.open = Some(Open::Text);
        }
        self.delta(object([("type", "text_delta".into()), ("text", more.into())]), out);
    }

    fn call(&mut self, chunk: ToolCallChunk, out: &mut Vec<Event>) {
        let index = chunk.index;
        if !self.calls.contains(&index) {
            self.calls.push(index);
            let name = chunk.name.unwrap_or_default();
            let id = chunk.id.unwrap_or_default();
            let fields = chunk.provider_fields.as_ref();
            let names = answer::names(&self.asked);
            let block = answer::tool_use(&id, &name, fields, &mut self.ids, names);
            if matches!(self.open, Some(Open::Tool { .. })) {
                self.waiting.push(Waiting { call: index, block, arguments: String::new() });
            } else {
                self.close(out);
                self.start(block.into(), out);
                self.open = Some(Open::Tool { call: index });
            }
        }
        if chunk.arguments.is_empty() {
            return;
        }
        if matches!(self.open, Some(Open::Tool { call }) if call == index) {
            self.arguments(&chunk.arguments, out);
        } else if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.call == index) {
            waiting.arguments.push_str(&chunk.arguments);
        } else {
            tracing::warn!("arguments of a call that has ended are left out");
        }
    }

    fn arguments(&mut self, json: &str, out: &mut Vec<Event>) {
        self.delta(object([("type", "input_json_delta".into()), ("partial_json", json.into())]), out);
    }

    fn start(&mut self, block: Value, out: &mut Vec<Event>) {
        let index = self.blocks.into();
        out.push(event("content_block_start", [("index", index), ("content_block", block)]));
    }

    fn delta(&mut self, delta: Value, out: &mut Vec<Event>) {
        out.push(event("content_block_delta", [("index", self.blocks.into()), ("delta", delta)]));
    }

    fn stop(&mut self, out: &mut Vec<Event>) {
        out.push(event("content_block_stop", [("index", self.blocks.into())]));
        self.blocks += 1;
    }

    /// Ends the block that is being written; after a call, those that wait are written whole.
    fn close(&mut self, out: &mut Vec<Event>) {
        match self.open.take() {
            None => return,
            Some(Open::Thinking { signature, .. }) if !signature.is_empty() => {
                let delta = object([("type", "signature_delta".into()), ("signature", signature.into())]);
                self.delta(delta, out);
            }
            Some(Open::Text | Open::Thinking { .. } | Open::Tool { .. }) => {}
        }
        self.stop(out);
        for waiting in std::mem::take(&mut self.waiting) {
            self.start(waiting.block.into(), out);
            if !waiting.arguments.is_empty() {
                self.arguments(&waiting.arguments, out);
            }
            self.stop(out);
        }
    }
}

impl EventEncoder for Encoder {
    fn chunk(&mut self, chunk: Chunk, head: &StreamHead, out: &mut Vec<Event>) {
        self.begin(head, out);
        for choice in chunk.choices {
            // A message has one answer.
            if choice.index == 0 {
                self.choice(choice, out);
            }
        }
        self.usage = chunk.usage.or(self.usage.take());
    }

    fn finish(&mut self, head: &StreamHead, out: &mut Vec<Event>) {
        self.begin(head, out);
        self.close(out);
        if self.blocks == 0 {
            self.start(answer::text_block(""), out);
            self.stop(out);
        }
        let refusal = Some(std::mem::take(&mut self.refusal)).filter(|text| !text.is_empty());
        let stop = Stop::of(self.finish.unwrap_or(FinishReason::Stop), refusal, self.hit.take());
        let mut delta = Map::new();
        delta.insert("stop_reason".into(), stop.reason.into());
        delta.insert("stop_sequence".into(), stop.sequence.clone().map_or(Value::Null, Value::from));
        let details = stop.details();
        if !details.is_null() {
            delta.insert("stop_details".into(), details);
        }
        let usage = answer::counts(&self.usage.take().unwrap_or_default());
        out.push(event("message_delta", [("delta", delta.into()), ("usage", usage)]));
        out.push(event("message_stop", []));
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<Event>) {
        let Value::Object(body) = error_body(error) else { return };
        out.push(named(body));
    }
}

pub fn event<const N: usize>(kind: &str, fields: [(&str, Value); N]) -> Event {
    let mut data = Map::with_capacity(N + 1);
    data.insert("type".into(), kind.into());
    data.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    named(data)
}

/// An event under the name that its data has as `type`.
pub fn named(data: Map) -> Event {
    Event { name: str_at(&data, "type").map(str::to_owned), data: data.into() }
}
