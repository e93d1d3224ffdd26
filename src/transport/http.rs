use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::RwLock;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::HeaderMap;
use tokio::time::Instant;

use super::public::PublicResolver;
use crate::address;
use crate::config::{Environment as _, ProcessEnvironment, parse_switch};
use crate::error::{Error, Kind, Result};
use crate::wires::{HttpCall, HttpReply, REPLY_LIMIT};

/// The largest error body that is read, in bytes.
const ERROR_LIMIT: usize = 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_CONNECTION: Duration = Duration::from_secs(90);
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const REDIRECTS: usize = 5;
/// The most pools, one for each set of connection settings.
const CLIENTS: usize = 64;
/// What may follow the end of a stream's content before its connection is given up.
const REST_LIMIT: usize = 64 * 1024;
const REST_TIME: Duration = Duration::from_millis(100);

/// How server certificates are checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Verify {
    /// Against the system's roots.
    #[default]
    System,
    /// Against the roots of a PEM file, and the system's.
    File(PathBuf),
    /// Not at all.
    Off,
}

impl Verify {
    /// A switch turns the check on or off.
    pub fn of_switch(on: bool) -> Self {
        if on { Self::System } else { Self::Off }
    }

    /// A switch as people write it, or the path of a PEM file.
    pub fn of_text(text: &str) -> Self {
        parse_switch(text).map_or_else(|| Self::File(PathBuf::from(text)), Self::of_switch)
    }
}

/// Settings of a connection: calls that share them share a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Connection {
    pub verify: Verify,
    pub connect_timeout: Option<Duration>,
    pub reach: Reach,
    pub carries: Carries,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Carries {
    /// Requests whose replies are read here.
    #[default]
    Calls,
    /// Requests that are somebody else's: replies stay compressed, redirects are the asker's to follow.
    Bytes,
    /// The same over HTTP/1.1, which can become something else (a WebSocket).
    Upgrades,
}

/// Which hosts a call may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    #[default]
    Anywhere,
    /// Public addresses only, whatever a name resolves to at the time of a direct connection (GEN-26).
    Public,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One attempt, up to the whole reply or to the head of a stream.
    pub total: Duration,
    /// The silence between two reads of a stream (STR-26).
    pub idle: Duration,
}

/// Pools of connections. Cheap to share.
#[derive(Debug, Default)]
pub struct Transport {
    clients: RwLock<HashMap<Connection, reqwest::Client>>,
}

/// The head of a reply whose body is still to be read.
#[derive(Debug)]
pub struct Body {
    response: reqwest::Response,
    /// When the attempt is over that this reply belongs to.
    deadline: Instant,
}

/// A connection that speaks something else than HTTP from now on.
pub type Upgraded = reqwest::Upgraded;

/// Reads what is left of a body. Dropped before it is done, it closes the connection.
pub type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Transport {
    /// Sends a request and waits for the head of the reply.
    pub async fn send(&self, call: HttpCall, connection: &Connection, limits: Limits) -> Result<Body> {
        let client = self.client(connection)?;
        let url = address::checked(&call.url)?;
        let mut request = reqwest::Request::new(call.method, url);
        *request.headers_mut() = call.headers;
        *request.body_mut() =
            Some(if call.rest.is_empty() { call.body.into() } else { Pieces::of(call.body, call.rest) });
        let deadline = Instant::now() + limits.total;
        match tokio::time::timeout_at(deadline, client.execute(request)).await {
            Ok(Ok(response)) => Ok(Body { response, deadline }),
            Ok(Err(error)) => Err(failure(error, limits.total)),
            Err(_) => Err(timed_out(limits.total)),
        }
    }

    /// Sends a request whose body is read while it is sent: no faster than the upstream takes it.
    pub async fn send_streamed<B>(
        &self,
        call: HttpCall,
        body: B,
        connection: &Connection,
        limits: Limits,
    ) -> Result<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let client = self.client(connection)?;
        // Not remembered: whoever asks decides what comes after the host.
        let url = url::Url::parse(&call.url).map_err(|_| Error::bad_request("That is no path."))?;
        let mut request = reqwest::Request::new(call.method, url);
        *request.headers_mut() = call.headers;
        if !body.is_end_stream() {
            *request.body_mut() = Some(reqwest::Body::wrap(body));
        }
        let deadline = Instant::now() + limits.total;
        match tokio::time::timeout_at(deadline, client.execute(request)).await {
            Ok(Ok(response)) => Ok(Body { response, deadline }),
            Ok(Err(error)) => Err(failure(error, limits.total)),
            Err(_) => Err(timed_out(limits.total)),
        }
    }

    fn client(&self, connection: &Connection) -> Result<reqwest::Client> {
        if let Ok(clients) = self.clients.read()
            && let Some(client) = clients.get(connection)
        {
            return Ok(client.clone());
        }
        let client = build(connection)?;
        if let Ok(mut clients) = self.clients.write() {
            if clients.len() >= CLIENTS {
                // Settings that differ from call to call must not pile up pools.
                clients.clear();
            }
            return Ok(clients.entry(connection.clone()).or_insert(client).clone());
        }
        Ok(client)
    }
}

