//! Snowflake: what the key is, is said in a header.

use crate::auth::Secret;
use crate::providers::Route;

const KIND: &str = "x-snowflake-authorization-token-type";

/// `pat/` in front of a key marks a programmatic access token; other keys are signed by a key pair.
pub fn adapt(route: &mut Route) {
    let token = route.key.as_ref().and_then(|key| key.expose().strip_prefix("pat/")).map(Secret::new);
    let kind = if token.is_some() { "PROGRAMMATIC_ACCESS_TOKEN" } else { "KEYPAIR_JWT" };
    route.headers.push((KIND.to_owned(), kind.to_owned()));
    if token.is_some() {
        route.key = token;
    }
}
