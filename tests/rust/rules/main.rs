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
mod chat_over_responses;
mod coverage;
mod dialects;
mod general;
mod messages;
mod messages_answers;
mod openai;
mod responses;
mod support;
