//! The rules of translation, one test each, named after its id. No socket: keywords in, bodies and answers out.

#![allow(clippy::indexing_slicing, reason = "a test that fails to find its field has failed")]

mod coverage;
mod general;
mod openai;
mod support;
