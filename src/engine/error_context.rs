//! What every error of a call says, and what none of them may.

use std::sync::Arc;

use crate::auth::Secret;
use crate::error::{Error, Inner};

/// What an error of a call says of its target.
#[derive(Debug, Clone)]
pub struct ErrorContext {
    pub provider: Arc<str>,
    pub prefix: Arc<str>,
    pub model: String,
    pub key: Option<Secret>,
}

impl ErrorContext {
    /// Names the target in an error, and puts the provider's name in front of its words.
    /// An upstream that repeats the key in its words is not quoted there (ERR-07).
    pub fn name(&self, mut error: Error) -> Error {
        if let Some(key) = &self.key {
            hide(key, error.facts_mut());
        }
        if error.facts().provider.is_none() {
            let facts = error.facts_mut();
            facts.message = format!("{} - {}", self.prefix, facts.message);
        }
        error.at(&self.provider, &self.model)
    }
}

fn hide(key: &Secret, facts: &mut Inner) {
    let texts = [&mut facts.code, &mut facts.error_type, &mut facts.param, &mut facts.request_id];
    let headers = facts.headers.iter_mut().map(|(_, value)| value);
    for text in texts.into_iter().flatten().chain(headers).chain([&mut facts.message]) {
        if let Some(clean) = key.hidden_in(text) {
            *text = clean;
        }
    }
    if let Some(body) = &facts.body
        && let Some(clean) = key.hidden_in(&body.to_string())
    {
        facts.body = serde_json::from_str(&clean).ok();
    }
}
