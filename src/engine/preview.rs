//! What a call would send, to be shown: secrets are masked, and nothing is sent.

use std::sync::Arc;

use bytes::Bytes;

use super::envelope::Envelope;
use super::exchange::dressed;
use crate::auth;
use crate::error::Result;
use crate::wires::HttpCall;

/// A request without its secrets.
#[derive(Debug)]
pub struct Preview {
    pub provider: Arc<str>,
    pub model: String,
    /// The provider's address.
    pub api_base: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Parts of names of headers that prove who asks.
const PRIVATE: [&str; 6] = ["authorization", "cookie", "key", "password", "secret", "token"];
/// The shortest secret of which the ends are shown.
const SHOWN: usize = 12;

impl Preview {
    pub(super) fn new(call: HttpCall, envelope: &Envelope) -> Result<Self> {
        let call = dressed(call, envelope)?;
        let target = envelope.target();
        let secrets = envelope.secrets();
        let hidden =
            |text: String| secrets.iter().fold(text, |text, secret| secret.hidden_in(&text).unwrap_or(text));
        let headers = call.headers.iter().map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let private = value.is_sensitive() || PRIVATE.iter().any(|part| name.as_str().contains(part));
            (name.as_str().to_owned(), if private { masked(&text) } else { hidden(text) })
        });
        let body = match std::str::from_utf8(&call.body) {
            Ok(text) if !secrets.is_empty() => hidden(text.to_owned()).into(),
            _ => call.body.clone(),
        };
        Ok(Self {
            provider: target.provider.clone(),
            model: target.model.clone(),
            api_base: auth::without_credentials(&target.base),
            url: hidden(auth::without_credentials(&call.url)),
            headers: headers.collect(),
            body,
        })
    }
}

/// A secret that can be told from others: its ends, if it is long.
fn masked(text: &str) -> String {
    let (scheme, secret) = text.rsplit_once(' ').unwrap_or(("", text));
    let space = if scheme.is_empty() { "" } else { " " };
    let ends = if secret.len() < SHOWN { None } else { secret.get(..2).zip(secret.get(secret.len() - 2..)) };
    let (first, last) = ends.unwrap_or_default();
    format!("{scheme}{space}{first}****{last}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::ProcessEnvironment;
    use crate::engine::{ChatCall, Settings};

    fn preview(keywords: Value) -> Preview {
        let Value::Object(keywords) = keywords else { panic!("an object") };
        ChatCall::from_keywords(keywords, &Settings::default(), &ProcessEnvironment)
            .unwrap()
            .preview()
            .unwrap()
    }

    #[test]
    fn a_request_is_shown_without_its_secrets() {
        let messages = json!([{ "role": "user", "content": "my key is sk-0123456789abcdef" }]);
        let shown = preview(json!({
            "model": "openai/gpt-4o", "messages": messages, "api_key": "sk-0123456789abcdef",
            "extra_headers": { "X-Token": "short", "X-Trace": "17" },
        }));
        let header = |wanted: &str| {
            let found = shown.headers.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(shown.url, "https://api.openai.com/v1/chat/completions");
        assert_eq!(header("authorization"), Some("Bearer sk****ef"));
        assert_eq!(header("x-token"), Some("****"));
        assert_eq!(header("x-trace"), Some("17"));
        let body = String::from_utf8(shown.body.to_vec()).unwrap();
        assert!(body.contains("my key is [redacted]") && !body.contains("0123456789abcdef"), "{body}");
    }

    #[test]
    fn a_secret_that_is_cut_within_a_character_is_hidden_whole() {
        assert_eq!(masked("ä€€€€€"), "****");
        assert_eq!(masked("Bearer sk-0123456789"), "Bearer sk****89");
        assert_eq!(masked("0123"), "****");
    }
}
