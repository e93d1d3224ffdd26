//! Tokens are the same as in OpenAI's own implementation, text for text.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::{BTreeMap, HashSet};

use ferrolite::tokens::Encoding;
use tiktoken_rs::CoreBPE;

fn texts() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!("../facts/texts.json")).unwrap()
}

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// A thousand texts: cuts out of ten languages, code and marks, alone and mixed.
fn corpus() -> Vec<String> {
    let texts: Vec<Vec<char>> = texts().into_values().map(|text| text.chars().collect()).collect();
    let mut random = Random(42);
    let mut cut = |from: &[char]| -> String {
        let start = random.below(from.len());
        let length = 1 + random.below(from.len());
        from[start..].iter().take(length).collect()
    };
    let mut corpus: Vec<String> = Vec::new();
    for turn in 0..82 {
        for (at, text) in texts.iter().enumerate() {
            let other = &texts[(at + turn) % texts.len()];
            corpus.push(if turn % 3 == 0 { cut(text) + &cut(other) + &cut(text) } else { cut(text) });
        }
    }
    corpus.extend(texts.iter().map(|text| text.iter().collect::<String>().repeat(20)));
    corpus.extend(["a", " ", "\n", "'", "\r\n \r\n"].map(|piece| piece.repeat(700)));
    corpus.push(String::new());
    corpus
}

fn check(encoding: Encoding, known: &CoreBPE) {
    let corpus = corpus();
    assert!(corpus.len() >= 1000);
    for text in &corpus {
        let (expected, _) = known.encode(text, &HashSet::new()).unwrap();
        assert_eq!(encoding.encode(text), expected, "{text:?}");
        assert_eq!(encoding.count(text), expected.len() as u64, "{text:?}");
        assert_eq!(encoding.decode(&expected).unwrap(), text.as_bytes());
    }
}

#[test]
fn cl100k_base_is_that_of_tiktoken() {
    check(Encoding::Cl100k, &tiktoken_rs::cl100k_base().unwrap());
}

#[test]
fn o200k_base_is_that_of_tiktoken() {
    check(Encoding::O200k, &tiktoken_rs::o200k_base().unwrap());
}

#[test]
fn a_text_too_long_for_tiktoken_is_still_counted() {
    let spaces = " ".repeat(1_200_000);
    assert!(ferrolite::tokens::count(&format!("{spaces}x")) > 0);
    assert!(ferrolite::tokens::count(&format!("{spaces}\n{spaces}x")) > 0);
    assert_eq!(ferrolite::tokens::count(&"a".repeat(1_000_000)), 125_000);
}
