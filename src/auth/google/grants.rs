//! The ways to a token, one for each kind of identity.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, header};
use serde_json::json;

use super::{SCOPE, jwt, unusable};
use crate::auth::Secret;
use crate::auth::exchange::{Grant, Identity, Token, form_call, read_token, refusal};
use crate::dates;
use crate::error::{Error, Kind, Result};
use crate::json::{Map, str_at};
use crate::wires::{HttpCall, HttpReply};

const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");
/// The machine itself answers at once or not at all.
const LOCAL: Duration = Duration::from_secs(3);
/// A name that does not change while a machine runs is kept this long.
const LASTING: Duration = Duration::from_secs(24 * 3600);

/// A service account with a key of its own.
#[derive(Debug)]
pub struct ServiceAccount {
    pub email: String,
    pub key_id: Option<String>,
    pub key: Secret,
    pub token_uri: String,
}

impl Grant for ServiceAccount {
    fn identity(&self) -> Identity {
        Identity {
            endpoint: self.token_uri.clone(),
            who: vec![self.email.clone(), SCOPE.to_owned()],
            secrets: vec![self.key.clone()],
        }
    }

    fn request(&self, _first: Option<&Secret>, now: SystemTime) -> Result<HttpCall> {
        let signed = jwt::assertion(&self.email, self.key_id.as_deref(), &self.key, &self.token_uri, now)?;
        Ok(form_call(
            self.token_uri.as_str(),
            &[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", signed.expose())],
        ))
    }
}

/// A person who signed in, by way of `gcloud auth application-default login`.
#[derive(Debug)]
pub struct User {
    pub client_id: String,
    pub client_secret: Secret,
    pub refresh_token: Secret,
    pub token_uri: String,
}

impl Grant for User {
    fn identity(&self) -> Identity {
        Identity {
            endpoint: self.token_uri.clone(),
            who: vec![self.client_id.clone()],
            secrets: vec![self.client_secret.clone(), self.refresh_token.clone()],
        }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        Ok(form_call(
            self.token_uri.as_str(),
            &[
                ("grant_type", "refresh_token"),
                ("client_id", &self.client_id),
                ("client_secret", self.client_secret.expose()),
                ("refresh_token", self.refresh_token.expose()),
            ],
        ))
    }
}

/// Somebody whom another identity provider knows: its token is exchanged for one of Google's.
#[derive(Debug)]
pub struct External {
    pub token_url: String,
    pub audience: String,
    pub token_type: String,
    /// The project that is charged, for people of another company's directory.
    pub user_project: Option<String>,
    pub subject: Subject,
}

/// Where the token of the other identity provider is.
#[derive(Debug)]
pub enum Subject {
    /// Read when it is needed, since it is renewed.
    File {
        path: PathBuf,
        field: Option<String>,
    },
    Asked(Arc<dyn Grant>),
}

impl Grant for External {
    fn identity(&self) -> Identity {
        let subject = match &self.subject {
            Subject::File { path, .. } => path.display().to_string(),
            Subject::Asked(grant) => grant.identity().endpoint,
        };
        let who = vec![self.audience.clone(), subject, self.user_project.clone().unwrap_or_default()];
        Identity { endpoint: self.token_url.clone(), who, secrets: Vec::new() }
    }

    fn first(&self) -> Option<&Arc<dyn Grant>> {
        match &self.subject {
            Subject::File { .. } => None,
            Subject::Asked(grant) => Some(grant),
        }
    }

    fn request(&self, first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let token = match (&self.subject, first) {
            (Subject::File { path, field }, _) => {
                let text = std::fs::read(path).map_err(|error| {
                    let what = format!("the token cannot be read from '{}'", path.display());
                    unusable(&what).with_source(error)
                })?;
                subject_token(&text, field.as_deref())?
            }
            (Subject::Asked(_), first) => first.cloned().ok_or_else(|| unusable("there is no token"))?,
        };
        let options = self.user_project.as_ref().map(|project| json!({"userProject": project}).to_string());
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", self.audience.as_str()),
            ("scope", SCOPE),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token_type", self.token_type.as_str()),
            ("subject_token", token.expose()),
        ];
        if let Some(options) = &options {
            fields.push(("options", options));
        }
        Ok(form_call(self.token_url.as_str(), &fields))
    }
}

/// The token of another identity provider, from an address of the machine's.
#[derive(Debug)]
pub struct SubjectAt {
    pub url: String,
    pub headers: Vec<(String, Secret)>,
    pub field: Option<String>,
}

