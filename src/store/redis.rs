//! Redis and what speaks its language (Valkey, KeyDB …): one server or a cluster, with TLS where asked for.
//!
//! One connection serves all calls at a time (their answers come in order), is made when it is first used and anew when
//! it has broken. It lives on the runtime that made it.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo as _, Pipeline, RedisConnectionInfo, RedisError, RedisFuture, RedisResult,
    TlsCertificates, Value,
};
use tokio::sync::Mutex;

use super::{Named, Store};
use crate::auth::Secret;
use crate::error::{Error, Kind, Result};

/// After a server could not be reached, calls fail at once for so long.
const PAUSE: Duration = Duration::from_secs(1);
/// A connection that nobody uses is asked after so long whether it still stands, and so often.
const KEEPALIVE: Duration = Duration::from_secs(30);
const PROBES: Duration = Duration::from_secs(10);
/// Names that are deleted at a time when everything is cleared.
const CLEARED: usize = 500;

/// Where a server is and how to reach it.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// Host and port of the server; of several servers that know the others, for a cluster.
    pub nodes: Vec<(String, u16)>,
    /// The path of a Unix socket, in place of a host.
    pub socket: Option<PathBuf>,
    pub is_cluster: bool,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// The number of the database; a cluster has only 0.
    pub database: i64,
    pub tls: Option<RedisTls>,
    /// For making a connection.
    pub connect_timeout: Duration,
    /// For an answer.
    pub response_timeout: Duration,
}

/// How the server's certificate is checked.
#[derive(Debug, Clone, Default)]
pub struct RedisTls {
    /// Accept any certificate.
    pub is_insecure: bool,
    /// A PEM file with roots in place of the system's.
    pub roots: Option<PathBuf>,
    /// PEM files with this side's certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            nodes: vec![("localhost".to_owned(), 6379)],
            socket: None,
            is_cluster: false,
            username: None,
            password: None,
            database: 0,
            tls: None,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(5),
        }
    }
}

impl RedisOptions {
    /// Reads `redis://user:password@host:port/database`; `rediss://` for TLS, `unix://` for a socket.
    ///
    /// # Errors
    /// `Config` for an address that is none. It does not show the address, which may hold a password.
    pub fn from_url(url: &str) -> Result<Self> {
        let wrong = || {
            let what = "the Redis address cannot be read: expected redis://user:password@host:port/database";
            Error::new(Kind::Config, what)
        };
        let info = url.into_connection_info().map_err(|_| wrong())?;
        let mut options = Self {
            username: info.redis_settings().username().map(str::to_owned),
            password: info.redis_settings().password().map(Secret::new),
            database: info.redis_settings().db(),
            ..Self::default()
        };
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => options.nodes = vec![(host.clone(), *port)],
            ConnectionAddr::TcpTls { host, port, insecure, .. } => {
                options.nodes = vec![(host.clone(), *port)];
                options.tls = Some(RedisTls { is_insecure: *insecure, ..RedisTls::default() });
            }
            ConnectionAddr::Unix(path) => options.socket = Some(path.clone()),
            _ => return Err(wrong()),
        }
        Ok(options)
    }
}

/// A server, or a cluster of them. Making one opens nothing.
pub struct Redis {
    options: RedisOptions,
    link: Mutex<Link>,
}

/// The connection as it stands.
enum Link {
    None,
    Up(Connection),
    /// It could not be made: why, and when.
    Down(Instant, String),
}

