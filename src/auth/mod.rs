//! How a request proves who it is.

pub mod aws;
pub mod azure;
pub mod chatgpt;
pub mod copilot;
pub mod exchange;
pub mod gigachat;
pub mod google;
pub mod ibm;
pub mod oci;
mod rsa;
pub mod sap;

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::error::{Error, Kind, Result};

/// The fewest bytes of a key that is looked for in texts.
const SHORTEST: usize = 8;

/// A key or token. It is written into headers and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself: for headers only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text without the key, `None` when the key is not in it. Keys too short to be one are left alone.
    pub fn hidden_in(&self, text: &str) -> Option<String> {
        (self.0.len() >= SHORTEST && text.contains(&self.0)).then(|| text.replace(&self.0, "[redacted]"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where the key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// `Authorization: Bearer …`
    Bearer,
    /// `x-api-key`, or a bearer header for an OAuth token.
    Anthropic,
    /// `x-api-key`
    XApiKey,
    /// `api-key`, as Azure has it.
    ApiKey,
    /// `x-api-key` and `api-key`: Claude on Azure.
    AzureAnthropic,
    /// `api_key`
    UnderscoredApiKey,
    /// `ocp-apim-subscription-key`: Azure's services that are older than its models.
    OcpApim,
    /// `x-goog-api-key`
    Goog,
    /// `x-key`
    XKey,
    /// `xi-api-key`
    XiApiKey,
    /// `Authorization: Token …`
    Token,
    /// `Authorization: Key …`
    Key,
    /// `Authorization: ZenApiKey …`: IBM's Cloud Pak for Data.
    ZenApiKey,
    /// A key as a bearer, or else a signature over the whole request (`aws`).
    Aws,
    /// A bearer token that is asked for, or else given (`google`).
    Google,
    None,
}

/// Puts the key into the headers. A header that the caller gave stays.
pub fn sign(headers: &mut HeaderMap, scheme: Scheme, key: Option<&Secret>) -> Result<()> {
    let Some(key) = key else { return Ok(()) };
    if scheme == Scheme::AzureAnthropic {
        return [Scheme::ApiKey, Scheme::Anthropic]
            .into_iter()
            .try_for_each(|scheme| sign(headers, scheme, Some(key)));
    }
    let (name, value) = match scheme {
        Scheme::None | Scheme::AzureAnthropic => return Ok(()),
        Scheme::Bearer | Scheme::Aws | Scheme::Google => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        Scheme::Token => (AUTHORIZATION, format!("Token {}", key.expose())),
        Scheme::Key => (AUTHORIZATION, format!("Key {}", key.expose())),
        Scheme::ZenApiKey => (AUTHORIZATION, format!("ZenApiKey {}", key.expose())),
        Scheme::Anthropic if key.expose().starts_with("sk-ant-oat") => {
            (AUTHORIZATION, format!("Bearer {}", key.expose()))
        }
        Scheme::Anthropic | Scheme::XApiKey => {
            (HeaderName::from_static("x-api-key"), key.expose().to_owned())
        }
        Scheme::XKey => (HeaderName::from_static("x-key"), key.expose().to_owned()),
        Scheme::XiApiKey => (HeaderName::from_static("xi-api-key"), key.expose().to_owned()),
        Scheme::ApiKey => (HeaderName::from_static("api-key"), key.expose().to_owned()),
        Scheme::UnderscoredApiKey => (HeaderName::from_static("api_key"), key.expose().to_owned()),
        Scheme::OcpApim => (HeaderName::from_static("ocp-apim-subscription-key"), key.expose().to_owned()),
        Scheme::Goog => (HeaderName::from_static("x-goog-api-key"), key.expose().to_owned()),
    };
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        Error::new(
            Kind::Authentication,
            "the API key holds characters that a header cannot carry (a line break?)",
        )
    })?;
    value.set_sensitive(true);
    headers.entry(name).or_insert(value);
    Ok(())
}

/// An address for messages: user names, passwords and queries are left out.
pub fn without_credentials(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let address = &address[..end];
    let host_at = address.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = address.split_at(host_at);
    // An '@' of the path belongs to the path, and of several in front of it the last ends the password.
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new("sk-123")), "[redacted]");
        for (address, shown) in [
            ("https://user:pass@host/v1?key=abc", "https://host/v1"),
            ("http://u:p@ss@host/a", "http://host/a"),
            ("http://host/a/@cf/x", "http://host/a/@cf/x"),
            ("http://u:p@host?x@y", "http://host"),
            ("http://u:p@host#x@y", "http://host"),
            ("u:p@host", "host"),
        ] {
            assert_eq!(without_credentials(address), shown);
        }
    }

    #[test]
    fn a_key_with_a_line_break_is_refused() {
        let mut headers = HeaderMap::new();
        assert!(sign(&mut headers, Scheme::Bearer, Some(&Secret::new("a\nb"))).is_err());
    }
}
