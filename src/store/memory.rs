//! Values in this process's memory, bounded by their bytes.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{Named, Store};
use crate::error::Result;

/// What an entry costs besides its name and its bytes, roughly.
const OVERHEAD: u64 = 128;
/// The size of a usual answer, for the first guess at how many there will be.
const USUAL: u64 = 2048;

/// Values by name. What is used least makes room when the bytes are used up.
pub struct MemoryStore {
    values: Cache<String, Kept, Weight>,
    capacity: u64,
}

#[derive(Clone)]
struct Kept {
    bytes: Bytes,
    until: Option<Instant>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<String, Kept> for Weight {
    fn weight(&self, name: &String, kept: &Kept) -> u64 {
        name.len() as u64 + kept.bytes.len() as u64 + OVERHEAD
    }
}

impl MemoryStore {
    /// Room for so many bytes, names and bookkeeping included.
    pub fn new(capacity: u64) -> Self {
        let items = usize::try_from(capacity / USUAL).unwrap_or(usize::MAX).clamp(16, 100_000);
        Self { values: Cache::with_weighter(items, capacity, Weight), capacity }
    }

    /// The bytes that are used.
    pub fn used(&self) -> u64 {
        self.values.weight()
    }

    fn find(&self, name: &String, now: Instant) -> Option<Bytes> {
        let kept = self.values.get(name)?;
        if kept.until.is_some_and(|until| until <= now) {
            self.values.remove_if(name, |kept| kept.until.is_some_and(|until| until <= now));
            return None;
        }
        Some(kept.bytes)
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>>> {
        let now = Instant::now();
        ready(Ok(names.iter().map(|name| self.find(name, now)).collect())).boxed()
    }

    fn set<'a>(&'a self, values: &'a [Named], ttl: Option<Duration>) -> BoxFuture<'a, Result<()>> {
        // A time that cannot be reached is none.
        let until = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        for (name, bytes) in values {
            self.values.insert(name.clone(), Kept { bytes: bytes.clone(), until });
        }
        ready(Ok(())).boxed()
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<()>> {
        for name in names {
            self.values.remove(name);
        }
        ready(Ok(())).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.values.clear();
        ready(Ok(())).boxed()
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn is_immediate(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("capacity", &self.capacity)
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn has(store: &MemoryStore, name: &str) -> bool {
        store.get(&[name.to_owned()]).await.unwrap()[0].is_some()
    }

    fn value(name: &str, size: usize) -> Vec<Named> {
        vec![(name.to_owned(), Bytes::from(vec![b'x'; size]))]
    }

    #[tokio::test]
    async fn bytes_bound_it() {
        let store = MemoryStore::new(100_000);
        for index in 0..1000 {
            store.set(&value(&format!("name-{index}"), 1000), None).await.unwrap();
        }
        assert!(store.used() <= 100_000, "{}", store.used());
        let mut kept = 0;
        for index in 0..1000 {
            kept += usize::from(has(&store, &format!("name-{index}")).await);
        }
        assert!((50..=100).contains(&kept), "{kept}");
    }

    #[tokio::test]
    async fn what_is_larger_than_all_of_it_is_not_kept() {
        let store = MemoryStore::new(10_000);
        store.set(&value("small", 100), None).await.unwrap();
        store.set(&value("large", 20_000), None).await.unwrap();
        assert!(!has(&store, "large").await);
        assert!(store.used() <= 10_000);
    }

    #[tokio::test]
    async fn values_age() {
        let store = MemoryStore::new(10_000);
        store.set(&value("short", 10), Some(Duration::ZERO)).await.unwrap();
        store.set(&value("long", 10), Some(Duration::MAX)).await.unwrap();
        assert!(!has(&store, "short").await);
        assert!(has(&store, "long").await);
    }

    #[tokio::test]
    async fn values_are_deleted_and_cleared() {
        let store = MemoryStore::new(10_000);
        for name in ["a", "b", "c"] {
            store.set(&value(name, 10), None).await.unwrap();
        }
        store.delete(&["a".to_owned()]).await.unwrap();
        assert!(!has(&store, "a").await && has(&store, "b").await);
        store.clear().await.unwrap();
        assert!(!has(&store, "b").await && store.used() == 0);
    }
}
