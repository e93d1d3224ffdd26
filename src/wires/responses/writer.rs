//! Events with their numbers (OAR-15).

use serde_json::{Value, json};

use super::items;
use crate::json::{Map, str_at};
use crate::wires::Event;

/// Numbers events as they are written.
#[derive(Debug, Default)]
pub struct Writer {
    sequence: u64,
}

/// Where in the output a piece belongs.
#[derive(Debug, Clone)]
pub struct Place {
    pub index: usize,
    pub id: String,
}

impl Writer {
    fn push<const N: usize>(&mut self, kind: &str, fields: [(&str, Value); N], out: &mut Vec<Event>) {
        let mut data = Map::with_capacity(N + 2);
        data.insert("type".into(), kind.into());
        data.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        data.insert("sequence_number".into(), self.sequence.into());
        self.sequence += 1;
        out.push(Event { name: Some(kind.to_owned()), data: data.into() });
    }

    /// An event about the response as a whole, named after its status.
    pub fn response(&mut self, name: &str, response: Map, out: &mut Vec<Event>) {
        self.push(&format!("response.{name}"), [("response", response.into())], out);
    }

    pub fn item(&mut self, what: &str, index: usize, item: Value, out: &mut Vec<Event>) {
        let fields = [("output_index", index.into()), ("item", item)];
        self.push(&format!("response.output_item.{what}"), fields, out);
    }

    pub fn part(&mut self, what: &str, place: &Place, content: usize, part: Value, out: &mut Vec<Event>) {
        let fields = [
            ("item_id", place.id.as_str().into()),
            ("output_index", place.index.into()),
            ("content_index", content.into()),
            ("part", part),
        ];
        self.push(&format!("response.content_part.{what}"), fields, out);
    }

    /// A piece of a text or of a refusal, or the whole at its end.
    pub fn content(
        &mut self,
        kind: &str,
        place: &Place,
        content: usize,
        (field, value): (&str, Value),
        out: &mut Vec<Event>,
    ) {
        let kind = format!("response.{kind}");
        let fields = [
            ("item_id", place.id.as_str().into()),
            ("output_index", place.index.into()),
            ("content_index", content.into()),
            (field, value),
        ];
        if kind.starts_with("response.output_text") {
            let [id, index, content, value] = fields;
            self.push(&kind, [id, index, content, value, ("logprobs", json!([]))], out);
        } else {
            self.push(&kind, fields, out);
        }
    }

    pub fn annotation(&mut self, place: &Place, index: usize, annotation: Value, out: &mut Vec<Event>) {
        let fields = [
            ("item_id", place.id.as_str().into()),
            ("output_index", place.index.into()),
            ("content_index", 0.into()),
            ("annotation_index", index.into()),
            ("annotation", annotation),
        ];
        self.push("response.output_text.annotation.added", fields, out);
    }

    /// A piece of a call, or the whole at its end.
    pub fn call(&mut self, kind: &str, place: &Place, (field, text): (&str, &str), out: &mut Vec<Event>) {
        let fields = [
            ("item_id", place.id.as_str().into()),
            ("output_index", place.index.into()),
            (field, text.into()),
        ];
        self.push(&format!("response.{kind}"), fields, out);
    }

    pub fn summary(
        &mut self,
        kind: &str,
        place: &Place,
        (field, value): (&str, Value),
        out: &mut Vec<Event>,
    ) {
        let fields = [
            ("item_id", place.id.as_str().into()),
            ("output_index", place.index.into()),
            ("summary_index", 0.into()),
            (field, value),
        ];
        self.push(&format!("response.reasoning_summary_{kind}"), fields, out);
    }

    /// A message that begins: its item and its first part.
    pub fn begin_message(&mut self, place: &Place, part: Value, out: &mut Vec<Event>) {
        self.item(
            "added",
            place.index,
            items::message(&place.id, items::Status::InProgress, Vec::new()),
            out,
        );
        self.part("added", place, 0, part, out);
    }

    pub fn begin_reasoning(&mut self, place: &Place, out: &mut Vec<Event>) {
        let item = json!({ "id": place.id, "type": "reasoning", "status": "in_progress" });
        self.item("added", place.index, item, out);
    }

    pub fn end_reasoning(
        &mut self,
        place: &Place,
        text: &str,
        encrypted: Option<Value>,
        out: &mut Vec<Event>,
    ) {
        let part = json!({ "type": "summary_text", "text": text });
        self.summary("text.done", place, ("text", text.into()), out);
        self.summary("part.done", place, ("part", part.clone()), out);
        let mut item = json!({ "id": place.id, "type": "reasoning", "summary": [part] });
        if let Some(encrypted) = encrypted {
            item["encrypted_content"] = encrypted;
        }
        self.item("done", place.index, item, out);
    }

    /// An item that is there as a whole.
    pub fn whole_item(&mut self, index: usize, item: &Map, out: &mut Vec<Event>) {
        let place = Place { index, id: str_at(item, "id").unwrap_or_default().to_owned() };
        let begun = |field: &str, empty: Value| {
            let mut begun = item.clone();
            begun.insert("status".into(), "in_progress".into());
            begun.insert(field.into(), empty);
            Value::Object(begun)
        };
        match str_at(item, "type") {
            Some("message") => {
                self.item("added", index, begun("content", json!([])), out);
                let parts = item.get("content").and_then(Value::as_array);
                for (at, part) in parts.into_iter().flatten().enumerate() {
                    if let Value::Object(part) = part {
                        self.whole_part(&place, at, part, out);
                    }
                }
            }
            Some("function_call") => {
                self.item("added", index, begun("arguments", "".into()), out);
                let arguments = str_at(item, "arguments").unwrap_or_default();
                self.call("function_call_arguments.delta", &place, ("delta", arguments), out);
                self.call("function_call_arguments.done", &place, ("arguments", arguments), out);
            }
            _ => self.item("added", index, Value::Object(item.clone()), out),
        }
        self.item("done", index, Value::Object(item.clone()), out);
    }

    fn whole_part(&mut self, place: &Place, at: usize, part: &Map, out: &mut Vec<Event>) {
        let (field, kind) = match str_at(part, "type") {
            Some("refusal") => ("refusal", "refusal"),
            _ => ("text", "output_text"),
        };
        let text = str_at(part, field).unwrap_or_default();
        let mut empty = part.clone();
        empty.insert(field.into(), "".into());
        self.part("added", place, at, empty.into(), out);
        self.content(&format!("{kind}.delta"), place, at, ("delta", text.into()), out);
        self.content(&format!("{kind}.done"), place, at, (field, text.into()), out);
        self.part("done", place, at, Value::Object(part.clone()), out);
    }
}
