//! Connections: taken, bounded, served, and seen off when the gateway stops.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::handle::handle;
use super::state::Gateway;

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How much of a connection's answer waits for a client that does not read it, in bytes; also the longest head.
const BUFFER: usize = 32 * 1024;
/// The pause after the system had no room for another connection.
const FULL: Duration = Duration::from_millis(50);
const BACKLOG: u32 = 1024;

/// Where a gateway listens.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    pub host: String,
    /// 0 takes any free port.
    pub port: u16,
    /// The most connections at once; further ones wait.
    pub max_connections: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 4000, max_connections: 20_000 }
    }
}

/// A gateway that has its port and waits to be served.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    connections: Arc<Semaphore>,
}

impl Server {
    /// Takes the port. To be called within a tokio runtime.
    ///
    /// # Errors
    /// What the system says about the address.
    pub fn bind(options: &ServerOptions) -> io::Result<Self> {
        let mut refused = io::Error::new(io::ErrorKind::InvalidInput, "the host has no address");
        for address in (options.host.as_str(), options.port).to_socket_addrs()? {
            match listen(address) {
                Ok(listener) => {
                    let address = listener.local_addr()?;
                    let connections = Arc::new(Semaphore::new(options.max_connections));
                    return Ok(Self { listener, address, connections });
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready, then lets what is under way end, within the gateway's limit.
    pub async fn serve(self, gateway: Arc<Gateway>, shutdown: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        let builder = Arc::new(builder());
        loop {
            let room = self.connections.clone().acquire_owned();
            let (accepted, room) = tokio::select! {
                biased;
                () = shutdown.as_mut() => break,
                both = async { let room = room.await; (self.listener.accept().await, room) } => both,
            };
            let Ok((stream, peer)) = accepted else {
                // Out of descriptors, mostly: those under way free some.
                tokio::time::sleep(FULL).await;
                continue;
            };
            // A connection that is gone already has no need of it.
            let _ = stream.set_nodelay(true);
            let (gateway, builder, watcher) = (gateway.clone(), builder.clone(), graceful.watcher());
            tokio::spawn(async move {
                serve_connection(stream, peer, gateway, &builder, watcher).await;
                drop(room);
            });
        }
        drop(self.listener);
        let drain = gateway.running().config.general.drain;
        gateway.stop_taking();
        tokio::select! {
            () = graceful.shutdown() => {}
            () = tokio::time::sleep(drain) => tracing::warn!("requests are broken off: the time to stop is over"),
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(BUFFER)
        .pipeline_flush(true);
    builder.http2().timer(TokioTimer::new()).max_send_buf_size(BUFFER).max_concurrent_streams(256);
    builder
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    gateway: Arc<Gateway>,
    builder: &auto::Builder<TokioExecutor>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let service = service_fn(move |request| {
        let gateway = gateway.clone();
        async move { Ok::<_, std::convert::Infallible>(handle(gateway, request, peer).await) }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        // A client that has gone, mostly: nothing to be done for it.
        tracing::debug!(%peer, error = %error, "a connection ended");
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
