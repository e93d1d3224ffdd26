//! The name of an answer: a hash over everything that decides what the answer is.
//!
//! Two requests that differ in what is sent upstream have different keys, since what is sent is a function of what goes
//! in here: the call type, who is asked and where, every keyword and setting that is sent or that changes how the rest
//! is sent, files, and the caller's own headers. What proves who asks, how long and how often it is tried, and a
//! caller's notes do not change an answer and are left out.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::auth::aws::hex;
use crate::hub::{CallType, SENT_METADATA, Target, Upload};
use crate::json::Map;

/// Changes with what an entry means, so that older entries are not found.
const VERSION: &str = "ferrolite-1";

/// Headers of the caller's that change no answer: proofs, and marks of a single request.
const UNHEARD: [&str; 14] = [
    "api-key",
    "authorization",
    "baggage",
    "cookie",
    "idempotency-key",
    "proxy-authorization",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-api-key",
    "x-correlation-id",
    "x-goog-api-key",
    "x-request-id",
    "x-trace-id",
];

/// A key in the making.
#[derive(Clone)]
pub struct KeyMaker(Sha256);

impl KeyMaker {
    pub fn new(call_type: CallType) -> Self {
        let mut made = Self(Sha256::new());
        made.text("version", VERSION);
        made.text("call", call_type.name());
        made
    }

    /// Who is asked, and where. `group` stands for all deployments of a model, whichever is asked.
    pub fn target(&mut self, target: &Target, group: Option<&str>) {
        match group {
            Some(group) => self.text("group", group),
            None => {
                self.text("provider", &target.provider);
                self.text("model", &target.model);
                self.text("base", &crate::auth::without_credentials(&target.base));
                self.text("path", target.path.as_deref().unwrap_or_default());
                self.text("stream_path", target.stream_path.as_deref().unwrap_or_default());
                self.text("wire", &format!("{:?}", target.wire));
                self.json("vars", &target.vars);
                self.text("base_model", target.facts.base_model.as_deref().unwrap_or_default());
            }
        }
        self.text("options", &format!("{:?}", target.options));
    }

    /// Keywords but for some, in whatever order they come. Null counts as absent (GEN-05), and so does what is no
    /// stream.
    pub fn keywords(&mut self, kind: &str, keywords: &Map, except: &[&str]) {
        let mut names: Vec<&String> = keywords.keys().collect();
        names.sort_unstable();
        for name in names {
            let Some(value) = keywords.get(name).filter(|value| !value.is_null()) else { continue };
            if except.contains(&name.as_str()) || name == "stream" && value == false {
                continue;
            }
            self.json(&format!("{kind}.{name}"), value);
        }
    }

    /// What of a caller's notes may be sent.
    pub fn metadata(&mut self, metadata: Option<&serde_json::Value>) {
        let Some(metadata) = metadata else { return };
        for name in SENT_METADATA {
            if let Some(value) = metadata.get(name).filter(|value| !value.is_null()) {
                self.json(&format!("metadata.{name}"), value);
            }
        }
    }

    /// Pairs of the caller's, in their order: headers and the query.
    pub fn pairs(&mut self, kind: &str, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            let name = name.to_ascii_lowercase();
            if !UNHEARD.contains(&name.as_str()) {
                self.text(&format!("{kind}.{name}"), value);
            }
        }
    }

    pub fn files(&mut self, files: &[Upload]) {
        for file in files {
            self.text("file.field", &file.field);
            self.text("file.name", &file.name);
            self.text("file.type", file.content_type.as_deref().unwrap_or_default());
            self.part("file.data", &file.data);
        }
    }

    pub fn text(&mut self, name: &str, value: &str) {
        self.part(name, value.as_bytes());
    }

    pub fn json(&mut self, name: &str, value: &impl Serialize) {
        // A value of ours can always be written.
        self.part(name, &serde_json::to_vec(value).unwrap_or_default());
    }

    /// Lengths in front: no two lists of parts have the same bytes.
    fn part(&mut self, name: &str, value: &[u8]) {
        for bytes in [name.as_bytes(), value] {
            self.0.update((bytes.len() as u64).to_le_bytes());
            self.0.update(bytes);
        }
    }

    /// The key, in the caller's namespace if there is one.
    pub fn finish(mut self, namespace: Option<&str>) -> String {
        self.text("namespace", namespace.unwrap_or_default());
        let hash = hex(&self.0.finalize());
        namespace.map_or(hash.clone(), |namespace| format!("{namespace}:{hash}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn key(keywords: Value) -> String {
        let Value::Object(keywords) = keywords else { panic!("an object") };
        let mut maker = KeyMaker::new(CallType::Chat);
        maker.keywords("sent", &keywords, &[]);
        maker.finish(None)
    }

    #[test]
    fn the_order_of_keywords_and_nulls_do_not_count() {
        assert_eq!(key(json!({ "a": 1, "b": 2 })), key(json!({ "b": 2, "c": null, "a": 1 })));
    }

    #[test]
    fn what_is_not_the_same_is_not_the_same() {
        let values = [
            json!({}),
            json!({ "a": 1 }),
            json!({ "a": 1.0 }),
            json!({ "a": "1" }),
            json!({ "a": true }),
            json!({ "a": [1] }),
            json!({ "a": { "1": 1 } }),
            json!({ "a": { "1": 1, "2": 2 } }),
            json!({ "a": { "2": 2, "1": 1 } }),
            json!({ "ab": 1 }),
            json!({ "a": "b", "c": "d" }),
            json!({ "a": "b\"c\":\"d" }),
        ];
        let keys: std::collections::HashSet<String> = values.iter().cloned().map(key).collect();
        assert_eq!(keys.len(), values.len());
    }

    #[test]
    fn a_namespace_is_in_front_and_in_the_hash() {
        let maker = KeyMaker::new(CallType::Chat);
        let (plain, own) = (maker.clone().finish(None), maker.finish(Some("mine")));
        assert_eq!(plain.len(), 64);
        assert!(own.starts_with("mine:") && !own.ends_with(&plain));
    }

    #[test]
    fn proofs_and_marks_in_headers_do_not_count() {
        let with = |pairs: &[(&str, &str)]| {
            let pairs: Vec<(String, String)> =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let mut maker = KeyMaker::new(CallType::Chat);
            maker.pairs("header", &pairs);
            maker.finish(None)
        };
        assert_eq!(with(&[]), with(&[("Authorization", "Bearer x"), ("X-Request-Id", "1")]));
        assert_ne!(with(&[]), with(&[("anthropic-beta", "x")]));
        assert!(UNHEARD.is_sorted());
    }
}
