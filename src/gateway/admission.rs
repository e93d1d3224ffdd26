//! Who may come in: the one point that every request passes. Keys of users, teams and budgets find their place here.

use axum::body::Body;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use subtle::ConstantTimeEq as _;

use super::endpoint::Access;
use super::hooks::Hooked;
use super::state::Running;
use crate::auth::Secret;
use crate::error::{Error, Kind, Result};

/// Whom a request is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// The gateway has no key.
    Anonymous,
    /// Whoever the configuration's own function lets in.
    Known,
    /// Whoever has the master key.
    Master,
}

/// Headers that may hold a key, in the order in which they are looked at.
const HEADERS: [&str; 5] = ["x-litellm-api-key", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key"];

/// The longest key that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// Lets a request in.
///
/// # Errors
/// [`Kind::Authentication`] without a word about what was wrong with the key.
pub fn admit(parts: &Parts, access: Access, running: &Running) -> Result<Principal> {
    let general = &running.config.general;
    let Some(master) = &general.master_key else {
        return match access {
            // Whoever can reach the port could do it.
            Access::Master => Err(Error::new(
                Kind::PermissionDenied,
                "This needs the master key, and the gateway has none: set general_settings.master_key.",
            )),
            Access::Open | Access::Key => Ok(Principal::Anonymous),
        };
    };
    let path = parts.uri.path();
    if access == Access::Open || general.public_routes.iter().any(|route| route == path) {
        return Ok(Principal::Anonymous);
    }
    match presented(parts) {
        Some(key) if is_same(&key, master) => Ok(Principal::Master),
        Some(_) => Err(Error::new(Kind::Authentication, "The key is not known here.")),
        None => Err(Error::new(
            Kind::Authentication,
            "A key is needed: send it as 'Authorization: Bearer …', 'x-api-key' or 'x-goog-api-key'.",
        )),
    }
}

/// Lets a request in by the configuration's own function, which decides alone. It may read the body.
///
/// # Errors
/// What the function has raised, and a body that cannot be read.
pub async fn admit_by_hook(
    parts: &Parts,
    access: Access,
    running: &Running,
    hooked: &Hooked,
    body: Body,
) -> Result<(Principal, Body)> {
    let general = &running.config.general;
    if access == Access::Open || general.public_routes.iter().any(|route| route == parts.uri.path()) {
        return Ok((Principal::Anonymous, body));
    }
    let bytes = super::body::read(body, general.max_request_bytes).await?;
    let principal = hooked.authorize(access, bytes.clone()).await?;
    Ok((principal, Body::from(bytes)))
}

/// Whether two keys are the same, in a time that says nothing about where they differ.
fn is_same(key: &str, known: &Secret) -> bool {
    key.as_bytes().ct_eq(known.expose().as_bytes()).into()
}

/// The key that a request brings, wherever its client puts it.
pub fn presented(parts: &Parts) -> Option<String> {
    let text = |headers: &HeaderMap, name: &str| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty() && value.len() <= LONGEST).then(|| bearer(value).to_owned())
    };
    let first = text(&parts.headers, HEADERS[0]);
    let first = first.or_else(|| text(&parts.headers, AUTHORIZATION.as_str()));
    let found = first.or_else(|| HEADERS.iter().skip(1).find_map(|name| text(&parts.headers, name)));
    found.or_else(|| query_key(parts.uri.query()?))
}

fn bearer(value: &str) -> &str {
    match value.split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer ") => key.trim_start(),
        _ => value,
    }
}

fn query_key(query: &str) -> Option<String> {
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key")?;
    Some(found.1.into_owned()).filter(|key| !key.is_empty() && key.len() <= LONGEST)
}
