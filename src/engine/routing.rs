//! How a router has carried out a call, for those who look at the answer.

use std::sync::Arc;

use crate::error::Kind;

/// What became of a call on its way through a router.
#[derive(Debug, Clone, Default)]
pub struct Routing {
    /// The id of the deployment that answered; for a failed call, of the last one.
    pub deployment: Arc<str>,
    /// The group that was asked for, or the fallback that answered.
    pub group: Arc<str>,
    /// Attempts after the first in that group, and how many were allowed.
    pub retries: u32,
    pub retries_allowed: u32,
    pub fallbacks: u32,
    /// In the order in which they ended.
    pub attempts: Vec<AttemptRecord>,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct AttemptRecord {
    pub deployment: Arc<str>,
    pub group: Arc<str>,
    /// The upstream model.
    pub model: String,
    /// Microseconds since the Unix epoch.
    pub began: u64,
    pub ended: u64,
    /// A second request because the first was slow.
    pub is_hedge: bool,
    pub failure: Option<Failure>,
    /// Given up because another attempt was faster.
    pub is_abandoned: bool,
}

/// What an attempt failed with.
#[derive(Debug, Clone)]
pub struct Failure {
    pub kind: Kind,
    pub status: u16,
    pub message: String,
}
