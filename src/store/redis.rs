//! Redis: one hash for the counts of each minute, one for marks, one for values; one pipeline for all.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::OnceCell;

use super::{Known, Notes, Pending, Shared};
use crate::error::{Error, Kind, Result};

/// How long counts outlive their minute, in seconds.
const KEPT: i64 = 120;
/// How long a value is of use, in seconds.
const VALUES_KEPT: i64 = 3600;
/// The longest wait for a connection or an answer.
const LIMIT: Duration = Duration::from_secs(1);

/// All of a hash.
type All = HashMap<String, u64>;

pub struct Redis {
    client: redis::Client,
    prefix: String,
    connection: OnceCell<ConnectionManager>,
}

impl fmt::Debug for Redis {
    /// Without its address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}

/// A failure in words that quote no address.
fn failed(error: &redis::RedisError) -> Error {
    Error::new(Kind::Connection, format!("Redis: {}", error.category()))
}

impl Redis {
    /// `url` is `redis://[user:password@]host:port/db`, or `rediss://` with TLS.
    pub fn new(url: &str, prefix: &str) -> Result<Self> {
        let client = redis::Client::open(url)
            .map_err(|_| Error::invalid("redis_url", "expected the address of a Redis server"))?;
        Ok(Self { client, prefix: prefix.to_owned(), connection: OnceCell::new() })
    }

    async fn connection(&self) -> Result<ConnectionManager> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        let connected =
            self.connection.get_or_try_init(|| self.client.get_connection_manager_with_config(config));
        connected.await.cloned().map_err(|error| failed(&error))
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

impl Shared for Redis {
    fn exchange<'s>(&'s self, notes: &'s Notes) -> Pending<'s> {
        Box::pin(self.put_together(notes))
    }
}
