//! Who may come in: the one point that every request passes. Keys of users, teams and budgets find their place here.

pub mod jwt;

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::request::Parts;
use subtle::ConstantTimeEq as _;

use super::endpoint::Access;
use super::hooks::Hooked;
use super::state::{Gateway, Running};
use crate::auth::Secret;
use crate::error::{Error, Kind, Result};

/// Whom a request is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The gateway has no key.
    Anonymous,
    /// Whoever has the master key.
    Master,
    /// Whom a token of somebody else's names, or the configuration's own function; empty when it names nobody.
    User(Arc<str>),
}

impl Principal {
    /// Whether the request may change the gateway.
    pub fn is_master(&self) -> bool {
        *self == Self::Master
    }
}

/// Headers that may hold a key, in the order in which they are looked at.
const HEADERS: [&str; 5] =
    ["x-litellm-api-key", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key"];

/// The longest key that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// Lets a request in.
///
/// # Errors
/// [`Kind::Authentication`] without a word about what was wrong with the key.
/// [`Kind::PermissionDenied`] where only the master key lets in.
pub async fn admit(parts: &Parts, access: Access, running: &Running, gateway: &Gateway) -> Result<Principal> {
    let general = &running.config.general;
    let (master, tokens) = (&general.master_key, &running.tokens);
    if master.is_none() && tokens.is_none() && access == Access::Key {
        return Ok(Principal::Anonymous);
    }
    if master.is_none() && access == Access::Master {
        // Whoever can reach the port could do it.
        return Err(Error::new(
            Kind::PermissionDenied,
            "This needs the master key, and the gateway has none: set general_settings.master_key.",
        ));
    }
    let path = parts.uri.path();
    if access == Access::Open
        || access != Access::Master && general.public_routes.iter().any(|route| route == path)
    {
        return Ok(Principal::Anonymous);
    }
    let Some(key) = presented(parts) else {
        return Err(Error::new(
            Kind::Authentication,
            "A key is needed: send it as 'Authorization: Bearer …', 'x-api-key' or 'x-goog-api-key'.",
        ));
    };
    if master.as_ref().is_some_and(|master| is_same(&key, master)) {
        return Ok(Principal::Master);
    }
    match tokens {
        Some(tokens) if jwt::is_token(&key) => {
            let user = tokens.verify(&key, gateway.engine()).await?;
            if access == Access::Master {
                return Err(Error::new(Kind::PermissionDenied, "This needs the master key."));
            }
            Ok(Principal::User(user))
        }
        _ => Err(unknown_key()),
    }
}

/// Lets a request in by the configuration's own function, which decides alone. It may read a body that is JSON.
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
    let is_public = general.public_routes.iter().any(|route| route == parts.uri.path());
    if access == Access::Open || access != Access::Master && is_public {
        return Ok((Principal::Anonymous, body));
    }
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        // Files go by as they come.
        return Ok((hooked.authorize(access, Bytes::new()).await?, body));
    }
    let bytes = super::body::read(body, general.max_request_bytes).await?;
    let principal = hooked.authorize(access, bytes.clone()).await?;
    Ok((principal, Body::from(bytes)))
}

/// One answer to all that is wrong with a key.
fn unknown_key() -> Error {
    Error::new(Kind::Authentication, "The key is not known here.")
}

/// Whether two keys are the same, in a time that says nothing about where they differ.
pub fn is_same(key: &str, known: &Secret) -> bool {
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
    found.or_else(|| socket_key(&parts.headers)).or_else(|| query_key(parts.uri.query()?))
}

/// What comes before a key among the protocols of a WebSocket: browsers cannot send headers with one.
pub const KEY_PROTOCOL: &str = "openai-insecure-api-key.";

fn socket_key(headers: &HeaderMap) -> Option<String> {
    headers.get(UPGRADE)?;
    let all = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let key = all.flat_map(|value| value.split(',')).find_map(|one| one.trim().strip_prefix(KEY_PROTOCOL))?;
    (!key.is_empty() && key.len() <= LONGEST).then(|| key.to_owned())
}

pub fn bearer(value: &str) -> &str {
    match value.split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer ") => key.trim_start(),
        _ => value,
    }
}

fn query_key(query: &str) -> Option<String> {
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key")?;
    Some(found.1.into_owned()).filter(|key| !key.is_empty() && key.len() <= LONGEST)
}
