//! WebSockets.

use axum::response::Response;

use super::Context;
use crate::error::{Error, Result};

pub async fn realtime(_context: Context<'_>) -> Result<Response> {
    Err(Error::bad_request("This is a WebSocket."))
}

pub async fn responses(_context: Context<'_>) -> Result<Response> {
    Err(Error::bad_request("This is a WebSocket."))
}
