//! What a call would send, to be shown: secrets are masked, and nothing is sent.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderName;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};

use super::billing::Billing;
use super::envelope::Envelope;
use super::exchange::dressed;
use crate::auth;
use crate::error::Result;
use crate::wires::HttpCall;

/// How much of a request is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// To people: no text that is a secret.
    Masked,
    /// To somebody else who sends it: the body and the query as they are.
    Whole,
}

/// A request without its secrets; `Shown` says whether body and query are, too. Headers always are.
pub struct Preview {
    pub provider: Arc<str>,
    pub model: String,
    /// The provider's address.
    pub api_base: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// What stands in the address's query beside what a wire has put there; empty when masked.
    pub query: Vec<(String, String)>,
    pub billing: Option<Box<Billing>>,
}

/// Parts of names of headers that prove who asks.
const PRIVATE: [&str; 6] = ["authorization", "cookie", "key", "password", "secret", "token"];
/// The shortest secret of which the ends are shown.
const SHOWN: usize = 12;

impl Preview {
    pub(super) fn new(call: HttpCall, envelope: &Envelope, shown: Shown) -> Result<Self> {
        let call = dressed(call, envelope)?;
        let target = envelope.target();
        let secrets = envelope.secrets();
        let hidden =
            |text: String| secrets.iter().fold(text, |text, secret| secret.hidden_in(&text).unwrap_or(text));
        let headers = call.headers.iter().map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let private = value.is_sensitive() || PRIVATE.iter().any(|part| name.as_str().contains(part));
            (name.as_str().to_owned(), if private { masked(name, &text) } else { hidden(text) })
        });
        let body = match std::str::from_utf8(&call.body) {
            Ok(text) if shown == Shown::Masked && !secrets.is_empty() => hidden(text.to_owned()).into(),
            _ => call.body.clone(),
        };
        Ok(Self {
            provider: target.provider.clone(),
            model: target.model.clone(),
            api_base: auth::without_credentials(&target.base),
            url: hidden(auth::without_credentials(&call.url)),
            headers: headers.collect(),
            body,
            query: match shown {
                Shown::Masked => Vec::new(),
                Shown::Whole => envelope.route.query.iter().chain(&envelope.query).cloned().collect(),
            },
            billing: envelope.billing.clone(),
        })
    }
}

/// A secret that can be told from others: its ends, if it is long.
fn masked(name: &HeaderName, text: &str) -> String {
    // Only these two begin with a word that is no secret.
    let has_scheme = *name == AUTHORIZATION || *name == PROXY_AUTHORIZATION;
    let (scheme, secret) = text.split_once(' ').filter(|_| has_scheme).unwrap_or(("", text));
    let space = if scheme.is_empty() { "" } else { " " };
    let ends = if secret.len() < SHOWN { None } else { secret.get(..2).zip(secret.get(secret.len() - 2..)) };
    let (first, last) = ends.unwrap_or_default();
    format!("{scheme}{space}{first}****{last}")
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::ProcessEnvironment;
    use crate::engine::{ChatCall, Settings};

    fn preview(keywords: Value, shown: Shown) -> Preview {
        let Value::Object(keywords) = keywords else { panic!("an object") };
        ChatCall::from_keywords(keywords, &Settings::default(), &ProcessEnvironment)
            .unwrap()
            .preview(shown)
            .unwrap()
    }

    #[test]
    fn a_request_is_shown_without_its_secrets() {
        let messages = json!([{ "role": "user", "content": "my key is sk-0123456789abcdef" }]);
        let keywords = json!({
            "model": "openai/gpt-4o", "messages": messages, "api_key": "sk-0123456789abcdef",
            "extra_headers": { "X-Token": "short", "X-Trace": "17" },
        });
        let shown = preview(keywords, Shown::Masked);
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
        assert_eq!(masked(&AUTHORIZATION, "ä€€€€€"), "****");
        assert_eq!(masked(&AUTHORIZATION, "Bearer sk-0123456789"), "Bearer sk****89");
        assert_eq!(masked(&AUTHORIZATION, "0123"), "****");
    }

    #[test]
    fn of_a_secret_with_spaces_only_the_scheme_is_shown() {
        assert_eq!(masked(&COOKIE, "session=SECRET; theme=dark"), "se****rk");
        assert_eq!(masked(&PROXY_AUTHORIZATION, "Digest user=SECRET, nonce=17"), "Digest us****17");
    }

    #[test]
    fn whoever_sends_it_gets_the_texts_as_they_are() {
        let messages = json!([{ "role": "user", "content": "my key is sk-0123456789abcdef" }]);
        let keywords = json!({
            "model": "openai/gpt-4o", "messages": messages, "api_key": "sk-0123456789abcdef",
            "extra_query": { "trace": "sk-0123456789abcdef" }, "input_cost_per_token": 2.0,
        });
        let shown = preview(keywords.clone(), Shown::Whole);
        let body = String::from_utf8(shown.body.to_vec()).unwrap();
        assert!(body.contains("my key is sk-0123456789abcdef"), "{body}");
        assert_eq!(shown.query, [("trace".to_owned(), "sk-0123456789abcdef".to_owned())]);
        assert!(shown.billing.is_some_and(|billing| billing.prices["input_cost_per_token"] == 2.0));
        assert!(!format!("{:?}", shown.headers).contains("0123456789abcdef"), "its own key is not told");
        assert!(preview(keywords, Shown::Masked).query.is_empty());
    }
}
