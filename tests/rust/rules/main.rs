//! The rules of translation, one test each, named after its id. No socket: keywords in, bodies and answers out.

#![allow(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy takes the helpers of a test for other code"
)]

mod azure;
#[path = "../call.rs"]
mod call;
mod coverage;
mod dialects;
mod general;
mod messages;
mod openai;
mod responses;
mod support;
