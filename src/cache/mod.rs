//! Answers that are kept, so that the same question is asked once.
//!
//! A cache never fails a call and never holds one up: what cannot be read in time is asked upstream, what is kept is
//! written behind the caller's back. It knows nothing of how calls are made; the engine asks it before and tells it after.

mod entry;
mod key;
mod policy;
mod semantic;
mod spec;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::error::{Error, Result};
use crate::hub::CallType;
use crate::store::{Named, Store};
use crate::transport::timed_out;

pub use entry::{Entry, Kept};
pub use key::KeyMaker;
pub use policy::{Mode, Policy, call_type_named, public_name};
pub use semantic::{Neighbours, Question, Semantic};
pub use spec::Spec;

/// The longest that a call waits for a store.
const READ_LIMIT: Duration = Duration::from_secs(2);
/// The longest that an answer takes to be written.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// After a store has not answered, nobody waits for it for so long.
const PAUSE: Duration = Duration::from_secs(5);
/// The most answers that wait to be written, and their bytes; what comes then is not kept.
const PENDING: usize = 1024;
const PENDING_BYTES: usize = 64 * 1024 * 1024;
/// What a value that waits takes besides its name and bytes, roughly.
const PENDING_VALUE: usize = 128;
/// An answer of more values, as vectors are, is written and counted in pieces of so many.
const PIECE: usize = 256;
/// The largest answer that is kept, in bytes.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// How a cache behaves, whatever it keeps its answers in.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    pub mode: Mode,
    /// The call types that are cached.
    pub call_types: Vec<CallType>,
    /// In front of all keys.
    pub namespace: Option<String>,
    /// How long an answer is kept when the call does not say.
    pub ttl: Option<Duration>,
    /// The longest that a call waits for the store.
    pub read_limit: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        let call_types = CallType::ALL.into_iter().filter(|kind| public_name(*kind).is_some());
        Self {
            mode: Mode::default(),
            call_types: call_types.collect(),
            namespace: None,
            ttl: None,
            read_limit: READ_LIMIT,
        }
    }
}

/// A cache of answers. It belongs to one runtime: that of its `home`.
#[derive(Debug)]
pub struct Cache {
    pub settings: CacheSettings,
    store: Arc<dyn Store>,
    /// Questions are compared by what they mean, and not by their keys.
    semantic: Option<Arc<Semantic>>,
    /// Where the store's connections live.
    home: Handle,
    pending: Arc<Pending>,
    trouble: Arc<Trouble>,
}

/// Answers that are on their way into the store; they can be read already.
#[derive(Debug, Default)]
struct Pending {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The newest under each name.
    values: HashMap<String, Bytes>,
    /// Of all that wait, older ones under the same name too.
    writes: usize,
    bytes: usize,
}

/// What went wrong with the store lately. It is said once, until the store works again.
#[derive(Debug)]
struct Trouble {
    begun: Instant,
    /// Milliseconds since `begun` until which nobody waits; 0 for none.
    paused_until: AtomicU64,
    said: std::sync::atomic::AtomicBool,
}

impl Cache {
    /// A cache over a store, whose connections are looked after by the runtime `home`.
    pub fn new(store: Arc<dyn Store>, settings: CacheSettings, home: Handle) -> Self {
        Self {
            settings,
            store,
            semantic: None,
            home,
            pending: Arc::default(),
            trouble: Arc::new(Trouble::new()),
        }
    }

    /// The same for questions that mean the same. `store` has what is asked for by its key.
    pub fn semantic(
        store: Arc<dyn Store>,
        semantic: Semantic,
        settings: CacheSettings,
        home: Handle,
    ) -> Self {
        Self { semantic: Some(Arc::new(semantic)), ..Self::new(store, settings, home) }
    }

    /// The same store, and what is on its way there, under other settings.
    pub fn with_settings(&self, settings: CacheSettings) -> Self {
        Self {
            settings,
            store: self.store.clone(),
            semantic: self.semantic.clone(),
            home: self.home.clone(),
            pending: self.pending.clone(),
            trouble: self.trouble.clone(),
        }
    }

