//! GigaChat: credentials for a token of half an hour.

use std::time::{Duration, SystemTime};

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderName, HeaderValue};

use super::Secret;
use super::exchange::{Grant, Identity, Token, form_call, read_token};
use crate::engine::new_uuid;
use crate::error::{Error, Kind, Result};
use crate::json::Map;
use crate::wires::{HttpCall, HttpReply};

#[derive(Debug)]
pub struct Credentials {
    pub endpoint: String,
    pub scope: String,
    /// As the console shows them: encoded for a header.
    pub key: Secret,
}

impl Grant for Credentials {
    fn identity(&self) -> Identity {
        Identity {
            endpoint: self.endpoint.clone(),
            who: vec![self.scope.clone()],
            secrets: vec![self.key.clone()],
        }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let mut call = form_call(&*self.endpoint, &[("scope", &self.scope)]);
        let wrong = |_| {
            Error::new(Kind::Authentication, "the credentials hold characters that a header cannot carry")
        };
        let mut key = HeaderValue::try_from(format!("Basic {}", self.key.expose())).map_err(wrong)?;
        key.set_sensitive(true);
        call.headers.insert(AUTHORIZATION, key);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        call.headers
            .insert(HeaderName::from_static("rquid"), HeaderValue::try_from(new_uuid()).map_err(wrong)?);
        Ok(call)
    }

    /// The end is in thousandths of a second.
    fn read(&self, reply: &HttpReply, now: SystemTime) -> Result<Token> {
        let token = read_token(reply, now)?;
        let map = serde_json::from_slice::<Map>(&reply.body).unwrap_or_default();
        let end = map.get("expires_at").and_then(serde_json::Value::as_u64).map(Duration::from_millis);
        let expires = end.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(end)).or(token.expires);
        Ok(Token { expires, ..token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_when_its_thousandths_say() {
        let grant = Credentials {
            endpoint: "https://a.example/oauth".into(),
            scope: "S".into(),
            key: Secret::new("c"),
        };
        let call = grant.request(None, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(call.headers[AUTHORIZATION], "Basic c");
        assert_eq!((&call.body[..], call.headers["rquid"].len()), (&b"scope=S"[..], 36));
        let body = r#"{"access_token":"t","expires_at":1800000}"#;
        let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.into() };
        let token = grant.read(&reply, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(token.expires, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1800)));
    }
}
