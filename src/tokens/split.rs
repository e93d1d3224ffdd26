//! Cutting a text into the pieces that are encoded on their own, as OpenAI's patterns say.
//!
//! The published patterns look ahead (`\s+(?!\S)`), which an automaton cannot. Here that alternative takes one
//! character too many and gives it back.

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

/// The pattern whose last character belongs to the next piece.
const GIVES_BACK: usize = 1;

/// Cuts texts.
pub struct Splitter {
    /// None only if the patterns were no patterns, which a test rules out: then a text is one piece.
    patterns: Option<Regex>,
}

/// How GPT-3.5 and GPT-4 cut.
pub fn cl100k() -> Splitter {
    Splitter::new(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+$",
    )
}

/// How GPT-4o cuts.
pub fn o200k() -> Splitter {
    Splitter::new(concat!(
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
        r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+$",
    ))
}

impl Splitter {
    fn new(pattern: &str) -> Self {
        Self { patterns: Regex::new_many(&[pattern, r"\s+\s", r"\s+"]).ok() }
    }

    /// Hands out the pieces in their order.
    pub fn pieces<'a>(&self, text: &'a str, mut piece: impl FnMut(&'a [u8])) {
        let bytes = text.as_bytes();
        let Some(patterns) = &self.patterns else { return piece(bytes) };
        let mut start = 0;
        while start < bytes.len() {
            let input = Input::new(&text[start..]).anchored(Anchored::Yes);
            // Every character fits one alternative; should one not, the rest is one piece.
            let Some(found) = patterns.search(&input) else { return piece(&bytes[start..]) };
            let mut end = start + found.end();
            if found.pattern().as_usize() == GIVES_BACK {
                end = text[start..end].char_indices().next_back().map_or(end, |(at, _)| start + at);
            }
            if end == start {
                return piece(&bytes[start..]);
            }
            piece(&bytes[start..end]);
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(splitter: &Splitter, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        splitter.pieces(text, |piece| out.push(String::from_utf8(piece.to_vec()).unwrap()));
        out
    }

    #[test]
    fn white_space_before_a_word_gives_its_last_character_to_it() {
        for splitter in [cl100k(), o200k()] {
            assert!(splitter.patterns.is_some());
            assert_eq!(pieces(&splitter, "a   b"), ["a", "  ", " b"]);
            assert_eq!(pieces(&splitter, "a  \n\n  b  "), ["a", "  \n\n", " ", " b", "  "]);
        }
    }

    #[test]
    fn capitals_and_contractions_differ_between_the_two() {
        assert_eq!(pieces(&cl100k(), "camelCase"), ["camelCase"]);
        assert_eq!(pieces(&cl100k(), "12345 it's"), ["123", "45", " it", "'s"]);
        assert_eq!(pieces(&o200k(), "12345 it's"), ["123", "45", " it's"]);
        assert_eq!(pieces(&o200k(), "camelCase"), ["camel", "Case"]);
    }
}
