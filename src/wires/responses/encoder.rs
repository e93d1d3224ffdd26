//! Chunks of a chat completion as the events of a response (OAR-15, OAR-16).

use serde_json::Value;

use super::items::{self, CalledTool, Shell, Status};
use super::writer::{Place, Writer};
use super::{ids, tools};
use crate::error::Error;
use crate::hub::{FinishReason, StreamHead, Target, ThinkingBlocks, Usage};
use crate::json::Map;
use crate::wires::openai::{Chunk, ChunkChoice, ToolCallChunk};
use crate::wires::{Event, EventEncoder, WireId};

#[derive(Debug)]
pub struct Encoder {
    asked: Map,
    provider: String,
    /// The model as a whole answer names it, where that is known and another name than the stream's.
    whole_model: Option<String>,
    custom: Vec<String>,
    writer: Writer,
    /// Known with the first chunk.
    shell: Option<Shell>,
    /// The provider's id, from which items have theirs.
    chat_id: String,
    open: Option<Open>,
    /// Calls stay open to the end: some providers write several at once.
    calls: Vec<(Place, CalledTool)>,
    /// Items that are complete, at their places.
    done: Vec<(usize, Value)>,
    items: usize,
    annotations: Vec<Value>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

/// The item that text goes to.
#[derive(Debug)]
enum Open {
    Text { place: Place, text: String },
    Refusal { place: Place, text: String },
    Reasoning { place: Place, text: String, blocks: ThinkingBlocks },
}

impl Encoder {
    pub fn new(asked: Map, target: &Target) -> Self {
        Self {
            provider: target.provider.to_string(),
            whole_model: (target.wire == WireId::Openai)
                .then(|| target.accent.model_name(target.model.clone(), target)),
            custom: tools::custom_names(&asked),
            asked,
            writer: Writer::default(),
            shell: None,
            chat_id: String::new(),
            open: None,
            calls: Vec::new(),
            done: Vec::new(),
            items: 0,
            annotations: Vec::new(),
            usage: None,
            finish: None,
        }
    }

    fn begin(&mut self, head: &StreamHead, out: &mut Vec<Event>) -> Shell {
        if let Some(shell) = &self.shell {
            return shell.clone();
        }
        let shell = Shell {
            id: ids::of_provider(&self.provider, &head.id),
            created: head.created,
            model: head.model.clone(),
        };
        self.chat_id.clone_from(&head.id);
        let response = items::shell(&shell, &self.asked, Status::InProgress, Vec::new(), None);
        self.writer.response("created", response.clone(), out);
        self.writer.response("in_progress", response, out);
        self.shell.insert(shell).clone()
    }

    fn place(&mut self, kind: &str) -> Place {
        let index = self.items;
        self.items += 1;
        Place { index, id: items::item_id(kind, &self.chat_id, index) }
    }

    fn choice(&mut self, choice: ChunkChoice, out: &mut Vec<Event>) {
        let thinking = choice.reasoning_content.filter(|text| !text.is_empty());
        if thinking.is_some() || !choice.thinking_blocks.is_empty() {
            self.reasoning(&thinking.unwrap_or_default(), choice.thinking_blocks, out);
        }
        if let Some(text) = choice.content.filter(|text| !text.is_empty()) {
            self.text(&text, out);
        }
        if let Some(text) = choice.refusal.filter(|text| !text.is_empty()) {
            self.refusal(&text, out);
        }
        for annotation in choice.annotations.into_iter().flatten() {
            self.annotation(items::annotation(annotation), out);
        }
        for image in choice.images.into_iter().flatten() {
            self.image(&image, out);
        }
        for call in choice.tool_calls {
            self.call(call, out);
        }
        self.finish = choice.finish_reason.or(self.finish);
    }

    fn reasoning(&mut self, more: &str, pieces: Vec<Value>, out: &mut Vec<Event>) {
        if !matches!(self.open, Some(Open::Reasoning { .. })) {
            self.close(out);
            let place = self.place("rs");
            self.writer.begin_reasoning(&place, out);
            self.open =
                Some(Open::Reasoning { place, text: String::new(), blocks: ThinkingBlocks::default() });
        }
        let Some(Open::Reasoning { place, text, blocks }) = &mut self.open else { return };
        for piece in pieces {
            if let Value::Object(piece) = piece {
                blocks.add(piece);
            }
        }
        if !more.is_empty() {
            text.push_str(more);
            self.writer.summary("text.delta", place, ("delta", more.into()), out);
        }
    }

    fn text(&mut self, more: &str, out: &mut Vec<Event>) {
        if !matches!(self.open, Some(Open::Text { .. })) {
            self.close(out);
            let place = self.place("msg");
            self.writer.begin_message(&place, items::text_part("", &[]), out);
            self.open = Some(Open::Text { place, text: String::new() });
        }
        let Some(Open::Text { place, text }) = &mut self.open else { return };
        text.push_str(more);
        self.writer.content("output_text.delta", place, 0, ("delta", more.into()), out);
    }

    fn refusal(&mut self, more: &str, out: &mut Vec<Event>) {
        if !matches!(self.open, Some(Open::Refusal { .. })) {
            self.close(out);
            let place = self.place("msg");
            self.writer.begin_message(&place, items::refusal_part(""), out);
            self.open = Some(Open::Refusal { place, text: String::new() });
        }
        let Some(Open::Refusal { place, text }) = &mut self.open else { return };
        text.push_str(more);
        self.writer.content("refusal.delta", place, 0, ("delta", more.into()), out);
    }

