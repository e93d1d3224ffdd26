//! Google: whose token a request carries, and in which project.
//!
//! `chain` finds out who asks, in Google's order of places; `grants` says how each of them gets a token. Files are
//! read here, what is sent is sent by the engine.

mod chain;
mod grants;
mod jwt;
#[cfg(test)]
mod tests;

pub use chain::{Access, Keywords, PROJECT};

use super::Secret;
use crate::error::{Error, Kind};

/// Whether a key is a token that is ready to be sent. Other keys are none of Google's: they are not shown to it.
pub fn is_token(key: &Secret) -> bool {
    key.expose().is_empty() || key.expose().starts_with("ya29.")
}

/// What tokens are asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where tokens come from when the credentials do not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Credentials that cannot be used: what is wrong with them, never what is in them.
fn unusable(what: &str) -> Error {
    Error::new(Kind::Authentication, format!("Google's credentials cannot be used: {what}"))
        .with_param("vertex_credentials")
}
