//! The way out: the only module that knows an HTTP client.
//!
//! One pooled client for each set of connection settings, made when first used. Bodies are read with a bound, and
//! every wait has a limit.

mod http;
pub mod public;
mod retry_after;

pub use http::{Body, Carries, Connection, Limits, Reach, Rest, Transport, Upgraded, Verify, timed_out};
pub use retry_after::{retry_after, should_retry};
