//! The AI gateway: the HTTP face of the core. One port that every OpenAI, Anthropic and Gemini client can use.
//!
//! A request goes through here in this order: `server` accepts the connection and bounds it, `endpoint` says what the
//! path means and in whose format the client speaks (`dialect`), `admission` lets the client in, `body` reads what it
//! sent, a route in `routes` answers, `answer` and `headers` write that. Errors of every step leave in the client's own
//! format. There is no translation here: that is the core's.

mod admission;
mod answer;
mod body;
mod calls;
pub mod config;
mod dialect;
mod endpoint;
pub mod explain;
mod handle;
mod headers;
mod hooked_stream;
pub mod hooks;
pub mod observe;
mod record;
mod routes;
mod server;
pub mod start;
mod state;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use server::{Server, ServerOptions};
pub use state::Gateway;
