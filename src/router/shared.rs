//! What several processes know of their deployments, put together off the way of calls.
//!
//! A call only leaves a note. A thread of its own hands the notes to the store and takes what others have said: one
//! round trip for all notes that have come in meanwhile. When the store is away, the router goes on by itself and says
//! so once; what was not told is told later, as far as it still matters.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::clock::Moment;
use super::{Deployment, Router};
use crate::error::Result;
use crate::store::together::{Known, Notes, Shared};

/// The shortest time between two round trips, and the longest.
const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(500);
/// The wait while the store is away.
const AWAY: Duration = Duration::from_millis(500);

/// Notes that wait, and the thread that takes them.
#[derive(Debug)]
pub struct Together {
    store: Arc<dyn Shared>,
    notes: Mutex<Notes>,
    noted: Condvar,
    /// How often everything was forgotten. Held while a reply is taken over, so that no reply of before that is.
    forgotten: Mutex<u64>,
    /// The process whose thread runs: a forked child has none yet.
    process: AtomicU32,
}

impl Together {
    pub fn new(store: Arc<dyn Shared>) -> Self {
        Self {
            store,
            notes: Mutex::default(),
            noted: Condvar::new(),
            forgotten: Mutex::default(),
            process: AtomicU32::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_forgotten(&self) -> MutexGuard<'_, u64> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what is known together, and `own`, which is what this process has of it.
    pub fn forget(&self, own: impl FnOnce()) {
        let mut forgotten = self.lock_forgotten();
        *forgotten += 1;
        *self.lock() = Notes { forget: true, ..Notes::default() };
        own();
        drop(forgotten);
        self.noted.notify_one();
    }

    /// Leaves a note of a request (`r`) or of tokens (`t`).
    pub fn count(&self, deployment: &Deployment, what: char, count: u64, now: Moment) {
        let mut notes = self.lock();
        if notes.minute != now.minute() {
            // What was not told of an earlier minute is of no use any more.
            notes.minute = now.minute();
            notes.counts.clear();
        }
        *notes.counts.entry(format!("{}:{what}", deployment.id)).or_default() += count;
        drop(notes);
        self.noted.notify_one();
    }

    pub fn cools(&self, deployment: &Deployment, until: Moment) {
        self.lock().marks.insert(deployment.id.to_string(), until.0 / 1000);
        self.noted.notify_one();
    }

    pub fn took(&self, deployment: &Deployment, seconds: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a latency in microseconds"
        )]
        let micros = (seconds.max(0.0) * 1e6) as u64;
        self.lock().values.insert(deployment.id.to_string(), micros);
    }

    /// Begins the thread, once in each process. It ends when the router goes.
    pub fn start(&self, router: &Arc<Router>) {
        let process = std::process::id();
        let before = self.process.swap(process, Ordering::AcqRel);
        if before == process {
            return;
        }
        if before != 0 {
            // A fork: its parent tells the notes that have come with it.
            *self.lock() = Notes::default();
        }
        let router = Arc::downgrade(router);
        let begun = std::thread::Builder::new().name("ferrolite-shared".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                work(&runtime, &router);
            }
        });
        if begun.is_err() {
            self.process.store(0, Ordering::Release);
        }
    }

    /// Waits for a note, at most so long.
    fn wait(&self) {
        let notes = self.lock();
        if notes.counts.is_empty() && notes.marks.is_empty() && !notes.forget {
            let _ = self.noted.wait_timeout(notes, LONGEST);
        }
    }

    /// Puts notes back that nobody has taken.
    fn put_back(&self, old: Notes) {
        let mut notes = self.lock();
        notes.forget |= old.forget;
        if notes.minute == old.minute {
            for (name, count) in old.counts {
                *notes.counts.entry(name).or_default() += count;
            }
        }
        for (name, until) in old.marks {
            notes.marks.entry(name).or_insert(until);
        }
    }

    /// One round trip.
    async fn exchange(&self, router: &Router) -> Result<()> {
        let forgotten = *self.lock_forgotten();
        let now = router.clock.now();
        let notes = {
            let mut held = self.lock();
            let mut notes = std::mem::take(&mut *held);
            if notes.minute != now.minute() {
                notes.counts.clear();
                notes.minute = now.minute();
            }
            held.minute = now.minute();
            notes
        };
        let exchanged = self.store.exchange(&notes).await;
        let still = self.lock_forgotten();
        let is_of_before = *still != forgotten;
        match exchanged {
            Ok(known) if !is_of_before => {
                let own = self.lock().counts.clone();
                apply(router, &own, &known, now);
            }
            Ok(_) => {}
            Err(error) => {
                if !is_of_before {
                    self.put_back(notes);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

fn work(runtime: &tokio::runtime::Runtime, router: &Weak<Router>) {
    let mut is_away = false;
    loop {
        let Some(router) = router.upgrade() else { return };
        let Some(together) = router.together() else { return };
        together.wait();
        let pause = match runtime.block_on(together.exchange(&router)) {
            Ok(()) => {
                if is_away {
                    tracing::info!("the shared store of the router is back");
                }
                is_away = false;
                SHORTEST
            }
            Err(error) => {
                if !is_away {
                    tracing::warn!(error = %error, "the shared store of the router is away: each process goes on by itself");
                }
                is_away = true;
                AWAY
            }
        };
        drop(router);
        std::thread::sleep(pause);
    }
}

/// Takes over what is known together; `own` are counts that have come in meanwhile.
fn apply(router: &Router, own: &HashMap<String, u64>, known: &Known, now: Moment) {
    let minute = now.minute();
    let sum = |name: &str| {
        known.counts.get(name).copied().unwrap_or_default() + own.get(name).copied().unwrap_or_default()
    };
    for deployment in &router.view().table.deployments {
        let live = &deployment.live;
        live.requests.raise(minute, sum(&format!("{}:r", deployment.id)));
        live.tokens.raise(minute, sum(&format!("{}:t", deployment.id)));
        if let Some(until) = known.marks.get(&*deployment.id) {
            let until = Moment(until * 1000);
            if until > now {
                live.cool_until(until);
            }
        }
        if let Some(micros) = known.values.get(&*deployment.id) {
            live.learn(Duration::from_micros(*micros));
        }
    }
}
