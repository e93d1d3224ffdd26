//! Events of `ConverseStream` as deltas.

use serde_json::Value;

use super::response::{finish_reason, unwrapped};
use super::{errors, usage};
use crate::error::{Error, Result};
use crate::hub::{Delta, Deltas};
use crate::json::{Map, cut, spaced, str_at, take_string};
use crate::wires::framing::Frame;
use crate::wires::{Memo, Seen, StreamDecoder, incomplete_stream};

/// There is one choice (STR-03).
const CHOICE: u64 = 0;

#[derive(Debug, Default)]
pub struct Decoder {
    memo: Memo,
    /// Blocks that have begun and not ended, by the provider's index.
    open: Vec<(u64, Block)>,
    thinking_blocks: u64,
    calls: u64,
    /// The answer of the emulated schema, while it arrives (GEN-30).
    json: Option<String>,
    /// Text that is only sent when no emulated answer follows it (GEN-31).
    held: String,
    counted: Option<u64>,
    counts: Option<Map>,
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Thinking { ordinal: u64 },
    Call { ordinal: u64 },
    Json,
    Ignored,
}

impl Decoder {
    pub fn new(memo: Memo) -> Self {
        Self { memo, ..Self::default() }
    }

    /// One event; its name may also stand around its content, as in `invoke` (`{"messageStart": {…}}`).
    pub fn event(&mut self, name: &str, event: &mut Map, out: &mut Deltas) -> Seen {
        match name {
            "messageStart" => {}
            "contentBlockStart" => return self.begin(event, out),
            "contentBlockDelta" => return self.delta(event, out),
            "contentBlockStop" => self.open.retain(|(index, _)| *index != index_of(event)),
            "messageStop" => self.stop(event, out),
            "metadata" => self.metadata(event, out),
            _ => return Seen::Unknown,
        }
        Seen::Known
    }

    fn begin(&mut self, event: &mut Map, out: &mut Deltas) -> Seen {
        let index = index_of(event);
        let Some(Value::Object(start)) = event.get_mut("start") else { return Seen::Unknown };
        let block = if let Some(Value::Object(call)) = start.get_mut("toolUse") {
            let name = str_at(call, "name").unwrap_or_default();
            if self.memo.json_tool.as_deref() == Some(name) {
                // One answer is enough.
                if self.json.is_some() {
                    Block::Ignored
                } else {
                    self.json = Some(String::new());
                    Block::Json
                }
            } else {
                let name = self.memo.original_name(name).to_owned();
                let ordinal = self.calls;
                self.calls += 1;
                out.push(Delta::ToolStart {
                    choice: CHOICE,
                    index: ordinal,
                    id: take_string(call, "toolUseId"),
                    name,
                    provider_fields: None,
                });
                Block::Call { ordinal }
            }
        } else if let Some(Value::Object(reasoning)) = start.get("reasoningContent") {
            let reasoning = reasoning.clone();
            self.think(index, reasoning, out);
            return Seen::Known;
        } else {
            Block::Ignored
        };
        self.open.retain(|(open, _)| *open != index);
        self.open.push((index, block));
        Seen::Known
    }

    fn delta(&mut self, event: &mut Map, out: &mut Deltas) -> Seen {
        let index = index_of(event);
        let Some(Value::Object(mut delta)) = event.shift_remove("delta") else { return Seen::Unknown };
        if let Some(text) = take_string(&mut delta, "text") {
            self.text(text, out);
        } else if let Some(Value::Object(call)) = delta.get("toolUse") {
            let json = str_at(call, "input").unwrap_or_default();
            let open = self.open.iter().find(|(open, _)| *open == index).map(|(_, block)| *block);
            match open {
                Some(Block::Call { ordinal }) => {
                    out.push(Delta::ToolArguments { choice: CHOICE, index: ordinal, json: json.to_owned() });
                }
                Some(Block::Json) => {
                    if let Some(all) = &mut self.json {
                        all.push_str(json);
                    }
                }
                _ => return Seen::Unknown,
            }
        } else if let Some(Value::Object(reasoning)) = delta.shift_remove("reasoningContent") {
            self.think(index, reasoning, out);
        } else if let Some(citation) = delta.shift_remove("citation") {
            let fields = Map::from_iter([("citation".to_owned(), citation)]);
            out.push(Delta::ProviderFields { choice: CHOICE, fields });
        } else {
            return Seen::Unknown;
        }
        Seen::Known
    }

    fn text(&mut self, text: String, out: &mut Deltas) {
        if self.memo.json_tool.is_some() {
            self.held.push_str(&text);
        } else if !text.is_empty() {
            out.text(CHOICE, text);
        }
    }