/// Cheap to clone: all clones share one connection.
#[derive(Clone)]
pub enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl Redis {
    pub fn new(options: RedisOptions) -> Self {
        Self { options, link: Mutex::new(Link::None) }
    }

    pub fn options(&self) -> &RedisOptions {
        &self.options
    }

    /// Carries out one command; once more when the connection turns out to have broken.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let (mut connection, is_fresh) = self.connection().await?;
        let failed = match command.query_async(&mut connection).await {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        if !self.has_broken(&failed).await || is_fresh {
            return Err(explained(&failed));
        }
        let (mut connection, _) = self.connection().await?;
        command.query_async(&mut connection).await.map_err(|failed| explained(&failed))
    }

    /// Carries out several commands with one wait; once more when the connection turns out to have broken.
    pub async fn run_all<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T> {
        let (mut connection, is_fresh) = self.connection().await?;
        let failed = match commands.query_async(&mut connection).await {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        if !self.has_broken(&failed).await || is_fresh {
            return Err(explained(&failed));
        }
        let (mut connection, _) = self.connection().await?;
        commands.query_async(&mut connection).await.map_err(|failed| explained(&failed))
    }

    /// Forgets a connection that is of no more use.
    async fn has_broken(&self, failed: &RedisError) -> bool {
        let broken =
            failed.is_connection_dropped() || failed.is_io_error() || failed.is_unrecoverable_error();
        if broken {
            *self.link.lock().await = Link::None;
        }
        // What timed out may have been carried out: it is not asked again.
        broken && !failed.is_timeout()
    }

    /// The connection, and whether it was made just now.
    async fn connection(&self) -> Result<(Connection, bool)> {
        let mut link = self.link.lock().await;
        match &*link {
            Link::Up(connection) => return Ok((connection.clone(), false)),
            Link::Down(since, why) if since.elapsed() < PAUSE => return Err(unreachable(why)),
            Link::Down(..) | Link::None => {}
        }
        let limit = self.options.connect_timeout;
        let made = tokio::time::timeout(limit, self.connect()).await;
        let failed = match made {
            Ok(Ok(connection)) => {
                *link = Link::Up(connection.clone());
                return Ok((connection, true));
            }
            Ok(Err(failed)) => text_of(&failed),
            Err(_) => format!("no connection within {} seconds", limit.as_secs_f64()),
        };
        let error = unreachable(&failed);
        *link = Link::Down(Instant::now(), failed);
        Err(error)
    }

    async fn connect(&self) -> RedisResult<Connection> {
        // Fails when another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = &self.options;
        let certificates = options.tls.as_ref().map(RedisTls::certificates).transpose()?;
        if options.is_cluster {
            let nodes = options.nodes.iter().map(|node| options.at(node)).collect::<RedisResult<Vec<_>>>()?;
            let mut builder = ClusterClient::builder(nodes)
                .connection_timeout(options.connect_timeout)
                .response_timeout(options.response_timeout)
                .tcp_settings(options.tcp());
            if let Some(certificates) = certificates {
                builder = builder.certs(certificates);
            }
            return builder.build()?.get_async_connection().await.map(Connection::Cluster);
        }
        let address = match (&options.socket, options.nodes.first()) {
            (Some(path), _) => options.with(ConnectionAddr::Unix(path.clone()).into_connection_info()?),
            (None, Some(node)) => options.at(node)?,
            (None, None) => options.at(&("localhost".to_owned(), 6379))?,
        };
        let client = match certificates {
            Some(certificates) => Client::build_with_tls(address, certificates)?,
            None => Client::open(address)?,
        };
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout));
        client.get_multiplexed_async_connection_with_config(&settings).await.map(Connection::Single)
    }
}

impl RedisOptions {
    fn at(&self, (host, port): &(String, u16)) -> RedisResult<ConnectionInfo> {
        let address = match &self.tls {
            None => ConnectionAddr::Tcp(host.clone(), *port),
            Some(tls) => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: tls.is_insecure,
                tls_params: None,
            },
        };
        Ok(self.with(address.into_connection_info()?))
    }

    fn with(&self, info: ConnectionInfo) -> ConnectionInfo {
        let mut settings = RedisConnectionInfo::default().set_db(self.database);
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.expose());
        }
        info.set_redis_settings(settings).set_tcp_settings(self.tcp())
    }

    /// The other side may go without a word: what it does not acknowledge, and what nobody uses, is not taken for open.
    fn tcp(&self) -> TcpSettings {
        let probes = TcpKeepalive::new().with_time(KEEPALIVE);
        #[cfg(not(target_os = "openbsd"))]
        let probes = probes.with_interval(PROBES);
        let settings = TcpSettings::default().set_keepalive(probes);
        #[cfg(target_os = "linux")]
        let settings = settings.set_user_timeout(self.response_timeout);
        settings
    }
}

