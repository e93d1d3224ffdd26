//! What every error of a call says, and what none of them may.

use std::borrow::Cow;
use std::sync::Arc;

use crate::auth::Secret;
use crate::error::{Error, Inner, Kind};

/// What an error of a call says of its target.
#[derive(Debug, Clone)]
pub struct ErrorContext {
    pub provider: Arc<str>,
    pub prefix: Arc<str>,
    pub model: String,
    /// What the call proves itself with: no text of an error quotes it.
    pub secrets: Vec<Secret>,
    /// Attempts after the first that were made, and how many were allowed.
    pub attempts: u32,
    pub attempts_allowed: u32,
}

impl ErrorContext {
    /// Names the target in an error, counts the attempts, and puts the provider's name in front of its words.
    /// An upstream that repeats a secret in its words is not quoted there (ERR-07, BED-23).
    pub fn name(&self, error: Error) -> Error {
        let mut error = self.count(hidden(error, &self.secrets));
        if error.facts().provider.is_none() {
            let prefix = self.prefix_of(&error);
            let facts = error.facts_mut();
            facts.message = format!("{prefix} - {}", facts.message);
        }
        error.at(&self.provider, &self.model)
    }

    /// The provider's name in errors, with their class where its row says so; a plain bad request has none.
    fn prefix_of(&self, error: &Error) -> Cow<'_, str> {
        let Some(name) = self.prefix.strip_suffix(" {class}") else { return Cow::Borrowed(&self.prefix) };
        if error.kind() == Kind::BadRequest && error.status() == 400 {
            return Cow::Borrowed(name);
        }
        Cow::Owned(format!("{name} {}", error.kind().class_name()))
    }

    /// Says how many attempts were made.
    pub fn count(&self, mut error: Error) -> Error {
        let facts = error.facts_mut();
        facts.attempts = self.attempts;
        facts.attempts_allowed = self.attempts_allowed;
        error
    }
}

/// An error that quotes none of the secrets.
pub fn hidden(mut error: Error, secrets: &[Secret]) -> Error {
    for secret in secrets {
        hide(secret, error.facts_mut());
    }
    error
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
