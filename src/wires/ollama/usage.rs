//! Token counts (OLL-08).

use serde_json::Value;

use crate::hub::Usage;
use crate::json::{Map, count_of};
use crate::tokens;

/// Tokens around each message, and before the answer.
const PER_MESSAGE: u64 = 4;
const PER_REQUEST: u64 = 3;

/// The server's counts; what it has not counted is estimated.
pub fn read(reply: &Map, sent: Option<&[u8]>, answer: &str) -> Usage {
    let count = |key: &str| reply.get(key).filter(|value| value.is_number()).map(count_of);
    let prompt = count("prompt_eval_count").unwrap_or_else(|| estimate(sent));
    let completion = count("eval_count").unwrap_or_else(|| tokens::count(answer));
    Usage::new(prompt, completion)
}

fn estimate(sent: Option<&[u8]>) -> u64 {
    let Some(Ok(body)) = sent.map(serde_json::from_slice::<Value>) else { return 0 };
    match (body.get("prompt"), body.get("messages")) {
        (Some(Value::String(prompt)), _) => tokens::count(prompt),
        (_, Some(Value::Array(messages))) => {
            let texts = messages.iter().map(|message| message.get("content").and_then(Value::as_str));
            PER_REQUEST + texts.map(|text| PER_MESSAGE + tokens::count(text.unwrap_or_default())).sum::<u64>()
        }
        _ => 0,
    }
}
