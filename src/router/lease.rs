//! A deployment that a call has begun to use.

use std::fmt;
use std::sync::Arc;

use super::{Deployment, Router};

/// Counts as a call under way until it is dropped.
pub struct Lease {
    pub deployment: Arc<Deployment>,
    router: Option<Arc<Router>>,
}

impl Lease {
    /// `deployment` has been counted as begun.
    pub(super) fn begun(router: Arc<Router>, deployment: Arc<Deployment>) -> Self {
        Self { deployment, router: Some(router) }
    }

    /// Of a deployment that nothing is counted for.
    pub(super) fn uncounted(deployment: Arc<Deployment>) -> Self {
        Self { deployment, router: None }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.deployment).finish()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(router) = &self.router {
            self.deployment.live.end();
            router.queue.wake();
        }
    }
}
