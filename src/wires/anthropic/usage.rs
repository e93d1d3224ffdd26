//! Token counts: the provider's own, and what OpenAI's clients expect of them (USG-01, USG-08 … USG-10).

use serde_json::{Value, json};

use crate::hub::Usage;
use crate::json::{Map, count_at, count_of};

/// Whether the model thought, as far as its answer shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Thought {
    pub blocks: bool,
}

/// Counts of a whole answer.
pub fn whole(counts: &Map, thought: Thought, tool_searches: u64) -> Usage {
    let mut usage = shared(counts, thought);
    let mut tools = server_tools(counts).unwrap_or_default();
    if tool_searches > 0 {
        tools.insert("tool_search_requests".to_owned(), tool_searches.into());
    }
    if !tools.is_empty() {
        usage.extra.insert("server_tool_use".to_owned(), Value::Object(tools));
    }
    for key in ["service_tier", "iterations"] {
        copy(counts, key, &mut usage.extra);
    }
    usage
}

/// Counts of a stream, merged from its events.
pub fn streamed(counts: &Map, thought: Thought) -> Usage {
    let mut usage = shared(counts, thought);
    if let Some(tools) = server_tools(counts) {
        usage.extra.insert("server_tool_use".to_owned(), Value::Object(tools));
    }
    usage
}

/// Adds the counts of a later event: what it does not say, or says with null or nothing, stays (ANT-37).
pub fn merge(counts: &mut Map, later: &Map) {
    for (key, value) in later {
        let says_nothing = value.is_null() || value.is_number() && count_of(value) == 0;
        if !says_nothing || !counts.contains_key(key) {
            counts.insert(key.clone(), value.clone());
        }
    }
}

fn shared(counts: &Map, thought: Thought) -> Usage {
    let sums = Sums::of(counts);
    let mut usage = Usage::new(sums.input + sums.cache_read + sums.cache_written, sums.output)
        .prompt_detail("cached_tokens", sums.cache_read)
        .prompt_detail("text_tokens", sums.input)
        .prompt_detail("cache_creation_tokens", sums.cache_written)
        .prompt_detail("cache_write_tokens", sums.cache_written);
    if let Some(written) = sums.written_by_age {
        usage = usage.prompt_detail("cache_creation_token_details", written);
    }
    let counted = counts
        .get("output_tokens_details")
        .and_then(|details| details.get("thinking_tokens"))
        .filter(|count| !count.is_null())
        .map(count_of);
    usage = match (counted, thought.blocks) {
        // It thought, but nobody has counted.
        (None, true) => usage.completion_detail("reasoning_tokens", Value::Null),
        (counted, _) => {
            let reasoning = counted.unwrap_or(0).min(sums.output);
            usage
                .completion_detail("reasoning_tokens", reasoning)
                .completion_detail("text_tokens", sums.output - reasoning)
        }
    };
    usage.extra.insert("cache_creation_input_tokens".to_owned(), sums.cache_written.into());
    usage.extra.insert("cache_read_input_tokens".to_owned(), sums.cache_read.into());
    for key in ["inference_geo", "speed"] {
        copy(counts, key, &mut usage.extra);
    }
    usage
}

fn copy(from: &Map, key: &str, to: &mut Map) {
    if let Some(value) = from.get(key).filter(|value| !value.is_null()) {
        to.insert(key.to_owned(), value.clone());
    }
}

fn server_tools(counts: &Map) -> Option<Map> {
    let given = counts.get("server_tool_use")?.as_object()?;
    let mut out = Map::new();
    for key in ["web_search_requests", "tool_search_requests"] {
        copy(given, key, &mut out);
    }
    (!out.is_empty()).then_some(out)
}

struct Sums {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_written: u64,
    written_by_age: Option<Value>,
}

impl Sums {
    /// The provider counts input without cached tokens (USG-03); iterations, where listed, replace the totals (USG-09).
    fn of(counts: &Map) -> Self {
        let iterations: Vec<&Map> = counts
            .get("iterations")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_object).collect())
            .unwrap_or_default();
        let sum = |key: &str| {
            if iterations.is_empty() {
                count_at(counts, key)
            } else {
                iterations.iter().map(|counts| count_at(counts, key)).fold(0, u64::saturating_add)
            }
        };
        let ages: Vec<&Map> =
            iterations.iter().filter_map(|counts| counts.get("cache_creation")?.as_object()).collect();
        let written_by_age = match (ages.is_empty(), counts.get("cache_creation")) {
            (true, Some(Value::Object(own))) => Some(by_age(&[own])),
            (true, _) => None,
            (false, _) => Some(by_age(&ages)),
        };
        Self {
            input: sum("input_tokens"),
            output: sum("output_tokens"),
            cache_read: sum("cache_read_input_tokens"),
            cache_written: sum("cache_creation_input_tokens"),
            written_by_age,
        }
    }
}

fn by_age(counts: &[&Map]) -> Value {
    let sum = |key: &str| counts.iter().map(|counts| count_at(counts, key)).fold(0, u64::saturating_add);
    json!({
        "ephemeral_5m_input_tokens": sum("ephemeral_5m_input_tokens"),
        "ephemeral_1h_input_tokens": sum("ephemeral_1h_input_tokens"),
    })
}
