//! Counting tokens where a provider does not, and encoding with OpenAI's vocabularies.
//!
//! The vocabularies are in the binary and are read when first needed. Their pieces are looked up and merged here and
//! not by a library: those that there are need tens of megabytes for a table, or half the speed (docs/tokens.md).

mod images;
mod merge;
mod messages;
mod split;
mod tools;
mod vocabulary;

use serde_json::Value;

use crate::hub::Usage;
use crate::json::count_at;

pub use messages::{Conversation, ImageCount};
pub use vocabulary::Encoding;

/// Tokens of a text in OpenAI's `cl100k_base`: an estimate for every other vocabulary.
pub fn count(text: &str) -> u64 {
    Encoding::Cl100k.count(text)
}

/// Estimates the reasoning share of the output where the model thought but its provider has not counted, which
/// wires mark by a null `reasoning_tokens`. Hidden thinking stays null (USG-08).
pub fn estimate_reasoning(usage: &mut Usage, reasoning: &str) {
    let completion = usage.completion_tokens;
    let Some(details) = &mut usage.completion_tokens_details else { return };
    if details.get("reasoning_tokens") != Some(&Value::Null) || reasoning.is_empty() {
        return;
    }
    let counted = count(reasoning).min(completion);
    details.insert("reasoning_tokens".to_owned(), counted.into());
    if count_at(details, "text_tokens") == 0 {
        details.insert("text_tokens".to_owned(), (completion - counted).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_too_long_for_the_pattern_is_still_counted() {
        let spaces = " ".repeat(1_200_000);
        assert!(count(&format!("{spaces}x")) > 0);
        assert!(count(&format!("{spaces}\n{spaces}x")) > 0);
    }

    #[test]
    fn usg_08_thinking_is_estimated_capped_or_left_open() {
        let usage =
            |completion: u64| Usage::new(1, completion).completion_detail("reasoning_tokens", Value::Null);
        let details =
            |usage: &Usage, key: &str| usage.completion_tokens_details.as_ref().unwrap().get(key).cloned();
        let text = "Letters: s t r a w b e r r y. r appears thrice.";
        let mut counted = usage(73);
        estimate_reasoning(&mut counted, text);
        assert_eq!(details(&counted, "reasoning_tokens"), Some(18.into()));
        assert_eq!(details(&counted, "text_tokens"), Some(55.into()));
        let mut capped = usage(5);
        estimate_reasoning(&mut capped, text);
        assert_eq!(details(&capped, "reasoning_tokens"), Some(5.into()));
        let mut hidden = usage(5);
        estimate_reasoning(&mut hidden, "");
        assert_eq!(details(&hidden, "reasoning_tokens"), Some(Value::Null));
    }
}
