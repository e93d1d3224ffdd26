//! The registry of providers: every row against what is known of its provider, and every verb by itself.

#![allow(clippy::indexing_slicing, reason = "a test that fails to find its field has failed")]

mod addresses;
mod errors;
mod facts;
mod messages;
mod parameters;
mod quirks;
mod support;
mod verbs;
