//! The last requests, for tests that assert on what was sent. Bounded, and without keys.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

const MAX_ENTRIES: usize = 256;
const MAX_BYTES: usize = 1024 * 1024;
/// A body longer than this is not kept.
const MAX_BODY: usize = 256 * 1024;
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"];
const REDACTED: &str = "[redacted]";

#[derive(Default)]
pub(super) struct Record {
    entries: VecDeque<Entry>,
    bytes: usize,
    seen: u64,
}

struct Entry {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    body_bytes: usize,
}

impl Record {
    pub(super) fn push(&mut self, method: &http::Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) {
        self.seen += 1;
        let entry = Entry {
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: redacted_query(uri.query().unwrap_or_default()),
            headers: headers
                .iter()
                .map(|(name, value)| redacted_header(name.as_str(), value.as_bytes()))
                .collect(),
            body: (body.len() <= MAX_BODY).then(|| body.to_vec()),
            body_bytes: body.len(),
        };
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }

    /// Oldest first; `seen` also counts those no longer kept.
    pub(super) fn to_json(&self) -> Value {
        let requests: Vec<Value> = self.entries.iter().map(Entry::to_json).collect();
        json!({"seen": self.seen, "requests": requests})
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        size_of::<Self>()
            + self.path.len()
            + self.query.len()
            + headers
            + self.body.as_ref().map_or(0, Vec::len)
    }

    /// The body as JSON where it is JSON, else as text; null where it was too long to keep.
    fn to_json(&self) -> Value {
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        let body = self.body.as_ref().map(|body| {
            serde_json::from_slice(body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body)))
        });
        json!({
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": headers,
            "body": body,
            "body_bytes": self.body_bytes,
        })
    }
}

/// Keeps the scheme of an authorization, so that a test can see how a key was sent.
fn redacted_header(name: &str, value: &[u8]) -> (String, String) {
    let value = String::from_utf8_lossy(value);
    let value = match value.split_once(' ') {
        _ if !SECRET_HEADERS.contains(&name) => value.into_owned(),
        Some((scheme, _)) if name.ends_with("authorization") => format!("{scheme} {REDACTED}"),
        _ => REDACTED.to_owned(),
    };
    (name.to_owned(), value)
}

fn redacted_query(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name @ ("key" | "access_token"), _)) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bounds_and_hides_keys() {
        let mut record = Record::default();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", http::HeaderValue::from_static("Bearer sk-secret"));
        headers.insert("x-api-key", http::HeaderValue::from_static("sk-secret"));
        let uri = Uri::from_static("/v1/x?alt=sse&key=sk-secret");
        for size in (0..300).map(|index| index * 1000) {
            record.push(&http::Method::POST, &uri, &headers, &vec![b'x'; size].into());
        }
        assert!(record.entries.len() <= MAX_ENTRIES && record.bytes <= MAX_BYTES);
        let shown = record.to_json();
        assert_eq!(shown["seen"], 300);
        let first = &shown["requests"][0];
        assert_eq!(first["query"], "alt=sse&key=[redacted]");
        assert_eq!(first["headers"]["authorization"], "Bearer [redacted]");
        assert!(!shown.to_string().contains("secret"));
    }
}
