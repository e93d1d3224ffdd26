//! Keys that are exchanged for a token before they can be used: what of a call goes into which grant.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use super::vars::Values;
use super::{Provider, Route, Wanted, missing_key};
use crate::auth::{Scheme, Secret, chatgpt as subscription, copilot, gigachat, ibm, oci, sap};
use crate::config::Environment;
use crate::error::{Error, Kind, Result};

/// The exchanges that rows may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchange {
    Chatgpt,
    Copilot,
    Gigachat,
    Ibm,
    Oci,
    Sap,
}

impl Exchange {
    /// Takes out of a key what it says besides: a service key of SAP's is the whole of an account.
    pub fn read_key(self, wanted: &mut Wanted, row: &Provider, environment: &dyn Environment) -> Result<()> {
        if self != Self::Sap || wanted.unproven {
            return Ok(());
        }
        let text = match &wanted.api_key {
            Some(key) => Some(key.expose().to_owned()),
            None => environment.first(&row.key_env),
        };
        let Some(Value::Object(key)) = text.and_then(|text| serde_json::from_str(&text).ok()) else {
            let has_address = wanted.api_base.is_some() || environment.first(&row.base_env).is_some();
            return if has_address { Ok(()) } else { Err(no_service_key()) };
        };
        let at = |path: &str| key.get(path).and_then(Value::as_str).map(str::to_owned);
        for (name, field) in [
            ("aicore_client_id", "clientid"),
            ("aicore_client_secret", "clientsecret"),
            ("aicore_auth_url", "url"),
        ] {
            wanted.values.extend(at(field).map(|value| (name.to_owned(), value)));
        }
        let address = key.get("serviceurls").and_then(|urls| urls.get("AI_API_URL")).and_then(Value::as_str);
        wanted.api_base = wanted.api_base.take().or_else(|| address.map(str::to_owned));
        Ok(())
    }

    /// Puts the way to a token into a route that is otherwise ready.
    pub fn adapt(self, route: &mut Route, values: &Values<'_>) -> Result<()> {
        match self {
            Self::Chatgpt => chatgpt(route, values)?,
            Self::Copilot => copilot(route, values),
            Self::Gigachat => gigachat(route, values)?,
            Self::Ibm => ibm(route, values)?,
            Self::Oci => oci(route, values)?,
            Self::Sap => sap(route, values)?,
        }
        Ok(())
    }
}

/// The token of a login: the caller's, or the one that the reference has left.
fn chatgpt(route: &mut Route, values: &Values<'_>) -> Result<()> {
    if route.key.is_none() {
        let folder = values.get("token_dir").map_or_else(
            || Path::new(&values.get("home").unwrap_or_default()).join(".config/litellm/chatgpt"),
            PathBuf::from,
        );
        let file = values.get("token_file").unwrap_or_default();
        let login = subscription::login(&folder.join(file), SystemTime::now())?;
        route.key = Some(login.token);
        route.headers.extend(login.account.map(|account| ("chatgpt-account-id".to_owned(), account)));
    }
    Ok(())
}

/// The token of a login: the caller's, or the one that an editor or the reference has left.
fn copilot(route: &mut Route, values: &Values<'_>) {
    let value = |name| values.get(name).unwrap_or_default();
    let login = match route.key.take() {
        Some(token) => copilot::Login::Token(token),
        None => {
            let folder = values.get("token_dir").map_or_else(
                || Path::new(&value("home")).join(".config/litellm/github_copilot"),
                PathBuf::from,
            );
            copilot::Login::File(folder.join(value("token_file")))
        }
    };
    route.grant = Some(Arc::new(copilot::Editor { endpoint: value("token_url"), login }));
}

/// A token as it is, or credentials for which there is one.
fn gigachat(route: &mut Route, values: &Values<'_>) -> Result<()> {
    let value = |name| values.get(name).unwrap_or_default();
    if let Some(token) = values.get("access_token") {
        route.key = Some(Secret::new(token));
        return Ok(());
    }
    let Some(key) = route.key.take() else { return Err(missing_key(&route.row, &route.row.key_env)) };
    let (endpoint, scope) = (value("auth_url"), value("scope"));
    route.grant = Some(Arc::new(gigachat::Credentials { endpoint, scope, key }));
    Ok(())
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
        route.grant =
            Some(Arc::new(ibm::ApiKey { endpoint: values.get("iam_url").unwrap_or_default(), key }));
        return Ok(());
    }
    let Some(zen) = zen.or_else(|| values.get("zen_api_key")) else {
        return Err(missing_key(&route.row, &route.row.key_env));
    };
    route.key = Some(Secret::new(zen));
    route.auth = Scheme::ZenApiKey;
    Ok(())
}

/// Who signs, and with which key.
fn oci(route: &mut Route, values: &Values<'_>) -> Result<()> {
    let key = match (values.get("key"), values.get("key_file")) {
        (Some(pem), _) => Some(oci::Key::Pem(Secret::new(pem))),
        (None, path) => path.map(|path| oci::Key::File(path.into())),
    };
    let (Some(user), Some(fingerprint), Some(tenancy), Some(key)) =
        (values.get("user"), values.get("fingerprint"), values.get("tenancy"), key)
    else {
        let what = "Missing credentials for oci. Pass `oci_user`, `oci_fingerprint`, `oci_tenancy` and `oci_key` or \
                    `oci_key_file`, or set OCI_USER, OCI_FINGERPRINT, OCI_TENANCY and OCI_KEY or OCI_KEY_FILE.";
        return Err(Error::new(Kind::Authentication, what));
    };
    route.signer = Some(Arc::new(oci::Signer { tenancy, user, fingerprint, key }));
    Ok(())
}

/// A client and its secret, from a service key or apart.
fn sap(route: &mut Route, values: &Values<'_>) -> Result<()> {
    // The service key itself is never sent.
    route.key = None;
    let (Some(id), Some(secret), Some(endpoint)) =
        (values.get("client_id"), values.get("client_secret"), values.get("auth_url"))
    else {
        return Err(no_service_key());
    };
    route.grant = Some(Arc::new(sap::Client { endpoint, id, secret: Secret::new(secret) }));
    Ok(())
}

fn no_service_key() -> Error {
    let what = "Missing credentials for sap. Set AICORE_SERVICE_KEY, or AICORE_BASE_URL, AICORE_CLIENT_ID, \
                AICORE_CLIENT_SECRET and AICORE_AUTH_URL; or pass the service key as `api_key`.";
    Error::new(Kind::Authentication, what)
}
