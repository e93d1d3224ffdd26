//! Token counts (OLL-08).

use serde_json::Value;

use crate::hub::Usage;
use crate::json::{Map, count_of};
use crate::tokens;

const MESSAGES: &str = "messages";
const PROMPT: &str = "prompt";

/// Tokens around each message, and before the answer.
const PER_MESSAGE: u64 = 4;
const PER_REQUEST: u64 = 3;

/// Keeps what an estimate of the prompt would be made from: a prompt that the server has in its cache is not
/// counted by it.
pub fn remember_messages<'a>(notes: &mut Map, texts: impl Iterator<Item = &'a str>) {
    notes.insert(MESSAGES.to_owned(), texts.map(Value::from).collect::<Vec<_>>().into());
}

pub fn remember_prompt(notes: &mut Map, prompt: &str) {
    notes.insert(PROMPT.to_owned(), prompt.into());
}

/// The server's counts; what it has not counted is estimated.
pub fn read(reply: &Map, notes: &Map, answer: &str) -> Usage {
    let count = |key: &str| reply.get(key).filter(|value| value.is_number()).map(count_of);
    let prompt = count("prompt_eval_count").unwrap_or_else(|| estimate(notes));
    let completion = count("eval_count").unwrap_or_else(|| tokens::count(answer));
    Usage::new(prompt, completion)
}

fn estimate(notes: &Map) -> u64 {
    match (notes.get(PROMPT), notes.get(MESSAGES)) {
        (Some(Value::String(prompt)), _) => tokens::count(prompt),
        (_, Some(Value::Array(messages))) => {
            let texts = messages.iter().filter_map(Value::as_str);
            PER_REQUEST + texts.map(|text| PER_MESSAGE + tokens::count(text)).sum::<u64>()
        }
        _ => 0,
    }
}