    /// How questions are compared, where they are.
    pub fn by_meaning(&self) -> Option<&Semantic> {
        self.semantic.as_deref()
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub fn serves(&self, call_type: CallType) -> bool {
        self.settings.call_types.contains(&call_type)
    }

    /// The entries under several keys; `None` for what is not there, is too old, or cannot be had.
    pub async fn read(&self, keys: &[String], max_age: Option<Duration>) -> Vec<Option<Entry>> {
        let found = self.find(keys).await;
        let mut entries = vec![None; keys.len()];
        for (entry, bytes) in entries.iter_mut().zip(found) {
            let read = bytes.and_then(|bytes| Entry::read(&bytes));
            *entry = read.filter(|entry| max_age.is_none_or(|max_age| !entry.is_older_than(max_age)));
        }
        entries
    }

    async fn find(&self, keys: &[String]) -> Vec<Option<Bytes>> {
        if self.store.is_immediate() {
            return self.store.get(keys).await.unwrap_or_default();
        }
        let mut found = self.pending.find(keys);
        if found.iter().all(Option::is_some) || self.trouble.is_paused() {
            return found;
        }
        let (store, names) = (self.store.clone(), keys.to_vec());
        let outcome = self.at_home(self.settings.read_limit, async move { store.get(&names).await }).await;
        match outcome {
            Ok(stored) => {
                self.trouble.is_over();
                for (slot, value) in found.iter_mut().zip(stored) {
                    if slot.is_none() {
                        *slot = value;
                    }
                }
            }
            Err(error) => self.trouble.is("read", &error),
        }
        found
    }

    /// Keeps entries. Returns at once; they can be read from now on.
    pub fn write(&self, entries: &[(String, Entry)], ttl: Option<Duration>) {
        let mut values: Vec<Named> = entries
            .iter()
            .map(|(key, entry)| (key.clone(), entry.write()))
            .filter(|(_, bytes)| !bytes.is_empty() && bytes.len() <= LARGEST)
            .collect();
        let ttl = ttl.or(self.settings.ttl);
        if values.is_empty() {
            return;
        }
        if self.store.is_immediate() {
            let _ = futures_util::FutureExt::now_or_never(self.store.set(&values, ttl));
            return;
        }
        let mut begun = Vec::new();
        while !values.is_empty() {
            let rest = values.split_off(PIECE.min(values.len()));
            if !self.begins(&values) {
                break;
            }
            begun.push(std::mem::replace(&mut values, rest));
        }
        if begun.is_empty() {
            return;
        }
        let (store, pending, trouble) = (self.store.clone(), self.pending.clone(), self.trouble.clone());
        self.home.spawn(async move {
            let mut works = true;
            for piece in begun {
                if works {
                    works = trouble.note(tokio::time::timeout(WRITE_LIMIT, store.set(&piece, ttl)).await);
                }
                pending.end(&piece);
            }
        });
    }

    /// Whether there is room for values that wait to be written.
    fn begins(&self, values: &[Named]) -> bool {
        let begins = !self.trouble.is_paused() && self.pending.begin(values);
        if !begins {
            tracing::debug!(entries = values.len(), "cache: the store does not keep up, not kept");
        }
        begins
    }

    /// The entry of a question that means the same, and how similar it is.
    pub async fn nearest(&self, question: &Question, max_age: Option<Duration>) -> Option<(f64, Entry)> {
        let semantic = self.semantic.as_ref()?;
        if self.trouble.is_paused() {
            return None;
        }
        let (neighbours, asked) = (semantic.neighbours.clone(), question.clone());
        let work = async move { neighbours.nearest(&asked).await };
        let found = match self.at_home(self.settings.read_limit, work).await {
            Ok(found) => {
                self.trouble.is_over();
                found?
            }
            Err(error) => {
                self.trouble.is("read", &error);
                return None;
            }
        };
        let young = max_age.is_none_or(|max_age| !found.1.is_older_than(max_age));
        (found.0 >= semantic.threshold && young).then_some(found)
    }

    /// Keeps an entry by what its question means. Returns at once.
    pub fn add(&self, question: Question, entry: &Entry, ttl: Option<Duration>) {
        let Some(semantic) = &self.semantic else { return };
        let bytes = entry.write();
        if bytes.is_empty() || bytes.len() > LARGEST {
            return;
        }
        let written = [(format!("{}:{}", question.scope, question.text), bytes)];
        if !self.begins(&written) {
            return;
        }
        let (neighbours, pending, trouble) =
            (semantic.neighbours.clone(), self.pending.clone(), self.trouble.clone());
        let ttl = ttl.or(self.settings.ttl);
        self.home.spawn(async move {
            let add = neighbours.add(&question, &written[0].1, ttl);
            trouble.note(tokio::time::timeout(WRITE_LIMIT, add).await);
            pending.end(&written);
        });
    }

    /// Waits until what was kept has been written, at most so long. Says whether it has.
    pub async fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.pending.is_empty() {
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }

    /// Carries out work of the store's where its connections live, within a time limit.
    pub async fn at_home<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let task = AbortOnDrop(self.home.spawn(async move {
            tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out(limit)))
        }));
        task.await
            .unwrap_or_else(|_| Err(Error::new(crate::error::Kind::InternalServer, "the store's task ended")))
    }
}

