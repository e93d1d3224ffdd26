//! Values as objects of a bucket: S3 and what speaks its language, Google Cloud Storage, Azure's blobs.
//!
//! An object says itself until when it counts; the bucket's own rules remove what has aged.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::{Named, Store};
use crate::auth::aws::{KeyRing, Signing};
use crate::auth::exchange::{Grant, Tokens};
use crate::auth::{self, Scheme, Secret};
use crate::error::{Error, Kind, Result};
use crate::json::cut;
use crate::transport::{Connection, Limits, Transport};
use crate::wires::{HttpCall, HttpReply};

const LIMITS: Limits = Limits { total: Duration::from_secs(20), idle: Duration::from_secs(20) };
/// Requests at a time, of one call.
const AT_ONCE: usize = 8;
/// Of an error's text, so much is told.
const TOLD: usize = 300;

/// A bucket and the way to it.
pub struct ObjectStore {
    place: Place,
    connection: Connection,
    transport: Transport,
    keys: KeyRing,
    tokens: Tokens,
}

/// Where objects are, and how a request for one proves who asks.
#[derive(Debug)]
pub struct Place {
    /// The address of the bucket, without a slash at its end.
    pub bucket: String,
    /// In front of all names: empty, or with a slash at its end.
    pub path: String,
    pub proof: Proof,
    /// How the bucket calls the header in which an object says until when it counts.
    pub until: HeaderName,
    /// Headers that go with every request.
    pub headers: HeaderMap,
    /// Headers that go with what is written.
    pub written: HeaderMap,
}

#[derive(Debug)]
pub enum Proof {
    Signature(Signing),
    Token(Secret),
    Grant(Arc<dyn Grant>),
    /// What is open to all.
    None,
}

impl ObjectStore {
    pub fn new(place: Place, connection: Connection) -> Self {
        Self {
            place,
            connection,
            transport: Transport::default(),
            keys: KeyRing::default(),
            tokens: Tokens::default(),
        }
    }

    async fn send(&self, method: Method, name: &str, body: Bytes, headers: HeaderMap) -> Result<HttpReply> {
        let url = format!("{}/{}{}", self.place.bucket, self.place.path, object_name(name));
        let mut call = HttpCall { method, url, headers, body, rest: Vec::new() };
        call.headers.extend(self.place.headers.clone());
        match &self.place.proof {
            Proof::Signature(signing) => {
                if let Ok(hash) = HeaderValue::try_from(auth::aws::hex(&Sha256::digest(&call.body))) {
                    call.headers.insert("x-amz-content-sha256", hash);
                }
                let keys = self.keys.get(&self.transport, &self.connection, signing).await?;
                auth::aws::sign(&mut call, &keys, &signing.region, &signing.service, SystemTime::now())?;
            }
            Proof::Token(token) => auth::sign(&mut call.headers, Scheme::Bearer, Some(token))?,
            Proof::Grant(grant) => {
                let token = self.tokens.get(&self.transport, &self.connection, grant).await?;
                auth::sign(&mut call.headers, Scheme::Bearer, Some(&token))?;
            }
            Proof::None => {}
        }
        let body = self.transport.send(call, &self.connection, LIMITS).await?;
        body.collect(LIMITS).await
    }

    async fn read(&self, name: &str) -> Result<Option<Bytes>> {
        let reply = self.send(Method::GET, name, Bytes::new(), HeaderMap::new()).await?;
        match reply.status {
            200 => {
                let until = reply.headers.get(&self.place.until).and_then(|until| until.to_str().ok());
                let aged =
                    until.and_then(|until| until.parse().ok()).is_some_and(|until: u128| until <= now());
                Ok((!aged).then_some(reply.body))
            }
            404 if !says(&reply, "NoSuchBucket") && !says(&reply, "ContainerNotFound") => Ok(None),
            // Who may not list a bucket is told so about objects that are not there.
            403 if says(&reply, "AccessDenied") => {
                tracing::debug!("cache: the bucket does not say whether an object is there");
                Ok(None)
            }
            _ => Err(refused(&reply)),
        }
    }

    async fn write(&self, name: &str, value: &Bytes, ttl: Option<Duration>) -> Result<()> {
        let mut headers = self.place.written.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(until) =
            ttl.and_then(|ttl| HeaderValue::try_from((now() + ttl.as_millis()).to_string()).ok())
        {
            headers.insert(self.place.until.clone(), until);
        }
        let reply = self.send(Method::PUT, name, value.clone(), headers).await?;
        if StatusCode::from_u16(reply.status).is_ok_and(|status| status.is_success()) {
            return Ok(());
        }
        Err(refused(&reply))
    }
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

fn says(reply: &HttpReply, code: &str) -> bool {
    String::from_utf8_lossy(&reply.body).contains(code)
        || reply.headers.get("x-ms-error-code").is_some_and(|said| said == code)
}

fn refused(reply: &HttpReply) -> Error {
    let text = String::from_utf8_lossy(&reply.body);
    let kind = if matches!(reply.status, 401 | 403) { Kind::Authentication } else { Kind::Connection };
    let what = format!("the bucket answers {}: {}", reply.status, cut(text.trim(), TOLD));
    Error::new(kind, what)
}

/// A name of characters that mean the same in every address and signature: a namespace becomes a folder.
fn object_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b':' => out.push('/'),
            b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(char::from(byte)),
            other => {
                use fmt::Write as _;
                // Writing to a string does not fail.
                let _ = write!(out, "_{other:02x}");
            }
        }
    }
    out
}

/// Carries out work for each item, some of it at a time.
async fn each<'a, T, R>(items: &'a [T], work: impl Fn(&'a T) -> BoxFuture<'a, Result<R>>) -> Result<Vec<R>> {
    let mut done = Vec::with_capacity(items.len());
    for some in items.chunks(AT_ONCE) {
        for result in futures_util::future::join_all(some.iter().map(&work)).await {
            done.push(result?);
        }
    }
    Ok(done)
}

impl Store for ObjectStore {
    fn get<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>>> {
        each(names, move |name| self.read(name).boxed()).boxed()
    }

    fn set<'a>(&'a self, values: &'a [Named], ttl: Option<Duration>) -> BoxFuture<'a, Result<()>> {
        async move {
            each(values, |(name, value)| self.write(name, value, ttl).boxed()).await?;
            Ok(())
        }
        .boxed()
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<()>> {
        async move {
            each(names, |name| {
                async move {
                    let reply = self.send(Method::DELETE, name, Bytes::new(), HeaderMap::new()).await?;
                    if matches!(reply.status, 200..=299 | 404) { Ok(()) } else { Err(refused(&reply)) }
                }
                .boxed()
            })
            .await?;
            Ok(())
        }
        .boxed()
    }

    /// A bucket is not emptied: that takes a right that a cache does not need.
    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        let what = "a bucket is not emptied from here: remove the objects with the provider's own tools";
        async move { Err(Error::new(Kind::Config, what)) }.boxed()
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        async move { self.read("ping").await.map(drop) }.boxed()
    }
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStore").field("bucket", &self.place.bucket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert_eq!(object_name("mine:0aF-9.x"), "mine/0aF-9.x");
        assert_eq!(object_name("a b/é_"), "a_20b_2f_c3_a9_5f");
    }
}