impl Grant for SubjectAt {
    fn identity(&self) -> Identity {
        let secrets = self.headers.iter().map(|(_, value)| value.clone()).collect();
        Identity { endpoint: self.url.clone(), who: self.field.iter().cloned().collect(), secrets }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let pair = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.expose()));
            let (Ok(name), Ok(value)) = pair else {
                return Err(unusable(&format!("the header '{name}' cannot be sent")));
            };
            headers.insert(name, value);
        }
        Ok(HttpCall {
            rest: Vec::new(),
            method: Method::GET,
            url: self.url.clone(),
            headers,
            body: Bytes::new(),
        })
    }

    fn read(&self, reply: &HttpReply, _now: SystemTime) -> Result<Token> {
        if reply.status >= 300 {
            return Err(refusal(reply, &serde_json::from_slice(&reply.body).unwrap_or_default()));
        }
        Ok(Token { value: subject_token(&reply.body, self.field.as_deref())?, expires: None })
    }
}

/// A token that is the whole text, or a field of it.
fn subject_token(text: &[u8], field: Option<&str>) -> Result<Secret> {
    let token = match field {
        None => std::str::from_utf8(text).ok().map(|text| text.trim().to_owned()),
        Some(field) => {
            let map = serde_json::from_slice::<Map>(text).unwrap_or_default();
            str_at(&map, field).map(str::to_owned)
        }
    };
    token
        .filter(|token| !token.is_empty())
        .map(Secret::new)
        .ok_or_else(|| unusable("there is no token where the credentials say it is"))
}

/// A service account that another identity may act as.
#[derive(Debug)]
pub struct Impersonated {
    pub base: Arc<dyn Grant>,
    /// The address that names the account.
    pub url: String,
    pub delegates: Vec<String>,
    pub seconds: u64,
}

impl Grant for Impersonated {
    fn identity(&self) -> Identity {
        let base = self.base.identity();
        let mut who = vec![base.endpoint, self.seconds.to_string()];
        who.extend(base.who);
        who.extend(self.delegates.iter().cloned());
        Identity { endpoint: self.url.clone(), who, secrets: base.secrets }
    }

    fn first(&self) -> Option<&Arc<dyn Grant>> {
        Some(&self.base)
    }

    fn request(&self, first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let token = first.map(Secret::expose).unwrap_or_default();
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| unusable("the token cannot be sent in a header"))?;
        bearer.set_sensitive(true);
        let mut body = json!({"scope": [SCOPE], "lifetime": format!("{}s", self.seconds)});
        if !self.delegates.is_empty() {
            body["delegates"] = self.delegates.clone().into();
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, bearer);
        let body = body.to_string().into();
        Ok(HttpCall { rest: Vec::new(), method: Method::POST, url: self.url.clone(), headers, body })
    }

    fn read(&self, reply: &HttpReply, _now: SystemTime) -> Result<Token> {
        let map = serde_json::from_slice::<Map>(&reply.body).unwrap_or_default();
        match str_at(&map, "accessToken") {
            Some(token) if reply.status < 300 => {
                let expires = str_at(&map, "expireTime").and_then(dates::parse);
                Ok(Token { value: Secret::new(token), expires })
            }
            _ => Err(refusal(reply, &map)),
        }
    }
}

/// The service account of the machine that this runs on.
#[derive(Debug)]
pub struct Machine {
    /// Where the metadata service answers, without a trailing slash.
    pub base: String,
    pub wanted: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Token,
    Project,
}

impl Grant for Machine {
    fn identity(&self) -> Identity {
        let path = match self.wanted {
            Wanted::Token => "instance/service-accounts/default/token",
            Wanted::Project => "project/project-id",
        };
        let endpoint = format!("{}/computeMetadata/v1/{path}", self.base);
        Identity { endpoint, ..Identity::default() }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let mut headers = HeaderMap::new();
        headers.insert(FLAVOR, HeaderValue::from_static("Google"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        Ok(HttpCall {
            rest: Vec::new(),
            method: Method::GET,
            url: self.identity().endpoint,
            headers,
            body: Bytes::new(),
        })
    }

    fn read(&self, reply: &HttpReply, now: SystemTime) -> Result<Token> {
        match self.wanted {
            Wanted::Token => read_token(reply, now),
            Wanted::Project => {
                let name = String::from_utf8_lossy(&reply.body).trim().to_owned();
                if reply.status >= 300 || !super::chain::is_project(&name) {
                    return Err(no_project());
                }
                Ok(Token { value: Secret::new(name), expires: now.checked_add(LASTING) })
            }
        }
    }

    fn limit(&self) -> Duration {
        LOCAL
    }

    /// Nobody answers: then this is no machine of Google's, and nothing else was found before.
    fn unreachable(&self, error: Error) -> Error {
        let what = "No credentials for Google were found. Pass `vertex_credentials` (a service account's JSON or its \
                    path), set VERTEXAI_CREDENTIALS or GOOGLE_APPLICATION_CREDENTIALS, or sign in with \
                    `gcloud auth application-default login`.";
        Error::new(Kind::Authentication, what).with_source(error)
    }
}

/// A project is a part of every address.
pub fn no_project() -> Error {
    Error::bad_request(
        "Vertex AI needs a project, and the credentials name none: pass `vertex_project` or set VERTEXAI_PROJECT.",
    )
    .with_param("vertex_project")
}