/// A body in several pieces, sent one after the other and never joined. Its length is known.
struct Pieces(VecDeque<Bytes>);

impl Pieces {
    fn of(first: Bytes, rest: Vec<Bytes>) -> reqwest::Body {
        reqwest::Body::wrap(Self([first].into_iter().chain(rest).filter(|piece| !piece.is_empty()).collect()))
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(http_body::Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

fn build(connection: &Connection) -> Result<reqwest::Client> {
    // Fails when another provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("ferrolite/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connection.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
        .pool_idle_timeout(IDLE_CONNECTION)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .redirect(same_origin());
    if ProcessEnvironment.first(&["NO_PROXY".to_owned(), "no_proxy".to_owned()]).as_deref() == Some("*") {
        // The client below takes the star for names only, not for IP addresses.
        builder = builder.no_proxy();
    }
    if connection.reach == Reach::Public {
        builder = builder
            .dns_resolver(PublicResolver::new(&ProcessEnvironment))
            .redirect(reqwest::redirect::Policy::none());
    }
    if connection.carries != Carries::Calls {
        builder =
            builder.no_gzip().no_brotli().no_deflate().no_zstd().redirect(reqwest::redirect::Policy::none());
    }
    if connection.carries == Carries::Upgrades {
        builder = builder.http1_only();
    }
    match &connection.verify {
        Verify::System => {}
        Verify::Off => builder = builder.tls_danger_accept_invalid_certs(true),
        Verify::File(path) => builder = builder.tls_certs_merge(certificates(path)?),
    }
    builder
        .build()
        .map_err(|error| Error::new(Kind::Config, "the HTTP client cannot be set up").with_source(error))
}

fn certificates(path: &PathBuf) -> Result<Vec<reqwest::Certificate>> {
    let wrong = || Error::new(Kind::Config, format!("the CA file '{}' cannot be used", path.display()));
    let pem = std::fs::read(path).map_err(|error| wrong().with_source(error))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong().with_source(error))?;
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}

/// Redirects stay on their host: a key in a header never travels to another one.
fn same_origin() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let same = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
        if same && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
    })
}

/// A call has taken longer than it may.
pub fn timed_out(limit: Duration) -> Error {
    Error::new(Kind::Timeout, format!("Request timed out. Timeout passed={} seconds", limit.as_secs_f64()))
}

/// What went wrong on the way, without the address (it may hold a key).
fn failure(error: reqwest::Error, limit: Duration) -> Error {
    if error.is_timeout() && !error.is_connect() {
        return timed_out(limit);
    }
    let error = error.without_url();
    let mut reason = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() {
        return Error::new(Kind::Timeout, "Request timed out while connecting.").with_source(error);
    }
    let what =
        if error.is_connect() { "Connection error." } else { "Connection error: the exchange broke off." };
    let message = if reason.is_empty() { what.to_owned() } else { format!("{what} {reason}") };
    Error::new(Kind::Connection, message).with_source(error)
}

