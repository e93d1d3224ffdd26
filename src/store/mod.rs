//! State that several processes share: counts of a minute, marks that expire, and the last of some values.

mod redis;

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;

pub use self::redis::Redis;
use crate::error::Result;

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
