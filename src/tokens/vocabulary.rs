//! OpenAI's vocabularies: which texts are tokens, and which number each has.
//!
//! They are in the binary as they are used: the tokens' bytes in the order of their ranks, each after its length
//! (`scripts/make_vocabularies.py`). Reading one when it is first asked for takes a few milliseconds, and its index a
//! few megabytes.

use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::OnceLock;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::split::Splitter;
use super::{merge, split};

/// One of the vocabularies that OpenAI's models read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GPT-3.5 and GPT-4; what stands in for every vocabulary that is not here.
    Cl100k,
    /// GPT-4o and what came after it.
    O200k,
}

static CL100K: OnceLock<Vocabulary> = OnceLock::new();
static O200K: OnceLock<Vocabulary> = OnceLock::new();

/// Beginnings of the names of models that read with `o200k_base`.
const O200K_MODELS: [&str; 8] =
    ["gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4-mini"];

impl Encoding {
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "cl100k_base" => Some(Self::Cl100k),
            "o200k_base" => Some(Self::O200k),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Cl100k => "cl100k_base",
            Self::O200k => "o200k_base",
        }
    }

    /// The vocabulary of a model, whatever provider is in front of its name. One whose vocabulary is not here is
    /// counted with `cl100k_base`, as LiteLLM does without network.
    pub fn of_model(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.strip_prefix("ft:").unwrap_or(name);
        let is = |known: &&str| {
            name.strip_prefix(*known)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        if O200K_MODELS.iter().any(is) { Self::O200k } else { Self::Cl100k }
    }

    pub fn vocabulary(self) -> &'static Vocabulary {
        match self {
            Self::Cl100k => CL100K.get_or_init(|| {
                Vocabulary::new(
                    include_bytes!("vocabularies/cl100k_base.bin"),
                    split::cl100k(),
                    &[
                        (100_257, "<|endoftext|>"),
                        (100_258, "<|fim_prefix|>"),
                        (100_259, "<|fim_middle|>"),
                        (100_260, "<|fim_suffix|>"),
                        (100_276, "<|endofprompt|>"),
                    ],
                )
            }),
            Self::O200k => O200K.get_or_init(|| {
                Vocabulary::new(
                    include_bytes!("vocabularies/o200k_base.bin"),
                    split::o200k(),
                    &[(199_999, "<|endoftext|>"), (200_018, "<|endofprompt|>")],
                )
            }),
        }
    }

    /// Tokens of a text. Names of special tokens in it are text like any other.
    pub fn count(self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        let vocabulary = self.vocabulary();
        let mut scratch = merge::Scratch::default();
        let mut tokens = 0;
        vocabulary.splitter.pieces(text, |piece| {
            tokens += match vocabulary.rank(piece) {
                Some(_) => 1,
                None => scratch.merge(piece, vocabulary),
            };
        });
        tokens as u64
    }

    /// The numbers of a text's tokens.
    pub fn encode(self, text: &str) -> Vec<u32> {
        let vocabulary = self.vocabulary();
        let mut scratch = merge::Scratch::default();
        let mut tokens = Vec::with_capacity(text.len() / 3);
        vocabulary.splitter.pieces(text, |piece| match vocabulary.rank(piece) {
            Some(rank) => tokens.push(rank),
            None => {
                scratch.merge(piece, vocabulary);
                tokens.extend(scratch.parts(piece).filter_map(|part| vocabulary.rank(part)));
            }
        });
        tokens
    }

    /// The bytes that tokens stand for, or the first number that is no token's.
    pub fn decode(self, tokens: &[u32]) -> Result<Vec<u8>, u32> {
        let vocabulary = self.vocabulary();
        let mut bytes = Vec::with_capacity(tokens.len() * 4);
        for &token in tokens {
            bytes.extend_from_slice(vocabulary.bytes(token).ok_or(token)?);
        }
        Ok(bytes)
    }
}

/// The tokens of a vocabulary, found by number or by text.
pub struct Vocabulary {
    data: &'static [u8],
    /// Where each token's length stands in `data`, by rank.
    places: Vec<u32>,
    ranks: HashTable<u32>,
    special: &'static [(u32, &'static str)],
    splitter: Splitter,
}

fn hash(token: &[u8]) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(token)
}

impl Vocabulary {
    fn new(data: &'static [u8], splitter: Splitter, special: &'static [(u32, &'static str)]) -> Self {
        let mut places = Vec::with_capacity(200_000);
        let mut at = 0;
        while let Some(&length) = data.get(at) {
            places.push(u32::try_from(at).unwrap_or_default());
            at += 1 + usize::from(length);
        }
        let mut ranks = HashTable::with_capacity(places.len());
        for (rank, &place) in (0..).zip(&places) {
            ranks.insert_unique(hash(at_place(data, place)), rank, |&rank: &u32| {
                hash(at_place(data, places[rank as usize]))
            });
        }
        Self { data, places, ranks, special, splitter }
    }

    /// The number of the token that is exactly these bytes. The lower, the earlier it is merged.
    pub fn rank(&self, token: &[u8]) -> Option<u32> {
        let is = |rank: &u32| at_place(self.data, self.places[*rank as usize]) == token;
        self.ranks.find(hash(token), is).copied()
    }

    fn bytes(&self, token: u32) -> Option<&[u8]> {
        let place = self.places.get(token as usize).map(|&place| at_place(self.data, place));
        place.or_else(|| {
            self.special.iter().find(|(number, _)| *number == token).map(|(_, name)| name.as_bytes())
        })
    }
}

fn at_place(data: &'static [u8], place: u32) -> &'static [u8] {
    let at = place as usize;
    &data[at + 1..=at + usize::from(data[at])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_read_with_the_vocabulary_of_their_family() {
        for model in
            ["gpt-4o-mini", "azure/gpt-4o", "ft:gpt-4o:x", "openai/o1", "o3-mini", "gpt-5", "gpt-4.1-nano"]
        {
            assert_eq!(Encoding::of_model(model), Encoding::O200k, "{model}");
        }
        for model in
            ["gpt-4", "gpt-4-turbo", "", "o11", "claude-sonnet-4-5", "gemini/gemini-2.5-pro", "omni-gpt-4o"]
        {
            assert_eq!(Encoding::of_model(model), Encoding::Cl100k, "{model}");
        }
    }

    #[test]
    fn tokens_and_texts_lead_to_each_other() {
        for encoding in [Encoding::Cl100k, Encoding::O200k] {
            let vocabulary = encoding.vocabulary();
            for rank in (0..vocabulary.places.len()).step_by(997) {
                let rank = u32::try_from(rank).unwrap();
                assert_eq!(vocabulary.rank(vocabulary.bytes(rank).unwrap()), Some(rank));
            }
            assert_eq!(vocabulary.rank(b""), None);
        }
        assert_eq!(Encoding::Cl100k.decode(&[15339, 100_257]), Ok(b"hello<|endoftext|>".to_vec()));
        assert_eq!(Encoding::Cl100k.decode(&[15339, 999_999]), Err(999_999));
    }
}
