//! Keys that are exchanged for a token before they can be used: what of a call goes into which grant.

use std::sync::Arc;

use serde::Deserialize;

use super::vars::Values;
use super::{Provider, Route, missing_key};
use crate::auth::{Scheme, Secret, ibm};
use crate::error::Result;

/// The exchanges that rows may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchange {
    Ibm,
}

impl Exchange {
    /// Puts the way to a token into a route that is otherwise ready.
    pub fn adapt(self, route: &mut Route, values: &Values<'_>) -> Result<()> {
        match self {
            Self::Ibm => ibm(route, values),
        }
    }
}

/// A token as it is, a key of Cloud Pak for Data as it is, or a key of IBM Cloud, for which there is a token.
fn ibm(route: &mut Route, values: &Values<'_>) -> Result<()> {
    if let Some(token) = values.get("token") {
        route.key = Some(Secret::new(token));
        return Ok(());
    }
    let zen = values.given("zen_api_key");
    let key = if zen.is_none() { route.key.take() } else { None };
    if let Some(key) = key {
        route.grant = Some(Arc::new(ibm::ApiKey { endpoint: endpoint(values, "iam_url"), key }));
        return Ok(());
    }
    let Some(zen) = zen.or_else(|| values.get("zen_api_key")) else { return Err(missing_key(&route.row)) };
    route.key = Some(Secret::new(zen));
    sign_with(route, Scheme::ZenApiKey);
    Ok(())
}

fn endpoint(values: &Values<'_>, name: &str) -> String {
    values.get(name).unwrap_or_default()
}

fn sign_with(route: &mut Route, auth: Scheme) {
    route.row = Arc::new(Provider { auth, ..(*route.row).clone() });
}