/// A task that nobody waits for any more ends.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = std::result::Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pending {
    fn find(&self, keys: &[String]) -> Vec<Option<Bytes>> {
        let Ok(waiting) = self.waiting.lock() else { return vec![None; keys.len()] };
        keys.iter().map(|key| waiting.values.get(key).cloned()).collect()
    }

    /// False when there is no room.
    fn begin(&self, fresh: &[Named]) -> bool {
        let Ok(mut waiting) = self.waiting.lock() else { return false };
        let bytes = waiting.bytes + weight(fresh);
        if waiting.writes >= PENDING || bytes > PENDING_BYTES {
            return false;
        }
        waiting.writes += 1;
        waiting.bytes = bytes;
        waiting.values.extend(fresh.iter().cloned());
        true
    }

    fn end(&self, written: &[Named]) {
        let Ok(mut waiting) = self.waiting.lock() else { return };
        waiting.writes = waiting.writes.saturating_sub(1);
        waiting.bytes = waiting.bytes.saturating_sub(weight(written));
        for (key, bytes) in written {
            // A newer answer may be on its way under the same key.
            if waiting.values.get(key).is_some_and(|newest| newest.as_ptr() == bytes.as_ptr()) {
                waiting.values.remove(key);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting.lock().is_ok_and(|waiting| waiting.writes == 0)
    }
}

/// What values take in memory.
fn weight(values: &[Named]) -> usize {
    values.iter().map(|(name, bytes)| name.len() + bytes.len() + PENDING_VALUE).sum()
}

impl Trouble {
    fn new() -> Self {
        Self { begun: Instant::now(), paused_until: AtomicU64::new(0), said: false.into() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_paused(&self) -> bool {
        self.paused_until.load(Ordering::Relaxed) > self.now()
    }

    fn is(&self, what: &str, error: &Error) {
        let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        self.paused_until.store(self.now() + pause, Ordering::Relaxed);
        if self.said.swap(true, Ordering::Relaxed) {
            tracing::debug!(error = %error, "cache: an answer cannot be {what}");
        } else {
            tracing::warn!(error = %error, "cache: an answer cannot be {what}; calls go on without it");
        }
    }

    /// What has come of a write. Says whether it has worked.
    fn note(&self, outcome: std::result::Result<Result<()>, tokio::time::error::Elapsed>) -> bool {
        match outcome.unwrap_or_else(|_| Err(timed_out(WRITE_LIMIT))) {
            Ok(()) => {
                self.is_over();
                true
            }
            Err(error) => {
                self.is("written", &error);
                false
            }
        }
    }

    fn is_over(&self) {
        if self.said.swap(false, Ordering::Relaxed) {
            tracing::info!("cache: the store works again");
        }
        self.paused_until.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
