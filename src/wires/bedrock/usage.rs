//! Token counts of Converse (BED-16, USG-01, USG-03, USG-08).

use serde_json::{Value, json};

use crate::hub::Usage;
use crate::json::{Map, count_at, count_of};

/// Input is counted without what the cache held. `counted` is the model's own count of its thinking; without one,
/// null asks for an estimate where it `thought`.
pub fn read(counts: &Map, counted: Option<u64>, thought: bool) -> Usage {
    let input = count_at(counts, "inputTokens");
    let output = count_at(counts, "outputTokens");
    let cached = count_at(counts, "cacheReadInputTokens");
    let written = count_at(counts, "cacheWriteInputTokens");
    let mut usage = Usage::new(input.saturating_add(cached).saturating_add(written), output)
        .prompt_detail("cached_tokens", cached)
        .prompt_detail("text_tokens", input)
        .prompt_detail("cache_creation_tokens", written)
        .prompt_detail("cache_write_tokens", written);
    if let Some(total) = counts.get("totalTokens").filter(|total| !total.is_null()) {
        usage.total_tokens = count_of(total);
    }
    if let Some(ages) = counts.get("cacheDetails").and_then(Value::as_array).filter(|ages| !ages.is_empty()) {
        let of = |ttl: &str| -> u64 {
            let of_age = ages.iter().filter(|age| age.get("ttl").and_then(Value::as_str) == Some(ttl));
            of_age.filter_map(|age| age.get("inputTokens")).map(count_of).fold(0, u64::saturating_add)
        };
        let ages = json!({"ephemeral_5m_input_tokens": of("5m"), "ephemeral_1h_input_tokens": of("1h")});
        usage = usage.prompt_detail("cache_creation_token_details", ages);
    }
    usage = match (counted, thought) {
        (None, true) => usage.completion_detail("reasoning_tokens", Value::Null),
        (counted, _) => {
            let reasoning = counted.unwrap_or(0).min(output);
            usage
                .completion_detail("reasoning_tokens", reasoning)
                .completion_detail("text_tokens", output - reasoning)
        }
    };
    usage.with("cache_creation_input_tokens", written).with("cache_read_input_tokens", cached)
}

/// What the model counted itself, in the fields that were asked for.
pub fn counted_thinking(fields: Option<&Value>) -> Option<u64> {
    let details = fields?.get("usage")?.get("output_tokens_details")?;
    details.get("thinking_tokens").filter(|count| !count.is_null()).map(count_of)
}
