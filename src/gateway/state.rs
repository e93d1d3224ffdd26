//! What requests share: the engine, and the configuration with its router, which a reload swaps as a whole.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use super::admission::jwt;
use super::config::Config;
use super::hooks::{self, Hooks, Maker};
use super::observe::Observer;
use crate::config::{Environment, ProcessEnvironment};
use crate::engine::{Engine, Settings};
use crate::error::{Error, Kind, Result};
use crate::router::{Caller, Router};
use crate::store::together::RedisTogether;

/// A gateway: all that its requests need.
pub struct Gateway {
    running: RwLock<Arc<Running>>,
    engine: Arc<Engine>,
    pub begun: Instant,
    pub observer: Arc<Observer>,
    under_way: AtomicUsize,
    taking: AtomicBool,
    maker: Option<Maker>,
}

/// A configuration that is in force. A request keeps the one that it began with.
pub struct Running {
    pub config: Config,
    pub router: Arc<Router>,
    pub hooks: Option<Arc<dyn Hooks>>,
    /// Whose tokens let in beside the master key.
    pub tokens: Option<Arc<jwt::Tokens>>,
    settings: Arc<Settings>,
    environment: &'static (dyn Environment + Sync),
}

/// The file's own variables before those of the process.
struct Variables(super::config::Variables);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).or_else(|| ProcessEnvironment.get(name))
    }
}

impl Running {
    fn new(mut config: Config, hooks: Option<Arc<dyn Hooks>>) -> Result<Self> {
        config.register_providers()?;
        config.open_cache(tokio::runtime::Handle::current())?;
        let environment: &'static (dyn Environment + Sync) = if config.variables.iter().next().is_none() {
            &ProcessEnvironment
        } else {
            // Calls under way may outlive the configuration, and there are as many as reloads.
            Box::leak(Box::new(Variables(config.variables.clone())))
        };
        let deployments = std::mem::take(&mut config.deployments).into_iter().map(Arc::new).collect();
        let mut router = Router::new(deployments, config.router.clone());
        if let Some(url) = &config.redis_url {
            router = router.sharing(Arc::new(RedisTogether::new(url, "ferrolite:router")?));
        }
        let tokens = config.general.jwt.clone().map(|jwt| Arc::new(jwt::Tokens::new(jwt)));
        let settings = Arc::new(config.engine.clone());
        Ok(Self { router: Arc::new(router), hooks, tokens, settings, environment, config })
    }
}

impl Gateway {
    /// To be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Kind::Config`] when the address of Redis is none, or a cache cannot be opened.
    pub fn new(config: Config) -> Result<Arc<Self>> {
        Self::with_hooks(config, None)
    }

    /// The same, with somebody who can load what the configuration names of another language.
    ///
    /// # Errors
    /// As `new`, and [`Kind::Config`] when that cannot be loaded.
    pub fn with_hooks(mut config: Config, maker: Option<Maker>) -> Result<Arc<Self>> {
        let hooks = hooks::make(maker.as_ref(), &mut config)?;
        let running = Running::new(config, hooks)?;
        let observer = Observer::new(&running.config, running.environment);
        Ok(Arc::new(Self {
            running: RwLock::new(Arc::new(running)),
            observer,
            engine: Arc::default(),
            begun: Instant::now(),
            under_way: AtomicUsize::new(0),
            taking: AtomicBool::new(true),
            maker,
        }))
    }

    /// The configuration in force.
    pub fn running(&self) -> Arc<Running> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another configuration in force. Requests under way end as they began; what is known of deployments that
    /// stay (cooldowns, latencies, counts) is kept, by their ids.
    ///
    /// # Errors
    /// The old one stays in force.
    ///
    /// To be called within a runtime of several threads: what hooks load may take its time.
    pub fn reload(&self, mut config: Config) -> Result<()> {
        let hooks = tokio::task::block_in_place(|| hooks::make(self.maker.as_ref(), &mut config))?;
        let deployments = std::mem::take(&mut config.deployments);
        let next = Running::new(config, hooks)?;
        next.router.take_over(&self.running().router, deployments);
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What calls are made with.
    pub fn caller(&self, running: &Running) -> Caller<Arc<Engine>> {
        Caller {
            engine: self.engine.clone(),
            settings: running.settings.clone(),
            environment: running.environment,
            keep_reply: false,
        }
    }

    /// Counts a request in.
    ///
    /// # Errors
    /// [`Kind::RateLimit`] when as many are under way as the configuration allows: at once, not after a wait.
    ///
    /// `always`: those who ask how the gateway is doing are let in all the same.
    pub fn enter(self: &Arc<Self>, running: &Running, always: bool) -> Result<UnderWay> {
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        let place = UnderWay(self.clone());
        match running.config.general.max_parallel_requests {
            Some(most) if before >= most && !always => {
                let mut full = Error::new(
                    Kind::RateLimit,
                    "The gateway has as many requests as it takes; come back in a second.",
                );
                full.facts_mut().retry_after = Some(std::time::Duration::from_secs(1));
                Err(full)
            }
            _ => Ok(place),
        }
    }

    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Whether new requests are taken: not any more while the gateway stops.
    pub fn is_taking(&self) -> bool {
        self.taking.load(Ordering::Relaxed)
    }

    pub(super) fn stop_taking(&self) {
        self.taking.store(false, Ordering::Relaxed);
    }
}

/// A request that is counted, until this is dropped.
pub struct UnderWay(Arc<Gateway>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
