//! What is known of a request: made when it comes, told to those who count when it has ended.

use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;

use super::admission::Principal;
use super::endpoint::Endpoint;
use super::hooks::Hooked;
use crate::engine::new_uuid;

/// A request of a client.
#[derive(Debug, Clone)]
pub struct Call {
    /// In the answer's headers and in the log.
    pub id: Arc<str>,
    pub begun: Instant,
    pub endpoint: Endpoint,
    pub principal: Principal,
    /// For the hooks of the configuration, where it has some.
    pub hooked: Option<Arc<Hooked>>,
}

impl Call {
    pub fn new(parts: &Parts, endpoint: Endpoint, principal: Principal) -> Self {
        let given = parts.headers.get("x-litellm-call-id").and_then(|id| id.to_str().ok());
        let id = given.filter(|id| id.len() <= 128).map_or_else(new_uuid, str::to_owned);
        Self { id: id.into(), begun: Instant::now(), endpoint, principal, hooked: None }
    }
}
