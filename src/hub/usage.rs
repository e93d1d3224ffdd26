//! Token counts in OpenAI's shape with the public extension fields.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{Fields, Map, Tree, count_at, count_of};

/// Counts of one answer. The details are open maps, so that a provider's own counts survive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All input, cached reads and writes included (USG-01).
    pub prompt_tokens: u64,
    /// All output, reasoning included.
    pub completion_tokens: u64,
    pub total_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<Map>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<Map>,
    /// Other keys: `cache_creation_input_tokens`, `cache_read_input_tokens`, `server_tool_use`, `cost` …
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map,
}

impl Usage {
    pub fn new(prompt_tokens: u64, completion_tokens: u64) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            ..Self::default()
        }
    }

    /// Adds the counts of another answer; details that are counts, too.
    pub fn add(&mut self, other: &Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.total_tokens += other.total_tokens;
        add_counts(&mut self.prompt_tokens_details, other.prompt_tokens_details.as_ref());
        add_counts(&mut self.completion_tokens_details, other.completion_tokens_details.as_ref());
    }

    pub fn prompt_detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.prompt_tokens_details.get_or_insert_default().insert(key.to_owned(), value.into());
        self
    }

    pub fn completion_detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.completion_tokens_details.get_or_insert_default().insert(key.to_owned(), value.into());
        self
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    /// A detail of the prompt; 0 when it is not there.
    pub fn cached_tokens(&self) -> u64 {
        self.prompt_tokens_details.as_ref().map_or(0, |details| count_at(details, "cached_tokens"))
    }

    /// OpenAI's own `usage` object, with what compatible providers put there (RSN-07, USG-16).
    pub fn from_openai(mut fields: Fields<'_>) -> Self {
        let mut count = |key: &str| fields.take(key).map(Tree::into_value);
        let prompt_tokens = count("prompt_tokens").as_ref().map_or(0, count_of);
        let completion_tokens = count("completion_tokens").as_ref().map_or(0, count_of);
        let total_tokens = match count("total_tokens") {
            Some(total @ Value::Number(_)) => count_of(&total),
            _ => prompt_tokens + completion_tokens,
        };
        let mut details = |key: &str| match fields.take(key) {
            Some(Tree::Object(details)) => Some(details.into_map()),
            _ => None,
        };
        let prompt_tokens_details = details("prompt_tokens_details");
        let completion_tokens_details = details("completion_tokens_details");
        let mut usage = Self {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            prompt_tokens_details,
            completion_tokens_details,
            extra: fields.into_known(),
        };
        usage.fold();
        usage
    }

    /// Makes the two names of one value agree: cache reads, cache writes, reasoning (USG-16, RSN-07).
    pub fn fold(&mut self) {
        for name in ["cache_read_input_tokens", "prompt_cache_hit_tokens"] {
            if let Some(read) = self.extra.get(name).and_then(Value::as_u64).filter(|n| *n > 0) {
                let details = self.prompt_tokens_details.get_or_insert_default();
                if count_at(details, "cached_tokens") == 0 {
                    details.insert("cached_tokens".into(), read.into());
                }
                break;
            }
        }
        let written = self
            .prompt_tokens_details
            .as_ref()
            .map_or(0, |details| {
                count_at(details, "cache_write_tokens").max(count_at(details, "cache_creation_tokens"))
            })
            .max(count_at(&self.extra, "cache_creation_input_tokens"));
        if written > 0 {
            let details = self.prompt_tokens_details.get_or_insert_default();
            details.insert("cache_write_tokens".into(), written.into());
            details.insert("cache_creation_tokens".into(), written.into());
        }
    }
}

fn add_counts(counts: &mut Option<Map>, others: Option<&Map>) {
    for (name, other) in others.into_iter().flatten() {
        let Some(other) = other.as_u64() else { continue };
        let counts = counts.get_or_insert_default();
        let sum = count_at(counts, name) + other;
        counts.insert(name.clone(), sum.into());
    }
}