impl RedisTls {
    fn certificates(&self) -> RedisResult<TlsCertificates> {
        let client_tls = match &self.identity {
            None => None,
            Some((certificate, key)) => Some(redis::ClientTlsConfig {
                client_cert: std::fs::read(certificate)?,
                client_key: std::fs::read(key)?,
            }),
        };
        let root_cert = self.roots.as_ref().map(std::fs::read).transpose()?;
        Ok(TlsCertificates { client_tls, root_cert })
    }
}

fn unreachable(why: &str) -> Error {
    Error::new(Kind::Connection, format!("Redis cannot be reached: {why}"))
}

fn explained(failed: &RedisError) -> Error {
    let kind = if failed.is_timeout() { Kind::Timeout } else { Kind::Connection };
    Error::new(kind, format!("Redis: {}", text_of(failed)))
}

/// What went wrong, without what was sent.
fn text_of(failed: &RedisError) -> String {
    failed.to_string()
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Values in Redis, under names that begin with `prefix`.
#[derive(Debug)]
pub struct RedisStore {
    redis: std::sync::Arc<Redis>,
    /// In front of all names.
    prefix: String,
    /// What all names that are cleared have in front; empty for the whole database.
    cleared: String,
}

impl RedisStore {
    pub fn new(redis: std::sync::Arc<Redis>, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        Self { redis, cleared: prefix.clone(), prefix }
    }

    /// Clears no more than names with this in front, which their owner puts there.
    pub fn clearing(mut self, names: &str) -> Self {
        self.cleared = format!("{}{names}", self.prefix);
        self
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn clear_all(&self) -> Result<()> {
        if self.cleared.is_empty() {
            return self.redis.run::<()>(&redis::cmd("FLUSHDB")).await;
        }
        if self.redis.options.is_cluster {
            let what = "names are not looked for in a cluster: delete them by their keys";
            return Err(Error::new(Kind::Config, what));
        }
        let pattern = format!("{}*", self.cleared.replace(['*', '?', '[', ']', '\\'], "?"));
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(CLEARED);
            let (next, names): (u64, Vec<String>) = self.redis.run(&scan).await?;
            if !names.is_empty() {
                self.redis.run::<()>(redis::cmd("DEL").arg(names)).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}

impl Store for RedisStore {
    fn get<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>>> {
        async move {
            let found: Vec<Option<Vec<u8>>> = if let [name] = names {
                vec![self.redis.run(redis::cmd("GET").arg(self.name(name))).await?]
            } else {
                // Single reads in one go: a cluster has the names in several places.
                let mut reads = Pipeline::with_capacity(names.len());
                for name in names {
                    reads.cmd("GET").arg(self.name(name));
                }
                self.redis.run_all(&reads).await?
            };
            Ok(found.into_iter().map(|value| value.map(Bytes::from)).collect())
        }
        .boxed()
    }

    fn set<'a>(&'a self, values: &'a [Named], ttl: Option<Duration>) -> BoxFuture<'a, Result<()>> {
        async move {
            let mut writes = Pipeline::with_capacity(values.len());
            for (name, bytes) in values {
                let write = writes.cmd("SET").arg(self.name(name)).arg(&bytes[..]);
                if let Some(ttl) = ttl {
                    // Redis takes no time of zero.
                    let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
                    write.arg("PX").arg(milliseconds.clamp(1, i64::MAX as u64 / 1_000_000));
                }
                writes.ignore();
            }
            self.redis.run_all(&writes).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<()>> {
        async move {
            let mut deletes = Pipeline::with_capacity(names.len());
            for name in names {
                deletes.cmd("DEL").arg(self.name(name)).ignore();
            }
            self.redis.run_all(&deletes).await
        }
        .boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.clear_all().boxed()
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        async move { self.redis.run::<()>(&redis::cmd("PING")).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let options = RedisOptions::from_url("rediss://me:s3cret-word@cache.example:6380/3").unwrap();
        assert_eq!(options.nodes, [("cache.example".to_owned(), 6380)]);
        assert_eq!((options.username.as_deref(), options.database), (Some("me"), 3));
        assert!(options.tls.is_some());
        assert!(!format!("{options:?}").contains("s3cret-word"));
        assert!(RedisOptions::from_url("redis://localhost").unwrap().tls.is_none());
        assert_eq!(
            RedisOptions::from_url("unix:///run/redis.sock").unwrap().socket,
            Some("/run/redis.sock".into())
        );
    }

    #[test]
    fn an_address_that_is_none_is_not_shown() {
        let error = RedisOptions::from_url("http://me:s3cret-word@cache.example").unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(!error.to_string().contains("s3cret-word"));
    }

    /// A server of the test's own; `None` where there is no program for one.
    fn server() -> Option<(std::process::Child, RedisOptions)> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = ["--port", &port.to_string(), "--save", "", "--bind", "127.0.0.1"];
        let child = std::process::Command::new("redis-server")
            .args(arguments)
            .stdout(std::process::Stdio::null())
            .spawn()
            .ok()?;
        let options = RedisOptions { nodes: vec![("127.0.0.1".to_owned(), port)], ..RedisOptions::default() };
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some((child, options))
    }

    #[tokio::test]
    async fn a_real_server_keeps_values() {
        let Some((mut child, options)) = server() else {
            eprintln!("skipped: there is no redis-server");
            return;
        };
        let redis = std::sync::Arc::new(Redis::new(options));
        let (store, other) = (RedisStore::new(redis.clone(), "a[1]:"), RedisStore::new(redis.clone(), "b:"));
        let names = ["x".to_owned(), "y".to_owned(), "z".to_owned()];
        let values = [("x".to_owned(), Bytes::from("1")), ("z".to_owned(), Bytes::from_static(b"\xff\0"))];
        store.set(&values, Some(Duration::from_secs(60))).await.unwrap();
        other.set(&values, None).await.unwrap();
        let found = store.get(&names).await.unwrap();
        assert_eq!(found, [Some(Bytes::from("1")), None, Some(Bytes::from_static(b"\xff\0"))]);
        let left: i64 = redis.run(redis::cmd("PTTL").arg("a[1]:x")).await.unwrap();
        assert!((1..=60_000).contains(&left), "{left}");
        // A connection that breaks is made anew, and nobody sees it.
        let _: Result<()> = redis.run(redis::cmd("CLIENT").arg("KILL").arg("SKIPME").arg("no")).await;
        assert_eq!(other.get(&names[..1]).await.unwrap(), [Some(Bytes::from("1"))]);
        store.delete(&names[..1]).await.unwrap();
        assert_eq!(store.get(&names[..1]).await.unwrap(), [None]);
        store.clear().await.unwrap();
        assert_eq!(store.get(&names).await.unwrap(), [None, None, None]);
        assert!(other.get(&names[..1]).await.unwrap()[0].is_some(), "others' values stay");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(store.ping().await.unwrap_err().kind(), Kind::Connection);
    }

    #[tokio::test]
    async fn what_cannot_be_reached_fails_at_once_for_a_while() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let options = RedisOptions { nodes: vec![("127.0.0.1".to_owned(), port)], ..RedisOptions::default() };
        let redis = Redis::new(options);
        for _ in 0..2 {
            let error = redis.run::<()>(&redis::cmd("PING")).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Connection, "{error}");
        }
        assert!(matches!(&*redis.link.lock().await, Link::Down(..)));
    }
}
