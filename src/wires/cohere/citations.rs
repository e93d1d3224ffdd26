//! Citations as annotations (COH-05).

use serde_json::{Value, json};

use crate::json::{Map, str_at};

/// One annotation a source of each citation.
pub fn annotations(citations: &Value) -> Vec<Value> {
    let list = match citations {
        Value::Array(list) => list.as_slice(),
        // A stream brings them one by one.
        Value::Object(_) => std::slice::from_ref(citations),
        _ => &[],
    };
    list.iter().filter_map(Value::as_object).flat_map(of_citation).collect()
}

fn of_citation(citation: &Map) -> impl Iterator<Item = Value> {
    let sources = citation.get("sources").and_then(Value::as_array).into_iter().flatten();
    sources.filter_map(Value::as_object).map(|source| {
        let document = source.get("document").and_then(Value::as_object);
        let of_document = |key: &str| document.and_then(|document| str_at(document, key));
        let id = str_at(source, "id").unwrap_or_default();
        let url = of_document("url").map_or_else(|| format!("source:{id}"), str::to_owned);
        json!({
            "type": "url_citation",
            "url_citation": {
                "start_index": citation.get("start"),
                "end_index": citation.get("end"),
                "title": of_document("title").unwrap_or_default(),
                "url": url,
            },
        })
    })
}
