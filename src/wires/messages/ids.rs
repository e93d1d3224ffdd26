//! Names and ids that both sides can read (AMI-14, AMI-28).

use sha2::{Digest, Sha256};

use crate::json::{Map, str_at};
use crate::wires::gemini::split_id;

/// The longest name of a function in OpenAI's format.
const LONGEST_NAME: usize = 64;
const KEPT_OF_NAME: usize = 55;

/// What a tool is called in the chat completion: a long name is cut, and told apart by a hash (AMI-14).
pub fn sent_name(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(KEPT_OF_NAME).collect();
    format!("{kept}_{}", short_hash(name))
}

/// The caller's name of a tool; `names` has those that were cut.
pub fn own_name<'a>(names: Option<&'a Map>, sent: &'a str) -> &'a str {
    names.and_then(|names| str_at(names, sent)).unwrap_or(sent)
}

/// Ids of the calls of one answer, each with letters that Anthropic's clients take, and each once.
#[derive(Debug, Default)]
pub struct CallIds(Vec<String>);

impl CallIds {
    /// The id of a call. A signature that travels in it is handed out apart.
    pub fn take<'a>(&mut self, id: &'a str) -> (String, Option<&'a str>) {
        let (bare, signature) = split_id(id);
        let is_fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        let mut clean: String =
            bare.chars().map(|letter| if is_fine(letter) { letter } else { '_' }).collect();
        if clean.is_empty() {
            clean = format!("toolu_{}", self.0.len());
        }
        if self.0.contains(&clean) {
            clean = format!("{clean}_{}", short_hash(&format!("{bare}#{}", self.0.len())));
        }
        self.0.push(clean.clone());
        (clean, signature)
    }
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
