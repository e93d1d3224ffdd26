//! Values in a file that several processes may share: SQLite, with the write-ahead log.
//!
//! SQLite and not a store of one process: programs that share a directory by default run side by side.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Named, Store};
use crate::error::{Error, Kind, Result};

/// The name of the file in its directory.
const FILE: &str = "ferrolite-cache.sqlite3";
/// How long one process waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(2);
/// A value that was used is marked so, unless it is marked so lately; milliseconds.
const TOUCHED: i64 = 60_000;
/// Writes between two looks at how large it has become.
const SWEEP: u32 = 64;
/// After a sweep it is this full, in percent.
const SWEPT: u64 = 90;

const TABLE: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS cache (
        name TEXT PRIMARY KEY, value BLOB NOT NULL, until INTEGER, used INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS cache_used ON cache (used);
    CREATE INDEX IF NOT EXISTS cache_until ON cache (until) WHERE until IS NOT NULL;
";

/// A directory with values. The file is opened when it is first used.
#[derive(Clone)]
pub struct DiskStore {
    shared: Arc<Shared>,
}

struct Shared {
    directory: PathBuf,
    capacity: u64,
    open: Mutex<Option<Open>>,
}

struct Open {
    connection: Connection,
    writes: u32,
}

impl DiskStore {
    /// Room for so many bytes of values, in a directory that is made when it is missing.
    pub fn new(directory: impl Into<PathBuf>, capacity: u64) -> Self {
        Self { shared: Arc::new(Shared { directory: directory.into(), capacity, open: Mutex::new(None) }) }
    }

    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// SQLite blocks: it has a thread for itself.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Open, u64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut open = shared.open.lock().map_err(|_| failure("a call has failed in it"))?;
            let open = match &mut *open {
                Some(open) => open,
                none => none.insert(shared.open()?),
            };
            work(open, shared.capacity).map_err(|error| failure(&error.to_string()))
        });
        done.await.map_err(|_| failure("the call was cancelled"))?
    }
}

impl Shared {
    fn open(&self) -> Result<Open> {
        std::fs::create_dir_all(&self.directory).map_err(|error| failure(&error.to_string()))?;
        let made = Connection::open(self.directory.join(FILE)).and_then(|connection| {
            connection.busy_timeout(PATIENCE)?;
            connection.execute_batch(TABLE)?;
            Ok(Open { connection, writes: 0 })
        });
        made.map_err(|error| failure(&error.to_string()))
    }
}

fn failure(why: &str) -> Error {
    Error::new(Kind::InternalServer, format!("the disk cache does not work: {why}"))
}

/// Milliseconds since the epoch: processes share the clock, not the time since they began.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Open {
    fn get(&mut self, names: &[String]) -> rusqlite::Result<Vec<Option<Bytes>>> {
        let now = now();
        let mut read = self
            .connection
            .prepare("SELECT value, used FROM cache WHERE name = ?1 AND (until IS NULL OR until > ?2)")?;
        let value = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?));
        let found = names
            .iter()
            .map(|name| read.query_row(params![name, now], value).optional())
            .collect::<rusqlite::Result<Vec<_>>>()?;
        drop(read);
        let is_due = |found: &Option<(_, i64)>| found.as_ref().is_some_and(|(_, used)| now - used > TOUCHED);
        let due: Vec<&String> =
            names.iter().zip(&found).filter(|(_, found)| is_due(found)).map(|(name, _)| name).collect();
        if !due.is_empty() {
            // Not worth an error nor a wait: another process may be writing.
            self.connection.busy_timeout(Duration::ZERO)?;
            let touched = self.touch(&due, now);
            self.connection.busy_timeout(PATIENCE)?;
            if let Err(error) = touched {
                tracing::debug!(error = %error, "cache: a use is not marked");
            }
        }
        Ok(found.into_iter().map(|found| found.map(|(value, _)| Bytes::from(value))).collect())
    }

    fn touch(&self, names: &[&String], now: i64) -> rusqlite::Result<()> {
        let mut touch = self.connection.prepare("UPDATE cache SET used = ?2 WHERE name = ?1")?;
        names.iter().try_for_each(|name| touch.execute(params![name, now]).map(drop))
    }

    fn set(&mut self, values: &[Named], ttl: Option<Duration>, capacity: u64) -> rusqlite::Result<()> {
        let now = now();
        let until = ttl.map(|ttl| now.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)));
        let transaction = self.connection.transaction()?;
        for (name, bytes) in values {
            transaction.execute(
                "INSERT OR REPLACE INTO cache (name, value, until, used) VALUES (?1, ?2, ?3, ?4)",
                params![name, &bytes[..], until, now],
            )?;
        }
        transaction.commit()?;
        let before = self.writes;
        self.writes = self.writes.wrapping_add(1);
        if before.is_multiple_of(SWEEP) { self.sweep(capacity) } else { Ok(()) }
    }

    /// Drops what is too old, and what was used least lately until there is room again.
    fn sweep(&mut self, capacity: u64) -> rusqlite::Result<()> {
        self.connection.execute("DELETE FROM cache WHERE until <= ?1", params![now()])?;
        let sum = "SELECT COALESCE(SUM(LENGTH(value) + LENGTH(name)), 0) FROM cache";
        let mut used = self.connection.query_row(sum, [], |row| row.get::<_, i64>(0))?.unsigned_abs();
        let target = capacity / 100 * SWEPT;
        // The whole table is looked at once: what goes says itself how large it was.
        let mut oldest = self.connection.prepare(
            "DELETE FROM cache WHERE name IN (SELECT name FROM cache ORDER BY used LIMIT 64)
             RETURNING LENGTH(value) + LENGTH(name)",
        )?;
        while used > capacity.min(target.max(1)) {
            let gone = oldest
                .query_map([], |row| row.get::<_, i64>(0))?
                .map(|size| size.map(i64::unsigned_abs))
                .collect::<rusqlite::Result<Vec<u64>>>()?;
            if gone.is_empty() {
                break;
            }
            used = used.saturating_sub(gone.iter().sum());
        }
        Ok(())
    }
}

