//! Load balancing, fallbacks, retries and cooldowns over an [`Engine`](crate::engine::Engine).
//!
//! `deployment` is one way to a model, `groups` what names stand for, `live` what deployments are doing. A call makes
//! a `plan`: a state machine without I/O that says what to do next. `driver` carries plans out. Time and chance are
//! `clock`'s and can be set, so that all but the driver is tested without sleeping.

mod affinity;
pub mod clock;
mod cooldown;
mod deployment;
mod driver;
mod fallback;
mod groups;
mod hedging;
mod lease;
mod limits;
mod live;
mod plan;
mod policy;
mod queue;
mod request;
mod settings;
mod shared;
mod strategy;
mod stream;
#[cfg(test)]
mod tests;
mod weights;

use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};

pub use clock::{Clock, Moment, Random};
pub use deployment::Deployment;
pub use driver::{Caller, Outcome, preview, run};
pub use fallback::{Fallbacks, Hop};
pub use groups::{Alias, Found, Group, Table};
pub use lease::Lease;
pub use live::{Latency, Live, Totals};
pub use plan::{Attempt, Plan, Step};
pub use queue::Place;
pub use request::Asked;
pub use settings::{Hedging, RouterSettings};
pub use strategy::Strategy;

use affinity::Affinity;
use hedging::Percentiles;
use queue::Queue;
use shared::Together;

use crate::store::together::Shared;

/// The settings and the deployments as one call sees them.
#[derive(Debug, Default)]
pub struct View {
    pub settings: RouterSettings,
    pub table: Table,
}

/// What a listed model costs: a token of input and one of output together.
pub type Prices = fn(&str) -> Option<f64>;

/// Deployments and what is known of them. Shared by all calls.
#[derive(Debug)]
pub struct Router {
    view: RwLock<Arc<View>>,
    pub clock: Clock,
    pub random: Random,
    prices: Prices,
    queue: Arc<Queue>,
    affinity: Affinity,
    percentiles: Percentiles,
    together: Option<Together>,
}

/// The prices of the list of models.
fn listed_price(key: &str) -> Option<f64> {
    let entry = crate::models::public_entry(key)?;
    let price = |name: &str| entry.get(name).and_then(serde_json::Value::as_f64);
    Some(price("input_cost_per_token")? + price("output_cost_per_token").unwrap_or(0.0))
}

impl Router {
    pub fn new(deployments: Vec<Arc<Deployment>>, settings: RouterSettings) -> Self {
        Self::with(deployments, settings, Clock::system(), Random::fresh())
    }

    /// With a clock and a source of chance of one's own.
    pub fn with(
        deployments: Vec<Arc<Deployment>>,
        settings: RouterSettings,
        clock: Clock,
        random: Random,
    ) -> Self {
        let table = Table::new(deployments, settings.aliases.clone());
        Self {
            view: RwLock::new(Arc::new(View { settings, table })),
            clock,
            random,
            prices: listed_price,
            queue: Arc::default(),
            affinity: Affinity::default(),
            percentiles: Percentiles::default(),
            together: None,
        }
    }

    /// Shares what it knows with the routers of other processes.
    pub fn sharing(mut self, store: Arc<dyn Shared>) -> Self {
        self.together = Some(Together::new(store));
        self
    }

    fn together(&self) -> Option<&Together> {
        self.together.as_ref()
    }

    /// Counts tokens of an answer.
    pub fn count_tokens(&self, deployment: &Deployment, tokens: u64, now: Moment) {
        deployment.live.tokens.add(now.minute(), tokens);
        if let Some(together) = &self.together {
            together.count(deployment, 't', tokens, now);
        }
    }

    pub fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts other deployments in place. What is known of those that were there before stays, by their ids.
    pub fn set_deployments(&self, mut deployments: Vec<Deployment>) {
        let view = self.view();
        for deployment in &mut deployments {
            if let Some(known) = view.table.by_id(&deployment.id) {
                deployment.live = known.live.clone();
            }
        }
        self.replace(deployments.into_iter().map(Arc::new).collect());
    }

    /// Puts deployments in place with what another router knows of them: for settings that change as a whole.
    pub fn take_over(&self, other: &Self, mut deployments: Vec<Deployment>) {
        let known = other.view();
        for deployment in &mut deployments {
            if let Some(known) = known.table.by_id(&deployment.id) {
                deployment.live = known.live.clone();
            }
        }
        self.replace(deployments.into_iter().map(Arc::new).collect());
    }

    fn replace(&self, deployments: Vec<Arc<Deployment>>) {
        self.change(|old| {
            let table = Table::new(deployments, old.settings.aliases.clone());
            View { settings: old.settings.clone(), table }
        });
    }

    pub fn set_settings(&self, settings: RouterSettings) {
        self.change(|old| {
            let table = Table::new(old.table.deployments.clone(), settings.aliases.clone());
            View { settings, table }
        });
    }

    /// Adds a deployment, or puts it in the place of the one with its id.
    pub fn upsert(&self, mut deployment: Deployment) {
        let mut deployments = self.view().table.deployments.clone();
        match deployments.iter_mut().find(|known| known.id == deployment.id) {
            Some(known) => {
                deployment.live = known.live.clone();
                *known = Arc::new(deployment);
            }
            None => deployments.push(Arc::new(deployment)),
        }
        self.replace(deployments);
    }

    pub fn remove(&self, id: &str) -> Option<Arc<Deployment>> {
        let mut deployments = self.view().table.deployments.clone();
        let at = deployments.iter().position(|known| &*known.id == id)?;
        let removed = deployments.remove(at);
        self.replace(deployments);
        Some(removed)
    }

    fn change(&self, to: impl FnOnce(&View) -> View) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        *view = Arc::new(to(&view));
    }

    /// Forgets latencies, counts, cooldowns and which calls belong together, and what is shared.
    pub fn forget(&self) {
        let own = || {
            for deployment in &self.view().table.deployments {
                deployment.live.forget();
            }
        };
        match &self.together {
            Some(together) => together.forget(own),
            None => own(),
        }
        self.affinity.forget();
        self.queue.wake();
    }

    /// The ids of a group's deployments that are left alone now.
    pub fn cooling(&self, group: &Group) -> Vec<Arc<str>> {
        let now = self.clock.now();
        let cooling = |one: &&Arc<Deployment>| one.live.cooldown(now).is_some();
        group.members().filter(cooling).map(|one| one.id.clone()).collect()
    }

    /// A deployment for a call, chosen as a call would, without beginning one.
    pub fn choose(self: &Arc<Self>, asked: Asked) -> Result<Arc<Deployment>> {
        Plan::new(self.clone(), asked)?.choose()
    }
}

/// The error of a name that no group has.
fn unknown_group(name: &str) -> Error {
    Error::bad_request(format!("You passed in model={name}. There are no healthy deployments for this model"))
        .with_param("model")
}
