//! `ferrolite mock`: a server that speaks the OpenAI, Anthropic and Gemini formats without a model behind it, for
//! tests, examples and benchmarks. Its answers follow from the request alone; headers make it slow, wrong or broken.
//! See docs/mock.md for all of them. It knows nothing of the rest of the crate, so that it cannot share its mistakes.

mod account;
mod answer;
mod anthropic;
mod behaviour;
mod dialect;
mod embedding;
mod endpoint;
mod gemini;
mod openai;
mod prompt;
mod record;
mod responses;
mod routes;
mod schema;
mod stream;
mod text;

use std::future::{Future, IntoFuture};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::handler::Handler;
use axum::serve::ListenerExt;
use http::StatusCode;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How long a stopping server waits for clients that do not read their answers.
const GRACE: Duration = Duration::from_secs(1);

/// How a [`MockServer`] behaves. Headers of a request win over what is set here.
#[derive(Clone)]
pub struct MockOptions {
    pub host: String,
    /// 0 takes any free port.
    pub port: u16,
    /// The wait before each answer.
    pub latency: Duration,
    /// The wait between two pieces of a stream.
    pub chunk_delay: Duration,
    /// The part of requests that fail, from 0 to 1; which ones follows from `seed`. Without a rate, but with an
    /// `error_status`, all fail.
    pub error_rate: Option<f64>,
    /// The status of those failures, 500 if not set.
    pub error_status: Option<u16>,
    /// The text of every answer, in place of tool calls and JSON too.
    pub reply: Option<String>,
    /// The length of an answer in words; the text is cut or repeated to have it.
    pub words: Option<usize>,
    /// The number of pieces a streamed text comes in; a shorter text is repeated.
    pub chunks: Option<usize>,
    /// Ids and failures follow from this number and the order of the requests.
    pub seed: u64,
    /// Requests with another key, or none, get a 401.
    pub require_key: Option<String>,
    /// Keep the last requests for `GET /_mock/requests`.
    pub record: bool,
}

impl Default for MockOptions {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: 0,
            latency: Duration::ZERO,
            chunk_delay: Duration::ZERO,
            error_rate: None,
            error_status: None,
            reply: None,
            words: None,
            chunks: None,
            seed: 0,
            require_key: None,
            record: false,
        }
    }
}

impl MockOptions {
    fn check(&self) -> io::Result<()> {
        let invalid = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if self.error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return invalid("the error rate must be from 0 to 1");
        }
        if self.error_status.is_some_and(|status| !(400..=599).contains(&status)) {
            return invalid("the error status must be from 400 to 599");
        }
        let counts = [self.words, self.chunks];
        if counts.into_iter().flatten().any(|count| !(1..=behaviour::MAX_CHUNKS).contains(&count)) {
            return invalid("words and chunks must be from 1 to 100000");
        }
        Ok(())
    }

    /// The status the request with this number is to fail with.
    fn fails(&self, number: u64) -> Option<StatusCode> {
        let rate = self.error_rate.unwrap_or(if self.error_status.is_some() { 1.0 } else { 0.0 });
        let drawn = u32::try_from(embedding::mix(self.seed ^ number) >> 32).unwrap_or_default();
        if f64::from(drawn) >= rate * (f64::from(u32::MAX) + 1.0) {
            return None;
        }
        StatusCode::from_u16(self.error_status.unwrap_or(500)).ok()
    }
}

/// A server that has its port and waits to be served.
pub struct MockServer {
    listener: TcpListener,
    address: SocketAddr,
    options: MockOptions,
}

impl MockServer {
    /// Takes the port. To be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for options out of range, else what the system says about the address.
    pub fn bind(options: MockOptions) -> io::Result<Self> {
        options.check()?;
        let mut refused = io::Error::new(io::ErrorKind::InvalidInput, "the host has no address");
        for address in (options.host.as_str(), options.port).to_socket_addrs()? {
            match listen(address) {
                Ok(listener) => {
                    let address = listener.local_addr()?;
                    return Ok(Self { listener, address, options });
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address; the loopback address for a server that listens on all.
    pub fn base_url(&self) -> String {
        let mut address = self.address;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{address}")
    }

    /// Serves until `shutdown` is ready, then breaks off what still waits or streams.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let (close, closing) = watch::channel(false);
        let mut closed = closing.clone();
        let shared = Arc::new(routes::Shared::new(self.options, closing));
        let listener = self.listener.tap_io(|connection| {
            // A connection that is gone already has no need of it.
            let _ = connection.set_nodelay(true);
        });
        let serving = axum::serve(listener, routes::handle.with_state(shared).into_make_service())
            .with_graceful_shutdown(async move {
                shutdown.await;
                close.send_replace(true);
            })
            .into_future();
        tokio::select! {
            result = serving => result,
            () = async {
                let _ = closed.wait_for(|closed| *closed).await;
                tokio::time::sleep(GRACE).await;
            } => Ok(()),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// A server running in the background; it stops when this is dropped.
pub struct MockHandle {
    base_url: String,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    stopped: mpsc::Receiver<()>,
}

impl MockHandle {
    /// Starts a server on the runtime.
    ///
    /// # Errors
    ///
    /// As [`MockServer::bind`].
    pub fn start(options: MockOptions, runtime: &Handle) -> io::Result<Self> {
        let server = {
            let _runtime = runtime.enter();
            MockServer::bind(options)?
        };
        let (base_url, address) = (server.base_url(), server.local_addr());
        let (stop, mut stopping) = watch::channel(false);
        let (ended, stopped) = mpsc::channel();
        runtime.spawn(async move {
            let shutdown = async move {
                // An error is a dropped handle.
                let _ = stopping.wait_for(|stopping| *stopping).await;
            };
            // `axum::serve` has no errors of its own.
            let _ = server.serve(shutdown).await;
            drop(ended);
        });
        Ok(Self { base_url, address, stop, stopped })
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops the server and waits until it has, two seconds at most. Blocks, so not for async code: drop it there.
    pub fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.stopped.recv_timeout(GRACE * 2);
    }
}