impl Store for DiskStore {
    fn get<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>>> {
        let names = names.to_vec();
        self.run(move |open, _| open.get(&names)).boxed()
    }

    fn set<'a>(&'a self, values: &'a [Named], ttl: Option<Duration>) -> BoxFuture<'a, Result<()>> {
        let values = values.to_vec();
        self.run(move |open, capacity| open.set(&values, ttl, capacity)).boxed()
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<()>> {
        let names = names.to_vec();
        self.run(move |open, _| {
            let mut delete = open.connection.prepare("DELETE FROM cache WHERE name = ?1")?;
            names.iter().try_for_each(|name| delete.execute(params![name]).map(drop))
        })
        .boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.run(|open, _| open.connection.execute("DELETE FROM cache", []).map(drop)).boxed()
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        self.run(|_, _| Ok(())).boxed()
    }
}

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskStore").field("directory", &self.shared.directory).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of the test's own, removed at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let place = std::env::temp_dir().join(format!("ferrolite-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&place);
            Self(place)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn value(name: &str, size: usize) -> Vec<Named> {
        vec![(name.to_owned(), Bytes::from(vec![b'x'; size]))]
    }

    async fn has(store: &DiskStore, name: &str) -> bool {
        store.get(&[name.to_owned()]).await.unwrap()[0].is_some()
    }

    #[tokio::test]
    async fn two_share_a_directory() {
        let place = Place::new("two");
        let (one, other) = (DiskStore::new(&place.0, 1 << 20), DiskStore::new(&place.0, 1 << 20));
        one.set(&value("a", 10), None).await.unwrap();
        assert!(has(&other, "a").await);
        other.set(&value("a", 20), Some(Duration::from_secs(60))).await.unwrap();
        assert_eq!(one.get(&["a".to_owned(), "b".to_owned()]).await.unwrap()[0].as_ref().unwrap().len(), 20);
        one.delete(&["a".to_owned()]).await.unwrap();
        assert!(!has(&other, "a").await);
        one.set(&value("b", 10), None).await.unwrap();
        one.clear().await.unwrap();
        assert!(!has(&one, "b").await);
    }

    #[tokio::test]
    async fn values_age_and_make_room() {
        let place = Place::new("room");
        let store = DiskStore::new(&place.0, 100_000);
        store.set(&value("short", 10), Some(Duration::ZERO)).await.unwrap();
        assert!(!has(&store, "short").await);
        for index in 0..130 {
            store.set(&value(&format!("name-{index}"), 2000), None).await.unwrap();
        }
        assert!(!has(&store, "name-0").await, "the oldest have made room");
        assert!(has(&store, "name-129").await);
    }

    #[tokio::test]
    async fn room_is_made_and_no_more() {
        let place = Place::new("sweep");
        let mut open = DiskStore::new(&place.0, 0).shared.open().unwrap();
        for index in 0..1000 {
            // Without a sweep in between.
            open.writes = 1;
            open.set(&value(&format!("{index:04}"), 996), None, u64::MAX).unwrap();
        }
        open.sweep(500_000).unwrap();
        let count = "SELECT COUNT(*) FROM cache";
        let left: i64 = open.connection.query_row(count, [], |row| row.get(0)).unwrap();
        assert!((450 - 64..=450).contains(&left), "{left}");
        open.sweep(500_000).unwrap();
        assert_eq!(open.connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), left);
    }

    #[tokio::test]
    async fn a_hit_writes_seldom_and_waits_for_nobody() {
        let place = Place::new("touch");
        let store = DiskStore::new(&place.0, 1 << 20);
        store.set(&value("a", 10), None).await.unwrap();
        let other = store.shared.open().unwrap().connection;
        let used = || other.query_row("SELECT used FROM cache", [], |row| row.get::<_, i64>(0)).unwrap();
        let mark = |age: i64| other.execute("UPDATE cache SET used = ?1", params![now() - age]).unwrap();
        mark(TOUCHED / 2);
        let before = used();
        assert!(has(&store, "a").await);
        assert_eq!(used(), before, "marked lately");
        mark(2 * TOUCHED);
        let before = used();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let begun = std::time::Instant::now();
        assert!(has(&store, "a").await);
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        other.execute_batch("ROLLBACK").unwrap();
        assert!(has(&store, "a").await);
        assert!(used() > before + TOUCHED);
        // What is kept waits again.
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let write = tokio::spawn({
            let store = store.clone();
            async move { store.set(&value("b", 10), None).await }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.execute_batch("ROLLBACK").unwrap();
        write.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_is_an_error() {
        let store = DiskStore::new("/dev/null/nowhere", 1000);
        let error = store.ping().await.unwrap_err();
        assert!(error.message().contains("disk cache"), "{error}");
    }
}
