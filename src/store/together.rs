//! What several processes know together: counts of a minute, marks that expire, and the last of some values.
//!
//! In Redis: one hash for the counts of each minute, one for marks, one for values; one pipeline for all.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::sync::Mutex;

use crate::error::{Error, Kind, Result};

/// What one process has to say, and wants to know, at a time. Names are the deployments' ids.
#[derive(Debug, Default, Clone)]
pub struct Notes {
    /// The calendar minute of the counts.
    pub minute: u64,
    /// Counts to add to, by name.
    pub counts: HashMap<String, u64>,
    /// Until when each of these holds, in milliseconds since the epoch.
    pub marks: HashMap<String, u64>,
    /// Values, of which the last counts.
    pub values: HashMap<String, u64>,
}

/// The same after everybody's notes have been put together.
#[derive(Debug, Default)]
pub struct Known {
    pub counts: HashMap<String, u64>,
    pub marks: HashMap<String, u64>,
    pub values: HashMap<String, u64>,
}

/// An answer that is waited for.
pub type Pending<'s> = Pin<Box<dyn Future<Output = Result<Known>> + Send + 's>>;

/// A place where notes are put together.
pub trait Shared: fmt::Debug + Send + Sync {
    /// Adds notes and brings what is known then, in one round trip.
    fn exchange<'s>(&'s self, notes: &'s Notes) -> Pending<'s>;
}

/// How long counts outlive their minute, in seconds.
const KEPT: i64 = 120;
/// How long a value is of use, in seconds.
const VALUES_KEPT: i64 = 3600;
/// The longest wait for a connection or an answer.
const LIMIT: Duration = Duration::from_secs(1);

/// All of a hash.
type All = HashMap<String, u64>;

pub struct RedisTogether {
    client: redis::Client,
    prefix: String,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl fmt::Debug for RedisTogether {
    /// Without its address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisTogether")
    }
}

/// A failure in words that quote no address.
fn failed(error: &redis::RedisError) -> Error {
    Error::new(Kind::Connection, format!("Redis: {}", error.category()))
}

impl RedisTogether {
    /// `url` is `redis://[user:password@]host:port/db`, or `rediss://` with TLS.
    pub fn new(url: &str, prefix: &str) -> Result<Self> {
        let client = redis::Client::open(url)
            .map_err(|_| Error::invalid("redis_url", "expected the address of a Redis server"))?;
        Ok(Self { client, prefix: prefix.to_owned(), connection: Mutex::new(None) })
    }

    /// The connection that is there, or a new one.
    async fn connection(&self) -> Result<MultiplexedConnection> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = &*held {
            return Ok(connection.clone());
        }
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        let made = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let made = made.map_err(|error| failed(&error))?;
        *held = Some(made.clone());
        Ok(made)
    }

    async fn put_together(&self, notes: &Notes) -> Result<Known> {
        let mut connection = self.connection().await?;
        let counts = format!("{}:minute:{}", self.prefix, notes.minute);
        let (marks, values) = (format!("{}:cooling", self.prefix), format!("{}:latency", self.prefix));
        let mut pipe = redis::pipe();
        for (name, count) in &notes.counts {
            pipe.hincr(&counts, name, *count).ignore();
        }
        if !notes.counts.is_empty() {
            pipe.expire(&counts, KEPT).ignore();
        }
        for (name, until) in &notes.marks {
            pipe.hset(&marks, name, *until).ignore();
        }
        for (name, value) in &notes.values {
            pipe.hset(&values, name, *value).ignore();
        }
        if !notes.marks.is_empty() {
            pipe.expire(&marks, VALUES_KEPT).ignore();
        }
        if !notes.values.is_empty() {
            pipe.expire(&values, VALUES_KEPT).ignore();
        }
        pipe.hgetall(&counts).hgetall(&marks).hgetall(&values);
        let read: (All, All, All) =
            pipe.query_async(&mut connection).await.map_err(|error| failed(&error))?;
        Ok(Known { counts: read.0, marks: read.1, values: read.2 })
    }
}

impl Shared for RedisTogether {
    fn exchange<'s>(&'s self, notes: &'s Notes) -> Pending<'s> {
        Box::pin(self.put_together(notes))
    }
}
