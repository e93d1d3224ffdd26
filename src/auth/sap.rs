//! SAP AI Core: a client's id and secret for a token.

use std::time::SystemTime;

use super::Secret;
use super::exchange::{Grant, Identity, form_call};
use crate::error::Result;
use crate::wires::HttpCall;

#[derive(Debug)]
pub struct Client {
    /// The address of the tenant's authentication, with or without its path.
    pub endpoint: String,
    pub id: String,
    pub secret: Secret,
}

impl Grant for Client {
    fn identity(&self) -> Identity {
        let who = vec![self.id.clone()];
        Identity { endpoint: self.endpoint.clone(), who, secrets: vec![self.secret.clone()] }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let base = self.endpoint.trim_end_matches('/');
        let url =
            if base.ends_with("/oauth/token") { base.to_owned() } else { format!("{base}/oauth/token") };
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.id),
            ("client_secret", self.secret.expose()),
        ];
        Ok(form_call(url, &fields))
    }
}
