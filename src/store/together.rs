//! What several processes know together: counts of a minute, marks that expire, and the last of some values.
//!
//! In Redis: one hash for the counts of each minute, one for marks, one for values; one pipeline for all.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::redis::{Redis, RedisOptions};
use crate::error::{Error, Result};

/// What one process has to say, and wants to know, at a time. Names are the deployments' ids.
#[derive(Debug, Default, Clone)]
pub struct Notes {
    /// What is known so far is to be forgotten before these are added.
    pub forget: bool,
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
    options: RedisOptions,
    prefix: String,
    /// The server as a process reaches it: connections do not survive a fork.
    redis: Mutex<Option<(u32, Arc<Redis>)>>,
}

impl fmt::Debug for RedisTogether {
    /// Without its address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisTogether")
    }
}

impl RedisTogether {
    /// `url` is `redis://[user:password@]host:port/db`, or `rediss://` with TLS.
    pub fn new(url: &str, prefix: &str) -> Result<Self> {
        let read = RedisOptions::from_url(url);
        let read = read.map_err(|_| Error::invalid("redis_url", "expected the address of a Redis server"))?;
        let options = RedisOptions { connect_timeout: LIMIT, response_timeout: LIMIT, ..read };
        Ok(Self { options, prefix: prefix.to_owned(), redis: Mutex::new(None) })
    }

    /// The server, for this process.
    fn redis(&self) -> Arc<Redis> {
        let process = std::process::id();
        let mut held = self.redis.lock().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some((of, redis)) if *of == process => redis.clone(),
            _ => {
                let redis = Arc::new(Redis::new(self.options.clone()));
                *held = Some((process, redis.clone()));
                redis
            }
        }
    }

    async fn put_together(&self, notes: &Notes) -> Result<Known> {
        let counts = format!("{}:minute:{}", self.prefix, notes.minute);
        let (marks, values) = (format!("{}:cooling", self.prefix), format!("{}:latency", self.prefix));
        let mut pipe = redis::pipe();
        if notes.forget {
            for name in [&counts, &marks, &values] {
                pipe.del(name).ignore();
            }
        }
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
        let read: (All, All, All) = self.redis().run_all(&pipe).await?;
        Ok(Known { counts: read.0, marks: read.1, values: read.2 })
    }
}

impl Shared for RedisTogether {
    fn exchange<'s>(&'s self, notes: &'s Notes) -> Pending<'s> {
        Box::pin(self.put_together(notes))
    }
}
