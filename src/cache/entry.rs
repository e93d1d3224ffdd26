//! What is kept of an answer, and how it is written: JSON with the time it was made.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hub::{CallResponse, ChatResponse};
use crate::wires::Event;

/// An answer and when it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Seconds since the epoch.
    pub timestamp: f64,
    pub response: Kept,
}

/// An answer as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    Chat(Box<ChatResponse>),
    /// The answer of another call, in the caller's form.
    Json(Value),
    /// In base64.
    Bytes {
        content_type: String,
        data: String,
    },
    /// The vector of one input, and what reading that input cost.
    Embedding {
        item: Value,
        model: Option<String>,
        prompt_tokens: u64,
    },
    /// A stream in the caller's own format.
    Events(Vec<Event>),
}

impl Entry {
    pub fn new(response: Kept) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { timestamp: since.as_secs_f64(), response }
    }

    pub fn of_call(response: &CallResponse) -> Self {
        Self::new(match response {
            CallResponse::Json(value) => Kept::Json(value.clone()),
            CallResponse::Bytes { content_type, data } => {
                Kept::Bytes { content_type: content_type.clone(), data: STANDARD.encode(data) }
            }
        })
    }

    /// `None` for what no version of ours has written.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub fn write(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Whether it is older than the caller takes.
    pub fn is_older_than(&self, max_age: Duration) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        now - self.timestamp > max_age.as_secs_f64()
    }
}

impl Kept {
    /// The answer of a call other than chat, if it is one.
    pub fn into_call(self) -> Option<CallResponse> {
        match self {
            Self::Json(value) => Some(CallResponse::Json(value)),
            Self::Bytes { content_type, data } => {
                let data = STANDARD.decode(data).ok()?;
                Some(CallResponse::Bytes { content_type, data: data.into() })
            }
            Self::Chat(_) | Self::Embedding { .. } | Self::Events(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hub::{AssistantMessage, Choice, FinishReason, Usage};

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let mut message = AssistantMessage {
            content: Some("Grüße \u{0}".into()),
            refusal: Some(Value::Null),
            thinking_blocks: vec![json!({ "type": "thinking", "signature": "x" })],
            ..AssistantMessage::default()
        };
        message.extra.insert("reasoning_items".into(), json!([1.0, 2, null]));
        let mut choice = Choice::new(message, FinishReason::ContentFilter);
        choice.native_finish_reason = Some("SAFETY".into());
        choice.logprobs = Some(json!({ "content": [{ "logprob": -0.1 }] }));
        let response = ChatResponse {
            id: "id".into(),
            created: 7,
            model: "m".into(),
            choices: vec![choice],
            usage: Some(Usage::new(3, 4).prompt_detail("cached_tokens", 1).with("cost", 0.25)),
            ..ChatResponse::default()
        };
        let written = Entry::new(Kept::Chat(Box::new(response.clone()))).write();
        let Kept::Chat(read) = Entry::read(&written).unwrap().response else { panic!("a chat") };
        assert_eq!(*read, response);
    }

    #[test]
    fn bytes_come_back_as_they_were() {
        let response =
            CallResponse::Bytes { content_type: "audio/mpeg".into(), data: Bytes::from_static(b"\0\xff") };
        let read = Entry::read(&Entry::of_call(&response).write()).unwrap().response.into_call();
        let Some(CallResponse::Bytes { content_type, data }) = read else { panic!("bytes") };
        assert_eq!((content_type.as_str(), &data[..]), ("audio/mpeg", &b"\0\xff"[..]));
    }

    #[test]
    fn what_is_no_entry_is_none() {
        for text in ["", "{}", "nonsense", r#"{"timestamp":1,"response":{"other":1}}"#, "\u{0}"] {
            assert!(Entry::read(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn entries_age() {
        let mut entry = Entry::new(Kept::Json(json!({})));
        assert!(!entry.is_older_than(Duration::from_secs(5)));
        entry.timestamp -= 10.0;
        assert!(entry.is_older_than(Duration::from_secs(5)));
    }
}
