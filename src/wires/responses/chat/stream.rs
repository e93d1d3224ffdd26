//! Events of a response as steps of a chat answer (OAR-08 … OAR-11).

use serde_json::{Value, json};

use super::super::native::{facts_of, failure};
use super::REASONING_ITEMS;
use super::answer::{finish, moved, reasoning_item, sealed, usage};
use crate::error::{Error, Result};
use crate::hub::{Delta, Deltas, Target};
use crate::json::{Map, str_at};
use crate::wires::framing::Frame;
use crate::wires::openai::errors;
use crate::wires::{Seen, StreamDecoder, incomplete_stream};

#[derive(Debug)]
pub struct Decoder {
    target: Target,
    /// Where calls stand in the output, in the order in which they began (OAR-09), and whether each has had
    /// arguments.
    calls: Vec<(u64, bool)>,
    /// Characters so far, and those of parts before the present one.
    written: u64,
    before_part: u64,
    /// Reasoning items that are complete.
    reasoning: Vec<Value>,
    is_over: bool,
}

impl Decoder {
    pub fn new(target: Target) -> Self {
        Self { target, calls: Vec::new(), written: 0, before_part: 0, reasoning: Vec::new(), is_over: false }
    }

    fn event(&mut self, event: &Map, out: &mut Deltas) -> Seen {
        let delta = str_at(event, "delta").unwrap_or_default();
        let place = event.get("output_index").and_then(Value::as_u64).unwrap_or_default();
        let item = event.get("item").and_then(Value::as_object);
        match str_at(event, "type").unwrap_or_default() {
            "response.created" => {
                let response = event.get("response").and_then(Value::as_object);
                let field = |name| response.and_then(|response| str_at(response, name)).map(str::to_owned);
                out.push(Delta::Open { id: field("id"), model: field("model"), system_fingerprint: None });
            }
            "response.content_part.added" => self.before_part = self.written,
            "response.output_text.delta" => {
                self.written += delta.chars().count() as u64;
                out.text(0, delta);
            }
            "response.refusal.delta" => out.push(Delta::Refusal { choice: 0, text: delta.to_owned() }),
            "response.output_text.annotation.added" => {
                if let Some(annotation) = event.get("annotation").cloned() {
                    let annotations = vec![moved(annotation, self.before_part)];
                    out.push(Delta::Annotations { choice: 0, annotations });
                }
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                out.reasoning(0, delta);
                think(json!({ "type": "thinking", "thinking": delta, "index": place }), out);
            }
            "response.output_item.added" => {
                if let Some(item) = item.filter(|item| str_at(item, "type") == Some("function_call")) {
                    self.begin(item, place, out);
                }
            }
            "response.function_call_arguments.delta" => self.arguments(place, delta, out),
            "response.output_item.done" => {
                if let Some(item) = item {
                    self.done(item, place, out);
                }
            }
            "response.completed" | "response.incomplete" => {
                self.is_over = true;
                let reasoning = self.reasoning(event);
                if !reasoning.is_empty() {
                    let value = reasoning.into();
                    out.push(Delta::Field { choice: 0, name: REASONING_ITEMS.to_owned(), value });
                }
                if let Some(Value::Object(response)) = event.get("response") {
                    out.push(Delta::Usage(usage(response)));
                    out.push(Delta::Finish { choice: 0, reason: finish(response), native: None });
                }
                return Seen::Done;
            }
            kind if kind.starts_with("response.") => {}
            _ => return Seen::Unknown,
        }
        Seen::Known
    }

    /// The reasoning items of the whole answer, else those that came one by one.
    fn reasoning(&mut self, event: &Map) -> Vec<Value> {
        let output = event.get("response").and_then(|response| response["output"].as_array());
        let items = output.into_iter().flatten().filter_map(Value::as_object);
        let whole: Vec<Value> =
            items.filter(|item| str_at(item, "type") == Some("reasoning")).map(reasoning_item).collect();
        if whole.is_empty() { std::mem::take(&mut self.reasoning) } else { whole }
    }

    fn begin(&mut self, item: &Map, place: u64, out: &mut Deltas) {
        out.push(Delta::ToolStart {
            choice: 0,
            index: self.calls.len() as u64,
            id: str_at(item, "call_id").map(str::to_owned),
            name: str_at(item, "name").unwrap_or_default().to_owned(),
            provider_fields: None,
        });
        self.calls.push((place, false));
    }

    fn arguments(&mut self, place: u64, json: &str, out: &mut Deltas) {
        let found = self.calls.iter_mut().zip(0u64..).find(|((at, _), _)| *at == place);
        if let Some(((_, any), index)) = found.filter(|_| !json.is_empty()) {
            *any = true;
            out.push(Delta::ToolArguments { choice: 0, index, json: json.to_owned() });
        }
    }

    /// An item that is complete: what its pieces did not say.
    fn done(&mut self, item: &Map, place: u64, out: &mut Deltas) {
        match str_at(item, "type") {
            Some("function_call") => {
                if !self.calls.iter().any(|(at, _)| *at == place) {
                    self.begin(item, place, out);
                }
                if self.calls.iter().any(|(at, any)| *at == place && !any) {
                    self.arguments(place, str_at(item, "arguments").unwrap_or_default(), out);
                }
            }
            Some("reasoning") => {
                self.reasoning.push(reasoning_item(item));
                if let Some(signature) = sealed(item) {
                    think(
                        json!({ "type": "thinking", "thinking": "", "signature": signature, "index": place }),
                        out,
                    );
                }
            }
            _ => {}
        }
    }
}

fn think(block: Value, out: &mut Deltas) {
    if let Value::Object(block) = block {
        out.push(Delta::ThinkingBlock { choice: 0, block });
    }
}

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        if frame.data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let event: Value = serde_json::from_slice(frame.data).map_err(|error| {
            Error::unreadable(format!("an event of the stream cannot be read: {error}")).with_source(error)
        })?;
        let Value::Object(event) = event else { return Ok(Seen::Unknown) };
        if let Some(error) = failure(str_at(&event, "type").or(frame.event), &event) {
            let facts = facts_of(&error);
            let kind = errors::classify(&facts, &self.target.accent);
            return Err(facts.into_error(kind));
        }
        Ok(self.event(&event, out))
    }

    fn end(&mut self, _out: &mut Deltas) -> Result<()> {
        if self.is_over { Ok(()) } else { Err(incomplete_stream()) }
    }
}