    /// A citation belongs to the text that is being written.
    fn annotation(&mut self, annotation: Value, out: &mut Vec<Event>) {
        if let Some(Open::Text { place, .. }) = &self.open {
            self.writer.annotation(place, self.annotations.len(), annotation.clone(), out);
            self.annotations.push(annotation);
        }
    }

    fn image(&mut self, image: &Value, out: &mut Vec<Event>) {
        self.close(out);
        let place = self.place("ig");
        if let Some(item) = items::image(&place.id, image) {
            self.writer.item("added", place.index, item.clone(), out);
            self.writer.item("done", place.index, item.clone(), out);
            self.done.push((place.index, item));
        }
    }

    fn call(&mut self, chunk: ToolCallChunk, out: &mut Vec<Event>) {
        let at = usize::try_from(chunk.index).unwrap_or(usize::MAX);
        if at >= self.calls.len() {
            self.close(out);
            let name = chunk.name.unwrap_or_default();
            let call = CalledTool {
                is_custom: self.custom.contains(&name),
                call_id: chunk.id.unwrap_or_default(),
                name,
                arguments: String::new(),
                provider_fields: None,
            };
            let place = Place { index: self.items, id: call.id() };
            self.items += 1;
            self.writer.item("added", place.index, call.item(Status::InProgress), out);
            self.calls.push((place, call));
        }
        let last = self.calls.len() - 1;
        let Some((place, call)) = self.calls.get_mut(at.min(last)) else { return };
        if let Some(fields) = chunk.provider_fields {
            call.provider_fields.get_or_insert_default().extend(fields);
        }
        if !chunk.arguments.is_empty() {
            call.arguments.push_str(&chunk.arguments);
            // Free text is not a piece of JSON: it comes once it can be read.
            if !call.is_custom {
                self.writer.call("function_call_arguments.delta", place, ("delta", &chunk.arguments), out);
            }
        }
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        self.close_as(Status::Completed, out);
    }

    /// Ends the item that text went to.
    fn close_as(&mut self, status: Status, out: &mut Vec<Event>) {
        let writer = &mut self.writer;
        let (place, item) = match self.open.take() {
            None => return,
            Some(Open::Text { place, text }) => {
                let part = items::text_part(&text, &std::mem::take(&mut self.annotations));
                writer.content("output_text.done", &place, 0, ("text", text.into()), out);
                writer.part("done", &place, 0, part.clone(), out);
                let whole = items::message(&place.id, Status::Completed, vec![part.clone()]);
                writer.item("done", place.index, whole, out);
                let item = items::message(&place.id, status, vec![part]);
                (place, item)
            }
            Some(Open::Refusal { place, text }) => {
                let part = items::refusal_part(&text);
                writer.content("refusal.done", &place, 0, ("refusal", text.into()), out);
                writer.part("done", &place, 0, part.clone(), out);
                let item = items::message(&place.id, status, vec![part]);
                writer.item("done", place.index, item.clone(), out);
                (place, item)
            }
            Some(Open::Reasoning { place, text, blocks }) => {
                let item = items::reasoning(&place.id, &text, &blocks.finish());
                writer.end_reasoning(&place, &text, item.get("encrypted_content").cloned(), out);
                (place, item)
            }
        };
        self.done.push((place.index, item));
    }

    fn close_calls(&mut self, out: &mut Vec<Event>) {
        for (place, call) in std::mem::take(&mut self.calls) {
            let item = call.item(Status::Completed);
            if call.is_custom {
                let input = call.input();
                self.writer.call("custom_tool_call_input.delta", &place, ("delta", &input), out);
                self.writer.call("custom_tool_call_input.done", &place, ("input", &input), out);
            } else {
                let whole = ("arguments", call.arguments.as_str());
                self.writer.call("function_call_arguments.done", &place, whole, out);
            }
            self.writer.item("done", place.index, item, out);
            self.done.push((place.index, call.whole_item()));
        }
    }

    fn output(&mut self) -> Vec<Value> {
        let mut done = std::mem::take(&mut self.done);
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, item)| item).collect()
    }
}

impl EventEncoder for Encoder {
    fn chunk(&mut self, chunk: Chunk, head: &StreamHead, out: &mut Vec<Event>) {
        self.begin(head, out);
        for choice in chunk.choices {
            // A response has one answer.
            if choice.index == 0 {
                self.choice(choice, out);
            }
        }
        self.usage = chunk.usage.or(self.usage.take());
    }

    fn finish(&mut self, head: &StreamHead, out: &mut Vec<Event>) {
        let mut shell = self.begin(head, out);
        shell.model = self.whole_model.take().unwrap_or(shell.model);
        let status = self.finish.map_or(Status::Completed, Status::of);
        self.close_as(status, out);
        self.close_calls(out);
        let output = self.output();
        let response = items::shell(&shell, &self.asked, status, output, self.usage.as_ref());
        self.writer.response(status.name(), response, out);
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<Event>) {
        let shell =
            self.shell.clone().unwrap_or(Shell { id: String::new(), created: 0, model: String::new() });
        let output = self.output();
        let mut response = items::shell(&shell, &self.asked, Status::Failed, output, self.usage.as_ref());
        let code = error.facts().code.clone().unwrap_or_else(|| "server_error".to_owned());
        response.insert("error".into(), serde_json::json!({ "code": code, "message": error.message() }));
        self.writer.response("failed", response, out);
    }
}