impl Body {
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Whether the reply announces JSON, whatever was asked for.
    pub fn is_json(&self) -> bool {
        let kind = self.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/json"))
    }

    /// What becomes of the connection after a reply that switches protocols.
    ///
    /// # Errors
    /// [`Kind::Connection`] when the upstream has not switched.
    pub async fn upgraded(self) -> Result<Upgraded> {
        self.response.upgrade().await.map_err(|error| failure(error, Duration::ZERO))
    }

    /// The next read of the body; `None` at its end.
    pub async fn read(&mut self, idle: Duration) -> Result<Option<Bytes>> {
        match tokio::time::timeout(idle, self.response.chunk()).await {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(error)) => Err(failure(error, idle)),
            Err(_) => Err(Error::new(
                Kind::Timeout,
                format!("The stream was silent for {} seconds.", idle.as_secs_f64()),
            )),
        }
    }

    /// A read that has arrived already, without waiting: `None` when there is none yet.
    pub fn read_ready(&mut self) -> Option<Result<Option<Bytes>>> {
        let read = self.response.chunk().now_or_never()?;
        Some(read.map_err(|error| failure(error, Duration::ZERO)))
    }

    /// Lets go of a body whose content is complete. What is left is to be read for a moment, so that the connection
    /// can serve again; a body that goes on all the same is cut off.
    pub fn finish(mut self) -> Option<Rest> {
        for _ in 0..4 {
            match self.response.chunk().now_or_never() {
                None => break,
                Some(Ok(Some(_))) => {}
                Some(Ok(None) | Err(_)) => return None,
            }
        }
        let rest = async move {
            let mut left = REST_LIMIT;
            while let Ok(Some(read)) = self.response.chunk().await {
                left = left.saturating_sub(read.len());
                if left == 0 {
                    break;
                }
            }
        };
        Some(Box::pin(async move {
            let _ = tokio::time::timeout(REST_TIME, rest).await;
        }))
    }

    /// The whole reply, bounded; an error reply is cut, a good one that is too large is an error.
    pub async fn collect(self, limits: Limits) -> Result<HttpReply> {
        self.collect_within(limits, REPLY_LIMIT).await
    }

    /// The same with a bound of the caller's for a good reply, in bytes.
    pub async fn collect_within(mut self, limits: Limits, limit: usize) -> Result<HttpReply> {
        let status = self.status();
        let is_good = status < 400;
        let limit = if is_good { limit } else { ERROR_LIMIT };
        let headers = std::mem::take(self.response.headers_mut());
        let body = match tokio::time::timeout_at(self.deadline, self.read_all(limit, is_good)).await {
            Ok(body) => body.map_err(|error| {
                let own = error.status();
                error.with_status(own)
            })?,
            Err(_) => return Err(timed_out(limits.total)),
        };
        Ok(HttpReply { status, headers, body })
    }

    async fn read_all(&mut self, limit: usize, strict: bool) -> Result<Bytes> {
        // A reply that came in one piece is not copied.
        let Some(first) = self.piece(0, limit, strict).await? else { return Ok(Bytes::new()) };
        let Some(second) = self.piece(first.len(), limit, strict).await? else { return Ok(first) };
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(more) = self.piece(all.len(), limit, strict).await? {
            all.extend_from_slice(&more);
        }
        Ok(all.freeze())
    }

    /// The next piece of a body of which `held` bytes are there: within the limit, or cut to it.
    async fn piece(&mut self, held: usize, limit: usize, strict: bool) -> Result<Option<Bytes>> {
        let left = limit.saturating_sub(held);
        if left == 0 && !strict {
            return Ok(None);
        }
        let read = self.response.chunk().await.map_err(|error| failure(error, Duration::ZERO))?;
        match read {
            Some(read) if read.len() > left && strict => Err(too_large(limit)),
            Some(mut read) => {
                read.truncate(left);
                Ok(Some(read))
            }
            None => Ok(None),
        }
    }
}

fn too_large(limit: usize) -> Error {
    Error::unreadable(format!("the reply is larger than {limit} bytes"))
}
