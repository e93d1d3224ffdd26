//! A cache over stores that are slow, broken or simply there.

use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::json;

use super::*;
use crate::error::Kind;
use crate::store::memory::MemoryStore;

/// A store that takes its time, and then fails or not.
#[derive(Debug)]
struct Slow {
    inner: MemoryStore,
    delay: Duration,
    fails: bool,
}

impl Slow {
    async fn wait(&self) -> Result<()> {
        tokio::time::sleep(self.delay).await;
        if self.fails { Err(Error::new(Kind::Connection, "gone")) } else { Ok(()) }
    }
}

impl Store for Slow {
    fn get<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>>> {
        async move {
            self.wait().await?;
            self.inner.get(names).await
        }
        .boxed()
    }

    fn set<'a>(&'a self, values: &'a [Named], ttl: Option<Duration>) -> BoxFuture<'a, Result<()>> {
        async move {
            self.wait().await?;
            self.inner.set(values, ttl).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<()>> {
        self.inner.delete(names)
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.clear()
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        self.wait().boxed()
    }
}

fn cache(delay: Duration, fails: bool) -> Cache {
    let store = Slow { inner: MemoryStore::new(1 << 20), delay, fails };
    Cache::new(Arc::new(store), CacheSettings::default(), Handle::current())
}

fn entry(text: &str) -> Entry {
    Entry::new(Kept::Json(json!({ "text": text })))
}

fn text(entry: Option<&Entry>) -> Option<String> {
    let Kept::Json(value) = &entry?.response else { return None };
    Some(value["text"].as_str()?.to_owned())
}

async fn read(cache: &Cache, key: &str) -> Option<String> {
    text(cache.read(&[key.to_owned()], None).await[0].as_ref())
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_can_be_read_before_it_is_written() {
    let cache = cache(Duration::from_secs(1), false);
    cache.write(&[("a".into(), entry("one"))], None);
    let begun = tokio::time::Instant::now();
    assert_eq!(read(&cache, "a").await.as_deref(), Some("one"));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    cache.write(&[("a".into(), entry("two"))], None);
    assert_eq!(read(&cache, "a").await.as_deref(), Some("two"), "the newer one of two on their way");
    assert!(!cache.pending.is_empty());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(cache.pending.is_empty());
    assert_eq!(read(&cache, "a").await.as_deref(), Some("two"));
    assert_eq!(read(&cache, "b").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_waited_for_once() {
    let cache = cache(Duration::from_secs(3600), false);
    let begun = tokio::time::Instant::now();
    assert_eq!(read(&cache, "a").await, None);
    assert_eq!(begun.elapsed(), READ_LIMIT);
    for _ in 0..10 {
        assert_eq!(read(&cache, "a").await, None);
    }
    assert_eq!(begun.elapsed(), READ_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_fails_nobody() {
    let cache = cache(Duration::ZERO, true);
    cache.write(&[("a".into(), entry("one"))], None);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(read(&cache, "a").await, None);
    assert!(cache.pending.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_written_is_bounded() {
    let cache = cache(Duration::from_secs(20), false);
    for index in 0..2 * PENDING {
        cache.write(&[(format!("{index}"), entry("x"))], None);
    }
    assert!(cache.pending.waiting.lock().unwrap().values.len() <= PENDING);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert!(cache.pending.is_empty());
}

#[tokio::test]
async fn age_is_the_readers_to_decide() {
    let settings = CacheSettings { ttl: Some(Duration::from_secs(60)), ..CacheSettings::default() };
    let cache = Cache::new(Arc::new(MemoryStore::new(1 << 20)), settings, Handle::current());
    let mut old = entry("old");
    old.timestamp -= 30.0;
    cache.write(&[("a".into(), old)], None);
    let keys = ["a".to_owned()];
    assert!(cache.read(&keys, Some(Duration::from_secs(10))).await[0].is_none());
    assert!(cache.read(&keys, Some(Duration::from_secs(100))).await[0].is_some());
    assert!(cache.read(&keys, None).await[0].is_some());
}

#[tokio::test]
async fn an_entry_of_others_is_none() {
    let store = Arc::new(MemoryStore::new(1 << 20));
    store.set(&[("a".to_owned(), Bytes::from("nonsense"))], None).await.unwrap();
    let cache = Cache::new(store, CacheSettings::default(), Handle::current());
    assert_eq!(read(&cache, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn what_waits_under_one_name_counts_each_time() {
    let cache = cache(Duration::from_secs(20), false);
    let large = "x".repeat(LARGEST / 2);
    for _ in 0..20 {
        cache.write(&[("a".into(), entry(&large))], None);
    }
    let (writes, bytes) = {
        let waiting = cache.pending.waiting.lock().unwrap();
        (waiting.writes, waiting.bytes)
    };
    assert!(writes * large.len() <= PENDING_BYTES && writes > 4, "{writes}");
    assert!(bytes >= writes * large.len() && bytes <= PENDING_BYTES, "{bytes}");
    tokio::time::sleep(Duration::from_secs(40)).await;
    let waiting = cache.pending.waiting.lock().unwrap();
    assert_eq!((waiting.writes, waiting.bytes, waiting.values.len()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_many_values_is_kept_in_pieces() {
    let cache = cache(Duration::from_secs(1), false);
    let many: Vec<(String, Entry)> = (0..2048).map(|at| (format!("{at}"), entry("x"))).collect();
    cache.write(&many, None);
    tokio::time::sleep(Duration::from_secs(20)).await;
    for name in ["0", "255", "256", "2047"] {
        assert_eq!(read(&cache, name).await.as_deref(), Some("x"), "{name}");
    }
}

/// Neighbours that take their time.
#[derive(Debug, Default)]
struct Far(AtomicU64);

impl Neighbours for Far {
    fn nearest<'a>(&'a self, _question: &'a Question) -> BoxFuture<'a, Result<Option<(f64, Entry)>>> {
        async { Ok(None) }.boxed()
    }

    fn add<'a>(
        &'a self,
        _question: &'a Question,
        _entry: &'a Bytes,
        _ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<()>> {
        async {
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(())
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn answers_kept_by_meaning_are_bounded_too() {
    let far = Arc::new(Far::default());
    let semantic = Semantic {
        neighbours: far.clone(),
        model: "m".into(),
        threshold: 0.9,
        embedding_timeout: Duration::from_secs(1),
    };
    let store = Arc::new(MemoryStore::new(0));
    let cache = Cache::semantic(store, semantic, CacheSettings::default(), Handle::current());
    let question = |at: usize| Question { scope: "s".into(), text: format!("{at}"), vector: vec![1.0] };
    cache.add(question(0), &entry(&"x".repeat(LARGEST + 1)), None);
    assert!(cache.pending.is_empty(), "larger than what is kept");
    for at in 0..20 {
        cache.add(question(at), &entry(&"x".repeat(LARGEST / 2)), None);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = usize::try_from(far.0.load(Ordering::Relaxed)).unwrap();
    assert!(begun > 4 && begun * (LARGEST / 2) <= PENDING_BYTES, "{begun}");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(cache.pending.is_empty());
}
