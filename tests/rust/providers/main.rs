//! The registry of providers: every row against what is known of its provider, and every verb by itself.

#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy takes the helpers of a test for other code"
)]

mod addresses;
mod answers;
#[path = "../call.rs"]
mod call;
mod calls;
mod errors;
mod facts;
mod messages;
mod natives;
mod parameters;
mod polling;
mod quirks;
mod resources;
mod rows;
mod stream_errors;
mod subscriptions;
mod support;
mod verbs;
mod vertex;