    /// A piece of thinking: its text, its signature, or what is hidden (BED-15).
    fn think(&mut self, index: u64, reasoning: Map, out: &mut Deltas) {
        let open = self.open.iter().find_map(|(open, block)| match block {
            Block::Thinking { ordinal } if *open == index => Some(*ordinal),
            _ => None,
        });
        let ordinal = open.unwrap_or_else(|| {
            self.open.retain(|(open, _)| *open != index);
            self.open.push((index, Block::Thinking { ordinal: self.thinking_blocks }));
            self.thinking_blocks += 1;
            self.thinking_blocks - 1
        });
        let text = str_at(&reasoning, "text").unwrap_or_default();
        out.reasoning(CHOICE, text);
        let mut block = Map::new();
        if let Some(data) = str_at(&reasoning, "redactedContent") {
            block.insert("type".to_owned(), "redacted_thinking".into());
            block.insert("data".to_owned(), data.into());
        } else {
            block.insert("type".to_owned(), "thinking".into());
            block.insert("thinking".to_owned(), text.into());
            if let Some(signature) = str_at(&reasoning, "signature") {
                block.insert("signature".to_owned(), signature.into());
            }
        }
        block.insert("index".to_owned(), ordinal.into());
        out.push(Delta::ThinkingBlock { choice: CHOICE, block });
        let fields = Map::from_iter([("reasoningContent".to_owned(), Value::Object(reasoning))]);
        out.push(Delta::ProviderFields { choice: CHOICE, fields });
    }

    fn stop(&mut self, event: &mut Map, out: &mut Deltas) {
        if self.finished {
            return;
        }
        self.finished = true;
        let json = self.json.take();
        let emulated = json.is_some();
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() && (self.calls > 0 || !emulated) {
            out.text(CHOICE, held);
        }
        if let Some(json) = json {
            // Whole by now, so that it can be unwrapped (BED-18).
            let json = match serde_json::from_str(&json) {
                Ok(value) => spaced(&unwrapped(value)),
                Err(_) if json.is_empty() => "{}".to_owned(),
                Err(_) => json,
            };
            out.text(CHOICE, json);
        }
        self.counted = usage::counted_thinking(event.get("additionalModelResponseFields"));
        let native = str_at(event, "stopReason").unwrap_or_default();
        let (reason, native) = finish_reason(native, emulated, self.calls > 0);
        out.push(Delta::Finish { choice: CHOICE, reason, native });
        // Counts that came first are said again, with what is known now.
        if let (Some(counts), Some(_)) = (&self.counts, self.counted) {
            out.push(Delta::Usage(usage::read(counts, self.counted, self.thinking_blocks > 0)));
        }
    }

    fn metadata(&mut self, event: &mut Map, out: &mut Deltas) {
        if let Some(Value::Object(counts)) = event.shift_remove("usage") {
            out.push(Delta::Usage(usage::read(&counts, self.counted, self.thinking_blocks > 0)));
            self.counts = Some(counts);
        }
        if let Some(value) = event.shift_remove("trace").filter(|trace| !trace.is_null()) {
            out.push(Delta::ChunkField { name: "trace".to_owned(), value });
        }
        if let Some(tier) = event.get("serviceTier").and_then(|tier| tier.get("type")) {
            out.push(Delta::ChunkField { name: "service_tier".to_owned(), value: tier.clone() });
        }
    }
}

fn index_of(event: &Map) -> u64 {
    event.get("contentBlockIndex").and_then(Value::as_u64).unwrap_or(0)
}

/// The object in a frame's payload.
pub fn payload(data: &[u8]) -> Result<Map> {
    serde_json::from_slice(data).map_err(|error| {
        let text = String::from_utf8_lossy(data);
        let what = format!("an event of the stream is no JSON object ({error}): {}", cut(&text, 200));
        Error::unreadable(what).with_source(error)
    })
}

/// What is no event: an exception by its name, or a failure of the stream itself.
pub fn failure(frame: &Frame<'_>) -> Option<Error> {
    let event = frame.event?;
    let name = event.strip_prefix(":exception/").or_else(|| event.strip_prefix(":error/"))?;
    Some(errors::exception(name, frame.data))
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if let Some(error) = failure(&frame) {
            return Err(error);
        }
        let mut event = payload(frame.data)?;
        Ok(self.event(frame.event.unwrap_or_default(), &mut event, out))
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.finished { Ok(()) } else { Err(incomplete_stream()) }
    }
}
