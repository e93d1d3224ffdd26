//! Where values are kept between calls: bytes under a name, for a while.
//!
//! A store knows nothing of what it keeps. Its connections live on the runtime where it is first used, so an owner uses
//! one store on one runtime.

pub mod disk;
pub mod memory;
pub mod object;
pub mod redis;
#[cfg(test)]
pub(crate) mod stand_in;
pub mod together;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::Result;

/// A value and the name it has.
pub type Named = (String, Bytes);

/// Keeps bytes by name. A value that is not there, or no longer, is `None` and no error.
pub trait Store: Send + Sync + fmt::Debug {
    /// The values of several names, in their order.
    fn get<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>>>;

    /// Keeps values, for as long as `ttl` says or until there is no room for them.
    fn set<'a>(&'a self, values: &'a [Named], ttl: Option<Duration>) -> BoxFuture<'a, Result<()>>;

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<()>>;

    /// Forgets everything that this store has kept.
    fn clear(&self) -> BoxFuture<'_, Result<()>>;

    /// Whether it can be reached.
    fn ping(&self) -> BoxFuture<'_, Result<()>>;

    /// Whether it answers without waiting for anything.
    fn is_immediate(&self) -> bool {
        false
    }
}
