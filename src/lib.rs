//! ferrolite: call any language model in OpenAI's format.
//!
//! In reading order: `hub` holds the canonical forms, `wires` the languages that providers speak, `providers` the
//! table of who speaks what where, `models` what is known of models, `pricing` what calls cost, `config` the settings
//! and the environment, `auth`, `address` and `transport` the way out, `dates` how moments are written, `store` and
//! `cache` what is kept between calls, `engine` one call from request to answer, `router` many deployments behind one
//! name. The faces are `gateway` (the HTTP server), `mock` (a fake provider server) and `python` (the native module); they contain no
//! translation.

pub mod address;
pub mod auth;
pub mod cache;
pub mod config;
pub mod dates;
pub mod engine;
pub mod error;
pub mod hub;
pub mod json;
pub mod models;
pub mod pricing;
pub mod providers;
pub mod router;
pub mod store;
pub mod tokens;
pub mod transport;
pub mod wires;

#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(feature = "gateway")]
pub mod mock;

#[cfg(feature = "python")]
#[expect(unsafe_code, reason = "the C API of the interpreter; each use says why it is sound")]
mod python;
