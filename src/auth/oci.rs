//! Oracle Cloud: each request is signed with the user's RSA key.

use std::path::PathBuf;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::{Secret, rsa};
use crate::address;
use crate::error::{Error, Kind, Result};
use crate::wires::HttpCall;

/// What is signed, in this order, and how it is called in the signature.
const SIGNED: &str = "date (request-target) host content-length content-type x-content-sha256";

#[derive(Debug, Clone)]
pub struct Signer {
    pub tenancy: String,
    pub user: String,
    pub fingerprint: String,
    pub key: Key,
}

/// The private key in PEM, or where it is.
#[derive(Debug, Clone)]
pub enum Key {
    Pem(Secret),
    File(PathBuf),
}

impl Signer {
    pub fn sign(&self, call: &mut HttpCall, now: SystemTime) -> Result<()> {
        let url = address::checked(&call.url)?;
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let date = httpdate::fmt_http_date(now);
        let hash = STANDARD.encode(Sha256::digest(call.whole_body()));
        let length = call.whole_body().len().to_string();
        let kind = HeaderValue::from_static("application/json");
        let kind = call.headers.entry(CONTENT_TYPE).or_insert(kind).to_str().unwrap_or_default().to_owned();
        let method = call.method.as_str().to_lowercase();
        let text = format!(
            "date: {date}\n(request-target): {method} {path}\nhost: {host}\ncontent-length: {length}\n\
             content-type: {kind}\nx-content-sha256: {hash}"
        );
        let signature = STANDARD.encode(self.key.sign(text.as_bytes())?);
        let id = format!("{}/{}/{}", self.tenancy, self.user, self.fingerprint);
        let proof = format!(
            "Signature version=\"1\",keyId=\"{id}\",algorithm=\"rsa-sha256\",headers=\"{SIGNED}\",signature=\"{signature}\""
        );
        let mut proof = value(&proof)?;
        proof.set_sensitive(true);
        call.headers.insert(AUTHORIZATION, proof);
        call.headers.insert(DATE, value(&date)?);
        call.headers.insert(CONTENT_LENGTH, value(&length)?);
        call.headers.insert(HeaderName::from_static("x-content-sha256"), value(&hash)?);
        Ok(())
    }
}

impl Key {
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        let pem = match self {
            Self::Pem(pem) => pem.clone(),
            Self::File(path) => Secret::new(std::fs::read_to_string(path).map_err(|error| {
                unusable(&format!("cannot be read from '{}'", path.display())).with_source(error)
            })?),
        };
        // Variables hold line breaks as two letters.
        let pem = Secret::new(pem.expose().replace("\\n", "\n"));
        rsa::sign(&pem, text).map_err(unusable)
    }
}

fn unusable(what: &str) -> Error {
    Error::new(Kind::Authentication, format!("the private key of OCI {what}"))
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(text).map_err(|_| {
        Error::new(Kind::Authentication, "the credentials of OCI hold characters that a header cannot carry")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What openssl makes of the same text with the same key.
    const SIGNATURE: &str = "bo8MJwcw7drfII0SO4xnajS+Cvu1rR8n6B/pCiytVYZ8E+dyajC+7wifVdIG9wHWqa6gagT+z2jG5jBAzvV9WOS8vQjOs9rsi/LnjoMQHHDMy4Lo6SxGvI2hx24XAvI4+nvF0/XjLZgGpXi4RxHqgUWbb6Kv4BpQJsMRZBRerMYo4JNV0wYu5HIHzuqjfHXIdsKGG231RZxOIYg64I3ulNT++y9bVLVxhBEEPO49ToKN5xugtQ6ex0i4MDuD2Zdlu9SxuKruD915vgVQsf9u9+vqt93u4/srp7RNfZ0V/kVySlF+kVLiBMSTOctR+pqKhNT7zlOjT18mrToEsnn4KQ==";

    fn call() -> HttpCall {
        HttpCall {
            rest: Vec::new(),
            method: http::Method::POST,
            url: "https://inference.example.com/20231130/actions/chat?x=1".into(),
            headers: http::HeaderMap::new(),
            body: r#"{"a":1}"#.into(),
        }
    }

    fn signer(key: Key) -> Signer {
        Signer { tenancy: "t".into(), user: "u".into(), fingerprint: "f".into(), key }
    }

    #[test]
    fn a_request_is_signed_as_openssl_does() {
        let pem = include_str!("../../tests/fixtures/google/private-key.pem");
        for text in [pem.to_owned(), pem.replace('\n', "\\n")] {
            let mut call = call();
            signer(Key::Pem(Secret::new(text))).sign(&mut call, SystemTime::UNIX_EPOCH).unwrap();
            let expected = format!(
                "Signature version=\"1\",keyId=\"t/u/f\",algorithm=\"rsa-sha256\",headers=\"{SIGNED}\",signature=\"{SIGNATURE}\""
            );
            assert_eq!(call.headers[AUTHORIZATION], expected.as_str());
            assert_eq!(call.headers["x-content-sha256"], "AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=");
            assert_eq!(call.headers[DATE], "Thu, 01 Jan 1970 00:00:00 GMT");
        }
    }

    #[test]
    fn a_key_that_is_none_is_not_shown() {
        for key in [Key::Pem(Secret::new("my-secret")), Key::File("/no/such/file".into())] {
            let error = signer(key).sign(&mut call(), SystemTime::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.kind(), Kind::Authentication);
            assert!(!error.message().contains("my-secret"), "{error}");
        }
    }
}
