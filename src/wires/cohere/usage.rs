//! Token counts (COH-06).

use serde_json::Value;

use crate::hub::Usage;
use crate::json::count_at;

/// What the model read and wrote; what is billed counts only where a server says nothing else.
pub fn read(usage: &Value) -> Usage {
    let counts = |key: &str| usage.get(key).and_then(Value::as_object);
    match counts("tokens").or_else(|| counts("billed_units")) {
        Some(counts) => Usage::new(count_at(counts, "input_tokens"), count_at(counts, "output_tokens")),
        None => Usage::default(),
    }
}
