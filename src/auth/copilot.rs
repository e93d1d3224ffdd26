//! GitHub Copilot: the token of a login, for one of half an hour.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use http::{HeaderName, Method};
use serde_json::Value;

use super::Secret;
use super::exchange::{Grant, Identity, Token, refusal};
use crate::error::{Error, Kind, Result};
use crate::json::{Map, str_at};
use crate::wires::{HttpCall, HttpReply};

/// Where the token of the login is.
#[derive(Debug, Clone)]
pub enum Login {
    Token(Secret),
    File(PathBuf),
}

#[derive(Debug)]
pub struct Editor {
    pub endpoint: String,
    pub login: Login,
}

impl Login {
    fn token(&self) -> Result<Secret> {
        let path = match self {
            Self::Token(token) => return Ok(token.clone()),
            Self::File(path) => path,
        };
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Secret::new(text.trim())),
            Err(error) => {
                let what = format!(
                    "GitHub Copilot needs the token of a login, and there is none in '{}': log in with an editor or \
                     with LiteLLM once, set GITHUB_COPILOT_TOKEN_DIR, or pass `api_key`.",
                    path.display()
                );
                Err(Error::new(Kind::Authentication, what).with_source(error))
            }
        }
    }
}

impl Grant for Editor {
    fn identity(&self) -> Identity {
        let (who, secrets) = match &self.login {
            Login::Token(token) => (Vec::new(), vec![token.clone()]),
            Login::File(path) => (vec![path.display().to_string()], Vec::new()),
        };
        Identity { endpoint: self.endpoint.clone(), who, secrets }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let wrong =
            |_| Error::new(Kind::Authentication, "the login holds characters that a header cannot carry");
        let mut login =
            HeaderValue::try_from(format!("token {}", self.login.token()?.expose())).map_err(wrong)?;
        login.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, login);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("GithubCopilot/1.155.0"));
        for (name, value) in
            [("editor-version", "vscode/1.85.1"), ("editor-plugin-version", "copilot/1.155.0")]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Ok(HttpCall {
            rest: Vec::new(),
            method: Method::GET,
            url: self.endpoint.clone(),
            headers,
            body: Bytes::new(),
        })
    }

    fn read(&self, reply: &HttpReply, _now: SystemTime) -> Result<Token> {
        let map = serde_json::from_slice::<Map>(&reply.body).unwrap_or_default();
        let Some(token) = str_at(&map, "token").filter(|_| reply.status < 300) else {
            return Err(refusal(reply, &map));
        };
        let end = map.get("expires_at").and_then(Value::as_u64).map(Duration::from_secs);
        let expires = end.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(end));
        Ok(Token { value: Secret::new(token), expires })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_is_read_when_it_is_needed() {
        let path = std::env::temp_dir().join(format!("ferrolite-copilot-{}", std::process::id()));
        let grant = Editor { endpoint: "https://api.example/token".into(), login: Login::File(path.clone()) };
        let error = grant.request(None, SystemTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.kind(), Kind::Authentication);
        assert!(error.message().contains("GITHUB_COPILOT_TOKEN_DIR"), "{error}");
        std::fs::write(&path, "ghu_x\n").unwrap();
        let call = grant.request(None, SystemTime::UNIX_EPOCH).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(call.headers[AUTHORIZATION], "token ghu_x");
        let body = r#"{"token":"t","expires_at":1800}"#;
        let reply = HttpReply { status: 200, headers: HeaderMap::new(), body: body.into() };
        let token = grant.read(&reply, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(token.expires, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1800)));
    }
}
