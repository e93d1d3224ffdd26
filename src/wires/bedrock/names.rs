//! Names of tools and ids of calls in Bedrock's alphabet (BED-03, BED-04, GEN-19).

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::wires::tool_names::NameRule;

/// The longest name of a tool, and the longest id of a call.
const LIMIT: usize = 64;
/// How much of a hash tells rewritten ids apart.
const HASH: usize = 4;

pub const NAMES: NameRule = NameRule { limit: LIMIT, first_letter: Some('a') };

/// The id of a call as it is sent: the same for the call and its result (BED-04). A rewritten one carries a hash of
/// itself, so that different ids stay different.
pub fn call_id(id: &str) -> Cow<'_, str> {
    let plain = |symbol: char| symbol.is_ascii_alphanumeric() || "_.:-".contains(symbol);
    if !id.is_empty() && id.len() <= LIMIT && id.chars().all(plain) {
        return Cow::Borrowed(id);
    }
    let mut sent: String = id.chars().map(|symbol| if plain(symbol) { symbol } else { '_' }).collect();
    sent.truncate(LIMIT - 2 * HASH - 1);
    sent.push('_');
    for byte in Sha256::digest(id).iter().take(HASH) {
        // Writing to a string does not fail.
        let _ = write!(sent, "{byte:02x}");
    }
    Cow::Owned(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wires::tool_names::ToolNames;

    #[test]
    fn bed_03_names_are_rewritten_reversibly() {
        let long = "a".repeat(70);
        let given = [
            "get_weather_",
            "get weather!",
            "get.weather?",
            "9lives",
            "_x",
            "\u{e9}t\u{e9}",
            long.as_str(),
            "",
        ];
        let names = ToolNames::of(NAMES, given.iter().copied());
        let sent: Vec<Cow<'_, str>> = given.iter().map(|name| names.sent(name)).collect();
        assert_eq!(sent[..6], ["get_weather_", "get_weather__2", "get_weather__3", "a9lives", "a_x", "a_t_"]);
        assert_eq!(sent[6].len(), 64);
        assert_eq!(sent[7], "a");
        let begins_well = |name: &str| name.starts_with(|first: char| first.is_ascii_alphabetic());
        assert!(sent.iter().all(|name| begins_well(name) && name.len() <= LIMIT));
        assert_eq!(names.into_pairs().len(), 7);
    }

    #[test]
    fn bed_04_ids_are_rewritten_and_stay_different() {
        assert_eq!(call_id("toolu_ok.:-1"), "toolu_ok.:-1");
        assert_eq!(call_id("id with space!"), "id_with_space__f8bd37eb");
        assert_ne!(call_id("id with space!"), call_id("id with space?"));
        let long = call_id(&"x".repeat(70)).into_owned();
        assert_eq!(long, format!("{}_c71bd109", "x".repeat(55)));
        assert!(!call_id("").is_empty());
    }
}
