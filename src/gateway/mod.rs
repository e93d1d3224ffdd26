//! The AI gateway: the HTTP face of the core. See docs/gateway.md.

pub mod config;
