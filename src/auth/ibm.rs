//! IBM Cloud: an API key for a token of an hour.

use std::time::SystemTime;

use super::Secret;
use super::exchange::{Grant, Identity, form_call};
use crate::error::Result;
use crate::wires::HttpCall;

const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

#[derive(Debug)]
pub struct ApiKey {
    pub endpoint: String,
    pub key: Secret,
}

impl Grant for ApiKey {
    fn identity(&self) -> Identity {
        Identity { endpoint: self.endpoint.clone(), who: Vec::new(), secrets: vec![self.key.clone()] }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let mut call = form_call(&*self.endpoint, &[("grant_type", GRANT), ("apikey", self.key.expose())]);
        call.headers.insert(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
        Ok(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_in_the_form_and_not_in_the_debug_output() {
        let grant = ApiKey { endpoint: "https://iam.example/identity/token".into(), key: Secret::new("k y") };
        let call = grant.request(None, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(call.url, "https://iam.example/identity/token");
        assert_eq!(
            call.body,
            "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=k+y".as_bytes()
        );
        assert!(!format!("{grant:?}").contains("k y"));
    }
}
