//! Requests that are somebody else's: passed on as they are, with the proof of whoever passes them on.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Engine;
use super::control::{Control, Keywords};
use super::envelope::{self, Envelope, Purpose, Settings};
use crate::auth::{self, Scheme};
use crate::config::Environment;
use crate::error::{Error, Result};
use crate::hub::{CallType, Options, Target};
use crate::transport::{Body, Carries, Connection, Limits};
use crate::wires::{HttpCall, HttpReply};

/// The silence between two reads of a stream, and the time to its head: nobody here knows what is asked.
const LONGEST: Duration = Duration::from_secs(600);

/// Where requests go that are passed on, and how they prove whose they are.
#[derive(Debug)]
pub struct Passage {
    envelope: Envelope,
}

impl Passage {
    /// Of the keywords of a call: its model says the provider, and what steers it the address and the proof.
    ///
    /// # Errors
    /// What is missing: a key, an address.
    pub fn new(mut keywords: Keywords, settings: &Settings, environment: &dyn Environment) -> Result<Self> {
        let control = Control::take(&mut keywords);
        let wanted = envelope::wanted(CallType::Chat, &control, &mut keywords, settings)?;
        let purpose = Purpose { call_type: CallType::Chat, stream: true, mocked: false };
        let envelope = Envelope::new(wanted, &control, purpose, Options::default(), settings, environment)?;
        Ok(Self { envelope })
    }

    pub fn target(&self) -> &Target {
        &self.envelope.route.target
    }

    /// What the provider wants in the query of every address.
    pub fn query(&self) -> &[(String, String)] {
        &self.envelope.route.query
    }

    /// Whether the body is part of the proof.
    pub fn signs_bodies(&self) -> bool {
        self.envelope.route.signing.is_some() || self.envelope.route.signer.is_some()
    }

    fn connection(&self, carries: Carries) -> Connection {
        Connection { carries, ..self.envelope.connection.clone() }
    }
}

impl Engine {
    /// Puts the proof into a request.
    async fn prove(&self, passage: &Passage, mut call: HttpCall) -> Result<HttpCall> {
        let route = &passage.envelope.route;
        for (name, value) in route.headers.iter().chain(&passage.envelope.headers) {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                call.headers.entry(name).or_insert(value);
            }
        }
        auth::sign(&mut call.headers, route.auth, route.key.as_ref())?;
        let connection = &passage.envelope.connection;
        if let Some(project) = &route.project {
            let name = self.tokens.get(&self.transport, connection, project).await?;
            call.url = call.url.replace(auth::google::PROJECT, name.expose());
        }
        if let Some(signing) = &route.signing {
            let keys = self.credentials.get(&self.transport, connection, signing).await?;
            auth::aws::sign(&mut call, &keys, &signing.region, &signing.service, SystemTime::now())?;
        }
        if let Some(grant) = &route.grant {
            let token = self.tokens.get(&self.transport, connection, grant).await?;
            auth::sign(&mut call.headers, Scheme::Bearer, Some(&token))?;
        }
        if let Some(signer) = &route.signer {
            signer.sign(&mut call, SystemTime::now())?;
        }
        Ok(call)
    }

    /// Passes a request on, with the provider's proof. A body that is streamed takes the place of the call's own.
    ///
    /// # Errors
    /// Of the way, not of the upstream: what it answers is the answer.
    pub async fn pass<B>(&self, passage: &Passage, call: HttpCall, body: Option<B>) -> Result<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let connection = passage.connection(Carries::Bytes);
        let call = self.prove(passage, call).await?;
        self.carry(call, body, &connection).await
    }

    /// Passes a request on as it is, to an address of the configuration's.
    ///
    /// # Errors
    /// Of the way, not of the upstream.
    pub async fn pass_plain<B>(&self, call: HttpCall, body: Option<B>) -> Result<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let connection = Connection { carries: Carries::Bytes, ..Connection::default() };
        self.carry(call, body, &connection).await
    }

    async fn carry<B>(&self, call: HttpCall, body: Option<B>, connection: &Connection) -> Result<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let limits = Limits { total: LONGEST, idle: LONGEST };
        match body {
            Some(body) => self.transport.send_streamed(call, body, connection, limits).await,
            None => self.transport.send(call, connection, limits).await,
        }
    }

    /// Asks an upstream to speak something else than HTTP, with the provider's proof.
    ///
    /// # Errors
    /// Of the way, not of the upstream: whether it has switched, the status says.
    pub async fn switch(&self, passage: &Passage, call: HttpCall, limit: Duration) -> Result<Body> {
        let connection = passage.connection(Carries::Upgrades);
        let call = self.prove(passage, call).await?;
        let limits = Limits { total: limit, idle: limit };
        self.transport.send_streamed(call, Nothing, &connection, limits).await
    }

    /// A document that everybody may read, such as the public keys of who signs tokens.
    ///
    /// # Errors
    /// When there is none within the time, or it is too large.
    pub async fn document(&self, url: &str, limit: Duration, size: usize) -> Result<HttpReply> {
        let limits = Limits { total: limit, idle: limit };
        let call = HttpCall {
            method: http::Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            rest: Vec::new(),
        };
        let body = self.transport.send(call, &Connection::default(), limits).await?;
        let reply = body.collect_within(limits, size).await?;
        if reply.status >= 300 {
            return Err(Error::unreadable(format!("the document was answered with status {}", reply.status)));
        }
        Ok(reply)
    }
}

/// A body without anything in it.
struct Nothing;

impl http_body::Body for Nothing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<std::result::Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}
