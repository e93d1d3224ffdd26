//! Names and ids in the provider's alphabet (GEN-19, GEN-20, ANT-08, ANT-10).

use crate::wires::tool_names::{NameRule, is_plain};

pub const NAMES: NameRule = NameRule { limit: 128, first_letter: None };

/// Stands for an id that is empty.
const NO_ID: &str = "tool_use_id";
/// Some programs carry another provider's thought signature behind this in the id of a call.
const THOUGHT_MARK: &str = "__thought__";

/// The id of a call as it is sent: the same for the call and its result (ANT-08).
pub fn call_id(id: &str) -> String {
    let id = id.split_once(THOUGHT_MARK).map_or(id, |(id, _)| id);
    if id.is_empty() {
        return NO_ID.to_owned();
    }
    id.chars().map(|symbol| if is_plain(symbol) { symbol } else { '_' }).collect()
}
