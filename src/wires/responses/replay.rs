//! A whole response as the events it would have come in (STR-30).

use serde_json::{Value, json};

use super::writer::Writer;
use crate::json::str_at;
use crate::wires::Event;

pub fn events(response: Value) -> Vec<Event> {
    let Value::Object(response) = response else { return Vec::new() };
    let mut out = Vec::new();
    let mut writer = Writer::default();
    let mut begun = response.clone();
    begun.insert("status".into(), "in_progress".into());
    begun.insert("output".into(), json!([]));
    begun.insert("usage".into(), Value::Null);
    writer.response("created", begun.clone(), &mut out);
    writer.response("in_progress", begun, &mut out);
    let items = response.get("output").and_then(Value::as_array);
    for (index, item) in items.into_iter().flatten().filter_map(Value::as_object).enumerate() {
        writer.whole_item(index, item, &mut out);
    }
    let last = match str_at(&response, "status") {
        Some("incomplete") => "incomplete",
        Some("failed") => "failed",
        _ => "completed",
    };
    writer.response(last, response, &mut out);
    out
}
